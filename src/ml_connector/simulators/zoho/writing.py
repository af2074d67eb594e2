"""The commit of one write call: records are added, changed and removed under the organisation's lock, item by item."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ml_connector.simulators.zoho.checking import Candidate, invalid, invalid_id, missing
from ml_connector.simulators.zoho.layouts import Layout
from ml_connector.simulators.zoho.line_items import Lines, line_errors, remove_lines, totals
from ml_connector.simulators.zoho.metadata import LAYOUT, Module
from ml_connector.simulators.zoho.notices import changes_of, tell
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.records import Deleted, Row, Table
from ml_connector.simulators.zoho.replies import JsonObject, failure

_UNMODIFIED = "record updated time has already passed if-unmodified-since time"


class Commit:
    """What one call, made by one user at one instant, does to one module. Its methods expect the lock to be held.

    Each returns the item of the answer: SUCCESS, or what is wrong with the item, which then left no trace.
    """

    def __init__(self, org: Org, table: Table, user: str) -> None:
        self._org = org
        self._table = table
        self._module: Module = table.module
        self._lines = org.tables[self._module.subform.subform or ""] if self._module.subform else None
        self._user = user
        self.created_at = self.modified_at = int(org.clock.now())
        self._before: list[tuple[str, Row | None]] = []
        self._with_lines: set[str] = set()
        self.unmodified_since: int | None = None
        self.holds_to_layout = True
        self.actions: Counter[str] = Counter()

    def insert(self, candidate: Candidate) -> JsonObject:
        """A new record."""
        if candidate.references:
            self._drop_what_the_layout_lacks(candidate)
        row = candidate.values
        errors = self._errors(candidate, row, [])
        if not self._module.mandatory <= row.keys():
            errors += [missing(candidate.path, name) for name in sorted(self._module.mandatory - row.keys())]
        if errors:
            return _refused(errors)
        row_id = row["id"] = self._org.record_ids.new()
        row["Created_Time"] = self.created_at
        row["Modified_Time"] = self.modified_at
        row["Created_By"] = row["Modified_By"] = self._user
        row.setdefault("Owner", self._user)
        for name in self._module.auto_numbers:
            self._table.last_number += 1
            row[name] = str(self._table.last_number)
        self._derive(row, candidate, [])
        self._table.insert(row)
        self._before.append((row_id, None))
        self.actions["insert"] += 1
        return self._success(row, "record added")

    def update(self, row_id: str | None, candidate: Candidate) -> JsonObject:
        """Other values for a record that is there."""
        if row_id is None:
            return missing(candidate.path, "id")
        old = self._table.rows.get(row_id)
        if old is None:
            return invalid_id(candidate.path, "id")
        if self.unmodified_since is not None and old["Modified_Time"] > self.unmodified_since:
            return failure("ALREADY_MODIFIED", _UNMODIFIED, self._details(old))
        if candidate.references:
            self._drop_what_the_layout_lacks(candidate)
        row = {**old, **candidate.values}
        for name in candidate.cleared:
            row.pop(name, None)
        present = old.get(self._module.subform.api_name, []) if self._module.subform else []
        errors = self._errors(candidate, row, present)
        errors += [
            missing(candidate.path, name) for name in candidate.cleared if name in self._module.mandatory
        ]
        if errors:
            return _refused(errors)
        row["Modified_Time"] = self.modified_at
        row["Modified_By"] = self._user
        self._derive(row, candidate, present)
        self._table.replace(row)
        self._before.append((row_id, old))
        self.actions["update"] += 1
        return self._success(row, "record updated")

    def delete(self, row_id: str, *, permanent: bool = False) -> JsonObject:
        """The record goes to the recycle bin, its lines with it."""
        if row_id not in self._table.rows:
            return failure("INVALID_DATA", "record not deleted", {"id": row_id})
        name = self._org.display_name(self._module.api_name, row_id)
        row = self._table.remove(row_id)
        if self._module.subform and self._lines:
            remove_lines(self._lines, row.get(self._module.subform.api_name, []))
        kind = "permanent" if permanent else "recycle"
        self._table.deleted[row_id] = Deleted(row_id, name, kind, self.modified_at, self._user, row)
        self._before.append((row_id, row))
        self.actions["delete"] += 1
        return {
            "code": "SUCCESS",
            "details": {"id": row_id},
            "message": "record deleted",
            "status": "success",
        }

    def finish(self, triggers: list[str]) -> None:
        """Counts what was done and tells whom it concerns."""
        self.publish()
        self._org.journal.note_writes(self._module.api_name, self.actions, triggers)

    def publish(self) -> None:
        """Tells the channels, while the search index goes on seeing for a while what was there before."""
        self._table.remember(self._org.clock.now(), self._org.options.search_lag_seconds, self._before)
        if not self._org.watch.is_empty:
            changes = changes_of(self._table, self._before, frozenset(self._with_lines))
            tell(self._org, self._table, list(changes))

    def _errors(self, candidate: Candidate, row: Row, present: list[str]) -> list[JsonObject]:
        errors = candidate.errors
        for name, other in self._table.clashes(row):
            errors.append(self._duplicate(candidate, name, other))
        if candidate.references:
            errors += self._dangling(self._module, candidate, row.get("id"))
            if self.holds_to_layout:
                errors += self._demanded(candidate, row)
        if candidate.lines is not None and self._lines is not None:
            errors += line_errors(self._lines, candidate, present)
            for line in candidate.lines:
                errors += self._dangling(self._lines.module, line, None)
        return errors

    def _dangling(self, module: Module, candidate: Candidate, own_id: str | None) -> Iterator[JsonObject]:
        """References to what is not there (a user must be active), or to the record itself (codes inferred)."""
        for name in candidate.references:
            value, target = candidate.values.get(name), module.lookups.get(name)
            if value is not None and not self._is_there(candidate, name, target):
                yield invalid_id(candidate.path, name)
            elif own_id is not None and value == own_id and target == module.api_name:
                yield invalid(candidate.path, name)

    def _is_there(self, candidate: Candidate, name: str, target: str | None) -> bool:
        if target:
            return candidate.values[name] in self._org.tables[target].rows
        if name == LAYOUT:
            return self._layout(candidate) is not None
        return candidate.values[name] in self._org.active_users

    def _layout(self, candidate: Candidate) -> Layout | None:
        """The layout that the record was sent with, if the module has it."""
        layout = self._org.layouts.get(candidate.values.get(LAYOUT, ""))
        return layout if layout and layout.module == self._module.api_name else None

    def _drop_what_the_layout_lacks(self, candidate: Candidate) -> None:
        layout = self._layout(candidate)
        for name in layout.without if layout else ():
            candidate.values.pop(name, None)

    def _demanded(self, candidate: Candidate, row: Row) -> Iterator[JsonObject]:
        """Fields that the layout demands; only a record that is sent with its layout is held to it."""
        layout = self._layout(candidate)
        for name in sorted(layout.required - row.keys()) if layout else ():
            yield missing(candidate.path, name)

    def _derive(self, row: Row, candidate: Candidate, present: list[str]) -> None:
        """Fields that Zoho computes."""
        if "Full_Name" in self._module.fields:
            names = (row.get("First_Name"), row.get("Last_Name"))
            row["Full_Name"] = " ".join(name for name in names if name)
        if "Expected_Revenue" in self._module.fields:
            _set_expected_revenue(row)
        if self._module.subform and self._lines is not None:
            kept = present
            if candidate.lines is not None:
                self._with_lines.add(row["id"])
                lines = Lines(self._lines, self._org.tables["Products"], self._org.record_ids)
                kept = lines.store(candidate.lines, row, present)
            row[self._module.subform.api_name] = kept
            row.update(totals(self._lines, row, kept))

    def _duplicate(self, candidate: Candidate, name: str, other: str) -> JsonObject:
        owner = self._org.users[self._table.rows[other]["Owner"]]
        details: dict[str, Any] = {
            "api_name": name,
            "json_path": f"{candidate.path}.{name}",
            "id": other,
            "more_records": False,
            "duplicate_record": {
                "id": other,
                "Owner": {**owner, "zuid": owner["id"][-9:]},
                "module": {"api_name": self._module.api_name, "id": self._module.id},
            },
        }
        return failure("DUPLICATE_DATA", "duplicate data", details)

    def _details(self, row: Row) -> JsonObject:
        render, users = self._org.clock.render, self._org.users
        return {
            "Modified_Time": render(row["Modified_Time"]),
            "Modified_By": users[row["Modified_By"]],
            "Created_Time": render(row["Created_Time"]),
            "id": row["id"],
            "Created_By": users[row["Created_By"]],
            "$approval_state": "approved",
        }

    def _success(self, row: Row, message: str) -> JsonObject:
        return {"code": "SUCCESS", "details": self._details(row), "message": message, "status": "success"}


def _set_expected_revenue(row: Row) -> None:
    """Of a deal: its amount by its probability (inferred), where both are known."""
    row.pop("Expected_Revenue", None)
    if "Amount" in row and "Probability" in row:
        row["Expected_Revenue"] = round(row["Amount"] * row["Probability"] / 100, 2)


def _refused(errors: list[JsonObject]) -> JsonObject:
    if len(errors) == 1:
        return errors[0]
    return failure("MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request", {"errors": errors})
