"""What the texts in GP's answers mean."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import values
from ml_connector.core.errors import RecordRejectedError


@pytest.mark.parametrize(
    ("convert", "node", "expected"),
    [
        (values.to_text, "AARONFIT0001   ", "AARONFIT0001"),
        (values.to_text, "  kept in front ", "  kept in front"),
        (values.to_text, "   ", None),
        (values.to_text, "", None),
        (values.to_text, None, None),
        (values.to_boolean, "true", True),
        (values.to_boolean, "0", False),
        (values.to_boolean, None, None),
        (values.to_integer, "-1", -1),
        (values.to_integer, None, None),
        (values.to_money, "0.10000", Decimal("0.10000")),
        (values.to_money, "-6713.27", Decimal("-6713.27")),
        (values.to_money, None, None),
        (values.to_instant, "2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        (values.to_instant, "2026-11-22T10:00:00.1234567", datetime(2026, 11, 22, 10, 0, 0, 123456, UTC)),
        (values.to_instant, "2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        (values.to_instant, "2026-11-22T10:00:00+02:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        (values.to_instant, "1900-01-01T00:00:00", None),
        (values.to_instant, "0001-01-01T00:00:00", None),
        (values.to_date, "2026-11-22T00:00:00", date(2026, 11, 22)),
        (values.to_date, "2026-11-22T23:30:00-08:00", date(2026, 11, 22)),
        (values.to_date, "1900-01-01T00:00:00", None),
        (values.to_limit_kind, {"SpecialAmount": "No Credit"}, "none"),
        (values.to_limit_kind, {"SpecialAmount": "Unlimited Credit"}, "unlimited"),
        (values.to_limit_kind, {"Amount": {"Value": "1"}, "Period": None}, "amount"),
        (values.to_limit_kind, None, None),
    ],
)
def test_a_text_becomes_a_value(convert, node, expected):
    assert convert(node) == expected


@pytest.mark.parametrize(
    ("node", "number", "extension"),
    [
        ({"Value": "31255501010000"}, "3125550101", None),
        ({"Value": "31255501010123"}, "3125550101", "0123"),
        ({"Value": "312555010100000000000"}, "3125550101", None),
        ({"Value": "3125550101", "Extension": "77"}, "3125550101", "77"),
        ({"Value": "31255501010123", "Extension": "0000"}, "3125550101", "0123"),
        ({"Value": "00000000000000"}, None, None),
        ({"Value": "00000000000000", "Extension": "12"}, None, None),
        ({"Value": "", "Extension": None}, None, None),
        ({"Value": "+49 30 1234"}, "+49 30 1234", None),
        ({"Value": "3125550101"}, "3125550101", None),
        ({"Value": "123456789012345"}, "123456789012345", None),
        (None, None, None),
    ],
)
def test_a_phone_loses_its_padding(node, number, extension):
    assert (values.to_phone(node), values.to_extension(node)) == (number, extension)


@pytest.mark.parametrize(
    ("convert", "node"),
    [
        (values.to_money, "a lot"),
        (values.to_integer, "1.5"),
        (values.to_instant, "yesterday"),
        (values.to_date, "22.11.2026"),
    ],
)
def test_what_cannot_be_read_is_that_records_fault(convert, node):
    with pytest.raises(RecordRejectedError) as caught:
        convert(node)
    assert caught.value.code == "UNREADABLE_VALUE"
    assert caught.value.answer == node


def test_an_array_of_one_looks_like_a_child():
    assert values.children({"A": {"B": {"C": "1"}}}, ("A", "B")) == [{"C": "1"}]
    assert values.children({"A": {"B": [{"C": "1"}, None]}}, ("A", "B")) == [{"C": "1"}]
    assert values.children({"A": None}, ("A", "B")) == []
