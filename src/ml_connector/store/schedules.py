"""When each flow is to run, as a person changed it, and up to which instant it did."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ml_connector.store.database import insert_new
from ml_connector.store.tables import schedules


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one flow's schedule."""

    flow: str
    due_at: datetime  #: the last instant that it was run for; before the first, when its schedule was set
    cron: str = ""  #: empty: as the settings say
    zone: str = ""  #: likewise
    paused: bool = False
    changed_by: str = ""  #: empty: nobody changed anything
    changed_at: datetime | None = None
    owed_at: datetime | None = (
        None  #: due once more at that instant: a system that was away ended its run, or records are tried again
    )
    set_back: int = 0  #: so often our clock was set back behind ``due_at``: times come once more


def know(tx: sa.Connection, flows: Iterable[str], now: datetime) -> None:
    """These flows are scheduled from now on, where they were not."""
    new = {"cron": "", "zone": "", "paused": False, "changed_by": "", "changed_at": None, "owed_at": None}
    insert_new(tx, schedules, [{"flow": flow, "due_at": now} | new for flow in flows])


def find(tx: sa.Connection) -> dict[str, Kept]:
    """What is kept, by flow."""
    names = Kept.__dataclass_fields__
    rows = tx.execute(sa.select(*(schedules.c[name] for name in names)))
    return {row.flow: Kept(*row) for row in rows}


def change(tx: sa.Connection, flow: str, by: str, now: datetime, **values: str | bool) -> None:
    """A person changes the ``cron`` with its ``zone``, or ``paused``: what it missed until now is not caught up."""
    know(tx, [flow], now)
    told = {"changed_by": by, "changed_at": now, "due_at": now, "owed_at": None}
    tx.execute(sa.update(schedules).where(schedules.c.flow == flow).values(**values, **told))


def note_run(tx: sa.Connection, flow: str, due_at: datetime, owed_at: datetime | None) -> None:
    """It was run for this instant; ``owed_at``: it is due once more then."""
    # A person may have changed the schedule meanwhile: that instant stays, if it is later.
    this = sa.literal(due_at, schedules.c.due_at.type)
    later = sa.case((schedules.c.due_at > this, schedules.c.due_at), else_=this)
    tx.execute(sa.update(schedules).where(schedules.c.flow == flow).values(due_at=later, owed_at=owed_at))


def owe(tx: sa.Connection, flow: str, at: datetime) -> None:
    """It is due once more then, unless it is so earlier."""
    c, owed = schedules.c, sa.literal(at, schedules.c.owed_at.type)
    later = sa.or_(c.owed_at.is_(None), c.owed_at > owed)
    tx.execute(sa.update(schedules).where(c.flow == flow, later).values(owed_at=at))


def set_back(tx: sa.Connection, flows: Collection[str], now: datetime) -> None:
    """Our clock was set back: what these were run for has still to come, and what is owed is owed now."""
    c, this = schedules.c, sa.literal(now, schedules.c.due_at.type)
    back = sa.update(schedules).where(c.flow.in_(flows), c.due_at > now)
    owed = sa.case((c.owed_at > now, this), else_=c.owed_at)
    tx.execute(back.values(due_at=now, set_back=c.set_back + 1, owed_at=owed))
