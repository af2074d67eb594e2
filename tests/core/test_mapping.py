"""Applying a mapping, what it needs of the target, and which fields it leaves to another."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from shapes import CONTEXT, fields, mapping, record

from ml_connector.core.mapping import (
    CustomField,
    CustomModule,
    FieldRule,
    MatchRule,
    conflicts,
    field_needs,
    fingerprint,
    key_value,
    map_record,
    module_needs,
    withheld,
)
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.transform import MapContext


def test_fields_are_copied_and_constants_set():
    plain = mapping()
    rules = (*plain.rules, FieldRule("Account_Type", constant="Customer"))
    part = map_record(record(name="Aaron", city=None), replace(plain, rules=rules), CONTEXT)
    assert part.fields == {"Account_Name": "Aaron", "City": None, "Account_Type": "Customer"}
    assert part.fault is None


def test_a_field_that_the_record_lacks_is_empty():
    assert map_record(record(), mapping(), CONTEXT).fields == {"Account_Name": None, "City": None}


def test_a_record_at_fault_names_the_target_field():
    rule = FieldRule("GP_Email", ("email",), "email")
    part = map_record(record(email="none"), replace(mapping(), rules=(rule,)), CONTEXT)
    assert part.fields == {}
    assert part.fault is not None
    assert (part.fault.field, part.fault.code) == ("GP_Email", "INVALID_EMAIL")


@given(fields)
def test_equal_records_give_equal_parts(content):
    rules = {f"F{n}": name for n, name in enumerate(content)}
    one = map_record(record(**content), mapping(rules=rules), CONTEXT)
    turned = dict(reversed(rules.items()))
    assert map_record(record(**content), mapping(rules=turned), CONTEXT).fields == one.fields


def test_the_same_amount_written_otherwise_has_the_same_digest():
    parts = [map_record(record(name=Decimal(text)), mapping(), CONTEXT) for text in ("12.5", "12.50")]
    assert parts[0].fields == parts[1].fields


@pytest.mark.parametrize(
    ("places", "value", "wanted"),
    [
        (2, Decimal("3596.5325"), Decimal("3596.53")),
        (2, Decimal("12.345"), Decimal("12.35")),
        (2, Decimal("-12.345"), Decimal("-12.35")),
        (0, Decimal("7.5"), Decimal(8)),
        (5, Decimal("1.23456"), Decimal("1.23456")),
        (2, Decimal("1E+3"), Decimal(1000)),
        (None, Decimal("3596.5325"), Decimal("3596.5325")),
        (2, None, None),
        (2, "12.345", "12.345"),
    ],
)
def test_a_number_has_as_many_places_as_its_field_keeps(places, value, wanted):
    rule = FieldRule("GP_Balance", ("balance",), decimal_places=places)
    part = map_record(record(balance=value), replace(mapping(), rules=(rule,)), CONTEXT)
    assert part.fields == {"GP_Balance": wanted}


def test_the_key_carries_the_company_where_several_share_a_target():
    assert key_value(record("AARON"), CONTEXT) == "AARON"
    assert key_value(record("AARON"), MapContext("USD", "TWO-")) == "TWO-AARON"


OTHER_MEANING = {
    "another key field": {"key_field": "Other"},
    "another key source": {"key_source": "name"},
    "another module": {"target": "Contacts"},
    "another entity": {"source": "vendors"},
    "recognised by name": {"match": MatchRule(name="name")},
    "a rule less": {"rules": mapping().rules[:1]},
    "another source field": {"rules": (FieldRule("City", ("state",)),)},
    "a number for a text": {"rules": (FieldRule("City", constant=1),)},
    "creates": {"creates": False},
    "another rank": {"precedence": 5},
    "another as-of field": {"as_of": "As_Of"},
}


@pytest.mark.parametrize("change", OTHER_MEANING.values(), ids=OTHER_MEANING)
def test_another_meaning_has_another_fingerprint(change):
    plain = mapping()
    assert fingerprint(replace(plain, **change)) != fingerprint(plain)


@pytest.mark.parametrize(("one", "other"), [(True, "True"), (1, "1"), (None, "None")])
def test_a_constant_of_another_type_has_another_fingerprint(one, other):
    made = [replace(mapping(), rules=(FieldRule("F", constant=value),)) for value in (one, other)]
    assert fingerprint(made[0]) != fingerprint(made[1])


def test_the_order_of_rules_and_labels_do_not_change_the_fingerprint():
    plain = mapping()
    labelled = replace(plain, rules=plain.rules[::-1], custom=(CustomField("City", "Town", "text"),))
    assert fingerprint(labelled) == fingerprint(plain)


PARTY = FieldRule("Party", ("customer_id", "vendor_id"), lookup="Accounts", of=("customers", "vendors"))
PARENT = FieldRule("Parent", ("parent_id",), lookup="Accounts")


@pytest.mark.parametrize(
    ("rule", "given_fields", "points_to"),
    [
        (
            PARTY,
            {"customer_id": "AARON ", "vendor_id": "ACETRAVE"},
            ("customers", "AARON"),
        ),  # the first that is set
        (PARTY, {"customer_id": " ", "vendor_id": "ACETRAVE"}, ("vendors", "ACETRAVE")),
        (PARTY, {"customer_id": None}, None),
        (PARTY, {"vendor_id": "me"}, ("vendors", "me")),  # another entity's record of the same key
        (PARENT, {"parent_id": "other"}, ("customers", "other")),
        (PARENT, {"parent_id": "ME"}, None),  # the record itself
    ],
)
def test_a_lookup_points_to_a_record_of_the_entity_of_its_key(rule, given_fields, points_to):
    part = map_record(record("me", **given_fields), replace(mapping(), rules=(rule,)), CONTEXT)
    found = part.references.get(rule.target)
    assert (found and (found.entity, found.key)) == points_to
    assert (rule.target in part.fields) == (points_to is None)  # to nothing: it is emptied


def test_a_lookup_into_another_entity_has_another_fingerprint():
    of_vendors = replace(PARENT, of=("vendors",))
    made = [fingerprint(replace(mapping(), rules=(rule,))) for rule in (PARENT, of_vendors, PARTY)]
    assert len(set(made)) == 3


def test_a_module_that_is_ours_is_needed_once():
    described = CustomModule("GL Account", "GL Accounts", "GL Account Name")
    chart = mapping("chart", source="gl_accounts", target="GL_Accounts", module=described)
    assert module_needs([chart, replace(chart, name="more"), mapping()]) == [
        ModuleNeed("GL_Accounts", "GL Account", "GL Accounts", "GL Account Name")
    ]


def test_a_lookup_that_is_made_says_where_it_points():
    custom = CustomField("Party", "GP Party", "lookup", related="Lines", label_of="party")
    lines = replace(mapping(target="Lines"), rules=(PARTY,), custom=(custom,))
    need = FieldNeed("Lines", "Party", "GP Party", "lookup", related="Lines", lookup="Accounts")
    assert need in field_needs([lines])


def test_what_is_needed_of_the_target():
    ours = CustomField("GP_Customer_ID", "GP Customer ID", "text", 30, unique=True)
    one = replace(mapping(as_of="As_Of"), custom=(ours,))
    needs = field_needs([mapping("first"), one, mapping("other", target="Contacts", rules={"City": "city"})])
    assert len(needs) == len({(need.module, need.name) for need in needs})
    found = {(need.module, need.name): need for need in needs}
    assert found.keys() == {
        ("Accounts", "GP_Customer_ID"),
        ("Accounts", "Account_Name"),
        ("Accounts", "City"),
        ("Accounts", "As_Of"),
        ("Contacts", "GP_Customer_ID"),
        ("Contacts", "City"),
    }
    made = FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID", "text", 30, unique=True)
    assert found["Accounts", "GP_Customer_ID"] == made  # described by one of the two is ours to make
    assert found["Accounts", "City"] == FieldNeed("Accounts", "City")


CUSTOMER = mapping("customer", precedence=1)
VENDOR = mapping("vendor", source="vendors", precedence=2)


@pytest.mark.parametrize(
    ("one", "other", "fields_named"),
    [
        (CUSTOMER, VENDOR, []),
        (CUSTOMER, replace(VENDOR, precedence=1), ["Account_Name", "City"]),
        (CUSTOMER, replace(VENDOR, precedence=1, target="Contacts"), []),
        (CUSTOMER, mapping("more", precedence=1, rules={"Fax": "fax"}), []),
        (CUSTOMER, mapping("vendor", source="vendors", precedence=1, rules={"Fax": "fax"}), []),
    ],
)
def test_unranked_fields_are_conflicts(one, other, fields_named):
    for pair in ([one, other], [other, one]):
        told = conflicts(pair)
        assert len(told) == len(fields_named)
        for sentence, name in zip(told, fields_named, strict=True):
            assert f"Accounts.{name}" in sentence
            assert one.name in sentence
            assert other.name in sentence


@pytest.mark.parametrize(
    ("mine", "others", "left"),
    [
        (VENDOR, [CUSTOMER], {"Account_Name", "City"}),
        (CUSTOMER, [VENDOR], set()),
        (VENDOR, [], set()),
        (VENDOR, [replace(CUSTOMER, target="Contacts")], set()),
        (VENDOR, [mapping("c", precedence=1, rules={"City": "city", "Fax": "fax"})], {"City"}),
    ],
)
def test_fields_left_to_the_higher_ranked(mine, others, left):
    assert withheld(mine, others) == left
