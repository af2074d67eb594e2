"""The audit trail: told twice is told once, and whoever changes, removes or moves a row is found out."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest
import sqlalchemy as sa

from ml_connector.core.audit import GENESIS, AuditAction, chain
from ml_connector.store.audit import AuditRow, Wanted, append, find, of_key
from ml_connector.store.database import Database
from ml_connector.store.tables import audit
from ml_connector.store.verification import How, verify

AT = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)


def row(number: int = 1, **more) -> AuditRow:
    base = {
        "company": "-1",
        "flow": "customers",
        "run": "run-1",
        "mapping": "accounts",
        "entity": "customers",
        "module": "Accounts",
        "target_id": str(700 + number),
        "action": AuditAction.CREATED,
        "at": AT + timedelta(seconds=number),
        "happened_at": AT,
        "after": {"City": f"Zürich {number}", "Limit": Decimal("12.50"), "Since": AT},
    }
    return AuditRow(source_key=f"Key{number}", **base | more)


def looked(tx) -> tuple[int, int | None]:
    """How many rows follow each other unbroken, and the number of the first that does not."""
    found = verify(tx)
    return found.rows, found.faults[0].seq if found.faults else None


def hows(tx) -> list[How]:
    return [fault.how for fault in verify(tx).faults]


def sequence(tx) -> list[int]:
    return list(tx.execute(sa.select(audit.c.seq).order_by(audit.c.seq)).scalars())


def test_rows_follow_each_other_from_the_beginning(database):
    with database.begin() as tx:
        assert append(tx, [row(1), row(2)]) == 2
    with database.begin() as tx:
        assert append(tx, [row(3, at=None)]) == 1
        assert append(tx, []) == 0
    with database.read() as tx:
        assert looked(tx) == (3, None)
        assert tx.execute(sa.select(audit.c.previous).order_by(audit.c.seq)).scalars().first() == GENESIS


def test_an_empty_trail_is_whole(tx):
    assert looked(tx) == (0, None)


def test_told_twice_is_told_once(database):
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    with database.begin() as tx:
        assert append(tx, [row(1), row(2), row(1)]) == 2
    with database.begin() as tx:
        assert append(tx, [row(2), row(1, run="run-2", happened_at=AT + timedelta(days=1))]) == 0
        assert append(tx, [row(1, at=row(1).at.astimezone(elsewhere))]) == 0
        assert append(tx, [replace(row(1), source_key="KEY1 ")]) == 0
    with database.read() as tx:
        assert looked(tx) == (2, None)


OTHER = {
    "another company": {"company": "2"},
    "another mapping": {"mapping": "financials"},
    "another module": {"module": "Contacts"},
    "another action": {"action": AuditAction.UPDATED},
    "another instant": {"at": None},
    "another attempt": {"attempt": 2},
    "another value": {"after": {"City": "Bern"}},
    "another part": {"part": "ann"},
    "another reason": {"reason": "Recognised by key."},
}


@pytest.mark.parametrize("more", OTHER.values(), ids=OTHER)
def test_something_else_is_told_beside(tx, more):
    assert append(tx, [row(1), row(1, **more)]) == 2
    assert looked(tx) == (2, None)


AGAIN = ("LET_THROUGH", "DISCARDED", "REVIEWED", "MOVED", "LOST", "FOUND_AGAIN")


@pytest.mark.parametrize("action", AGAIN)
def test_what_a_person_does_again_is_another_thing(tx, action):
    done = row(action=AuditAction[action])
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert append(tx, [done, replace(done, run="run-2", happened_at=elsewhere)]) == 1
    assert append(tx, [replace(done, happened_at=AT + timedelta(seconds=1))]) == 1


def test_what_vanishes_again_in_another_run_is_another_thing(tx):
    gone = row(action=AuditAction.VANISHED)
    assert append(tx, [gone, replace(gone, happened_at=AT + timedelta(seconds=1))]) == 1
    assert append(tx, [replace(gone, run="run-2")]) == 1


def test_somebody_else_s_null_character_breaks_no_chain(tx):
    append(tx, [row(reason="Zoho said \x00.")])
    assert (verify(tx).rows, verify(tx).faults) == (1, ())


def test_the_whole_story_of_a_key_or_an_id(tx):
    append(tx, [row(1), row(2), row(1, action=AuditAction.UPDATED, before={"City": None})])
    append(tx, [row(1, company="2")])
    story = of_key(tx, "-1", "KEY1 ")
    assert [one["action"] for one in story] == ["record:created", "record:updated"]
    assert [one["source_key"] for one in of_key(tx, "-1", "702")] == ["Key2"]
    append(tx, [row(2, part="ann")])
    assert [one["part"] for one in of_key(tx, "-1", "key2")] == ["", "ann"]
    assert of_key(tx, "-1", "nobody") == []


def found(tx, **wanted) -> list[str]:
    return [f"{one['source_key']} {one['action'].partition(':')[2]}" for one in find(tx, Wanted(**wanted))]


def test_rows_are_found_by_record_run_flow_action_and_time(tx):
    later = AT + timedelta(days=1)
    append(tx, [row(1), row(2, run="run-2", happened_at=later), row(3, flow="vendors")])
    append(tx, [row(1, action=AuditAction.UPDATED, run="run-2", happened_at=later)])
    assert found(tx) == ["Key1 created", "Key2 created", "Key3 created", "Key1 updated"]
    assert found(tx, key="KEY1 ") == ["Key1 created", "Key1 updated"]
    assert found(tx, key="703") == ["Key3 created"]
    assert found(tx, run="run-2") == ["Key2 created", "Key1 updated"]
    assert found(tx, flow="vendors") == ["Key3 created"]
    assert found(tx, actions=("record:updated", "record:held")) == ["Key1 updated"]
    assert found(tx, since=later) == ["Key2 created", "Key1 updated"]
    assert found(tx, until=later) == ["Key1 created", "Key3 created"]
    assert found(tx, until=later, flow="customers", key="key1") == ["Key1 created"]
    assert found(tx, flow="nobody") == []


def test_rows_of_more_than_a_page_are_found_in_their_order(tx):
    append(tx, [row(n) for n in range(1, 2003)])
    assert found(tx) == [f"Key{n} created" for n in range(1, 2003)]


CHANGES = {
    "target_id": "666",
    "source_key": "Someone",
    "key": "someone",
    "part": "someone",
    "reason": "nothing",
    "after": "{}",
    "before": '{"City": "x"}',
    "actor": "nobody",
    "action": "record:held",
    "attempt": 9,
    "at": None,
    "happened_at": AT + timedelta(seconds=1),
    "natural": "0" * 64,
    "company": "2",
    "run": "run-9",
    "hash": "0" * 64,
    "previous": "0" * 64,
}


def test_every_column_that_tells_something_is_guarded():
    unguarded = {column.name for column in audit.c} - CHANGES.keys()
    assert unguarded == {"seq", "flow", "mapping", "entity", "module"}  # of the same kind as those above


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_row_is_found(tx, column):
    append(tx, [row(n) for n in range(1, 6)])
    third = sequence(tx)[2]
    tx.execute(sa.update(audit).where(audit.c.seq == third).values({column: CHANGES[column]}))
    assert looked(tx) == (2, third)


@pytest.mark.parametrize("removed", [0, 1, 3])
def test_a_removed_row_is_found_at_the_next(tx, removed):
    append(tx, [row(n) for n in range(1, 6)])
    numbers = sequence(tx)
    tx.execute(sa.delete(audit).where(audit.c.seq == numbers[removed]))
    if removed:
        assert looked(tx) == (removed, numbers[removed + 1])
    assert hows(tx) == [How.MISSING if removed else How.BEGINNING]
    assert verify(tx).faults[0].seq == numbers[removed + 1]


def test_two_rows_that_changed_places_are_found(tx):
    append(tx, [row(n) for n in range(1, 6)])
    _, second, third, *_ = sequence(tx)
    for old, new in ((second, -1), (third, second), (-1, third)):
        tx.execute(sa.update(audit).where(audit.c.seq == old).values(seq=new))
    assert looked(tx) == (1, second)
    assert hows(tx) == [How.MOVED]


def test_a_row_put_between_is_found(tx):
    append(tx, [row(1)])
    first = tx.execute(sa.select(audit)).mappings().one()
    forged = {**first, "seq": first["seq"] + 1, "natural": "f" * 64, "reason": "forged"}
    tx.execute(audit.insert(), [forged])
    assert looked(tx) == (1, first["seq"] + 1)
    assert hows(tx) == [How.CHANGED]


def test_a_row_put_between_that_has_its_own_right_hash_is_found_at_the_next(tx):
    """Whoever knows how rows are chained, and does not chain anew all that follow."""
    append(tx, [row(1), row(2)])
    first, second = tx.execute(sa.select(audit).order_by(audit.c.seq)).mappings().all()
    tx.execute(sa.update(audit).where(audit.c.seq == second["seq"]).values(seq=second["seq"] + 1))
    forged = {**second, "natural": "f" * 64, "reason": "forged"}
    told = {str(name): value for name, value in forged.items() if name not in ("seq", "previous", "hash")}
    plain = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    tx.execute(audit.insert(), [forged | {"hash": chain(first["hash"], plain)}])
    assert (looked(tx), hows(tx)) == ((2, second["seq"] + 1), [How.INSERTED])


def test_a_reason_with_a_null_character_is_no_change(tx):
    """PostgreSQL takes none, so it is kept as another one, over which the hash is, too."""
    append(tx, [row(1, reason="the CRM said \x00")])
    assert looked(tx) == (1, None)


def test_a_long_trail_is_verified_page_by_page(tx):
    append(tx, [row(n) for n in range(1, 1002)])
    assert looked(tx) == (1001, None)


def _append(url: str, first: int, barrier) -> None:
    database = Database(url)
    barrier.wait(60)
    for number in range(first, first + 20):
        with database.begin() as tx:
            append(tx, [row(number), row(0)])
    database.close()


def test_two_processes_keep_one_chain(url, database):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=_append, args=(url, first, barrier)) for first in (100, 200)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    with database.read() as tx:
        assert looked(tx) == (41, None)
