"""/metrics: numbers in Prometheus' text format, by names that promise, without anything that names a record."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from memory import START
from ml_connector.connectors.zoho_crm.allowance import Standing as Credits
from ml_connector.core.alerts import Alert, FlowFacts, Holds, Kind
from ml_connector.core.listening import Way
from ml_connector.core.ports import Cost
from ml_connector.core.waits import GP, ZOHO, Reason, Wait
from ml_connector.duties import Own, Standing
from ml_connector.flows.figures import FlowFigures
from ml_connector.flows.listening import ModuleStanding
from ml_connector.web.metrics import METRICS, exposition

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RECEIVED = {"accepted": 12, "wrong token": 3, "garbage": 0}
FACTS = FlowFacts(
    "customers",
    done_at=START - HOUR,
    due_at=START - HOUR / 2,
    held={
        "AMBIGUOUS_MATCH": Holds(3, START - DAY),
        "AARONFIT0001": Holds(1, START),
        "X": Holds(1, START),
    },
)
ALL = Standing(
    START,
    Own("serve", {GP: Cost({"GetCustomerList": 7}, 1.25), ZOHO: Cost({"insert": 2}, 0.5, 9, 1)}, 2, RECEIVED),
    frozenset({"AMBIGUOUS_MATCH"}),
    True,
    [
        FlowFigures("customers", FACTS, START - DAY, {"created": 5, "held": 1}, {"done": 4, "failed": 1}),
        FlowFigures("Deals", FlowFacts("deal_tagging", paused=True), None, {}, {}),
    ],
    [Wait.begin(GP, Reason.QUIET, ("", ""), "", START - HOUR)],
    [Alert(Kind.HELD, "customers", START, "", "")],
    [
        ModuleStanding(
            "Deals", Way.TOLD, START - timedelta(seconds=4), START, START, START - timedelta(seconds=4)
        ),
        ModuleStanding("Quotes", Way.POLLED, None, None, START, None),
    ],
    "org-1",
    Credits(5000, 4000, 250),
)


OWN = {
    "build_info",
    "store_readable",
    "runs_at_work",
    "calls_total",
    "call_seconds_total",
    "refused_calls_total",
    "notifications_total",
}


def samples(standing: Standing, *, own_only: bool = False) -> dict[str, float]:
    """Every number by its name with its labels in the order of their names, as Prometheus reads the page."""
    text = exposition(lambda: standing, own_only=own_only)().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = ",".join(one.labels[name] for name in sorted(one.labels))
            found[f"{one.name.removeprefix('ml_connector_')} {labels}".rstrip()] = one.value
    return found


def test_everything_is_told_in_base_units() -> None:
    found = samples(ALL)
    assert {name: value for name, value in found.items() if "build_info" not in name} == {
        "store_readable": 1,
        "runs_at_work": 2,
        "records_total customers,created": 5,
        "records_total customers,held": 1,
        "runs_total customers,done": 4,
        "runs_total customers,failed": 1,
        "calls_total GetCustomerList,gp": 7,
        "calls_total insert,zoho": 2,
        "call_seconds_total gp": 1.25,
        "call_seconds_total zoho": 0.5,
        "refused_calls_total gp": 0,
        "refused_calls_total zoho": 1,
        "notifications_total accepted": 12,
        "notifications_total wrong token": 3,
        "notifications_total garbage": 0,
        "credits org-1": 5000,
        "credits_left org-1": 4000,
        "credits_reserved org-1": 250,
        "holds AMBIGUOUS_MATCH,customers": 3,
        "holds other,customers": 2,
        "oldest_hold_age_seconds customers": 86_400,
        "cursor_age_seconds customers,customers": 86_400,
        "staleness_seconds customers": 3600,
        "late_seconds customers": 1800,
        "late_seconds deal_tagging": 0,
        "paused customers": 0,
        "paused deal_tagging": 1,
        "waiting_seconds quiet hours,gp": 3600,
        "alerts held": 1,
        "module_staleness_seconds Deals": 4,
        "listening Deals,told": 1,
        "listening Deals,catching up": 0,
        "listening Deals,polled": 0,
        "listening Quotes,told": 0,
        "listening Quotes,catching up": 0,
        "listening Quotes,polled": 1,
        "notification_age_seconds Deals": 4,
        "notification_age_seconds Quotes": 0,
    }


def test_while_the_store_is_away_what_the_process_knows_is_told() -> None:
    found = samples(Standing(START, ALL.own))
    assert {name.split()[0] for name in found} == OWN
    assert found["store_readable"] == 0


def test_a_worker_tells_nothing_that_the_process_that_serves_tells_of_the_store() -> None:
    worker = replace(ALL, own=Own("worker", ALL.own.costs))
    found = samples(worker, own_only=True)
    assert {name.split()[0] for name in found} == OWN - {"notifications_total"}
    assert [name.split()[1].split(",")[0] for name in found if "build_info" in name] == ["worker"]
    assert found["calls_total GetCustomerList,gp"] == 7


def test_it_is_read_when_it_is_asked_for() -> None:
    standings = iter([ALL, replace(ALL, own=Own("serve", {GP: Cost({}, 3.0)}))])
    page = exposition(lambda: next(standings))
    assert b'call_seconds_total{system="gp"} 1.25' in page()
    assert b'call_seconds_total{system="gp"} 3.0' in page()


@pytest.mark.parametrize("told", METRICS, ids=lambda told: told.name)
def test_names_are_as_prometheus_would_have_them(told) -> None:
    assert re.fullmatch(r"ml_connector_[a-z_]+", told.name)
    assert told.name.endswith("_total") == told.counts
    assert not re.search(r"milli|_ms|minutes|hours|_count$", told.name)
    assert ("second" in told.name) == bool(re.search(r"_seconds(_total)?$", told.name))
    assert set(told.labels) <= {
        *("flow", "outcome", "state", "system", "operation", "organisation"),
        *("code", "entity", "reason", "kind", "command", "version", "python", "module", "way"),
    }
