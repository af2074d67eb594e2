"""What a run that is under way weighs so far, as the safety limit counts; bulk jobs that a person gave up."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Record by record, so that a window that is done again counts nothing twice and forgets nothing."""
    op.create_table(
        "weights",
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("module", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run", "module", "key", name=op.f("pk_weights")),
    )
    op.add_column("bulk_jobs", sa.Column("given_up", sa.Text(), nullable=False, server_default=""))
