"""What a person decides, with the commands: plan seen field by field, review file, holds, renamed keys, the report."""

import csv
import json

import pytest

from ml_connector.cli.codes import catalogue, entry_of
from ml_connector.core.catalogue import OWN_CODES, Kind
from systems import gp_options, opened

FITZ, ADAM, ASTOR, ADVANCED = "AARONFIT0001", "ADAMPARK0001", "ASTORSUI0001", "ADVANCED0001"
NEW = 26  #: customers of Fabrikam's that Zoho knows nothing of


@pytest.fixture
def world(tmp_path):
    """Fabrikam's customers; Zoho has one of them, another one twice, and a third one nearly."""
    with opened(tmp_path, gp=gp_options(0)) as world:
        world.seed(
            {"Account_Name": "Aaron Fitz Electrical", "Phone": "1"},
            {"Account_Name": "Adam Park Resort"},
            {"Account_Name": "Adam Park Resort"},
        )
        yield world


def rows_of(file):
    with file.open(encoding="utf-8-sig", newline="") as opened_file:
        return {row["key"]: row for row in csv.DictReader(opened_file)}


def write_rows(file, rows):
    with file.open("w", encoding="utf-8-sig", newline="") as opened_file:
        writer = csv.DictWriter(opened_file, next(iter(rows)).keys())
        writer.writeheader()
        writer.writerows(rows)


def test_a_first_load_is_reviewed_in_a_file(world, tmp_path):
    before = world.plan("customers")
    file = tmp_path / "review.csv"
    said = world.here("review", "export", str(file), "customers")
    assert f"{len(world.customers())} rows to decide on" in said.out
    rows = rows_of(file)
    assert rows[FITZ]["outcome"] == "match by name"
    assert rows[FITZ]["zoho_name"] == "Aaron Fitz Electrical"
    assert rows[ADAM]["outcome"] == "ambiguous"
    chosen = rows[ADAM]["candidates"].split("; ")[1].split()[0]
    rows[ADAM] |= {"decision": "choose", "id": f"'{chosen}"}
    rows[FITZ]["decision"] = "reject"
    rows[ASTOR]["decision"] = "reject"
    rows[ADVANCED]["decision"] = "approve"
    write_rows(file, rows.values())

    told = world.here("review", "read", str(file))
    assert "approve 1, reject 2, choose 1. 3 of them" in told.out
    assert "plan" in told.out
    assert world.here("review", "read", str(file), "--json").json == {
        "decisions": {"approve": 1, "reject": 2, "choose": 1},
        "changed": 0,
    }
    after = world.plan("customers")
    assert after != before
    assert "last plan" in world.ok("sync", "customers", "--approve", before, code=2).err
    assert world.sync("customers", approve=after, code=1) == {
        "customers": {"created": len(world.customers()) - 2, "matched": 1, "held": 1}
    }
    assert world.account(ADAM)["id"] == chosen
    assert len([a for a in world.accounts() if a["Account_Name"] == "Aaron Fitz Electrical"]) == 2
    assert world.held()[ASTOR]["code"] == "DECLINED"
    reviewed = [row for row in world.story(ADAM) if row["action"] == "record:reviewed"]
    assert [row["reason"] for row in reviewed] == [f"Reviewed (choose): {chosen} is meant."]
    assert "@" in reviewed[0]["actor"]


def test_a_review_at_fault_is_two_sentences_and_changes_nothing(world, tmp_path):
    world.plan("customers")
    file = tmp_path / "review.csv"
    world.here("review", "export", str(file))
    assert "there already" in world.ok("review", "export", str(file), code=2).err
    rows = rows_of(file)
    rows[FITZ]["decision"], rows[ADAM]["decision"] = "reject", "yes"
    write_rows(file, rows.values())
    said = world.ok("review", "read", str(file), "--json", code=2)
    assert "Line 3: “yes” is none of approve, reject, choose." in said.json["happened"]
    assert world.rows("SELECT COUNT(*) FROM verdicts") == [(0,)]


def test_a_hold_is_shown_released_and_discarded(world):
    world.first("customers", code=1)
    listed = world.here("held", "list", "--json").json["held"]
    assert {(h["key"], h["kind"], h["system"]) for h in listed} == {(ADAM, "match", "ml-connector")}
    shown = world.here("held", "show", ADAM).text
    assert "kind: match" in shown
    assert shown.count(OWN_CODES["AMBIGUOUS_MATCH"].meaning) == 1  # once for all mappings
    assert shown.startswith(f"{ADAM} (customers, ")
    assert all(mapping in shown for mapping in ("customer_accounts", "customer_financials"))
    assert "AMBIGUOUS_MATCH" in world.here("held", "list").text

    said = world.ok("held", "release", ADAM, code=2)
    assert "--reason" in said.err
    assert "No record NOPE waits" in world.ok("held", "discard", "NOPE", "--reason", "x", code=2).err
    told = world.ok("held", "release", ADAM.lower(), "--reason", "another branch", "--json")
    assert told.json["flows"]["customers"]["counts"]["created"] == 1
    assert world.held() == {}
    assert world.account(ADAM)
    let_through = [row for row in world.story(ADAM) if row["action"] == "record:let_through"]
    assert {row["reason"] for row in let_through} == {"Held as AMBIGUOUS_MATCH: another branch"}

    world.change(FITZ, email={"to": "no address"})
    world.sync("customers", "--key", FITZ, code=1)
    hold = world.held()[FITZ]
    assert (hold["kind"], hold["code"]) == ("data", "INVALID_EMAIL")
    assert "nobody can release" in world.ok("held", "release", FITZ, "--reason", "x", code=2).err
    discarded = world.here("held", "discard", FITZ, "--reason", "he has none").out
    assert "no longer waits" in discarded
    assert "sync --full" in discarded
    assert world.held() == {}
    world.sync("customers", "--full", code=1)
    assert world.held()[FITZ]["code"] == "INVALID_EMAIL"


def test_a_key_that_waits_in_two_flows_needs_the_flow_named(tmp_path):
    with opened(tmp_path, gp=gp_options(3, 3)) as world:
        world.seed(*({"Account_Name": "Both"} for _ in range(2)))
        world.customer("BOTH0001", "Both")
        world.gp.control("POST", "vendors", {"id": "BOTH0001", "name": "Both"})
        world.first(code=1)
        assert "customers and vendors" in world.ok("held", "discard", "BOTH0001", "--reason", "x", code=2).err
        world.here("held", "discard", "BOTH0001", "--flow", "vendors", "--reason", "x")
        assert world.held()["BOTH0001"]["flow"] == "customers"


def test_a_record_is_planned_field_by_field(world):
    world.plan("customers")
    kept = world.rows("SELECT key, plan FROM decisions ORDER BY key")
    [told] = world.here("plan", "customers", "--key", FITZ, "--json").json["records"]
    assert (told["key"], told["outcome"], told["why"]) == (FITZ, "match", "by name")
    fields = {field["field"]: field for field in told["fields"]}
    assert fields["Phone"]["now"] == "1"
    assert fields["Phone"]["will_be"] != "1"
    assert fields["GP_Customer_ID"] == {
        "field": "GP_Customer_ID",
        "now": None,
        "will_be": FITZ,
        "mapping": "customer_accounts",
    }
    assert (
        fields["GP_Balance"]["mapping"] == fields["GP_Financials_As_Of"]["mapping"] == "customer_financials"
    )
    assert world.rows("SELECT key, plan FROM decisions ORDER BY key") == kept
    shown = world.here("plan", "customers", "--key", FITZ, "--key", ADAM)
    assert "in Zoho now (or as we left it)" in shown.out
    assert f"{ADAM}  Adam Park Resort: hold" in shown.out
    assert "--approve" not in shown.out
    assert "GP has no NOPE in customers" in world.ok("plan", "--key", "NOPE", "customers", code=2).err


def test_a_plan_counts_by_outcome_and_by_mapping(world):
    said = world.here("plan", "customers", "--show", "1", "--json").json
    assert said["flows"]["customers"] == {"create": NEW, "match": 1, "update": 0, "skip": 0, "hold": 1}
    figures = said["figures"]["customers"]
    assert (figures["matches"], figures["holds"]) == ({"name": 1}, {"AMBIGUOUS_MATCH": 1})
    accounts = figures["mappings"]["customer_accounts"]
    assert (accounts["module"], accounts["creates"], accounts["updates"]) == ("Accounts", NEW, 1)
    assert accounts["fields"]["Phone"] == 1
    assert [record["outcome"] for record in said["records"]] == ["match", "hold", "create"]
    text = world.here("plan", "customers", "--fields", "--show", "1").out
    assert "review export" in text
    assert "will be" in text


def test_a_changed_mapping_says_what_it_rewrites(world, tmp_path):
    world.first("customers", code=1)
    assert "mappings changed" not in world.here("plan", "customers").out
    world.write_settings(flows_customers__mappings=json.dumps(["customer_accounts", "customer_financials"]))
    world.first("customers", code=1)
    world.write_settings(
        flows_customers__mappings=json.dumps(
            ["customer_accounts", "customer_financials", "customer_gl_accounts"]
        )
    )
    world.rewrite("DELETE FROM outcomes WHERE mapping = 'customer_gl_accounts'")
    for account in world.accounts():
        world.edit(account["id"], GP_Sales_Account="changed by hand")
    said = world.here("plan", "customers")
    assert f"the next run reads all {NEW + 2} records of GP and rewrites {NEW + 1} in Zoho" in said.out
    figures = world.here("plan", "customers", "--json").json["figures"]["customers"]
    assert figures["backfill"] is True
    updates = {name: found["updates"] for name, found in figures["mappings"].items()}
    assert updates == {"customer_accounts": 0, "customer_financials": 0, "customer_gl_accounts": NEW + 1}


def test_a_plan_beyond_the_safety_limit_says_so_and_the_sync_stops(world):
    world.first("customers", code=1)
    for number in range(30):
        world.customer(f"MANY{number:04}", f"Company number {number}")
    said = world.here("plan", "customers")
    assert "max_change_ratio" in said.err
    assert "--over-limit" in said.err
    stopped = world.ok("sync", "customers", code=3)
    assert "max_change_ratio" in stopped.err
    assert world.sync("customers", "--over-limit", code=1)["customers"]["created"] == 30


def test_a_renamed_customer_is_moved(world):
    world.first("customers", code=1)
    account = world.account(FITZ)
    assert "still has" in world.ok("links", "move", FITZ, ASTOR, "--reason", "x", code=2).err
    assert (
        "No record of Zoho is linked" in world.ok("links", "move", "NOPE", ASTOR, "--reason", "x", code=2).err
    )
    world.change(FITZ, rename="FITZ0001")
    assert "--reason" in world.ok("links", "move", FITZ, "FITZ0001", code=2).err
    told = world.ok("links", "move", FITZ, "FITZ0001", "--reason", "renamed on Monday", code=1)
    assert "customers 0 1 " in told.text
    assert world.account("FITZ0001")["id"] == account["id"]
    assert [row["reason"] for row in world.story(FITZ)][-1] == "It goes on as FITZ0001: renamed on Monday"


def test_the_report_names_runs_holds_and_twins(world):
    world.first("customers", code=1)
    world.seed({"Account_Name": "Astor Suites"})  # a person typed it meanwhile
    world.ok("held", "release", ADAM, "--reason", "another branch")
    world.change(ADVANCED, set={"class_id": "OTHER"})
    world.sync("customers")
    told = world.here("report", "--json").json
    assert [run["state"] for run in told["runs"]] == ["done"] * 3
    assert told["runs"][0]["counts"]["created"] == NEW
    assert told["waiting"] == told["drift"] == []
    [twin] = told["twins"]  # Adam Park was let through: two of them are meant
    assert twin["twin"]["name"] == twin["twin"]["twin_name"] == "Astor Suites"
    text = world.here("report", "--hours", "1").out
    assert "Astor Suites" in text
    assert f"created {NEW}" in text
    world.rewrite("DELETE FROM audit WHERE action IN ('record:let_through', 'record:reviewed')")
    assert world.here("report", "--json").json["twins"] == [twin], "what a person meant outlives the trail"

    world.change(FITZ, email={"to": "no address"})
    world.sync("customers", "--key", FITZ, code=1)
    [waiting] = world.here("report", "--json").json["waiting"]
    assert (waiting["kind"], waiting["code"], waiting["records"]) == ("data", "INVALID_EMAIL", 1)
    assert "INVALID_EMAIL" in world.here("report").out


def test_a_record_that_waits_for_two_reasons_is_one_everywhere(world):
    world.first("customers", code=1)
    world.ok("held", "release", ADAM, "--reason", "another branch")
    world.change(FITZ, email={"to": "no address"})
    world.sync("customers", "--key", FITZ, code=1)
    columns = "company, mapping, source_key, part, flow, code, field, happened, remedy, answer, detail, run"
    rest = "key, attempts, last_at, opened_at, closed_at"
    other = columns.replace("mapping", "'customer_gl_accounts'").replace("code", "'OTHER'")
    world.rewrite(
        f"INSERT INTO holds ({columns}, {rest}) SELECT {other}, {rest} FROM holds"
        " WHERE closed_at IS NULL AND code = 'INVALID_EMAIL' LIMIT 1"
    )
    synced = world.ok("sync", "customers", code=1)
    assert "Waiting for a person: 1 (ml-connector held list)" in synced.out
    listed = world.here("held", "list").out
    assert len([row for row in listed.splitlines() if FITZ in row]) == 2
    assert "Waiting for a person: 1, with a line for each of its reasons" in listed
    told = world.here("report", "--json").json
    assert (len(told["waiting"]), told["records_waiting"]) == (2, 1)
    text = world.here("report").out
    assert "Waiting for a person: 1 records" in text
    assert "A record that waits for several reasons is counted under each." in text


def test_every_code_has_an_entry_and_an_unknown_one_is_data():
    assert {entry.system for entry in catalogue()} == {"ml-connector", "Zoho CRM", "Dynamics GP"}
    assert entry_of("AMBIGUOUS_MATCH").kind is Kind.MATCH
    assert entry_of("DUPLICATE_DATA").system == "Zoho CRM"
    assert entry_of("VALIDATION").system == "Dynamics GP"
    assert (entry_of("NEVER_SEEN").system, entry_of("NEVER_SEEN").kind) == ("unknown", Kind.DATA)
