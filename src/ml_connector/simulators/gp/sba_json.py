"""Vendors and customers as SBA's JSON. Its real form is documented nowhere (facts 1.6): the names here are invented.

What holds of the columns holds of the JSON: texts keep their trailing blanks, phones their zeros, an empty date is
1900-01-01, ModifiedDate is UTC without a zone.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.simulators.gp.answers import moment
from ml_connector.simulators.gp.company import Address, CreditLimit, Customer, Master, Vendor

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
        "MinimumOrder": _amount(vendor.minimum_order),
        **_credit(vendor.credit_limit),
        "CreatedDate": _day(vendor.created_on),
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
        "CreatedDate": _day(customer.created_on),
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
        "EmailTo": address.email.to,
        "EmailCc": address.email.cc,
        "SalespersonId": address.salesperson,
    }


def _credit(limit: CreditLimit) -> Json:
    """The limit as the columns keep it: 0 none, 1 unlimited, 2 an amount (facts 3.3)."""
    if limit.unlimited:
        return {"CreditLimitType": 1, "CreditLimitAmount": None}
    if limit.amount is None:
        return {"CreditLimitType": 0, "CreditLimitAmount": None}
    return {"CreditLimitType": 2, "CreditLimitAmount": _amount(limit.amount)}


def _amount(value: Decimal) -> float:
    return float(value)


def _day(value: date | None) -> str:
    return f"{'1900-01-01' if value is None else value.isoformat()}T00:00:00"
