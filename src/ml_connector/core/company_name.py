"""What of a company's name says which company it is. Pure.

Legal forms and spellings do not; a word, a number or a point of the compass does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import groupby

from cleanco.termdata import terms_by_country, terms_by_type  # type: ignore[import-untyped]  # it has no hints
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from ml_connector.core.match import normalise_name

#: The forms of three letters or less that are taken off, as they are written. cleanco has many more, but short ones
#: are places (CA, NV, EU), directions (SE), trades (Spa, PT) and initials as well.
_SHORT_FORMS = frozenset({
    "inc", "co", "ltd", "llc", "llp", "lp", "plc", "pc", "lc", "ulc", "pty", "pvt", "pte", "enr", "ag", "kg", "ohg",
    "ug", "gbr", "bv", "oy", "oyj", "aps", "asa", "sa", "sas", "srl", "snc", "lda", "kft", "zrt", "doo", "sro", "bhd",
    "uab", "sia", "vof", "zao", "ooo", "oao", "ооо", "оао", "пао", "l t d", "l l c", "l l p", "l p", "p l c", "p c",
    "l c", "a g", "b v", "n v", "v o f", "a s", "s a", "s a s", "s r l", "s p a", "s n c", "s l", "c v", "d o o",
    "s r o", "k k",
})  # fmt: skip
#: Longer terms of cleanco that do not stand for a form only.
_NOT_A_FORM = frozenset({"private", "coop", "koop", "s coop"})
#: What cleanco does not have.
_MORE_FORMS = frozenset({
    "chartered", "chtd", "enr", "lc", "l c", "ulc", "pc", "ltee", "pty", "pvt", "pty limited", "private limited",
    "pvt limited", "pte limited", "ug", "ug haftungsbeschrankt", "gmbh and co", "gmbh co kg", "ag and co kg",
    "and co", "and company", "sa de cv", "s a de c v", "sapi de cv", "s a p i de c v", "s de rl de cv",
    "s de r l de c v",
})  # fmt: skip
#: Forms (without spaces) that are one, or none: Inc and Corp are often mixed up, "Co" is said of any company. Any
#: others tell two companies apart: Inc and LLC, GmbH and GmbH & Co. KG, an AG and its Ltd abroad.
_ONE_FORM = {
    "incorporated": "inc", "corp": "inc", "corporation": "inc", "limited": "ltd", "ltee": "ltd", "pty": "ptyltd",
    "ptylimited": "ptyltd", "pvt": "pvtltd", "pvtlimited": "pvtltd", "privatelimited": "pvtltd", "pte": "pteltd",
    "ptelimited": "pteltd", "lc": "llc", "ltda": "lda", "gmbhandcokg": "gmbhcokg", "gmbhandco": "gmbhcokg",
    "mbhandcokg": "gmbhcokg", "co": "", "company": "", "andco": "", "andcompany": "", "chartered": "", "chtd": "",
    "enr": "",
}  # fmt: skip

#: One spelling for what is written in several ways. Only what has one meaning: "Elec", "Tech", "Dist" have more.
SPELLINGS = {
    "intl": "international", "internatl": "international", "natl": "national", "mfg": "manufacturing",
    "mfr": "manufacturer", "mfrs": "manufacturers", "bros": "brothers", "svc": "service", "svcs": "services",
    "mgmt": "management", "mgt": "management", "mktg": "marketing", "constr": "construction",
    "engr": "engineering", "engrg": "engineering", "equip": "equipment", "inds": "industries",
    "indl": "industrial", "ins": "insurance", "grp": "group", "hldgs": "holdings", "hldg": "holding",
    "pkg": "packaging", "lab": "laboratory", "labs": "laboratories", "sys": "systems", "whse": "warehouse",
    "whsl": "wholesale", "bldg": "building", "bldrs": "builders", "univ": "university", "hosp": "hospital",
    "dept": "department", "govt": "government", "assn": "association", "auth": "authority", "ctr": "center",
    "centre": "center", "centres": "centers", "theatre": "theater", "colour": "color", "jewellers": "jewelers",
    "jewellery": "jewelry", "saint": "st", "mount": "mt", "fort": "ft", "first": "1st", "second": "2nd",
    "third": "3rd", "fourth": "4th", "fifth": "5th", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "ii": "2", "iii": "3",
    "iv": "4", "vi": "6", "vii": "7", "viii": "8",
}  # fmt: skip
_SILENT = frozenset({"and", "of", "the"})
#: Words that tell branches of one company apart.
_BRANCHES = frozenset({
    "north", "south", "east", "west", "northern", "southern", "eastern", "western", "northeast", "northwest",
    "southeast", "southwest", "central", "upper", "lower", "downtown", "uptown", "midtown",
})  # fmt: skip


def _legal_forms() -> dict[tuple[str, ...], str]:
    """Every legal form by the words it is normalised to (S.A. is "s a" and "sa"), and which form it is."""
    terms = {
        term for table in (terms_by_country, terms_by_type) for terms in table.values() for term in terms
    }
    terms |= {re.sub(r"[./]", "", term) for term in terms}
    forms = {normalise_name(term) for term in terms} | _MORE_FORMS
    return {tuple(form.split()): _form(form) for form in forms if _is_form(form)}


def _form(written: str) -> str:
    joined = written.replace(" ", "")
    return _ONE_FORM.get(joined, joined)


def _is_form(written: str) -> bool:
    return written in _SHORT_FORMS or (len(written.replace(" ", "")) > 3 and written not in _NOT_A_FORM)


_FORMS = _legal_forms()
_LONGEST_FORM = max(map(len, _FORMS))


def _form_length(words: Sequence[str]) -> int:
    """How many words at the end are one legal form, and not the whole name: 0 for none."""
    for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
        # Letters after a letter are one abbreviation: the end of Y.M.C.A. is no C.A., of U.S.A. no S.A.
        torn = len(words[-length]) == 1 and len(words[-length - 1]) == 1
        if not torn and tuple(words[-length:]) in _FORMS:
            return length
    return 0


def _without_forms(name: str) -> tuple[list[str], frozenset[str]]:
    """The normalised words without article and legal forms, and the forms."""
    words = normalise_name(name).split()
    forms: set[str] = set()
    while len(words) > 1:
        if length := _form_length(words):
            forms.add(_FORMS[tuple(words[-length:])])
            del words[-length:]
        elif words[-1] in {"the", "and"}:  # "Smith Company, The"; what is left of "Smith and Co"
            del words[-1]
        elif words[0] == "the":
            del words[0]
        else:
            break
    return words, frozenset(forms - {""})


@lru_cache(maxsize=20_000)
def bare_name(name: str) -> str:
    """The normalised name without legal forms (Inc, GmbH & Co. KG, S.A. de C.V.) and the article.

    Never empty for a name with a letter or digit. "& Sons", "Group", "Holdings" stay: they name another company.
    """
    return " ".join(_without_forms(name)[0])


@dataclass(frozen=True, slots=True)
class Letters:
    """What of a name is compared letter by letter."""

    ordered: str  #: the words in alphabetical order
    joined: str  #: the words without spaces: "Data Soft" is "DataSoft"


@dataclass(frozen=True, slots=True)
class Name:
    """A name read for comparing."""

    whole: str  #: normalised, legal forms included
    words: tuple[str, ...]  #: of the bare name, without silent words, in one spelling
    letters: Letters  #: of the words
    forms: frozenset[str]  #: its legal forms, each in one spelling


@lru_cache(maxsize=20_000)
def read_name(name: str) -> Name:
    """The name read for comparing; it has words if it has a letter or digit."""
    bare, forms = _without_forms(name)
    words = tuple(_one_spelling([word for word in bare if word not in _SILENT] or bare))
    letters = Letters(" ".join(sorted(words)), "".join(words))
    return Name(normalise_name(name), words, letters, forms)


def _one_spelling(words: Sequence[str]) -> Iterator[str]:
    """The words as everybody would write them; letters in a row are one abbreviation, A.B.C. is ABC."""
    for letters, group in groupby(words, key=lambda word: len(word) == 1 and word.isalpha()):
        for word in ["".join(group)] if letters else group:
            yield SPELLINGS.get(word, word.lstrip("0") or word)


def likeness(ours: Letters, theirs: Letters) -> float:
    """0 to 100, whatever the order of the words; a name within the other is alike too, but less."""
    if not ours.joined or not theirs.joined:
        return 0.0
    return max(
        fuzz.ratio(ours.ordered, theirs.ordered),
        fuzz.ratio(ours.joined, theirs.joined),
        0.85 * fuzz.token_set_ratio(ours.ordered, theirs.ordered),
    )


class Sameness(Enum):
    """What the difference of two names may mean."""

    EQUAL = "the same words in the same order"
    SLIP = "another order, another spacing, or one slip of the keys"
    OTHER = "a word more, less or different: perhaps a branch, a sister or a stranger"


@dataclass(frozen=True, slots=True)
class Difference:
    """How two names differ, the same both ways round."""

    sameness: Sameness
    numbers_differ: bool  #: Store 12, Store 14
    branches_differ: bool  #: North, South
    forms_differ: bool  #: Inc, LLC


def compare_names(ours: Name, theirs: Name) -> Difference:
    """How two names differ, apart from spellings."""
    mine, other = Counter(ours.words), Counter(theirs.words)
    extra = (tuple((mine - other).elements()), tuple((other - mine).elements()))
    forms_differ = bool(ours.forms and theirs.forms and not ours.forms & theirs.forms)
    return Difference(
        _sameness(ours, theirs, extra),
        all(any(_has_digit(word) for word in words) for words in extra),
        all(_BRANCHES & set(words) for words in extra),
        forms_differ,
    )


def _sameness(ours: Name, theirs: Name, extra: tuple[Sequence[str], Sequence[str]]) -> Sameness:
    if ours.words == theirs.words:
        return Sameness.EQUAL
    if any(word in _BRANCHES or _has_digit(word) for words in extra for word in words):
        return Sameness.OTHER
    if ours.letters.ordered == theirs.letters.ordered or ours.letters.joined == theirs.letters.joined:
        return Sameness.SLIP
    mine, other = extra
    one_word = len(mine) == len(other) == 1
    return Sameness.SLIP if one_word and _is_slip(mine[0], other[0]) else Sameness.OTHER


def _has_digit(word: str) -> bool:
    return any(c.isdigit() for c in word)


def _is_slip(one: str, other: str) -> bool:
    """Whether one letter was dropped, added or swapped with its neighbour.

    A letter replaced by another one makes another name too easily (Hanson, Hansen; Carter, Carver), and so does a
    different first letter (Ridge, Bridge) or any change in a short word (Bay, Bray).
    """
    if min(len(one), len(other)) < 5 or one[0] != other[0] or OSA.distance(one, other) != 1:
        return False
    return len(one) != len(other) or sorted(one) == sorted(other)
