"""What of a record is the ERP's for good, and what the target says of it: tables of values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.core.mapping import FieldRule, Mapping
from ml_connector.core.reconcile import Difference, compare_fields, compare_key, owned

MAPPING = Mapping(
    name="m",
    source="customers",
    target="Accounts",
    key_field="Key",
    key_source="id",
    rules=(
        FieldRule("Name", ("name",)),
        FieldRule("Type", constant="Customer"),
        FieldRule("Parent", ("parent",), lookup="Accounts"),
        FieldRule("Salutation", ("name",), owner="once"),
        FieldRule("Website", ("web",), owner="zoho"),
    ),
    marks={"vanished": "Gone", "filtered": "Filtered"},
    once=frozenset({"Salutation"}),
)
LEFT = {"Name": "A", "Type": "Customer", "Parent": "17", "Salutation": "Mr.", "Gone": False, "Of_Old": "x"}


@pytest.mark.parametrize(
    ("withheld", "absent", "names"),
    [
        ((), False, {"Name", "Type", "Parent", "Gone"}),
        (("Name", "Parent"), False, {"Type", "Gone"}),
        ((), True, {"Gone"}),
        (("Gone",), True, set()),
    ],
)
def test_what_is_the_erps_for_good(withheld, absent, names):
    assert owned(MAPPING, LEFT, withheld, absent=absent) == {name: LEFT[name] for name in names}


AT = datetime(2026, 2, 28, 10, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Elgin", "Elgin"),
        ("Line 1\nLine 2", "Line 1\nLine 2"),
        (None, None),
        (None, ""),
        ("", None),
        (None, False),  # a check box is never empty
        (True, True),
        (False, False),
        (Decimal("1234.50000"), Decimal("1234.5")),
        (Decimal(0), 0),
        (7, 7),
        (7, Decimal("7.0")),
        ("17", "17"),
        (date(2026, 2, 28), "2026-02-28"),
        (AT, "2026-02-28T16:00:15+05:30"),
        (AT.replace(microsecond=123456), "2026-02-28T10:30:15+00:00"),
    ],
)
def test_what_says_the_same_is_no_difference(ours, theirs):
    assert compare_fields("m", {"F": ours}, {"F": theirs}) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "kept"),
    [
        ("Elgin", "elgin", "elgin"),
        ("Elgin", None, None),
        (None, "Elgin", "Elgin"),
        (None, True, True),
        (False, None, None),
        (True, False, False),
        (True, "true", "true"),
        (Decimal("1234.50"), Decimal("1234.51"), Decimal("1234.51")),
        (Decimal(0), None, None),
        (7, "seven", "seven"),
        ("17", "18", "18"),
        (date(2026, 2, 28), "2026-03-01", "2026-03-01"),
        (AT, "2026-02-28T10:30:16+00:00", "2026-02-28T10:30:16+00:00"),
        (AT, "yesterday", "yesterday"),
        ("a", ["a", "b"], "['a', 'b']"),
    ],
)
def test_what_says_something_else_is_told_with_both_values(ours, theirs, kept):
    assert compare_fields("m", {"F": ours}, {"F": theirs}) == [Difference("F", "m", ours, kept)]


def test_what_the_target_does_not_state_is_not_compared():
    assert compare_fields("m", {"F": "a", "G": "b"}, {"G": "c"}) == [Difference("G", "m", "b", "c")]


@pytest.mark.parametrize("theirs", ["A-Aaron", "a-aaron", "A-AARON  "])
def test_a_key_is_compared_as_the_erp_compares_it(theirs):
    assert compare_key("m", "Key", "A-Aaron", {"Key": theirs}) == []


@pytest.mark.parametrize("theirs", [None, "", "Aaron", "A-Aaron:bob"])
def test_another_key_is_told(theirs):
    assert compare_key("m", "Key", "A-Aaron", {"Key": theirs}) == [Difference("Key", "m", "A-Aaron", theirs)]


def test_a_key_field_that_is_not_there_is_not_compared():
    assert compare_key("m", "Key", "A", {}) == []
