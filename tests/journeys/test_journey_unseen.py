"""What GP's stamps do not show, by the real command over both wires: deletions, missed changes, e-mail, balances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from systems import World, counts, gp_options, opened

LONG_AGO = "2019-04-12T08:00:00+00:00"
KEY, OTHER, GONE = "AARONFIT0001", "ADAMPARK0001", "ASTORSUI0001"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("unseen"), gp=gp_options(30, 12)) as world:
        world.first()
        world.settle()
        yield world


def reconcile(world: World, *words: str, code: int = 0) -> dict[str, dict[str, int]]:
    told = world.ok("reconcile", "keys", *words, "--json", code=code).json["flows"]
    return {flow: counts(result) for flow, result in told.items()}


def test_deletions_and_missed_changes_are_found_once(world: World) -> None:
    quiet = {"customers": {"compared": 30}, "vendors": {"compared": len(world.vendors())}}
    assert reconcile(world) == quiet
    world.change(KEY, set={"name": "Renamed Long Ago"}, modified_at=LONG_AGO)
    world.customer("LATE0001", "Late Limited", modified_at=LONG_AGO)
    world.gp.control("DELETE", f"customers/{GONE}")
    assert world.sync("customers") == {"customers": {"created": 1}}, "the list of balances names the new one"
    accounts = len(world.accounts())
    world.forget()
    found = {"compared": 30, "missed": 1, "unrecorded": 1, "vanished": 1, "absent": 1, "marked": 1}
    assert reconcile(world, "customers") == {"customers": {**found, "updated": 1, "unchanged": 1}}
    assert world.operations()["GetCustomerByKey"] == 3
    assert world.account(KEY)["Account_Name"] == "Renamed Long Ago"
    assert world.account(GONE)["GP_Customer_Deleted"] is True
    assert len(world.accounts()) == accounts, "nothing is deleted"
    assert [row["action"] for row in world.story(GONE, "customer_accounts")][-1] == "record:vanished"
    world.settle()
    assert reconcile(world) == quiet


def test_it_is_told_as_a_table(world: World) -> None:
    said = world.ok("reconcile", "keys", "vendors")
    assert "compared" in said.out.splitlines()[0]
    assert str(len(world.vendors())) in said.out


def test_before_the_first_load_there_is_nothing_to_compare(tmp_path) -> None:
    with opened(tmp_path, gp=gp_options(0, 0)) as world:
        said = world.run("reconcile", "keys")
        assert said.code == 3
        assert "first load" in said.text


def test_an_email_that_alone_was_edited_arrives_by_the_track(world: World) -> None:
    world.gp.control("POST", "settings", {"action_tracking": True})
    world.change(OTHER, email={"to": "sign@fabrikam.example"})  # the first row proves that a track is kept
    night_passes(world)
    world.sync("customers")
    world.change(OTHER, email={"to": "new@fabrikam.example"})
    world.forget()
    world.sync("customers")
    assert world.account(OTHER)["GP_Email"] == "new@fabrikam.example"
    assert "GetCustomerAddressList" not in world.operations()


def night_passes(world: World) -> None:
    """As if the last look had been long ago: no test waits for a night."""
    world.rewrite(
        "UPDATE sweeps SET swept_at = '2026-01-01 00:00:00' WHERE facet = 'emails' AND flow = 'customers'"
    )
    world.rewrite(
        "UPDATE looks SET rolled_at = '2026-01-01 00:00:00' WHERE facet = 'emails' AND flow = 'customers'"
    )


def test_the_report_says_how_old_what_we_know_may_be(world: World) -> None:
    groups = world.here("report", "--json").json["freshness"]
    told = {(one["flow"], one["group"]): one for one in groups}
    assert {group for flow, group in told if flow == "vendors"} == {
        "record", "payables", "addresses", "emails", "keys",
    }  # fmt: skip
    assert told["customers", "keys"]["age_seconds"] is not None
    assert all(one["meaning"] for one in groups)
    said = world.here("report").out
    assert "How old what we know of GP may be" in said


def test_what_a_vendor_is_owed_follows_its_documents(world: World) -> None:
    document = {"id": "JOURNEY1", "vendor_id": "ACETRAVE0001", "amount": "1000000.00"}
    before = world.account("ACETRAVE0001", "GP_Vendor_ID")["GP_Payables"]
    world.gp.control("POST", "documents", document)
    world.forget()
    world.sync("vendors")
    after = world.account("ACETRAVE0001", "GP_Vendor_ID")["GP_Payables"]
    assert float(after) - float(before) == 1_000_000
    assert world.operations()["GetPayablesDocumentList"] <= 6
    assert "GetVendorByKey" not in world.operations()


def test_ping_says_whether_the_track_is_on(world: World) -> None:
    found = world.here("ping", "--json").json["systems"]["Dynamics GP"]
    told = {check["name"]: check["detail"] for check in found if "tracking" in check["name"]}
    assert told["entity action tracking of e-mail, customers"].startswith("on")
    assert "off" in told["entity action tracking of e-mail, vendors"]
