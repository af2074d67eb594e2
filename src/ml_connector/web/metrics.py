"""/metrics: how everything stands, in Prometheus' text format, read when it is asked for.

Names and labels are ``METRICS``. A label is the name of a flow, a system, a code or an outcome: never a record.
What the store knows is the same for every process and is told by the one that serves alone: no sum counts it twice.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ml_connector.core.listening import Way
from ml_connector.duties import Standing
from ml_connector.flows.figures import FlowFigures

CONTENT_TYPE = CONTENT_TYPE_LATEST
_OTHER = "other"  #: a code that no catalogue has: what a system makes up is no label

Sample = tuple[tuple[str, ...], float]  #: the values of the labels, the number


@dataclass(frozen=True, slots=True)
class Told:
    """One metric, and where its numbers are."""

    name: str
    labels: tuple[str, ...]
    meaning: str
    samples: Callable[[Standing], Iterable[Sample]]
    counts: bool = False  #: it only grows; otherwise it goes up and down
    own: bool = False  #: each process tells its own; otherwise it is the store's

    def family(self, standing: Standing) -> Metric:
        """As Prometheus has it."""
        kind = CounterMetricFamily if self.counts else GaugeMetricFamily
        family = kind(self.name, self.meaning, labels=self.labels)
        for values, number in self.samples(standing):
            family.add_metric(values, number)
        return family


@dataclass(frozen=True, slots=True)
class _Everything(Collector):
    """Collects at scrape time, and keeps nothing."""

    read: Callable[[], Standing]
    metrics: tuple[Told, ...]

    def collect(self) -> Iterator[Metric]:
        standing = self.read()
        return (told.family(standing) for told in self.metrics)

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering it reads nothing."""
        return iter(())


def exposition(read: Callable[[], Standing], *, own_only: bool = False) -> Callable[[], bytes]:
    """What gives the page: everything as it stands then. ``own_only``: without what is the store's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything(read, tuple(told for told in METRICS if told.own or not own_only)))
    return lambda: generate_latest(registry)


# -- where the numbers are


def _build(standing: Standing) -> Iterator[Sample]:
    yield (standing.own.command, version("ml-connector"), platform.python_version()), 1


def _readable(standing: Standing) -> Iterator[Sample]:
    yield (), standing.readable


def _at_work(standing: Standing) -> Iterator[Sample]:
    yield (), standing.own.runs


def _calls(standing: Standing) -> Iterator[Sample]:
    for system, cost in standing.own.costs.items():
        for operation, number in sorted(cost.calls.items()):
            yield (system, operation), number


def _call_seconds(standing: Standing) -> Iterator[Sample]:
    return (((system,), cost.seconds) for system, cost in standing.own.costs.items())


def _refused(standing: Standing) -> Iterator[Sample]:
    return (((system,), cost.refused) for system, cost in standing.own.costs.items())


def _notifications(standing: Standing) -> Iterator[Sample]:
    return (((outcome,), number) for outcome, number in sorted(standing.own.notifications.items()))


def _credits(name: str) -> Callable[[Standing], Iterator[Sample]]:
    def samples(standing: Standing) -> Iterator[Sample]:
        if standing.credits is not None:
            yield (standing.organisation,), getattr(standing.credits, name)

    return samples


def _waits(standing: Standing) -> Iterator[Sample]:
    return (((wait.system, wait.reason), _age(wait.since_at, standing)) for wait in standing.waits)


def _module_staleness(standing: Standing) -> Iterator[Sample]:
    for one in standing.modules:
        if one.known_up_to is not None:
            yield (one.module,), _age(one.known_up_to, standing)


def _listening(standing: Standing) -> Iterator[Sample]:
    return (((one.module, way.value), one.way is way) for one in standing.modules for way in Way)


def _notification_age(standing: Standing) -> Iterator[Sample]:
    for one in standing.modules:
        yield (one.module,), _age(one.waiting_since, standing) if one.waiting_since else 0


def _alerts(standing: Standing) -> Iterator[Sample]:
    return (
        ((kind,), number) for kind, number in Counter(alert.kind.value for alert in standing.alerts).items()
    )


def _each(
    samples: Callable[[FlowFigures, Standing], Iterable[Sample]],
) -> Callable[[Standing], Iterator[Sample]]:
    """The same for every flow, with its name before the other labels."""

    def of_all(standing: Standing) -> Iterator[Sample]:
        for flow in standing.flows:
            for values, number in samples(flow, standing):
                yield (flow.facts.flow, *values), number

    return of_all


def _by(name: str) -> Callable[[Standing], Iterator[Sample]]:
    return _each(lambda flow, _: (((outcome,), n) for outcome, n in sorted(getattr(flow, name).items())))


def _holds(flow: FlowFigures, standing: Standing) -> Iterator[Sample]:
    counted: Counter[str] = Counter()
    for code, holds in flow.facts.held.items():
        counted[code if code in standing.codes else _OTHER] += holds.number
    return (((code,), number) for code, number in sorted(counted.items()))


def _oldest(flow: FlowFigures, standing: Standing) -> Iterator[Sample]:
    if flow.facts.held:
        yield (), _age(min(holds.oldest_at for holds in flow.facts.held.values()), standing)


def _cursor_age(flow: FlowFigures, standing: Standing) -> Iterator[Sample]:
    if flow.cursor_at is not None:
        yield (flow.entity,), _age(flow.cursor_at, standing)


def _staleness(flow: FlowFigures, standing: Standing) -> Iterator[Sample]:
    if flow.facts.done_at is not None:
        yield (), _age(flow.facts.done_at, standing)


def _late(flow: FlowFigures, standing: Standing) -> Iterator[Sample]:
    yield (), _age(flow.facts.due_at, standing) if flow.facts.due_at else 0


def _paused(flow: FlowFigures, _: Standing) -> Iterator[Sample]:
    yield (), flow.facts.paused


def _age(at: datetime, standing: Standing) -> float:
    return max(0.0, (standing.at - at).total_seconds())


_FLOW, _ZOHO = ("flow",), ("organisation",)
METRICS: Sequence[Told] = (
    Told(
        "ml_connector_build_info", ("command", "version", "python"), "What runs, serve or worker; always 1.", _build,
        own=True,
    ),
    Told(
        "ml_connector_store_readable", (), "1 while the database answers this process; 0: of what the store has nothing"
        " is told.", _readable, own=True,
    ),
    Told("ml_connector_runs_at_work", (), "Runs that this process is at.", _at_work, own=True),
    Told(
        "ml_connector_records_total",
        ("flow", "outcome"),
        "Records by what became of them, over all runs there ever were.",
        _by("records"),
        counts=True,
    ),
    Told(
        "ml_connector_runs_total", ("flow", "state"), "Runs by how they ended, over all there ever were.", _by("runs"),
        counts=True,
    ),
    Told(
        "ml_connector_calls_total", ("system", "operation"), "Calls to GP and Zoho since this process began.", _calls,
        counts=True, own=True,
    ),
    Told(
        "ml_connector_call_seconds_total", ("system",), "Time that their answers took, added up over calls at once.",
        _call_seconds, counts=True, own=True,
    ),
    Told(
        "ml_connector_refused_calls_total", ("system",), "Calls that were one too many at once, and made again.",
        _refused, counts=True, own=True,
    ),
    Told(
        "ml_connector_notifications_total", ("outcome",),
        "Zoho's notifications since this process began: accepted, or why they were refused.", _notifications,
        counts=True, own=True,
    ),
    Told("ml_connector_credits", _ZOHO, "Zoho's API credits of 24 hours.", _credits("whole")),
    Told("ml_connector_credits_left", _ZOHO, "How many of them are left, the reserve among them.", _credits("left")),
    Told("ml_connector_credits_reserved", _ZOHO, "How many of them are kept for people.", _credits("reserved")),
    Told("ml_connector_holds", ("flow", "code"), "Open holds by code; other: one in no catalogue.", _each(_holds)),
    Told("ml_connector_oldest_hold_age_seconds", _FLOW, "How long the oldest open hold has been open.", _each(_oldest)),
    Told(
        "ml_connector_cursor_age_seconds", ("flow", "entity"),
        "How old the newest change is that was read; it grows while nothing changes.", _each(_cursor_age),
    ),
    Told("ml_connector_staleness_seconds", _FLOW, "Since a run of the flow last ended well.", _each(_staleness)),
    Told(
        "ml_connector_late_seconds", _FLOW,
        "Since the flow was first due after its last good run; 0: it is not late.", _each(_late),
    ),
    Told("ml_connector_paused", _FLOW, "1 while the flow is paused, else 0.", _each(_paused)),
    Told(
        "ml_connector_waiting_seconds", ("system", "reason"), "How long a system that is away has been waited for.",
        _waits,
    ),
    Told(
        "ml_connector_module_staleness_seconds", ("module",),
        "Since the instant up to which every change in this module of Zoho is recorded; none: it was never polled.",
        _module_staleness,
    ),
    Told(
        "ml_connector_listening", ("module", "way"),
        "1 for the way in which changes in this module become known at present (told, catching up, polled), else 0.",
        _listening,
    ),
    Told(
        "ml_connector_notification_age_seconds", ("module",),
        "How long the notification has waited that waits longest to be worked off; 0: none waits.", _notification_age,
    ),
    Told("ml_connector_alerts", ("kind",), "Alerts that are open.", _alerts),
)  # fmt: skip
