"""What the process that serves has to run now: pure, from the schedules, what is kept of them, and the open waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from ml_connector.core.schedule import Schedule, due
from ml_connector.core.waits import AWAITED, Wait
from ml_connector.store.schedules import Kept

#: When a run begins anew that ended because something else than a system was in its way, such as a bulk job.
_ONCE_MORE = timedelta(minutes=5)


_schedule = lru_cache(Schedule.read)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A flow and when the settings have it run."""

    flow: str
    schedule: Schedule
    needs: frozenset[str]  #: the systems that it cannot do without
    first_loads: frozenset[
        str
    ]  #: the flows, itself among them, whose first load has to be approved before it runs

    def as_kept(self, kept: Kept) -> Schedule:
        """When it runs: as a person changed it, else as the settings say."""
        if not kept.cron:
            return self.schedule
        return _schedule(kept.cron, kept.zone or self.schedule.zone.key)

    def waits_for(self, waits: Mapping[str, Wait]) -> Wait | None:
        """The open wait that keeps it back, the oldest of several."""
        open_ones = [wait for system, wait in waits.items() if system in self.needs]
        return min(open_ones, key=lambda wait: wait.since_at, default=None)


@dataclass(frozen=True, slots=True)
class Due:
    """A flow that is to run now, and the instant that it runs for."""

    flow: Scheduled
    at: datetime
    set_back: int = 0  #: so often our clock was set back behind an instant that the flow had been run for

    @property
    def run(self) -> str:
        """What its run is called: whoever starts it for this instant, and however often, it is one run.

        An instant that comes once more, because our clock was set back, has another one.
        """
        again = f"-{self.set_back}" if self.set_back else ""
        return f"{self.flow.flow}-{self.at:%Y%m%dT%H%M%S.%f}Z{again}"


def find_due(
    flows: Sequence[Scheduled], kept: Mapping[str, Kept], waits: Mapping[str, Wait], now: datetime
) -> list[Due]:
    """What is due and nothing keeps back, in the order of ``flows``: each after those that it comes after."""
    found = []
    for flow in flows:
        mine = kept.get(flow.flow)
        if mine is None or mine.paused or flow.waits_for(waits):
            continue
        if (at := _due_at(flow, mine, now)) is not None:
            found.append(Due(flow, at, mine.set_back))
    return found


def _due_at(flow: Scheduled, kept: Kept, now: datetime) -> datetime | None:
    owed = kept.owed_at if kept.owed_at is not None and kept.owed_at <= now else None
    ticks = (due(flow.as_kept(kept), kept.due_at, now), owed)
    return max((tick for tick in ticks if tick is not None), default=None)


def find_set_back(flows: Sequence[Scheduled], kept: Mapping[str, Kept], now: datetime) -> list[str]:
    """The flows that were run for so late an instant that times of theirs come before it: our clock was set back.

    Where the next of its times is the one that it was run for last, it was early, and is not run for that again.
    """
    ahead = [flow for flow in flows if flow.flow in kept and kept[flow.flow].due_at > now]
    return [
        flow.flow for flow in ahead if flow.as_kept(kept[flow.flow]).following(now) < kept[flow.flow].due_at
    ]


def next_at(flow: Scheduled, kept: Kept, now: datetime) -> datetime | None:
    """When it is due next; None: it is paused."""
    if kept.paused:
        return None
    following = flow.as_kept(kept).following(now)
    return min(kept.owed_at, following) if kept.owed_at is not None else following


def owed_at(result: Mapping[str, Any], now: datetime) -> datetime | None:
    """When a run that ended like this is due again although no schedule says so; None: it is not."""
    if is_awaited(result):
        return now  # it is kept back until the system is there
    return now + _ONCE_MORE if result["state"] == "away" else None


def is_awaited(result: Mapping[str, Any]) -> bool:
    """Whether a run that ended like this found a system away, which is to be waited for."""
    ended_early = result["state"] in ("away", "failed")
    return ended_early and result.get("system") in AWAITED and bool(result.get("reason"))
