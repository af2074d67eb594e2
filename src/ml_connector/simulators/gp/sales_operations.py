"""What the service answers about items, batches, policies and sales documents; `sales_write` changes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ml_connector.simulators.gp import items_xml, policies, sales_criteria, sales_xml
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.criteria import Criteria, read_criteria
from ml_connector.simulators.gp.faults import NOT_FOUND, SoapFaultError
from ml_connector.simulators.gp.operation import (
    BY_CRITERIA,
    BY_KEY,
    Answer,
    CompanyOperation,
    admitted,
    found,
    key_of,
    listed,
    stamped_rows,
)
from ml_connector.simulators.gp.requests import Call, key_members, text
from ml_connector.simulators.gp.sales_documents import DOCUMENT_TYPES, DocumentType, Sales, SalesDocument
from ml_connector.simulators.gp.state import Simulation


def document_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return summaries of the documents of one type, of Work and History alike."""
    kind = _kind(call, "List")
    asked = read_criteria(call.arguments.get("criteria"), sales_criteria.SALES, call.operation)
    rows = admitted(_rows(simulation.sales[company.id], kind, asked), asked)
    currency = call.context.currency_type
    return listed((sales_xml.summary(d, kind, currency) for d in rows), simulation, "sales_documents")


def _rows(sales: Sales, kind: DocumentType, asked: Criteria[SalesDocument]) -> Iterable[SalesDocument]:
    """Return the documents that may be admitted, by the shortest of the indexes."""
    po = asked.key_range("CustomerPONumber")
    if po.low is not None and po.low == po.high:
        return sales.of_po(kind, po.low)
    return stamped_rows(sales.documents[kind], asked, "DocumentId")


def every_document_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return summaries of the documents of all types that there are here."""
    asked = read_criteria(call.arguments.get("criteria"), sales_criteria.SALES_DOCUMENTS, call.operation)
    rows = admitted(simulation.sales[company.id].every(), asked)
    currency = call.context.currency_type
    return listed((sales_xml.summary(d, "Document", currency) for d in rows), simulation, "sales_documents")


def document_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one document with its lines, of Work or History (that one operation finds both is inferred)."""
    table = simulation.sales[company.id].documents[_kind(call, "ByKey")]
    document = found(table.get(key_of(call)))
    return Answer(sales_xml.full(document, call.context.currency_type, company.id))


def _kind(call: Call, suffix: str) -> DocumentType:
    wanted = call.operation.removeprefix("GetSales").removesuffix(suffix)
    return next(kind for kind in DOCUMENT_TYPES if kind == wanted)


def item_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return ItemSummary rows."""
    asked = read_criteria(call.arguments.get("criteria"), sales_criteria.ITEMS, call.operation)
    rows = admitted(stamped_rows(simulation.sales[company.id].items, asked, "ItemId"), asked)
    return listed(map(items_xml.summary, rows), simulation, "items")


def item_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one item as an object of its own kind."""
    item = found(simulation.sales[company.id].items.get(key_of(call)))
    return Answer(items_xml.full(item, company.id), kind=items_xml.item_class(item))


def batch_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return whole Batch objects, of sales alone."""
    sales = simulation.sales[company.id]
    asked = read_criteria(call.arguments.get("criteria"), sales_criteria.BATCHES, call.operation)
    rows = admitted(sales.batches.rows(asked.key_range("Id")), asked)
    elements: Iterator[str] = (f"<Batch>{sales_xml.batch(b, sales.in_batch(b.id))}</Batch>" for b in rows)
    return listed(elements, simulation, "batches")


def batch_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one Batch; where a source is given it has to be the batch's (inferred)."""
    sales = simulation.sales[company.id]
    key = key_members(call.arguments.get("key"), ("Source", "Id", "CreatedDateTime"), call.operation)
    batch = found(sales.batches.get(key.get("Id", "")))
    if collation_key(key.get("Source", batch.source)) != collation_key(batch.source):
        raise SoapFaultError(NOT_FOUND)
    return Answer(sales_xml.batch(batch, sales.in_batch(batch.id)))


def policy_by_operation(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return the policy of an operation as the administrator has set it."""
    operation = (text(call.arguments.get("operation")) or "").strip()
    if operation not in policies.ALL:
        raise SoapFaultError(NOT_FOUND)
    return Answer(policies.members(operation, simulation.policies[company.id].selected(operation)))


def policy_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return a policy by its id."""
    operation = found(policies.by_id(key_of(call)))
    return Answer(policies.members(operation, simulation.policies[company.id].selected(operation)))


OPERATIONS: dict[str, CompanyOperation] = {
    "GetSalesDocumentList": CompanyOperation(BY_CRITERIA, every_document_list),
    **{
        f"GetSales{kind}{suffix}": CompanyOperation(arguments, run)
        for kind in DOCUMENT_TYPES
        for suffix, arguments, run in (
            ("List", BY_CRITERIA, document_list),
            ("ByKey", BY_KEY, document_by_key),
        )
    },
    "GetItemList": CompanyOperation(BY_CRITERIA, item_list),
    "GetItemByKey": CompanyOperation(BY_KEY, item_by_key),
    "GetBatchList": CompanyOperation(BY_CRITERIA, batch_list),
    "GetBatchByKey": CompanyOperation(BY_KEY, batch_by_key),
    "GetPolicyByOperation": CompanyOperation(("operation", "context"), policy_by_operation),
    "GetPolicyByKey": CompanyOperation(BY_KEY, policy_by_key),
}
