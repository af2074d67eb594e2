"""When each module was last polled, and since when its notifications are taken."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make ``listening``."""
    op.create_table(
        "listening",
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("polled_at", _INSTANT),
        sa.Column("up_since", _INSTANT),
        sa.Column("missed_at", _INSTANT),
        sa.PrimaryKeyConstraint("module", name=op.f("pk_listening")),
    )
