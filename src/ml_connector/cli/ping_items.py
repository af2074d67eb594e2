"""``ml-connector ping --items``: whether GP has what the first documents would refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector.cli.checks import System
from ml_connector.core.document_set_up import (
    ACTIVE,
    CODE,
    PRODUCTS,
    Choices,
    Product,
    Unmet,
    references,
    sells_products,
    unmet,
)
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Check
from ml_connector.core.sales_ports import Thing
from ml_connector.loading import load_document_mappings

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.document_mapping import DocumentMapping
    from ml_connector.gp_company import GpCompany

_NAME = "Product_Name"
_REMEDIES: Mapping[Thing, str] = {
    Thing.ITEM: "Make the item in GP, or give the product the code of one that GP has.",
    Thing.BATCH: "Make the batch in GP, or name another one under [sales].",
}
_OTHERWISE = "Make it in GP, or say in the tables of [sales] what GP calls it."


def set_up_systems(app: App) -> list[System]:
    """What the documents of [sales] need of each company of GP. ConfigurationError: there are none."""
    mappings = load_document_mappings(app.settings)
    if not mappings:
        raise ConfigurationError(
            "No documents go to GP, so there are no items to look for.",
            "Set enabled = true under [sales.orders], [sales.quotes] or [sales.deals] first.",
        )
    return [_system(app, company, mappings) for company in app.companies.values()]


def _system(app: App, company: GpCompany, mappings: Mapping[str, DocumentMapping]) -> System:
    name = f"Dynamics GP {company.settings.name}".rstrip()
    return System(
        f"{name}, set-up", partial(_checks, app, company, mappings), company.source.clock_difference
    )


def _checks(app: App, company: GpCompany, mappings: Mapping[str, DocumentMapping]) -> list[Check]:
    """A check for each thing that is missing, and one for all that is there; products without a code are told."""
    products = _products(app) if any(map(sells_products, mappings.values())) else []
    today = app.clock.now().astimezone(ZoneInfo(app.settings.serve.time_zone)).date()
    coded = [product for product in products if product.code.strip()]
    told = []
    for section, mapping in mappings.items():
        terms = app.settings.sales.terms_of(app.settings.sales.enabled[section], "")
        told += references(mapping, terms, coded, _choices(app, mapping), today)
    told = list({(one.thing, one.id.casefold()): one for one in reversed(told)}.values())[::-1]
    needs = list(dict.fromkeys(need for one in told for need in one.needs))
    missing = unmet(told, company.target.set_up.missing(needs))
    there = f"{len(told) - len(missing):,} of {len(told):,} things that documents would refer to are there"
    return [
        Check("looked for", ok=True, detail=there),
        *map(_missing, missing),
        *_without_code([product for product in products if not product.code.strip()]),
    ]


def _missing(one: Unmet) -> Check:
    thing, id_ = one.reference.thing, one.reference.id
    detail = f"{one.why} It is named by {one.reference.by}."
    return Check(f"{thing} {id_}", ok=False, detail=detail, remedy=_REMEDIES.get(thing, _OTHERWISE))


def _without_code(products: Sequence[Product]) -> Iterator[Check]:
    for one in products:
        yield Check(
            f"product {one.name}",
            ok=False,
            detail=f"The product “{one.name}” ({one.record_id}) has no code, so no item is known for it.",
            remedy="Give it the code of an item of GP, or make it inactive.",
        )


def _products(app: App) -> list[Product]:
    """Those that are sold, by COQL: two thousand for three credits."""
    fields = [name for name in (_NAME, CODE, ACTIVE) if name in app.target.describe(PRODUCTS)]
    found: list[Product] = []
    after: str | None = None
    while True:
        page = app.target.list_values(PRODUCTS, fields, None, after)
        rows = [row for row in page.rows if row.values.get(ACTIVE) is not False]
        found += [
            Product(row.target_id, str(row.values.get(_NAME) or ""), str(row.values.get(CODE) or ""))
            for row in rows
        ]
        after = page.next_after
        if after is None:
            return found


def _choices(app: App, mapping: DocumentMapping) -> Choices:
    """What the picklists offer that the mapping reads; any text may stand in another field."""
    modules = filter(None, (mapping.module, mapping.rows))
    return {
        (module, name): shape.choices
        for module in modules
        for name, shape in app.target.describe(module).items()
        if shape.choices
    }
