"""the practice phase's own quota"""

import sqlalchemy as sa
from alembic import op


revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = {"practice_daily_limit": "20", "practice_concurrent_limit": "2"}


def upgrade() -> None:
    with op.batch_alter_table('competitions', schema=None) as batch_op:
        for name, default in COLUMNS.items():
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default=default))


def downgrade() -> None:
    with op.batch_alter_table('competitions', schema=None) as batch_op:
        for name in reversed(COLUMNS):
            batch_op.drop_column(name)
