"""nodes, decided flags, rejudges; tasks that give way to others"""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('nodes',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('node_class', sa.String(), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('sandbox', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=False),
    sa.Column('workers', sa.Integer(), nullable=False),
    sa.Column('fault', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('draining_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('drain_reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_nodes'))
    )
    with op.batch_alter_table('nodes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_nodes_last_seen_at'), ['last_seen_at'], unique=False)
    op.create_table('flag_decisions',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('evaluation_id', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['evaluation_id'], ['evaluations.id'], name=op.f('fk_flag_decisions_evaluation_id_evaluations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flag_decisions')),
    sa.UniqueConstraint('evaluation_id', 'code', name=op.f('uq_flag_decisions_evaluation_id_code'))
    )
    op.create_table('rejudges',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('competition_id', sa.String(), nullable=False),
    sa.Column('spec_id', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('scope', sa.JSON(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('started_by', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['competition_id'], ['competitions.id'], name=op.f('fk_rejudges_competition_id_competitions')),
    sa.ForeignKeyConstraint(['spec_id'], ['evaluation_specs.id'], name=op.f('fk_rejudges_spec_id_evaluation_specs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rejudges'))
    )
    with op.batch_alter_table('rejudges', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_rejudges_competition_id'), ['competition_id'], unique=False)
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('rejudge_id', sa.String(), nullable=True))
        batch_op.add_column(sa.Column('counts', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.create_foreign_key(batch_op.f('fk_evaluations_rejudge_id_rejudges'), 'rejudges', ['rejudge_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_evaluations_rejudge_id'), ['rejudge_id'], unique=False)
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.add_column(sa.Column('priority', sa.Integer(), nullable=False, server_default='0'))


def downgrade() -> None:
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_column('priority')
    with op.batch_alter_table('evaluations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_evaluations_rejudge_id'))
        batch_op.drop_constraint(batch_op.f('fk_evaluations_rejudge_id_rejudges'), type_='foreignkey')
        batch_op.drop_column('counts')
        batch_op.drop_column('rejudge_id')
    op.drop_table('rejudges')
    op.drop_table('flag_decisions')
    op.drop_table('nodes')
