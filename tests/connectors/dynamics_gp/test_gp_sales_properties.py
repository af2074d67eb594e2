"""Whatever a document is changed into: what is sent says exactly that, in GP's order, by either dialect."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gp_reference import GP, needs_reference, write_schema
from ml_connector.connectors.dynamics_gp import sales_trees, sales_xml, sba_sales, soap
from ml_connector.connectors.dynamics_gp.sba_sales_config import SbaSales
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Document, Kind, Line, ShipTo

NAMES = SbaSales()
TEXT = st.text("aé<&>\"' 7", max_size=6).map(str.strip)
KEY = st.text("AB-1", min_size=1, max_size=3)
DAY = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
MONEY = st.none() | st.decimals(0, 10_000, places=5).map(abs)
ADDRESS = st.none() | st.builds(ShipTo, *([TEXT] * 9), phone=st.sampled_from(("", "3125550199", "+49 30 1")))


def lines(sequences):
    return st.builds(
        Line,
        item=KEY,
        quantity=st.decimals(1, 99, places=2),
        unit=TEXT,
        unit_price=MONEY,
        discount=MONEY,
        description=TEXT,
        site=TEXT,
        tax=MONEY,
        requested_on=DAY,
        comment=TEXT,
        is_non_inventory=st.booleans(),
        account=TEXT,
        reference=TEXT,
        sequence=sequences,
    )


def documents(kind, of_lines):
    return st.builds(
        Document,
        kind=st.just(kind),
        number=st.just("ZO1"),
        customer=st.just("C1"),
        lines=of_lines,
        type_id=TEXT,
        batch=TEXT,
        on=DAY,
        expires_on=DAY if kind is Kind.QUOTE else st.none(),
        requested_on=DAY,
        customer_po=TEXT,
        reference=TEXT,
        texts=st.dictionaries(st.integers(1, 5), TEXT.filter(bool)),
        freight=MONEY,
        trade_discount=MONEY,
        miscellaneous=MONEY,
        tax=MONEY,
        ship_to_key=TEXT,
        ship_to=ADDRESS,
        price_level=TEXT,
        shipping_method=TEXT,
        site=TEXT,
        currency=st.sampled_from(("", "USD")),
        comment=TEXT,
    )


@st.composite
def changes(draw):
    """A document as it stands, and as it is to be: of its lines some are changed, gone, of another item or new."""
    kind = draw(st.sampled_from((Kind.ORDER, Kind.QUOTE)))
    count = draw(st.integers(0, 3))
    there = [draw(lines(st.just(16384 * (number + 1)))) for number in range(count)]
    before = draw(documents(kind, st.just(tuple(there))))
    kept = [line for line in there if draw(st.booleans())]
    moved = [draw(st.just(line) | lines(st.just(line.sequence))) for line in kept]
    new = draw(st.lists(lines(st.just(0)), max_size=2))
    after = draw(st.just(before) | documents(kind, st.just(())))
    return before, replace(after, lines=(*moved, *new))


def cleaned(document: Document) -> Document:
    """As it can be read: an address that says nothing is none, a line of another item is another line."""
    ship_to = document.ship_to if document.ship_to and any(_parts(document.ship_to)) else None
    return replace(document, ship_to=ship_to)


def _parts(address: ShipTo) -> list[str]:
    return [getattr(address, name) for name in ShipTo.__dataclass_fields__]


def expected(before: Document, after: Document) -> Document:
    was = {line.sequence: line for line in before.lines}
    wanted = [
        line
        if line.sequence and fold_key(was[line.sequence].item) == fold_key(line.item)
        else replace(line, sequence=0)
        for line in after.lines
    ]
    moved = after.ship_to_key != before.ship_to_key and after.ship_to == before.ship_to
    return replace(
        cleaned(after), lines=tuple(sorted(wanted, key=by_line)), **({"ship_to": None} if moved else {})
    )


def _is_same(line: Line, was: Line | None) -> bool:
    return was is not None and fold_key(was.item) == fold_key(line.item)


def differing(there: Document, wanted: Document) -> list[tuple[str, object, object]]:
    pairs = [(name, getattr(there, name), getattr(wanted, name)) for name in Document.__dataclass_fields__]
    return [pair for pair in pairs if pair[1] != pair[2]]


def by_line(line: Line) -> tuple[object, ...]:
    return line.sequence or 10**9, repr(line)


def read(kind: Kind, tree: object) -> Document:
    found = sales_trees.standing(kind, tree).document
    return replace(found, lines=tuple(sorted(found.lines, key=by_line)))


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return write_schema(tmp_path_factory.mktemp("schemas"), whole=False)


@needs_reference
@given(changes())
def test_by_soap_a_change_says_exactly_what_is_to_be(schema, change):
    before, after = change
    made = etree.fromstring(sales_xml.new(before))
    came = {"lines": tuple(sorted(before.lines, key=by_line))}
    assert differing(read(before.kind, soap.tree_of(made)), replace(cleaned(before), **came)) == []
    sent = etree.fromstring(sales_xml.changed(made, before, after))
    verb, kind = "Update", "Order" if after.kind is Kind.ORDER else "Quote"
    for verb, element in (("Create", made), ("Update", sent)):
        wrapper = etree.Element(f"{{{GP}}}{verb}Sales{kind}")
        wrapper.append(etree.fromstring(etree.tostring(element)))
        schema.assertValid(wrapper)
    for line in sent.findall(f".//{{{GP}}}DeleteOnUpdate"):
        line.getparent().getparent().remove(line.getparent())
    assert differing(read(after.kind, soap.tree_of(sent)), expected(before, after)) == []


def laid_over(row: dict, patch: dict) -> dict:
    """What a service makes of a PATCH: what is not in it stays, lines are known by their sequence."""
    left = {line["LineSequence"]: line for line in row["Lines"]}
    for line in patch.pop("Lines", []):
        number = line.get("LineSequence", len(left) + 10**9)
        left[number] = {**left.get(number, {}), **line}
    return {**row, **patch, "Lines": [line for line in left.values() if not line.get("Delete")]}


def as_row(body: bytes | str) -> dict:
    """As the dialect reads JSON: numbers and truth as texts."""
    return json.loads(
        body, parse_float=str, parse_int=str, object_pairs_hook=lambda pairs: {n: _told(v) for n, v in pairs}
    )


def _told(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


@given(changes())
def test_by_sba_a_change_says_exactly_what_is_to_be(change):
    before, after = change
    row = as_row(sba_sales.new(before, NAMES))
    came = {"lines": tuple(sorted(before.lines, key=by_line))}
    assert (
        differing(
            read(before.kind, sba_sales.tree(before.kind, row, NAMES)), replace(cleaned(before), **came)
        )
        == []
    )
    patched = laid_over(row, as_row(sba_sales.changed(row, before, after, NAMES)))
    wanted = replace(expected(before, after), ship_to=cleaned(after).ship_to)
    assert differing(read(after.kind, sba_sales.tree(after.kind, patched, NAMES)), wanted) == []


@given(st.decimals(-10_000, 10_000, places=5))
def test_an_amount_is_written_as_it_is(amount):
    assert json.loads(sba_sales.written(amount, "%Y"), parse_float=Decimal, parse_int=Decimal) == amount
