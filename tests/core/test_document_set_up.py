"""What documents would refer to, before the first one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import ml_connector
from ml_connector.core.document_mapping import DocumentMapping, Terms
from ml_connector.core.document_mapping_file import read_document_mapping
from ml_connector.core.document_set_up import Product, references, sells_products, unmet
from ml_connector.core.sales_ports import Need, Thing

FOLDER = Path(ml_connector.__file__).parent / "mappings" / "documents"
TODAY = date(2026, 11, 2)
PRODUCTS = (Product("1", "Phone", "100XLG"), Product("2", "Memory", "128 SDRAM "))
CARRIERS = {("Sales_Orders", "Carrier"): ("FedEX", "UPS")}


def mapping(name: str = "sales_orders", *, header: str = "", lines: str = "") -> DocumentMapping:
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    text = text.replace("[header]\n", f"[header]\n{header}\n").replace("[lines] ", f"[lines]\n{lines}\n#")
    return read_document_mapping("test.toml", text)


def told(of: DocumentMapping, terms: Terms, choices=CARRIERS) -> list[tuple[Thing, str]]:
    return [(one.thing, one.id) for one in references(of, terms, PRODUCTS, choices, TODAY)]


def test_items_batch_site_and_what_picklists_offer():
    tables = {"shipping_methods": {"fedex": "GROUND"}, "units": {"hours": "HR"}}
    assert told(mapping(), Terms("ZO", batch="ZOHO%y%m%d", site="WAREHOUSE", tables=tables)) == [
        (Thing.ITEM, "100XLG"),
        (Thing.ITEM, "128 SDRAM"),
        (Thing.BATCH, "ZOHO261102"),
        (Thing.SITE, "WAREHOUSE"),
        (Thing.SHIPPING_METHOD, "GROUND"),
        (Thing.SHIPPING_METHOD, "UPS"),  # what is in no table goes as it is
    ]


def test_a_table_that_no_rule_uses_is_nobody_s_business():
    tables = {"price_levels": {"a": "RETAIL"}}
    assert (Thing.PRICE_LEVEL, "RETAIL") not in told(mapping(), Terms("ZO", tables=tables))
    used = mapping(header='price_level = { from = "My_Level", table = "price_levels" }')
    assert (Thing.PRICE_LEVEL, "RETAIL") in told(used, Terms("ZO", tables=tables))


def test_constants():
    given = mapping(header='price_level = { value = "RETAIL" }', lines='site = { value = "NORTH" }')
    found = told(given, Terms("ZO"), {})
    assert {(Thing.PRICE_LEVEL, "RETAIL"), (Thing.SITE, "NORTH")} <= set(found)


def test_a_unit_is_one_of_some_item():
    given = mapping(lines='unit = { from = "line.My_Unit", table = "units" }')
    terms = Terms("ZO", tables={"units": {"hours": "HR"}})
    found = references(given, terms, PRODUCTS, {}, TODAY)
    [unit] = [one for one in found if one.thing is Thing.UNIT]
    assert unit.needs == (Need(Thing.UNIT, "HR", "100XLG"), Need(Thing.UNIT, "HR", "128 SDRAM"))
    one_lacks = dict.fromkeys(unit.needs[:1], "It has not.")
    assert unmet(found, one_lacks) == []
    [lacking] = unmet(found, dict.fromkeys(unit.needs, "It has not."))
    assert lacking.why == "None of the 2 items has the unit of measure HR in GP."


def test_what_is_missing_is_told_with_who_names_it():
    found = references(mapping(), Terms("ZO"), PRODUCTS, {}, TODAY)
    [item] = unmet(found, {Need(Thing.ITEM, "100XLG"): "GP has no item 100XLG."})
    assert (item.why, item.reference.by) == ("GP has no item 100XLG.", "the product “Phone” (1)")


@pytest.mark.parametrize(
    ("lines", "expected"), [("", ["SERVICE"]), ("is_non_inventory = { value = true }", [])]
)
def test_won_deals_sell_one_item(lines: str, expected: list[str]):
    given = mapping("won_deals")
    if lines:
        text = (FOLDER / "won_deals.toml").read_text("utf-8").replace("[lines]\n", f"[lines]\n{lines}\n")
        given = read_document_mapping("test.toml", text)
    assert not sells_products(given)
    terms = replace(Terms("ZD"), item="SERVICE")
    assert [name for thing, name in told(given, terms) if thing is Thing.ITEM] == expected
    assert sells_products(mapping())
