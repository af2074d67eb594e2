"""How alike two companies are, from 0 to 100, so that a person is asked only where it is worth it. Pure.

The name leads; city, postal code, phone and e-mail speak for or against it. A wrong merge costs more than a
question: what may be a homonym, a branch or a sister company stays below ``AUTOMATIC``, whatever the points say.
The thresholds are held by the labelled pairs of the tests.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from ml_connector.core.company_facts import Facts, Verdict, Verdicts, compare_facts
from ml_connector.core.company_name import (
    Difference,
    Letters,
    Name,
    Sameness,
    bare_name,
    compare_names,
    likeness,
    read_name,
)
from ml_connector.core.match import Similar

__all__ = ["AUTOMATIC", "REVIEW", "Facts", "NameIndex", "Similar", "bare_name", "best", "score"]

AUTOMATIC: float = 90.0  #: from here on the two are taken for the same company without asking
REVIEW: float = 72.0  #: from here on a person is shown the pair

_NAME_POINTS = 0.84  # of likeness: an equal name alone is 84
#: Points of a fact that both have. With an equal name the phone, the address or the postal code passes AUTOMATIC; the
#: city does not (homonyms), nor the domain (a group's companies), but both do. A different phone is outweighed by
#: nothing but the same address together with the same place.
_POINTS = {
    "phone": {Verdict.AGREE: 16.0, Verdict.DIFFER: -20.0},
    "address": {Verdict.AGREE: 16.0},  # a different one is another person of the company
    "domain": {Verdict.AGREE: 5.0, Verdict.DIFFER: -8.0},
    "postal_code": {Verdict.AGREE: 10.0, Verdict.DIFFER: -12.0},
    "city": {Verdict.AGREE: 3.0, Verdict.DIFFER: -12.0},
}
_IDENTIFYING = frozenset({"phone", "address", "domain"})
_MOST_AGAINST = -20.0  # a company that moved keeps its name: a person may still see it
_BRANCHES_DIFFER = -20.0
_FORMS_DIFFER = -4.0


def score(ours: Facts, theirs: Facts) -> float:
    """How alike, 0 to 100 with one decimal; the same both ways round; 100 is for equal names only.

    A missing fact neither helps nor harms. A name alone, however equal, stays below ``AUTOMATIC``; so does a name
    with another number, branch or word, another legal form, another place.
    """
    mine, other = read_name(ours.name), read_name(theirs.name)
    if not mine.words or not other.words:
        return 0.0
    verdicts = compare_facts(ours, theirs)
    if mine.whole == other.whole and Verdict.AGREE in verdicts.values() and not _objects(verdicts):
        return 100.0
    difference = compare_names(mine, other)
    points = (
        _NAME_POINTS * likeness(mine.letters, other.letters)
        + _difference_points(difference)
        + _fact_points(verdicts)
    )
    return round(max(0.0, min(points, _most(difference, verdicts))), 1)


def best(ours: Facts, candidates: Sequence[tuple[str, Facts]]) -> list[Similar]:
    """The candidates (target id, facts) worth a look, from ``REVIEW`` on, best first; equal ones by their id."""
    scored = [Similar(target_id, theirs.name, score(ours, theirs)) for target_id, theirs in candidates]
    return sorted((s for s in scored if s.score >= REVIEW), key=lambda s: (-s.score, s.target_id))


def _difference_points(difference: Difference) -> float:
    return difference.branches_differ * _BRANCHES_DIFFER + difference.forms_differ * _FORMS_DIFFER


def _fact_points(verdicts: Verdicts) -> float:
    points = [_POINTS[fact].get(verdict, 0.0) for fact, verdict in verdicts.items()]
    return sum(p for p in points if p > 0) + max(_MOST_AGAINST, sum(p for p in points if p < 0))


def _objects(verdicts: Verdicts) -> bool:
    return any(_POINTS[fact].get(verdict, 0.0) < 0 for fact, verdict in verdicts.items())


def _most(difference: Difference, verdicts: Verdicts) -> float:
    """The most that a pair of different names may have, however many its points."""
    if difference.numbers_differ:  # Store 12 is not Store 14: 200 stores of a chain are no 19,900 questions
        return REVIEW - 1
    return 99.0 if _may_be_automatic(difference, verdicts) else AUTOMATIC - 1


def _may_be_automatic(difference: Difference, verdicts: Verdicts) -> bool:
    """Whether nothing speaks for a homonym, a branch or a sister company."""
    if difference.sameness is Sameness.OTHER or difference.forms_differ or _is_elsewhere(verdicts):
        return False
    if difference.sameness is Sameness.EQUAL:
        return True
    agreed = {fact for fact, verdict in verdicts.items() if verdict is Verdict.AGREE}
    return len(agreed) > 1 and bool(agreed & _IDENTIFYING) and not _objects(verdicts)


def _is_elsewhere(verdicts: Verdicts) -> bool:
    """Another city or postal code: branches share phone and domain."""
    return Verdict.DIFFER in {verdicts["city"], verdicts["postal_code"]}


# Measured with 80,000 names made of 350 words: of 30,000 questions, a slip or two in each, 50 missed their name.
_LEAST_READ, _READ_ONE_OF = 3_000, 8  # entries of the index that a question reads, the rarest first
_COMPARED = 100  # names that a question compares in full
_NEAR_ENOUGH = 65.0  # likeness: with every fact agreeing it is worth a person's look


class NameIndex:
    """Finds the names worth scoring among many, without comparing each with each.

    Names that share rare groups of three letters are compared: a slip anywhere in a word, its first letter
    included, leaves enough of them.
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._numbers: dict[str, int] = {}  # by the words
        self._letters: list[Letters] = []
        self._ids: list[list[str]] = []
        self._by_three: defaultdict[str, list[int]] = defaultdict(list)
        for target_id, name in names:
            self._add(target_id, read_name(name))

    def near(self, name: str, limit: int = 10) -> list[str]:
        """The ids of at most ``limit`` different names, the likest first; of one name, all that have it.

        Names that only legal forms, spellings and signs tell apart count as one.
        """
        if not self._ids:
            return []
        wanted = read_name(name)
        compared = [(likeness(wanted.letters, self._letters[n]), n) for n in self._candidates(wanted)]
        near = sorted((-likeness, number) for likeness, number in compared if likeness >= _NEAR_ENOUGH)
        return [target_id for _, number in near[:limit] for target_id in self._ids[number]]

    def _add(self, target_id: str, name: Name) -> None:
        if not name.words:
            return
        number = self._numbers.setdefault(" ".join(name.words), len(self._ids))
        if number < len(self._ids):
            self._ids[number].append(target_id)
            return
        self._letters.append(name.letters)
        self._ids.append([target_id])
        for three in _threes(name):
            self._by_three[three].append(number)

    def _candidates(self, wanted: Name) -> set[int]:
        """The names that share the most of the rarest groups of letters, and the equal one."""
        known = [self._by_three[three] for three in sorted(_threes(wanted)) if three in self._by_three]
        budget = max(_LEAST_READ, len(self._ids) // _READ_ONE_OF)
        shared: Counter[int] = Counter()
        for numbers in sorted(known, key=len):
            budget -= len(numbers)
            if shared and budget < 0:
                break
            shared.update(numbers)
        equal = self._numbers.get(" ".join(wanted.words))
        return {*_most_common(shared, _COMPARED), *([] if equal is None else [equal])}


def _most_common(counted: Counter[int], limit: int) -> list[int]:
    """The ``limit`` most common, in no order: ``Counter.most_common`` spends most of a question on the order."""
    if len(counted) <= limit:
        return list(counted)
    least = sorted(counted.values())[-limit]
    above = [number for number, count in counted.items() if count > least]
    last = (number for number, count in counted.items() if count == least)
    return above + list(islice(last, limit - len(above)))


def _threes(name: Name) -> set[str]:
    """Groups of three letters of each word, its edges included."""
    edged = [f" {word} " for word in name.words]
    return {word[at : at + 3] for word in edged for at in range(len(word) - 2)}
