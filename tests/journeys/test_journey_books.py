"""The journal without lines in Zoho: kept here, and brought as a record for each account and month."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from systems import World, assert_quiet, gp_options, opened

#: In a module that every organisation has: what is made of modules is another matter.
MONTHS = """
name = "account_months"
source = "account_months"
target = "Vendors"
creates = true
key = { field = "GP_Account_Month", from = "account_month" }

[fields]
Vendor_Name = "account_month"
GP_Month = "month"
GP_Net = { from = ["net", "currency"], transform = "money" }

[custom]
GP_Account_Month = { label = "GP Account Month", type = "text", length = 160, unique = true, external = true }
GP_Month = { label = "GP Month", type = "date" }
GP_Net = { label = "GP Net", type = "currency", length = 16, decimal_places = 2 }
"""
LINES = [{"account": "000-1100-00", "debit": "7.25"}, {"account": "000-4000-00", "credit": "7.25"}]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("books")
    (folder / "own").mkdir()
    (folder / "own" / "account_months.toml").write_text(MONTHS)
    with opened(folder, gp=gp_options(0, journal_entries=150), mappings=(), provisioned=False) as world:
        world.write_settings(
            mappings__folder="'own'",
            flows__customers="{ enabled = false }",
            flows__vendors="{ enabled = false }",
            flows__journal_entries="{ enabled = true, mappings = [], from_date = 2026-01-01 }",
            flows__account_months="{ enabled = true }",
        )
        world.here("provision", "--yes")
        yield world


def nets(world: World) -> dict[str, Decimal]:
    return {r["GP_Account_Month"]: Decimal(str(r["GP_Net"])) for r in world.records("Vendors")}


def expected(world: World) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for entry in world.gp.control("GET", "journals?limit=1000000")["rows"]:
        if entry["state"] == "Work" or entry["source_document"] == "BBF" or entry["on"] < "2026-01-01":
            continue
        for line in (line for line in entry["lines"] if not line["is_unit"]):
            key = f"{line['account']}/{entry['on'][:7]}"
            counted = Decimal(0) if entry["is_voided"] else Decimal(line["debit"]) - Decimal(line["credit"])
            sums[key] = sums.get(key, Decimal(0)) + counted
    return sums


def test_the_journal_is_kept_without_an_approval_and_the_months_are_approved(world: World) -> None:
    said = world.ok("ping")
    assert "FAILED" not in said.out
    world.forget()
    plan = world.here("plan", "journal_entries", "--json").json
    assert (plan["waits_for_approval"], plan["records"]) == ([], [])
    assert not [name for name in world.operations() if name.startswith("GetGL")], "there is nothing to plan"
    told = world.sync("journal_entries")
    entries = [e for e in world.gp.control("GET", "journals?limit=1000000")["rows"]
               if e["state"] != "Work" and e["on"] >= "2026-01-01"]  # fmt: skip
    assert told == {"journal_entries": {"kept": len(entries)}}
    assert world.records("Vendors") == []
    said = world.ok("sync", code=3)
    assert "the first load of account_months waits for its approval" in said.text
    assert world.first("account_months") == {"account_months": {"created": len(expected(world))}}
    assert nets(world) == expected(world)
    assert_quiet(world)


def test_a_new_entry_changes_its_months_alone(world: World) -> None:
    world.gp.control("POST", "journals", {"lines": LINES, "on": "2026-06-30", "reference": "Late"})
    told = world.sync()
    assert told["journal_entries"] == {"kept": 1}
    assert sum(told["account_months"].values()) == 2
    assert nets(world) == expected(world)


def test_a_year_end_close_writes_nothing(world: World) -> None:
    world.settle()
    told = world.gp.control("POST", "journals/close", {"year": 2026})
    world.forget()
    assert world.sync() == {"journal_entries": {"kept": 1}, "account_months": {}}
    reads = {name: number for name, number in world.operations().items() if "ByKey" in name}
    assert reads == {"GetGLPostedTransactionByKey": 1}, (
        "what brings the balances forward, and nothing of the year"
    )
    assert told["brought_forward"]["lines"]
    assert world.writes("Vendors") == {}
    assert nets(world) == expected(world)


def test_one_entry_and_one_month_can_be_asked_for_by_their_keys(world: World) -> None:
    rows = world.gp.control("GET", "journals?limit=1000000")["rows"]
    entry = [entry for entry in rows if entry["source_document"] != "BBF"][-1]
    assert world.sync("journal_entries", "--key", f"{entry['journal_id']}/{entry['on']}") == {
        "journal_entries": {"kept": 1}
    }
    key = next(iter(expected(world)))
    assert world.sync("account_months", "--key", key) == {"account_months": {}}
    said = world.run("sync", "account_months", "--key", "000-1100-00/1999-01")
    assert "GP has no 000-1100-00/1999-01" in said.text


def test_the_reports_tell_of_it(world: World) -> None:
    said = world.ok("report")
    assert "journal_entries" in said.out
    assert world.ok("reconcile", "keys", "journal_entries").code == 0
    assert world.ok("reconcile", "keys", "account_months").code == 0
    assert world.ok("review", "export", str(world.folder / "review.csv"), "--all").code == 0
    assert world.ok("held", "list").code == 0
    said = world.run("held", "show", "1/2026-01-01")
    assert "waits" in said.text


def test_an_entry_that_gp_refuses_waits_and_is_retried(world: World) -> None:
    made = world.gp.control("POST", "journals", {"lines": LINES, "on": "2026-07-01", "reference": "Refused"})
    key = f"{made['journal_id']}/2026-07-01"
    world.gp_faults({"kind": "soap_validation_fault", "operation": "GetGLPostedTransactionByKey", "count": 5})
    assert world.sync("journal_entries", code=1)["journal_entries"] == {"held": 1}
    assert world.held()[key]["mapping"] == "(postings)"
    world.gp_faults()
    world.ok("held", "retry", key)
    assert world.held() == {}
    world.sync()
    assert nets(world) == expected(world)
