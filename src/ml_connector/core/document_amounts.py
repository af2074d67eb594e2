"""The amounts of a sales document: what its lines and it come to, as GP reckons them, and how a discount gets there.

GP takes the discount off the price of one unit, the CRM off the line as a whole. What does not divide is not lost: the
discount of one unit is rounded down, and what is missing to the cent is a part of the document's trade discount.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from ml_connector.core.sales import Document, Line

ZERO = Decimal(0)
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """The amount as money is rounded, a half upwards."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def line_amount(quantity: Decimal, price: Decimal, discount: Decimal | None) -> Decimal:
    """What a line comes to; ``discount`` is off the price of one unit."""
    return cents(quantity * (price - (discount or ZERO)))


def split_discount(
    quantity: Decimal, price: Decimal | None, discount: Decimal, decimals: int
) -> tuple[Decimal, Decimal]:
    """(Discount of one unit, what is missing then) for a ``discount`` of the whole line; the quantity is above zero.

    ``price``: None: the ERP is to say it. ``decimals``: how many the ERP's prices have. What is missing is never below
    zero, and is less than a unit of the last of these decimals for each piece, and a cent.
    """
    of_one = (discount / quantity).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    if price is None:
        return of_one, cents(discount) - cents(quantity * of_one)
    return of_one, line_amount(quantity, price, of_one) - cents(quantity * price - discount)


def lines_total(lines: Iterable[Line]) -> Decimal | None:
    """What the lines come to; None: the ERP is to say a price."""
    total = ZERO
    for line in lines:
        if line.unit_price is None:
            return None
        total += line_amount(line.quantity, line.unit_price, line.discount)
    return total


def total_of(document: Document) -> Decimal | None:
    """What the document comes to; None: an amount of it is for the ERP to say.

    A trade discount, freight, miscellaneous amount or tax that the document does not say counts as none.
    """
    lines = lines_total(document.lines)
    if lines is None:
        return None
    added = (document.freight, document.miscellaneous, document.tax)
    return lines - (document.trade_discount or ZERO) + sum((amount or ZERO for amount in added), ZERO)
