"""The load that a run put on the source."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Runs of before have none that is known."""
    op.add_column("runs", sa.Column("load", sa.Text(), nullable=False, server_default="{}"))
