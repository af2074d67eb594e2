"""Which records a flow wants, and whose a field is: the filter, owners of fields and of records."""

from __future__ import annotations

import pytest

from ml_connector.core.transform import MapContext
from world import CONTACT, CUSTOMER, FINANCIALS, PLAIN, World, done

MARKED = PLAIN.replace('as_of = "As_Of"', 'as_of = "As_Of"\nmarks = { filtered = "Filtered" }')


@pytest.fixture
def wanted(world: World) -> World:
    """Only customers of the class RETAIL that are active."""
    world.texts["customers"] = [MARKED, FINANCIALS]
    world.filters["customers"] = {"class_id": ("RETAIL",), "is_active": (True,)}
    return world


def wants(world: World, key: str = "C1", class_id: str = "RETAIL", **more: object) -> None:
    world.customer(key, **{"class_id": class_id, "is_active": True} | more)


# ---- the filter


def test_what_the_filter_does_not_want_is_not_made_and_not_read_again(wanted: World) -> None:
    wants(wanted, "C1", "TRADE")
    wants(wanted, "C2", "retail ")  # as the ERP compares
    wants(wanted, "C3", is_active=False)
    wanted.approve("customers")
    assert done(wanted.sync()) == {"created": 1, "filtered": 2}
    assert [r["GP_Customer_ID"] for r in wanted.target.of()] == ["C2"]
    assert wanted.target.only()["Filtered"] is False
    wanted.clock.sleep(3600)
    wanted.source.fetched.clear()
    assert done(wanted.sync()) == {}
    assert wanted.source.fetched == []
    assert wanted.held() == []


def test_the_balance_of_a_record_that_is_not_wanted_makes_nothing(wanted: World) -> None:
    wants(wanted, "C1", "TRADE")
    wants(wanted, "C2")
    wanted.first("customers")
    wanted.source.balances["C1"] = 7
    wanted.sync()
    assert len(wanted.target.of()) == 1
    wanted.source.fetched.clear()
    assert done(wanted.sync()) == {}
    assert wanted.source.fetched == []


def test_one_that_leaves_the_filter_is_still_updated_and_is_marked(wanted: World) -> None:
    wants(wanted)
    wanted.first("customers")
    wants(wanted, "C1", "TRADE", city="Rome")
    assert done(wanted.sync()) == {"updated": 1}
    assert (wanted.target.only()["Filtered"], wanted.target.only()["City"]) == (True, "Rome")
    wants(wanted, "C1", "TRADE", city="Oslo")
    wanted.source.balances["C1"] = 7
    wanted.sync()
    assert (wanted.target.only()["City"], wanted.target.only()["Balance"]) == ("Oslo", 7)
    assert wanted.target.only()["Filtered"] is True


def test_a_balance_alone_takes_no_mark_away(wanted: World) -> None:
    marked = FINANCIALS.replace('as_of = "Financials_As_Of"', 'marks = { filtered = "Filtered" }')
    wanted.texts["customers"] = [PLAIN, marked]
    wants(wanted, limit=5)
    wanted.first("customers")
    wants(wanted, "C1", "TRADE")
    wanted.sync()
    assert wanted.target.only()["Filtered"] is True
    wanted.source.balances["C1"] = 7
    wanted.sync()
    assert wanted.target.only()["Balance"] == 7
    assert wanted.target.only()["Filtered"] is True


def test_one_that_comes_back_is_unmarked(wanted: World) -> None:
    for class_id in ("RETAIL", "TRADE", "RETAIL"):
        wants(wanted, "C1", class_id)
        wanted.approve("customers")
        wanted.sync()
    assert wanted.target.only()["Filtered"] is False


def test_one_that_comes_into_the_filter_is_made(wanted: World) -> None:
    wants(wanted, "C1", "TRADE")
    wants(wanted, "C2")
    wanted.first("customers")
    wants(wanted, "C1")
    assert done(wanted.sync()) == {"created": 1}


def test_a_changed_filter_is_a_backfill(wanted: World) -> None:
    wants(wanted, "C1", "TRADE")
    wants(wanted, "C2")
    wanted.first("customers")
    wanted.filters["customers"] = {"class_id": ("TRADE",)}
    assert done(wanted.sync()) == {"created": 1, "updated": 1}
    marks = {r["GP_Customer_ID"]: r["Filtered"] for r in wanted.target.of()}
    assert marks == {"C1": False, "C2": True}
    assert done(wanted.sync()) == {}


def test_what_is_not_wanted_is_not_matched_either(wanted: World) -> None:
    seeded = wanted.target.seed("Company C1")
    wants(wanted, "C1", "TRADE")
    wants(wanted, "C2")
    wanted.first("customers")
    assert wanted.target.records[seeded] == {"Account_Name": "Company C1"}


def test_what_is_not_wanted_never_waits(wanted: World) -> None:
    """Neither for its parent, nor for a value that would be refused, nor for a person's decision."""
    wanted.texts["customers"] = [MARKED.replace("City =", 'Mail = { from = "email", transform = "email" }, City ='),
                                 FINANCIALS, CONTACT]  # fmt: skip
    for name in ("Company C1", "Company C1"):
        wanted.target.seed(name)
    wants(wanted, "C1", "TRADE", email="nonsense", contact_person="Ann Lee")
    wants(wanted, "C2", "TRADE", contact_person="Bob Ray", email="b@acme.example")
    wants(wanted, "C3")
    wanted.first("customers")
    assert wanted.held() == []
    assert wanted.target.of("Contacts") == []


def test_a_hold_of_a_record_that_leaves_the_filter_closes(wanted: World) -> None:
    for _ in range(2):
        wanted.target.seed("Company C1")
    wants(wanted, "C1")
    wants(wanted, "C2")
    wanted.first("customers")
    assert {hold.source_key for hold in wanted.held()} == {"C1"}
    wants(wanted, "C1", "TRADE")
    wanted.sync()
    assert wanted.held() == []


def test_the_person_of_a_record_that_left_the_filter_stays_as_it_was(wanted: World) -> None:
    wanted.texts["customers"].append(CONTACT)
    wants(wanted, contact_person="Ann Lee", email="a@acme.example")
    wanted.first("customers")
    wants(wanted, "C1", "TRADE", contact_person="Bob Ray", email="b@acme.example")
    wanted.sync()
    [contact] = wanted.target.of("Contacts")
    assert (contact["Last_Name"], contact["Former"]) == ("Lee", False)
    wants(wanted, contact_person="Bob Ray", email="b@acme.example")
    wanted.sync()
    assert [(r["Last_Name"], r["Former"]) for r in wanted.target.of("Contacts")] == [
        ("Lee", True),
        ("Ray", False),
    ]


# ---- owners


def owned(owner: str) -> str:
    return PLAIN.replace('City = "city"', f'City = {{ from = "city", owner = "{owner}" }}')


def test_what_is_written_once_is_written_when_the_record_is_made_and_never_again(world: World) -> None:
    world.texts["customers"] = [owned("once"), FINANCIALS]
    world.customer("C1", city="Rome")
    world.first("customers")
    assert world.target.only()["City"] == "Rome"
    world.customer("C1", city="Oslo", name="Renamed")
    world.sync()
    assert (world.target.only()["City"], world.target.only()["Account_Name"]) == ("Rome", "Renamed")


@pytest.mark.parametrize(("there", "then"), [("Paris", "Paris"), ("", "Rome"), (None, "Rome")])
def test_what_is_written_once_fills_only_what_is_empty(world: World, there: str | None, then: str) -> None:
    world.texts["customers"] = [owned("once")]
    world.target.seed("Company C1", City=there)
    world.customer("C1", city="Rome")
    world.first("customers")
    assert world.target.only()["City"] == then


def test_what_is_written_once_comes_with_a_mapping_that_is_added(world: World) -> None:
    for key in ("C1", "C2"):
        world.customer(key, salesperson="SALLY")
    world.texts["customers"] = [PLAIN]
    world.first("customers")
    world.target.edit(world.target.by_key("C2")[0], Rep="A person's")
    added = FINANCIALS.replace(
        'Balance = "balance"', 'Balance = "balance", Rep = { from = "salesperson", owner = "once" }'
    )
    world.texts["customers"] = [PLAIN, added]
    world.sync()
    assert [r["Rep"] for r in world.target.of()] == ["SALLY", "A person's"]


def test_what_is_the_crm_s_is_never_written(world: World) -> None:
    world.texts["customers"] = [owned("zoho")]
    world.customer("C1", city="Rome")
    world.first("customers")
    world.customer("C1", city="Oslo")
    world.sync()
    assert "City" not in world.target.only()


def test_what_is_the_erp_s_is_written_whenever_it_changes_there(world: World) -> None:
    world.texts["customers"] = [owned("gp")]
    world.target.seed("Company C1", City="Paris")
    world.customer("C1", city="Rome")
    world.first("customers")
    assert world.target.only()["City"] == "Rome"
    world.target.edit(world.target.by_key("C1")[0], City="Paris")
    world.customer("C1", name="Company C1!")
    world.sync()
    assert world.target.only()["City"] == "Paris"  # the ERP changed another field
    world.customer("C1", city="Oslo")
    world.sync()
    assert world.target.only()["City"] == "Oslo"


def test_only_what_changed_is_sent_though_a_person_changed_more(world: World) -> None:
    world.texts["customers"] = [CUSTOMER]
    world.customer("C1", city="Rome", email="a@acme.example")
    world.first("customers")
    world.target.edit(world.target.by_key("C1")[0], City="Paris", Email="p@acme.example", Rating="Hot")
    world.target.writes.clear()
    world.customer("C1", email="b@acme.example")
    world.sync()
    [(_, sent)] = world.target.writes
    assert set(sent) == {"Email", "As_Of"}
    told = str(world.rows("C1")[-1]["before"])
    assert "p@acme.example" in told
    assert world.target.only()["City"] == "Paris"


OWNED = PLAIN.replace('City = "city"', 'City = "city", Owner = { from = "salesperson", transform = "owner" }')


@pytest.mark.parametrize(
    ("salesperson", "owner"),
    [("PAUL", "411003"), ("paul ", "411003"), ("NOBODY", "411001"), (None, "411001")],
)
def test_a_record_is_its_salesperson_s_or_the_default_user_s(
    world: World, salesperson: str | None, owner: str
) -> None:
    world.texts["customers"] = [OWNED]
    world.context = MapContext("USD", owners={"paul": "411003"}, default_owner="411001")
    world.customer("C1", salesperson=salesperson)
    world.first("customers")
    assert world.target.only()["Owner"] == owner


def test_an_owner_follows_the_salesperson(world: World) -> None:
    world.texts["customers"] = [OWNED]
    world.context = MapContext("USD", owners={"paul": "411003"}, default_owner="411001")
    world.customer("C1", salesperson="PAUL")
    world.first("customers")
    world.customer("C1", salesperson="SALLY")
    assert done(world.sync()) == {"updated": 1}
    assert world.target.only()["Owner"] == "411001"


def test_a_layout_is_given_when_the_record_is_made(world: World) -> None:
    world.texts["customers"] = [PLAIN.replace("creates = true", 'creates = true\nlayout = "55501"')]
    world.customer("C1")
    world.first("customers")
    world.customer("C1", city="Rome")
    world.target.writes.clear()
    world.sync()
    assert world.target.only()["Layout"] == "55501"
    assert "Layout" not in world.target.writes[0][1]
