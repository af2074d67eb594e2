"""Records as SBA's JSON. Its real form is documented nowhere (facts 1.6): the names here are invented.

What holds of the columns holds of the JSON: texts keep their trailing blanks, phones their zeros, an empty date is
1900-01-01, ModifiedDate is UTC without a zone.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.simulators.gp.answers import moment
from ml_connector.simulators.gp.company import (
    FUNCTIONAL_CURRENCY,
    Address,
    Company,
    CreditLimit,
    Customer,
    Master,
    Vendor,
)
from ml_connector.simulators.gp.ledger import Account, Entry, Line

Json = dict[str, Any]


def vendor_summary(vendor: Vendor) -> Json:
    """What the list of vendors gives of one."""
    return {
        "VendorId": vendor.id,
        "VendorName": vendor.name,
        "ClassId": vendor.class_id,
        "IsActive": vendor.is_active,
        "IsOnHold": vendor.is_on_hold,
        "ModifiedDate": moment(vendor.modified_at),
    }


def vendor(vendor: Vendor) -> Json:
    """What a vendor's own address gives."""
    return {
        **vendor_summary(vendor),
        "ShortName": vendor.short_name,
        "CheckName": vendor.check_name,
        "PaymentTermsId": vendor.payment_terms,
        "CurrencyCode": vendor.currency,
        "VendorAccountNumber": vendor.account_number,
        "IsOneTime": vendor.is_one_time,
        "Comment1": vendor.comment1,
        "Comment2": vendor.comment2,
        "MinimumOrder": amount(vendor.minimum_order),
        **_credit(vendor.credit_limit),
        "CreatedDate": day(vendor.created_on),
        "PrimaryAddressId": vendor.default_address,
        "PurchaseAddressId": vendor.purchase_address,
        "RemitToAddressId": vendor.remit_to_address,
        "ShipFromAddressId": vendor.ship_from_address,
    }


def customer_summary(customer: Customer) -> Json:
    """What the list of customers gives of one."""
    return {
        "CustomerId": customer.id,
        "CustomerName": customer.name,
        "ClassId": customer.class_id,
        "IsActive": customer.is_active,
        "IsOnHold": customer.is_on_hold,
        "ModifiedDate": moment(customer.modified_at),
    }


def customer(customer: Customer) -> Json:
    """What a customer's own address gives."""
    return {
        **customer_summary(customer),
        "ShortName": customer.short_name,
        "StatementName": customer.statement_name,
        "ParentCustomerId": customer.corporate_id,
        "PaymentTermsId": customer.payment_terms,
        "PriceLevel": customer.price_level,
        "CurrencyCode": customer.currency,
        "Comment1": customer.comment1,
        "Comment2": customer.comment2,
        "TaxRegistrationNumber": customer.tax_registration,
        **_credit(customer.credit_limit),
        "CreatedDate": day(customer.created_on),
        "PrimaryAddressId": customer.default_address,
        "BillToAddressId": customer.bill_to_address,
        "ShipToAddressId": customer.ship_to_address,
        "StatementToAddressId": customer.statement_address,
    }


def address(owner: Master, address: Address) -> Json:
    """One address of a vendor or customer."""
    return {
        "OwnerId": owner.id,
        "AddressId": address.id,
        **place(address),
        "EmailTo": address.email.to,
        "EmailCc": address.email.cc,
        "SalespersonId": address.salesperson,
    }


def place(address: Address) -> Json:
    """Where it is, and whom one meets there."""
    return {
        "AddressName": address.name,
        "ContactPerson": address.contact,
        "Address1": address.line1,
        "Address2": address.line2,
        "Address3": address.line3,
        "City": address.city,
        "State": address.state,
        "PostalCode": address.postal_code,
        "Country": address.country,
        "CountryCode": address.country_code,
        "Phone1": address.phone1,
        "Phone2": address.phone2,
        "Phone3": address.phone3,
        "Fax": address.fax,
    }


def account_summary(account: Account) -> Json:
    """What a list of accounts gives of one."""
    return {
        "AccountNumber": _column(account.id, 15),
        "Description": _column(account.description, 51),
        "AccountType": account.type,
        "IsActive": account.is_active,
        "ModifiedDate": moment(account.modified_at),
    }


def account(account: Account, company: Company) -> Json:
    """An account, whole, with its segments; what its type does not have is null."""
    posting = account.type == "Posting"
    return {
        **account_summary(account),
        "Alias": account.alias,
        "Category": account.category if posting else None,
        "PostingType": account.posting_type if posting else None,
        "TypicalBalance": account.typical_balance if posting else None,
        "AllowAccountEntry": True if posting else None,
        "DecimalPlaces": account.decimal_places if account.type == "Unit" else None,
        "UserDefined1": account.user_defined1 if posting else None,
        "UserDefined2": account.user_defined2 if posting else None,
        "CreatedDate": day(account.created_on),
        **_segments(account, company),
    }


def _segments(account: Account, company: Company) -> Json:
    parts = account.id.split(company.separator)
    named = list(zip(company.segments, parts, strict=False))
    return {
        **{f"Segment{segment.number}": _column(part, 9) for segment, part in named},
        **{f"SegmentName{segment.number}": segment.name for segment, _ in named},
        "MainSegment": next((part for segment, part in named if segment.is_main), None),
    }


def entry_summary(entry: Entry) -> Json:
    """What a list of journal entries gives of one: no lines."""
    return {
        "JournalId": entry.journal_id,
        "Date": day(entry.on),
        "RecurringTransactionSequence": entry.sequence,
        "FiscalYear": entry.fiscal_year,
        "TransactionState": entry.state,
        "Reference": _column(entry.reference, 31),
        "ModifiedDate": moment(entry.modified_at),
    }


def entry(entry: Entry) -> Json:
    """A journal entry with its lines."""
    posted = entry.state != "Work"
    return {
        **entry_summary(entry),
        "IsVoided": entry.is_voided,
        "SourceDocumentId": _column(entry.source_document, 11),
        "Series": entry.series,
        "LedgerType": entry.ledger,
        "CurrencyCode": entry.currency,
        "ExchangeRate": None,
        "BatchId": _column(entry.batch, 15),
        "AuditTrailCode": f"GLTRX{entry.journal_id:08d}" if posted else "",
        "PostedDate": day(entry.on if posted else None),
        "PostedBy": entry.posted_by,
        "ModifiedBy": "sa",
        "Lines": [_line(line) for line in entry.lines],
    }


def _line(line: Line) -> Json:
    """A line; amounts in the company's own currency, or the quantity of a unit account."""
    origin = line.origin
    return {
        "SequenceNumber": line.sequence,
        "AccountNumber": _column(line.account, 15),
        "DebitAmount": line.debit / 100,
        "CreditAmount": line.credit / 100,
        "CurrencyCode": "" if line.is_unit else FUNCTIONAL_CURRENCY,
        "IsUnitAccount": line.is_unit,
        "Description": _column(line.description, 31),
        "DocumentId": origin and origin.document,
        "DocumentControlId": origin and origin.control_id,
        "DocumentType": origin and origin.type,
        "MasterId": origin and _column(origin.master_id, 31),
        "MasterName": origin and _column(origin.master_name, 65),
    }


def _column(text: str, width: int) -> str:
    """A text as a column of so many characters holds it."""
    return text.ljust(width)


def _credit(limit: CreditLimit) -> Json:
    """The limit as the columns keep it: 0 none, 1 unlimited, 2 an amount (facts 3.3)."""
    if limit.unlimited:
        return {"CreditLimitType": 1, "CreditLimitAmount": None}
    if limit.amount is None:
        return {"CreditLimitType": 0, "CreditLimitAmount": None}
    return {"CreditLimitType": 2, "CreditLimitAmount": amount(limit.amount)}


def amount(value: Decimal) -> float:
    """As a JSON number."""
    return float(value)


def day(value: date | None) -> str:
    """Midnight of it; GP's empty date for none (facts 4)."""
    return f"{'1900-01-01' if value is None else value.isoformat()}T00:00:00"
