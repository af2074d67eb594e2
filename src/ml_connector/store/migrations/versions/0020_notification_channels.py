"""Notification channels."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make ``channels``."""
    op.create_table(
        "channels",
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("channel_id", sa.String(19), nullable=False),
        sa.Column("path", sa.String(64), nullable=False),
        sa.Column("notify_url", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("is_taken", sa.Boolean(), nullable=False),
        sa.Column("old_token_hash", sa.String(64), nullable=False),
        sa.Column("old_until", _INSTANT),
        sa.Column("expires_at", _INSTANT),
        sa.Column("enabled_at", _INSTANT),
        sa.Column("renewed_at", _INSTANT),
        sa.Column("verified_at", _INSTANT),
        sa.Column("todo", sa.String(8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failing_since", _INSTANT),
        sa.Column("next_try_at", _INSTANT),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("module", name=op.f("pk_channels")),
        sa.UniqueConstraint("path", name=op.f("uq_channels_path")),
    )
