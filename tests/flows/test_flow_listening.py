"""Who has a flow run when there is something for it, and what people are shown of how a module stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from memory import START, FakeClock
from memory_channels import KilledError
from memory_crm import DEALS, tell
from ml_connector.core.channels import Channel
from ml_connector.core.errors import RetryableError
from ml_connector.core.listening import Pace, Way
from ml_connector.flows.listening import Heard, Listener, find_standing, listen
from ml_connector.store import channels, cursors, inbox, listening, schedules
from ml_connector.store.database import Database

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PACE = Pace(poll=5 * MINUTE, safety=HOUR)


@dataclass
class Ear:
    """A listener over two flows, and its log."""

    clock: FakeClock
    database: Database
    missed: dict = field(default_factory=dict)
    said: list = field(default_factory=list)

    def __post_init__(self):
        with self.database.begin() as tx:
            schedules.know(tx, ["deals", "quotes"], self.clock.now())
        flows = (Heard("deals", "-1", DEALS), Heard("quotes", "-1", "Quotes"))
        self.listener = Listener(
            self.database,
            self.clock,
            (DEALS,),
            flows,
            PACE,
            timedelta(seconds=3),
            lambda: self.missed,
            lambda event, /, **_: self.said.append(event),
        )

    def owed(self):
        self.listener.turn()
        with self.database.read() as tx:
            return {flow: kept.owed_at for flow, kept in schedules.find(tx).items() if kept.owed_at}

    def ran(self, flow, module, state="done"):
        """A run of the flow, which polled if it ended well."""
        now = self.clock.now()
        with self.database.begin() as tx:
            cursors.open_run(tx, f"{flow}-{now}", "-1", flow, now)
            cursors.close_run(tx, f"{flow}-{now}", now, state, "", {})
            schedules.note_run(tx, flow, now, None)
            if state == "done":
                listening.note_poll(tx, module, now)

    def live(self, module=DEALS):
        with self.database.begin() as tx:
            now = self.clock.now()
            channels.put(tx, Channel(module, "1", "path", enabled_at=now - DAY, expires_at=now + 5 * DAY))
        self.listener.turn()  # which notes that somebody takes notifications


@pytest.fixture
def ear(database: Database) -> Ear:
    return Ear(FakeClock(), database)


def test_a_module_that_was_never_polled_is_due(ear):
    assert ear.owed() == {"deals": START, "quotes": START}


def test_each_flow_runs_when_its_module_is_due(ear):
    ear.live()
    ear.ran("deals", DEALS)
    ear.ran("quotes", "Quotes")
    assert ear.owed() == {}
    ear.clock.sleep(300)
    assert ear.owed() == {"quotes": START + 5 * MINUTE}
    ear.clock.sleep(3300)
    assert ear.owed().keys() == {"deals", "quotes"}


def test_a_notification_has_its_flow_run_once_it_is_ripe(ear):
    ear.live()
    ear.ran("deals", DEALS)
    ear.ran("quotes", "Quotes")
    tell(ear.database, ear.clock, "1")
    ear.clock.sleep(2)
    assert ear.owed() == {}
    ear.clock.sleep(1)
    assert ear.owed() == {"deals": START + timedelta(seconds=3)}


@pytest.mark.parametrize("state", ["failed", "limit", "away", "broken"])
def test_a_run_that_did_not_end_well_is_not_followed_by_another_at_once(ear, state):
    ear.ran("deals", DEALS, state)
    ear.ran("quotes", "Quotes")
    tell(ear.database, ear.clock, "1")
    ear.clock.sleep(299)
    assert ear.owed() == {}
    ear.clock.sleep(1)
    assert "deals" in ear.owed()


def test_nothing_is_owed_while_a_run_is_under_way(ear):
    with ear.database.begin() as tx:
        cursors.open_run(tx, "run", "-1", "deals", START)
    assert ear.owed() == {"quotes": START}


def test_what_was_refused_is_noted_once_and_polled_for(ear):
    ear.live()
    ear.ran("deals", DEALS)
    ear.clock.sleep(60)
    ear.missed[DEALS] = ear.clock.now()
    assert "deals" not in ear.owed()
    with ear.database.read() as tx:
        assert listening.find(tx, DEALS).missed_at == START + MINUTE
        assert find_standing(tx, DEALS, PACE, ear.clock.now(), is_served=True).way is Way.CATCHING_UP
    ear.clock.sleep(240)
    assert "deals" in ear.owed()


def test_how_a_module_stands(ear):
    ear.live()
    ear.ran("deals", DEALS)
    ear.clock.sleep(600)
    tell(ear.database, ear.clock, "1")
    ear.clock.sleep(10)
    now = ear.clock.now()
    with ear.database.read() as tx:
        told = find_standing(tx, DEALS, PACE, now, is_served=True)
        alone = find_standing(tx, DEALS, PACE, now, is_served=False)
        never = find_standing(tx, "Quotes", PACE, now, is_served=True)
    waiting = START + 10 * MINUTE
    assert (told.way, told.known_up_to, told.polled_at) == (Way.TOLD, waiting, START)
    assert (told.waiting_since, told.next_poll_at) == (waiting, START + HOUR)
    assert (alone.way, alone.known_up_to, alone.next_poll_at) == (Way.POLLED, START, START + 5 * MINUTE)
    assert (never.way, never.known_up_to, never.next_poll_at) == (Way.POLLED, None, now)


def test_since_when_notifications_are_taken_is_noted_as_it_begins_and_ends(ear):
    ear.owed()
    ear.clock.sleep(5)
    ear.owed()
    with ear.database.read() as tx:
        assert listening.find(tx, DEALS).up_since == START
        assert listening.find(tx, "Quotes").up_since is None
    ear.listener.stopping.set()
    listen(ear.listener, lambda error: pytest.fail(str(error)))
    with ear.database.read() as tx:
        assert listening.find(tx, DEALS).up_since is None


def test_it_goes_on_while_the_store_is_away_and_keeps_a_bug(ear):
    faults, turns = [], []

    def missed():
        turns.append(1)
        if len(turns) == 1:
            raise RetryableError("The database is locked.")
        if len(turns) == 2:
            raise ValueError("a bug")
        ear.listener.stopping.set()
        return {}

    ear.listener.missed = missed
    listen(ear.listener, faults.append, every=0.0)
    assert ear.said == ["Nobody listens: The database is locked."]
    assert [str(fault) for fault in faults] == ["a bug"]


def test_what_is_told_of_a_module_that_no_flow_reads_is_forgotten(ear):
    def there(module):
        with ear.database.read() as tx:
            return inbox.waiting_since(tx, module) is not None

    with ear.database.begin() as tx:
        inbox.put(tx, [inbox.Told(module, "1", "update", ear.clock.now()) for module in (DEALS, "Leads")])
    ear.clock.sleep(3600)
    ear.listener.turn()
    assert (there(DEALS), there("Leads")) == (True, True)
    ear.clock.sleep(1)
    ear.listener.turn()
    assert (there(DEALS), there("Leads")) == (True, False)


def test_killed_as_it_notes_it_leaves_everything_to_the_next_turn(ear):
    class Dying:
        def __init__(self, database):
            self.database = database

        def read(self):
            return self.database.read()

        def begin(self):
            raise KilledError

    ear.listener.database = Dying(ear.database)
    with pytest.raises(KilledError):
        ear.listener.turn()
    with ear.database.read() as tx:
        assert inbox.waiting_since(tx, DEALS) is None
    ear.listener.database = ear.database
    assert ear.owed().keys() == {"deals", "quotes"}
