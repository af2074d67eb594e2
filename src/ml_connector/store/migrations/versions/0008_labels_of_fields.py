"""What the source's users call its fields is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    """Labels by entity and field."""
    op.create_table(
        "field_labels",
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "field", name=op.f("pk_field_labels")),
    )
