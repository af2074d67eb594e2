"""What holds of lines whatever happens: entries are posted, closed, edited; runs die at any call to the target."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from journals import LINE, Ledger, new_ledger
from test_properties import MEMORY, new_store

from ml_connector.store.database import Database

LINES_OF = st.dictionaries(
    st.sampled_from(["1", "2", "3", "4", "5"]),
    st.sampled_from(["000-1100", "000-4000", "000-6100"]),
    max_size=5,
)
ENTRY = st.sampled_from(["E1", "E2", "E3", "E4"])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), ENTRY, LINES_OF),
        st.tuples(st.just("post"), ENTRY),
        st.tuples(st.just("close")),
        st.tuples(st.just("sync")),
        st.tuples(st.just("die"), st.integers(1, 3), st.booleans()),
    ),
    max_size=14,
)


class Died(BaseException):
    """The process is gone."""


def act(ledger: Ledger, action: tuple) -> None:
    """One thing that happens; what is posted is not edited any more."""
    rows = ledger.source.rows["journals"]
    if action[0] == "write" and not (action[1] in rows and rows[action[1]].fields["is_posted"]):
        known = ledger.source.lines.get(action[1], {})
        ledger.entry(action[1], {**known, **action[2]}, posted=False)
    elif action[0] == "post" and action[1] in rows and not rows[action[1]].fields["is_posted"]:
        ledger.entry(action[1], ledger.source.lines[action[1]])
    elif action[0] == "close":
        for key, row in rows.items():
            if row.fields["is_posted"]:
                ledger.source.put(key, "journals", at=ledger.clock.now())
    elif action[0] == "sync":
        assert ledger.sync()["state"] == "done"
    elif action[0] == "die":
        die(ledger, *action[1:])


def die(ledger: Ledger, nth: int, answered: bool) -> None:
    write, calls = ledger.target.write, []

    def dying(module, batch, trigger=()):
        calls.append(module)
        if len(calls) < nth or answered:
            results = write(module, batch, trigger)
        if len(calls) < nth:
            return results
        raise Died

    ledger.target.write = dying
    try:
        ledger.sync()
    except Died:
        pass
    finally:
        ledger.target.write = write


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS)
@example(  # of one reading a line is made and another changed: two calls, and only the first is recorded
    [
        ("write", "E1", {"1": "000-1100"}),
        ("sync",),
        ("write", "E1", {"1": "000-4000", "2": "000-1100"}),
        ("die", 2, False),
    ]
)
def test_every_line_is_there_once_as_it_is_and_final_ones_are_read_no_more(actions: list[tuple]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder) / "test.db"
        file.write_bytes(new_store())
        database = Database(f"sqlite:///{file}")
        try:
            ledger = new_ledger(database)
            ledger.texts = [LINE]
            ledger.loaded()
            for action in actions:
                act(ledger, action)
            assert ledger.sync()["state"] == "done"
            wanted = {
                f"{key}:{line}": account
                for key, lines in ledger.source.lines.items()
                for line, account in lines.items()
            }
            there = {str(r["GP_Line_Key"]): r["Account"] for r in ledger.target.of("GP_Journal_Lines")}
            assert there == wanted
            assert len(ledger.keys()) == len(wanted), "no line is there twice"
            act(ledger, ("close",))
            ledger.target.writes.clear()
            assert ledger.sync()["state"] == "done"
            posted = {key for key, row in ledger.source.rows["journals"].items() if row.fields["is_posted"]}
            assert not posted & set(ledger.source.fetched)
            assert ledger.target.writes == []
        finally:
            database.close()
