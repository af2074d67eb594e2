"""Which lines of journal entries are brought over: by the entry's date, and by the line's account. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from ml_connector.core.record import fold_key

Span = tuple[str, str]  #: the first and the last account number of a range, folded
_TO = ".."


class Within(Enum):
    """Whether a line is within the limits."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  #: its account's category decides, and that is not known yet


@dataclass(frozen=True, slots=True)
class LineLimits:
    """The limits; a line has to be within the date, and its account in a range or of a category, if any are set."""

    from_date: date | None = None
    accounts: tuple[Span, ...] = ()
    categories: frozenset[str] = frozenset()  #: folded
    closing: frozenset[str] = frozenset()  #: source documents, folded, whose entries are not there for us

    @property
    def told(self) -> str:
        """The limits as a text: equal ones, equal text; none: empty."""
        if self == NO_LIMITS:
            return ""
        return repr(
            (str(self.from_date), sorted(self.accounts), sorted(self.categories), sorted(self.closing))
        )

    @property
    def needs_categories(self) -> bool:
        """Whether a line's account has to be known."""
        return bool(self.categories)

    def lets_in_date(self, on: date | None) -> bool:
        """Whether what is of this day may be within the limits; of what has no date, nothing is left out."""
        return self.from_date is None or on is None or on >= self.from_date

    def lets_in_month(self, month: str) -> bool:
        """Whether some day of the month, such as "2026-04", may be within the limits."""
        return self.from_date is None or month >= f"{self.from_date:%Y-%m}"

    def of_account(self, account: str, category: str | None) -> Within:
        """Whether an account is within the limits.

        ``category``: its category, empty where it has none; None: the account is not known yet.
        """
        if not self.accounts and not self.categories:
            return Within.YES
        folded = fold_key(account)
        if any(first <= folded <= last for first, last in self.accounts):
            return Within.YES
        if not self.categories:
            return Within.NO
        if category is None:
            return Within.UNKNOWN
        return Within.YES if fold_key(category) in self.categories else Within.NO

    def is_closing(self, source_document: str) -> bool:
        """Whether an entry with this source document is one that closing a year makes."""
        return fold_key(source_document) in self.closing

    @property
    def of_postings(self) -> str:
        """What of the limits decides which postings are kept, as a text."""
        return repr(sorted(self.closing)) if self.closing else ""


NO_LIMITS = LineLimits()


def limits_of(
    from_date: date | None, accounts: Sequence[str], categories: Sequence[str], closing: Sequence[str] = ()
) -> LineLimits:
    """The limits as they are written in the settings. Raises ValueError where a range is none."""
    folded, left_out = frozenset(map(fold_key, categories)), frozenset(map(fold_key, closing))
    return LineLimits(from_date, tuple(map(_span, accounts)), folded, left_out)


def _span(text: str) -> Span:
    """The ends of "FROM..TO"; of a single account, the account twice."""
    first, to, last = (fold_key(part) for part in text.strip().partition(_TO))
    first, last = first.strip(), last.strip()
    if not to:
        last = first
    if not first or not last or first > last:
        raise ValueError(f"“{text}” is no account and no range of accounts, written FROM{_TO}TO")
    return first, last
