"""problems: versions of problem files, pools, evaluation specs"""

import sqlalchemy as sa
from alembic import op

revision = "0002_problems"
down_revision = "0001_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "problems",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=True),
        sa.Column("preview", sa.JSON(), nullable=True),
        sa.Column("description", sa.JSON(), nullable=True),
        sa.Column("class_counts", sa.JSON(), nullable=True),
        sa.Column("headroom", sa.JSON(), nullable=True),
        sa.Column("learning", sa.JSON(), nullable=True),
        sa.Column("preparing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        sa.UniqueConstraint("slug", "digest", name=op.f("uq_problems_slug_digest")),
    )
    op.create_index(op.f("ix_problems_slug"), "problems", ["slug"], unique=False)
    op.create_table(
        "evaluation_specs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("problem_id", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["problem_id"], ["problems.id"], name=op.f("fk_evaluation_specs_problem_id_problems")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_specs")),
        sa.UniqueConstraint("digest", name=op.f("uq_evaluation_specs_digest")),
    )
    op.create_index(op.f("ix_evaluation_specs_problem_id"), "evaluation_specs", ["problem_id"], unique=False)
    op.create_table(
        "pools",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("problem_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metrics", sa.JSON(), nullable=True),
        sa.Column("seal", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["problem_id"], ["problems.id"], name=op.f("fk_pools_problem_id_problems")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pools")),
    )
    op.create_index(op.f("ix_pools_problem_id"), "pools", ["problem_id"], unique=False)
    op.create_table(
        "pool_chunks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("pool_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_on", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name=op.f("fk_pool_chunks_pool_id_pools")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_chunks")),
        sa.UniqueConstraint("pool_id", "position", name=op.f("uq_pool_chunks_pool_id_position")),
    )
    op.create_index(op.f("ix_pool_chunks_lease_until"), "pool_chunks", ["lease_until"], unique=False)
    op.create_index(op.f("ix_pool_chunks_pool_id"), "pool_chunks", ["pool_id"], unique=False)
    op.create_index(op.f("ix_pool_chunks_state"), "pool_chunks", ["state"], unique=False)


def downgrade() -> None:
    op.drop_table("pool_chunks")
    op.drop_table("pools")
    op.drop_table("evaluation_specs")
    op.drop_table("problems")
