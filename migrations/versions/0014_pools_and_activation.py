"""pools keep what they were sealed with, competitions may open by hand, evaluations may be refunded"""

import sqlalchemy as sa
from alembic import op


revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seal", sa.JSON(), nullable=True))
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("opens_by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("refunded", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_column("refunded")
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.drop_column("opens_by_hand")
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.drop_column("seal")
