"""What a person is told of without asking: decided from how things stand. Pure: facts, limits and instant are given.

An alert is about one thing (``kind`` and ``subject``) and is told once when it begins to hold and once when it has
passed. It names flows and systems, numbers and instants; never a record and nothing that stands in one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ml_connector.core.catalogue import SCHEMA_DRIFT
from ml_connector.core.channels import Channel, alarm_at, is_live
from ml_connector.core.errors import ConnectorError
from ml_connector.core.waits import DATABASE, Reason, Wait

FIRST_AGAIN, LONGEST_AGAIN = timedelta(seconds=30), timedelta(hours=1)
_DOUBLINGS = 10
#: A message that no try brought through in this time is given up.
GIVEN_UP = timedelta(days=7)


class Kind(StrEnum):
    """What an alert is about."""

    WAITING = "waiting"  #: a system is waited for
    FAILED = "failed"  #: the runs of a flow end as ones that a person has to look at
    LATE = "late"  #: a flow did not run to its end although it was due
    DRIFT = "drift"  #: fields of the target are not as the mappings need them
    HELD = "held"  #: records have waited long for a decision
    CHANNEL = "channel"  #: the target does not tell of a module's changes, or soon will not
    DATABASE = "database"  #: the store itself cannot be used, so that nothing can be done or noted


_ADDRESS = re.compile(r"alerts\.[a-z0-9][a-z0-9_-]{0,40}")


def is_alert_address(name: str) -> bool:
    """Whether a secret of this name is an address that alerts may go to."""
    return _ADDRESS.fullmatch(name) is not None


Subject = tuple[Kind, str]  #: what names an alert: its kind, and the flow or system that it is about


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that holds."""

    kind: Kind
    subject: str  #: a flow, the system that is waited for, or a module
    since_at: datetime
    happened: str
    remedy: str

    @property
    def named(self) -> Subject:
        """What names it."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Holds:
    """The open holds of a flow under one code."""

    number: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """How things stand with one flow."""

    flow: str
    needs: frozenset[str] = frozenset()  #: the systems that it cannot do without
    paused: bool = False
    owed: bool = False  #: it is run again as soon as it can be, whatever its schedule says
    done_at: datetime | None = None  #: when a run last ended well
    due_at: datetime | None = (
        None  #: the first instant since then that it should have run for; None: there is none
    )
    failing_since: datetime | None = None  #: since its last good run, every one that ended needs a person
    under_way_since: datetime | None = None  #: when the run began that has not ended; None: there is none
    state: str = ""  #: how its last run ended
    note: str = ""  #: and why, in a sentence
    held: Mapping[str, Holds] = field(default_factory=dict)  #: by code


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each thing may hold before it is an alert."""

    waiting: timedelta
    failed: timedelta
    late: timedelta
    held: timedelta
    database: timedelta
    about: Collection[Kind] = tuple(Kind)  #: of nothing else anybody is told


@dataclass(frozen=True, slots=True)
class Change:
    """What is new since it was last looked."""

    raised: Sequence[Alert]
    passed: Sequence[Alert]  #: as they were raised


def find(
    flows: Sequence[FlowFacts],
    waits: Mapping[str, Wait],
    known: Collection[Alert],
    limits: Limits,
    now: datetime,
    serving_since: datetime,
) -> list[Alert]:
    """Everything that holds now. ``known``: the alerts that are open.

    ``serving_since``: nothing was late before there was anybody to run it.
    """
    waiting = [*_waited(flows, waits, limits, now), *_not_proved(flows, waits, known)]
    kept_back = waits.keys() | {alert.subject for alert in waiting}
    found = [*waiting, *_not_well(flows, known)]
    for flow in flows:
        if not flow.needs & kept_back:
            found += [*_failed(flow, limits, now), *_late(flow, limits, now, serving_since)]
        found += [*_drifted(flow), *_held(flow, limits, now)]
    return [alert for alert in found if alert.kind in limits.about]


def find_silent(channels: Sequence[Channel], limits: Limits, now: datetime) -> list[Alert]:
    """The channels that could not be kept for long: before they end, or once they did."""
    wanted = channels if Kind.CHANNEL in limits.about else ()
    return [_silent(one, now) for one in wanted if _is_silent(one, limits, now)]


def _is_silent(channel: Channel, limits: Limits, now: datetime) -> bool:
    """Two thirds of its life have passed in vain; one that is not there may be back in a moment."""
    alarm, since = alarm_at(channel), channel.failing_since
    if alarm is None or since is None or now < alarm:
        return False
    return is_live(channel, now) or now - since >= limits.waiting


def _silent(channel: Channel, now: datetime) -> Alert:
    module, since = channel.module, channel.failing_since or now
    ends = f"ends at {shown(channel.expires_at)}" if channel.expires_at else "is not there"
    happened = (
        f"The channel by which Zoho tells of {module} {ends}; it could not be kept since {shown(since)}."
    )
    return Alert(Kind.CHANNEL, module, since, f"{happened} {channel.reason}".rstrip(), _CHANNEL)


def find_away(error: ConnectorError, limits: Limits, now: datetime, since: datetime) -> Alert | None:
    """That the store suffers from this error since then, if that is for long; it is not among what ``find`` finds."""
    if Kind.DATABASE not in limits.about or now - since < limits.database:
        return None
    happened = f"The database has not been there since {shown(since)}, and nothing runs. {error.happened}"
    return Alert(Kind.DATABASE, DATABASE, since, happened, error.remedy or _LOOK)


def decide(found: Collection[Alert], known: Collection[Alert]) -> Change:
    """What a person is to be told: what holds and is not known, and what is known and holds no more."""
    open_ones, holding = {alert.named for alert in known}, {alert.named for alert in found}
    return Change(
        [alert for alert in found if alert.named not in open_ones],
        [alert for alert in known if alert.named not in holding],
    )


def next_try(tries: int, now: datetime) -> datetime:
    """When a message that was tried so often in vain is tried again: after ever longer, at last every hour."""
    return now + min(FIRST_AGAIN * 2.0 ** min(tries, _DOUBLINGS), LONGEST_AGAIN)


# -- what holds, kind by kind


def _waited(
    flows: Sequence[FlowFacts], waits: Mapping[str, Wait], limits: Limits, now: datetime
) -> Iterator[Alert]:
    """Systems that have been away for long; quiet hours are what somebody wanted, and a refusal does not pass."""
    for system, wait in sorted(waits.items()):
        longest = limits.failed if wait.reason == Reason.REFUSED else limits.waiting
        if wait.reason == Reason.QUIET or now - wait.since_at < longest:
            continue
        names = ", ".join(flow.flow for flow in flows if system in flow.needs and not flow.paused)
        happened = (
            f"{system} has been waited for since {shown(wait.since_at)} ({wait.reason}), and so wait {names}."
        )
        yield Alert(Kind.WAITING, system, wait.since_at, happened, wait.remedy or _LOOK)


def _not_proved(
    flows: Sequence[FlowFacts], waits: Mapping[str, Wait], known: Collection[Alert]
) -> Iterator[Alert]:
    """Alerts of systems that a probe found there: they have passed once a flow that needs the system ran well."""
    for alert in known:
        if alert.kind is not Kind.WAITING or alert.subject in waits:
            continue
        users = [flow for flow in flows if alert.subject in flow.needs and not flow.paused]
        proved = any(flow.done_at and flow.done_at > alert.since_at for flow in users)
        if users and not proved:
            yield alert


def _not_well(flows: Sequence[FlowFacts], known: Collection[Alert]) -> Iterator[Alert]:
    """Alerts of flows that have not run well since, whatever keeps them back meanwhile: nothing has passed by that."""
    by_name = {flow.flow: flow for flow in flows}
    for alert in known:
        if (flow := by_name.get(alert.subject)) is None:
            continue
        is_late = flow.done_at is None or flow.done_at <= alert.since_at
        if is_late if alert.kind is Kind.LATE else alert.kind is Kind.FAILED and flow.failing_since:
            yield alert


def _failed(flow: FlowFacts, limits: Limits, now: datetime) -> Iterator[Alert]:
    since = flow.failing_since
    if since is None or flow.owed or flow.paused or now - since < limits.failed:
        return
    happened = f"{flow.flow} has not run well since {shown(since)}; its last run ended as {flow.state}."
    yield Alert(
        Kind.FAILED, flow.flow, since, f"{happened} {flow.note}".rstrip(), _REMEDY.get(flow.state, _LOOK)
    )


def _late(flow: FlowFacts, limits: Limits, now: datetime, serving_since: datetime) -> Iterator[Alert]:
    if flow.due_at is None or flow.failing_since is not None or flow.paused:
        return
    since = max(flow.due_at, serving_since)
    if now - since < limits.late:
        return
    last = f"it last did at {shown(flow.done_at)}" if flow.done_at else "it never did"
    happened = f"{flow.flow} was due at {shown(flow.due_at)} and has not run to its end since; {last}."
    if flow.under_way_since is not None:
        happened += f" A run has been under way since {shown(flow.under_way_since)}."
    yield Alert(Kind.LATE, flow.flow, since, happened, _LOOK)


def _drifted(flow: FlowFacts) -> Iterator[Alert]:
    if (holds := flow.held.get(SCHEMA_DRIFT)) is not None:
        happened = f"Fields of the CRM are not as {flow.flow} needs them: {_opened(holds.number)} for that."
        yield Alert(Kind.DRIFT, flow.flow, holds.oldest_at, happened, _DRIFT)


def _held(flow: FlowFacts, limits: Limits, now: datetime) -> Iterator[Alert]:
    oldest = min((holds.oldest_at for holds in flow.held.values()), default=now)
    if not flow.held or now - oldest < limits.held:
        return
    number = sum(holds.number for holds in flow.held.values())
    happened = f"In {flow.flow} {_opened(number)}, the oldest since {shown(oldest)}."
    yield Alert(Kind.HELD, flow.flow, oldest, happened, _HELD)


def _opened(number: int) -> str:
    return "1 hold is open" if number == 1 else f"{number:,} holds are open"


def shown(at: datetime) -> str:
    """An instant as people read it, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


_CHANNEL = "Mend what that names, then run “ml-connector channels renew”."
_LOOK = "Run “ml-connector flows list”, which tells what keeps it back."
_DRIFT = "Run “ml-connector held list”, and give the fields back what it names; the records then go on by themselves."
_HELD = "Run “ml-connector held list” and decide about them: retry, release or discard."
#: By how the last run ended.
_REMEDY: Mapping[str, str] = {
    "failed": "Change what that names; the flow runs again at its next time, or at once with “ml-connector flows run”.",
    "limit": "Look at it with “ml-connector plan”; “ml-connector sync --over-limit” lets it through.",
    "broken": "It is tried again at its next time; please report what is in ml-connector-errors.log.",
}
#: Ends of runs that a person has to look at.
FAILURES = tuple(_REMEDY)
