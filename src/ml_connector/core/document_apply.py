"""A mapping of documents applied to a record. A record at fault is rejected with the field of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from ml_connector.core.catalogue import CUSTOMER_MISSING, TOTAL_UNEXPLAINED, VALUE_MISSING, VALUE_UNFIT
from ml_connector.core.document_amounts import ZERO, split_discount, total_of
from ml_connector.core.document_mapping import (
    HEADER,
    LINES,
    Around,
    DocumentMapping,
    DocumentRule,
    Numbering,
    Pointed,
    Shape,
    Terms,
    Type,
    Wanted,
    meaning_of,
)
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.numbering import number_of
from ml_connector.core.record import Fields, Record, Value
from ml_connector.core.sales import Document, Line
from ml_connector.core.ship_to import found_address, laid_out
from ml_connector.core.transform import TRANSFORMS, MapContext

_IN_THE_CRM = "Correct it in the CRM, or change the mapping {name}."


def pointed_by(record: Record, mapping: DocumentMapping) -> frozenset[Pointed]:
    """Every record that a lookup of this one points to: what they are called in the ERP has to be known first."""
    return frozenset(
        Pointed(rule.lookup, str(value))
        for rules, every in _places(record, mapping)
        for rule in rules
        if rule.lookup
        for fields in every
        if (value := _first(rule, fields)) is not None
    )


def map_document(record: Record, mapping: DocumentMapping, terms: Terms, around: Around) -> Wanted:
    """What the ERP should have of the record. Raises RecordRejectedError.

    Its lines come in the order of the record's parts. What no rule says, and what is empty in the CRM, is left to the
    ERP; an amount that a rule says is nought then.
    """
    (header, (fields,)), (rules, rows) = _places(record, mapping)
    said = _values(header, fields, HEADER, "", (mapping, terms, around))
    _require(said, "customer", CUSTOMER_MISSING)
    made = [
        _line(_values(rules, row, LINES, f"Line {n}: ", (mapping, terms, around)), n, part, terms)
        for n, (part, row) in enumerate(
            zip(record.parts if mapping.rows else [record.key], rows, strict=True), 1
        )
    ]
    if not made:
        raise RecordRejectedError(
            "It has no lines.", "Add one in the CRM.", code=VALUE_MISSING, field="lines"
        )
    document = _document(record, mapping, said, made, (terms, around))
    total = _amount_of(said, "total")
    _check_total(document, total, terms, mapping)
    return Wanted(
        document,
        total if total is not None else total_of(document),
        meaning_of(mapping, terms),
        *(_text_of(said, name) for name in ("stage", "deal", "quote")),
    )


def _places(
    record: Record, mapping: DocumentMapping
) -> tuple[tuple[Sequence[DocumentRule], list[Fields]], tuple[Sequence[DocumentRule], list[Fields]]]:
    """The rules of the header with the record, those of the lines with its rows."""
    rows = list(record.parts.values()) if mapping.rows else [record.fields]
    return (mapping.header, [record.fields]), (mapping.lines, rows)


# -- values


_With = tuple[DocumentMapping, Terms, Around]


def _values(
    rules: Sequence[DocumentRule], fields: Fields, shapes: Mapping[str, Shape], at: str, given: _With
) -> dict[str, Value]:
    """Every value that the rules say, checked; ``at`` begins what is said of a fault."""
    said: dict[str, Value] = {}
    for rule in rules:
        try:
            said[rule.target] = _fitting(_value(rule, fields, given), shapes[rule.target])
        except RecordRejectedError as error:
            remedy = error.remedy or _IN_THE_CRM.format(name=given[0].name)
            raise RecordRejectedError(
                f"{at}{error.happened}"
                if error.code != VALUE_UNFIT
                else f"{at}{_named(rule)} {error.happened}",
                remedy,
                code=error.code,
                field=rule.target if not at else f"lines.{rule.target}",
            ) from error
    return said


def _named(rule: DocumentRule) -> str:
    return f"{rule.target} ({', '.join(rule.sources) or 'a constant'})"


def _first(rule: DocumentRule, fields: Fields) -> Value:
    """Of the fields of a rule, the first that is set."""
    values = (fields.get(name) for name in rule.sources)
    return next((value for value in values if value not in (None, "")), None)


def _value(rule: DocumentRule, fields: Fields, given: _With) -> Value:
    _, terms, around = given
    if not rule.sources:
        return rule.constant
    if rule.lookup:
        return _looked_up(rule, fields, around)
    values = tuple(fields.get(name) for name in rule.sources)
    value = TRANSFORMS[rule.transform](values, MapContext(terms.currency))
    if rule.table and isinstance(value, str):
        return terms.tables.get(rule.table, {}).get(value.strip().casefold(), value)
    return value


def _looked_up(rule: DocumentRule, fields: Fields, around: Around) -> Value:
    value = _first(rule, fields)
    if value is None:
        return None
    name = around.names.get(Pointed(rule.lookup, str(value)))
    if name:
        return name
    code = CUSTOMER_MISSING if rule.target == "customer" else VALUE_MISSING
    raise RecordRejectedError(
        f"The record of {rule.lookup} that {rule.sources[0]} points to is none of the ERP's.",
        "Choose another there, or wait until that one is linked to the ERP.",
        code=code,
    )


def _fitting(value: Value, shape: Shape) -> Value:
    """The value as the ERP takes it; empty: None."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if shape.type is Type.TEXT:
        return _text(value, shape)
    made = {Type.AMOUNT: _amount, Type.DAY: _day, Type.YES_NO: _yes_no}[shape.type](value)
    if made is None:
        raise _unfit(f"is “{value}”, which is not {shape.type.value}.")
    if isinstance(made, Decimal) and made < 0 and not shape.may_be_negative:
        raise _unfit(f"is {made}, which is below nought.")
    return made


def _unfit(what: str) -> RecordRejectedError:
    return RecordRejectedError(what, code=VALUE_UNFIT)


def _text(value: Value, shape: Shape) -> str:
    text = str(value).strip()
    if not shape.longest or len(text) <= shape.longest:
        return text
    if shape.is_cut:
        return text[: shape.longest].rstrip()
    raise _unfit(f"is “{text}”, which is longer than {shape.longest} characters.")


def _amount(value: Value) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _day(value: Value) -> date | None:
    """The day; of an instant, the day that it is written on."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def _yes_no(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


def _require(said: Mapping[str, Value], name: str, code: str = VALUE_MISSING, at: str = "") -> None:
    if said.get(name) is None:
        raise RecordRejectedError(
            f"{at}It has no {name}.",
            "Fill it in in the CRM.",
            code=code,
            field=f"lines.{name}" if at else name,
        )


def _text_of(said: Mapping[str, Value], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _amount_of(said: Mapping[str, Value], name: str) -> Decimal | None:
    """The amount; nought where a rule says it and nothing stands there, None where no rule does."""
    value = said.get(name)
    if isinstance(value, Decimal):
        return value
    return ZERO if name in said and name != "total" else None


def _day_of(said: Mapping[str, Value], name: str) -> date | None:
    value = said.get(name)
    return value if isinstance(value, date) else None


# -- lines and header


_Made = tuple[Line, Decimal]  #: a line, and what its discount lacks to the cent


def _line(said: Mapping[str, Value], position: int, part: str, terms: Terms) -> _Made:
    at = f"Line {position}: "
    item = _text_of(said, "item") or terms.item
    _require({"item": item or None}, "item", at=at)
    quantity = _amount_of(said, "quantity")
    if not quantity:
        _require({}, "quantity", at=at)
    assert quantity is not None
    price = said.get("unit_price")
    price = price if isinstance(price, Decimal) else None
    discount, missing = _discount(said, quantity, price, at, terms)
    line = Line(
        item=item,
        quantity=quantity,
        unit=_text_of(said, "unit"),
        unit_price=price,
        discount=discount,
        description=_text_of(said, "description"),
        site=_text_of(said, "site"),
        tax=_amount_of(said, "tax"),
        requested_on=_day_of(said, "requested_on"),
        comment=_text_of(said, "comment"),
        is_non_inventory=said.get("is_non_inventory") is True,
        account=_text_of(said, "account"),
        reference=part,
    )
    return line, missing


def _discount(
    said: Mapping[str, Value], quantity: Decimal, price: Decimal | None, at: str, terms: Terms
) -> tuple[Decimal | None, Decimal]:
    """The discount of one unit, and what is missing then."""
    if price is not None and price != round(price, terms.price_decimals):
        raise RecordRejectedError(
            f"{at}The price {price} has more than {terms.price_decimals} decimals.",
            "Round it in the CRM; or, if GP's prices have more, say so in price_decimals of [sales].",
            code=VALUE_UNFIT,
            field="lines.unit_price",
        )
    discount = _amount_of(said, "discount")
    if not discount:
        return discount, ZERO
    if price is not None and discount > quantity * price:
        raise RecordRejectedError(
            f"{at}The discount {discount} is more than the line comes to.",
            "Correct it in the CRM.",
            code=VALUE_UNFIT,
            field="lines.discount",
        )
    return split_discount(quantity, price, discount, terms.price_decimals)


def _document(
    record: Record,
    mapping: DocumentMapping,
    said: Mapping[str, Value],
    made: Sequence[_Made],
    given: tuple[Terms, Around],
) -> Document:
    terms, around = given
    adjustment = _amount_of(said, "adjustment")
    number = number_of(record.key, terms.prefix)
    document = Document(
        kind=mapping.kind,
        number=number,
        customer=_text_of(said, "customer"),
        lines=tuple(line for line, _ in made),
        type_id=terms.type_id,
        batch=around.today.strftime(terms.batch),
        on=_day_of(said, "on"),
        expires_on=_day_of(said, "expires_on"),
        requested_on=_day_of(said, "requested_on"),
        customer_po=_text_of(said, "customer_po"),
        reference=record.key,
        texts={n: text for n in range(1, 6) if (text := _text_of(said, f"text_{n}"))},
        freight=_amount_of(said, "freight"),
        trade_discount=_trade_discount(said, made, adjustment),
        miscellaneous=max(adjustment, ZERO) if adjustment is not None else None,
        tax=_amount_of(said, "tax"),
        price_level=_text_of(said, "price_level"),
        shipping_method=_text_of(said, "shipping_method"),
        site=_text_of(said, "site") or terms.site,
        currency=_text_of(said, "currency") or terms.currency,
        comment=_text_of(said, "comment"),
    )
    document = _shipped(document, said, around)
    return _numbered_by_gp(document, number) if terms.numbering is Numbering.GP else document


def _trade_discount(
    said: Mapping[str, Value], made: Sequence[_Made], adjustment: Decimal | None
) -> Decimal | None:
    """What the CRM takes off the whole, an adjustment below nought, and what the discounts of lines lack."""
    own = _amount_of(said, "trade_discount")
    more = sum((missing for _, missing in made), ZERO) + max(-(adjustment or ZERO), ZERO)
    return (own or ZERO) + more if more or own is not None else None


def _shipped(document: Document, said: Mapping[str, Value], around: Around) -> Document:
    """With the key of the customer's address where it is one of these, else with the address itself."""
    if key := _text_of(said, "ship_to_key"):
        return replace(document, ship_to_key=key)
    ship_to = laid_out(
        {
            name.removeprefix("ship_to."): _text_of(said, name)
            for name in HEADER
            if name.startswith("ship_to.")
        }
    )
    if ship_to is None:
        return document
    key = found_address(ship_to, around.addresses)
    return replace(document, ship_to_key=key) if key else replace(document, ship_to=ship_to)


def _numbered_by_gp(document: Document, number: str) -> Document:
    """Our number where the ERP can be asked for it; the customer's own in the first text."""
    texts = {**document.texts, **({1: document.customer_po} if document.customer_po else {})}
    return replace(document, number="", customer_po=number, texts=texts)


def _check_total(document: Document, total: Decimal | None, terms: Terms, mapping: DocumentMapping) -> None:
    """The document has to say what the CRM shows, before it is sent."""
    own = total_of(document)
    if total is None or own is None or abs(own - total) <= terms.total_tolerance:
        return
    raise RecordRejectedError(
        f"The CRM shows a total of {total:,.2f}, and lines, discounts, taxes and other amounts come to {own:,.2f}.",
        f"Look which amount the mapping {mapping.name} leaves out, or correct the record in the CRM.",
        code=TOTAL_UNEXPLAINED,
        field="total",
    )
