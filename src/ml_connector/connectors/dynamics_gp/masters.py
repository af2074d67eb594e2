"""Customers and vendors as tables: their fields, and how they, their facets and their documents are listed. Pure."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ml_connector.connectors.dynamics_gp.schema import GpEntity, Level, Listing, describe, fields_of
from ml_connector.connectors.dynamics_gp.soap import Wanted
from ml_connector.core.entity import Entity, Lasting

_CUSTOMER_FIELDS = fields_of("", """
    customer_id              text        Key/Id
    name                     text        Name
    short_name               text        Shortname
    statement_name           text        StatementName
    class_id                 text        ClassKey/Id
    corporate_account_id     text        CorporateAccountKey/Id
    salesperson_id           text        DefaultAddress/SalespersonKey/Id
    payment_terms_id         text        PaymentTermsKey/Id
    price_level_id           text        PriceLevelKey/Id
    currency_code            text        CurrencyKey/ISOCode
    is_active                boolean     IsActive
    is_on_hold               boolean     IsOnHold
    comment1                 text        Comment1
    comment2                 text        Comment2
    tax_registration_number  text        TaxRegistrationNumber
    credit_limit.kind        limit_kind  CreditLimit                  carried
    credit_limit.amount      money       CreditLimit/Amount/Value     carried
    credit_limit.currency    text        CreditLimit/Amount/Currency  carried
    sales_account            text        SalesGLAccountKey/Id
    receivables_account      text        AccountsReceivableGLAccountKey/Id
    cost_of_sales_account    text        CostOfGoodsSoldGLAccountKey/Id
    created_at               instant     CreatedDate
    modified_at              instant     ModifiedDate
""")  # fmt: skip

#: From GetCustomerReceivablesSummaryList, which returns whole objects (facts.md 2.8).
_RECEIVABLES_FIELDS = fields_of("receivables.", """
    balance               money    Aging/BalanceAmount/Value
    period1               money    Aging/Period1Amount/Value
    period2               money    Aging/Period2Amount/Value
    period3               money    Aging/Period3Amount/Value
    period4               money    Aging/Period4Amount/Value
    period5               money    Aging/Period5Amount/Value
    period6               money    Aging/Period6Amount/Value
    period7               money    Aging/Period7Amount/Value
    last_aged_on          date     Aging/LastAgedDate
    on_order              money    OnOrderAmount/Value
    last_payment_amount   money    LastPaymentAmount/Value
    last_payment_on       date     LastPaymentDate
    average_days_to_pay   integer  YearToDate/AverageDaysToPay|LifeToDate/AverageDaysToPay
    high_balance          money    YearToDate/HighBalance/Value|LifeToDate/HighBalance/Value
    sales_this_year       money    YearToDate/TotalSales/Value
    sales_last_year       money    LastYear/TotalSales/Value
    last_transaction_on   date     LastTransactionDate
    currency              text     Aging/BalanceAmount/Currency
""")  # fmt: skip

#: Tax identification numbers are sensitive and are not read.
_VENDOR_FIELDS = fields_of("", """
    vendor_id              text        Key/Id
    name                   text        Name
    short_name             text        ShortName
    check_name             text        CheckName
    class_id               text        ClassKey/Id
    payment_terms_id       text        PaymentTermsKey/Id
    currency_code          text        CurrencyKey/ISOCode
    vendor_account_number  text        VendorAccountNumber
    is_active              boolean     IsActive
    is_on_hold             boolean     IsOnHold
    is_one_time            boolean     IsOneTime
    comment1               text        Comment1
    comment2               text        Comment2
    minimum_order.amount   money       MinimumOrderAmount/Value
    minimum_order.currency text        MinimumOrderAmount/Currency
    purchases_account      text        PurchasesGLAccountKey/Id
    payables_account       text        AccountsPayableGLAccountKey/Id
    credit_limit.kind      limit_kind  CreditLimit
    credit_limit.amount    money       CreditLimit/Amount/Value
    credit_limit.currency  text        CreditLimit/Amount/Currency
    created_at             instant     CreatedDate
    modified_at            instant     ModifiedDate
""")  # fmt: skip

#: Computed in ``payables.py``: GP's services have no vendor balance (facts.md 2.8). The path is empty.
_PAYABLES_FIELDS = fields_of("payables.", """
    balance              money    -
    basis                text     -
    open_documents       integer  -
    oldest_due_on        date     -
    last_payment_amount  money    -
    last_payment_on      date     -
    currency             text     -
""")  # fmt: skip

PAYABLES_TYPES = ("Invoice", "Finance Charge", "Miscellaneous Charge", "Return", "Credit Memo", "Payment")
_DOCUMENT_ID = Level("DocumentId", ("Key", "Id"))
_VENDOR_OF_DOCUMENT = Level("VendorId", ("VendorKey", "Id"))
#: A document number is unique within its type only, so the type is the last level.
PAYABLES = Listing(
    "GetPayablesDocumentList",
    "PayablesDocumentSummary",
    (_VENDOR_OF_DOCUMENT, _DOCUMENT_ID, Level("Type", ("Type",), PAYABLES_TYPES)),
    "payables",
)
#: So far back the last payment is looked for; an older one stays as it was known.
PAYMENTS_BACK = timedelta(days=400)
_OF_LAST_PAYMENT = frozenset(
    f"payables.{name}" for name in ("last_payment_on", "last_payment_amount", "currency")
)
#: The same list, asked for payments only: their numbers are unique.
PAYMENTS = Listing(PAYABLES.operation, PAYABLES.row, (_VENDOR_OF_DOCUMENT, _DOCUMENT_ID), "payables")

_DONE = Level("Action", ("Action",), ("Created", "Updated", "Deleted"))
_CHANGED_EMAILS = Listing(
    "GetChangedInternetAddressKeyList",
    "ChangedInternetAddressKey",
    (
        Level("InternetAddressKeyId", ("InternetAddressKey",)),
        Level("AddressKeyId", ("AddressKey", "Id")),
        _DONE,
    ),
    repeats=True,
)
_CHANGED_ADDRESSES = Listing(
    "GetChangedCustomerAddressKeyList",
    "ChangedCustomerAddressKey",
    (Level("CustomerKeyId", ("CustomerKey", "Id")), Level("AddressKeyId", ("Id",)), _DONE),
    repeats=True,
)

CUSTOMERS = GpEntity(
    name="customers",
    listing=Listing("GetCustomerList", "CustomerSummary", (Level("Id", ("Key", "Id")),)),
    read_operation="GetCustomerByKey",
    fields=_CUSTOMER_FIELDS,
    addresses=("Addresses", "CustomerAddress"),
    roles={
        "default": ("DefaultAddressKey", "Id"),
        "bill_to": ("BillToAddressKey", "Id"),
        "ship_to": ("ShipToAddressKey", "Id"),
        "statement_to": ("StatementToAddressKey", "Id"),
    },
    facets={
        "receivables": Listing(
            "GetCustomerReceivablesSummaryList",
            "CustomerReceivablesSummary",
            (Level("CustomerId", ("Key", "Id")),),
            "receivables",
            Wanted.of([("Key", "Id"), *(path for item in _RECEIVABLES_FIELDS for path in item.paths)]),
        ),
        "addresses": Listing(
            "GetCustomerAddressList",
            "CustomerAddressSummary",
            (
                Level("CustomerKeyId", ("Key", "CustomerKey", "Id")),
                Level("CustomerAddressKeyId", ("Key", "Id")),
            ),
            "addresses",
        ),
    },
    facet_fields=tuple(("receivables", item) for item in _RECEIVABLES_FIELDS),
    tracks=(_CHANGED_EMAILS, _CHANGED_ADDRESSES),
    master_type="CUS",
)

VENDORS = GpEntity(
    name="vendors",
    listing=Listing("GetVendorList", "VendorSummary", (Level("Id", ("Key", "Id")),)),
    read_operation="GetVendorByKey",
    fields=_VENDOR_FIELDS,
    addresses=("Addresses", "VendorAddress"),
    roles={
        "default": ("DefaultAddressKey", "Id"),
        "purchase": ("PurchaseAddressKey", "Id"),
        "remit_to": ("RemitToAddressKey", "Id"),
        "ship_from": ("ShipFromAddressKey", "Id"),
    },
    facets={
        "payables": PAYABLES,
        "addresses": Listing(
            "GetVendorAddressList",
            "VendorAddressSummary",
            (Level("VendorKeyId", ("Key", "VendorKey", "Id")), Level("VendorAddressKeyId", ("Key", "Id"))),
            "addresses",
        ),
    },
    facet_fields=tuple(("payables", item) for item in _PAYABLES_FIELDS),
    tracks=(_CHANGED_EMAILS,),  # of vendors' addresses GP keeps no track of their own (facts.md 2.12)
    master_type="VEN",
    empty={
        "payables": {"payables.balance": Decimal(0), "payables.open_documents": 0, "payables.basis": "exact"},
    },
    lasting={"payables": Lasting("payables.last_payment_on", _OF_LAST_PAYMENT, PAYMENTS_BACK)},
)

MASTERS: dict[str, GpEntity] = {entity.name: entity for entity in (CUSTOMERS, VENDORS)}
ENTITIES: dict[str, Entity] = {name: describe(entity) for name, entity in MASTERS.items()}
