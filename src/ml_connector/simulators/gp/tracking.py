"""Entity action tracking: a record of who was created, updated and deleted, whatever did it (facts 2.12).

Off unless the administrator turned it on; then changes are recorded from that moment on. What is not documented is
assumed and kept in one place: one row for each key and action, with the instant of the last one; an internet address is
named by the master's id, its type (`CUS`, `VEN`: SY01200.Master_Type) and the address id.
`GetChangedInternetAddressKeyList` is not in the reconstructed legacy WSDL: its members and their order are those of the
native one, base class first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Address, Customer, InternetAddress, Receivables, Vendor
from ml_connector.simulators.gp.criteria import ACTION, INSTANT, STRING, Layout, Member

CUSTOMER, CUSTOMER_ADDRESS, INTERNET_ADDRESS = "Customer", "CustomerAddress", "InternetAddress"


@dataclass(frozen=True, slots=True)
class Tracked:
    """One row: what of which record was done when."""

    entity: str
    owner_id: str
    action: str
    at: datetime
    address_id: str = ""
    master_type: str = ""


class Track:
    """The rows of one company; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, ...], Tracked] = {}

    def note(self, before: Customer | Vendor | None, after: Customer | Vendor | None, at: datetime) -> None:
        """Record what tells `after` from `before`; None is a record that is not there."""
        rows = list(_differences(before, after, at))
        with self._lock:
            for row in rows:
                key = (row.entity, row.master_type, row.owner_id, row.address_id, row.action)
                self._rows[tuple(map(collation_key, key))] = row

    def rows(self, entity: str) -> list[Tracked]:
        """Return the rows of one entity in the order of their keys."""
        wanted = collation_key(entity)
        with self._lock:
            return [row for key, row in sorted(self._rows.items()) if key[0] == wanted]


def _differences(
    before: Customer | Vendor | None, after: Customer | Vendor | None, at: datetime
) -> Iterator[Tracked]:
    owner = after or before
    if owner is None:
        return
    is_customer = isinstance(owner, Customer)
    if is_customer and (action := _action(_master(before), _master(after))):
        yield Tracked(CUSTOMER, owner.id, action, at)
    old, new = _addresses(before), _addresses(after)
    for key in {**old, **new}:
        was, now = old.get(key), new.get(key)
        address = now or was
        assert address is not None
        if is_customer and (action := _action(_postal(was), _postal(now))):
            yield Tracked(CUSTOMER_ADDRESS, owner.id, action, at, address.id)
        if action := _action(was and was.email, now and now.email):
            yield Tracked(INTERNET_ADDRESS, owner.id, action, at, address.id, "CUS" if is_customer else "VEN")


def _action(before: object, after: object) -> str:
    if before is None:
        return "Created"
    if after is None:
        return "Deleted"
    return "Updated" if before != after else ""


def _master(record: Customer | Vendor | None) -> object:
    """The master's own table: neither its addresses nor its balances."""
    if isinstance(record, Customer):
        return replace(record, addresses=(), receivables=Receivables())
    return record


def _postal(address: Address | None) -> Address | None:
    """The address's own table: its e-mail is in another."""
    return address and replace(address, email=InternetAddress())


def _addresses(master: Customer | Vendor | None) -> dict[str, Address]:
    return {} if master is None else {collation_key(address.id): address for address in master.addresses}


def _members(*own: tuple[str, Member[Tracked]]) -> Layout[Tracked]:
    base = {"LastModifiedDate": Member(INSTANT, _at), "Action": Member(ACTION, _done)}
    return {**base, **dict(own)}


def _at(row: Tracked) -> datetime:
    return row.at


def _done(row: Tracked) -> str:
    return row.action


def _owner(row: Tracked) -> str:
    return row.owner_id


def _address(row: Tracked) -> str:
    return row.address_id


CHANGED_CUSTOMERS = _members(("Id", Member(STRING, _owner)))
CHANGED_CUSTOMER_ADDRESSES = _members(
    ("AddressKeyId", Member(STRING, _address)), ("CustomerKeyId", Member(STRING, _owner))
)
CHANGED_INTERNET_ADDRESSES = _members(
    ("AddressKeyId", Member(STRING, _address)),
    ("InternetAddressKeyId", Member(STRING, _owner)),
    ("InternetAddressType", Member(STRING, lambda row: row.master_type)),
)


def elements(rows: Iterable[Tracked]) -> Iterator[str]:
    """Yield each row as XML; LastModifiedBy is not implemented in GP either."""
    for row in rows:
        name = f"Changed{row.entity}Key"
        base = f"{xml.instant('LastModifiedDate', row.at)}<Action>{row.action}</Action>"
        yield f"<{name}>{base}{_OWN[row.entity](row)}</{name}>"


def _customer(row: Tracked) -> str:
    return xml.string("Id", row.owner_id)


def _customer_address(row: Tracked) -> str:
    return xml.key("CustomerKey", row.owner_id) + xml.string("Id", row.address_id)


def _internet_address(row: Tracked) -> str:
    named = xml.key("AddressKey", row.address_id) + xml.string("InternetAddressKey", row.owner_id)
    return named + xml.string("InternetAddressType", row.master_type)


_OWN = {CUSTOMER: _customer, CUSTOMER_ADDRESS: _customer_address, INTERNET_ADDRESS: _internet_address}
