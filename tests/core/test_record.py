"""Values: what is stored comes back, equal content has an equal digest, keys compare as the ERP compares them."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from shapes import SAMPLES, decimals, fields, texts, values

from ml_connector.core.record import digest, dump_fields, fold_key, from_json, load_fields, to_json


def same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("value", SAMPLES, ids=repr)
def test_a_sample_comes_back_as_it_went(value):
    assert same(from_json(to_json(value)), value)


@given(values)
def test_any_value_comes_back_with_its_type(value):
    assert same(from_json(to_json(value)), value)


@given(fields)
def test_fields_come_back_from_their_text(content):
    back = load_fields(dump_fields(content))
    assert back.keys() == content.keys()
    assert all(same(back[name], value) for name, value in content.items())


@pytest.mark.parametrize("stored", [1.5, {"a": 1}], ids=repr)
def test_what_is_not_a_stored_value_is_refused(stored):
    with pytest.raises(ValueError, match="not a stored value"):
        from_json(stored)


@given(fields)
def test_the_order_of_fields_does_not_count(content):
    turned = dict(reversed(content.items()))
    assert dump_fields(content) == dump_fields(turned)
    assert digest(content) == digest(turned)


@pytest.mark.parametrize(
    ("one", "other"),
    [("12.5", "12.50"), ("0", "-0.00"), ("100", "1E+2"), ("0.00", "0E+5"), ("-3.10", "-3.1")],
)
def test_equal_amounts_have_equal_digests(one, other):
    assert digest({"a": Decimal(one)}) == digest({"a": Decimal(other)})


@given(decimals, decimals)
def test_amounts_have_equal_digests_exactly_if_they_are_equal(one, other):
    assert (digest({"a": one}) == digest({"a": other})) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, ""),
        (True, 1),
        ("1", 1),
        (Decimal(1), "1"),
        (date(2026, 1, 1), "2026-01-01"),
        (date(2026, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001 -- only to be told apart
        (Decimal("12.5"), Decimal("12.51")),
    ],
    ids=repr,
)
def test_different_content_has_different_digests(one, other):
    assert digest({"a": one}) != digest({"a": other})


def test_a_missing_field_is_not_an_empty_one():
    assert digest({}) != digest({"a": None})


def test_a_digest_fits_its_column():
    assert len(digest({})) == 32


@pytest.mark.parametrize(
    ("one", "other"), [("AARON", "aaron"), ("AARON  ", "Aaron"), ("Ärger", "ÄRGER "), (" a", " A")]
)
def test_keys_that_the_erp_holds_for_equal(one, other):
    assert fold_key(one) == fold_key(other)


@pytest.mark.parametrize(("one", "other"), [(" a", "a"), ("a-b", "ab"), ("é", "e")])
def test_keys_that_the_erp_tells_apart(one, other):
    assert fold_key(one) != fold_key(other)


@given(texts)
def test_folding_twice_is_folding_once(key):
    assert fold_key(fold_key(key)) == fold_key(key)
