"""Phone numbers as a person dials them and as the CRM accepts them. Pure.

phonenumbers is imported on the first call: a command that maps nothing does not pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ml_connector.core.countries import find_region

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

LONGEST = 30  #: Zoho's phone fields (facts.md 2.4)
_NORTH_AMERICAN = re.compile(r"([2-9][0-9]{2})([0-9]{3})([0-9]{4})")  # no area code begins with 0 or 1
_LISTED = re.compile(r"\s*(?:[/;,|\n]|\b(?:or|and)\b)\s*", re.IGNORECASE)
#: Zoho's rule, less the signs that only some of its editions take (facts.md 2.4): words with one sign between them.
_ACCEPTED = re.compile(r"\+?[0-9A-Za-z]+(?:[ .-][0-9A-Za-z]+)*")
_WORD = re.compile(r"[0-9A-Za-z]+")
_EXTENSION_DIGITS = 4  # of GP's phone columns, behind ten digits of number (facts.md 2.7)


@lru_cache(maxsize=10_000)  # the same number stands in several addresses, and comes again with every change
def format_phone(digits: str, extension: str = "", country: str = "", home: str = "US") -> str:
    """A number for a phone field of Zoho: 312-555-0101 x123, +49 30 1234567; "" where there is none.

    It is read as dialled in ``country`` (code or name; ``home``, an ISO alpha-2 code, where that says nothing). One
    that cannot be a number of that country stays as it is written, less what the CRM would refuse.
    """
    if not any(sign.isdecimal() and int(sign) for sign in digits):
        return ""
    region = find_region(country) or home
    for number, behind in _readings(digits, extension, region):
        if told := _dialled(number, behind, region):
            return told
    return _fitting(_with_extension(digits, extension))


def _readings(digits: str, extension: str, region: str) -> Iterator[tuple[str, str]]:
    """What the two texts can mean, the likeliest first."""
    yield digits, extension
    if len(extension) == _EXTENSION_DIGITS and digits.isdecimal() and not _is_north_american(region):
        # GP cuts every number after ten digits, a longer one of another country too, and fills with zeros.
        yield digits + extension.rstrip("0"), ""
    listed = _LISTED.split(digits.strip(), maxsplit=1)
    if len(listed) > 1:
        yield listed[0], extension


def _dialled(number: str, extension: str, region: str) -> str:
    """The number as it is dialled from abroad, in North America as people write it there; "" where it is none."""
    import phonenumbers

    ten = _NORTH_AMERICAN.fullmatch(number)
    if ten and _is_north_american(region):
        return _fitting(_with_extension("-".join(ten.groups()), extension))
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return ""
    extension = extension or parsed.extension or ""
    national = _NORTH_AMERICAN.fullmatch(phonenumbers.national_significant_number(parsed))
    if parsed.country_code == 1 and national:
        return _fitting(_with_extension("-".join(national.groups()), extension))
    return _international(parsed, extension) if phonenumbers.is_valid_number(parsed) else ""


def _international(parsed: PhoneNumber, extension: str) -> str:
    from phonenumbers import PhoneNumberFormat, format_number

    parsed.extension = None  # phonenumbers would write it in words of its own
    spaced = _with_extension(format_number(parsed, PhoneNumberFormat.INTERNATIONAL), extension)
    if len(spaced) <= LONGEST:
        return _fitting(spaced)
    return _fitting(_with_extension(format_number(parsed, PhoneNumberFormat.E164), extension))


def _is_north_american(region: str) -> bool:
    from phonenumbers import country_code_for_region

    return country_code_for_region(region) == 1


def _with_extension(number: str, extension: str) -> str:
    return f"{number} x{extension}" if extension else number


def _fitting(text: str) -> str:
    """The text where the CRM takes it; else its words, cut to the length that the CRM takes."""
    if len(text) <= LONGEST and _ACCEPTED.fullmatch(text):
        return text
    plus = "+" if text.lstrip().startswith("+") else ""
    return (plus + " ".join(_WORD.findall(text)))[:LONGEST].rstrip()
