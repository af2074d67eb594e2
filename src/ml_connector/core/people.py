"""The person that a text names: GP keeps one line for a contact, Zoho a salutation, a first and a last name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ml_connector.core.match import normalise_name

LONGEST_FIRST = 40  #: Zoho's First_Name
LONGEST_LAST = 80  #: Zoho's Last_Name, which no Contact can be without


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in Zoho's three parts; all empty where the text names nobody."""

    salutation: str = ""  #: as Zoho's standard picklist has it
    first: str = ""
    last: str = ""


#: Folded title -> Zoho's salutation; the empty ones have none there, and are not a part of the name either.
_SALUTATIONS: Mapping[str, str] = {
    **dict.fromkeys(("mr", "mister", "herr", "monsieur", "señor", "senor", "sr"), "Mr."),
    **dict.fromkeys(("mrs", "madame", "mme", "señora", "senora", "sra"), "Mrs."),
    **dict.fromkeys(("ms", "miss", "mademoiselle", "mlle", "frau", "señorita", "senorita", "srta"), "Ms."),
    **dict.fromkeys(("dr", "doctor", "dra"), "Dr."),
    **dict.fromkeys(("prof", "professor"), "Prof."),
    **dict.fromkeys(("attn", "attention", "rev", "reverend", "sir", "capt", "dipl-ing"), ""),
}
_DEGREES = _words("phd md dds dvm cpa cfa cma mba msc bsc llm jd esq esquire rn pmp cpim cpsm dipl-ing")
_GENERATIONS = _words("jr sr ii iii iv")  # father and son are two people: these stay in the name
_PARTICLES = _words(
    "van von der den ter ten zu zum zur de del della di da das do dos du des la las le los bin ibn al el st saint"
)
#: The words that a function or a department is called by: a text of nothing else names no person.
_ROLE_WORDS = _words(
    """
    a/p a/r account accountant accounting accounts admin administration administrator ap ar assistant
    associate billing bookkeeper bookkeeping buyer cashier ceo cfo chief claims clerk commercial contact
    controller coo coordinator cto customer department dept desk director dispatch division engineer
    engineering executive export facilities finance financial foreman founder front general head hr human
    import information inventory invoices invoicing it lead logistics main maintenance management manager
    managing marketing mgr office officer operations operator order orders owner partner parts payable
    payables payments payroll plant president principal procurement production project purchase purchaser
    purchases purchasing quality receivable receivables receiving reception receptionist representative
    resources sales secretary senior service services shipping staff store stores superintendent supervisor
    supply support team technical technician technology treasurer vice vp warehouse
    """
)
_JOINING = _words("of the and & / - for to in")
_AND = _words("& and AND")
#: What people type where nobody is known, without blanks.
_NOBODY = _words(
    "na none no null nil nobody unknown tbd tba tbc nocontact notavailable notapplicable notassigned x xx xxx"
)

_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\"[^\"]*\"|“[^”]*”")
_BRACKETS = re.compile(r"[()\[\]\"“”]")
_REACHED_BY = re.compile(
    r"\S+@\S+"  # an e-mail address
    r"|(?:\b(?:tel|phone|cell|mobile|fax)\b[.:# ]*)?\+?[0-9(][0-9().\-/ ]{5,}[0-9]"
    r"|\b(?:x|ext|extn|extension)[.:# ]*[0-9]+\b",
    re.IGNORECASE,
)
_CARE_OF = re.compile(r"^\s*(?:attn|attention|c/o|contact|z\.? ?hd\.?)\s*[.:]\s*|^\s*c/o\s+", re.IGNORECASE)
_LISTED = re.compile(r"\s*[;|]\s*|\s+(?:/|or|OR)\s+")
_GLUED = re.compile(r"\.(?=[^\W\d_]{2})")  # Mr.Smith; not the dots of J.R.R. and Ph.D.
_DASHED = re.compile(r"\s+[-–—]+\s*|\s*[–—]+\s+|\s*-+\s+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def person_key(text: str) -> str:
    """The person as a part of a key: the same for "Smith, John", "Mr. John Smith" and "JOHN SMITH"; "" for nobody."""
    name = split_name(text)
    return normalise_name(f"{name.first} {name.last}")


@lru_cache(maxsize=10_000)  # first name, last name, salutation and key are asked for one after another
def split_name(text: str) -> PersonName:
    """The name's parts, in the letters in which they were written; of several people the first.

    Functions, degrees, numbers and remarks beside a name are left out; a function alone is the last name, because a
    Contact needs one.
    """
    plain = _without_remarks(text)
    if _is_nobody(plain):
        return PersonName()
    one = next((piece for piece in _LISTED.split(plain) if not _is_nobody(piece)), plain)
    person = _beside_functions(one)
    if _is_role(person.split()):
        return PersonName(last=person[:LONGEST_LAST].rstrip())
    return _fitting(_parts(person))


def _is_nobody(text: str) -> bool:
    folded = normalise_name(text).replace(" ", "")
    return folded in _NOBODY or bool(_SALUTATIONS.get(folded)) or not any(map(str.isalpha, folded))


def _without_remarks(text: str) -> str:
    """The text without brackets, numbers and addresses; what is in the brackets, if there is nothing else."""
    plain = _BRACKETED.sub(" ", text)
    plain = _BRACKETS.sub(" ", plain if any(map(str.isalpha, plain)) else text)
    plain = _GLUED.sub(". ", _CARE_OF.sub("", _REACHED_BY.sub(" ", plain)))
    return " ".join(plain.split()).strip(" ,-–—/&:;")


def _beside_functions(text: str) -> str:
    """Of "John Smith - Purchasing" or "Purchasing - John Smith": the person."""
    pieces = (piece for piece in _DASHED.split(text) if not _is_nobody(piece))
    return next((piece for piece in pieces if not _is_role(piece.split())), text)


def _is_role(words: list[str]) -> bool:
    folded = [word.strip(".,:").casefold() for word in words]
    return all(word in _ROLE_WORDS or word in _JOINING for word in folded) and bool(folded)


def _bare(word: str) -> str:
    return word.replace(".", "").strip(",").casefold()


def _parts(person: str) -> PersonName:
    """The parts of one person's name, "First Last" or "Last, First"."""
    pieces, generation = _comma_pieces(person)
    if not pieces:
        return PersonName()  # N/A, Mr.
    salutation, words = _take_salutation(_spoken(pieces[0]))
    words, own = _take_endings(words)
    if len(pieces) == 1:
        return _named(salutation, _first_of_two(words), generation or own)
    behind = _spoken(" ".join(pieces[1:]))
    leading, all_words = _take_salutation([*behind, *words])
    given, of_given = _take_endings(all_words[: len(all_words) - len(words)])
    last = [*words, *(generation or own or of_given)]
    return PersonName(salutation or leading, " ".join(given), " ".join(last))


def _spoken(text: str) -> list[str]:
    """The words that are more than signs."""
    return [word for word in text.split() if word in _AND or any(map(str.isalnum, word))]


def _comma_pieces(person: str) -> tuple[list[str], list[str]]:
    """What stands between commas, without degrees and functions, and the generation that stood alone (Jr.)."""
    pieces = [piece.strip() for piece in person.split(",") if not _is_nobody(piece)]
    if len(pieces) > 1 and " " in pieces[0] and _is_role(pieces[0].split()):
        del pieces[0]  # Sales Manager, John Smith; but Foreman, George
    kept: list[str] = pieces[:1]
    generation: list[str] = []
    for piece in pieces[1:]:
        words = piece.split()
        if all(_bare(word) in _GENERATIONS for word in words):
            generation = words
        elif not _is_role(words) and not all(_bare(word) in _DEGREES for word in words):
            kept.append(piece)
    return kept, generation


def _first_of_two(words: list[str]) -> list[str]:
    """Of "John Smith & Mary Jones" the first; "John & Mary Smith" cannot be taken apart and stays."""
    at = next((at for at, word in enumerate(words) if word in _AND), 0)
    return words[:at] if at > 1 and len(words) - at > 2 else words


def _take_salutation(words: list[str]) -> tuple[str, list[str]]:
    """The salutation in front and the words behind all titles; a couple's ("Mr. & Mrs.") is none of Zoho's."""
    said: list[str] = []
    at = 0
    while at < len(words) - 1 and (_bare(words[at]) in _SALUTATIONS or (said and words[at] in _AND)):
        said.append(_SALUTATIONS.get(_bare(words[at]), "&"))
        at += 1
    return "" if "&" in said else next(filter(None, said), ""), words[at:]


def _take_endings(words: list[str]) -> tuple[list[str], list[str]]:
    """The words without degrees behind them, and the generation that stood there."""
    left, generation = list(words), list[str]()
    while len(left) > 1 and _bare(left[-1]) in _DEGREES | _GENERATIONS:
        word = left.pop()
        if _bare(word) in _GENERATIONS:
            generation.insert(0, word)
    return left, generation


def _named(salutation: str, words: list[str], generation: list[str]) -> PersonName:
    at = _surname_start(words, salutation)
    first, last = words[:at], words[at:]
    if len(words) > 1 and all(_CJK.match(word) for word in words):
        first, last = words[1:], words[:1]  # there the family is named first
    return PersonName(salutation, " ".join(first), " ".join([*last, *generation]))


def _surname_start(words: list[str], salutation: str) -> int:
    """Where the last name begins: the last word, with the particles that stand before it."""
    at = len(words) - 1
    while at > 0 and _bare(words[at - 1]) in _PARTICLES:
        at -= 1
    if at == 0 and len(words) == 2 and words[0][0].isupper() and not salutation:
        return 1  # Van Morrison, Al Smith: a single capitalised word in front is a first name
    if at > 1 and words[at - 1] in ("y", "Y"):
        return at - 2  # José Ortega y Gasset
    joined = len(words) == 3 and words[1] in _AND  # Smith & Jones: two surnames
    return 0 if joined else at


def _fitting(name: PersonName) -> PersonName:
    """A first name that Zoho would refuse goes whole into the last name, which takes all that GP can hold."""
    if len(name.first) <= LONGEST_FIRST and len(name.last) <= LONGEST_LAST and name.last:
        return name
    whole = f"{name.first} {name.last}".strip()
    return PersonName(name.salutation, "", whole[:LONGEST_LAST].rstrip())
