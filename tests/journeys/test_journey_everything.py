"""Every flow at once, over both real systems: the order, the approvals, what points to what, and then peace."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import ml_connector
from ml_connector.simulators.gp import MoreCompany
from systems import World, gp_options, opened, zoho_options

ALL = (
    "gl_accounts",
    "customers",
    "vendors",
    "journal_entries",
    "account_months",
    "deal_tagging",
    "profitability",
)
#: What every write changes.
STAMPS = {"Modified_Time", "Modified_By", "GP_GL_Account_As_Of"}
#: Every deal is retail of the service department, whatever its Account says.
RETAIL_RULE = {"deals_rules.retail__account": "'000-4110-02'"}


def everything(world: World, **more: str) -> None:
    """Enable every flow there is."""
    ours = {f"flows_{name}__enabled": "true" for name in ALL}
    world.write_settings(**(ours | more))
    world.here("provision", "--yes")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    options = gp_options(40, vendors=12, journal_entries=60)
    with opened(tmp_path_factory.mktemp("all"), gp=options, mappings=(), provisioned=False) as found:
        everything(found)
        yield found


def created(world: World, *flows: str) -> dict[str, int]:
    """What a plan of these flows would create, by flow."""
    told = world.here("plan", *flows, "--json").json["flows"]
    return {flow: counts["create"] for flow, counts in told.items() if counts["create"]}


def test_the_first_day(world: World) -> None:
    plan = world.here("plan")
    assert "account_months is not planned" in plan.text
    told = world.first(code=3)
    assert not any("held" in counts for counts in told.values()), told
    assert [name for name in ALL if name in told] == list(told)
    assert "account_months" not in told
    assert world.held() == {}
    assert created(world, "account_months")["account_months"] > 100
    told = world.first(code=0)
    assert told["account_months"]["created"] > 100
    assert list(told) == list(ALL)


def test_a_second_sync_writes_nothing(world: World) -> None:
    world.settle()
    world.forget()
    told = world.sync()
    assert all(counts == {} for counts in told.values()), told
    for module in ("GL_Accounts", "Accounts", "Contacts", "GL_Journal_Lines", "GL_Account_Months", "Deals"):
        assert world.writes(module) == {}, module


def test_a_line_points_to_its_gl_account_and_to_its_customer_or_vendor(world: World) -> None:
    chart = {row["id"]: row["GP_Account"] for row in world.records("GL_Accounts")}
    accounts = {row["id"]: row for row in world.accounts()}
    lines = {row["GP_Line_Key"]: row for row in world.records("GL_Journal_Lines")}
    expected = [
        line
        for entry in world.gp.control("GET", "journals?limit=1000000")["rows"]
        for line in entry["lines"]
        if entry["state"] != "Work"
    ]
    assert len(lines) == len(expected)
    for row in lines.values():
        assert chart[row["GP_GL_Account"]["id"]] == row["GP_Account_Number"]
    linked = [row["GP_Customer_or_Vendor"]["id"] for row in lines.values() if row["GP_Customer_or_Vendor"]]
    assert {accounts[one]["GP_Customer_ID"] is not None for one in linked} == {True, False}
    of_masters = [
        line["origin"]["master_id"].rstrip()
        for line in expected
        if line["origin"] and line["origin"]["master_id"].strip()
    ]
    told = [accounts[one]["GP_Customer_ID"] or accounts[one]["GP_Vendor_ID"] for one in linked]
    assert sorted(told) == sorted(of_masters)


def test_a_month_has_the_sums_of_its_lines(world: World) -> None:
    sums: dict[tuple[str, str], Decimal] = {}
    for row in (one for one in world.records("GL_Journal_Lines") if one["GP_Posted"]):
        if row["GP_Debit"] is None and row["GP_Credit"] is None:
            continue  # a quantity
        key = row["GP_Account_Number"], row["GP_Date"][:7]
        net = Decimal(str(row["GP_Debit"] or 0)) - Decimal(str(row["GP_Credit"] or 0))
        sums[key] = sums.get(key, Decimal(0)) + (0 if row["GP_Voided"] else net)
    months = {
        (row["GP_Account_Number"], row["GP_Month"][:7]): Decimal(str(row["GP_Net"]))
        for row in world.records("GL_Account_Months")
    }
    assert months == sums


def test_what_a_person_changed_in_the_ledger_is_found_and_put_back(world: World) -> None:
    """A line of a posted entry, which no ordinary run reads again, an account, and a month."""
    world.ok("reconcile", "fields", "--json")
    line = next(row for row in world.records("GL_Journal_Lines") if row["GP_Posted"] and row["GP_Debit"])
    chart, month = world.records("GL_Accounts")[0], world.records("GL_Account_Months")[0]
    time.sleep(1.1)  # Zoho's stamps are to the second
    world.edit(line["id"], module="GL_Journal_Lines", GP_Debit=1.23, GP_GL_Account=None)
    world.edit(chart["id"], module="GL_Accounts", GP_Category="Typed")
    world.edit(month["id"], module="GL_Account_Months", GP_Net=4.56)
    told = world.ok("reconcile", "fields", "--json", code=1).json["differences"]
    assert {(one["flow"], one["field"]) for one in told} == {
        ("journal_entries", "GP_Debit"),
        ("journal_entries", "GP_GL_Account"),
        ("gl_accounts", "GP_Category"),
        ("account_months", "GP_Net"),
    }
    world.ok("reconcile", "fields", "--put-back")
    for module, before in (("GL_Journal_Lines", line), ("GL_Accounts", chart), ("GL_Account_Months", month)):
        [after] = [row for row in world.records(module) if row["id"] == before["id"]]
        assert {n: v for n, v in after.items() if n not in STAMPS} == {
            n: v for n, v in before.items() if n not in STAMPS
        }
    assert world.ok("reconcile", "fields", "--json").json["differences"] == []


def test_what_was_not_in_the_approved_plan_can_be_approved_next(tmp_path: Path) -> None:
    """A customer that appeared after the plan waits, and the next plan says how it is let through."""
    with opened(tmp_path, gp=gp_options(0, vendors=0)) as world:
        approved = world.plan("customers")
        world.customer("LATECOME0001", "Late Comer")
        world.sync("customers", approve=approved, code=1)
        said = world.here("plan", "customers").out
        assert "1 records wait because they were not in the plan that was approved." in said
        [words] = re.findall(r"Approve it with:  ml-connector (.*)", said)
        world.ok(*words.split())
        assert world.account("LATECOME0001")["Account_Name"] == "Late Comer"


def test_the_chart_under_another_name(tmp_path: Path) -> None:
    """Rules and profitability find the GL accounts in whatever module the mapping puts them."""
    folder = tmp_path / "mappings"
    shutil.copytree(Path(ml_connector.__file__).parent / "mappings", folder)
    for file in folder.glob("*.toml"):
        file.write_text(file.read_text().replace('"GL_Accounts"', '"Ledger_Accounts"'))
    chart = folder / "gl_accounts.toml"
    chart.write_text(chart.read_text().replace('"GL Accounts"', '"Ledger Accounts"'))
    with opened(tmp_path, gp=gp_options(0, journal_entries=60), provisioned=False) as world:
        world.write_settings(mappings__folder=f"'{folder}'", **RETAIL_RULE)
        everything(world, flows_journal_entries__mappings="[]", flows_account_months__enabled="false")
        world.first()
        [deal] = world.seed({"Deal_Name": "Lamps", "Stage": "Closed Won"}, module="Deals")
        world.sync()
        chosen = {row["id"]: row["GP_Account"] for row in world.records("Ledger_Accounts")}
        [found] = [row for row in world.records("Deals") if row["id"] == deal]
        assert chosen[found["GP_GL_Account"]["id"]] == "000-4110-02"


def test_everything_in_an_edition_without_modules(tmp_path: Path) -> None:
    zoho = zoho_options(edition="professional")
    with opened(
        tmp_path, gp=gp_options(0, vendors=12, journal_entries=60), zoho=zoho, provisioned=False
    ) as world:
        by_number = {
            "profitability__revenue_accounts": "['000-4000-00..000-4499-99']",
            "profitability__cost_accounts": "['000-4500-00..000-4699-99']",
            "profitability__revenue_categories": "[]",
            "profitability__cost_categories": "[]",
        }
        world.write_settings(zoho__edition="'professional'", **RETAIL_RULE, **by_number)
        everything(world)
        told = world.first()
        assert told["journal_entries"]["kept"] > 50
        assert told["gl_accounts"].keys() == {"kept"}, "for their categories; none of them goes to Zoho"
        assert "account_months" not in told
        assert world.held() == {}
        world.seed({"Deal_Name": "Lamps", "Stage": "Closed Won"}, module="Deals")
        world.sync()
        assert [row["GP_GL_Account"] for row in world.records("Deals")] == ["000-4110-02"]
        world.settle()
        assert all(counts == {} for counts in world.sync().values()), told


def test_everything_of_several_companies(tmp_path: Path) -> None:
    gp = gp_options(32, 14, journal_entries=60, companies=(MoreCompany(2, customers=30, vendors=12, seed=9),))
    with opened(tmp_path, gp=gp, mappings=(), provisioned=False) as world:
        everything(world, companies_EU__company_id="2", companies_EU__key_prefix="'EU-'")
        world.first(code=3)
        world.first()
        assert world.held() == {}
        chart = {row["id"]: row["GP_Account"] for row in world.records("GL_Accounts")}
        lines, months = world.records("GL_Journal_Lines"), world.records("GL_Account_Months")
        for row in (*lines, *months):
            key = row.get("GP_Line_Key") or row["GP_Account_Month"]
            prefix = "EU-" if key.startswith("EU-") else ""
            assert chart[row["GP_GL_Account"]["id"]] == prefix + row["GP_Account_Number"]
        assert {row["GP_Line_Key"].startswith("EU-") for row in lines} == {True, False}
        world.settle()
        assert all(counts == {} for counts in world.sync().values())
