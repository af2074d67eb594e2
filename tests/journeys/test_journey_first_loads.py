"""A first load that nobody has approved yet stops the flows that need it, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from systems import World, gp_options, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nothing is approved; deals get their GL account by a rule."""
    with opened(tmp_path, gp=gp_options(4, 3), provisioned=False) as found:
        found.write_settings(
            flows_gl_accounts__enabled="true",
            flows_journal_entries__enabled="true",
            flows_journal_entries__mappings="[]",
            flows_deal_tagging__enabled="true",
            flows_profitability__enabled="true",
        )
        text = found.settings.read_text("utf-8")
        found.settings.write_text(f'{text}\n[deals.rules.all]\naccount = "000-4110-01"\n', "utf-8")
        found.here("provision", "--yes")
        yield found


def test_only_what_needs_a_first_load_waits_for_it(world: World) -> None:
    said = world.ok("sync", code=3)
    assert "Not run: deal_tagging, which needs the first load of gl_accounts." in said.err
    assert "Not run: profitability, which needs the first load of gl_accounts and customers." in said.err
    [deal] = world.seed({"Deal_Name": "Lights", "Stage": "Qualification"}, module="Deals")

    world.first("gl_accounts")
    told = world.ok("sync", "--json", code=3)
    assert told.json["waits_for_approval"] == ["customers", "vendors"]
    assert told.json["flows"].keys() == {"gl_accounts", "journal_entries", "deal_tagging"}
    assert told.json["flows"]["deal_tagging"]["counts"]["updated"] == 1
    assert [row["id"] for row in world.records("Deals") if row["GP_GL_Account"]] == [deal]

    world.first("customers")
    told = world.ok("sync", "--json", code=3)
    assert told.json["waits_for_approval"] == ["vendors"]
    assert told.json["flows"]["profitability"]["state"] == "done"


def test_every_flow_is_named_to_whom_asks_for_one_that_is_not(world: World) -> None:
    said = world.ok("sync", "deals", code=2)
    assert "There is no flow “deals”." in said.err
    for name in ("customers", "deal_tagging", "profitability"):
        assert name in said.err
