"""The money lines of journal entries are kept, and which months of which accounts they changed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables ``postings`` and ``posted_months``."""
    op.create_table(
        "postings",
        sa.Column("company", sa.String(64), nullable=False),
        sa.Column("entry", sa.String(128), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("account_key", sa.String(128), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(16), nullable=False),
        sa.Column("is_posted", sa.Boolean(), nullable=False),
        sa.Column("is_voided", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("document_control_id", sa.Text(), nullable=False),
        sa.Column("source_document", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("company", "entry", "line", name=op.f("pk_postings")),
    )
    op.create_index("ix_postings_account", "postings", ["company", "account_key", "month"])
    op.create_table(
        "posted_months",
        sa.Column("company", sa.String(64), nullable=False),
        sa.Column("account_key", sa.String(128), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("company", "account_key", "month", name=op.f("pk_posted_months")),
    )
    op.create_index("ix_posted_months_changed", "posted_months", ["company", "changed_at"])
