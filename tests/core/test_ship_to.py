"""Where goods go: laid out as the ERP has it, and found among the customer's addresses."""

from __future__ import annotations

import pytest

from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.sales import ShipTo
from ml_connector.core.ship_to import found_address, laid_out

ELM = ShipTo(line1="1 Elm St.", line2="Gate 2", city="Elgin", state="IL", postal_code="60120", country="USA")


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        (ShipTo(line1="1 Elm St", line2="Gate 2", city="Elgin", state="IL", postal_code="60120"), "A"),
        (
            ShipTo(line1="1 ELM ST., GATE 2", city="elgin", state="il", postal_code="60120", country="usa"),
            "A",
        ),
        (
            ShipTo(
                line1="1 Elm St",
                line2="Gate 2",
                city="Elgin",
                state="IL",
                postal_code="60120",
                country="Canada",
            ),
            "",
        ),
        (ShipTo(line1="1 Elm St", city="Elgin", state="IL", postal_code="60120"), ""),
        (ShipTo(line1="1 Elm St", line2="Gate 2", city="Elgin", state="IL"), ""),
        (ShipTo("Somebody", "Ann", "1 Elm St", "Gate 2", "", "Elgin", "IL", "60120"), "A"),
    ],
)
def test_the_same_place_whoever_wrote_it(wanted, key):
    assert found_address(wanted, {"B": ShipTo(city="Elgin"), "A": ELM, "C": ELM}) == key


def test_of_two_that_are_the_place_the_first_by_key_is_taken():
    assert found_address(ELM, {"Z": ELM, "M": ELM}) == "M"
    assert found_address(ELM, {}) == ""


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
