"""The gates of two machines that share a database let no more through together than one would."""

from contextlib import ExitStack, closing
from functools import partial
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from memory import FakeClock
from ml_connector.connectors.dynamics_gp import RequestGate as GpGate
from ml_connector.connectors.zoho_crm import RequestGate as ZohoGate
from ml_connector.connectors.zoho_crm import ZohoConfig
from ml_connector.core.errors import NotDoneError
from ml_connector.store.database import Database
from ml_connector.store.place_locks import AdvisoryLocks


class PollingClock(FakeClock):
    """Tells that somebody waits."""

    def __init__(self):
        super().__init__()
        self.waited = Event()

    def sleep(self, seconds):
        self.waited.set()
        Event().wait(seconds)


CONFIG = ZohoConfig(data_centre="eu", client_id="1000.X", max_requests=2, heavy_requests=1)


def gp_gate(folder, clock, locks):
    gate = GpGate(folder, 2, 0.0, clock, locks)
    return gate, gate.slot, 2


def zoho_gate(folder, clock, locks):
    gate = ZohoGate(folder, CONFIG, clock, locks)
    return gate, partial(gate.entered, heavy=False), 2


def heavy_gate(folder, clock, locks):
    gate = ZohoGate(folder, CONFIG, clock, locks)
    return gate, partial(gate.entered, heavy=True), 1


pytestmark = pytest.mark.parametrize("kind", ["postgresql"])  # on SQLite there is one machine, and files


@pytest.mark.parametrize("make", [gp_gate, zoho_gate, heavy_gate])
def test_two_machines_have_the_places_of_one(database, tmp_path, make):
    locks, clock, entered, leave = partial(AdvisoryLocks, database), PollingClock(), Event(), Event()
    here, enter_here, number = make(tmp_path / "here", PollingClock(), locks)
    there, enter_there, _ = make(tmp_path / "there", clock, locks)

    def other():
        with enter_there():
            entered.set()
            leave.wait(120)

    with closing(here), closing(there):
        waiting = Thread(target=other)
        with ExitStack() as places:
            for _ in range(number):
                places.enter_context(enter_here())
            waiting.start()
            assert clock.waited.wait(120)
            assert not entered.is_set()
        assert entered.wait(120)
        leave.set()
        waiting.join()


def test_a_session_that_ends_frees_its_places_and_is_begun_anew(database):
    with (
        closing(AdvisoryLocks(database, "gp", 2)) as one,
        closing(AdvisoryLocks(database, "gp", 2)) as two,
        closing(AdvisoryLocks(database, "zoho", 2)) as apart,
    ):
        assert one.try_lock(0)
        assert apart.try_lock(0)
        assert not two.try_lock(0)
        assert two.try_lock(1)
        two.unlock(1)
        end_all_others(database)
        one.unlock(0)  # it is free already
        with pytest.raises(NotDoneError, match="does not answer"):
            two.try_lock(0)
        assert two.try_lock(0)
        assert not one.try_lock(0)


def test_no_free_connection_is_told_and_loses_no_place(database):
    busy = Database(database.engine.url.render_as_string(hide_password=False))
    busy.engine = sa.create_engine(busy.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with closing(busy), closing(AdvisoryLocks(busy, "gp", 2)) as locks:
        with busy.read(), pytest.raises(NotDoneError, match="does not answer"):
            locks.try_lock(0)
        locks.unlock(0)
        assert locks.try_lock(0)


def test_a_place_that_is_given_back_late_begins_no_session(database):
    locks = AdvisoryLocks(database, "gp", 2)
    assert locks.try_lock(0)
    locks.close()
    locks.unlock(0)
    assert database.engine.pool.checkedout() == 0


def end_all_others(database):
    """As when the process dies, or the way to the server is cut."""
    ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
    with database.engine.connect() as connection:
        connection.execute(sa.text(f"{ended} datname = current_database()"))
