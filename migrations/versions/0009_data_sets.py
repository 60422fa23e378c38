"""data sets and their versions"""

import sqlalchemy as sa
from alembic import op

revision = "0009_data_sets"
down_revision = "0008_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_sets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_sets")),
        sa.UniqueConstraint("name", name=op.f("uq_data_sets_name")),
    )
    op.create_table(
        "data_set_versions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("data_set_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("named", sa.String(), nullable=False),
        sa.Column("source_digest", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["data_set_id"], ["data_sets.id"], name=op.f("fk_data_set_versions_data_set_id_data_sets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_set_versions")),
        sa.UniqueConstraint("data_set_id", "number", name=op.f("uq_data_set_versions_data_set_id_number")),
    )
    op.create_index(op.f("ix_data_set_versions_digest"), "data_set_versions", ["digest"], unique=False)
    op.create_index(op.f("ix_data_set_versions_lease_until"), "data_set_versions", ["lease_until"], unique=False)
    op.create_index(op.f("ix_data_set_versions_state"), "data_set_versions", ["state"], unique=False)


def downgrade() -> None:
    op.drop_table("data_set_versions")
    op.drop_table("data_sets")
