"""What the CRM had of the fields that it owns, and edits of customers and vendors whose end is not known."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make ``master_edits``."""
    op.create_table(
        "master_edits",
        sa.Column("company", sa.String(64), nullable=False),
        sa.Column("entity", sa.String(64), nullable=False),
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("sent", sa.Text()),
        sa.Column("sent_at", _INSTANT),
        sa.Column("fields", sa.Text()),
        sa.Column("before", sa.Text()),
        sa.Column("held", sa.Text()),
        sa.PrimaryKeyConstraint("company", "entity", "module", "key", name=op.f("pk_master_edits")),
    )
