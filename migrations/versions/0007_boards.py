"""boards and their history"""

import sqlalchemy as sa
from alembic import op

revision = "0007_boards"
down_revision = "0006_submissions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boards",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("spec_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("frozen_version", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("ceiling", sa.JSON(), nullable=True),
        sa.Column("records", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_boards_competition_id_competitions")
        ),
        sa.ForeignKeyConstraint(["spec_id"], ["evaluation_specs.id"], name=op.f("fk_boards_spec_id_evaluation_specs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
        sa.UniqueConstraint("competition_id", "spec_id", name=op.f("uq_boards_competition_id_spec_id")),
    )
    op.create_table(
        "board_changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("board_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=True),
        sa.Column("rank_before", sa.Integer(), nullable=True),
        sa.Column("rank_after", sa.Integer(), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_board_changes_board_id_boards")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_board_changes_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_changes")),
        sa.UniqueConstraint("board_id", "version", name=op.f("uq_board_changes_board_id_version")),
    )
    op.create_index("ix_board_changes_at", "board_changes", ["board_id", "at"], unique=False)
    op.create_table(
        "board_lines",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("board_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("since_version", sa.Integer(), nullable=False),
        sa.Column("until_version", sa.Integer(), nullable=True),
        sa.Column("is_below", sa.Boolean(), nullable=False),
        sa.Column("is_early", sa.Boolean(), nullable=False),
        sa.Column("score_key", sa.Double(), nullable=False),
        sa.Column("runtime_key", sa.Double(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("draws", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_board_lines_board_id_boards")),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_board_lines_evaluation_id_evaluations")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_board_lines_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_lines")),
    )
    op.create_index(
        "ix_board_lines_now",
        "board_lines",
        ["board_id", "owner", "place"],
        unique=True,
        sqlite_where=sa.text("until_version IS NULL"),
        postgresql_where=sa.text("until_version IS NULL"),
    )
    op.create_index(
        "ix_board_lines_order",
        "board_lines",
        [
            "board_id",
            "is_below",
            "is_early",
            "score_key",
            "runtime_key",
            "accepted_at",
            "id",
            "place",
            "since_version",
            "until_version",
        ],
        unique=False,
    )
    op.create_index("ix_board_lines_owner", "board_lines", ["board_id", "owner"], unique=False)


def downgrade() -> None:
    op.drop_table("board_lines")
    op.drop_table("board_changes")
    op.drop_table("boards")
