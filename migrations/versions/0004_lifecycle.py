"""the life of a competition: rules, phases, grants, announcements"""

import sqlalchemy as sa
from alembic import op

revision = "0004_lifecycle"
down_revision = "0003_contests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_announcements_competition_id_competitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
    )
    op.create_index(op.f("ix_announcements_competition_id"), "announcements", ["competition_id"], unique=False)
    op.create_table(
        "phases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("spec_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposed_by", sa.String(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposed_digest", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_phases_competition_id_competitions")
        ),
        sa.ForeignKeyConstraint(["spec_id"], ["evaluation_specs.id"], name=op.f("fk_phases_spec_id_evaluation_specs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phases")),
        sa.UniqueConstraint("competition_id", "kind", name=op.f("uq_phases_competition_id_kind")),
    )
    op.create_index(op.f("ix_phases_spec_id"), "phases", ["spec_id"], unique=False)
    op.create_table(
        "rules_versions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_rules_versions_competition_id_competitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules_versions")),
        sa.UniqueConstraint("competition_id", "version", name=op.f("uq_rules_versions_competition_id_version")),
    )
    op.create_table(
        "quota_grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_quota_grants_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_grants")),
    )
    op.create_index(op.f("ix_quota_grants_team_id"), "quota_grants", ["team_id"], unique=False)
    op.create_table(
        "rules_acceptances",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("rules_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rules_id"], ["rules_versions.id"], name=op.f("fk_rules_acceptances_rules_id_rules_versions")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_rules_acceptances_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules_acceptances")),
        sa.UniqueConstraint("rules_id", "user_id", name=op.f("uq_rules_acceptances_rules_id_user_id")),
    )
    op.create_index(op.f("ix_rules_acceptances_user_id"), "rules_acceptances", ["user_id"], unique=False)
    op.create_table(
        "discussion_threads",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("competition_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("by_staff", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_post_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_discussion_threads_competition_id_competitions")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_discussion_threads_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussion_threads")),
    )
    op.create_index(
        "ix_discussion_threads_competition_posted",
        "discussion_threads",
        ["competition_id", "last_post_at"],
        unique=False,
    )
    op.create_index(op.f("ix_discussion_threads_user_id"), "discussion_threads", ["user_id"], unique=False)
    op.create_table(
        "discussion_posts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_staff", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["discussion_threads.id"], name=op.f("fk_discussion_posts_thread_id_discussion_threads")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_discussion_posts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discussion_posts")),
    )
    op.create_index(op.f("ix_discussion_posts_thread_id"), "discussion_posts", ["thread_id"], unique=False)
    op.create_index("ix_discussion_posts_user_created", "discussion_posts", ["user_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("discussion_posts")
    op.drop_table("discussion_threads")
    op.drop_table("rules_acceptances")
    op.drop_table("quota_grants")
    op.drop_table("rules_versions")
    op.drop_table("phases")
    op.drop_table("announcements")
