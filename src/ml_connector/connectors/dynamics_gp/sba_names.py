"""Where each field of ours is looked for in SBA's JSON, unless the settings say otherwise.

ASSUMPTIONS, all of them: no public source shows an answer of SBA (facts.md 1.6). The names are those of the web
service's objects, run together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ml_connector.connectors.dynamics_gp.ledger import EVERY, JOURNALS
from ml_connector.connectors.dynamics_gp.schema import GpField


def _table(text: str) -> dict[str, str]:
    rows = (line.split() for line in text.strip().splitlines())
    return {row[0]: row[1] for row in rows}


RECORD: dict[str, dict[str, str]] = {
    "vendors": _table("""
        vendor_id               VendorId
        name                    VendorName
        short_name              ShortName
        check_name              CheckName
        class_id                ClassId
        payment_terms_id        PaymentTermsId
        currency_code           CurrencyCode
        vendor_account_number   VendorAccountNumber
        is_active               IsActive
        is_on_hold              IsOnHold
        is_one_time             IsOneTime
        comment1                Comment1
        comment2                Comment2
        minimum_order.amount    MinimumOrder
        credit_limit.kind       CreditLimitType
        credit_limit.amount     CreditLimitAmount
        created_at              CreatedDate
        modified_at             ModifiedDate
        default.address_id      PrimaryAddressId
        purchase.address_id     PurchaseAddressId
        remit_to.address_id     RemitToAddressId
        ship_from.address_id    ShipFromAddressId
    """),
    "customers": _table("""
        customer_id             CustomerId
        name                    CustomerName
        short_name              ShortName
        statement_name          StatementName
        class_id                ClassId
        corporate_account_id    ParentCustomerId
        payment_terms_id        PaymentTermsId
        price_level_id          PriceLevel
        currency_code           CurrencyCode
        is_active               IsActive
        is_on_hold              IsOnHold
        comment1                Comment1
        comment2                Comment2
        tax_registration_number TaxRegistrationNumber
        credit_limit.kind       CreditLimitType
        credit_limit.amount     CreditLimitAmount
        created_at              CreatedDate
        modified_at             ModifiedDate
        default.address_id      PrimaryAddressId
        bill_to.address_id      BillToAddressId
        ship_to.address_id      ShipToAddressId
        statement_to.address_id StatementToAddressId
    """),
    "gl_accounts": _table("""
        account_id              AccountNumber
        description             Description
        alias                   Alias
        type                    AccountType
        category                Category
        posting_type            PostingType
        typical_balance         TypicalBalance
        is_active               IsActive
        allows_entry            AllowAccountEntry
        decimal_places          DecimalPlaces
        user_defined1           UserDefined1
        user_defined2           UserDefined2
        user_defined3           UserDefined3
        user_defined4           UserDefined4
        created_at              CreatedDate
        modified_at             ModifiedDate
    """),
    "journal_entries": _table("""
        journal_id              JournalId
        date                    Date
        recurring_sequence      RecurringTransactionSequence
        fiscal_year             FiscalYear
        state                   TransactionState
        is_voided               IsVoided
        reference               Reference
        source_document         SourceDocumentId
        series                  Series
        ledger                  LedgerType
        currency_code           CurrencyCode
        exchange_rate           ExchangeRate
        batch_id                BatchId
        audit_trail_code        AuditTrailCode
        posted_on               PostedDate
        posted_by               PostedBy
        modified_by             ModifiedBy
        modified_at             ModifiedDate
    """),
}
ADDRESS: dict[str, str] = _table("""
    owner_id        OwnerId
    address_id      AddressId
    name            AddressName
    contact_person  ContactPerson
    line1           Address1
    line2           Address2
    line3           Address3
    city            City
    state           State
    postal_code     PostalCode
    country         Country
    country_code    CountryCode
    phone1          Phone1
    phone2          Phone2
    phone3          Phone3
    fax             Fax
    email           EmailTo
    email_cc        EmailCc
    salesperson_id  SalespersonId
""")
LINE: dict[str, str] = _table("""
    number                SequenceNumber
    account               AccountNumber
    debit                 DebitAmount
    credit                CreditAmount
    currency              CurrencyCode
    is_unit               IsUnitAccount
    description           Description
    document_id           DocumentId
    document_control_id   DocumentControlId
    document_description  DocumentDescription
    document_type         DocumentType
    master_id             MasterId
    master_name           MasterName
    exchange_rate         ExchangeRate
    intercompany_id       IntercompanyId
""")


def known_fields(entity: str) -> dict[str, str]:
    """The fields of an entity that a record can bring: its own, and the address id of each role."""
    if entity not in EVERY:
        return {}
    gp = EVERY[entity]
    names = [
        item.name for item in gp.fields if brought(item) and item.name != "salesperson_id"
    ]  # of the address
    return dict.fromkeys([*names, *(f"{role}.address_id" for role in gp.roles)], "")


def brought(item: GpField) -> bool:
    """Whether this field stands somewhere in a record; others follow from those that do."""
    return item.paths != (("-",),)


def line_fields() -> Sequence[GpField]:
    """The fields that stand in a line of a journal entry, by their names in the settings."""
    brings = filter(brought, JOURNALS.each_fields)
    return tuple(replace(item, name=item.name.removeprefix("line.")) for item in brings)
