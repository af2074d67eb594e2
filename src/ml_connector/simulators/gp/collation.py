"""Text as a case-insensitive SQL Server collation compares it, which is not as Python does.

Sites run several collations. This one behaves like a Windows "word sort": case and trailing blanks do not
count, symbols come before digits and digits before letters, an accented letter stands beside its plain one,
and hyphen and apostrophe count only between texts that are otherwise equal. Python's order would put `_`
after the digits and `É` after `Z`.
"""

from __future__ import annotations

import re
import unicodedata

_SYMBOLS = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_LIGATURES = {"æ": "ae", "œ": "oe", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
_LAST_RANKED = 0x24F  # Latin Extended-B; what lies beyond keeps its code point and sorts behind


def _letter_order(letter: str) -> tuple[str, str]:
    return _LIGATURES.get(letter, unicodedata.normalize("NFKD", letter)[0]), letter


def _ranks() -> dict[int, int]:
    characters = [chr(code) for code in range(0x20, _LAST_RANKED + 1)]
    letters = sorted(
        {c.lower() for c in characters if c.isalpha() and len(c.lower()) == 1}, key=_letter_order
    )
    digits = list("0123456789")
    known = set(_SYMBOLS) | set(letters) | set(digits)
    rest = [c for c in characters if c not in known and not c.isalpha()]
    ordered = [*_SYMBOLS, *rest, *digits, *letters]
    return {ord(character): rank for rank, character in enumerate(ordered, start=1)}


_RANKS = _ranks()
_IGNORED_AT_FIRST = {_RANKS[ord(character)]: None for character in "-'"}


def collation_key(text: str) -> str:
    """Return a string that orders and equals other such strings as the collation orders and equals the texts."""
    ranks = text.rstrip(" ").lower().translate(_RANKS)
    return f"{ranks.translate(_IGNORED_AT_FIRST)}\0{ranks}"


_LIKE_TOKEN = re.compile(r"\[(\^?)([^\]]+)\]|(%)|(_)|(.)", re.DOTALL)


def like_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a T-SQL LIKE pattern: `%`, `_` and `[sets]`; case and the value's trailing blanks do not count."""
    return re.compile(
        "".join(map(_like_token, _LIKE_TOKEN.finditer(pattern))) + " *", re.IGNORECASE | re.DOTALL
    )


def _like_token(token: re.Match[str]) -> str:
    negated, members, any_run, any_one, literal = token.groups()
    if members is not None:
        return f"[{negated}{re.escape(members).replace(chr(92) + '-', '-')}]"
    if any_run:
        return ".*"
    return "." if any_one else re.escape(literal)
