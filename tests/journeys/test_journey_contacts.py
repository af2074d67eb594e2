"""The persons whom customers name: one Contact each, below the customer's Account, never taken by the name alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, assert_contacts, assert_quiet, assert_settled, gp_options, opened

BOB, ADAM, ADVANCED = "AARONFIT0001", "ADAMPARK0001", "ADVANCED0001"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("contacts"), gp=gp_options(0), mappings=()) as world:
        world.write_settings(sync__addresses_every_seconds="0")
        seed_what_people_typed(world)
        world.first("customers")
        yield world


def seed_what_people_typed(world: World) -> None:
    """One Contact with the right e-mail address, one with the right name only, one elsewhere with the address."""
    names = ("Aaron Fitz Electrical", "Adam Park Resort", "Northwind Traders")
    aaron, adam, other = ({"id": made} for made in world.seed(*({"Account_Name": name} for name in names)))
    robert = {"First_Name": "Robert", "Last_Name": "Fitz", "Account_Name": aaron}
    robert["Email"] = "Office@AaronFitzElectrical.example"
    namesake = {"First_Name": "Contact", "Last_Name": "01", "Account_Name": adam}
    elsewhere = {"Last_Name": "Elsewhere", "Email": "office@advancedpaperco.example", "Account_Name": other}
    world.seed(robert, namesake, elsewhere, module="Contacts")


def named(world: World, name: str) -> list[dict[str, Any]]:
    return [c for c in world.records("Contacts") if c["Full_Name"] == name]


def person(world: World, key: str, contact: str) -> None:
    world.change(key, address={"contact": contact})


def test_a_person_is_recognised_by_the_address_below_the_account_and_by_nothing_else(world: World) -> None:
    assert_contacts(world)
    assert len(world.records("Contacts")) == len(world.customers()) + 2
    [bob] = world.contacts(BOB)
    assert (bob["Full_Name"], bob["GP_Contact_Key"]) == ("Bob Fitz", f"{BOB}:bob fitz")
    assert [row["action"] for row in world.story(BOB, "customer_contacts")] == ["record:matched"]
    assert world.story(BOB, "customer_contacts")[0]["before"]["First_Name"] == "Robert"
    assert [c.get("GP_Contact_Key") for c in named(world, "Contact 01")] == [None, f"{ADAM}:contact 01"]
    [elsewhere] = named(world, "Elsewhere")
    assert elsewhere.get("GP_Contact_Key") is None
    assert_quiet(world, "customers")


def test_a_person_typed_meanwhile_is_a_twin_by_the_address_below_the_account_only(world: World) -> None:
    """The namesakes that were there before are other people, and no news of any morning."""
    assert world.here("report", "--json").json["twins"] == []
    [ours] = world.contacts(ADAM)
    same = {"Email": ours["Email"], "Last_Name": "Typed", "Account_Name": {"id": ours["Account_Name"]["id"]}}
    [typed] = world.seed(same, module="Contacts")
    world.change(BOB, set={"class_id": "OTHER"})
    world.sync("customers")
    [told] = world.here("report", "--json").json["twins"]
    assert (told["twin"]["target_id"], told["twin"]["twin_id"]) == (ours["id"], typed)
    world.zoho_call("POST", "delete/Contacts", {"ids": [typed]})


def test_another_person_is_another_contact_and_may_come_back(world: World) -> None:
    [old] = world.contacts(ADAM)
    person(world, ADAM, "Mrs. Zoë O'Neill")
    world.forget()
    assert world.sync("customers") == {"customers": {"created": 1, "updated": 1}}
    assert (world.writes(), world.writes("Contacts")) == ({}, {"insert": 1, "update": 1})
    former, new = sorted(world.contacts(ADAM), key=lambda contact: contact["id"])
    assert former == old | {"GP_Former_Contact": True, "Modified_Time": former["Modified_Time"]}
    assert [new[n] for n in ("Salutation", "First_Name", "Last_Name")] == ["Mrs.", "Zoë", "O'Neill"]
    assert new["Account_Name"] == former["Account_Name"]
    assert world.story(ADAM, "customer_contacts")[-1]["action"] in ("record:created", "record:updated")
    person(world, ADAM, "CONTACT 01")
    world.forget()
    world.sync("customers")
    assert world.writes("Contacts") == {"update": 2}
    marks = {c["id"]: c["GP_Former_Contact"] for c in world.contacts(ADAM)}
    assert marks == {old["id"]: False, new["id"]: True}


def test_the_same_person_written_otherwise_is_the_same_contact(world: World) -> None:
    [before] = world.contacts(BOB)
    person(world, BOB, "Mr. FITZ, Bob (purchasing)")
    world.forget()
    world.sync("customers")
    [after] = world.contacts(BOB)
    assert after == before | {n: after[n] for n in ("Last_Name", "Full_Name", "Modified_Time")}
    assert world.writes("Contacts") == {"update": 1}  # in the letters in which GP has it now


def test_nobody_is_no_contact(world: World) -> None:
    [old] = world.contacts(ADVANCED)
    person(world, ADVANCED, "N/A")
    world.customer("NOBODY", "Nobody There Ltd")
    world.forget()
    world.sync("customers")
    assert world.writes("Contacts") == {"update": 1}
    [former] = world.contacts(ADVANCED)
    assert (former["id"], former["GP_Former_Contact"]) == (old["id"], True)
    assert world.account("NOBODY")["Account_Name"] == "Nobody There Ltd"
    assert_quiet(world, "customers")


def test_a_bad_address_holds_the_person_and_not_the_company(world: World) -> None:
    main = {"id": "MAIN", "contact": "Ann Beebe", "email": {"to": "ann at example"}}
    bill = {"id": "BILL", "email": {"to": "bill@example.com"}}
    roles = {"default_address": "MAIN", "bill_to_address": "BILL", "ship_to_address": "BILL"}
    world.customer("BADMAIL", "Bad Mail Company", addresses=[main, bill], **roles)
    world.sync("customers", code=1)
    assert world.account("BADMAIL")["GP_Email"] == "bill@example.com"
    assert world.contacts("BADMAIL") == []
    held = world.held()["BADMAIL"]
    assert (held["mapping"], held["code"], held["field"]) == ("customer_contacts", "INVALID_EMAIL", "Email")
    world.change("BADMAIL", email={"id": "MAIN", "to": "ann@example.com"})
    world.ok("held", "retry", "BADMAIL")
    [ann] = world.contacts("BADMAIL")
    assert (ann["Email"], ann["Account_Name"]["id"]) == ("ann@example.com", world.account("BADMAIL")["id"])


def test_a_person_waits_with_the_company_and_goes_through_with_it(world: World) -> None:
    _, right = world.seed({"Account_Name": "Twin Towers"}, {"Account_Name": "Twin Towers"})
    world.customer("TWINS", "Twin Towers", addresses=[{"id": "PRIMARY", "contact": "Lee Chia"}])
    world.sync("customers", code=1)
    codes = {h["mapping"]: h["code"] for h in world.here("held", "list", "--json").json["held"]}
    assert codes["customer_accounts"] == "AMBIGUOUS_MATCH"
    assert codes["customer_contacts"] == "PARENT_WAITS"
    assert world.contacts("TWINS") == []
    world.edit(right, GP_Customer_ID="TWINS")
    world.ok("held", "retry", "TWINS")
    [lee] = world.contacts("TWINS")
    assert lee["Account_Name"]["id"] == right
    assert_settled(world)


def test_an_address_that_thousands_have_in_zoho_stops_nobody(world: World) -> None:
    """People type something where they know no address; below one company there are few of it."""
    placeholder = "none@none.example"
    world.seed(*({"Last_Name": f"N{n}", "Email": placeholder} for n in range(2001)), module="Contacts")
    address = {"id": "PRIMARY", "contact": "Nora None", "email": {"to": placeholder}}
    world.customer("NONE", "No Address Known Ltd", addresses=[address])
    world.sync("customers")
    [nora] = world.contacts("NONE")
    assert (nora["Email"], nora["Account_Name"]["id"]) == (placeholder, world.account("NONE")["id"])
    assert_quiet(world, "customers")
