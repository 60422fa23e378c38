"""the life of a competition: rules and their acceptance, a deadline, a private phase"""

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('competitions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('closes_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('selection_limit', sa.Integer(), nullable=False, server_default='2'))
    with op.batch_alter_table('submissions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('selected_at', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('phase', sa.String(), nullable=False, server_default='public'))
    op.create_table('rules_versions',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('competition_id', sa.String(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['competition_id'], ['competitions.id'], name=op.f('fk_rules_versions_competition_id_competitions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rules_versions')),
    sa.UniqueConstraint('competition_id', 'version', name=op.f('uq_rules_versions_competition_id_version'))
    )
    op.create_table('rules_acceptances',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('rules_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['rules_id'], ['rules_versions.id'], name=op.f('fk_rules_acceptances_rules_id_rules_versions')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_rules_acceptances_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rules_acceptances')),
    sa.UniqueConstraint('rules_id', 'user_id', name=op.f('uq_rules_acceptances_rules_id_user_id'))
    )
    with op.batch_alter_table('rules_acceptances', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rules_acceptances_user_id'), ['user_id'], unique=False)
    op.create_table('phases',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('competition_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('spec_id', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('fault', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['competition_id'], ['competitions.id'], name=op.f('fk_phases_competition_id_competitions')),
    sa.ForeignKeyConstraint(['spec_id'], ['evaluation_specs.id'], name=op.f('fk_phases_spec_id_evaluation_specs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phases')),
    sa.UniqueConstraint('competition_id', 'kind', name=op.f('uq_phases_competition_id_kind'))
    )
    with op.batch_alter_table('phases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_phases_spec_id'), ['spec_id'], unique=False)


def downgrade() -> None:
    op.drop_table('phases')
    op.drop_table('rules_acceptances')
    op.drop_table('rules_versions')
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.drop_column('phase')
    with op.batch_alter_table('submissions', schema=None) as batch_op:
        batch_op.drop_column('selected_at')
    with op.batch_alter_table('competitions', schema=None) as batch_op:
        batch_op.drop_column('selection_limit')
        batch_op.drop_column('closes_at')
