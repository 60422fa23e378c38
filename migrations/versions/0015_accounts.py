"""the secret of a webhook before its last change; which provider let a browser in"""

import sqlalchemy as sa
from alembic import op


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('browser_sessions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('issuer', sa.String(), server_default='', nullable=False))
    with op.batch_alter_table('webhooks', schema=None) as batch_op:
        batch_op.add_column(sa.Column('old_secret', sa.String(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('webhooks', schema=None) as batch_op:
        batch_op.drop_column('old_secret_until')
        batch_op.drop_column('old_secret')
    with op.batch_alter_table('browser_sessions', schema=None) as batch_op:
        batch_op.drop_column('issuer')
