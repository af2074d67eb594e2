"""Control of records: dump them as plain JSON, create, change, rename and delete them.

`rename` is what Professional Services' modifier tools do: the old key is gone, as if deleted, and the new one has all
its data. What a change stamps is what GP stamps: `set` and `rename` the master (nothing with `"touch": false`),
`address` only the address, `email` only the e-mail, `balance` nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, TypeVar

from ml_connector.simulators.gp import fabrikam
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import (
    AGING_PERIODS,
    Address,
    Company,
    CreditLimit,
    Customer,
    InternetAddress,
    PayablesDocument,
    Receivables,
    Vendor,
)
from ml_connector.simulators.gp.state import Simulation

Json = Any  # what json reads and writes

TABLES = ("customers", "vendors", "documents")
Master = TypeVar("Master", Customer, Vendor)
Row = Customer | Vendor | PayablesDocument


class ControlError(Exception):
    """A control request that cannot be done; `status` is the HTTP status of its answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """One request about records: the table, the record's id or "", the body, the query."""

    table: str
    id: str
    payload: Mapping[str, Any]
    query: Mapping[str, str]


def carry_out(simulation: Simulation, method: str, request: RecordRequest) -> Json:
    """Do what a request about records asks for; ControlError for what cannot be done."""
    act = _ACTIONS.get((method, bool(request.id)))
    if act is None:
        raise ControlError(f"nothing is done for {method} {request.table}/{request.id}", 405)
    try:
        return act(simulation, company_of(simulation, request.query), request)
    except (TypeError, ValueError, KeyError, AttributeError, InvalidOperation) as error:
        raise ControlError(f"the request cannot be read: {error!r}") from error


def number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """Read a number of a query; ControlError."""
    try:
        return int(query.get(name, otherwise))
    except ValueError as error:
        raise ControlError(f"{name} is a number") from error


def sizes(company: Company) -> dict[str, Any]:
    """Return how many records a company has."""
    return {
        "name": company.name,
        "customers": len(company.customers),
        "vendors": len(company.vendors),
        "documents": len(company.documents),
        "accounts": len(company.accounts),
        "journals": len(company.journals),
    }


def company_of(simulation: Simulation, query: Mapping[str, str]) -> Company:
    """Return the company that a query names, Fabrikam where it names none; ControlError."""
    company_id = number(query, "company", fabrikam.COMPANY_ID)
    if company_id not in simulation.companies:
        raise ControlError(f"there is no company {company_id}", 404)
    return simulation.companies[company_id]


def plain(value: object) -> Json:
    """Return a record as JSON can hold it: amounts and instants as text, by the names of their fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else value


def _dump(company: Company, row: Customer | Vendor | PayablesDocument) -> dict[str, Any]:
    balances: dict[type, Callable[[Any], Decimal]] = {
        Customer: lambda customer: customer.receivables.balance,
        Vendor: lambda vendor: company.payables_balance(vendor.id),
        PayablesDocument: lambda document: document.remaining,
    }
    shown = plain(row)
    shown["balance"] = f"{balances[type(row)](row):.2f}"
    return dict(shown)


def _rows(company: Company, request: RecordRequest) -> Iterable[Any]:
    if request.table == "documents" and "vendor" in request.query:
        return company.documents_of(request.query["vendor"])
    tables: dict[str, Callable[[], Iterable[Any]]] = {
        "customers": company.customers.rows,
        "vendors": company.vendors.rows,
        "documents": company.documents.rows,
    }
    return tables[request.table]()


def _list(simulation: Simulation, company: Company, request: RecordRequest) -> Json:
    offset, limit = number(request.query, "offset", 0), number(request.query, "limit", 1000)
    rows = islice(_rows(company, request), offset, offset + limit)
    return {"total": sizes(company)[request.table], "rows": [_dump(company, row) for row in rows]}


def _one(simulation: Simulation, company: Company, request: RecordRequest) -> Json:
    return _dump(company, _existing(company, request))


def _existing(company: Company, request: RecordRequest) -> Row:
    row: Row | None = getattr(company, request.table).get(request.id)
    if row is None:
        raise ControlError(f"{request.table} has no {request.id!r}", 404)
    return row


_TYPES: dict[str, type] = {"customers": Customer, "vendors": Vendor, "documents": PayablesDocument}


def _create(simulation: Simulation, company: Company, request: RecordRequest) -> Json:
    given = dict(request.payload)
    if getattr(company, request.table).get(str(given["id"])) is not None:
        raise ControlError(f"{request.table} has {given['id']!r} already", 409)
    now = _stamp(simulation, given)
    record = _TYPES[request.table](id=str(given.pop("id")), **values(_TYPES[request.table], given))
    if isinstance(record, PayablesDocument):
        record = replace(
            record, modified_at=now, on=record.on or now.date(), due_on=record.due_on or now.date()
        )
        company.put_document(record)
    else:
        record = _with_address(record, now)
        record = _stamped(replace(record, created_on=record.created_on or now.date()), simulation, now)
        getattr(company, request.table).put(record)
        simulation.track(company, None, record)
    return _dump(company, record)


def _with_address(master: Master, now: datetime) -> Master:
    if master.addresses:
        return master
    empty = fabrikam.NO_PHONE
    address = Address("PRIMARY", master.name, phone1=empty, phone2=empty, phone3=empty, fax=empty,
                      created_on=now.date(), modified_at=now)  # fmt: skip
    return replace(master, addresses=(address,))


def _delete(simulation: Simulation, company: Company, request: RecordRequest) -> Json:
    row = _existing(company, request)
    if request.table == "documents":
        company.remove_document(request.id)
    else:
        getattr(company, request.table).remove(request.id)
        if not isinstance(row, PayablesDocument):
            simulation.track(company, row, None)
    return {"deleted": row.id}


_CHANGES = ("set", "address", "email", "balance", "rename", "touch", "modified_at")


def _change(simulation: Simulation, company: Company, request: RecordRequest) -> Json:
    """Apply the parts of a change in a fixed order; the master's stamp moves only for `set` and `rename`."""
    if unknown := set(request.payload) - set(_CHANGES):
        raise ControlError(f"no such part of a change: {sorted(unknown)}; there are {_CHANGES}")
    old = _existing(company, request)
    _check_free(company, request, old)
    if isinstance(old, PayablesDocument):
        return _change_document(simulation, company, old, request.payload)
    change = company.change_customer if isinstance(old, Customer) else company.change_vendor
    new = change(request.id, lambda master: _changed(simulation, master, request.payload))
    if new is None:
        raise ControlError(f"{request.table} has no {request.id!r}", 404)
    renamed = collation_key(new.id) != collation_key(old.id)
    simulation.track(company, old, None if renamed else new)
    if renamed:
        simulation.track(company, None, new)
        move = company.move_documents if isinstance(new, Vendor) else company.move_branches
        move(old.id, new.id)
    return _one(simulation, company, replace(request, id=new.id))


def _check_free(company: Company, request: RecordRequest, old: Row) -> None:
    """A rename takes all data to a key that nothing else has; merging two records is another tool of GP's."""
    wanted = str(request.payload.get("rename", old.id))
    if (
        collation_key(wanted) != collation_key(old.id)
        and getattr(company, request.table).get(wanted) is not None
    ):
        raise ControlError(f"{request.table} has {wanted!r} already", 409)


def _change_document(
    simulation: Simulation, company: Company, old: PayablesDocument, payload: Mapping[str, Any]
) -> Json:
    document = replace(old, **values(PayablesDocument, payload.get("set", {})))
    if payload.get("touch", True):
        document = replace(document, modified_at=_stamp(simulation, payload))
    company.put_document(document)
    return _dump(company, document)


def _changed(simulation: Simulation, master: Master, payload: Mapping[str, Any]) -> Master:
    now = _stamp(simulation, payload)
    touch = bool(payload.get("touch", True))
    if "address" in payload:
        master = _address_changed(master, payload["address"], now if touch else None)
    if "email" in payload:
        master = _email_changed(master, payload["email"], now if touch else None)
    if "balance" in payload:
        master = _balance_changed(master, payload["balance"])
    if "set" in payload:
        master = replace(master, **values(type(master), payload["set"]))
    if "rename" in payload:
        master = replace(master, id=str(payload["rename"]))
    stamps = {"set", "rename"} & set(payload) or not set(payload) - {"touch", "modified_at"}
    return _stamped(master, simulation, now) if stamps and touch else master


def _stamp(simulation: Simulation, payload: Mapping[str, Any]) -> datetime:
    given = payload.get("modified_at")
    return simulation.now() if given is None else read_instant(given)


def _stamped(master: Master, simulation: Simulation, now: datetime) -> Master:
    """Stamp a master: ModifiedDate as fine as the site has it, the row's own stamp to the second."""
    said = simulation.said(now)
    if isinstance(master, Customer):
        return replace(master, modified_at=said, row_stamp_at=now)
    return replace(master, modified_at=said)


def _address_changed(master: Master, change: Mapping[str, Any], now: datetime | None) -> Master:
    """Change, add or (with `delete`) remove one address; by default the master's main one."""
    given = dict(change)
    address_id = str(given.pop("id", master.default_address))
    kept = {collation_key(address.id): address for address in master.addresses}
    wanted = collation_key(address_id)
    if given.pop("delete", False):
        kept.pop(wanted, None)
    else:
        new = replace(kept.get(wanted, Address(id=address_id)), **values(Address, given))
        kept[wanted] = replace(new, modified_at=now or new.modified_at)
    return replace(master, addresses=tuple(kept.values()))


def _email_changed(master: Master, change: Mapping[str, Any], now: datetime | None) -> Master:
    given = dict(change)
    wanted = collation_key(str(given.pop("id", master.default_address)))
    email = values(InternetAddress, given)

    def changed(address: Address) -> Address:
        stamp = now or address.email.modified_at
        return replace(address, email=replace(address.email, **{**email, "modified_at": stamp}))

    if all(collation_key(a.id) != wanted for a in master.addresses):
        raise ValueError("there is no such address")
    kept = (changed(a) if collation_key(a.id) == wanted else a for a in master.addresses)
    return replace(master, addresses=tuple(kept))


def _balance_changed(master: Master, change: Mapping[str, Any]) -> Master:
    if not isinstance(master, Customer):
        raise ControlError("a vendor is owed what its documents say; change those")
    return replace(master, receivables=_owed(master.receivables, change))


def _owed(owed: Receivables, change: Mapping[str, Any]) -> Receivables:
    """Take members of Receivables; `amount` stands for a balance that is all in the first period."""
    given = dict(change)
    if "amount" in given:
        given["aging"] = [given.pop("amount"), *["0"] * (AGING_PERIODS - 1)]
    told = values(Receivables, given)
    if len(told.get("aging", owed.aging)) != AGING_PERIODS:
        raise ValueError(f"there are {AGING_PERIODS} periods")
    return replace(owed, **told)


def values(
    kind: type, given: Mapping[str, Any], more: Mapping[str, Callable[[Any], Any]] | None = None
) -> dict[str, Any]:
    """Read JSON into the fields of a record type; ValueError names a field that is not there.

    `more` reads the annotations that only some records have.
    """
    known = _READERS if more is None else {**_READERS, **more}
    readers = {f.name: str(f.type) for f in fields(kind)}
    if unknown := set(given) - set(readers):
        raise ValueError(f"{kind.__name__} has no {sorted(unknown)}; it has {sorted(readers)}")
    return {name: known[readers[name]](value) for name, value in given.items()}


def read_instant(value: object) -> datetime:
    """Read an instant; without a zone it is UTC."""
    read = datetime.fromisoformat(str(value))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _nested(kind: type) -> Callable[[Any], Any]:
    return lambda value: kind(**values(kind, value))


def address(value: Mapping[str, Any]) -> Address:
    """Read an address that belongs to no master."""
    return Address(**{"id": "", **values(Address, value)})


def _credit_limit(value: object) -> CreditLimit:
    return CreditLimit(**values(CreditLimit, value if isinstance(value, Mapping) else {"amount": value}))


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "bool": bool,
    "int": int,
    "Decimal": lambda value: Decimal(str(value)),
    "Decimal | None": lambda value: None if value is None else Decimal(str(value)),
    "date | None": lambda value: None if value is None else date.fromisoformat(str(value)),
    "datetime | None": lambda value: None if value is None else read_instant(value),
    "tuple[Decimal, ...]": lambda value: tuple(Decimal(str(item)) for item in value),
    "tuple[Address, ...]": lambda value: tuple(_nested(Address)(item) for item in value),
    "InternetAddress": _nested(InternetAddress),
    "CreditLimit": _credit_limit,
    "AccountType": str,
    "State": str,
    "tuple[tuple[str, int], ...]": lambda value: tuple((str(to), int(percent)) for to, percent in value),
    "Receivables": _nested(Receivables),
}
"""How a field's value is read, by its annotation."""

_ACTIONS: dict[tuple[str, bool], Callable[[Simulation, Company, RecordRequest], Any]] = {
    ("GET", False): _list,  # ?company=&offset=&limit=, documents also ?vendor=
    ("GET", True): _one,
    ("POST", False): _create,
    ("POST", True): _change,
    ("DELETE", True): _delete,
}
