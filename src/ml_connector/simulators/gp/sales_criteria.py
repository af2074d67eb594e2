"""What the lists of sales documents, items and batches can be restricted by (facts 2.5; items by the description)."""

from __future__ import annotations

from ml_connector.simulators.gp.criteria import (
    BOOLEAN,
    INSTANT,
    INTEGER,
    LIKE_STRING,
    Layout,
    Member,
    Scope,
    among,
    at_midnight,
)
from ml_connector.simulators.gp.items import Item
from ml_connector.simulators.gp.sales_documents import Batch, SalesDocument
from ml_connector.simulators.gp.tables import EMPTY_DATE

_SCOPE = Scope(("Return All", "Return Based on Customer Id", "Return Based on Salesperson Id"))
_STATE = among("SalesTransactionState", "Work", "History")
_TYPE = among("SalesDocumentType", "Quote", "Order", "Invoice", "Return", "Backorder", "Fulfillment Order")
_ITEM_TYPE = among("ItemType", "Sales Item", "Kit", "Miscellaneous Charges", "Service", "Flat Fee")

SALES: Layout[SalesDocument] = {
    "TransactionState": Member(_STATE, lambda d: d.state),
    "DocumentId": Member(LIKE_STRING, lambda d: d.id),
    "Date": Member(INSTANT, lambda d: at_midnight(d.on)),
    "CustomerId": Member(LIKE_STRING, lambda d: d.customer_id),
    "CustomerName": Member(LIKE_STRING, lambda d: d.customer_name),
    "CustomerPONumber": Member(LIKE_STRING, lambda d: d.customer_po),
    "BatchId": Member(LIKE_STRING, lambda d: d.batch),
    "DocumentTypeId": Member(LIKE_STRING, lambda d: d.document_type),
    "SalespersonId": Member(LIKE_STRING, lambda d: d.salesperson),
    "MasterNumber": Member(INTEGER, lambda d: d.master_number),
    "ModifiedDate": Member(INSTANT, lambda d: d.modified_at or EMPTY_DATE),
    "LastModifiedDate": Member(INSTANT, lambda d: d.row_stamp_at or EMPTY_DATE),
    "CreatedDate": Member(INSTANT, lambda d: at_midnight(d.created_on)),
    "Scope": _SCOPE,
}
SALES_DOCUMENTS: Layout[SalesDocument] = {**SALES, "Type": Member(_TYPE, lambda d: d.type)}

ITEMS: Layout[Item] = {
    "ItemId": Member(LIKE_STRING, lambda i: i.id),
    "Description": Member(LIKE_STRING, lambda i: i.description),
    "ShortDescription": Member(LIKE_STRING, lambda i: i.description[:15]),
    "GenericDescription": Member(LIKE_STRING, lambda i: ""),
    "ItemClassId": Member(LIKE_STRING, lambda i: i.class_id),
    "CreatedDate": Member(INSTANT, lambda i: at_midnight(i.created_on)),
    "ModifiedDate": Member(INSTANT, lambda i: i.modified_at or EMPTY_DATE),
    "LastModifiedDate": Member(INSTANT, lambda i: i.row_stamp_at or EMPTY_DATE),
    "Type": Member(_ITEM_TYPE, lambda i: i.type),
    "IsDiscontinued": Member(BOOLEAN, lambda i: i.is_discontinued),
}
BATCHES: Layout[Batch] = {
    "Id": Member(LIKE_STRING, lambda b: b.id),
    "Source": Member(LIKE_STRING, lambda b: b.source),
}
