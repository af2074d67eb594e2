"""Customers and vendors as GP takes them: some fields changed within all that was read, or a new customer. Pure.

GP wants a record back whole, as it does a document (facts.md 2.9, inferred for these). A text that is to go is sent as
an empty one: that a member which is left out is emptied is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from ml_connector.connectors.dynamics_gp import elements, soap, write_meanings
from ml_connector.connectors.dynamics_gp.elements import Content
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.schema import ADDRESS_FIELDS, EMAIL_FIELDS, GpEntity, Path
from ml_connector.connectors.dynamics_gp.values import Tree, find, to_text
from ml_connector.core.record import Value, fold_key

_PHONES = ("phone1", "phone2", "phone3", "fax")
_PHONE_DIGITS, _PHONE_END = 10, 14  # GP's columns hold an extension in the digits behind (facts.md 2.7)
_TEXTS = {
    "customers": ("name", "short_name", "statement_name", "comment1", "comment2"),
    "vendors": ("name", "short_name", "check_name", "comment1", "comment2"),
}
_OF_NEW = ("class_id", "payment_terms_id", "price_level_id", "currency_code", "tax_registration_number")
_ADDRESS_ID = "address_id"
#: Of an address, what is edited: an extension is part of its number.
_OF_ADDRESS: Mapping[str, Path] = {
    item.name: item.paths[0]
    for item in (*ADDRESS_FIELDS, *EMAIL_FIELDS)
    if item.name not in (_ADDRESS_ID, "phone1_extension")
}


@dataclass(frozen=True, slots=True)
class _Names:
    """What GP calls a kind of record and its addresses."""

    kind: str
    address: str
    argument: str
    update: str
    create: str = ""  #: empty: it is not created


NAMES: Mapping[str, _Names] = {
    "customers": _Names("Customer", "CustomerAddress", "customer", "UpdateCustomer", "CreateCustomer"),
    "vendors": _Names("Vendor", "VendorAddress", "vendor", "UpdateVendor"),
}


def editable(entity: str) -> frozenset[str]:
    """The fields of a record that may be changed: texts about it, and its addresses."""
    places = (f"{role}.{name}" for role in MASTERS[entity].roles for name in _OF_ADDRESS)
    return frozenset((*_TEXTS[entity], *places))


def settable(entity: str) -> frozenset[str]:
    """The fields that a new one may be given."""
    if not NAMES[entity].create:
        return frozenset()
    ids = (f"{role}.{_ADDRESS_ID}" for role in MASTERS[entity].roles)
    return editable(entity).union(_OF_NEW, ids)


def roles_of(entity: str, fields: Mapping[str, Value]) -> set[str]:
    """The roles whose addresses these fields are of."""
    return {name.partition(".")[0] for name in fields if name.partition(".")[0] in MASTERS[entity].roles}


def address_of(entity: str, tree: Tree, role: str) -> str:
    """The id of the address that plays a role, folded; empty: none does."""
    return fold_key(to_text(find(tree, MASTERS[entity].roles[role])) or "")


def changed(entity: str, read: etree._Element, fields: Mapping[str, Value]) -> str:
    """A record that was read, with these fields in it.

    RecordRejectedError: it has no such address, two values for one place of it, or a text cannot be carried.
    """
    names, gp = NAMES[entity], MASTERS[entity]
    root = elements.copy(read, names.argument)
    tree = soap.tree_of(read)
    assert isinstance(tree, dict)
    set_already: dict[tuple[str, str], str] = {}
    for name, value in fields.items():
        role, _, inner = name.rpartition(".")
        if role not in gp.roles:
            elements.put(root, names.kind, *_own(gp, name, _text(value)))
            continue
        address_id = address_of(entity, tree, role)
        if set_already.setdefault((address_id, inner), _text(value)) != _text(value):
            raise write_meanings.TWO_VALUES.error(field=inner)
        if (address := _address(root, names, address_id)) is not None:
            _set(address, names.address, inner, _text(value))
        elif value:
            raise write_meanings.NO_ADDRESS.error(role=role.replace("_", "-"), field=inner)
    return elements.written(root)


def new(entity: str, key: str, fields: Mapping[str, Value]) -> str:
    """A new record. RecordRejectedError as above. ValueError: an address without an id."""
    names, gp = NAMES[entity], MASTERS[entity]
    root = elements.make(names.argument, {})
    elements.put(root, names.kind, "Key", {"Id": key})
    for name, value in fields.items():
        if name.rpartition(".")[0] not in gp.roles and value:
            elements.put(root, names.kind, *_own(gp, name, _text(value)))
    addresses = elements.inside(root, names.kind, "Addresses")
    for address_id, places in _places(gp, fields):
        made = etree.SubElement(addresses, f"{{{soap.GP}}}{names.address}")
        owner: Content = {f"{names.kind}Key": {"Id": key}, "Id": address_id}
        elements.put(made, names.address, "Key", owner)
        for inner, value in places.items():
            _set(made, names.address, inner, _text(value))
    for role, path in gp.roles.items():
        if given := _text(fields.get(f"{role}.{_ADDRESS_ID}")):
            elements.put(root, names.kind, path[0], {f"{names.kind}Key": {"Id": key}, "Id": given})
    return elements.written(root)


def _places(gp: GpEntity, fields: Mapping[str, Value]) -> Iterator[tuple[str, dict[str, Value]]]:
    """The addresses that fields make: roles may share one."""
    found: dict[str, tuple[str, dict[str, Value]]] = {}
    for role in gp.roles:
        told = {
            name.rpartition(".")[2]: value for name, value in fields.items() if name.startswith(f"{role}.")
        }
        address_id = _text(told.pop(_ADDRESS_ID, None))
        if not address_id and any(told.values()):
            raise ValueError(f"the {role} address needs an {_ADDRESS_ID}")
        if not address_id:
            continue
        _, places = found.setdefault(fold_key(address_id), (address_id, {}))
        for inner, value in told.items():
            if value and places.setdefault(inner, value) != value:
                raise write_meanings.TWO_VALUES.error(field=inner)
    yield from found.values()


def _own(gp: GpEntity, name: str, text: str) -> tuple[str, Content]:
    """The member of a field of the record itself, and what is to stand in it."""
    path = next(item.paths[0] for item in gp.fields if item.name == name)
    content: Content = text
    for inner in reversed(path[1:]):
        content = {inner: content}
    return path[0], content


def _address(root: etree._Element, names: _Names, wanted: str) -> etree._Element | None:
    parent = elements.child(root, "Addresses")
    for one in () if parent is None else parent:
        tree = soap.tree_of(one)
        own = to_text(find(tree, ("Key", "Id"))) if isinstance(tree, dict) else None
        if wanted and fold_key(own or "") == wanted:
            return one
    return None


def _set(address: etree._Element, kind: str, inner: str, text: str) -> None:
    path = _OF_ADDRESS[inner]
    if inner in _PHONES:
        phone = elements.inside(address, kind, path[0])
        elements.put(phone, "PhoneNumber", "Value", _with_extension(phone, text))
    elif len(path) > 1 and path[0] == "InternetAddresses":
        elements.put(elements.inside(address, kind, path[0]), path[0], path[1], text)
    else:
        elements.put(address, kind, path[0], {path[1]: text} if len(path) > 1 else text)


def _with_extension(phone: etree._Element, number: str) -> str:
    """A number of ten digits keeps the extension that GP holds behind the old one."""
    there = elements.child(phone, "Value")
    old = "" if there is None else (there.text or "").strip()
    behind = old[_PHONE_DIGITS:_PHONE_END] if old.isdecimal() and len(old) >= _PHONE_END else ""
    plain = number.isdecimal() and len(number) == _PHONE_DIGITS
    return number + behind if plain and behind.strip("0") else number


def _text(value: Value) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")  # noqa: TRY004 -- of the mapping, not of the program
    return value
