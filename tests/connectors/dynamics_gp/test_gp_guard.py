"""Quiet hours, the load that is told and a read-only account, as the source meets them on the wire."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate
from ml_connector.core.errors import RetryableError
from ml_connector.core.load import Load

PASSWORD = "Sample-Pa55word"
QUIET = {"time_zone": "Europe/Berlin", "windows": ("mon-fri 07:00-09:30",)}


class SteppedClock:
    """A clock that only moves when someone sleeps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)  # a Monday, 08:00 in Berlin

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def stepped() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def guarded(opened: ExitStack, tmp_path, stepped) -> Callable[..., GpSource]:
    def open_source(simulator, **settings: object) -> GpSource:
        wanted = {"endpoint": simulator.endpoint, "company_id": -1, "user": r"FABRIKAM\connector", **settings}
        config = GpConfig.model_validate(wanted)
        gate = opened.enter_context(closing(RequestGate(tmp_path, config.max_requests, 0.0, stepped)))
        return opened.enter_context(closing(GpSource(GpClient(config, lambda: PASSWORD, gate, stepped))))

    return open_source


def test_in_quiet_hours_nothing_is_asked_and_the_wait_is_told(simulate, guarded, stepped):
    gp = simulate()
    source = guarded(gp, quiet_hours=QUIET)
    for ask in (source.clock_difference, lambda: list(source.fetch("customers", ["AARONFIT0001"]))):
        with pytest.raises(RetryableError, match=r"quiet hours until Mon 09:30 CET") as told:
            ask()
        assert told.value.after_seconds == 5400
    [check] = source.checks()
    assert (check.ok, "quiet hours" in check.detail) == (False, True)
    assert gp.control("GET", "state")["requests"] == 0
    assert source.take_load() == Load(quiet=True)
    stepped.at += timedelta(seconds=5400)
    assert len(list(source.fetch("customers", ["AARONFIT0001"]))) == 1
    assert gp.control("GET", "state")["requests"] == 1


def test_a_short_rest_of_quiet_hours_is_waited_for(simulate, guarded, stepped):
    source = guarded(simulate(), quiet_hours=QUIET)
    stepped.at += timedelta(seconds=5400 - 1)
    assert len(list(source.fetch("customers", ["AARONFIT0001"]))) == 1


def test_the_load_is_what_gp_was_asked(simulate, guarded):
    gp = simulate()
    source = guarded(gp)
    source.list_changes("customers", None, None)
    list(source.fetch("customers", ["AARONFIT0001", "ADAMPARK0001"]))
    load = source.take_load()
    told = gp.control("GET", "state")
    assert (load.requests, load.slowed_to, load.quiet) == (told["requests"], 0, False)
    assert told["peak_concurrent"] <= load.peak <= 3
    assert load.seconds == 0, "this clock stands still"
    assert source.take_load() == Load()


def test_ping_says_what_an_account_may_not_do_and_which_flow_needs_it(simulate, guarded):
    denied = ("GetCustomerReceivablesSummaryList", "GetLoggedValidationResultByKey")
    gp = simulate(denied_operations={r"FABRIKAM\connector": denied})
    checks = {check.name: check for check in guarded(gp).checks()}
    assert [name for name, check in checks.items() if not check.ok and name != "clock"] == [denied[0]]
    assert "Security Console" in checks[denied[0]].remedy
    assert "not needed, and not allowed" in checks[denied[1]].detail
