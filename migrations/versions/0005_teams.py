"""teams; whoever submitted becomes a team of one"""

import sqlalchemy as sa
from alembic import op
from uuid_utils import uuid7


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('teams',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('competition_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('folded_name', sa.String(), nullable=False),
    sa.Column('leader_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['competition_id'], ['competitions.id'], name=op.f('fk_teams_competition_id_competitions')),
    sa.ForeignKeyConstraint(['leader_id'], ['users.id'], name=op.f('fk_teams_leader_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_teams')),
    sa.UniqueConstraint('competition_id', 'folded_name', name=op.f('uq_teams_competition_id_folded_name'))
    )
    op.create_table('team_members',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('team_id', sa.String(), nullable=False),
    sa.Column('competition_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['competition_id'], ['competitions.id'], name=op.f('fk_team_members_competition_id_competitions')),
    sa.ForeignKeyConstraint(['team_id'], ['teams.id'], name=op.f('fk_team_members_team_id_teams')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_team_members_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_team_members')),
    sa.UniqueConstraint('competition_id', 'user_id', name=op.f('uq_team_members_competition_id_user_id'))
    )
    with op.batch_alter_table('team_members', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_team_members_team_id'), ['team_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_team_members_user_id'), ['user_id'], unique=False)
    op.create_table('team_invites',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('team_id', sa.String(), nullable=False),
    sa.Column('user_id', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['team_id'], ['teams.id'], name=op.f('fk_team_invites_team_id_teams')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_team_invites_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_team_invites')),
    sa.UniqueConstraint('team_id', 'user_id', name=op.f('uq_team_invites_team_id_user_id'))
    )
    with op.batch_alter_table('team_invites', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_team_invites_user_id'), ['user_id'], unique=False)
    with op.batch_alter_table('competitions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('team_size', sa.Integer(), nullable=False, server_default='5'))
    with op.batch_alter_table('submissions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('team_id', sa.String(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_submissions_team_id_teams'), 'teams', ['team_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_submissions_team_id'), ['team_id'], unique=False)
    make_teams_of_one()


def make_teams_of_one() -> None:
    connection = op.get_bind()
    entrants = connection.execute(sa.text("""
        SELECT submissions.competition_id, users.id, users.name, MIN(submissions.created_at)
        FROM submissions JOIN users ON users.id = submissions.user_id
        WHERE submissions.purpose = 'ranked' GROUP BY submissions.competition_id, users.id, users.name
    """)).all()
    for competition_id, user_id, name, since in entrants:
        values = {'team': str(uuid7()), 'member': str(uuid7()), 'competition': competition_id, 'user': user_id,
                  'name': name, 'folded': name.lower(), 'since': since}
        connection.execute(sa.text("""INSERT INTO teams (id, competition_id, name, folded_name, leader_id, created_at)
            VALUES (:team, :competition, :name, :folded, :user, :since)"""), values)
        connection.execute(sa.text("""INSERT INTO team_members (id, team_id, competition_id, user_id, joined_at)
            VALUES (:member, :team, :competition, :user, :since)"""), values)
        connection.execute(sa.text("""UPDATE submissions SET team_id = :team
            WHERE competition_id = :competition AND user_id = :user AND purpose = 'ranked'"""), values)


def downgrade() -> None:
    with op.batch_alter_table('submissions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_submissions_team_id'))
        batch_op.drop_constraint(batch_op.f('fk_submissions_team_id_teams'), type_='foreignkey')
        batch_op.drop_column('team_id')
    with op.batch_alter_table('competitions', schema=None) as batch_op:
        batch_op.drop_column('team_size')
    op.drop_table('team_invites')
    op.drop_table('team_members')
    op.drop_table('teams')
