"""Recognising a record that has no link yet. Pure: the candidates are handed in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ml_connector.core.catalogue import (
    AMBIGUOUS,
    AMBIGUOUS_KEY,
    DECLINED,
    DELETED,
    RENAMED,
    SIMILAR,
    TARGET_GONE,
)
from ml_connector.core.ports import Candidate

_NOT_WORD = re.compile(r"[^\w]+")


@lru_cache(maxsize=10_000)  # listed, planned, indexed: the same name is asked for several times in a window
def normalise_name(name: str) -> str:
    """A name for comparing: accents, case, punctuation and spacing do not count; & is "and".

    Two different companies may share it; that is for ``find_match`` to see, never to guess.
    """
    # Taken apart before and after folding: ™ becomes TM, and then tm.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    # An apostrophe joins (O'Neil = ONeil), every other sign separates (Smith-Jones = Smith Jones).
    joined = bare.replace("'", "").replace("’", "").replace("&", " and ")
    return _NOT_WORD.sub(" ", joined).strip()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided about one record."""

    chosen: str = ""  #: this record of the target is meant
    replaces: str = ""  #: the key that may stand on it, and goes: the record was renamed in the source
    rejected: frozenset[str] = frozenset()  #: these records of the target are not meant
    released: frozenset[str] = frozenset()  #: these reasons to hold it do not count
    declined: bool = False  #: no record is made for it


@dataclass(frozen=True, slots=True)
class Linked:
    """We know the record on the other side."""

    target_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """Recognised for the first time, ``by`` "key", "email", "name", "similar", "review", "created"."""

    target_id: str
    by: str
    score: float = 0.0  #: of "similar", up to 100
    replaces: str = ""  #: another key that may stand on it


@dataclass(frozen=True, slots=True)
class Nothing:
    """No candidate: it is new."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """More than one candidate, more than one claimant, or one that is not certain: never guessed."""

    code: str  #: of the catalogue
    reason: str
    candidates: tuple[str, ...] = ()
    score: float = 0.0  #: of the best similar one
    former: str = ""  #: of a record that looks renamed: the key that it seems to have had


Match = Linked | Found | Nothing | Unclear


@dataclass(frozen=True, slots=True)
class Similar:
    """A record of the target with a similar name."""

    target_id: str
    name: str
    score: float  #: 0 to 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known that may recognise one record; every sequence is of records of the target."""

    link: str = ""  #: the record that it is linked to
    gone: str = ""  #: of the linked record: "deleted" by a person, "lost" (not to be seen), "" (there)
    verdict: Verdict = Verdict()
    by_key: Sequence[Candidate] = ()  #: those that carry its key
    by_email: Sequence[Candidate] = ()  #: those with its e-mail address
    by_name: Sequence[Candidate] = ()  #: those with its normalised name
    similar: Sequence[Similar] = ()  #: best first
    unlike: frozenset[str] = (
        frozenset()
    )  #: target ids with its name or e-mail address that all else speaks against
    #: "key", "email", "name" -> the value of it that too many records of the target have to read them all
    crowded: Mapping[str, str] = field(default_factory=dict)
    namesakes: int = 1  #: how many records of the source, this one included, have its name
    vanished: Mapping[str, str] = field(
        default_factory=dict
    )  #: target id -> source key on it that is no more


def find_match(key_field: str, seen: Evidence, automatic: float, *, recreate: bool = False) -> Match:
    """The match by a person's verdict, link, key, e-mail, exact normalised name, then by similarity.

    A similar record is taken for the same from the score ``automatic`` on. ``recreate``: what a person deleted in the
    target is made anew.
    """
    verdict = seen.verdict
    if verdict.chosen and verdict.chosen != seen.link:
        return Found(verdict.chosen, "review", replaces=verdict.replaces)
    if seen.link and not seen.gone:
        return Linked(seen.link)
    match = _recognise(key_field, seen, automatic)
    if isinstance(match, Unclear) and match.code in verdict.released:
        match = Nothing()
    if isinstance(match, Nothing):
        return _new(seen, recreate=recreate)
    return match


def _recognise(key_field: str, seen: Evidence, automatic: float) -> Match:
    """What the candidates say."""
    if seen.by_key:
        return _single(seen.by_key, "key", "carry this key", AMBIGUOUS_KEY)
    if "key" in seen.crowded:
        return _crowd(seen.crowded, "key", AMBIGUOUS_KEY)
    if seen.vanished:
        target_id, key = next(iter(seen.vanished.items()))
        reason = f"the record {target_id} of the CRM belongs to {key}, which the ERP no longer has"
        return Unclear(RENAMED, reason, tuple(seen.vanished), former=key)
    for by, candidates in (("email", seen.by_email), ("name", seen.by_name)):
        if match := _alike(key_field, seen, by, candidates):
            return match
    return _similar([s for s in seen.similar if s.target_id not in seen.verdict.rejected], seen, automatic)


def _alike(key_field: str, seen: Evidence, by: str, candidates: Sequence[Candidate]) -> Match | None:
    """What those say that have its e-mail address or its name; None: nothing."""
    if by in seen.crowded:
        return _crowd(seen.crowded, by, AMBIGUOUS)
    free = [c for c in candidates if not c.values.get(key_field) and c.target_id not in seen.verdict.rejected]
    if not free:
        return None
    if seen.namesakes > 1 and by == "name":
        reason = f"{seen.namesakes} records of the source have this name"
        return Unclear(AMBIGUOUS, reason, tuple(c.target_id for c in free))
    if len(free) == 1 and free[0].target_id in seen.unlike:
        return Unclear(SIMILAR, f"{free[0].target_id} has the same {_UNLIKE[by]}", (free[0].target_id,))
    return _single(free, by, f"have this {_WORDS[by]}", AMBIGUOUS)


_WORDS = {"key": "key", "email": "e-mail address", "name": "name"}
_UNLIKE = {
    "email": "e-mail address, but the name of another person",
    "name": "name, but another address or telephone number",
}


def _single(found: Sequence[Candidate], by: str, what: str, code: str) -> Match:
    ids = tuple(candidate.target_id for candidate in found)
    return Found(ids[0], by) if len(ids) == 1 else Unclear(code, f"{len(ids)} records of the CRM {what}", ids)


def _crowd(crowded: Mapping[str, str], by: str, code: str) -> Match:
    return Unclear(code, f"thousands of records of the CRM have the {_WORDS[by]} {crowded[by]}")


def _similar(similar: Sequence[Similar], seen: Evidence, automatic: float) -> Match:
    """Only one that stands alone above the threshold is certain enough."""
    if not similar:
        return Nothing()
    best = similar[0]
    if best.score >= automatic and len(similar) == 1 and seen.namesakes == 1:
        return Found(best.target_id, "similar", best.score)
    told = "; ".join(f"{s.name} ({s.target_id}, {s.score:g})" for s in similar[:3])
    return Unclear(
        SIMILAR, f"the CRM has similar ones: {told}", tuple(s.target_id for s in similar), best.score
    )


def _new(seen: Evidence, *, recreate: bool) -> Match:
    """Nothing in the target is meant: whether it may be made."""
    released = seen.verdict.released
    if seen.verdict.declined and DECLINED not in released:
        return Unclear(DECLINED, "a person decided that no record is made for it")
    if seen.gone == "deleted" and not recreate and DELETED not in released:
        return Unclear(DELETED, f"a person deleted {seen.link} in the CRM", (seen.link,))
    if seen.gone == "lost" and TARGET_GONE not in released:
        return Unclear(TARGET_GONE, f"the record {seen.link} cannot be seen in the CRM", (seen.link,))
    return Nothing()
