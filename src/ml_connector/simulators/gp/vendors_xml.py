"""Vendors, their addresses and their payables documents, as XML (facts 2.6 to 2.8)."""

from __future__ import annotations

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.company import ZERO, Address, PayablesDocument, Vendor
from ml_connector.simulators.gp.requests import CurrencyType

_GL_ACCOUNTS = "".join(
    xml.account_key(f"{purpose}GLAccountKey", account)
    for purpose, account in (
        ("Cash", "000-1100-00"),
        ("AccountsPayable", "000-2100-00"),
        ("TermsDiscountAvailable", "000-2105-00"),
        ("TermsDiscountTaken", "000-4600-00"),
        ("FinanceCharges", "000-8020-00"),
        ("Purchases", "000-6500-00"),
        ("TradeDiscount", "000-4730-00"),
        ("Miscellaneous", "000-6620-00"),
        ("Freight", "000-6630-00"),
        ("Tax", "000-6640-00"),
        ("Writeoff", "000-4710-00"),
        ("AccruedPurchases", "000-2111-00"),
        ("PurchasePriceVariance", "000-4720-00"),
    )
)

_OPTIONS = (
    "<MaximumWriteoff><SpecialAmount>Unlimited</SpecialAmount></MaximumWriteoff>"
    "<AllowRevaluation>true</AllowRevaluation>"
    "<PostResultsTo>Payables/Discount Account</PostResultsTo>"
    "<HistoryOptions><KeepCalendarHistory>true</KeepCalendarHistory><KeepFiscalHistory>true</KeepFiscalHistory>"
    "<KeepTransactionHistory>true</KeepTransactionHistory>"
    "<KeepDistributionHistory>true</KeepDistributionHistory></HistoryOptions>"
    "<DefaultCashAccountType>Bank Account</DefaultCashAccountType>"
)


def summary(vendor: Vendor) -> str:
    """Return a VendorSummary; what a list gives."""
    main = vendor.main_address
    return (
        f"<VendorSummary><Key><Id>{xml.escape(vendor.id)}</Id></Key>{xml.string('Name', vendor.name)}"
        f"{xml.key('ClassKey', vendor.class_id)}{xml.string('State', main.state)}"
        f"{xml.phones(main.phone1, main.phone2)}{xml.day('CreatedDate', vendor.created_on)}"
        f"{xml.instant('ModifiedDate', vendor.modified_at)}{xml.boolean('IsOnHold', value=vendor.is_on_hold)}"
        f"{xml.boolean('IsActive', value=vendor.is_active)}{xml.boolean('IsOneTime', value=vendor.is_one_time)}"
        "</VendorSummary>"
    )


def full(vendor: Vendor, currency_type: CurrencyType, company_id: int) -> str:
    """Return the members of a Vendor; what a key gives."""
    money = xml.Money(vendor.currency, currency_type)
    members = (
        xml.key("Key", vendor.id, company_id=company_id),
        xml.string("Name", vendor.name),
        xml.string("ShortName", vendor.short_name),
        xml.string("CheckName", vendor.check_name),
        xml.boolean("IsOnHold", value=vendor.is_on_hold),
        xml.boolean("IsActive", value=vendor.is_active),
        xml.boolean("IsOneTime", value=vendor.is_one_time),
        xml.key("ClassKey", vendor.class_id),
        _address_keys(vendor),
        xml.string("VendorAccountNumber", vendor.account_number),
        xml.numbered("Comment", vendor.comment1, vendor.comment2),
        xml.string("Notes", vendor.notes),
        xml.currency_key("CurrencyKey", vendor.currency),
        xml.key("PaymentTermsKey", vendor.payment_terms),
        "<DiscountGracePeriod>0</DiscountGracePeriod><DueDateGracePeriod>0</DueDateGracePeriod>",
        xml.string("PaymentPriority", vendor.payment_priority),
        money("MinimumOrderAmount", vendor.minimum_order),
        xml.percent("TradeDiscountPercent", vendor.trade_discount),
        xml.string("TaxSchedule", vendor.tax_schedule),
        xml.string("TaxIdentificationNumber", vendor.tax_id),
        xml.string("TaxRegistrationNumber", vendor.tax_registration),
        xml.numbered("UserDefined", vendor.user_defined1, vendor.user_defined2),
        "<Tax1099Type>None</Tax1099Type><Tax1099BoxNumber>0</Tax1099BoxNumber><FreeOnBoard>None</FreeOnBoard>",
        f"<MinimumPayment>{money('Amount', ZERO)}</MinimumPayment>",
        "<MaximumInvoice><SpecialAmount>No Maximum</SpecialAmount></MaximumInvoice>",
        xml.credit_limit(money, vendor.credit_limit),
        _OPTIONS,
        _GL_ACCOUNTS,
        xml.day("CreatedDate", vendor.created_on),
        xml.instant("ModifiedDate", vendor.modified_at),
        f"<Addresses>{_addresses(vendor)}</Addresses>",
        "<WorkflowPriority>Normal</WorkflowPriority><Language />",
        xml.nil("UpdateIfExists"),
    )
    return "".join(members)


def _addresses(vendor: Vendor) -> str:
    return "".join(_address(vendor.id, address) for address in vendor.addresses)


def _address_keys(vendor: Vendor) -> str:
    named = (
        ("DefaultAddressKey", vendor.default_address),
        ("PurchaseAddressKey", vendor.purchase_address),
        ("RemitToAddressKey", vendor.remit_to_address),
        ("ShipFromAddressKey", vendor.ship_from_address),
    )
    return "".join(xml.address_key(name, "VendorKey", vendor.id, address_id) for name, address_id in named)


def _address(vendor_id: str, address: Address) -> str:
    return (
        f"<VendorAddress>{xml.constituent_address(address)}"
        f"{xml.address_key('Key', 'VendorKey', vendor_id, address.id)}{xml.nil('DeleteOnUpdate')}</VendorAddress>"
    )


def address_summary(vendor_id: str, address: Address) -> str:
    """Return a VendorAddressSummary: neither stamps nor e-mail are in it."""
    return (
        f"<VendorAddressSummary>{xml.business_address(address)}"
        f"{xml.address_key('Key', 'VendorKey', vendor_id, address.id)}</VendorAddressSummary>"
    )


def document_summary(document: PayablesDocument, vendor_name: str, currency_type: CurrencyType) -> str:
    """Return a PayablesDocumentSummary: the document's amount, not what is left of it."""
    money = xml.Money(document.currency, currency_type)
    return "".join(
        (
            "<PayablesDocumentSummary>",
            xml.key("Key", document.id),
            xml.key("VendorKey", document.vendor_id),
            xml.string("VendorName", vendor_name),
            xml.day("Date", document.on),
            _batch_key(document),
            xml.currency_key("CurrencyKey", document.currency),
            money("TradeDiscountAmount", document.trade_discount),
            money("FreightAmount", document.freight),
            money("MiscellaneousAmount", document.miscellaneous),
            money("TaxAmount", document.tax),
            money("DocumentAmount", document.amount),
            xml.instant("ModifiedDate", document.modified_at),
            f"<TransactionState>{document.state}</TransactionState><Type>{document.type}</Type>",
            "</PayablesDocumentSummary>",
        )
    )


def invoice(document: PayablesDocument, vendor: Vendor | None, currency_type: CurrencyType) -> str:
    """Return the members of a PayablesInvoice: DocumentAmount, and in Terms and TotalPayments what was taken off."""
    money = xml.Money(document.currency, currency_type)
    name, address = ("", "") if vendor is None else (vendor.name, vendor.remit_to_address)
    extras = document.tax + document.freight + document.miscellaneous - document.trade_discount
    return "".join(
        (
            xml.key("Key", document.id),
            xml.string("VendorDocumentNumber", document.number),
            money("DocumentAmount", document.amount),
            xml.day("Date", document.on),
            xml.day("GeneralLedgerPostingDate", document.on),
            money("PurchasesAmount", document.amount - extras),
            xml.string("Description", document.description),
            money("TradeDiscountAmount", document.trade_discount),
            money("TaxAmount", document.tax),
            money("FreightAmount", document.freight),
            money("Amount1099", ZERO),
            money("MiscellaneousAmount", document.miscellaneous),
            xml.string("PONumber", document.po_number),
            "<ExchangeRate>0</ExchangeRate><ExchangeDate>1900-01-01T00:00:00</ExchangeDate>",
            f"<Type>{document.type}</Type><TransactionState>{document.state}</TransactionState>",
            xml.string("VendorName", name),
            money("ChargeAmount", document.amount),
            _posting(document),
            _batch_key(document),
            xml.key("VendorKey", document.vendor_id),
            xml.key("AddressKey", address),
            xml.key("RemitToAddressKey", address),
            xml.currency_key("CurrencyKey", document.currency),
            "<Distributions /><Taxes />",
            _terms(money, document),
            money("WriteoffAmount", document.writeoff),
            money("TotalPayments", document.payments),
            xml.key("PaymentTermsKey", document.payment_terms),
        )
    )


def _posting(document: PayablesDocument) -> str:
    return (
        f"<ModifiedBy>sa</ModifiedBy>{xml.instant('ModifiedDate', document.modified_at)}<PostedBy>sa</PostedBy>"
        f"{xml.day('PostedDate', None if document.state == 'Work' else document.on)}"
        f"{xml.day('TaxDate', document.on)}<AuditTrailCode /><IsVoided>false</IsVoided>"
        "<IsIntercompanyTransaction>false</IsIntercompanyTransaction>"
        "<HasIntercompanyDistributions>false</HasIntercompanyDistributions>"
    )


def _batch_key(document: PayablesDocument) -> str:
    if not document.batch:
        return ""
    return (
        f"<BatchKey><Source>PM_Trxent</Source><Id>{xml.escape(document.batch)}</Id>"
        f"{xml.day('CreatedDateTime', document.on)}</BatchKey>"
    )


def _terms(money: xml.Money, document: PayablesDocument) -> str:
    return (
        f"<Terms>{money('DiscountAvailableAmount', ZERO)}{xml.day('DueDate', document.due_on)}"
        f"{xml.day('DiscountDate', None)}{money('DiscountTakenAmount', document.discount_taken)}"
        f"{money('DiscountAmountAppliedTaken', document.discount_taken)}</Terms>"
    )
