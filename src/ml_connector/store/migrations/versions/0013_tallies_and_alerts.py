"""What all runs came to, added up; alerts; and indexes for what is looked at again and again."""

import json
from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make ``tallies``, ``alerts`` and ``alert_messages``; what runs did before is in the sums."""
    op.create_table(
        "tallies",
        sa.Column("company", sa.String(64), nullable=False),
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "flow", "kind", "outcome", name=op.f("pk_tallies")),
    )
    op.create_table(
        "alerts",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("since_at", _INSTANT, nullable=False),
        sa.Column("happened", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("raised_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_alerts")),
    )
    op.create_table(
        "alert_messages",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("since_at", _INSTANT, nullable=False),
        sa.Column("happened", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("sent_at", _INSTANT),
        sa.PrimaryKeyConstraint("kind", "subject", "address", name=op.f("pk_alert_messages")),
    )
    op.create_index("ix_runs_ended", "runs", ["company", "flow", "state", "ended_at"])
    op.drop_index("ix_holds_open", "holds")
    op.create_index("ix_holds_open", "holds", ["closed_at", "company", "flow", "code", "opened_at"])
    _add_up()


def _add_up() -> None:
    names = ("company", "flow", "state", "counts", "ended_at")
    runs = sa.table("runs", *(sa.column(name) for name in names))
    wanted = sa.select(runs.c.company, runs.c.flow, runs.c.state, runs.c.counts)
    sums: Counter[tuple[str, ...]] = Counter()
    for run in op.get_bind().execute(wanted.where(runs.c.ended_at.is_not(None))):
        sums[run.company, run.flow, "runs", run.state] += 1
        for outcome, number in _counts(run.counts).items():
            sums[run.company, run.flow, "records", outcome] += number
    columns = ("company", "flow", "kind", "outcome", "number")
    tallies = sa.table("tallies", *(sa.column(name) for name in columns))
    rows = [dict(zip(columns, (*key, number), strict=True)) for key, number in sums.items() if number]
    op.bulk_insert(tallies, rows)


def _counts(text: str) -> dict[str, int]:
    """What a run counted; nothing, where nobody can read it any more."""
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}
