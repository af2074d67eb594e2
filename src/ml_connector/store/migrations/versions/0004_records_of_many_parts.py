"""A record may consist of many parts, and may be final."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Outcomes know how many parts their reading had, and whether the record never changes again."""
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("of_parts", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("final", sa.Boolean(), server_default=sa.false(), nullable=False))
