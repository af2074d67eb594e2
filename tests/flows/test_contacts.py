"""The person that a customer names, as a Contact below the customer's Account."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ml_connector.core.errors import RecordRejectedError, RetryableError
from ml_connector.core.match import Verdict
from ml_connector.core.plan import Action
from ml_connector.core.transform import MapContext
from ml_connector.flows.plan import FlowPlan
from world import CONTACT, FINANCIALS, PLAIN, World, done

MAIL = "ann@acme.example"


@pytest.fixture
def world(world: World) -> World:
    world.texts["customers"] = [PLAIN, FINANCIALS, CONTACT]
    return world


def acme(world: World, person: str | None = "Ann Lee", **more: object) -> None:
    world.customer("C1", **{"name": "Acme", "contact_person": person, "email": MAIL} | more)


def people(world: World) -> dict[str, bool]:
    """Key of each Contact that we made -> whether it is marked former."""
    return {str(r["GP_Contact_Key"]): bool(r.get("Former")) for r in world.target.of("Contacts")}


def test_a_contact_stands_below_its_account(world: World) -> None:
    acme(world, "Dr. Ann Lee")
    world.first("customers")
    [account] = world.target.by_key("C1")
    assert world.target.only("Contacts") == {
        "GP_Contact_Key": "C1:ann lee", "Account_Name": account, "Salutation": "Dr.", "First_Name": "Ann",
        "Last_Name": "Lee", "Email": MAIL, "Former": False,
    }  # fmt: skip


def test_the_same_person_in_other_words_is_the_same_contact(world: World) -> None:
    acme(world, "Ann Lee")
    world.first("customers")
    acme(world, "LEE, Ann")
    assert done(world.sync()) == {"unchanged": 1, "updated": 1}
    assert people(world) == {"C1:ann lee": False}
    assert world.target.only("Contacts")["Last_Name"] == "LEE"


def test_a_new_person_is_a_new_contact_and_the_old_one_stays_and_is_marked(world: World) -> None:
    acme(world, "Ann Lee")
    world.first("customers")
    acme(world, "Bob Ray", email="bob@acme.example")
    world.sync()
    assert people(world) == {"C1:ann lee": True, "C1:bob ray": False}
    assert [r["Email"] for r in world.target.of("Contacts")] == [MAIL, "bob@acme.example"]
    [marked] = [row for row in world.rows("C1") if row["reason"] == "The ERP names another person now."]
    assert (marked["part"], marked["action"]) == ("ann lee", "record:updated")


def test_a_person_who_comes_back_is_unmarked(world: World) -> None:
    for person in ("Ann Lee", "Bob Ray", "Ann Lee"):
        acme(world, person)
        world.approve("customers")
        world.sync()
    assert people(world) == {"C1:ann lee": False, "C1:bob ray": True}
    world.target.writes.clear()
    acme(world)
    world.sync()
    assert world.target.writes == []


@pytest.mark.parametrize("nobody", [None, "", "N/A", "---"])
def test_without_a_person_nothing_is_made_and_who_was_there_is_marked(
    world: World, nobody: str | None
) -> None:
    acme(world, nobody)
    world.customer("C2", contact_person="Ann Lee")
    world.first("customers")
    assert people(world) == {"C2:ann lee": False}
    world.customer("C2", contact_person=nobody)
    assert done(world.sync()) == {"unchanged": 1, "nobody": 1, "updated": 1}
    assert people(world) == {"C2:ann lee": True}
    assert world.held() == []


def test_a_customer_without_a_person_is_not_read_again(world: World) -> None:
    acme(world, None)
    world.first("customers")
    world.source.fetched.clear()
    world.sync()
    assert world.source.fetched == []


def test_a_contact_is_matched_by_its_address_within_its_account(world: World) -> None:
    account = world.target.seed("Acme")
    contact = world.target.seed("A. Lee", "Contacts", Email=MAIL.upper(), Account_Name=account)
    acme(world)
    world.first("customers")
    assert world.target.by_key("C1:ann lee", "GP_Contact_Key", "Contacts") == [contact]
    assert len(world.target.of("Contacts")) == 1


def test_a_contact_is_never_matched_by_its_name(world: World) -> None:
    account = world.target.seed("Acme")
    world.target.seed("Lee", "Contacts", First_Name="Ann", Account_Name=account, Email="a.lee@home.example")
    acme(world)
    world.first("customers")
    assert len(world.target.of("Contacts")) == 2


def test_the_same_address_below_another_account_is_not_taken(world: World) -> None:
    other = world.target.seed("Another company")
    below_other = world.target.seed("Lee", "Contacts", Email=MAIL, Account_Name=other)
    below_none = world.target.seed("Lee", "Contacts", Email=MAIL)
    acme(world)
    world.first("customers")
    [contact] = world.target.by_key("C1:ann lee", "GP_Contact_Key", "Contacts")
    assert contact not in (below_other, below_none)
    assert world.target.records[below_other] == {"Last_Name": "Lee", "Email": MAIL, "Account_Name": other}


def test_a_contact_that_a_person_typed_meanwhile_is_joined_by_its_address(world: World) -> None:
    acme(world, None)
    world.customer("C2", contact_person="Bob Ray", email="bob@acme.example")
    world.first("customers")
    [account] = world.target.by_key("C1")
    acme(world)
    typed = {"Email": MAIL, "Account_Name": account}
    world.target.meanwhile.append(lambda: world.target.seed("Lee", "Contacts", **typed))
    assert done(world.sync())["matched"] == 1
    assert len([r for r in world.target.of("Contacts") if r["Email"] == MAIL]) == 1


def held_parent(world: World) -> list[str]:
    twins = [world.target.seed("Acme"), world.target.seed("ACME")]
    acme(world)
    world.customer("C2", contact_person="Bob Ray", email="bob@acme.example")
    world.first("customers")
    return twins


def test_the_child_of_a_held_parent_waits_and_is_released_with_it(world: World) -> None:
    twins = held_parent(world)
    assert world.waits() == {
        ("customer_accounts", "C1", "AMBIGUOUS_MATCH"), ("customer_financials", "C1", "AMBIGUOUS_MATCH"),
        ("customer_contacts", "C1", "PARENT_WAITS"),
    }  # fmt: skip
    assert people(world) == {"C2:bob ray": False}
    world.decided("C1", Verdict(chosen=twins[1]))
    world.sync()
    assert world.waits() == set()
    assert people(world) == {"C1:ann lee": False, "C2:bob ray": False}
    assert [r["Account_Name"] for r in world.target.of("Contacts") if r["Last_Name"] == "Lee"] == [twins[1]]


def test_a_parent_that_the_crm_refuses_makes_the_child_wait(world: World) -> None:
    world.target.refuse["Acme"] = RecordRejectedError("Too long.", code="INVALID_DATA")
    acme(world)
    world.first("customers")
    assert ("customer_contacts", "C1", "PARENT_WAITS") in world.waits()
    assert world.target.of("Contacts") == []
    world.target.refuse.clear()
    acme(world)
    world.approve("customers")
    world.sync()
    assert (world.waits(), people(world)) == (set(), {"C1:ann lee": False})


def test_a_bad_address_holds_the_contact_and_not_the_account(world: World) -> None:
    acme(world, email="nonsense", city="Rome")
    world.first("customers")
    assert world.target.only()["City"] == "Rome"
    assert world.target.of("Contacts") == []
    assert world.waits() == {("customer_contacts", "C1", "INVALID_EMAIL")}
    acme(world, email=MAIL)
    world.approve("customers")
    world.sync()
    assert (world.waits(), people(world)) == (set(), {"C1:ann lee": False})


def test_a_person_who_leaves_is_marked_though_the_new_one_is_held(world: World) -> None:
    acme(world)
    world.first("customers")
    acme(world, "Bob Ray", email="nonsense")
    world.sync()
    assert people(world) == {"C1:ann lee": True}
    assert world.waits() == {("customer_contacts", "C1", "INVALID_EMAIL")}


@pytest.mark.parametrize("existing", [False, True])
def test_a_plan_tells_of_the_child_of_a_planned_parent_and_the_run_does_that(
    world: World, *, existing: bool
) -> None:
    if existing:
        world.target.seed("Acme")
    acme(world)
    planned = [(one.module, one.plan.action) for one in FlowPlan(world.work(), {})]
    parent = Action.UPDATE if existing else Action.CREATE
    assert planned == [("Accounts", parent), ("Contacts", Action.CREATE)]
    world.first("customers")
    assert (world.waits(), people(world)) == (set(), {"C1:ann lee": False})


def test_a_plan_tells_that_the_child_of_a_held_parent_waits(world: World) -> None:
    world.target.seed("Acme")
    world.target.seed("Acme")
    acme(world)
    planned = [(one.module, one.plan.action, one.plan.hold.code) for one in FlowPlan(world.work(), {})]
    assert planned == [
        ("Accounts", Action.HOLD, "AMBIGUOUS_MATCH"),
        ("Contacts", Action.HOLD, "PARENT_WAITS"),
    ]


@pytest.mark.parametrize("how", ["before_write", "after_write"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("error", [RetryableError("Away.", after_seconds=10_000.0), OSError("Killed.")])
def test_a_death_between_parents_and_children_doubles_and_loses_nothing(
    world: World, how: str, call: int, error: Exception
) -> None:
    acme(world)
    world.customer("C2", contact_person="Bob Ray", email="bob@acme.example")
    world.approve("customers")
    write, calls = world.target.write, []

    def die_at(module, batch, trigger=()):
        calls.append(module)
        if len(calls) == call:
            getattr(world.target, how).append(error)
        return write(module, batch, trigger)

    world.target.write = die_at
    if isinstance(error, OSError):
        with pytest.raises(OSError, match="Killed"):
            world.sync()
    else:
        assert world.sync()["state"] == "away"
    assert world.sync()["state"] == "done"
    assert sorted(str(r["Account_Name"]) for r in world.target.of("Accounts")) == ["Acme", "Company C2"]
    assert people(world) == {"C1:ann lee": False, "C2:bob ray": False}
    assert world.waits() == set()


def test_a_balance_is_settled_though_contacts_have_nothing_to_do_with_it(world: World) -> None:
    acme(world)
    world.source.balances = {"C1": Decimal(5)}
    world.first("customers")
    world.source.balances["C1"] = Decimal(7)
    world.source.fetched.clear()
    assert done(world.sync()) == {"updated": 1}
    world.target.writes.clear()
    assert done(world.sync()) == {}
    assert (world.source.fetched, world.target.writes) == ([], [])


def test_an_address_that_moved_is_followed_and_settled(world: World) -> None:
    acme(world)
    world.customer("C2")
    world.first("customers")
    world.source.rows["customers"]["C1"].fields |= {"city": "Oslo", "email": "ann@acme.example.org"}
    world.sync()
    assert world.target.only("Contacts")["Email"] == "ann@acme.example.org"
    world.source.fetched.clear()
    world.sync()
    assert world.source.fetched == []


def test_an_account_that_was_made_anew_takes_its_contacts_along(world: World) -> None:
    world.change(recreate_deleted=True)
    acme(world)
    world.first("customers")
    [old] = world.target.by_key("C1")
    acme(world, city="Oslo")
    world.sync()
    world.target.gone.add(old)
    acme(world, city="Rome")
    world.sync()
    [new] = world.target.by_key("C1")
    assert new != old
    assert world.target.only("Contacts")["Account_Name"] == new


def test_a_contact_that_was_merged_away_is_found_again_by_its_address(world: World) -> None:
    acme(world)
    world.first("customers")
    ours, account = contact_of(world), world.target.by_key("C1")[0]
    master = world.target.seed("Lee", "Contacts", First_Name="A.", Email=MAIL, Account_Name=account)
    elsewhere = world.target.seed("Lee", "Contacts", First_Name="Ann", Account_Name=account)
    world.target.merge(ours, master)
    world.customer("C2", name="Somebody else", contact_person=None)
    world.approve("customers")
    world.sync()
    assert (world.held(), contact_of(world)) == ([], master)
    assert "GP_Contact_Key" not in world.target.records[elsewhere]


def contact_of(world: World) -> str:
    [target_id] = world.target.by_key("C1:ann lee", "GP_Contact_Key", "Contacts")
    return target_id


def test_two_customers_of_one_person_have_a_contact_each(world: World) -> None:
    acme(world)
    world.customer("C2", contact_person="Ann Lee", email=MAIL)
    world.first("customers")
    assert people(world) == {"C1:ann lee": False, "C2:ann lee": False}


def test_a_former_contact_that_a_person_deleted_is_nobody_s_business(world: World) -> None:
    acme(world)
    world.first("customers")
    [contact] = world.target.by_key("C1:ann lee", "GP_Contact_Key", "Contacts")
    world.target.gone.add(contact)
    acme(world, "Bob Ray")
    world.sync()
    assert world.waits() == set()
    assert people(world) == {"C1:bob ray": False}


def test_a_former_contact_that_the_crm_refuses_waits_though_the_new_one_goes_through(world: World) -> None:
    acme(world)
    world.first("customers")
    [contact] = world.target.by_key("C1:ann lee", "GP_Contact_Key", "Contacts")
    world.target.locked = {contact}
    acme(world, "Bob Ray")
    world.sync()
    assert people(world) == {"C1:ann lee": False, "C1:bob ray": False}
    [hold] = world.held()
    assert (hold.mapping, hold.code, hold.detail["part"]) == ("customer_contacts", "LOCKED", "ann lee")
    world.target.locked = set()
    world.sync(keys=("C1",))
    assert people(world) == {"C1:ann lee": True, "C1:bob ray": False}
    assert world.held() == []


def test_a_person_is_not_forgotten_when_a_run_dies_after_marking_the_one_before(world: World) -> None:
    """Asked for, and not listed any more: only what asked for it brings it again."""
    acme(world)
    world.first("customers")
    world.customer("C2")
    world.sync()
    world.source.rows["customers"]["C1"].fields["contact_person"] = "Bob Ray"
    world.decided("C1", Verdict())
    write = world.target.write

    def dies(module, batch, trigger=()):
        if batch[0].target_id is None:
            raise RetryableError("Away.", after_seconds=10_000.0)
        return write(module, batch, trigger)

    world.target.write = dies
    assert world.sync()["state"] == "away"
    assert people(world) == {"C1:ann lee": True}
    world.target.write = write
    world.sync()
    assert people(world) == {"C1:ann lee": True, "C1:bob ray": False}


VENDOR_PERSON = """
name = "vendor_contacts"
source = "vendors"
target = "Contacts"
creates = true
precedence = 2
key = { field = "GP_Vendor_Contact_Key", from = "vendor_id", person = "contact_person" }
match = { email = "Email" }
marks = { former = "Former_Vendor" }
[fields]
First_Name = { from = "contact_person", transform = "first_name" }
Last_Name = { from = "contact_person", transform = "last_name" }
Email = { from = "email", transform = "email" }
"""


def test_who_stands_for_a_customer_and_a_vendor_is_one_contact(world: World) -> None:
    world.texts["vendors"] = [VENDOR_PERSON]
    acme(world, "Ann Lee")
    vendor = {"name": "Acme Supplies", "vendor_id": "V1", "contact_person": "ANN LEE", "email": MAIL}
    world.source.put("V1", "vendors", **vendor)
    world.first("customers")
    world.first("vendors")
    contact = world.target.only("Contacts")
    assert (contact["GP_Contact_Key"], contact["GP_Vendor_Contact_Key"]) == ("C1:ann lee", "V1:ann lee")
    assert contact["First_Name"] == "Ann"  # the customer's words
    world.clock.sleep(3600)
    world.source.put("V1", "vendors", contact_person="Bob Ray", email="bob@supplies.example")
    world.sync("vendors")
    assert [
        (r["Last_Name"], r.get("Former"), r.get("Former_Vendor")) for r in world.target.of("Contacts")
    ] == [
        ("Lee", False, True),
        ("Ray", None, False),
    ]


def test_keys_with_a_prefix_are_the_contact_s_too(world: World) -> None:
    world.context = MapContext("USD", key_prefix="TWO-")
    acme(world)
    world.first("customers")
    assert people(world) == {"TWO-C1:ann lee": False}
    acme(world, "Bob Ray", email="bob@acme.example")
    world.sync()
    assert people(world) == {"TWO-C1:ann lee": True, "TWO-C1:bob ray": False}


def test_a_person_of_a_customer_and_a_vendor_who_are_planned_together_is_not_made_twice(world: World) -> None:
    """The plan foresees two, the run finds one: that waits for its own approval."""
    world.texts["vendors"] = [VENDOR_PERSON]
    acme(world, "Ann Lee")
    world.source.put("V1", "vendors", name="Supplies", vendor_id="V1", contact_person="Ann Lee", email=MAIL)
    world.first()
    assert world.waits() == {("vendor_contacts", "V1", "CHANGED_SINCE_APPROVAL")}
    world.approve("vendors")
    world.sync("vendors")
    assert world.waits() == set()
    assert world.target.only("Contacts")["GP_Vendor_Contact_Key"] == "V1:ann lee"
