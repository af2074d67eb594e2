"""A row of SBA's JSON as the tree that SOAP would have sent, so that the same tables of fields read both. Pure.

The settings say where a field stands in the row, the tables of ``schema`` and ``ledger`` where it stands in the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_connector.connectors.dynamics_gp import ledger, meanings, sba, sba_meanings, values
from ml_connector.connectors.dynamics_gp.ledger import EVERY, JOURNALS, WORK, Place
from ml_connector.connectors.dynamics_gp.sba_config import (
    SbaAccounts,
    SbaEntries,
    SbaMasters,
    SbaResource,
)
from ml_connector.connectors.dynamics_gp.sba_names import brought, line_fields
from ml_connector.connectors.dynamics_gp.schema import ADDRESS_FIELDS, EMAIL_FIELDS, GpField, Path
from ml_connector.connectors.dynamics_gp.soap import KIND
from ml_connector.connectors.dynamics_gp.values import Node, Tree
from ml_connector.core.change import Change
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError

#: What GP's columns keep for the two special credit limits (facts.md 3.3).
_LIMIT_CODES = {"0": "No Credit", "1": "Unlimited Credit"}
_OWNER = "owner_id"
_SALESPERSON: Path = ("SalespersonKey", "Id")
_SIDES = {"debit": "DebitAmount", "credit": "CreditAmount"}

#: Entity -> the field that its records are called by.
_NAMES = {"gl_accounts": "description", "journal_entries": "reference"}
_ENTRY_FIELDS = tuple(filter(brought, JOURNALS.fields))
_ENTRY_KEY = ("journal_id", "date")
_KEY_FIELDS = tuple(item for item in _ENTRY_FIELDS if item.name in (*_ENTRY_KEY, "recurring_sequence"))
_LINE_FIELDS = line_fields()
#: A day has no time: at any other hour than midnight it was moved into another zone, and may be the day beside it.
_MIDNIGHT = re.compile(r"([T ]00:00(:00(\.0+)?)?(Z|[+-]\d\d:?\d\d)?)?")


# ---- records


def record_tree(resource: SbaResource, row: Tree, operation: str, addresses: Sequence[Tree] = ()) -> Tree:
    """A record as SOAP would have sent it; ``addresses`` by ``address_tree``. RecordRejectedError: a value is none."""
    if isinstance(resource, SbaMasters):
        return _master_tree(resource, row, addresses)
    if isinstance(resource, SbaEntries):
        return _entry_tree(resource, row, operation)
    tree = _filled(EVERY[resource.entity].fields, resource.field_paths, row)
    if isinstance(resource, SbaAccounts) and resource.brings_segments:
        tree.setdefault(ledger.SEGMENTS_AT, {})
    return tree


def _master_tree(resource: SbaMasters, row: Tree, addresses: Sequence[Tree]) -> Tree:
    gp, paths = EVERY[resource.entity], resource.field_paths
    tree: Tree = {}
    for item in gp.fields:
        said, place = sba.value(row, paths.get(item.name, "")), item.paths[0]
        if item.kind == "limit kind":  # a limit that is neither of the two special ones is told by its amount
            special = _LIMIT_CODES.get(str(said), said)
            said, place = special if special in _LIMIT_CODES.values() else None, (*place, "SpecialAmount")
        _put(tree, place, said)
    for role, place in gp.roles.items():
        _put(tree, place, sba.value(row, paths.get(f"{role}.address_id", "")))
    _put(tree, gp.addresses, list(addresses))
    return tree


def nested(row: Tree, path: str) -> list[Tree]:
    """The addresses that stand in a record."""
    return values.children(row, tuple(path.split("/")))


def address_tree(paths: Mapping[str, str], row: Tree, owner: Path | None = None) -> Tree:
    """An address as SOAP would have sent it; ``owner``: where the key of its record goes."""
    known = [item for item in (*ADDRESS_FIELDS, *EMAIL_FIELDS) if item.name in paths]
    tree = _filled(known, paths, row)
    _put(tree, _SALESPERSON, sba.value(row, paths.get("salesperson_id", "")))
    if owner is not None:
        _put(tree, owner, sba.value(row, paths[_OWNER]))
    return tree


def _entry_tree(resource: SbaEntries, row: Tree, operation: str) -> Tree:
    tree, place = _filled(_ENTRY_FIELDS, resource.field_paths, row), resource.field_paths["state"]
    if not _stands(row, place):
        raise sba_meanings.NO_VALUE.error(operation=operation, what="state", place=place)
    state = values.to_text(tree.get("TransactionState"))
    if state not in ledger.STATES:
        raise _unreadable(state, "Work, Open or History")
    lines, paths = _lines(resource, row, operation), resource.line_paths
    units = [bool(values.to_boolean(sba.value(line, paths["is_unit"]))) for line in lines]
    money = [line for line, is_unit in zip(lines, units, strict=True) if not is_unit]
    _prove_places(paths, lines, money, operation)
    trees = [_line_tree(paths, line, is_unit=unit) for line, unit in zip(lines, units, strict=True)]
    _put(tree, ledger.LINES, list(trees))
    return _out_of_sequence(tree, state)


def _out_of_sequence(tree: Tree, state: str | None) -> Tree:
    """The key of an entry in Work has neither sequence nor year (facts.md 2.6); a row says how often it was posted."""
    key = tree.get("Key")
    if state != WORK or not isinstance(key, dict):
        return tree
    return {**tree, "Key": {name: said for name, said in key.items() if name in ("JournalId", "Date")}}


def _lines(resource: SbaEntries, row: Tree, operation: str) -> list[Tree]:
    """The lines of an entry; one that has a place for them may have none."""
    if not _stands(row, resource.lines_at):
        raise sba_meanings.NO_VALUE.error(operation=operation, what="lines", place=resource.lines_at)
    found = _at(row, resource.lines_at)
    items = found if isinstance(found, list) else [] if found is None else [found]
    lines = [item for item in items if isinstance(item, dict)]
    if len(lines) < len(items):
        raise _unreadable(next(item for item in items if not isinstance(item, dict)), "a line")
    return lines


def _prove_places(
    paths: Mapping[str, str], lines: Sequence[Tree], money: Sequence[Tree], operation: str
) -> None:
    """What tells lines and amounts apart stands in some line of each entry, also where a service leaves zeros out.

    Looked for in the wrong place it would be nothing on one side, a quantity taken for money, a key that does not stay.
    """
    of_all = ("number", "account", *(["is_unit"] if paths["is_unit"] else []))
    for among, names in ((lines, of_all), (money, _SIDES)):
        for name in names:
            if among and not any(_stands(line, paths[name]) for line in among):
                what = f"{name} of a line"
                raise sba_meanings.NO_VALUE.error(operation=operation, what=what, place=paths[name])


def _line_tree(paths: Mapping[str, str], row: Tree, *, is_unit: bool) -> Tree:
    tree = _filled(_LINE_FIELDS, paths, row)
    _prove_amounts([_at(row, paths[side]) for side in _SIDES])
    if is_unit:
        for name in _SIDES.values():
            tree[name] = {KIND: ledger.QUANTITY, "Value": values.find(tree, (name, "Value"))}
    return tree


def _prove_amounts(sides: Sequence[Node]) -> None:
    """Nothing on one side is no amount on it; nothing on both, or an object of its own, is not guessed to be none."""
    for said in sides:
        if isinstance(said, dict | list):
            raise _unreadable(said, "an amount")
    if not any(map(values.to_text, sides)):
        raise _unreadable(sides[0], "an amount")


def _filled(fields: Iterable[GpField], paths: Mapping[str, str], row: Tree) -> Tree:
    """What stands in the row, each where SOAP has it."""
    tree: Tree = {}
    for item in fields:
        _put(tree, item.paths[0], sba.value(row, paths.get(item.name, "")))
    return tree


def _put(tree: Tree, path: Path, value: Node) -> None:
    if value is None:
        return
    for name in path[:-1]:
        below = tree.setdefault(name, {})
        assert isinstance(below, dict), path
        tree = below
    tree[path[-1]] = value


def _at(row: Tree, path: str) -> Node:
    return values.find(row, tuple(path.split("/"))) if path else None


def _stands(row: Tree, path: str) -> bool:
    """Whether there is such a place, though nothing may stand in it."""
    above, _, name = path.rpartition("/")
    parent = _at(row, above) if above else row
    return bool(path) and isinstance(parent, dict) and name in parent


def _unreadable(said: Node, wanted: str) -> ConnectorError:
    shown = str(said)[:80]
    return meanings.UNREADABLE_VALUE.error(shown, sent=ascii(shown), wanted=wanted)


# ---- rows of a list


@dataclass(frozen=True, slots=True)
class Listed:
    """What a row of a list says of its record."""

    change: Change
    behind: str  #: the key that the page behind this row is asked for by
    is_old: bool  #: it has GP's empty date, which is older than any other
    place: Place  #: where a journal entry stands; of two rows of one entry, the one that is further on counts

    def may_be_newer(self, since: datetime) -> bool:
        """Whether it is from ``since`` or later; without an instant it may be."""
        return not self.is_old if self.change.at is None else self.change.at >= since


def listed(resource: SbaResource, row: Tree, operation: str) -> Listed:
    """A row of a list; an unreadable stamp, state or name settles nothing: the record is read."""
    paths = resource.field_paths
    told = ("modified_at", "state", _NAMES.get(resource.entity, "name"))
    stamp, state, name = (_told(row, paths.get(field, "")) for field in told)
    try:
        key, behind = _named(resource, row, operation)
    except RecordRejectedError as error:
        raise ConfigurationError(f"{operation}: {error.happened}", error.remedy) from error
    change = Change(key, values.to_text(name) or "", _instant(stamp), ledger.day_of(resource.entity, key))
    return Listed(change, behind, values.is_empty_date(stamp), Place(values.to_text(state) or ""))


def _instant(stamp: Node) -> datetime | None:
    try:
        return values.to_instant(stamp)
    except RecordRejectedError:
        return None


def key_of(resource: SbaResource, row: Tree, operation: str) -> str:
    """The key of a record; a stop where there is none. RecordRejectedError: it cannot be read."""
    return _named(resource, row, operation)[0]


def key_parts(entity: str, key: str) -> Sequence[str] | None:
    """A key, or what a page ended with, as a path has it: in parts. None: there can be no such record."""
    if entity != JOURNALS.name:
        return (key,)
    found = ledger.read_key(key)
    return None if found is None else (str(found.journal_id), found.on.isoformat(), str(found.sequence))


def _named(resource: SbaResource, row: Tree, operation: str) -> tuple[str, str]:
    """The key of a row as SOAP has it, and the one that the page behind it is asked for by."""
    paths = resource.field_paths
    names = _ENTRY_KEY if isinstance(resource, SbaEntries) else (EVERY[resource.entity].fields[0].name,)
    said = [values.to_text(sba.value(row, paths[name])) for name in names]
    if not all(said):
        raise sba_meanings.NO_KEY.error(operation=operation, place=paths[names[said.index(None)]])
    if not isinstance(resource, SbaEntries):
        return str(said[0]), str(said[0])
    day = str(said[1])
    if values.to_date(day) is not None and not _MIDNIGHT.fullmatch(day[10:]):
        raise sba_meanings.DAY_AND_TIME.error(operation=operation, said=ascii(day[:40]))
    sequence = paths["recurring_sequence"]
    if sequence and not _stands(row, sequence):  # without it two postings of one entry would be one record
        raise sba_meanings.NO_KEY.error(operation=operation, place=sequence)
    tree = _filled(_KEY_FIELDS, paths, row)
    state, behind = values.to_text(_told(row, paths["state"])), ledger.key_of_row(tree)
    if ledger.read_key(behind) is None:
        raise _unreadable(said[0], "a journal id")
    return ledger.key_of_row(_out_of_sequence(tree, state)), behind


def _told(row: Tree, path: str) -> Node:
    """What a row of a list says, where it does not matter if that is unreadable."""
    try:
        return sba.value(row, path)
    except RecordRejectedError:
        return None
