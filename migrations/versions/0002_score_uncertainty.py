"""what a score's uncertainty and an early decision need"""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('score_error', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('score_draws', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('scored_replicas', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('decision', sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.drop_column('decision')
        batch_op.drop_column('scored_replicas')
        batch_op.drop_column('score_draws')
        batch_op.drop_column('score_error')
