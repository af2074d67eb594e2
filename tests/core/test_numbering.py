"""Numbers of the ERP from ids of the CRM: one record, one number, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.catalogue import NO_NUMBER
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.numbering import CUSTOMER_PREFIX, is_prefix, number_of, record_id_of
from ml_connector.core.record import fold_key

IDS = st.integers(1, 2**64 - 1).map(str)
PREFIXES = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("record_id", "number"),
    [
        ("1", "ZO0000000000001"),
        ("36", "ZO0000000000010"),
        ("5725767000000123456", "ZO17I2706Z12NUO"),
        ("18446744073709551615", "ZO3W5E11264SGSF"),  # 64 bits, all of them set
    ],
)
def test_numbers_as_they_are_written(record_id, number):
    assert number_of(record_id, "ZO") == number
    assert record_id_of(number, "ZO") == record_id


@given(IDS, PREFIXES)
def test_a_number_leads_back_to_its_record_however_gp_writes_it(record_id, prefix):
    number = number_of(record_id, prefix)
    for written in (number, number.lower(), number + "   "):
        assert record_id_of(written, prefix) == record_id


@given(IDS, PREFIXES)
def test_a_number_fits_and_has_nothing_that_gp_would_compare_otherwise(record_id, prefix):
    number = number_of(record_id, prefix)
    assert len(number) == len(prefix) + 13 <= 17
    assert number.isascii()
    assert number.isalnum()
    assert number == number.upper() == number.strip()


@given(IDS, IDS, PREFIXES)
def test_two_records_never_share_a_number_as_gp_compares_it(one, other, prefix):
    same = fold_key(number_of(one, prefix)) == fold_key(number_of(other, prefix))
    assert same == (one == other)


@given(st.text(max_size=20), PREFIXES)
def test_what_is_taken_for_a_number_of_ours_is_one(text, prefix):
    record_id = record_id_of(text, prefix)
    assert record_id is None or fold_key(number_of(record_id, prefix)) == fold_key(text)


@pytest.mark.parametrize(
    "record_id",
    ["", "0", "-1", "01", "1.5", "12a", " 12", "١٢", "18446744073709551616", "9" * 30, "9" * 5000],
)
def test_what_is_no_id_makes_no_number(record_id):
    with pytest.raises(RecordRejectedError) as caught:
        number_of(record_id, "ZO")
    assert caught.value.code == NO_NUMBER
    assert caught.value.field == "number"


@pytest.mark.parametrize(
    "number",
    [
        "ORDST2228",
        "ZO",
        "",
        "ZO0000000000000",  # of no record
        "ZO000000000000",
        "ZO00000000000001",
        "ZQ0000000000001",
        "ZO000000000000-",
        "ZO00000000000ß",  # would be longer in capitals
        "ZO000000000000ſ",  # would be S in capitals
        "ZOZZZZZZZZZZZZZ",  # more than 64 bits
    ],
)
def test_what_is_no_number_of_ours_leads_nowhere(number):
    assert record_id_of(number, "ZO") is None


def test_a_customer_of_the_longest_prefix_fits_15_characters():
    assert len(number_of("18446744073709551615", "Z" * CUSTOMER_PREFIX)) == 15


@pytest.mark.parametrize(
    ("text", "fits"),
    [("ZO", True), ("Z", True), ("Z123", True), ("", False), ("zo", False), ("Z-", False), ("ZO123", False)],
)
def test_what_numbers_may_begin_with(text, fits):
    assert is_prefix(text) is fits


def test_a_prefix_can_be_too_long_for_a_customer():
    assert not is_prefix("ZCU", CUSTOMER_PREFIX)
