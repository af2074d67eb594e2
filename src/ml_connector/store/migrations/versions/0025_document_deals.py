"""Which deal of the CRM a sales document of the ERP belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Make ``document_deals``."""
    op.create_table(
        "document_deals",
        sa.Column("company", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("deal", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("company", "key", name=op.f("pk_document_deals")),
    )
