"""What creates and changes sales documents: quotes and orders; invoices are made in GP alone.

The answers are empty (facts 2.9, confirmed for orders). Work is done in one go: a number is looked for and taken
under one lock, so that of two creates with the same Key.Id one is refused, also where the first one is in History
(inferred).
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from lxml import etree

from ml_connector.simulators.gp import policies, sales_rules
from ml_connector.simulators.gp import sales_members as names
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.faults import SystemFaultError, ValidationError
from ml_connector.simulators.gp.operation import NOTHING, Answer, CompanyOperation, found, key_of
from ml_connector.simulators.gp.policies import Selected
from ml_connector.simulators.gp.requests import Call
from ml_connector.simulators.gp.sales_documents import ZERO, Batch, DocumentType, SalesDocument
from ml_connector.simulators.gp.sales_posting import Office, allocate, delete, void
from ml_connector.simulators.gp.sales_read import Desk, propose
from ml_connector.simulators.gp.sent import Sent
from ml_connector.simulators.gp.state import Simulation

_CREATED_BY = "sa"


def change(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Create or update the document that was sent."""
    selected = _selected(simulation, call, company)
    element = call.arguments.get(f"sales{_kind(call.operation)}")
    if element is None:
        raise SystemFaultError
    written(Office(simulation, company), call.operation, element, selected)
    return NOTHING


def written(office: Office, operation: str, element: etree._Element, selected: Selected) -> SalesDocument:
    """Do what CreateSales... or UpdateSales... does with a document, and return it as it is kept."""
    kind = _kind(operation)
    sent = Sent(element, names.DOCUMENT_MEMBERS[kind], operation)
    desk = Desk(office.company, office.sales, selected)
    with office.sales.lock:
        return (_create if operation.startswith("Create") else _update)(office, sent, kind, desk)


def _create(office: Office, sent: Sent, kind: DocumentType, desk: Desk) -> SalesDocument:
    """Create a quote or an order; under its own number, or under the next one where none was sent."""
    proposal = propose(sent, kind, desk, None)
    document, errors = proposal.document, []
    if document.id.strip() and office.sales.documents[kind].get(document.id) is not None:
        errors.append(sales_rules.DUPLICATE.of(f"Sales{kind}", document.id))
    sales_rules.refuse(errors + sales_rules.judge(proposal, desk, None))
    kept = office.keep(_numbered(office, document), None)
    _make_batch(office, kept)
    if kind == "Order" and desk.selected.get(policies.ALLOCATE):
        return allocate(office, kept)
    return kept


def _numbered(office: Office, document: SalesDocument) -> SalesDocument:
    """Give a new document what only GP gives: its number, its master number, who made it and when."""
    numbering = office.sales.numbering(document.type, document.document_type)
    assert numbering is not None, "the rules let no other document pass"
    today = office.simulation.now().date()
    return replace(
        document,
        id=document.id.rstrip(" ") or office.sales.take_number(numbering),
        master_number=office.sales.take_master(),
        on=document.on or today,
        created_on=today,
        created_by=_CREATED_BY,
    )


def _make_batch(office: Office, document: SalesDocument) -> None:
    if document.batch and office.sales.batches.get(document.batch) is None:
        now = office.simulation.now()
        office.sales.batches.put(Batch(document.batch, created_at=now, modified_at=now))


def _kind(operation: str) -> DocumentType:
    return next(kind for kind in get_args(DocumentType) if operation.endswith(kind))


def _selected(simulation: Simulation, call: Call, company: Company) -> Selected:
    return simulation.policies[company.id].of_call(call.operation, call.arguments.get("policy"))


def _update(office: Office, sent: Sent, kind: DocumentType, desk: Desk) -> SalesDocument:
    """Put the document that was sent in the place of the one in Work; one in History is refused."""
    old = found(office.sales.documents[kind].get(sent.key("Key")))
    sales_rules.refuse(_finished(old))
    proposal = propose(sent, kind, desk, old)
    sales_rules.refuse(sales_rules.judge(proposal, desk, old))
    given = proposal.document
    new = replace(
        given,
        id=old.id,
        on=given.on or old.on,
        master_number=old.master_number,
        original_id=old.original_id,
        original_type=old.original_type,
        created_on=old.created_on,
        created_by=old.created_by,
    )
    kept = office.keep(_settled(office, old, new), old)
    _make_batch(office, kept)
    return kept


def _settled(office: Office, old: SalesDocument, new: SalesDocument) -> SalesDocument:
    """Free what lines have allocated that are gone or are of something else now."""
    there = {line.sequence: line for line in new.lines}
    for line in old.lines:
        now = there.get(line.sequence)
        same = now is not None and _place(now.item_id, now.site, now.unit) == _place(
            line.item_id, line.site, line.unit
        )
        if line.allocated and not same:
            office.sales.allocate(line, -line.allocated)
            if now is not None:
                there[line.sequence] = replace(now, allocated=ZERO)
    return replace(new, lines=tuple(there.values()))


def _place(*parts: str) -> tuple[str, ...]:
    return tuple(map(collation_key, parts))


def _finished(document: SalesDocument) -> list[ValidationError]:
    if document.state == "Work":
        return []
    return [sales_rules.IN_HISTORY.of(f"Sales{document.type}", document.id)]


def remove(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Delete or void a document."""
    _selected(simulation, call, company)
    withdraw(Office(simulation, company), call.operation, key_of(call))
    return NOTHING


def withdraw(office: Office, operation: str, number: str) -> None:
    """Do what DeleteSales... or VoidSales... does: in Work only, and not where a part is invoiced (inferred)."""
    kind = _kind(operation)
    with office.sales.lock:
        document = found(office.sales.documents[kind].get(number))
        errors = _finished(document)
        if any(line.invoiced for line in document.lines):
            errors.append(sales_rules.ALREADY_INVOICED.of(f"Sales{kind}", document.id))
        sales_rules.refuse(errors)
        if operation.startswith("Void"):
            void(office, document)
        else:
            delete(office, document)


OPERATIONS: dict[str, CompanyOperation] = {
    f"{verb}Sales{kind}": CompanyOperation(arguments, run)
    for kind in ("Order", "Quote")
    for verb, arguments, run in (
        ("Create", (f"sales{kind}", "context", "policy"), change),
        ("Update", (f"sales{kind}", "context", "policy"), change),
        ("Delete", ("key", "context", "policy"), remove),
        ("Void", ("key", "context", "policy"), remove),
    )
}
