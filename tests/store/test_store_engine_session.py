"""Who may run flows over one PostgreSQL store, and how it is known that a process is no more."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.store import engine_locks
from ml_connector.store.database import Database
from ml_connector.store.engine_lock import Duty, ServingError, TakenError
from ml_connector.store.engine_session import EngineSession
from postgres import database_of_test


@pytest.fixture
def shared(postgres: Callable[[str], str]) -> Iterator[Database]:
    with database_of_test(postgres) as url, closing(Database(url)) as database:
        yield database


def begun(database: Database, duty: Duty) -> closing[EngineSession]:
    session = EngineSession(database)
    session.begin(duty)
    return closing(session)


def end_session_of(database: Database, session: EngineSession) -> None:
    """As a server does that restarts, or that no longer hears of the other machine."""
    like = f"%{session.name}"
    query = sa.text(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE :like"
    )
    with database.begin() as tx:
        assert tx.execute(query, {"like": like}).scalars().all() == [True]


def test_many_work_one_leads_and_who_serves_is_told_from_a_command(shared: Database, tmp_path: Path) -> None:
    with begun(shared, Duty.WORK) as one, begun(shared, Duty.WORK) as other:
        assert one.name != other.name
        assert not engine_locks.is_served(shared, tmp_path)
        with begun(shared, Duty.COMMAND), pytest.raises(TakenError) as refused, begun(shared, Duty.SERVE):
            pass
        assert not isinstance(refused.value, ServingError)
        with begun(shared, Duty.SERVE), begun(shared, Duty.WORK):
            assert engine_locks.is_served(shared, tmp_path)
            for duty in (Duty.COMMAND, Duty.SERVE):
                with pytest.raises(ServingError, match="is at work on"), begun(shared, duty):
                    pass
        assert not engine_locks.is_served(shared, tmp_path)


@pytest.mark.parametrize("duty", Duty)
def test_who_restores_is_alone(shared: Database, tmp_path: Path, duty: Duty) -> None:
    with begun(shared, duty), pytest.raises(TakenError), engine_locks.alone(shared, tmp_path):
        pass
    with (
        engine_locks.alone(shared, tmp_path),
        pytest.raises(TakenError, match="restored or moved"),
    ):
        engine_locks.take(shared, tmp_path, duty)
    with begun(shared, duty):
        pass


def test_only_what_nobody_is_any_more_can_be_taken_over(shared: Database) -> None:
    with begun(shared, Duty.WORK) as survivor:
        with begun(shared, Duty.WORK) as other:
            with survivor.in_place_of(other.name) as is_gone:
                assert not is_gone
            with survivor.in_place_of(survivor.name) as is_gone:
                assert not is_gone, "itself"
        with survivor.in_place_of(other.name) as is_gone, begun(shared, Duty.WORK) as third:
            assert is_gone
            with third.in_place_of(other.name) as is_free:
                assert not is_free, "another one is at it"
        with survivor.in_place_of(other.name) as is_gone:
            assert is_gone


def test_a_session_that_the_server_ended_is_noticed_and_what_it_held_is_free(shared: Database) -> None:
    with begun(shared, Duty.WORK) as survivor, begun(shared, Duty.COMMAND) as lost:
        assert lost.is_held()
        end_session_of(shared, lost)
        assert not lost.is_held()
        assert not lost.is_held(), "it does not come back"
        with survivor.in_place_of(lost.name) as is_gone:
            assert is_gone
        with begun(shared, Duty.COMMAND):
            assert not lost.renew(), "another one leads"
        assert lost.renew()
        assert lost.is_held()
        with survivor.in_place_of(lost.name) as is_gone:
            assert not is_gone
        assert survivor.is_held()


def test_a_name_that_is_being_taken_over_is_not_taken_again(shared: Database) -> None:
    with begun(shared, Duty.WORK) as survivor, begun(shared, Duty.WORK) as lost:
        end_session_of(shared, lost)
        with survivor.in_place_of(lost.name) as is_gone:
            assert is_gone
            assert not lost.renew()


def test_a_take_over_during_which_the_session_is_lost_ends_as_what_it_is(shared: Database) -> None:
    with begun(shared, Duty.WORK) as one:
        with one.in_place_of("gone") as is_gone:
            assert is_gone
            end_session_of(shared, one)
        with pytest.raises(RetryableError, match="does not answer"), one.in_place_of("gone"):
            pass


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    nowhere = sa.URL.create("postgresql+psycopg", query={"host": str(tmp_path)}, database="x")
    with (
        closing(Database(nowhere.render_as_string())) as database,
        pytest.raises(RetryableError, match="does not answer"),
    ):
        engine_locks.take(database, tmp_path, Duty.WORK)


def test_a_worker_beside_a_file_is_refused(tmp_path: Path) -> None:
    with (
        closing(Database(f"sqlite:///{tmp_path / 'x.db'}")) as database,
        pytest.raises(ConfigurationError, match="on PostgreSQL only") as caught,
    ):
        engine_locks.take(database, tmp_path, Duty.WORK)
    assert "database move" in caught.value.remedy
