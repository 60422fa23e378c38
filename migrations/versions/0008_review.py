"""what staff decided about flags"""

import sqlalchemy as sa
from alembic import op

revision = "0008_review"
down_revision = "0007_boards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_flag_decisions_evaluation_id_evaluations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_decisions")),
        sa.UniqueConstraint("evaluation_id", "code", name=op.f("uq_flag_decisions_evaluation_id_code")),
    )
    op.create_table(
        "pair_decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("earlier_id", sa.String(), nullable=False),
        sa.Column("later_id", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_pair_decisions_competition_id_competitions")
        ),
        sa.ForeignKeyConstraint(
            ["earlier_id"], ["submissions.id"], name=op.f("fk_pair_decisions_earlier_id_submissions")
        ),
        sa.ForeignKeyConstraint(["later_id"], ["submissions.id"], name=op.f("fk_pair_decisions_later_id_submissions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair_decisions")),
        sa.UniqueConstraint("earlier_id", "later_id", name=op.f("uq_pair_decisions_earlier_id_later_id")),
    )
    op.create_index(op.f("ix_pair_decisions_competition_id"), "pair_decisions", ["competition_id"], unique=False)


def downgrade() -> None:
    op.drop_table("pair_decisions")
    op.drop_table("flag_decisions")
