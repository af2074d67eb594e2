"""Customers and vendors of one GP company edited and created, by SOAP; implements ``core.sales_ports.MasterEdits``.

GP compares nothing before it takes a record's place (no member carries a version), so the record is read a moment
before and looked at: an edit that began from another state is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from lxml import etree

from ml_connector.connectors.dynamics_gp import master_xml, sales_trees, schema, soap, values, write_meanings
from ml_connector.connectors.dynamics_gp.changes import Changes
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.master_xml import NAMES
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.undone import nothing_done
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Refused
from ml_connector.core.record import Record, Value, fold_key
from ml_connector.core.sales_ports import Accepted, Edit, Outcome


class GpMasterEdits:
    """Thread-safe."""

    def __init__(self, client: GpClient, changes: Changes) -> None:
        self._client = client
        self._changes = changes

    def editable(self, entity: str) -> frozenset[str]:
        """Texts about the record, and its addresses; not what money hangs on."""
        return master_xml.editable(entity)

    def settable(self, entity: str) -> frozenset[str]:
        """Of customers the same, their class, terms, price level and currency, and the ids of their addresses."""
        return master_xml.settable(entity)

    def read(self, entity: str, key: str) -> Record | None:
        """The record as it stands in GP now."""
        fetched_at = self._client.clock.now()
        read = self._read(entity, key)
        if read is None:
            return None
        fields, _ = schema.flatten(MASTERS[entity], _tree(read))
        return Record(entity, str(fields[MASTERS[entity].fields[0].name] or key), fields, fetched_at)

    def edit(self, edit: Edit) -> Outcome:
        """Change these fields alone; see the port. What stands there already is not written again."""
        _require(edit.fields, self.editable(edit.entity))
        try:
            with nothing_done():
                read = self._read(edit.entity, edit.key)
            tree = {} if read is None else _tree(read)
            now, _ = schema.flatten(MASTERS[edit.entity], tree)
            later = _stamped_later(edit, tree)
        except RecordRejectedError as error:
            return Refused(error)
        if read is None:
            return Refused(write_meanings.NOT_THERE.rejection(said=edit.key), gone=True)
        if moved := [*_differing(now, edit.expected), *later]:
            overtaken = write_meanings.OVERTAKEN.rejection(what=", ".join(moved))
            return Refused(overtaken, overtaken=True)
        if not _differing(now, edit.fields):
            return Accepted(edit.key.rstrip())
        made = partial(master_xml.changed, edit.entity, read, edit.fields)
        return self._sent(NAMES[edit.entity].update, edit.key, made)

    def create(self, entity: str, key: str, fields: Mapping[str, Value]) -> Outcome:
        """Create a customer; its class gives what is left out (facts.md 2.9 in general, inferred for these)."""
        _require(fields, self.settable(entity))
        made = partial(master_xml.new, entity, key, fields)
        return self._sent(NAMES[entity].create, key, made, partial(self._is_there, entity, key))

    def _is_there(self, entity: str, key: str) -> bool:
        try:
            return self._read(entity, key) is not None
        except RecordRejectedError:
            return False  # what cannot be read leaves the refusal as it is

    def _sent(
        self, operation: str, key: str, made: Callable[[], str], is_there: Callable[[], bool] | None = None
    ) -> Outcome:
        try:
            argument = made()
        except RecordRejectedError as error:
            return Refused(error)
        return self._changes.send(operation, argument, key, is_there, currency=soap.LOCAL)

    def _read(self, entity: str, key: str) -> etree._Element | None:
        """Amounts are the company's own, on the way back, too: a limit is kept in its currency."""
        return self._client.read_element(MASTERS[entity].read_operation, soap.key(key), soap.LOCAL)


def _require(fields: Iterable[str], known: frozenset[str]) -> None:
    if unknown := sorted(set(fields) - known):
        raise ValueError(f"these cannot be written: {', '.join(unknown)}")


def _differing(now: Mapping[str, Value], wanted: Mapping[str, Value]) -> list[str]:
    """The fields that hold something else; nothing and an empty text are one."""
    return [name for name, value in wanted.items() if (now[name] or None) != (value or None)]


def _stamped_later(edit: Edit, tree: Tree) -> list[str]:
    """What bears a later stamp: the record, or an address of the fields, which has a stamp of its own."""
    touched = {
        master_xml.address_of(edit.entity, tree, role)
        for role in master_xml.roles_of(edit.entity, edit.fields)
    }
    found = [("the record", sales_trees.stamp(tree))]
    for address in values.children(tree, MASTERS[edit.entity].addresses):
        address_id = values.to_text(values.find(address, ("Key", "Id"))) or ""
        if fold_key(address_id) in touched:
            found.append((f"its address {address_id}", sales_trees.stamp(address)))
    return [name for name, at in found if _is_later(at, edit.unmodified_since)]


def _is_later(at: datetime | None, since: datetime | None) -> bool:
    """In whole seconds: a stamp has no parts of them."""
    return at is not None and since is not None and at > since


def _tree(read: etree._Element) -> Tree:
    tree = soap.tree_of(read)
    return tree if isinstance(tree, dict) else {}
