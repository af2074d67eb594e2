"""Two companies of one GP in one Zoho: the second one comes to a store that is in use."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.simulators.gp import MoreCompany
from ml_connector.simulators.gp.operations import SIGNATURES
from systems import ACCOUNTS_ONLY, World, assert_quiet, gp_options, opened

AARON = "AARONFIT0001"  # one of Fabrikam's own: both companies have it, with the same name
ALL_OF_CUSTOMERS = (*ACCOUNTS_ONLY, "customer_contacts")
VENDOR_KEY = "GP_Vendor_ID"


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    gp = gp_options(32, 14, companies=(MoreCompany(2, customers=36, vendors=14, seed=9),))
    with opened(tmp_path, gp=gp) as world:
        yield world


def add_company(world: World, **more: str) -> None:
    given = {"companies_EU__company_id": "2", "companies_EU__key_prefix": "'EU-'", **more}
    world.write_settings(**given)


def of_company(world: World, company: int) -> list[str]:
    rows = world.gp.control("GET", f"customers?limit=1000&company={company}")["rows"]
    return [row["id"].strip() for row in rows]


def keys(world: World, field: str = "GP_Customer_ID") -> list[str]:
    return sorted(account[field] for account in world.accounts() if account.get(field))


def test_a_second_company_comes_to_a_store_in_use_and_may_go_again(world):
    world.first("customers")
    before = {account["id"]: account for account in world.accounts()}
    assert keys(world) == sorted(of_company(world, -1))

    # it waits for an approval of its own, and the first goes on without
    add_company(world)
    waits = world.ok("sync", "customers", "EU/customers", "--json", code=3).json
    assert waits["waits_for_approval"] == ["EU/customers"]
    report = world.here("plan", "EU/customers", "--json").json
    assert report["flows"]["EU/customers"]["create"] == len(of_company(world, 2))
    done = world.sync("EU/customers", approve=report["hash"])
    assert done["EU/customers"]["created"] == len(of_company(world, 2))

    # the same id and the same name are two Accounts
    ours = [*of_company(world, -1), *(f"EU-{key}" for key in of_company(world, 2))]
    assert keys(world) == sorted(ours)
    assert world.account(AARON)["Account_Name"] == world.account(f"EU-{AARON}")["Account_Name"]
    after = {account["id"]: account for account in world.accounts()}
    assert {target_id: after[target_id] for target_id in before} == before
    assert Counter(world.rows("SELECT company, flow FROM cursors")) == Counter(
        [("-1", "customers"), ("2", "EU/customers")]
    )
    assert_quiet(world, "customers", "EU/customers")

    # a change in one of them is one write, and the story of the key tells both apart
    world.gp.control("POST", f"customers/{AARON}?company=2", {"set": {"name": "Aaron Fitz SE"}})
    assert world.sync("customers", "EU/customers") == {"customers": {}, "EU/customers": {"updated": 1}}
    assert (
        world.account(AARON)["Account_Name"]
        != "Aaron Fitz SE"
        == world.account(f"EU-{AARON}")["Account_Name"]
    )
    story = world.story(AARON, "customer_accounts")
    assert {(row["company"], row["flow"]) for row in story} == {("-1", "customers"), ("2", "EU/customers")}
    assert "EU/customer_accounts" in world.here("audit", "show", AARON).out

    # without it nothing happens to its records, and with it again nothing has to be done
    settings = dict(world.values)
    for name in [name for name in world.values if name.startswith("companies")]:
        del world.values[name]
    world.write_settings()
    assert_quiet(world, "customers")
    assert keys(world) == sorted(ours)
    world.values = settings
    world.write_settings()
    assert_quiet(world, "customers", "EU/customers")

    # its prefix and its name are fixed
    add_company(world, companies_EU__key_prefix="'E-'")
    assert "records were written with “EU-”" in world.ok("sync", "EU/customers", code=2).text
    del world.values["companies_EU__company_id"], world.values["companies_EU__key_prefix"]
    world.write_settings(companies_Europe__company_id="2", companies_Europe__key_prefix="'EU-'")
    assert "its flows were called EU before" in world.run("plan", "Europe/customers").text
    assert keys(world) == sorted(ours)


def test_a_company_is_named_for_all_its_flows_and_vendors_do_not_join_the_other_company_s_customer(world):
    world.gp.control("POST", "vendors?company=2", {"id": "AARON-V", "name": "Aaron Fitz Electrical"})
    world.write_settings(flows_customers__mappings=json.dumps(ALL_OF_CUSTOMERS))
    world.here("provision", "--yes")
    world.first("customers")
    add_company(world)
    approved = world.plan("EU")
    done = world.sync("EU", approve=approved)
    assert done.keys() == {"EU/customers", "EU/vendors"}
    [vendor] = [account for account in world.accounts() if account.get(VENDOR_KEY) == "EU-AARON-V"]
    assert vendor["id"] != world.account(AARON)["id"]
    assert vendor["id"] == world.account(f"EU-{AARON}")["id"], "within a company, both are one Account"
    # a person of both is two Contacts, each below the Account of its company
    persons = {contact["GP_Contact_Key"]: contact["Account_Name"]["id"] for contact in world.contacts()}
    for prefix in ("", "EU-"):
        [parent] = [below for key, below in persons.items() if key.startswith(f"{prefix}{AARON}:")]
        assert parent == world.account(f"{prefix}{AARON}")["id"]
    assert_quiet(world, "customers", "EU")


def test_holds_reviews_and_deletions_know_their_company(world):
    world.seed({"Account_Name": "Aaron Fitz Electrical"})
    add_company(world, companies_EU__leave_out="['vendors']", company__name="'US'")
    world.write_settings(flows_vendors__enabled="false")
    approved = world.plan("US", "EU")
    world.sync("customers", "EU/customers", approve=approved, code=1)
    # typed by a person, it could be either's: nobody guesses
    held = world.here("held", "list", "--json").json["held"]
    assert {(hold["flow"], hold["key"], hold["code"]) for hold in held} == {
        (flow, AARON, "AMBIGUOUS_MATCH") for flow in ("customers", "EU/customers")
    }
    assert "Name one with --flow FLOW" in world.ok("held", "discard", AARON, "--reason", "-", code=2).text
    world.ok("held", "release", AARON, "--flow", "EU/customers", "--reason", "another", code=1)
    assert world.account(f"EU-{AARON}")
    assert {hold["flow"] for hold in world.here("held", "list", "--json").json["held"]} == {"customers"}

    # the first company's run reads Zoho's deletions, and the second one's record knows of it
    gone = world.account("EU-ADAMPARK0001")["id"]
    world.zoho_call("POST", "delete/Accounts", {"ids": [gone]})
    world.change("ADAMPARK0001", set={"name": "Adam Park Resorts"})  # so that it has a reason to look at Zoho
    world.ok("sync", "customers", "EU/customers", code=1)
    held = world.here("held", "list", "--json").json["held"]
    assert {(h["flow"], h["key"], h["code"]) for h in held if h["flow"].startswith("EU/")} == {
        ("EU/customers", "ADAMPARK0001", "DELETED_IN_TARGET")
    }
    assert "EU/customers" in world.here("report").out


def test_ping_tries_each_company_and_says_what_the_account_may_not_do(world):
    add_company(world)
    denied = {r"FABRIKAM\connector": ["GetVendorByKey", "GetLoggedValidationResultByKey"]}
    world.gp.control("POST", "settings", {"denied_operations": denied})
    told = world.ok("ping", "--json", code=1).json["systems"]
    for system, flow in (("Dynamics GP", "vendors"), ("Dynamics GP EU", "EU/vendors")):
        [failed] = [check for check in told[system] if not check["ok"]]
        assert failed["name"] == "GetVendorByKey"
        assert f"The flow {flow} needs it." in failed["detail"]
        assert "Dynamics Security Console" in failed["remedy"]


def test_an_account_that_may_only_read_runs_every_flow(world):
    """Its rights are the operations of the rights page, all of which read; another one would be refused."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "rights.md").read_text()
    granted = set(re.findall(r"(?m)^\| `(Get\w+)`", page))
    denied = {r"FABRIKAM\connector": sorted(set(SIGNATURES) - granted)}
    world.gp.control("POST", "settings", {"denied_operations": denied})
    world.write_settings(gp__payables="'exact'", flows_customers__mappings=json.dumps(ALL_OF_CUSTOMERS))
    world.here("provision", "--yes")
    world.first()
    world.ok("ping")
    assert set(world.operations()) <= granted


def test_the_keys_of_a_further_company_are_compared_too(world):
    add_company(world)
    report = world.here("plan", "EU/customers", "--json").json
    world.sync("EU/customers", approve=report["hash"])
    told = world.ok("reconcile", "keys", "EU/customers", "--json").json["flows"]
    assert told["EU/customers"]["counts"]["compared"] == len(of_company(world, 2))


def test_a_company_that_stops_does_not_stop_the_other(world):
    add_company(world)
    world.first()
    for number in range(40):
        world.customer(f"NEW{number:04}", f"Number {number} Limited")
    world.gp.control("POST", f"customers/{AARON}?company=2", {"set": {"name": "Aaron Fitz SE"}})
    told = world.ok("sync", "--json", code=3).json
    assert told["flows"].keys() == {"customers", "EU/customers", "EU/vendors"}
    assert told["not_run"] == ["vendors"]
    assert world.account(f"EU-{AARON}")["Account_Name"] == "Aaron Fitz SE"
    said = world.ok("sync", code=3)
    assert "Not run after that: vendors. Run the command again when that is mended." in said.err
