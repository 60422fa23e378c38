"""rejudges"""

import sqlalchemy as sa
from alembic import op

revision = "0005_rejudges"
down_revision = "0004_lifecycle"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rejudges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("spec_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_rejudges_competition_id_competitions")
        ),
        sa.ForeignKeyConstraint(
            ["spec_id"], ["evaluation_specs.id"], name=op.f("fk_rejudges_spec_id_evaluation_specs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejudges")),
    )
    op.create_index(op.f("ix_rejudges_competition_id"), "rejudges", ["competition_id"], unique=False)


def downgrade() -> None:
    op.drop_table("rejudges")
