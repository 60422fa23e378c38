"""submissions: evaluations, shards, replicas, scorecards"""

import sqlalchemy as sa
from alembic import op

revision = "0006_submissions"
down_revision = "0005_rejudges"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=True),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("source_digest", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("note_readers", sa.String(), nullable=False),
        sa.Column("code_prints", sa.JSON(), nullable=False),
        sa.Column("note_edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("selected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disqualified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.Column("disqualified_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_submissions_competition_id_competitions")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_submissions_team_id_teams")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_submissions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
    )
    op.create_index("ix_submissions_board", "submissions", ["competition_id", "user_id", "created_at"], unique=False)
    op.create_index(op.f("ix_submissions_team_id"), "submissions", ["team_id"], unique=False)
    op.create_index(op.f("ix_submissions_user_id"), "submissions", ["user_id"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=False),
        sa.Column("spec_id", sa.String(), nullable=False),
        sa.Column("rejudge_id", sa.String(), nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refunded", sa.Boolean(), nullable=False),
        sa.Column("held", sa.String(), nullable=True),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("node_class", sa.String(), nullable=False),
        sa.Column("replicas_total", sa.Integer(), nullable=False),
        sa.Column("score_attempts", sa.Integer(), nullable=False),
        sa.Column("score_losses", sa.Integer(), nullable=False),
        sa.Column("scoring_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scoring_fence", sa.Integer(), nullable=False),
        sa.Column("scoring_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score_failed_on", sa.JSON(), nullable=False),
        sa.Column("score_fault", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("score_low", sa.Double(), nullable=True),
        sa.Column("score_high", sa.Double(), nullable=True),
        sa.Column("score_error", sa.Double(), nullable=True),
        sa.Column("score_draws", sa.JSON(), nullable=True),
        sa.Column("scored_replicas", sa.Integer(), nullable=True),
        sa.Column("decided_early", sa.Boolean(), nullable=False),
        sa.Column("held_back", sa.Boolean(), nullable=False),
        sa.Column("relative_runtime", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'finished') = (verdict IS NOT NULL)", name=op.f("ck_evaluations_verdict_when_finished")
        ),
        sa.ForeignKeyConstraint(["rejudge_id"], ["rejudges.id"], name=op.f("fk_evaluations_rejudge_id_rejudges")),
        sa.ForeignKeyConstraint(
            ["spec_id"], ["evaluation_specs.id"], name=op.f("fk_evaluations_spec_id_evaluation_specs")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_evaluations_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    op.create_index(op.f("ix_evaluations_rejudge_id"), "evaluations", ["rejudge_id"], unique=False)
    op.create_index(op.f("ix_evaluations_spec_id"), "evaluations", ["spec_id"], unique=False)
    op.create_index(op.f("ix_evaluations_status"), "evaluations", ["status"], unique=False)
    op.create_index(op.f("ix_evaluations_submission_id"), "evaluations", ["submission_id"], unique=False)
    op.create_table(
        "calibrations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("spec_id", sa.String(), nullable=False),
        sa.Column("node_class", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("seconds", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_calibrations_evaluation_id_evaluations")
        ),
        sa.ForeignKeyConstraint(
            ["spec_id"], ["evaluation_specs.id"], name=op.f("fk_calibrations_spec_id_evaluation_specs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
        sa.UniqueConstraint(
            "spec_id", "node_class", "filename", name=op.f("uq_calibrations_spec_id_node_class_filename")
        ),
    )
    op.create_table(
        "evaluation_events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_evaluation_events_evaluation_id_evaluations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_events")),
    )
    op.create_index(op.f("ix_evaluation_events_evaluation_id"), "evaluation_events", ["evaluation_id"], unique=False)
    op.create_table(
        "scorecards",
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("epsilon_svg", sa.Text(), nullable=False),
        sa.Column("confidence_svg", sa.Text(), nullable=False),
        sa.Column("examples", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_scorecards_evaluation_id_evaluations")
        ),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_scorecards")),
    )
    op.create_table(
        "shards",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("finished_replicas", sa.Integer(), nullable=False),
        sa.Column("outputs_digest", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("failed_on", sa.JSON(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("measured", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_shards_evaluation_id_evaluations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shards")),
        sa.UniqueConstraint("evaluation_id", "position", name=op.f("uq_shards_evaluation_id_position")),
    )
    op.create_index(op.f("ix_shards_evaluation_id"), "shards", ["evaluation_id"], unique=False)
    op.create_index(op.f("ix_shards_lease_until"), "shards", ["lease_until"], unique=False)
    op.create_index(op.f("ix_shards_state"), "shards", ["state"], unique=False)
    op.create_table(
        "replicas",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("evaluation_id", sa.String(), nullable=False),
        sa.Column("shard_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("wall_seconds", sa.Double(), nullable=False),
        sa.Column("cpu_seconds", sa.Double(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("waited_seconds", sa.Double(), nullable=True),
        sa.Column("peak_memory_bytes", sa.Integer(), nullable=False),
        sa.Column("weights_sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name=op.f("fk_replicas_evaluation_id_evaluations")
        ),
        sa.ForeignKeyConstraint(["shard_id"], ["shards.id"], name=op.f("fk_replicas_shard_id_shards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replicas")),
        sa.UniqueConstraint("evaluation_id", "position", name=op.f("uq_replicas_evaluation_id_position")),
    )
    op.create_index(op.f("ix_replicas_evaluation_id"), "replicas", ["evaluation_id"], unique=False)


def downgrade() -> None:
    op.drop_table("replicas")
    op.drop_table("shards")
    op.drop_table("scorecards")
    op.drop_table("evaluation_events")
    op.drop_table("calibrations")
    op.drop_table("evaluations")
    op.drop_table("submissions")
