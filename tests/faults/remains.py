"""What lasts of a run: both systems, the store and its audit trail, in words that do not depend on when it was done.

Ids of Zoho are replaced by what their records are called, instants since the beginning by “now”. Everything else that
may differ between two runs which did the same is named here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ml_connector.simulators.zoho import ZohoSimulator
from ml_connector.store.checkpoints import CheckpointFile
from ml_connector.store.database import Database
from ml_connector.store.tables import metadata
from ml_connector.store.verification import verify

#: Not about records: what a process spent, learned or was let in by, how far it had come and what it counted on the
#: way (a kill takes the count of the step under way with it); and the copy of what Zoho
#: has, which the next run brings up to date: a record of ours whose answer was lost is not in it yet.
_OF_THE_PROCESS = frozenset(
    {"secrets", "credits", "runs", "tallies", "row_limits", "requests", "weights", "refusals"}
    | {"match_index", "match_values", "refreshes"}
)
#: Names of runs, and the chain of the audit trail, which is checked as a chain. Where the answer to a write was lost,
#: its stamp in Zoho is not known, and the reason in the trail says so; what stood there before it is compared apart,
#: because where the record is read again, that is our own write.
_OF_THE_RUN = frozenset({"run", "seq", "natural", "hash", "previous", "modified_at", "reason", "before"})
#: Their cursor is the stamp of the deals that were still to be done: a run that finds them done by the one before it
#: has seen none, and the next looks at all that are left.
_SEES_WHAT_IS_LEFT = frozenset({"deal_tagging", "profitability"})
#: Where the answer was lost, this flow tells no state before: what stood there, only Zoho knew.
_TOLD_WITHOUT = "profitability"
_ID = re.compile(r"\d{15,}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
#: As-of instants are no part of what a record says, and are not told of a write whose answer was lost.
_AS_OF = r'\\"\w+_As_Of\\":\\"now\\"'
_AS_OF_NOW = re.compile(f",{_AS_OF}|{_AS_OF},?")
_CALLED = (
    "GP_Contact_Key",
    "GP_Customer_ID",
    "GP_Vendor_ID",
    "Deal_Name",
    "Account_Name",
    "Name",
    "Last_Name",
)

Rows = Counter[str]


@dataclass(frozen=True)
class Remains:
    """What is there at the end: records of Zoho, rows of the audit trail, rows of the store's other tables."""

    records: Rows
    audit: Rows
    store: Rows
    before: Rows  #: rows of the audit trail with what stood in the record before
    faults: tuple[str, ...]  #: of the audit trail as a chain

    def against(self, wanted: Remains) -> Difference:
        """What differs from a run that was not killed."""
        return Difference(
            [*(wanted.records - self.records).elements()],
            [*(self.records - wanted.records).elements()],
            [*(wanted.audit - self.audit).elements()],
            [*(self.audit - wanted.audit).elements()],
            [
                *(f"missing {row}" for row in (wanted.store - self.store).elements()),
                *(f"besides {row}" for row in (self.store - wanted.store).elements()),
                *self.faults,
            ],
            [row for row in (self.before - wanted.before).elements() if not _is_own(row)],
        )


@dataclass(frozen=True)
class Difference:
    """Rows as text; a changed row is one that is missing and one that is there besides."""

    lost: list[str]
    doubled: list[str]
    untold: list[str]
    told_twice: list[str]
    store: list[str]
    before: list[str]  #: told of with a state before that is neither the other run's nor our own write

    def __bool__(self) -> bool:
        return any(vars(self).values())


def remains(zoho: ZohoSimulator, url: str, checkpoints: Path, since: datetime) -> Remains:
    """Of these simulators and this store; everything at or after ``since`` is now."""
    plain = _Plain(zoho, since.replace(microsecond=0))
    database = Database(url)
    try:
        with database.read() as tx:
            tables = {table.name: Counter(_rows(tx, table, plain)) for table in metadata.sorted_tables}
            before = Counter(_told(tx, plain))
            verdict = verify(tx, CheckpointFile(checkpoints).lines)
    finally:
        database.close()
    store = sum((rows for name, rows in tables.items() if name != "audit"), Counter[str]())
    return Remains(plain.records(), tables["audit"], store, before, tuple(map(str, verdict.faults)))


def fingerprint(zoho: ZohoSimulator, folder: Path) -> tuple[int, bytes]:
    """Of what lasts outside the databases."""
    org = zoho.org
    with org.lock:
        rows = [(name, sorted(table.rows.items())) for name, table in sorted(org.tables.items())]
        jobs = [job.to_json() for job in org.jobs.by_id.values()]
    checkpoints = folder / "data" / "audit.checkpoints"
    seen = hash(repr((rows, jobs, sorted(org.uploads))))
    return seen, checkpoints.read_bytes() if checkpoints.exists() else b""


def _rows(tx: sa.Connection, table: sa.Table, plain: _Plain) -> Iterator[str]:
    if table.name in _OF_THE_PROCESS:
        return
    for row in tx.execute(sa.select(table)).mappings():
        kept = {name: value for name, value in row.items() if name not in _OF_THE_RUN}
        if table.name == "cursors" and row["flow"] in _SEES_WHAT_IS_LEFT:
            kept |= {"at": None, "finer_than_day": None}
        if table.name == "audit" and row["flow"] in _SEES_WHAT_IS_LEFT:
            kept["at"] = None  # the record's own stamp, which is our write's where the answer was lost
        yield f"{table.name} {plain.text(kept)}"


def _is_own(row: str) -> bool:
    """Whether what is told as the state before says what was written."""
    told = json.loads(row)
    before, after = json.loads(told["before"]), json.loads(told["after"])
    if told["mapping"] == _TOLD_WITHOUT:
        return not before
    return all(before.get(name) == value for name, value in after.items())


def _told(tx: sa.Connection, plain: _Plain) -> Iterator[str]:
    c = metadata.tables["audit"].c
    for row in tx.execute(sa.select(c.mapping, c.key, c.part, c.action, c.before, c.after)).mappings():
        yield plain.text(dict(row))


class _Plain:
    """Says things without ids and instants of this run."""

    def __init__(self, zoho: ZohoSimulator, since: datetime) -> None:
        self._org, self._since = zoho.org, since
        self._called: dict[str, str] = {}
        for module, table in self._org.tables.items():
            for row_id, row in table.rows.items():
                found = [str(row[name]) for name in _CALLED if row.get(name)]
                self._called[row_id] = f"<{module} {found[0] if found else row.get('Name', '')}>"

    def records(self) -> Rows:
        """Every record of every module."""
        with self._org.lock:
            return Counter(
                f"{module} {self.text({k: v for k, v in self._org.render_row(module, row).items() if v is not None})}"
                for module, table in self._org.tables.items()
                for row in table.rows.values()
            )

    def text(self, row: Mapping[str, Any]) -> str:
        said = json.dumps(dict(row), sort_keys=True, default=_said, ensure_ascii=False)
        said = _ID.sub(lambda found: self._called.get(found[0], found[0]), said)
        return _AS_OF_NOW.sub("", _INSTANT.sub(self._when, said))

    def _when(self, found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[0])
        return "now" if at >= self._since - timedelta(seconds=1) else at.astimezone(UTC).isoformat()


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
