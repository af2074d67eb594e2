"""Attempts at held records that nobody asks for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

#: What was known then to heal by itself, in some cases.
_HEALING = (
    *("RECORD_LOCKED", "RECORD_IN_BLUEPRINT", "NOT_APPROVED", "NOT_REVIEWED", "BLOCKED_RECORD"),
    *("ALREADY_MODIFIED", "INTERNAL_ERROR", "SYSTEM_FAULT", "UNKNOWN_FAULT", "SBA_FAILED"),
)
#: Of these the ones that GP refused to give.
_UNREAD = ("SYSTEM_FAULT", "UNKNOWN_FAULT", "SBA_FAILED")


def upgrade() -> None:
    """What waits already and may have healed meanwhile is tried by the next run."""
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("unread", sa.Boolean(), server_default=sa.false(), nullable=False))
    names = ("code", "last_at", "closed_at", "next_at", "unread")
    holds = sa.table("holds", *(sa.column(name) for name in names))
    waits = holds.c.closed_at.is_(None)
    op.execute(sa.update(holds).where(waits, holds.c.code.in_(_HEALING)).values(next_at=holds.c.last_at))
    op.execute(sa.update(holds).where(waits, holds.c.code.in_(_UNREAD)).values(unread=sa.true()))
