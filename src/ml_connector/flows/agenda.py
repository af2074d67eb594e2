"""What the process that serves has to run now: pure, from the schedules, what is kept of them, and the open waits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from ml_connector.core.schedule import Schedule, due
from ml_connector.core.waits import AWAITED, DATABASE, Wait
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.store.schedules import Kept

#: When a run begins anew that ended because something else than a system was in its way, such as a bulk job; and the
#: least distance of runs for records that are to be tried again.
_ONCE_MORE = timedelta(minutes=5)
#: The same where it was the store: that this can be noted shows that the store is there again.
_STORE_AGAIN = timedelta(seconds=15)
#: How the name of a run ends that was due.
_DUE = re.compile(r"-\d{8}T\d{6}\.\d{6}Z(-\d+)?$")


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
    after: frozenset[str] = frozenset()  #: every flow that it comes after, directly or not
    modules: frozenset[str] = frozenset()  #: of the target, that it writes into

    def as_kept(self, kept: Kept) -> Schedule:
        """When it runs: as a person changed it, else as the settings say."""
        if not kept.cron and not kept.zone:
            return self.schedule
        return _schedule(kept.cron or self.schedule.cron, kept.zone or self.schedule.zone.key)

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


def was_due(run: str) -> bool:
    """Whether a run of this name is one that was due, and none that a person asked for."""
    return _DUE.search(run) is not None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A run that is to begin, or is under way, and for what."""

    flow: str
    run: str
    modules: Collection[str]  #: that it writes into
    asked: Asked = EVERYTHING
    due: Due | None = None  #: it is for this instant
    request: str = ""  #: it is for this one
    attempt_at: datetime | None = None  #: when a record of the flow was to be tried again, as it began

    def meets(self, other: Assignment) -> bool:
        """Whether they cannot be under way beside each other: one run of a flow, and one that writes into a module."""
        return self.flow == other.flow or not set(self.modules).isdisjoint(other.modules)


def may_begin(
    wanted: Iterable[Assignment], under_way: Iterable[Assignment], at_once: int
) -> list[Assignment]:
    """Those that may begin now, so that ``at_once`` are under way at most.

    What has to wait for its flow or a module is not overtaken by what would take these again.
    """
    chosen: list[Assignment] = []
    before = list(under_way)
    free = at_once - len(before)
    for one in wanted:
        if len(chosen) < free and not any(one.meets(other) for other in before):
            chosen.append(one)
        before.append(one)
    return chosen


def in_turn(found: Sequence[Due], kept: Mapping[str, Kept], under_way: Collection[str]) -> list[Due]:
    """Those of what is due that wait for no flow that they come after; first what was run longest ago.

    Such a one is due itself, or ``under_way``, and has not been run since they were: one that is due all the time does
    not keep back for ever what comes after it, or writes where it does.
    """
    before = {due.flow.flow for due in found}.union(under_way)
    ready = [
        due
        for due in found
        if not any(_comes_first(kept, name, due.flow.flow) for name in due.flow.after & before)
    ]
    return sorted(ready, key=lambda due: kept[due.flow.flow].due_at)


def _comes_first(kept: Mapping[str, Kept], forerunner: str, flow: str) -> bool:
    first = kept.get(forerunner)
    return first is None or first.due_at <= kept[flow].due_at


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


def is_owed(kept: Kept, now: datetime) -> bool:
    """Whether it is run again in a moment, whatever its schedule says, and not for what has hours yet."""
    return kept.owed_at is not None and kept.owed_at <= now + _ONCE_MORE


def owed_at(result: Mapping[str, Any], now: datetime) -> datetime | None:
    """When a run that ended like this is due again although no schedule says so; None: it is not."""
    if is_awaited(result):
        return now  # it is kept back until the system is there
    if result.get("system") == DATABASE:
        return now + _STORE_AGAIN
    return now + _ONCE_MORE if result["state"] == "away" else None


def tried_again_at(
    result: Mapping[str, Any], now: datetime, before: datetime | None, after: datetime | None
) -> datetime | None:
    """When a flow is run once more for the records that are tried again by themselves; None: with its next run.

    ``before``, ``after``: when the first of them was due as the run began that ended like this, and is now. One that is
    due and that the run left as it was would be left by another one, too.
    """
    if result["state"] != "done" or after is None or (after == before and after <= now):
        return None
    return soonest(after, now)


def soonest(attempt_at: datetime, now: datetime) -> datetime:
    """When a flow runs for such a record; between two runs of this kind there is a distance."""
    return max(attempt_at, now + _ONCE_MORE)


def is_awaited(result: Mapping[str, Any]) -> bool:
    """Whether a run that ended like this found a system away, which is to be waited for."""
    ended_early = result["state"] in ("away", "failed")
    return ended_early and result.get("system") in AWAITED and bool(result.get("reason"))
