"""The inbox of records that notifications told of."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make ``inbox``."""
    op.create_table(
        "inbox",
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("operation", sa.String(16), nullable=False),
        sa.Column("first_received_at", _INSTANT, nullable=False),
        sa.Column("last_received_at", _INSTANT, nullable=False),
        sa.Column("times_told", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("module", "record_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_first", "inbox", ["first_received_at"])
