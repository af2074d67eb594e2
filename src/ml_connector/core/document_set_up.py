"""What documents would refer to in the ERP, as far as mappings, settings and products tell before the first one. Pure.

What only a document says (a carrier that somebody types, a unit in a field of its own) shows with that document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ml_connector.core.document_mapping import ROW, DocumentMapping, DocumentRule, Terms
from ml_connector.core.sales_ports import Need, Thing

PRODUCTS = "Products"
CODE, ACTIVE = "Product_Code", "Product_Active"

_THINGS: Mapping[str, Thing] = {
    "unit": Thing.UNIT,
    "site": Thing.SITE,
    "price_level": Thing.PRICE_LEVEL,
    "shipping_method": Thing.SHIPPING_METHOD,
}
#: (module, field) -> the values that a picklist of the CRM offers.
Choices = Mapping[tuple[str, str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the CRM that is sold."""

    record_id: str
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that documents would refer to; one of ``needs`` is enough."""

    thing: Thing
    id: str
    by: str  #: who says so
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Unmet:
    """A reference that leads nowhere."""

    reference: Reference
    why: str


def sells_products(mapping: DocumentMapping) -> bool:
    """Whether the items of its lines are named by the codes of products."""
    rule = _item_rule(mapping)
    return rule is not None and any(source.endswith(f".{CODE}") for source in rule.sources)


def references(
    mapping: DocumentMapping, terms: Terms, products: Sequence[Product], choices: Choices, today: date
) -> list[Reference]:
    """Each thing once that documents of this mapping would refer to."""
    items = _items(mapping, terms, products)
    found = [*items, *_batch(mapping, terms, today), *_site(terms)]
    for rule in (*mapping.header, *mapping.lines):
        thing = _THINGS.get(rule.target)
        for word, by in _words(rule, mapping, terms, choices) if thing else ():
            assert thing is not None
            found.append(Reference(thing, word, by, _needs(thing, word, items)))
    return list({(one.thing, one.id.casefold()): one for one in reversed(found)}.values())[::-1]


def unmet(told: Iterable[Reference], missing: Mapping[Need, str]) -> list[Unmet]:
    """Those of which the ERP has none, each with a sentence why."""
    return [
        Unmet(one, _why(one, missing))
        for one in told
        if one.needs and all(need in missing for need in one.needs)
    ]


def _why(one: Reference, missing: Mapping[Need, str]) -> str:
    if len(one.needs) == 1:
        return missing[one.needs[0]]
    return f"None of the {len(one.needs):,} items has the {one.thing} {one.id} in GP."


def _item_rule(mapping: DocumentMapping) -> DocumentRule | None:
    return next((rule for rule in mapping.lines if rule.target == "item"), None)


def _items(mapping: DocumentMapping, terms: Terms, products: Sequence[Product]) -> list[Reference]:
    """Items of the ERP's list; where every line is none of these, there are none."""
    if any(rule.target == "is_non_inventory" and rule.constant is True for rule in mapping.lines):
        return []
    rule = _item_rule(mapping)
    told = {
        product.code.strip(): f"the product “{product.name}” ({product.record_id})" for product in products
    }
    found = told if sells_products(mapping) else {}
    if rule is not None and rule.constant:
        found = {str(rule.constant): f"the mapping {mapping.name}"}
    elif rule is None and terms.item:
        found = {terms.item: "[sales]"}
    return [Reference(Thing.ITEM, id_, by, (Need(Thing.ITEM, id_),)) for id_, by in found.items() if id_]


def _batch(mapping: DocumentMapping, terms: Terms, today: date) -> Iterator[Reference]:
    if batch := today.strftime(terms.batch):
        yield Reference(Thing.BATCH, batch, f"[sales] for {mapping.name}", (Need(Thing.BATCH, batch),))


def _site(terms: Terms) -> Iterator[Reference]:
    if terms.site:
        yield Reference(Thing.SITE, terms.site, "[sales]", (Need(Thing.SITE, terms.site),))


def _words(
    rule: DocumentRule, mapping: DocumentMapping, terms: Terms, choices: Choices
) -> Iterator[tuple[str, str]]:
    """What a rule can say, in the ERP's words, and who says so: its constant, its table, the choices of its field."""
    table = terms.tables.get(rule.table, {}) if rule.table else {}
    if rule.constant:
        word = str(rule.constant)
        yield table.get(word.strip().casefold(), word), f"the mapping {mapping.name}"
    for word in table.values():
        yield word, f"“{rule.table}” of [sales]"
    for source in rule.sources if rule.transform == "copy" else ():
        module = mapping.rows if source.startswith(ROW) else mapping.module
        name = source.removeprefix(ROW)
        for word in choices.get((module, name), ()):
            yield table.get(word.strip().casefold(), word), f"{name} of {module}"


def _needs(thing: Thing, word: str, items: Sequence[Reference]) -> tuple[Need, ...]:
    """A unit is one of some item; which item is sold in it, only the document says."""
    if thing is Thing.UNIT:
        return tuple(Need(thing, word, item.id) for item in items)
    return (Need(thing, word),)
