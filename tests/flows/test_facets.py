"""What a record's stamp says nothing of: listed whole, followed by what changed, or every record in its turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from memory import START, FakeClock
from ml_connector.core.entity import Facet
from ml_connector.flows.facets import Look, decide
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Range
from ml_connector.flows.steps import Result
from ml_connector.flows.work import Options
from ml_connector.store import asked, looks
from ml_connector.store.looks import Looked
from world import CUSTOMER, FINANCIALS, World, done

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LISTED = Facet("payables", brings_fields=True)
EMAILS = Facet("emails", brings_fields=False, listed=False)
SPAN = Range(START, START, None, first_load=False, doubt=timedelta(seconds=1), fingerprint="")
OPTIONS = Options(
    overlap=timedelta(seconds=60),
    facet_every={"payables": HOUR},
    facet_whole_every={"payables": DAY},
    sweep_nights={"emails": 30},
)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("whole_at", "looked_at", "due"),
    [
        (None, None, Look(whole=True)),
        (START - DAY, START - HOUR, Look(whole=True)),
        (START - 2 * HOUR, None, Look(since=START - 2 * HOUR - MINUTE)),
        (START - 5 * HOUR, START - HOUR, Look(since=START - HOUR - MINUTE)),
        (START - 5 * HOUR, START - MINUTE, Look()),
        (START - MINUTE, START - 5 * HOUR, Look()),
        (START - 5 * HOUR, START + HOUR, Look(since=START + HOUR - MINUTE)),  # our clock was set back
    ],
)
def test_what_is_due_of_a_facet_that_can_be_listed(whole_at, looked_at, due):
    assert decide(LISTED, whole_at, Looked(looked_at), SPAN, OPTIONS) == due


def test_a_facet_that_is_not_followed_is_listed_whole_whenever_it_is_due():
    never_followed = replace(OPTIONS, facet_whole_every={})
    assert decide(LISTED, START - HOUR, Looked(), SPAN, never_followed) == Look(whole=True)
    assert decide(LISTED, START - MINUTE, Looked(), SPAN, never_followed) == Look()


@pytest.mark.parametrize(
    ("whole_at", "looked", "due"),
    [
        (None, Looked(), Look(roll=True)),
        (START - DAY, Looked(), Look(roll=True)),
        (START - 9 * DAY, Looked(rolled_at=START - 2 * HOUR), Look()),
        (START - 9 * DAY, Looked(rolled_at=START - 23 * HOUR), Look(roll=True)),
        # A track is followed; what changed before it began, it does not tell.
        (START - 9 * DAY, Looked(START - HOUR, START - DAY), Look(since=START - HOUR - MINUTE, roll=True)),
        (START - HOUR, Looked(START - HOUR, START - DAY), Look(since=START - HOUR - MINUTE)),
        (START - DAY, Looked(None, START - DAY), Look(since=START - DAY - MINUTE)),
    ],
)
def test_what_is_due_of_a_facet_that_no_list_has(whole_at, looked, due):
    assert decide(EMAILS, whole_at, looked, SPAN, OPTIONS) == due


def test_zero_nights_is_never():
    assert decide(EMAILS, None, Looked(), SPAN, replace(OPTIONS, sweep_nights={"emails": 0})) == Look()


@pytest.fixture
def loaded(world: World) -> World:
    """Ten customers in step; every record has its turn within four nights."""
    world.change(facet_every={"addresses": timedelta(days=999)}, sweep_nights={"emails": 4})
    for n in range(10):
        world.customer(f"C{n}", email=f"old{n}@fabrikam.example")
    world.first("customers")
    world.sync()
    world.source.fetched.clear()
    return world


def edit(world: World, key: str, email: str) -> None:
    """An edit that no stamp shows."""
    row = world.source.rows["customers"][key]
    world.source.rows["customers"][key] = replace(row, fields={**row.fields, "email": email})


def emails(world: World) -> list[object]:
    return [record["Email"] for record in world.target.of()]


def night(world: World) -> Result:
    world.clock.sleep(DAY.total_seconds())
    return world.sync()


def test_within_so_many_nights_every_record_is_read_once(loaded):
    turns = []
    for _ in range(4):
        loaded.source.fetched.clear()
        assert done(night(loaded)).keys() <= {"unchanged"}
        loaded.sync()
        loaded.sync()
        turns.append(list(loaded.source.fetched))
    assert turns == [["C0", "C1", "C2"], ["C3", "C4", "C5"], ["C6", "C7", "C8"], ["C9"]]
    night(loaded)
    assert loaded.source.fetched[-3:] == ["C0", "C1", "C2"], "and again from the beginning"


def test_an_edit_of_an_email_alone_arrives_within_the_nights(loaded):
    for n in range(10):
        edit(loaded, f"C{n}", f"new{n}@fabrikam.example")
    loaded.sync()
    assert all(str(email).startswith("old") for email in emails(loaded))
    for _ in range(4):
        night(loaded)
    assert emails(loaded) == [f"new{n}@fabrikam.example" for n in range(10)]


def test_where_a_track_is_kept_only_what_it_names_is_read(loaded):
    loaded.source.track = {}
    for _ in range(4):  # what changed before the track began, it does not tell
        night(loaded)
    loaded.source.fetched.clear()
    for _ in range(6):
        night(loaded)
    assert loaded.source.fetched == []
    edit(loaded, "C7", "new@fabrikam.example")
    loaded.source.track["C7"] = loaded.clock.now()
    assert done(loaded.sync()) == {"updated": 1}
    assert loaded.source.fetched == ["C7"]
    assert done(loaded.sync()) == {}
    assert loaded.source.fetched == ["C7"], "told again within the overlap, it is known"


def test_what_changed_while_our_clock_was_ahead_is_seen_when_it_is_right(loaded):
    loaded.source.track = {}
    for _ in range(5):
        night(loaded)
    right = loaded.clock.now()
    loaded.clock.at, loaded.source.ahead = right + HOUR, -HOUR
    loaded.sync()
    edit(loaded, "C7", "new@fabrikam.example")
    loaded.source.track["C7"] = right + 10 * MINUTE
    loaded.clock.at, loaded.source.ahead = right + 15 * MINUTE, timedelta()
    assert done(loaded.sync()) == {"updated": 1}


def test_a_track_from_the_beginning_leaves_nobody_a_turn(world):
    world.change(facet_every={"addresses": timedelta(days=999)}, sweep_nights={"emails": 4})
    world.source.track = {}
    world.customer("C1", email="a@fabrikam.example")
    world.first("customers")
    world.source.fetched.clear()
    night(world)
    night(world)
    assert world.source.fetched == []


def test_the_source_is_asked_once_a_night_whether_it_keeps_a_track(loaded):
    for tracked in (None, {}):
        loaded.source.track = tracked
        before = loaded.source.asked_for_track
        for _ in range(3):
            night(loaded)
            loaded.sync()
            loaded.sync()
        assert loaded.source.asked_for_track - before == 3


def test_a_track_that_ends_gives_everybody_a_turn_again(loaded):
    loaded.source.track = {}
    for _ in range(5):
        night(loaded)
    loaded.source.track = None
    for n in range(10):
        edit(loaded, f"C{n}", f"new{n}@fabrikam.example")
    for _ in range(5):
        night(loaded)
    assert emails(loaded) == [f"new{n}@fabrikam.example" for n in range(10)]


def test_nobody_takes_turns_for_a_field_that_no_mapping_reads(loaded):
    loaded.texts["customers"] = [
        text.replace(', Email = { from = "email", transform = "email" }', "")
        for text in loaded.texts["customers"]
    ]
    loaded.sync()
    loaded.source.fetched.clear()
    night(loaded)
    assert loaded.source.fetched == []


class DiedError(Exception):
    """The process was killed here."""


@dataclass
class DieAt:
    """Steps of a process that dies at the step of this name, before it or after it was done; its engine is lost."""

    clock: FakeClock
    at: str
    before: bool
    died: list[str] = field(default_factory=list)

    def do(self, name: str, step: Callable[[], Result]) -> Result:
        dies = name == self.at and not self.died
        if dies:
            self.died.append(name)
        if dies and self.before:
            raise DiedError
        told = step()
        if dies:
            raise DiedError
        return told

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", ["due emails", "roll emails", "stage", "window", "end"])
def test_no_crash_skips_a_turn(loaded, at, before):
    for n in range(10):
        edit(loaded, f"C{n}", f"new{n}@fabrikam.example")
    for number in range(4):
        loaded.clock.sleep(DAY.total_seconds())
        with pytest.raises(DiedError):
            pull(DieAt(loaded.clock, at, before), loaded.work("customers"), f"killed-{number}")
        loaded.sync()
    assert emails(loaded) == [f"new{n}@fabrikam.example" for n in range(10)]


def test_a_portion_done_twice_in_one_run_asks_for_nothing_more(loaded):
    from ml_connector.flows import facets

    emails_facet = loaded.work().flow.entity.facets[-1]
    for _ in range(2):
        facets.roll(loaded.work(), emails_facet, SPAN)
    with loaded.database.read() as tx:
        assert asked.keys(tx, "-1", "customers") == ["C0", "C1", "C2"]
        assert looks.find(tx, "-1", "customers", "emails").position == "c2"


# ---- values that outlast what the listing tells

PAYMENTS = FINANCIALS.replace(
    'Balance = "balance"', 'Balance = "balance", Paid = "paid", Paid_On = "paid_on"'
)


@pytest.fixture
def paid(world: World) -> World:
    """A customer that still owes something and one that does not; both paid 399 days ago."""
    world.texts["customers"] = [CUSTOMER, PAYMENTS]
    for key in ("C1", "C2"):
        world.customer(key)
        world.source.payments[key] = (Decimal("8.50"), (world.clock.now() - timedelta(days=399)).date())
    world.source.balances["C1"] = Decimal("3.00")
    world.first("customers")
    return world


def shown(world: World) -> dict[str, tuple[object, object]]:
    return {str(r["GP_Customer_ID"]): (r.get("Paid"), r.get("Balance")) for r in world.target.of()}


def test_a_last_payment_that_grew_old_stays_and_moves_nothing(paid: World) -> None:
    told = shown(paid)
    assert told == {"C1": (Decimal("8.50"), Decimal("3.00")), "C2": (Decimal("8.50"), Decimal(0))}
    paid.target.writes.clear()
    for _ in range(4):
        assert done(night(paid)) == {}
    assert (shown(paid), paid.target.writes) == (told, [])


def test_a_balance_that_moves_later_leaves_the_old_payment_there(paid: World) -> None:
    for _ in range(3):
        night(paid)
    paid.source.balances = {"C2": Decimal("9.00")}
    night(paid)
    assert shown(paid) == {"C1": (Decimal("8.50"), Decimal(0)), "C2": (Decimal("8.50"), Decimal("9.00"))}


def test_a_newer_payment_takes_its_place_and_one_that_was_voided_goes(paid: World) -> None:
    for _ in range(3):
        night(paid)
    paid.source.payments["C1"] = (Decimal("1.25"), paid.clock.now().date())
    night(paid)
    assert shown(paid)["C1"] == (Decimal("1.25"), Decimal("3.00"))
    del paid.source.payments["C1"]
    night(paid)
    assert shown(paid)["C1"] == (None, Decimal("3.00"))
