"""Values that sales keeps, on their way back into the ERP: what goes, what is held, and what no death can lose."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest

from memory import FakeClock, MemorySource, MemoryTarget
from memory_crm import DyingDatabase
from memory_crm import KilledError as DiedError
from memory_documents import Fault, KilledError, away, late, lost, rejected, unsure
from memory_masters import MastersOfSource
from ml_connector.core.catalogue import CHANGED_ON_BOTH_SIDES, MASTER_MOVED
from ml_connector.core.record import Value
from ml_connector.core.sales_ports import Unsure
from ml_connector.flows import decide
from ml_connector.flows.pull import pull
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps
from ml_connector.flows.work import Work
from ml_connector.store.database import Database
from world import CUSTOMER, VENDOR, World, done

OWNED = 'Phone = { from = "phone", owner = "zoho" }, Contact = { from = "contact_person", owner = "zoho" }'
TEXTS = {
    "customers": [CUSTOMER.replace('City = "city"', f'City = "city", {OWNED}')],
    "vendors": [
        VENDOR.replace(
            'City = "city"', 'City = "city", Contact = { from = "contact_person", owner = "zoho" }'
        )
    ],
}
SALLY = decide.Decider("sally", "the CRM is right")


@dataclass
class BackWorld(World):
    """What people do on both sides, and the flow that carries it."""

    masters: MastersOfSource = field(kw_only=True)

    def work(self, name: str = "customers", asked: Asked = EVERYTHING) -> Work:
        return replace(super().work(name, asked), masters=self.masters)

    def in_erp(self, key: str, **fields: Value) -> None:
        """A person of the ERP enters or changes a customer."""
        self.clock.sleep(60)
        self.masters.put("customers", key, **fields)

    def in_crm(self, key: str, **fields: object) -> None:
        """Somebody of sales changes its Account."""
        self.clock.sleep(60)
        self.target.edit(self.id_of(key), **fields)

    def id_of(self, key: str) -> str:
        return self.target.by_key(key)[0]

    def erp(self, key: str = "C1") -> dict[str, Value]:
        return self.masters.records["customers", key.casefold()]

    def edits(self, key: str = "C1") -> list[tuple[dict[str, object], dict[str, object]]]:
        """(before, after) of what went back."""
        rows = [
            row for row in self.rows(key) if row["mapping"] == "(back)" and row["action"] == "record:updated"
        ]
        return [(_json(row["before"]), _json(row["after"])) for row in rows]

    def sent(self) -> int:
        return self.masters.calls.made.count("edit")

    def quiet(self, key: str = "C1") -> None:
        """Two runs more write nothing on either side."""
        edits, writes = self.sent(), len(self.target.writes)
        for _ in range(2):
            self.clock.sleep(3600)
            assert self.sync()["state"] == "done"
        assert (self.sent(), len(self.target.writes)) == (edits, writes)


def _json(text: object) -> dict[str, object]:
    return json.loads(str(text))


@pytest.fixture
def back(database: Database) -> BackWorld:
    return made(database)


def made(database: Database) -> BackWorld:
    """A customer that is linked, with the same telephone number on both sides, and both known."""
    clock = FakeClock()
    source, target = MemorySource(clock), MemoryTarget(clock)
    world = BackWorld(clock, source, target, database, TEXTS, masters=MastersOfSource(clock, source=source))
    target.seed("Nobody's", Phone="-", Contact="-")  # so that the CRM has these fields
    world.in_erp("C1", name="Aaron Fitz", city="Chicago", phone="555-1", contact_person="Bob")
    world.first("customers")
    world.in_crm("C1", Phone="555-1", Contact="Bob")
    world.sync()
    world.clock.sleep(3600)
    world.sync()
    assert world.held() == []
    world.masters.calls.made.clear()
    return world


# -- what goes


def test_what_sales_changed_goes_and_comes_back_as_nothing_new(back: BackWorld) -> None:
    back.in_crm("C1", Phone="555-2")
    assert done(back.sync())["back"] == 1
    assert back.erp()["phone"] == "555-2"
    assert back.edits() == [({"phone": "555-1"}, {"phone": "555-2"})]
    back.quiet()
    assert back.target.records[back.id_of("C1")]["Phone"] == "555-2"


def test_nothing_is_asked_of_the_erp_where_sales_changed_nothing(back: BackWorld) -> None:
    queries = back.target.queries
    back.in_erp("C1", city="Boston")
    back.sync()
    assert back.masters.calls.made == []
    back.clock.sleep(3600)
    queries = back.target.queries
    back.sync()
    assert back.target.queries == queries + 1  # what changed in the CRM


def test_what_stood_there_when_it_began_stays(back: BackWorld) -> None:
    back.in_erp("C2", name="Second", city="Boston", phone="555-7")
    back.sync()
    assert back.erp("C2")["phone"] == "555-7"
    back.quiet()
    back.in_crm("C2", Phone="555-8")  # nobody knows that the ERP's may go
    back.sync()
    assert back.waits() == {("(back)", "C2", CHANGED_ON_BOTH_SIDES)}
    assert back.erp("C2")["phone"] == "555-7"


def test_only_what_sales_changed_goes(back: BackWorld) -> None:
    back.in_erp("C1", city="Boston", contact_person="Carol")
    back.in_crm("C1", Phone="")
    assert done(back.sync())["back"] == 1
    assert (back.erp()["phone"], back.erp()["contact_person"], back.erp()["city"]) == (
        None,
        "Carol",
        "Boston",
    )
    assert back.edits() == [({"phone": "555-1"}, {"phone": None})]
    assert back.target.records[back.id_of("C1")]["City"] == "Boston"
    back.quiet()


def test_with_it_off_nothing_goes(back: BackWorld) -> None:
    back.in_crm("C1", Phone="555-2")
    work = replace(back.work(), masters=None)
    assert pull(DirectSteps(back.clock), work, "off")["state"] == "done"
    assert back.erp()["phone"] == "555-1"
    assert done(back.sync())["back"] == 1  # what was changed meanwhile goes once it is on again


def test_a_field_without_a_way_back_is_refused_before_anything_is_done(back: BackWorld) -> None:
    back.texts = {
        "customers": [
            TEXTS["customers"][0].replace(
                'Contact = { from = "contact_person"',
                'Contact = { from = "contact_person", transform = "last_name"',
            )
        ]
    }
    result = back.sync()
    assert (result["state"], result["counts"]) == ("failed", {})
    assert result["happened"] == "Contact has no way back into the ERP: its transform is last_name."


def test_on_an_account_of_two_the_higher_ranked_record_follows_alone(database: Database) -> None:
    world = made(database)
    world.masters.put("vendors", "V1", name="Aaron Fitz", city="Chicago", contact_person="Bob")
    world.first("vendors")
    assert world.target.by_key("V1", "GP_Vendor_ID") == world.target.by_key("C1")
    world.sync("vendors")
    world.in_crm("C1", Contact="Carol")
    world.sync("vendors")
    world.sync()
    assert world.erp()["contact_person"] == "Carol"
    assert world.masters.records["vendors", "v1"]["contact_person"] == "Bob"


# -- what is held


def test_changed_on_both_sides_waits_for_a_person(back: BackWorld) -> None:
    back.in_erp("C1", phone="555-3")
    back.in_crm("C1", Phone="555-2")
    assert done(back.sync())["held"] == 1
    [hold] = back.held()
    assert (hold.code, hold.field) == (CHANGED_ON_BOTH_SIDES, "Phone")
    assert hold.happened == "Phone is “555-3” in the ERP and “555-2” in the CRM, and was “555-1”."
    rows = len(back.rows("C1"))
    back.quiet()
    assert back.held() == [hold]
    assert len(back.rows("C1")) == rows  # each run looks, and says nothing where nothing is new
    back.in_crm("C1", Phone="555-4")
    back.sync()
    assert [(one.happened, one.attempts) for one in back.held()] == [
        ("Phone is “555-3” in the ERP and “555-4” in the CRM, and was “555-1”.", 2)
    ]
    back.in_crm("C1", Phone="555-2")
    back.sync()
    decide.release(back.work(), "C1", SALLY)
    back.sync(keys=("C1",))
    assert back.held() == []
    assert back.edits() == [({"phone": "555-3"}, {"phone": "555-2"})]  # whose value went, is told
    assert back.verdict("C1") == {}
    back.quiet()


@pytest.mark.parametrize("side", ["erp", "crm"])
def test_what_is_made_the_same_by_hand_waits_no_more(back: BackWorld, side: str) -> None:
    back.in_erp("C1", phone="555-3")
    back.in_crm("C1", Phone="555-2")
    back.sync()
    if side == "erp":
        back.in_erp("C1", phone="555-2")
    else:
        back.in_crm("C1", Phone="555-3")
    back.sync()
    assert back.held() == []
    assert back.told("C1")[-1] == ("(back)", "record:released")
    assert back.edits() == []
    back.quiet()


def test_a_discarded_one_stays_as_it_is_on_both_sides(back: BackWorld) -> None:
    back.in_erp("C1", phone="555-3")
    back.in_crm("C1", Phone="555-2")
    back.sync()
    decide.discard(back.work(), "C1", SALLY)
    back.sync()
    assert back.held() == []
    back.quiet()
    assert (back.erp()["phone"], back.target.records[back.id_of("C1")]["Phone"]) == ("555-3", "555-2")
    back.in_crm("C1", Phone="555-4")
    back.sync()
    assert back.waits() == {("(back)", "C1", CHANGED_ON_BOTH_SIDES)}


def test_what_the_erp_changed_since_it_was_brought_over_goes_first(back: BackWorld) -> None:
    """The change comes after the pull listed and before the way back."""
    back.in_crm("C1", Phone="555-2")
    back.clock.sleep(60)
    back.target.between_pages.append(lambda: back.in_erp("C1", city="Boston"))
    assert done(back.sync())["held"] == 1
    assert back.waits() == {("(back)", "C1", MASTER_MOVED)}
    assert back.erp()["phone"] == "555-1"
    assert done(back.sync()) == {"updated": 1, "back": 1}
    assert (back.held(), back.erp()["phone"]) == ([], "555-2")
    back.quiet()


def test_changed_a_moment_before_the_edit(back: BackWorld) -> None:
    back.in_crm("C1", Phone="555-2")
    read = back.masters.read

    def read_and_change(entity: str, key: str) -> object:
        back.masters.read, told = read, read(entity, key)
        back.masters.put("customers", "C1", phone="555-9")
        return told

    back.masters.read = read_and_change
    back.sync()
    assert back.waits() == {("(back)", "C1", MASTER_MOVED)}
    back.sync()
    assert back.waits() == {("(back)", "C1", CHANGED_ON_BOTH_SIDES)}
    assert back.erp()["phone"] == "555-9"


def test_what_the_erp_refuses_is_tried_again_when_it_is_asked_for_or_changed(back: BackWorld) -> None:
    back.masters.refuses["C1"] = "TOO_LONG"
    back.in_crm("C1", Phone="555-2")
    back.sync()
    assert back.waits() == {("(back)", "C1", "TOO_LONG")}
    back.quiet()
    del back.masters.refuses["C1"]
    back.in_crm("C1", Phone="555-4")
    back.sync()
    assert (back.held(), back.erp()["phone"]) == ([], "555-4")
    back.masters.refuses["C1"] = "TOO_LONG"
    back.in_crm("C1", Phone="555-5")
    back.sync()
    del back.masters.refuses["C1"]
    back.sync(keys=("C1",))
    assert (back.held(), back.erp()["phone"]) == ([], "555-5")
    back.quiet()


def test_a_customer_that_the_erp_has_no_more(back: BackWorld) -> None:
    kept = back.masters.records.pop(("customers", "c1"))
    back.in_crm("C1", Phone="555-2")
    back.sync()
    [hold] = back.held()
    assert hold.happened == "The ERP has no C1 any more, so it cannot be told what the CRM says."
    back.masters.records["customers", "c1"] = kept
    back.sync()
    assert (back.held(), back.erp()["phone"]) == ([], "555-2")


def test_a_failure_that_concerns_one_record_alone_is_held_and_looked_at(back: BackWorld) -> None:
    back.in_crm("C1", Phone="555-2")
    edit = back.masters.edit
    hidden = Unsure(rejected("HIDDEN", "The ERP hides why.", heals=True))
    back.masters.edit = lambda _edit: hidden
    back.sync()
    assert back.waits() == {("(back)", "C1", "HIDDEN")}
    back.masters.edit = edit
    back.clock.sleep(3600)
    back.sync()
    assert (back.held(), back.erp()["phone"]) == ([], "555-2")
    assert len(back.edits()) == 1
    back.quiet()


# -- answers that are lost, and deaths


@pytest.mark.parametrize(("fault", "is_done"), [(away, False), (unsure, False), (lost, True)])
def test_an_edit_without_an_answer_is_looked_for(
    back: BackWorld, fault: Callable[[], Fault], *, is_done: bool
) -> None:
    back.in_crm("C1", Phone="555-2")
    back.masters.calls.faults = [None, fault()]  # the reading, the edit
    first = done(back.sync())
    if fault is unsure:  # as long as it may still come, no second one is sent
        assert first == {"waiting": 1}
        assert (done(back.sync()), back.sent()) == ({"waiting": 1}, 1)
        back.clock.sleep(900)
        first = done(back.sync())
    assert first["back"] == 1
    assert back.erp()["phone"] == "555-2"
    assert back.edits() == [({"phone": "555-1"}, {"phone": "555-2"})]
    assert back.sent() == (1 if is_done else 2)
    back.quiet()


def test_an_edit_that_is_done_late_does_not_undo_the_next(back: BackWorld) -> None:
    back.change(max_wait=timedelta(0))
    back.in_crm("C1", Phone="555-2")
    back.masters.calls.faults = [None, late()]
    assert back.sync()["state"] == "away"
    back.in_crm("C1", Phone="555-4")
    assert back.sync()["state"] == "done"  # nothing else is sent while that one may still come
    assert back.erp()["phone"] == "555-1"
    back.masters.calls.do_late()
    back.clock.sleep(900)
    back.sync()
    assert back.erp()["phone"] == "555-4"
    assert back.edits() == [
        ({"phone": "555-1"}, {"phone": "555-2"}),
        ({"phone": "555-2"}, {"phone": "555-4"}),
    ]
    back.quiet()


def test_an_edit_that_was_never_done_is_sent_once_its_time_has_passed(back: BackWorld) -> None:
    back.change(max_wait=timedelta(0))
    back.in_crm("C1", Phone="555-2")
    back.masters.calls.faults = [None, unsure()]
    back.sync()
    back.in_crm("C1", Phone="555-4")
    back.clock.sleep(900)
    back.sync()
    assert back.edits() == [({"phone": "555-1"}, {"phone": "555-4"})]
    back.quiet()


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", range(1, 18))
def test_killed_at_any_transaction(back: BackWorld, at: int, *, committed: bool) -> None:
    back.in_erp("C1", city="Boston")
    back.in_crm("C1", Phone="555-2")
    dying = DyingDatabase(back.database, at, committed)
    back.runs += 1
    with suppress(DiedError):
        pull(DirectSteps(back.clock), replace(back.work(), database=dying), f"killed-{back.runs}")
    back.clock.sleep(900)
    assert back.sync()["state"] == "done"
    assert_once(back)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [0, 1])
def test_killed_in_a_call(back: BackWorld, call: int, *, after: bool) -> None:
    back.in_crm("C1", Phone="555-2")
    back.masters.calls.faults = [*([None] * call), Fault(KilledError(), after=after)]
    with pytest.raises(KilledError):
        back.sync()
    back.clock.sleep(900)
    assert back.sync()["state"] == "done"
    assert_once(back)


def assert_once(back: BackWorld) -> None:
    assert (back.erp()["phone"], back.held()) == ("555-2", [])
    assert back.edits() == [({"phone": "555-1"}, {"phone": "555-2"})]
    back.quiet()
    assert back.target.records[back.id_of("C1")]["Phone"] == "555-2"


# -- by chance


@pytest.mark.parametrize("seed", range(8))
def test_whatever_people_do_on_both_sides(database: Database, seed: int) -> None:
    """Both sides agree in the end, nothing is written then, and each value that went is told with what it replaced."""
    chance, world, keys = Random(seed), made(database), [f"K{n}" for n in range(4)]
    begin(world, keys)
    for number in range(60):
        chance.choice(CHANCES)(world, chance, chance.choice(keys), number)
    world.masters.calls.faults = []
    settle(world, keys)
    told = [
        (key, name, before[name], value)
        for key in keys
        for before, after in world.edits(key)
        for name, value in after.items()
    ]
    assert sorted(told, key=str) == sorted(world.masters.overwrote, key=str)
    assert told
    for key in keys:
        account, erp = world.target.records[world.id_of(key)], world.erp(key)
        assert account["City"] == erp["city"]
        for name, own in (("Phone", "phone"), ("Contact", "contact_person")):
            # What the ERP alone changed, of a field that sales keeps, stays there until sales changes it.
            assert account[name] == erp[own] or str(erp[own]).startswith("E")


def begin(world: BackWorld, keys: list[str]) -> None:
    """Customers that say the same on both sides, and are known."""
    for key in keys:
        world.in_erp(key, name=f"Company {key}", city="Chicago", phone="0", contact_person="Nobody")
    world.sync()
    for key in keys:
        world.in_crm(key, Phone="0", Contact="Nobody")
    world.sync()
    world.clock.sleep(3600)
    world.sync()


def own_field(world: BackWorld, _chance: Random, key: str, number: int) -> None:
    world.in_erp(key, city=f"City {number}")


def their_field(world: BackWorld, chance: Random, key: str, number: int) -> None:
    world.in_erp(key, **{chance.choice(("phone", "contact_person")): f"E{number}"})


def sales(world: BackWorld, chance: Random, key: str, number: int) -> None:
    world.in_crm(key, **{chance.choice(("Phone", "Contact")): f"C{number}"})


def run(world: BackWorld, _chance: Random, _key: str, _number: int) -> None:
    world.sync()


def run_with_a_fault(world: BackWorld, chance: Random, _key: str, _number: int) -> None:
    faults = [None, chance.choice((away, unsure, lost))()]
    world.masters.calls.faults = faults[chance.randrange(2) :]
    world.sync()


def run_that_dies(world: BackWorld, chance: Random, _key: str, _number: int) -> None:
    dying = DyingDatabase(world.database, chance.randint(1, 16), chance.choice((False, True)))
    world.runs += 1
    with suppress(DiedError):
        pull(DirectSteps(world.clock), replace(world.work(), database=dying), f"dies-{world.runs}")


def run_with_a_late_one(world: BackWorld, chance: Random, key: str, number: int) -> None:
    """The ERP does it some minutes later, while sales changes the same again."""
    world.masters.calls.faults = [None, late()]
    world.sync()
    sales(world, chance, key, number)
    if chance.choice((False, True)):
        world.sync()
    world.masters.calls.do_late()


CHANCES = (
    run_with_a_late_one,
    own_field,
    their_field,
    sales,
    sales,
    run,
    run,
    run_that_dies,
    run_with_a_fault,
)


def settle(world: BackWorld, keys: list[str]) -> None:
    """People decide what waits; then nothing is written any more."""
    for _ in range(3):
        world.clock.sleep(3600)
        assert world.sync()["state"] == "done"
        for hold in world.held():
            assert hold.code == CHANGED_ON_BOTH_SIDES, hold
            decide.release(world.work(), hold.source_key, SALLY)
    assert world.held() == []
    for key in keys:
        world.quiet(key)
