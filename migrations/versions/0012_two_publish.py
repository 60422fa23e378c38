"""publishing by two people; announcements that are edited and withdrawn"""

import sqlalchemy as sa
from alembic import op


revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("publish_approvals", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.alter_column("publish_approvals", server_default=None)
    with op.batch_alter_table("phases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proposed_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("proposed_digest", sa.String(), nullable=True))
    with op.batch_alter_table("announcements", schema=None) as batch_op:
        batch_op.add_column(sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("announcements", schema=None) as batch_op:
        batch_op.drop_column("withdrawn_at")
        batch_op.drop_column("edited_at")
    with op.batch_alter_table("phases", schema=None) as batch_op:
        batch_op.drop_column("proposed_digest")
        batch_op.drop_column("proposed_at")
        batch_op.drop_column("proposed_by")
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.drop_column("publish_approvals")
