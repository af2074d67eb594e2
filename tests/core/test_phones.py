"""Phones: dialled in the address' country, and never a text that the CRM's phone field refuses."""

import re
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core import countries
from ml_connector.core.countries import find_region
from ml_connector.core.phones import format_phone

#: facts.md 2.4: at most 30; digits and letters with one sign between them; + in front.
ACCEPTED = re.compile(r"\+?[0-9A-Za-z]+([ .-][0-9A-Za-z]+)*")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("3125550101",), "312-555-0101"),
        (("3125550101", "123"), "312-555-0101 x123"),
        (("3125550101", "0123", "USA"), "312-555-0101 x0123"),
        (("4165550104", "", "Canada"), "416-555-0104"),
        (("8765550104", "", "Jamaica"), "876-555-0104"),
        (("13125550101", "", "United States"), "312-555-0101"),
        (("(312) 555-0101 ext. 22",), "312-555-0101 x22"),
        (("0301234567", "", "Germany"), "+49 30 1234567"),
        (("0301234567", "0123", "Deutschland"), "+49 30 1234567 x0123"),
        (("00493012345", "", "DE"), "+49 30 12345"),
        (("+49 30 1234567", "", "USA"), "+49 30 1234567"),
        (("+1 312 555 0101", "", "Germany"), "312-555-0101"),
        (("298555010", "", "AUS"), "+61 2 9855 5010"),
        (("5555550101", "", "México"), "+52 55 5555 0101"),
        (("+44 (0)20 7946 0123",), "+44 20 7946 0123"),
    ],
)
def test_a_number_is_written_as_it_is_dialled(given, told):
    assert format_phone(*given) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("00493012345",), "00493012345"),  # too long for home, and no country says otherwise
        (("555", "1"), "555 x1"),
        (("5550101",), "5550101"),
        (("0301234567",), "0301234567"),  # no area code at home begins so
        (("2985550102", "", "Australia"), "2985550102"),  # a digit too many: no country code is put before it
        (("3125550101", "", "Antarctica"), "3125550101"),  # a country without numbers of its own
        (("123", "", "Freedonia"), "123"),
    ],
)
def test_what_cannot_be_a_number_of_that_country_stays(given, told):
    assert format_phone(*given) == told


@pytest.mark.parametrize("text", ["", "   ", "-", "N/A", "none", "0000000000", "(000) 000-0000"])
def test_no_number_is_nothing(text):
    assert format_phone(text, "12", "USA") == ""


def test_the_rest_of_a_long_number_is_found_in_gps_extension():
    assert format_phone("0207946012", "3000", "UK") == "+44 20 7946 0123"
    assert format_phone("0207946012", "3", "UK") == "0207946012 x3"
    assert format_phone("2079460123", "0400", "UK") == "+44 20 7946 0123 x0400"


@pytest.mark.parametrize("sign", [" / ", "; ", ", ", " or ", " and ", "\n", " | "])
def test_of_several_numbers_the_first_is_taken(sign):
    assert format_phone(f"312-555-0101{sign}312-555-0199", "7") == "312-555-0101 x7"


def test_home_is_where_an_address_without_country_is():
    assert format_phone("0301234567", home="DE") == "+49 30 1234567"
    assert format_phone("0301234567", "", "Narnia", home="DE") == "+49 30 1234567"
    assert format_phone("3125550101", "", "USA", home="DE") == "312-555-0101"


def test_a_long_extension_costs_the_blanks_first_and_never_the_length():
    assert format_phone("+49 30 1234567", "123456789012345") == "+49301234567 x123456789012345"
    assert len(format_phone("12 345", "9" * 50)) == 30


@given(
    st.text(max_size=40),
    st.text("0123456789", max_size=30) | st.text(max_size=8),
    st.sampled_from(["", "USA", "Germany", "UK", "??"]),
)
def test_whatever_was_typed_the_crm_takes_the_result(digits, extension, country):
    told = format_phone(digits, extension, country)
    assert told == "" or (len(told) <= 30 and ACCEPTED.fullmatch(told))


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"AC", "TA"}))
def test_every_countrys_numbers_come_out_as_the_crm_takes_them(region):
    """Its own examples, as dialled from abroad and at home: one number, one text, with our extension behind it."""
    for kind in range(11):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        forms = (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.NATIONAL)
        told = {format_phone(phonenumbers.format_number(number, form), "12345", region) for form in forms}
        assert len(told) == 1
        (text,) = told
        assert text.endswith(" x12345")
        assert len(text) <= 30
        assert ACCEPTED.fullmatch(text)


def test_a_formatted_number_stays_as_it_is():
    for text in ("312-555-0101 x123", "+49 30 1234567", "+44 20 7946 0123", "2985550102"):
        assert format_phone(text) == (text if not text.startswith("298") else "298-555-0102")


# -- countries


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("USA", "US"),
        ("usa ", "US"),
        ("U.S.A.", "US"),
        ("us", "US"),
        ("United States", "US"),
        ("United States of America", "US"),
        ("CANADA", "CA"),
        ("DE", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("England", "GB"),
        ("Great Britain", "GB"),
        ("México", "MX"),
        ("Mexico", "MX"),
        ("Côte d’Ivoire", "CI"),
        ("The Netherlands", "NL"),
        ("Österreich", "AT"),
        ("日本", ""),  # shorter than any name that is looked for
        ("Россия", "RU"),
        ("", ""),
        ("Narnia", ""),
        ("XX", ""),
        ("ABC", ""),
    ],
)
def test_a_country_is_known_by_code_and_by_name(text, region):
    assert find_region(text) == region


def test_the_codes_are_a_bijection_and_cover_what_phonenumbers_knows():
    codes = countries._CODES
    assert len(set(codes.values())) == len(codes)
    assert {len(two) for two in codes} == {2}
    assert {len(three) for three in codes.values()} == {3}
    assert phonenumbers.SUPPORTED_REGIONS - codes.keys() == {
        "AC",
        "TA",
    }  # islands without a code in ISO 3166-1
    assert set(countries._ALIASES.values()) <= codes.keys()


def test_the_table_of_names_is_where_phonenumbers_keeps_it():
    table = countries._locale_data()
    assert len(table) > 240
    for names in table.values():
        assert names["en"]
    assert len(countries._by_name()) > 3000


def test_nothing_big_is_imported_before_the_first_number():
    asks = "import sys, ml_connector.core.transform; print('phonenumbers' in sys.modules)"
    names = (
        "import sys; from ml_connector.core.phones import format_phone as f; f('0301234567', '', 'Germany');"
        "print('phonenumbers.geodata' in sys.modules)"
    )
    for code in (asks, names):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "False"
