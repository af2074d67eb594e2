"""Reading mapping files of documents."""

from __future__ import annotations

from dataclasses import replace

import pytest
from documents import DEALS, FOLDER, ORDERS, QUOTES, shipped

from ml_connector.core.document_mapping import HEADER, LINES, DocumentRule
from ml_connector.core.document_mapping_file import TRANSFORMS_OF_DOCUMENTS, read_document_mapping
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.needs import FieldNeed, once
from ml_connector.core.sales import Kind
from ml_connector.core.transform import TRANSFORMS

GOOD = """\
name = "orders"
module = "Sales_Orders"
kind = "order"
rows = "Ordered_Items"

[header]
customer = { from = "Account_Name.id", lookup = "Accounts" }
site = { value = "NORTH" }
ship_to.city = "Shipping_City"
total = { from = ["Grand_Total", "Freight"], transform = "total" }

[lines]
quantity = "line.Quantity"
requested_on = "Due_Date"
unit = { from = "line.Product_Name.Usage_Unit", table = "units" }
is_non_inventory = { value = true }
"""


def test_a_file_says_what_it_says():
    mapping = read_document_mapping("orders.toml", GOOD)
    assert (mapping.name, mapping.module, mapping.kind, mapping.rows) == (
        "orders",
        "Sales_Orders",
        Kind.ORDER,
        "Ordered_Items",
    )
    assert mapping.header == (
        DocumentRule("customer", ("Account_Name.id",), lookup="Accounts"),
        DocumentRule("site", constant="NORTH"),
        DocumentRule("ship_to.city", ("Shipping_City",)),
        DocumentRule("total", ("Grand_Total", "Freight"), "total"),
    )
    assert mapping.lines[2:] == (
        DocumentRule("unit", ("line.Product_Name.Usage_Unit",), table="units"),
        DocumentRule("is_non_inventory", constant=True),
    )
    assert mapping.columns == {
        "Account_Name": "lookup",
        "Shipping_City": "text",
        "Grand_Total": "decimal",
        "Freight": "decimal",
        "line.Quantity": "decimal",
        "Due_Date": "date",
        "line.Product_Name": "lookup",
    }
    assert ORDERS.columns["line.Product_Name"] == "product"


def test_what_has_to_be_there_in_the_crm():
    needs = read_document_mapping("orders.toml", GOOD).needs
    assert FieldNeed("Sales_Orders", "Account_Name", is_only_read=True) in needs
    assert FieldNeed("Ordered_Items", "Product_Name", is_only_read=True) in needs
    assert len(needs) == 7
    assert (
        FieldNeed("Sales_Orders", "Currency") not in ORDERS.needs
    )  # only where there are several currencies


def test_a_record_without_rows_is_the_line_itself():
    assert {"Amount", "Account_Name", "GP_GL_Account"} <= DEALS.columns.keys()
    assert {need.module for need in DEALS.needs} == {"Deals"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_those_that_come_with_it_are_right_and_named_as_their_file(path):
    assert shipped(path.stem).name == path.stem


def test_kinds_of_those_that_come_with_it():
    assert (ORDERS.kind, QUOTES.kind, DEALS.kind) == (Kind.ORDER, Kind.QUOTE, Kind.ORDER)


def test_the_fingerprint_is_of_the_meaning():
    same = read_document_mapping("orders.toml", GOOD.replace("\nkind", "\n# a comment\nkind"))
    other = read_document_mapping("orders.toml", GOOD.replace('"NORTH"', '"SOUTH"'))
    mapping = read_document_mapping("orders.toml", GOOD)
    assert mapping.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ('kind = "order"', 'kind = "ordre"', 3, "Did you mean “order”?"),
        ('kind = "order"', 'kind = "invoice"', 3, "no kind of document that can be made"),
        ('kind = "order"\n', "", 1, "The mapping has no “kind”."),
        ('name = "orders"', 'name = "Orders"', 1, "no name for a mapping"),
        ('rows = "', 'row = "', 4, "Did you mean “rows”?"),
        ("customer = ", "costumer = ", 6, "[header] has no “customer”"),
        ("quantity = ", "quantities = ", 12, "[lines] has no “quantity”"),
        ("site = { value", "sight = { value", 8, "Did you mean “site”?"),
        ("ship_to.city", "ship_to.town", 9, "“ship_to.town” is no value of [header]"),
        ("ship_to.city", "ship_to", 9, "“ship_to” is no value of [header]"),
        ('{ value = "NORTH" }', "7", 8, "site is a field of the CRM, or a table"),
        ('{ value = "NORTH" }', "{}", 8, "site is a field of the CRM, or a table"),
        ('{ value = "NORTH" }', '{ value = "N", from = "X" }', 8, "or a table with “from” or “value”"),
        ('{ value = "NORTH" }', '{ value = "N", table = "sites" }', 8, "a constant stands alone"),
        ('{ value = "NORTH" }', "{ value = 7 }", 8, "not a text"),
        ("{ value = true }", '{ value = "yes" }', 16, "not yes or no"),
        ('table = "units"', 'table = "unit"', 15, "Did you mean “units”?"),
        ('transform = "total"', 'transform = "totals"', 10, "Did you mean “total”?"),
        ('transform = "total"', 'transform = "phone"', 10, "not a transform of documents"),
        (', transform = "total"', "", 10, "does not take 2 fields"),
        (', lookup = "Accounts"', ', lookup = "Accounts", table = "units"', 7, "neither a transform nor a table"),
        (', lookup = "Accounts"', ', look = "Accounts"', 7, "Did you mean “lookup”?"),
        ('"Shipping_City"', '"Shipping City"', 9, "“Shipping City” is no field of the CRM"),
        ('"Shipping_City"', '"A.b.c"', 9, "“A.b.c” is no field of the CRM"),
        ('"Shipping_City"', '"line.City"', 9, "“line.City” is a field of a row, which is for rules of [lines] alone"),
        ('rows = "Ordered_Items"\n', "", 12, "which is for mappings with “rows” alone"),
        ('["Grand_Total", "Freight"]', "[]", 10, "is a field of the CRM, or a list of them"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_and_what_fits(old, new, line, told):
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        read_document_mapping("orders.toml", GOOD.replace(old, new))
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"orders.toml, line {line}: ")


def test_what_is_no_toml_names_the_line():
    with pytest.raises(ConfigurationError, match=r"orders\.toml is not valid TOML: .*line 12"):
        read_document_mapping("orders.toml", GOOD.replace("[lines]", "[lines"))


def test_a_value_with_a_dot_may_stand_in_a_table_of_its_own():
    text = GOOD.replace('ship_to.city = "Shipping_City"\n', "") + '[header.ship_to]\ncity = "Shipping_City"\n'
    mapping = read_document_mapping("orders.toml", text)
    assert DocumentRule("ship_to.city", ("Shipping_City",)) in mapping.header
    with pytest.raises(ConfigurationError, match=r"orders\.toml, line 17: “a b” is no field"):
        read_document_mapping("orders.toml", text.replace("Shipping_City", "a b"))


def test_transforms_of_documents_are_transforms():
    assert set(TRANSFORMS_OF_DOCUMENTS) <= TRANSFORMS.keys()


def test_every_value_of_a_mapping_has_a_shape():
    for mapping in (ORDERS, QUOTES, DEALS):
        assert {rule.target for rule in mapping.header} <= HEADER.keys()
        assert {rule.target for rule in mapping.lines} <= LINES.keys()


def test_a_field_that_several_need_is_needed_once_by_who_asks_most_of_it():
    read, written = FieldNeed("Deals", "A", is_only_read=True), FieldNeed("Deals", "A")
    made = FieldNeed("Deals", "A", "A", "text")
    for needs in ([read, written, made], [made, written, read], [read, made, read]):
        assert once(needs) == [made]
    assert once([read, written]) == once([written, read]) == [written]
    assert once([read, replace(read, name="B")]) == [read, replace(read, name="B")]
