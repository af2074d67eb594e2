"""The chart of accounts in Zoho: a module that provision makes; where there can be none, what is used instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from systems import ACCOUNTS_ONLY, World, assert_settled, gp_options, opened, zoho_options

SEGMENTS = {"GP_Segment_1": "Division", "GP_Segment_2": "Account", "GP_Segment_3": "Department"}
TAG = "GP_GL_Account"
MODULES, FIELDS = "POST /crm/v8/settings/modules", "POST /crm/v8/settings/fields"
RELABEL = "PATCH /crm/v8/settings/fields"


@contextmanager
def chart(folder: Path, **zoho: Any) -> Iterator[World]:
    """An installation whose settings want the chart of accounts, not provisioned yet."""
    options = zoho_options(**zoho)
    with opened(folder, gp=gp_options(0), zoho=options, mappings=ACCOUNTS_ONLY, provisioned=False) as found:
        found.write_settings(
            flows_gl_accounts__enabled="true",
            flows_deal_tagging__enabled="true",
            flows_journal_entries__enabled="true",
            flows_journal_entries__mappings="[]",
            flows_profitability__enabled="true",
            flows_vendors__enabled="false",
        )
        yield found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with chart(tmp_path) as found:
        yield found


def fields_of(world: World, module: str) -> dict[str, dict[str, Any]]:
    """Our fields of a module as Zoho has them: label, type and what a lookup points to."""
    every = world.zoho_ask(f"settings/fields?module={module}")["fields"]
    return {field["api_name"]: field for field in every if field["api_name"].startswith("GP_")}


def modules_of(world: World) -> list[str]:
    return [module["api_name"] for module in world.zoho_ask("settings/modules")["modules"]]


def accounts_of_gp(world: World) -> dict[str, dict[str, Any]]:
    rows = world.gp.control("GET", "accounts?limit=1000000")["rows"]
    return {row["id"]: row for row in rows}


def test_the_module_is_planned_then_made_with_a_field_for_each_segment(world: World) -> None:
    asked = world.ok("provision", stdin="n\n", code=3)
    for words in ("GL_Accounts", "500 API credits", "lookup to GL_Accounts", "to be labelled “Division”"):
        assert words in asked.text
    assert "Make 1 module and" in asked.err
    assert "GP_Segment_4" not in asked.text  # Fabrikam's account format has three
    assert world.rows("SELECT COUNT(*) FROM field_labels") == [(0,)]
    world.ok("provision", "--check", code=1)
    assert "Modules made: 1. Fields made: " in world.ok("provision", "--yes").out
    fields = fields_of(world, "GL_Accounts")
    assert {name: fields[name]["field_label"] for name in SEGMENTS} == SEGMENTS
    assert fields_of(world, "Deals")[TAG]["lookup"]["module"]["api_name"] == "GL_Accounts"
    assert {"GP_Documents", "GP_Revenue", "GP_Cost", "GP_Margin"} <= fields_of(world, "Deals").keys()
    assert "GP_Account_Margin" in fields_of(world, "Accounts")
    told = world.ok("provision", "--check", "--json").json
    assert (told["ok"], told["missing"], told["problems"]) == (True, [], [])
    assert world.ok("ping").code == 0


def test_every_account_is_brought_over_once_and_what_changes_is_updated(world: World) -> None:
    world.write_settings(flows_customers__enabled="false")
    world.here("provision", "--yes")
    in_gp = accounts_of_gp(world)
    assert world.first("gl_accounts") == {"gl_accounts": {"created": len(in_gp)}}
    records = {record["GP_Account"]: record for record in world.records("GL_Accounts")}
    assert records.keys() == in_gp.keys()
    cash = records["000-1100-00"]
    assert cash["Name"] == "000-1100-00 Cash - Operating Account"
    assert [cash[name] for name in SEGMENTS] == ["000", "1100", "00"]
    for name in ("GP_Description", "GP_Category", "GP_Posting_Type", "GP_Typical_Balance"):
        assert cash[name]
    assert cash["GP_Account_Active"] is True
    world.settle()
    world.forget()
    world.sync("gl_accounts")
    assert world.writes("GL_Accounts") == {}
    world.gp.control("POST", "accounts/000-1100-00", {"set": {"description": "Cash, main account"}})
    assert world.sync("gl_accounts")["gl_accounts"]["updated"] == 1
    [cash] = [r for r in world.records("GL_Accounts") if r["GP_Account"] == "000-1100-00"]
    assert cash["GP_Description"] == "Cash, main account"
    assert_settled(world)


def test_customers_point_to_their_sales_account(world: World) -> None:
    world.here("provision", "--yes")
    world.first("gl_accounts")
    world.first("customers")
    numbers = {record["id"]: record["GP_Account"] for record in world.records("GL_Accounts")}
    pointing = [account for account in world.accounts() if account.get("GP_Sales_GL_Account")]
    assert pointing
    for account in pointing:
        assert numbers[account["GP_Sales_GL_Account"]["id"]] == account["GP_Sales_Account"]


def test_a_segment_that_is_renamed_in_gp_has_its_new_name_with_the_next_provision(world: World) -> None:
    world.here("provision", "--yes")
    before = world.rows("SELECT field, label FROM field_labels ORDER BY field")
    world.rewrite("UPDATE field_labels SET label = 'Old name' WHERE field = 'segment.1'")
    world.change_fields({"api_name": "GP_Segment_1", "label": "Old name"}, module="GL_Accounts")
    looked = world.ok("provision", "--check", code=1)
    assert "to be labelled “Division”" in looked.text
    said = world.ok("provision", stdin="y\n")
    assert "Make these 1 label in Zoho?" in said.err
    assert "Fields labelled: 1." in said.out
    assert fields_of(world, "GL_Accounts")["GP_Segment_1"]["field_label"] == "Division"
    assert world.rows("SELECT field, label FROM field_labels ORDER BY field") == before


def test_while_gp_is_away_its_names_stay_as_they_were_known_last(world: World) -> None:
    world.here("provision", "--yes")
    world.gp.stop()
    said = world.ok("provision", "--check")
    assert "could not be read" in said.text
    assert "as it was known last" in said.text


@pytest.mark.parametrize("kind", ["drop", "cut_after_work"])
@pytest.mark.parametrize(
    ("call", "nth"), [(MODULES, 1), (FIELDS, 1), (FIELDS, 9), (RELABEL, 1), (RELABEL, 3)]
)
def test_cut_off_anywhere_the_next_provision_finishes_it(
    tmp_path: Path, kind: str, call: str, nth: int
) -> None:
    with chart(tmp_path) as world:
        faults = [{"match": call, "kind": kind, "nth": nth + more} for more in range(3)]
        world.zoho_faults(*faults[: 3 if call == RELABEL else 1])  # what may be repeated is, three times
        stopped = world.run("provision", "--yes")
        assert stopped.code in (0, 4), stopped.text
        world.zoho_faults()
        world.ok("provision", "--yes")
        assert world.ok("provision", "--check", "--json").json["ok"]
        fields = fields_of(world, "GL_Accounts")
        assert {name: fields[name]["field_label"] for name in SEGMENTS} == SEGMENTS
        assert modules_of(world).count("GL_Accounts") == 1


def test_without_modules_of_ones_own_a_picklist_is_used_and_the_plan_says_so(tmp_path: Path) -> None:
    with chart(tmp_path, edition="professional") as world:
        # Nothing needs the categories of accounts that cannot be written: where lines are kept, they are kept, too.
        world.write_settings(flows_journal_entries__enabled="false", flows_profitability__enabled="false")
        asked = world.ok("provision", stdin="n\n", code=3)
        assert "GL_Accounts" in asked.out
        assert "the professional edition has no modules of one's own" in asked.text
        assert "The flow gl_accounts does not run" in asked.err
        assert "a picklist of account numbers instead of a lookup" in asked.err
        assert "lookup" not in asked.out
        assert "picklist" in asked.out
        world.here("provision", "--yes")
        assert "GL_Accounts" not in modules_of(world)
        tag = fields_of(world, "Deals")[TAG]
        assert tag["data_type"] == "picklist"
        choices = {value["actual_value"] for value in tag["pick_list_values"]}
        assert choices == accounts_of_gp(world).keys()
        assert "GP_Sales_GL_Account" not in fields_of(world, "Accounts")
        again = world.ok("provision", "--yes", "--json").json
        assert (again["ok"], again["created"], again["missing"]) == (True, [], [])
        assert world.ok("ping").code == 0
        refused = world.ok("sync", "gl_accounts", code=2)
        assert "this edition of Zoho does not have" in refused.text
        world.first("customers")
        assert all("GP_Sales_GL_Account" not in account for account in world.accounts())
        assert any(account["GP_Sales_Account"] for account in world.accounts())


def test_a_module_that_zoho_refuses_makes_another_plan_that_is_asked_for(tmp_path: Path) -> None:
    with chart(tmp_path, custom_module_limit=0) as world:
        said = world.ok("provision", stdin="y\nn\n", code=3)
        assert "lookup to GL_Accounts" in said.out
        assert "LIMIT_EXCEEDED" in said.text
        assert said.err.count("in Zoho?") == 2
        assert not fields_of(world, "Deals")
        world.here("provision", "--yes")
        assert fields_of(world, "Deals")[TAG]["data_type"] == "picklist"
        checked = world.ok("provision", "--check")
        assert "asks for it again" in checked.text
        assert world.ok("ping").code == 0


def test_without_the_right_to_make_modules_an_administrator_is_told_what_to_make(tmp_path: Path) -> None:
    with chart(tmp_path, may_customise=False) as world:
        said = world.ok("provision", "--yes", code=1)
        for words in (
            "Create New Module",
            "GL Account Name",
            "Lookup to GL_Accounts",
            "GP Segment 1, then Division",
        ):
            assert words in said.text
        told = world.ok("provision", "--yes", "--json", code=1).json
        assert [module["name"] for module in told["modules"]] == ["GL_Accounts"]
        world.zoho_call("POST", "settings", {"may_customise": True})
        world.here("provision", "--yes")  # the administrator makes them, by whatever way
        world.zoho_call("POST", "settings", {"may_customise": False})
        world.ok("provision", "--check")
