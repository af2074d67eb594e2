"""Sales documents as XML: summaries, and quotes, orders and invoices with their lines (facts 2.6 and 2.7)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.company import EXCHANGE_RATES, FUNCTIONAL_CURRENCY, NO_ADDRESS, Address
from ml_connector.simulators.gp.requests import CurrencyType
from ml_connector.simulators.gp.sales_documents import (
    BATCH_SOURCE,
    ZERO,
    Batch,
    Discount,
    SalesDocument,
    SalesLine,
    UserDefined,
)


class DocumentMoney:
    """Writes a document's amounts in its own currency or, as the context asks, the company's."""

    __slots__ = ("_rate", "currency")

    def __init__(self, document_currency: str, currency_type: CurrencyType) -> None:
        local = currency_type == "Local" and document_currency != FUNCTIONAL_CURRENCY
        self.currency = FUNCTIONAL_CURRENCY if local else document_currency
        self._rate = EXCHANGE_RATES[document_currency] if local else None

    def __call__(self, name: str, amount: Decimal) -> str:
        """Return a MoneyAmount; five places, as SQL keeps them."""
        value = (
            amount if self._rate is None else (amount * self._rate).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        )
        return (
            f"<{name}><Currency>{self.currency}</Currency><Value>{value:.5f}</Value>"
            f"<DecimalDigits>2</DecimalDigits></{name}>"
        )

    def choice(self, name: str, discount: Discount) -> str:
        """Return a MoneyPercentChoice."""
        if discount.percent is not None:
            return f"<{name}>{xml.percent('Percent', discount.percent)}</{name}>"
        return f"<{name}>{self('Amount', discount.amount or ZERO)}</{name}>"


def quantity(name: str, value: Decimal) -> str:
    """Return a Quantity."""
    return f"<{name}><Value>{value:.5f}</Value><DecimalDigits>5</DecimalDigits></{name}>"


def type_key(document: SalesDocument) -> str:
    """Return the key of the document's type id."""
    return f"<DocumentTypeKey><Type>{document.type}</Type>{xml.string('Id', document.document_type)}</DocumentTypeKey>"


def _batch_key(document: SalesDocument) -> str:
    if not document.batch:
        return ""
    return (
        f"<BatchKey><Source>{BATCH_SOURCE}</Source>{xml.string('Id', document.batch)}"
        f"{xml.day('CreatedDateTime', document.created_on)}</BatchKey>"
    )


def summary(document: SalesDocument, kind: str, currency_type: CurrencyType) -> str:
    """Return a summary; of kind "Document" it says its type."""
    money = DocumentMoney(document.currency, currency_type)
    members = (
        type_key(document),
        xml.key("Key", document.id),
        f"<MasterNumber>{document.master_number}</MasterNumber>",
        xml.key("CustomerKey", document.customer_id),
        xml.string("CustomerPONumber", document.customer_po),
        xml.string("CustomerName", document.customer_name),
        xml.key("SalespersonKey", document.salesperson),
        xml.day("Date", document.on),
        xml.currency_key("CurrencyKey", document.currency),
        money("LineTotalAmount", document.line_total),
        money("TradeDiscountAmount", document.trade_discount_amount),
        money("FreightAmount", document.freight),
        money("MiscellaneousAmount", document.miscellaneous),
        money("TaxAmount", document.tax),
        money("TotalAmount", document.total),
        xml.day("CreatedDate", document.created_on),
        xml.instant("ModifiedDate", document.modified_at),
        xml.instant("LastModifiedDate", document.row_stamp_at),
        f"<TransactionState>{document.state}</TransactionState>",
        _batch_key(document),
        f"<Type>{document.type}</Type>" if kind == "Document" else "",
    )
    return f"<Sales{kind}Summary>{''.join(members)}</Sales{kind}Summary>"


def full(document: SalesDocument, currency_type: CurrencyType, company_id: int) -> str:
    """Return the members of a document of its own type."""
    money = DocumentMoney(document.currency, currency_type)
    own = {"Order": _order, "Quote": _quote, "Invoice": _invoice}[document.type]
    return f"{_shared(document, money, company_id)}{own(document, money)}"


def _shared(document: SalesDocument, money: DocumentMoney, company_id: int) -> str:
    members = (
        xml.key("Key", document.id, company_id=company_id),
        f"<Type>{document.type}</Type>",
        xml.day("Date", document.on),
        _amounts(document, money),
        xml.string("CustomerName", document.customer_name),
        xml.string("CustomerPONumber", document.customer_po),
        "<UPSZone />",
        f"<MasterNumber>{document.master_number}</MasterNumber>",
        xml.string("Reference", document.reference),
        money("CommissionAmount", ZERO),
        xml.nil("ExchangeRate"),
        xml.nil("ExchangeDate"),
        xml.day("RequestedShipDate", document.requested_on),
        xml.string("Comment", document.comment),
        "<TaxExemptNumber1 /><TaxExemptNumber2 /><TaxRegistrationNumber />",
        "<FreightTaxBasis>Nontaxable</FreightTaxBasis><MiscellaneousTaxBasis>Nontaxable</MiscellaneousTaxBasis>",
        money("FreightTaxAmount", ZERO),
        money("MiscellaneousTaxAmount", ZERO),
        xml.string("Note", document.note),
        f"<TransactionState>{document.state}</TransactionState>",
        xml.key("TaxScheduleKey", document.tax_schedule),
        money("LineTotalAmount", document.line_total),
        money("TotalAmount", document.total),
        _history(document, money),
        _origin(document),
        type_key(document),
        _keys(document),
        _address("ShipToAddress", document.ship_to_address),
        _user_defined(document.user_defined),
    )
    return "".join(members)


def _amounts(document: SalesDocument, money: DocumentMoney) -> str:
    return "".join(
        (
            money("FreightAmount", document.freight),
            money("MiscellaneousAmount", document.miscellaneous),
            money("TaxAmount", document.tax),
            money.choice("TradeDiscount", document.trade_discount),
            money("DiscountAmount", document.trade_discount_amount),
        )
    )


def _history(document: SalesDocument, money: DocumentMoney) -> str:
    posted = document.state == "History" and not document.is_voided
    trail = f"SLSTE{document.master_number:08d}" if posted and document.type == "Invoice" else ""
    dates = {"Quote": "QuoteDate", "Invoice": "InvoiceDate"}
    own = dates.get(document.type)
    return "".join(
        (
            xml.string("CreatedBy", document.created_by),
            xml.day("CreatedDate", document.created_on),
            xml.instant("ModifiedDate", document.modified_at),
            xml.instant("LastModifiedDate", document.row_stamp_at),
            "<CommissionBasedOn>Sales</CommissionBasedOn>",
            money("CommissionSaleAmount", ZERO),
            xml.day("ActualShipDate", document.actual_ship_on),
            xml.nil("FulfillDate"),
            xml.day("QuoteDate", document.on if own == "QuoteDate" else None),
            xml.string("AuditTrailCode", trail),
            xml.boolean("IsIntrastatDocument", value=False),
            xml.boolean("IsVoided", value=document.is_voided),
            xml.boolean("ShipCompleteOnly", value=False),
            xml.string("FrontOfficeIntegrationId", document.front_office_id),
            f"<IntegrationSource>{document.integration_source}</IntegrationSource>",
            xml.string("IntegrationId", document.integration_id),
            xml.day("InvoiceDate", document.on if own == "InvoiceDate" else None),
            xml.nil("BackorderDate"),
            xml.nil("ReturnDate"),
        )
    )


def _origin(document: SalesDocument) -> str:
    named = xml.key("OriginalSalesDocumentKey", document.original_id)
    return f"{named}{xml.string('OriginalSalesDocumentType', document.original_type)}"


def _keys(document: SalesDocument) -> str:
    owner = document.customer_id
    return "".join(
        (
            xml.key("ShippingMethodKey", document.shipping_method),
            xml.key("WarehouseKey", document.site),
            xml.key("CustomerKey", owner),
            xml.key("SalesTerritoryKey", document.territory),
            xml.key("SalespersonKey", document.salesperson),
            _batch_key(document),
            xml.address_key("BillToAddressKey", "CustomerKey", owner, document.bill_to),
            xml.address_key("ShipToAddressKey", "CustomerKey", owner, document.ship_to),
            xml.key("PaymentTermsKey", document.payment_terms),
            xml.currency_key("CurrencyKey", document.currency),
            xml.key("PriceLevelKey", document.price_level),
        )
    )


def _address(name: str, address: Address) -> str:
    return "" if address == NO_ADDRESS else f"<{name}>{xml.business_address(address)}</{name}>"


def _user_defined(own: UserDefined) -> str:
    return (
        f"<UserDefined>{xml.day('Date01', own.date1)}{xml.day('Date02', own.date2)}"
        f"{xml.string('List01', own.list1)}{xml.string('List02', own.list2)}{xml.string('List03', own.list3)}"
        f"{xml.string('Text01', own.text1)}{xml.string('Text02', own.text2)}{xml.string('Text03', own.text3)}"
        f"{xml.string('Text04', own.text4)}{xml.string('Text05', own.text5)}</UserDefined>"
    )


_REPEATING = (
    "<IsRepeating>false</IsRepeating><DocumentFrequency>None</DocumentFrequency><TimesToRepeat>0</TimesToRepeat>"
    "<DaysToIncrement>0</DaysToIncrement><WorkflowPriority>Normal</WorkflowPriority>"
)


def _order(document: SalesDocument, money: DocumentMoney) -> str:
    lines = "".join(_line(document, line, money, _order_line(line)) for line in document.lines)
    return (
        f"{money('PaymentAmount', ZERO)}{money('DepositAmount', ZERO)}"
        f"<ShippingProcessStatus>None</ShippingProcessStatus>{_REPEATING}<Lines>{lines}</Lines><Payments />"
    )


def _order_line(line: SalesLine) -> str:
    return "".join(
        (
            quantity("QuantityToBackorder", line.back_ordered),
            quantity("QuantityToInvoice", line.remaining),
            quantity("QuantityCanceled", line.cancelled),
            quantity("QuantityFulfilled", line.fulfilled),
            quantity("QuantityAllocated", line.allocated),
            xml.nil("FulfillDate"),
            xml.nil("ActualShipDate"),
        )
    )


def _quote(document: SalesDocument, money: DocumentMoney) -> str:
    lines = "".join(_line(document, line, money, _quote_line(line)) for line in document.lines)
    expires = xml.day("ExpirationDate", document.expires_on)
    return f"{expires}{_REPEATING}<IsProspect>false</IsProspect><Lines>{lines}</Lines>"


def _quote_line(line: SalesLine) -> str:
    return (
        f"{quantity('QuantityCanceled', line.cancelled)}{quantity('QuantityToInvoice', ZERO)}"
        f"{quantity('QuantityToOrder', line.remaining)}"
    )


def _invoice(document: SalesDocument, money: DocumentMoney) -> str:
    lines = "".join(_line(document, line, money, _invoice_line(document, line)) for line in document.lines)
    posted = document.posted_on
    return (
        f"{money('PaymentAmount', ZERO)}{money('DepositAmount', ZERO)}{xml.day('GeneralLedgerPostingDate', posted)}"
        f"{xml.day('PostedDate', posted)}{xml.string('PostedBy', 'sa' if posted else '')}"
        "<IsDirectDebit>false</IsDirectDebit><WorkflowPriority>Normal</WorkflowPriority>"
        f"<Lines>{lines}</Lines><Payments />"
    )


def _invoice_line(document: SalesDocument, line: SalesLine) -> str:
    return "".join(
        (
            quantity("QuantityToBackorder", line.back_ordered),
            quantity("QuantityCanceled", line.cancelled),
            quantity("QuantityFulfilled", line.fulfilled),
            quantity("BillingQuantity", line.quantity),
            xml.day("ActualShipDate", document.actual_ship_on),
            quantity("QuantityAllocated", line.allocated),
            xml.nil("FulfillDate"),
        )
    )


def _line(document: SalesDocument, line: SalesLine, money: DocumentMoney, own: str) -> str:
    element = f"Sales{document.type}Line"
    key = (
        f"{xml.key('SalesDocumentKey', document.id)}<LineSequenceNumber>{line.sequence}</LineSequenceNumber>"
    )
    members = (
        f"<Key>{key}</Key>",
        money("UnitPrice", line.unit_price),
        money("TotalAmount", line.extended),
        quantity("Quantity", line.quantity),
        money.choice("Discount", line.discount),
        money("UnitCost", line.unit_cost),
        xml.string("ItemDescription", line.description),
        xml.boolean("IsNonInventory", value=line.is_non_inventory),
        xml.boolean("IsDropShip", value=line.is_drop_ship),
        xml.day("RequestedShipDate", line.requested_on),
        xml.string("Comment", line.comment),
        xml.string("UofM", line.unit),
        xml.nil("DeleteOnUpdate"),
        money("ExtendedCost", line.unit_cost * line.quantity),
        "<TaxBasis>Based On Customer</TaxBasis>",
        money("TaxAmount", line.tax),
        _accounts(line),
        xml.string("FrontOfficeIntegrationId", line.front_office_id),
        f"<IntegrationSource>{line.integration_source}</IntegrationSource>",
        xml.string("IntegrationId", line.integration_id),
        xml.key("WarehouseKey", line.site),
        xml.key("ItemKey", line.item_id),
        xml.key("ShippingMethodKey", line.shipping_method),
        xml.key("PriceLevelKey", line.price_level),
        own,
    )
    return f"<{element}>{''.join(members)}</{element}>"


def _accounts(line: SalesLine) -> str:
    named = (
        ("CostOfSales", line.cost_account),
        ("Inventory", line.inventory_account),
        ("Sales", line.sales_account),
    )
    return "".join(xml.account_key(f"{what}GLAccountKey", xml.escape(id_)) for what, id_ in named if id_)


def batch(batch: Batch, documents: list[SalesDocument]) -> str:
    """Return the members of a Batch; its total is in the company's own currency."""
    totals = (d.total * EXCHANGE_RATES[d.currency] for d in documents)
    money = DocumentMoney(FUNCTIONAL_CURRENCY, "Local")
    created = xml.instant("CreatedDateTime", batch.created_at)
    return "".join(
        (
            f"<Key><Source>{xml.escape(batch.source)}</Source>{xml.string('Id', batch.id)}{created}</Key>",
            f"<NumberOfTransactions>{len(documents)}</NumberOfTransactions><Frequency>Single Use</Frequency>",
            xml.nil("RecurringLastPostedDate"),
            f"<NumberOfPostings>0</NumberOfPostings>{xml.string('Comment', batch.comment)}",
            money("Total", sum(totals, ZERO)),
            xml.currency_key("CurrencyKey", FUNCTIONAL_CURRENCY),
            f"<ControlNumberOfTransactions>0</ControlNumberOfTransactions>{money('ControlTotal', ZERO)}",
            xml.nil("GeneralLedgerPostedDate"),
            "<WorkflowPriority>Normal</WorkflowPriority>",
        )
    )
