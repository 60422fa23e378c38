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
    with op.batch_alter_table("problems", schema=None) as batch_op:
        batch_op.add_column(sa.Column("preview", sa.JSON(), nullable=True))
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("opens_by_hand", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("refunded", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE pools SET state = 'active' WHERE state = 'sealed' AND problem_id IN ("
        "SELECT evaluation_specs.problem_id FROM evaluation_specs "
        "JOIN competitions ON competitions.spec_id = evaluation_specs.id "
        "WHERE competitions.state IN ('open', 'frozen', 'closed'))"
    )


def downgrade() -> None:
    op.execute("UPDATE pools SET state = 'sealed' WHERE state IN ('active', 'retired')")
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_column("refunded")
    with op.batch_alter_table("competitions", schema=None) as batch_op:
        batch_op.drop_column("prepared_at")
        batch_op.drop_column("opens_by_hand")
    with op.batch_alter_table("problems", schema=None) as batch_op:
        batch_op.drop_column("preview")
    with op.batch_alter_table("pools", schema=None) as batch_op:
        batch_op.drop_column("seal")
