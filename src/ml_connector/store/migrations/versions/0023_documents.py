"""What a record of the CRM became in the ERP, what is still open there, and what the CRM is told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make ``documents``."""
    op.create_table(
        "documents",
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("company", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("sent", sa.Text),
        sa.Column("stood", sa.Text),
        sa.Column("intent_at", _INSTANT),
        sa.Column("intent", sa.Text),
        sa.Column("total_open", sa.Boolean, nullable=False),
        sa.Column("wanted", sa.String(32), nullable=False),
        sa.Column("deal", sa.String(64), nullable=False),
        sa.Column("quote", sa.String(64), nullable=False),
        sa.Column("won_at", _INSTANT),
        sa.Column("next_at", _INSTANT),
        sa.Column("master_number", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("own", sa.Text),
        sa.Column("tells", sa.Text),
        sa.Column("as_of", _INSTANT),
        sa.Column("told", sa.Text),
        sa.PrimaryKeyConstraint("module", "key", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_deal", "documents", ["deal"])
    op.create_index("ix_documents_number", "documents", ["company", "number"])
    op.create_index("ix_documents_master", "documents", ["company", "master_number"])
    op.create_index("ix_documents_next", "documents", ["module", "next_at"])
