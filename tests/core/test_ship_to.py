"""Where goods go: laid out as the ERP has it."""

from __future__ import annotations

import pytest

from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ship_to import laid_out


@pytest.mark.parametrize(
    ("street", "lines"),
    [
        ("1 Elm St", ("1 Elm St", "", "")),
        ("1 Elm St\n\n  Gate  2 ", ("1 Elm St", "Gate 2", "")),
        ("a\nb\nc", ("a", "b", "c")),
        ("a\nb\nc\nd", ("a, b, c, d", "", "")),
        ("word " * 20, ("word " * 11 + "word", "word " * 7 + "word", "")),
    ],
)
def test_a_street_in_three_lines(street, lines):
    address = laid_out({"street": street, "city": "Elgin"})
    assert address is not None
    assert (address.line1, address.line2, address.line3) == lines


def test_a_street_that_does_not_fit():
    with pytest.raises(RecordRejectedError) as caught:
        laid_out({"street": "word " * 50})
    assert caught.value.field == "ship_to.street"


def test_a_person_without_a_place_is_no_address():
    assert laid_out({"name": "Ann", "phone": "1"}) is None
    assert laid_out({}) is None
