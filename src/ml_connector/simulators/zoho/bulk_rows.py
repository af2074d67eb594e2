"""The rows of a bulk write job: each is checked and stored by the same rules as a record of an ordinary write call.

Inferred, since Zoho's pages do not say it: a row that is refused is SKIPPED; an update that finds no record is told
with RESOURCE_NOT_FOUND, and so is an upsert by an id that is not there; no automation runs (a job has no `trigger`).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ml_connector.simulators.zoho.bulk_mapping import Column
from ml_connector.simulators.zoho.checking import Candidate, invalid, missing
from ml_connector.simulators.zoho.csv_cells import CellReader, cell_reader
from ml_connector.simulators.zoho.csv_rows import write_sheet, zipped
from ml_connector.simulators.zoho.matching import fields_to_try, find_match
from ml_connector.simulators.zoho.metadata import LAYOUT, PERSON_TYPES
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.record_writes import check_items
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import JsonObject, failure
from ml_connector.simulators.zoho.writing import Commit

_SHOWN_COLUMNS = 3
_STATUSES = {"insert": "ADDED", "update": "UPDATED"}


class MissingReferenceError(Exception):
    """A cell names another record that is not there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row."""

    status: str
    """ADDED, UPDATED or SKIPPED."""
    record_id: str = ""
    errors: str = ""


UNPROCESSED = Outcome("UNPROCESSED")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job was told."""

    operation: str
    user: str
    table: Table
    file_name: str
    headings: list[str]
    columns: list[Column]
    find_by: str | None
    ignore_empty: bool


@dataclass(slots=True)
class WriteWork:
    """A bulk write as far as it has come."""

    org: Org
    plan: Plan
    rows: list[list[str]]
    """Of the file; gone when the job has ended."""
    encoding: str
    callback: JsonObject | None
    outcomes: list[Outcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Rows done so far, by status."""
    total: int = 0
    archive: bytes = b""
    """The result, zipped, from the end on."""

    def __post_init__(self) -> None:
        self.total = len(self.rows)

    def advance(self, first: int, last: int, at: int) -> None:
        """Writes these rows; see bulk_jobs.Work."""
        plan = self.plan
        commit = Commit(self.org, plan.table, plan.user)
        commit.created_at = commit.modified_at = at
        commit.holds_to_layout = False  # what a layout demands is ignored in a bulk write (Zoho's page)
        readers = [_reader(self.org, column) for column in plan.columns]
        rows = [self._read(readers, self.rows[number]) for number in range(first, last)]
        candidates = check_items(self.org, plan.table, [item for item, _ in rows])
        for candidate, (_, wrong) in zip(candidates, rows, strict=True):
            for name, error in wrong.items():
                candidate.values[name] = ""  # it was sent: a mandatory field is not missing on top
                candidate.errors.append(error)
            outcome = self._write(commit, candidate)
            self.outcomes.append(outcome)
            self.counts[outcome.status] += 1
        commit.finish([])

    def end(self) -> None:
        """Keeps the result and lets go of the rows; see bulk_jobs.Work."""
        name = f"{self.plan.table.module.api_name}-{self.plan.file_name}"
        self.archive = zipped(name, self._result())
        self.rows, self.outcomes = [], []

    def _result(self) -> bytes:
        """The CSV file that tells of each row, in the order of the file (that order is inferred)."""
        headings = self.plan.headings
        indexes = sorted(column.index for column in self.plan.columns if column.index is not None)
        shown = indexes[:_SHOWN_COLUMNS]
        rest = [UNPROCESSED] * (self.total - len(self.outcomes))
        rows = [
            [*(_cell(row, index) for index in shown), told.status, told.record_id, told.errors]
            for row, told in zip(self.rows, [*self.outcomes, *rest], strict=True)
        ]
        return write_sheet([*(headings[i] for i in shown), "STATUS", "RECORD_ID", "ERRORS"], rows)

    def _read(self, readers: list[CellReader], row: list[str]) -> tuple[JsonObject, dict[str, JsonObject]]:
        """The row as an item of a write call, and the errors of cells that cannot be read."""
        item: JsonObject = {}
        wrong: dict[str, JsonObject] = {}
        for column, read in zip(self.plan.columns, readers, strict=True):
            name, text = column.field.api_name, _cell(row, column.index) or column.default or ""
            if not text:
                if not self.plan.ignore_empty:
                    item[name] = None
                continue
            try:
                item[name] = read(text)
            except ValueError:
                wrong[name] = invalid("$", name)
            except MissingReferenceError:
                wrong[name] = failure(self.org.options.bulk_missing_reference, "", {"api_name": name})
        return {name: value for name, value in item.items() if value is not _DEFAULT_LAYOUT}, wrong

    def _write(self, commit: Commit, candidate: Candidate) -> Outcome:
        item, action = self._item(commit, candidate)
        if item["code"] != "SUCCESS":
            return Outcome("SKIPPED", errors=self._told(item))
        return Outcome(_STATUSES[action], item["details"]["id"])

    def _item(self, commit: Commit, candidate: Candidate) -> tuple[JsonObject, str]:
        """The item of the answer that an ordinary call would have, and what was tried."""
        plan = self.plan
        found = self._find(candidate) if plan.find_by else None
        if plan.operation == "insert" or (plan.operation == "upsert" and not found and not candidate.id):
            if found:
                return failure("DUPLICATE_DATA", "", {"api_name": plan.find_by}), "insert"
            return commit.insert(candidate), "insert"
        if found:
            return commit.update(found, candidate), "update"
        assert plan.find_by is not None
        if candidate.errors:
            return _several(candidate.errors), "update"
        if plan.find_by not in candidate.values and candidate.id is None:
            return missing("$", plan.find_by), "update"
        return failure("RESOURCE_NOT_FOUND", "", {"api_name": plan.find_by}), "update"

    def _find(self, candidate: Candidate) -> str | None:
        """The record that a row means."""
        plan = self.plan
        assert plan.find_by is not None
        if plan.find_by == "id":
            return candidate.id if candidate.id in plan.table.rows else None
        fields = [plan.find_by]
        if plan.operation == "upsert" and self.org.options.bulk_upsert_matching == "all_unique":
            fields = fields_to_try(plan.table.module, fields)
        return find_match(plan.table, candidate.values, fields)[1]

    def _told(self, item: JsonObject) -> str:
        """`CODE-column`, in the order of the mapping; commas between the columns of a code, colons between codes."""
        errors = item["details"]["errors"] if item["code"] == "MULTIPLE_OR_MULTI_ERRORS" else [item]
        wrong = [(error["details"]["api_name"], error["code"]) for error in errors]
        headings = {column.field.api_name: column.heading for column in self.plan.columns}
        headings |= {name: name for name, _ in wrong if name not in headings}
        told: dict[str, list[str]] = {}
        for name, heading in headings.items():
            for code in dict.fromkeys(code for wrong_name, code in wrong if wrong_name == name):
                told.setdefault(code, []).append(heading)
        return ":".join(f"{code}-{','.join(columns)}" for code, columns in told.items())


_DEFAULT_LAYOUT = object()


def _several(errors: list[JsonObject]) -> JsonObject:
    return failure("MULTIPLE_OR_MULTI_ERRORS", "", {"errors": errors})


def _cell(row: list[str], index: int | None) -> str:
    return row[index] if index is not None and index < len(row) else ""


def _reader(org: Org, column: Column) -> CellReader:
    if column.field.lookup:
        return _lookup(org.tables.get(column.field.lookup), column.find_by or "id")
    if column.field.data_type in PERSON_TYPES:
        return _person(org)
    if column.field.api_name == LAYOUT:
        return _layout(org, column)
    return cell_reader(column.field, column.format, org.clock.zone)


def _lookup(target: Table | None, find_by: str) -> CellReader:
    """The record with this value; of several twins the oldest (inferred). None: the module went meanwhile."""

    def read(text: str) -> Any:  # noqa: ANN401 -- a reference
        found = target.having(find_by, text) if target else []
        if not found:
            raise MissingReferenceError
        return {"id": found[0]}

    return read


def _person(org: Org) -> CellReader:
    known: dict[str, str] = {}
    for user in org.people.values():
        known |= {user.id: user.id, user.email.lower(): user.id}

    def read(text: str) -> Any:  # noqa: ANN401
        if known.get(text.lower()) not in org.active_users:
            raise MissingReferenceError
        return {"id": known[text.lower()]}

    return read


def _layout(org: Org, column: Column) -> Callable[[str], Any]:
    """By id or by name; any other text means the default layout (Zoho's page)."""
    standard = org.layouts.get(column.field.standard or "")
    layouts = org.layouts_of(standard.module) if standard else []
    known = {key: layout.id for layout in layouts for key in (layout.id, layout.name)}
    return lambda text: {"id": known[text]} if text in known else _DEFAULT_LAYOUT
