"""A mapping of documents applied to a record. A record at fault is rejected with the field of the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ml_connector.core.catalogue import CUSTOMER_MISSING, TOTAL_UNEXPLAINED, VALUE_MISSING
from ml_connector.core.document_amounts import CENT, ZERO, cents, split_discount, total_of
from ml_connector.core.document_mapping import (
    HEADER,
    LINES,
    Around,
    DocumentMapping,
    Numbering,
    Pointed,
    Terms,
    Wanted,
    meaning_of,
)
from ml_connector.core.document_said import Reader, Said, pointed_at
from ml_connector.core.numbering import number_of
from ml_connector.core.record import Fields, Record
from ml_connector.core.sales import Document, Line
from ml_connector.core.ship_to import laid_out


@dataclass(frozen=True, slots=True)
class _Made:
    """A line as the ERP is to have it."""

    line: Line
    missing: Decimal = ZERO  #: what its discount lacks to the cent
    is_rounded: bool = False  #: it comes to parts of a cent, which the CRM may have rounded either way


def pointed_by(record: Record, mapping: DocumentMapping) -> frozenset[Pointed]:
    """Every record that a lookup of this one points to: what they are called in the ERP has to be known first."""
    places = [(mapping.header, record.fields)]
    places += [(mapping.lines, row) for row in _rows(record, mapping).values()]
    found = (pointed_at(rule, fields) for rules, fields in places for rule in rules if rule.lookup)
    return frozenset(filter(None, found))


def stage_columns(mapping: DocumentMapping) -> list[str]:
    """The fields of the CRM that say in which stage a record is."""
    return [name for rule in mapping.header if rule.target == "stage" for name in rule.sources]


def stage_of(record: Record, mapping: DocumentMapping, terms: Terms) -> str:
    """In which stage the record is, whatever else is wrong with it. Raises RecordRejectedError if that cannot be."""
    rules = [rule for rule in mapping.header if rule.target == "stage"]
    reader = Reader(mapping.name, terms, Around(date.min))
    return reader.said(rules, record.fields, HEADER).text("stage").strip().casefold()


def map_document(record: Record, mapping: DocumentMapping, terms: Terms, around: Around) -> Wanted:
    """What the ERP should have of the record. Raises RecordRejectedError.

    Its lines come in the order of the record's parts. What no rule says, and what is empty in the CRM, is left to the
    ERP; an amount that a rule says is nought then.
    """
    reader = Reader(mapping.name, terms, around)
    said = reader.said(mapping.header, record.fields, HEADER)
    if not said.text("customer"):
        raise said.missing("customer", CUSTOMER_MISSING)
    made = [
        _line(reader.said(mapping.lines, row, LINES, f"Line {n}: "), reference, terms)
        for n, (reference, row) in enumerate(_rows(record, mapping).items(), 1)
    ]
    if not made:
        raise said.fault("lines", "It has no lines.", "Add one in the CRM.", VALUE_MISSING)
    document, total = _document(record, mapping, said, made, reader), said.set_amount("total")
    if total is not None:
        document = _rounded_alike(document, total, sum(one.is_rounded for one in made))
        _check_total(document, total, said, reader)
    return Wanted(
        document,
        total if total is not None else total_of(document),
        meaning_of(mapping, terms),
        *(said.text(name) for name in ("stage", "deal", "quote")),
    )


def _rows(record: Record, mapping: DocumentMapping) -> dict[str, Fields]:
    """What becomes a line each, by what names it in the CRM: the fields of the row, and those of the record."""
    if not mapping.rows:
        return {record.key: record.fields}
    return {reference: {**record.fields, **row} for reference, row in record.parts.items()}


# -- lines


def _line(said: Said, reference: str, terms: Terms) -> _Made:
    item, quantity = said.text("item") or terms.item, said.set_amount("quantity")
    if not item:
        raise said.missing("item")
    if not quantity:
        raise said.missing("quantity")
    price = said.set_amount("unit_price")
    discount, missing = _discount(said, quantity, price, terms.price_decimals)
    exact = quantity * price - (said.amount("discount") or ZERO) if price is not None else ZERO
    line = Line(
        item=item,
        quantity=quantity,
        unit=said.text("unit"),
        unit_price=price,
        discount=discount,
        description=said.text("description"),
        site=said.text("site"),
        tax=said.amount("tax"),
        requested_on=said.day("requested_on"),
        comment=said.text("comment"),
        is_non_inventory=said.values.get("is_non_inventory") is True,
        account=said.text("account"),
        reference=reference,
    )
    return _Made(line, missing, exact != cents(exact))


def _discount(
    said: Said, quantity: Decimal, price: Decimal | None, decimals: int
) -> tuple[Decimal | None, Decimal]:
    """The discount of one unit, and what is missing then."""
    if price is not None and price != round(price, decimals):
        raise said.fault(
            "unit_price",
            f"The price {price} has more than {decimals} decimals.",
            "Round it in the CRM; or, if GP's prices have more, say so in price_decimals of [sales].",
        )
    discount = said.amount("discount")
    if not discount:
        return discount, ZERO
    if price is not None and discount > quantity * price:
        raise said.fault(
            "discount", f"The discount {discount} is more than the line comes to.", "Correct it in the CRM."
        )
    return split_discount(quantity, price, discount, decimals)


# -- the document


def _document(
    record: Record, mapping: DocumentMapping, said: Said, made: Sequence[_Made], reader: Reader
) -> Document:
    terms = reader.terms
    adjustment = said.amount("adjustment")
    document = Document(
        kind=mapping.kind,
        number=number_of(record.key, terms.prefix),
        customer=said.text("customer"),
        lines=tuple(one.line for one in made),
        type_id=terms.type_id,
        batch=reader.around.today.strftime(terms.batch),
        on=said.day("on"),
        expires_on=said.day("expires_on"),
        requested_on=said.day("requested_on"),
        customer_po=said.text("customer_po"),
        reference=record.key,
        texts={n: text for n in range(1, 6) if (text := said.text(f"text_{n}"))},
        freight=said.amount("freight"),
        trade_discount=_trade_discount(said.amount("trade_discount"), made, adjustment),
        miscellaneous=None if adjustment is None else max(adjustment, ZERO),
        tax=_tax(said.amount("tax"), made),
        price_level=said.text("price_level"),
        shipping_method=said.text("shipping_method"),
        site=said.text("site") or terms.site,
        currency=said.text("currency") or terms.currency,
        comment=said.text("comment"),
    )
    document = _shipped(document, said)
    return _numbered_by_gp(document) if terms.numbering is Numbering.GP else document


def _tax(of_whole: Decimal | None, made: Sequence[_Made]) -> Decimal | None:
    """All taxes: those on the whole, and those of the lines, which Zoho has in the lines' totals."""
    told = [tax for tax in (of_whole, *(one.line.tax for one in made)) if tax is not None]
    return sum(told, ZERO) if told else None


def _trade_discount(own: Decimal | None, made: Sequence[_Made], adjustment: Decimal | None) -> Decimal | None:
    """What the CRM takes off the whole, an adjustment below nought, and what the discounts of lines lack."""
    more = sum((one.missing for one in made), ZERO) + max(-(adjustment or ZERO), ZERO)
    return (own or ZERO) + more if more or own is not None else None


def _shipped(document: Document, said: Said) -> Document:
    """With the key of one of the customer's addresses if that is said, else with the address itself."""
    if key := said.text("ship_to_key"):
        return replace(document, ship_to_key=key)
    names = (name for name in HEADER if name.startswith("ship_to."))
    return replace(
        document, ship_to=laid_out({name.removeprefix("ship_to."): said.text(name) for name in names})
    )


def _numbered_by_gp(document: Document) -> Document:
    """Our number where the ERP can be asked for it; the customer's own in the first text."""
    own = {1: document.customer_po} if document.customer_po else {}
    return replace(document, number="", customer_po=document.number, texts={**document.texts, **own})


def _rounded_alike(document: Document, total: Decimal, rounded: int) -> Document:
    """Where lines come to parts of a cent, and the CRM rounded otherwise: a cent for each, off the whole or onto it."""
    own = total_of(document)
    more = ZERO if own is None else own - total
    if not more or abs(more) > rounded * CENT:
        return document
    if more > 0:
        return replace(document, trade_discount=(document.trade_discount or ZERO) + more)
    return replace(document, miscellaneous=(document.miscellaneous or ZERO) - more)


def _check_total(document: Document, total: Decimal, said: Said, reader: Reader) -> None:
    """The document has to say what the CRM shows, before it is sent."""
    own = total_of(document)
    if own is None or abs(own - total) <= reader.terms.total_tolerance:
        return
    raise said.fault(
        "total",
        f"The CRM shows a total of {total:,.2f}, and lines, discounts, taxes and other amounts come to {own:,.2f}.",
        f"Look which amount the mapping {reader.mapping} leaves out, or correct the record in the CRM.",
        TOTAL_UNEXPLAINED,
    )
