"""the running best of a board, kept as scores come in; the class of node that an evaluation runs on"""

import sqlalchemy as sa
from alembic import op


revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('boards', schema=None) as batch_op:
        batch_op.add_column(sa.Column('records', sa.JSON(), nullable=True))
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('node_class', sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.drop_column('node_class')
    with op.batch_alter_table('boards', schema=None) as batch_op:
        batch_op.drop_column('records')
