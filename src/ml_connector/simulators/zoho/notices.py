"""What the channels are told of a write: to whom, of which records, and which of their fields.

Every insert, update and delete of a call is told, whoever made it: that the integration's own writes are told, too, is
inferred (facts 4), and so are these: an update that changed nothing is told with no fields; a record that comes back
from the recycle bin is told as an insert; records that point to the master of a merge from now on are not told; a
condition on fields looks at the fields that a new record has, and not at records that go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.notice_queue import Notice
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.watch import Subscription

INSERT, UPDATE, DELETE = "insert", "update", "delete"
_EVENTS = {INSERT: "create", UPDATE: "edit", DELETE: "delete"}
_STAMPS = frozenset({"id", "Created_Time", "Created_By", "Modified_Time", "Modified_By"})
"""Not among the affected fields of Zoho's sample."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one record."""

    operation: str
    row: Row
    """As it is now, or was before it went."""
    fields: tuple[str, ...] = ()
    """That have another value now; of a new record, those that have one."""


def changes_of(
    table: Table, before: Sequence[tuple[str, Row | None]], with_lines: frozenset[str]
) -> Iterator[Change]:
    """What a call did: `before` are the records it wrote as they were, `with_lines` those whose lines were sent."""
    for row_id, old in before:
        row = table.rows.get(row_id)
        if row is not None:
            lines = table.module.subform if row_id in with_lines else None
            names = _changed(table.module, old or {}, row, lines.api_name if lines else None)
            yield Change(INSERT if old is None else UPDATE, row, names)
        elif old is not None:
            yield Change(DELETE, old)


def tell(org: Org, table: Table, changes: Sequence[Change]) -> None:
    """Puts on the way what the live channels want to know of one call's changes; the lock is held."""
    for subscription in org.watch.live(org.clock.now()):
        for notice in _told(org, table, subscription, changes):
            org.notices.add(notice, org.options)


def _told(org: Org, table: Table, subscription: Subscription, changes: Sequence[Change]) -> Iterator[Notice]:
    size = max(1, org.options.notice_ids_per_call)
    if subscription.module == table.module.api_name:
        for operation, event in _EVENTS.items():
            if event in subscription.events:
                meant = [one for one in changes if one.operation == operation and _counts(subscription, one)]
                for part in _parts(meant, size):
                    yield _notice(org, table, subscription, operation, part)
    if subscription.on_related_action and "edit" in subscription.events and not subscription.condition:
        for ids in _parts(_related(org, table, subscription.module, changes), size):
            yield Notice(subscription, UPDATE, tuple(ids))


def _counts(subscription: Subscription, change: Change) -> bool:
    condition = subscription.condition
    return condition is None or change.operation == DELETE or condition.holds(frozenset(change.fields))


def _notice(
    org: Org, table: Table, subscription: Subscription, operation: str, changes: Sequence[Change]
) -> Notice:
    ids = tuple(change.row["id"] for change in changes)
    if operation != UPDATE:
        return Notice(subscription, operation, ids)
    fields = tuple({change.row["id"]: list(change.fields)} for change in changes)
    values = tuple(_values(org, table.module, change) for change in changes)
    return Notice(subscription, operation, ids, fields, values if subscription.returns_values else None)


def _values(org: Org, module: Module, change: Change) -> JsonObject:
    """The changed fields as the API writes them (that lookups are objects here, too, is inferred)."""
    values = {name: org.render(module.fields[name], change.row.get(name)) for name in change.fields}
    return {"record_id": change.row["id"], "values": values}


def _related(org: Org, table: Table, module: str, changes: Sequence[Change]) -> list[str]:
    """Records of a module to which the changed ones point: "editing a contact also notifies its account"."""
    lookups = [name for name, target in table.module.lookups.items() if target == module]
    meant = {change.row[name]: None for name in lookups for change in changes if name in change.row}
    return [row_id for row_id in meant if row_id in org.tables[module].rows]


def _changed(module: Module, old: Row, row: Row, lines: str | None) -> tuple[str, ...]:
    return tuple(
        name
        for name in module.fields
        if name not in _STAMPS and (name == lines or old.get(name) != row.get(name))
    )


def _parts(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
