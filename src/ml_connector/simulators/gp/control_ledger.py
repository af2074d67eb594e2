"""Control of the general ledger: look at accounts and journal entries, add, change, post and close a year.

Every change stamps what it touches with the simulator's clock, or with `modified_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from ml_connector.simulators.gp import control_records as records
from ml_connector.simulators.gp import year_end
from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.control_records import ControlError
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP, Account, Entry, Line, Origin
from ml_connector.simulators.gp.state import Simulation

Json = Any  # what json reads and writes
Given = Mapping[str, Any]

TABLES = ("accounts", "journals")


@dataclass(frozen=True, slots=True)
class LedgerRequest:
    """One request: the path behind the table, the company, what was sent and asked, and the instant of now."""

    path: str
    company: Company
    payload: Given
    query: Mapping[str, str]
    at: datetime


def carry_out(
    simulation: Simulation, method: str, name: str, path: str, sent: tuple[Given, Mapping[str, str]]
) -> Json:
    """Do what a request about the ledger asks for; ControlError for what cannot be done."""
    payload, query = sent
    act = _ACTIONS.get((method, f"{name}/{path}", True)) or _ACTIONS.get((method, name, bool(path)))
    if act is None:
        raise ControlError(f"nothing is done for {method} {name}/{path}", 405)
    try:
        given = payload.get("modified_at")
        at = simulation.now() if given is None else records.read_instant(given)
        return act(LedgerRequest(path, records.company_of(simulation, query), payload, query, at))
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ControlError(f"the request cannot be read: {error!r}") from error


def _page(request: LedgerRequest, rows: Iterable[Account] | Iterable[Entry], total: int) -> Json:
    offset, limit = records.number(request.query, "offset", 0), records.number(request.query, "limit", 1000)
    shown: list[Account | Entry] = list(islice(rows, offset, offset + limit))
    return {"total": total, "rows": [plain(row) for row in shown]}


def plain(row: Account | Entry) -> dict[str, Any]:
    """Return a record as JSON can hold it; the lines of an entry as objects, amounts as text."""
    if isinstance(row, Account):
        return dict(records.plain(row))
    shown = dict(records.plain(replace(row, lines=())))
    return shown | {"lines": [_plain_line(line) for line in row.lines]}


def _plain_line(line: Line) -> dict[str, Any]:
    amounts = {name: f"{Decimal(getattr(line, name)) / 100:.2f}" for name in ("debit", "credit")}
    origin = None if line.origin is None else line.origin._asdict()
    return {"sequence": line.sequence, "account": line.account, **amounts, "description": line.description,
            "origin": origin, "is_unit": line.is_unit}  # fmt: skip


def _accounts(request: LedgerRequest) -> Json:
    return _page(request, request.company.accounts.rows(), len(request.company.accounts))


def _add_account(request: LedgerRequest) -> Json:
    given = dict(request.payload)
    if request.company.accounts.get(str(given["id"])) is not None:
        raise ControlError(f"there is an account {given['id']!r} already", 409)
    made = Account(**{"description": "", **records.values(Account, given)})
    return _keep_account(request, replace(made, created_on=made.created_on or request.at.date()))


def _change_account(request: LedgerRequest) -> Json:
    old = request.company.accounts.get(request.path)
    if old is None:
        raise ControlError(f"there is no account {request.path!r}", 404)
    return _keep_account(request, replace(old, **records.values(Account, request.payload.get("set", {}))))


def _keep_account(request: LedgerRequest, account: Account) -> Json:
    stamped = replace(account, modified_at=request.at)
    request.company.accounts.put(stamped)
    return plain(stamped)


def _remove_account(request: LedgerRequest) -> Json:
    if request.company.accounts.remove(request.path) is None:
        raise ControlError(f"there is no account {request.path!r}", 404)
    return {"deleted": request.path}


def _journals(request: LedgerRequest) -> Json:
    return _page(request, request.company.journals.within(None, None), len(request.company.journals))


def _journal(request: LedgerRequest) -> Json:
    return {"rows": [plain(entry) for entry in request.company.journals.of(int(request.path))]}


def _add_journal(request: LedgerRequest) -> Json:
    """Add an entry: {"on", "lines": [{account, debit, credit, description, origin, unit}], "state", ...}."""
    given = dict(request.payload)
    given.pop("modified_at", None)
    lines = tuple(_read_line(number + 1, line) for number, line in enumerate(given.pop("lines")))
    on = date.fromisoformat(str(given.pop("on", request.at.date())))
    values: dict[str, Any] = {"journal_id": request.company.journals.next_id(), "fiscal_year": on.year}
    values |= records.values(Entry, given)
    entry = Entry(on=on, lines=lines, modified_at=request.at, **values)
    if entry.balance:
        raise ControlError(f"debits and credits differ by {Decimal(entry.balance) / 100}")
    request.company.journals.put(entry)
    return plain(entry)


def _read_line(number: int, given: Given) -> Line:
    debit, credit = (int(Decimal(str(given.get(side, 0))) * 100) for side in ("debit", "credit"))
    origin = Origin(**{"type": 1, **given["origin"]}) if given.get("origin") else None
    sequence = int(given.get("sequence", number * SEQUENCE_STEP))
    text, unit = str(given.get("description", "")), bool(given.get("is_unit", False))
    return Line(sequence, str(given["account"]), debit, credit, debit, credit, text, origin, unit)


def _post(request: LedgerRequest) -> Json:
    """Post what waits in Work under a journal id."""
    waiting = [e for e in request.company.journals.of(int(request.path)) if e.state == "Work"]
    if not request.payload.get("post") or not waiting:
        raise ControlError(f'nothing of {request.path} waits in Work; {{"post": true}} posts what does', 404)
    return {"rows": [plain(request.company.journals.post(entry, request.at)) for entry in waiting]}


def _close(request: LedgerRequest) -> Json:
    """Close a year: {"year": 2026}. Tells how many entries moved, and the entry that brings the balances forward."""
    moved, entry = year_end.close(request.company, int(request.payload["year"]), request.at)
    return {"moved": moved, "brought_forward": None if entry is None else plain(entry)}


def _remove_journal(request: LedgerRequest) -> Json:
    found = request.company.journals.of(int(request.path))
    for entry in found:
        request.company.journals.remove(entry)
    return {"deleted": len(found)}


_ACTIONS: dict[tuple[str, str, bool], Callable[[LedgerRequest], Json]] = {
    ("GET", "accounts", False): _accounts,
    ("POST", "accounts", False): _add_account,
    ("POST", "accounts", True): _change_account,  # {"set": {...}}
    ("DELETE", "accounts", True): _remove_account,
    ("GET", "journals", False): _journals,
    ("GET", "journals", True): _journal,
    ("POST", "journals", False): _add_journal,
    ("POST", "journals/close", True): _close,
    ("POST", "journals", True): _post,  # {"post": true}
    ("DELETE", "journals", True): _remove_journal,
}
