"""The building blocks of the answers: XML text with the members of each type in declaration order, base class first.

Plain string building: the answers are large and of fixed shape. All elements are in the GP namespace except
the Id of a company key. xs:dateTime carries no zone; a value type that is null is `xsi:nil`, a null reference
is left out, an empty string is an empty element (facts 2.3, 4).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from ml_connector.simulators.gp.company import EXCHANGE_RATES, FUNCTIONAL_CURRENCY, Address, CreditLimit
from ml_connector.simulators.gp.requests import DYN, GP, XSI, CurrencyType

_HEAD = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
    f'<s:Body xmlns:xsi="{XSI}" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)
_NO_DIGITS = frozenset({"JPY"})


def escape(value: str) -> str:
    """Return text as an element may hold it; quick for the many that hold nothing special."""
    if "&" in value or "<" in value or ">" in value:
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value


def envelope(operation: str, result: str | None, kind: str = "") -> str:
    """Return the whole answer of an operation; `result` is the inside of its result element, None for no result.

    `kind` is the result's own type where the declared one is abstract.
    """
    derived = f' xsi:type="{kind}"' if kind else ""
    inside = "" if result is None else f"<{operation}Result{derived}>{result}</{operation}Result>"
    return f'{_HEAD}<{operation}Response xmlns="{GP}">{inside}</{operation}Response></s:Body></s:Envelope>'


def string(name: str, value: str) -> str:
    """Return a string element."""
    return f"<{name}>{escape(value)}</{name}>" if value else f"<{name} />"


def numbered(name: str, *values: str) -> str:
    """Return string elements whose names are numbered from 1."""
    return "".join(string(f"{name}{number}", value) for number, value in enumerate(values, 1))


def boolean(name: str, *, value: bool) -> str:
    """Return a boolean element."""
    return f"<{name}>true</{name}>" if value else f"<{name}>false</{name}>"


def nil(name: str) -> str:
    """Return an element that says there is no value."""
    return f'<{name} xsi:nil="true" />'


def instant(name: str, value: datetime | None) -> str:
    """Return a UTC instant without a zone; None is GP's empty date."""
    return f"<{name}>{moment(value)}</{name}>"


def moment(value: datetime | None) -> str:
    """Return the text of a UTC instant."""
    return "1900-01-01T00:00:00" if value is None else value.isoformat()[:19]


def day(name: str, value: date | None) -> str:
    """Return a plain date as a dateTime at midnight; None is GP's empty date."""
    return f"<{name}>{'1900-01-01' if value is None else value.isoformat()}T00:00:00</{name}>"


def key(name: str, value: str, *, company_id: int | None = None) -> str:
    """Return a key that consists of an Id; an empty one is a null reference and left out."""
    if not value:
        return ""
    within = "" if company_id is None else company_key(company_id)
    return f"<{name}>{within}<Id>{escape(value)}</Id></{name}>"


def company_key(company_id: int) -> str:
    """Return the CompanyKey member of a key; its Id is in the namespace of the context."""
    return f'<CompanyKey><Id xmlns="{DYN}">{company_id}</Id></CompanyKey>'


def address_key(name: str, owner: str, owner_id: str, address_id: str) -> str:
    """Return an address key; it contains its owner's key, the element `owner`."""
    if not address_id:
        return ""
    return f"<{name}>{key(owner, owner_id)}<Id>{escape(address_id)}</Id></{name}>"


def currency_key(name: str, currency: str) -> str:
    """Return a CurrencyKey, which is named by an ISO code."""
    return f"<{name}><ISOCode>{currency}</ISOCode></{name}>"


def account_key(name: str, account: str) -> str:
    """Return a GL account key."""
    return f"<{name}><Id>{account}</Id><IsEncrypted>false</IsEncrypted></{name}>"


def percent(name: str, value: Decimal) -> str:
    """Return a Percent."""
    return f"<{name}><Value>{value:.2f}</Value><DecimalDigits>2</DecimalDigits></{name}>"


class Money:
    """Writes amounts of one record in the currency that the context asks for."""

    __slots__ = ("_digits", "_rate", "currency")

    def __init__(self, currency: str, currency_type: CurrencyType) -> None:
        self.currency = FUNCTIONAL_CURRENCY if currency_type == "Local" else currency
        self._rate = None if self.currency == FUNCTIONAL_CURRENCY else EXCHANGE_RATES[currency]
        self._digits = 0 if self.currency in _NO_DIGITS else 2

    def __call__(self, name: str, functional: Decimal) -> str:
        """Return a MoneyAmount for an amount of the functional currency; five places, as SQL keeps them."""
        value = functional
        if self._rate is not None:
            value = (functional / self._rate).quantize(Decimal(1).scaleb(-self._digits), ROUND_HALF_EVEN)
        return (
            f"<{name}><Currency>{self.currency}</Currency><Value>{value:.5f}</Value>"
            f"<DecimalDigits>{self._digits}</DecimalDigits></{name}>"
        )


def credit_limit(money: Money, limit: CreditLimit, after: str = "") -> str:
    """Return a CreditLimit choice; `after` are the members of a derived type."""
    if limit.unlimited:
        chosen = "<SpecialAmount>Unlimited Credit</SpecialAmount>"
    elif limit.amount is None:
        chosen = "<SpecialAmount>No Credit</SpecialAmount>"
    else:
        chosen = money("Amount", limit.amount)
    return f"<CreditLimit>{chosen}{after}</CreditLimit>"


def phone(name: str, value: str) -> str:
    """Return a PhoneNumber; the extension stays within the value."""
    return f"<{name}>{string('Value', value)}<CountryCode /><Extension /></{name}>"


def phones(first: str, second: str) -> str:
    """Return the PhoneNumbers of a summary; written out, for there are two thousand in a list."""
    return (
        f"<PhoneNumbers><PhoneNumber><Value>{escape(first)}</Value><CountryCode /><Extension /></PhoneNumber>"
        f"<PhoneNumber><Value>{escape(second)}</Value><CountryCode /><Extension /></PhoneNumber></PhoneNumbers>"
    )


def business_address(address: Address) -> str:
    """Return the members of a BusinessAddress."""
    return "".join(
        (
            string("Line1", address.line1),
            string("Line2", address.line2),
            string("Line3", address.line3),
            string("City", address.city),
            string("State", address.state),
            string("PostalCode", address.postal_code),
            string("CountryRegion", address.country),
            phone("Phone1", address.phone1),
            phone("Phone2", address.phone2),
            phone("Phone3", address.phone3),
            phone("Fax", address.fax),
            key("CountryRegionCodeKey", address.country_code),
            string("Name", address.name),
            string("ContactPerson", address.contact),
        )
    )


def constituent_address(address: Address) -> str:
    """Return the members of a ConstituentAddress: a business address with its stamps and its e-mail."""
    email = address.email
    return "".join(
        (
            business_address(address),
            string("UPSZone", address.ups_zone),
            key("ShippingMethodKey", address.shipping_method),
            key("TaxScheduleKey", address.tax_schedule),
            day("CreatedDate", address.created_on),
            instant("ModifiedDate", address.modified_at),
            instant("LastModifiedDate", address.modified_at),
            string("UserDefined1", address.user_defined1),
            string("UserDefined2", address.user_defined2),
            "<InternetAddresses><MessengerAddress />",
            string("EmailToAddress", email.to),
            string("EmailCcAddress", email.cc),
            string("EmailBccAddress", email.bcc),
            string("InternetField1", email.internet1),
            "<InternetField2 /><InternetField3 /><InternetField4 /><InternetField5 /><InternetField6 />",
            "<InternetField7 /><InternetField8 /><AdditionalInformation /></InternetAddresses>",
        )
    )
