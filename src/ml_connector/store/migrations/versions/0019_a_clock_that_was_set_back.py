"""Times that come once more because our clock was set back."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0015"


def upgrade() -> None:
    """Up to now it never was."""
    with op.batch_alter_table("schedules", schema=None) as batch_op:
        batch_op.add_column(sa.Column("set_back", sa.Integer(), server_default="0", nullable=False))
