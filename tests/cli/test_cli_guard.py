"""What a person sees of the load guard: quiet hours that keep a run back, and the load that each run puts on GP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.cli import simulate
from ml_connector.cli.costs import load_in_words
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.load import Load
from ml_connector.simulators.gp import MoreCompany
from systems import gp_options, opened

SLOWED = "answers had become slow: only 1 at once for a while, kept back by quiet hours"


def around_now() -> str:
    """A window that began an hour ago and ends in five hours."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(hours=1), now + timedelta(hours=5)
    return f"daily {begin:%H:%M}-{end:%H:%M}"


def test_a_sync_in_quiet_hours_asks_nothing_says_so_and_the_next_does_it(tmp_path):
    with opened(tmp_path, gp=gp_options(5)) as world:
        approved = world.plan("customers")
        plain = world.settings.read_text()
        world.settings.write_text(
            plain + f'\n\n[gp.quiet_hours]\ntime_zone = "UTC"\nwindows = ["{around_now()}"]\n'
        )
        world.forget()
        said = world.ok("sync", "customers", "--approve", approved, code=4)
        assert "GP has quiet hours until" in said.err
        assert "kept back by quiet hours" in said.out
        for words in (("sync", "customers", "--key", "NEW"), ("plan", "customers"), ("ping",)):
            assert "quiet hours until" in world.ok(*words, code=4).text
        assert world.operations() == {}
        assert "quiet hours" in world.here("report").out
        world.settings.write_text(plain)
        told = world.ok("sync", "customers", "--json").json["flows"]["customers"]
        assert told["counts"]["created"] == 28
        load, asked = told["load"], world.gp.control("GET", "state")
        assert 0 < load["requests"] <= asked["requests"]
        assert 1 <= load["peak"] <= 3
        assert load["slowest"] in asked["operations"]
        assert f"{load['requests']} requests, {load['peak']} at once" in world.here("report").out
        assert "Load on GP, customers: " in world.ok("sync", "customers").out


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (Load(), ""),
        (
            Load(1200, 6.0, 3, "GetCustomerList", 1.25),
            "1,200 requests, 6,000 ms, at most 3 at once, the slowest GetCustomerList (1,250 ms)",
        ),
        (
            Load(2, 1.0, 2, "A", 0.5, 1, quiet=True),
            "2 requests, 1,000 ms, at most 2 at once, the slowest A (500 ms), " + SLOWED,
        ),
    ],
)
def test_a_load_is_told_in_words(load, said):
    assert load_in_words(load) == said


@pytest.mark.parametrize(
    ("text", "company"),
    [
        ("5:40", MoreCompany(5, 40)),
        ("5:40:12", MoreCompany(5, 40, 12)),
        ("-3:1:2:9", MoreCompany(-3, 1, 2, 9)),
    ],
)
def test_a_further_company_of_the_simulator(text, company):
    assert simulate._company(text) == company


@pytest.mark.parametrize("text", ["", "5", "5:x", "5:1:2:3:4", "EU:40"])
def test_a_company_of_another_form_is_a_sentence(text):
    with pytest.raises(ConfigurationError, match="another form"):
        simulate._company(text)
