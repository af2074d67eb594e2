"""What city, postal code, phone and e-mail say about two companies: the same, another, or nothing. Pure.

What is missing, made up or shared by everybody (a free-mail provider, 000-0000) says nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rapidfuzz import fuzz

from ml_connector.core.company_name import SPELLINGS
from ml_connector.core.match import normalise_name


@dataclass(frozen=True, slots=True)
class Facts:
    """What tells one company from another; "" is not known."""

    name: str
    city: str = ""
    postal_code: str = ""
    phone: str = ""
    email: str = ""  #: one address, or several between commas or semicolons


class Verdict(Enum):
    """What a fact of two companies says about them."""

    AGREE = "the same"
    DIFFER = "another"
    UNKNOWN = "one of the two is not known, or they are not clearly different"


Verdicts = dict[str, Verdict]  #: by fact: phone, address, domain, postal_code, city

_EXTENSION = re.compile(r"(?<=\d)[\s,]*(?:x|ext|#|;).*", re.IGNORECASE | re.DOTALL)
_ZIP_PLUS_FOUR = re.compile(
    r"(\d{4,5})-\d{4}|(\d{5})\d{4}"
)  # four digits: a spreadsheet took the leading zero
_COUNTRY_LETTERS = re.compile(r"[A-Z]{1,2}(?=\d{4,5}$)")  # D-10115, CH-8001
#: Where anybody has an address, by the part of the domain before the ending; example is nobody's (RFC 2606).
_FREE_MAIL = frozenset({
    "gmail", "googlemail", "yahoo", "ymail", "rocketmail", "hotmail", "outlook", "live", "msn", "aol", "icloud", "me",
    "mac", "gmx", "web", "t-online", "freenet", "comcast", "verizon", "att", "sbcglobal", "bellsouth", "cox",
    "charter", "earthlink", "juno", "optonline", "frontier", "frontiernet", "centurylink", "windstream", "rr", "mail",
    "email", "inbox", "protonmail", "proton", "pm", "fastmail", "hushmail", "yandex", "zoho", "tutanota", "rogers",
    "shaw", "sympatico", "telus", "videotron", "bell", "btinternet", "btconnect", "sky", "virginmedia", "talktalk",
    "ntlworld", "orange", "wanadoo", "free", "laposte", "sfr", "libero", "bluewin", "bigpond", "optusnet", "xtra",
    "qq", "163", "126", "sina", "rediffmail", "uol", "bol", "terra", "prodigy", "example",
})  # fmt: skip
_SECOND_LEVEL = frozenset({"co", "com", "net", "org", "ac", "ne", "or"})  # of co.uk, com.au, ne.jp
#: What people type into a field that must not be empty.
_NO_MAIL = frozenset({
    "none", "no", "na", "n/a", "noemail", "nomail", "no-email", "noreply", "no-reply", "unknown", "test", "invalid",
    "nobody", "nospam",
})  # fmt: skip


def compare_facts(ours: Facts, theirs: Facts) -> Verdicts:
    """The verdict of each fact, the same both ways round."""
    verdicts = {
        "phone": _compare_phone(ours.phone, theirs.phone),
        "address": _compare_address(ours.email, theirs.email),
        "domain": _compare_domain(ours.email, theirs.email),
        "postal_code": _compare_postal_code(ours.postal_code, theirs.postal_code),
        "city": _compare_city(ours.city, theirs.city),
    }
    if verdicts["address"] is Verdict.AGREE:  # its domain says the same once more
        verdicts["domain"] = Verdict.UNKNOWN
    if verdicts["postal_code"] is Verdict.AGREE and verdicts["city"] is Verdict.DIFFER:
        # Brooklyn is New York, or one of the two is mistaken.
        verdicts["postal_code"] = verdicts["city"] = Verdict.UNKNOWN
    return verdicts


def _compare_phone(ours: str, theirs: str) -> Verdict:
    """By the last digits, seven or more: the country and area code are not always written."""
    mine, other = sorted((_phone_digits(ours), _phone_digits(theirs)), key=len)
    if not mine:
        return Verdict.UNKNOWN
    return Verdict.AGREE if other.endswith(mine) else Verdict.DIFFER


@lru_cache(maxsize=20_000)
def _phone_digits(phone: str) -> str:
    digits = re.sub(r"[^0-9]", "", _EXTENSION.sub("", phone.replace("(0)", ""))).lstrip("0")
    made_up = len(set(digits)) < 3 or "12345678901234567890".startswith(digits)
    return "" if len(digits) < 7 or made_up else digits


def _compare_address(ours: str, theirs: str) -> Verdict:
    mine, other = _addresses(ours), _addresses(theirs)
    if not mine or not other:
        return Verdict.UNKNOWN
    return Verdict.AGREE if mine & other else Verdict.DIFFER


@lru_cache(maxsize=20_000)
def _addresses(email: str) -> frozenset[str]:
    found = (part for part in re.split(r"[;,\s]+", email.casefold()) if "@" in part.strip("@"))
    return frozenset(
        part for part in found if part.split("@")[0] not in _NO_MAIL and _company_part(part) not in _NO_MAIL
    )


def _compare_domain(ours: str, theirs: str) -> Verdict:
    mine, other = _own_domains(ours), _own_domains(theirs)
    if not mine or not other:
        return Verdict.UNKNOWN
    related = (a == b or a.endswith("." + b) or b.endswith("." + a) for a in mine for b in other)
    return Verdict.AGREE if any(related) else Verdict.DIFFER


@lru_cache(maxsize=20_000)
def _own_domains(email: str) -> frozenset[str]:
    """The domains of the addresses, without those of providers."""
    own = (address for address in _addresses(email) if _company_part(address) not in _FREE_MAIL)
    return frozenset(address.rpartition("@")[2] for address in own)


def _company_part(address: str) -> str:
    """What stands before the ending of a domain: acme of mail.acme.co.uk."""
    labels = address.rpartition("@")[2].split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        del labels[-1]
    return labels[-1] if labels else ""


def _compare_postal_code(ours: str, theirs: str) -> Verdict:
    mine, other = _postal_code(ours), _postal_code(theirs)
    if not mine or not other:
        return Verdict.UNKNOWN
    return Verdict.AGREE if mine == other else Verdict.DIFFER


@lru_cache(maxsize=20_000)
def _postal_code(code: str) -> str:
    """Without what is not always written: the last four of a ZIP+4, a country's letters, a leading zero."""
    if plus_four := _ZIP_PLUS_FOUR.fullmatch(code.strip()):
        code = plus_four[1] or plus_four[2]
    bare = _COUNTRY_LETTERS.sub("", re.sub(r"[\W_]", "", code).upper(), count=1)
    if len(set(bare)) < 2:  # 00000, 99999
        return ""
    return bare.lstrip("0")


def _compare_city(ours: str, theirs: str) -> Verdict:
    """Another only when it is clear: "New York" and "New York City", "Charleston" and "Charlestown" are not."""
    mine, other = _city(ours), _city(theirs)
    if not mine or not other:
        return Verdict.UNKNOWN
    if mine == other:
        return Verdict.AGREE
    words, others = set(mine.split()), set(other.split())
    unclear = words <= others or others <= words or fuzz.ratio(mine, other) >= 80
    return Verdict.UNKNOWN if unclear else Verdict.DIFFER


@lru_cache(maxsize=20_000)
def _city(city: str) -> str:
    return " ".join(SPELLINGS.get(word, word) for word in normalise_name(city).split())
