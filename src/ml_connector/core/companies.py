"""Several companies of one source in one target: what they are called, and whose a key is.

Whose it is is told by the prefix before it. Case does not count, as it does not count in keys.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

#: What a company may be called: it stands before its flows, in commands and reports.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,23}")


@dataclass(frozen=True, slots=True)
class Company:
    """One company of the source, as its flows need it."""

    name: str  #: empty: the first one, whose flows have plain names
    number: int  #: in the source
    key_prefix: str
    leave_out: tuple[str, ...] = ()  #: flows that do not run for it

    @property
    def key(self) -> str:
        """What it is called in the store."""
        return str(self.number)

    def flow(self, name: str) -> str:
        """What its flow of this name is called among those of all companies."""
        return f"{self.name}/{name}" if self.name else name


def wrong_company(companies: Sequence[Company], flows: Collection[str]) -> tuple[str, str] | None:
    """(Name, what is wrong) of one that cannot stand beside those before it; the first can always."""
    for place, company in enumerate(companies):
        if place and (fault := _beside(company, companies[:place], flows)):
            return company.name, fault
    return None


def _beside(company: Company, known: Sequence[Company], flows: Collection[str]) -> str:
    """Why this company cannot stand beside those; empty: it can."""
    if not _NAME.fullmatch(company.name) or company.name in flows:
        return "is no name for a company: use up to 24 letters, digits, - and _, and no name of a flow"
    if twin := next((other for other in known if other.number == company.number), None):
        where = f"[companies.{twin.name}]" if twin.name else "[gp]"
        return f"has the company_id {company.number}, which {where} has already"
    if unknown := next((flow for flow in company.leave_out if flow not in flows), None):
        return f"leaves out {unknown}, which is no flow; known are: {', '.join(flows)}"
    if pair := clash([*(other.key_prefix for other in known), company.key_prefix]):
        return (
            f"has a key_prefix that cannot be told from another company's: “{pair[1]}” begins with “{pair[0]}”,"
            " so that one key could belong to both; one company alone may have none"
        )
    return ""


def clash(prefixes: Sequence[str]) -> tuple[str, str] | None:
    """Two prefixes that cannot stand side by side: with “E” and “EU-”, the key EU-1 could be either's.

    One company may do without: what has nobody else's prefix is its.
    """
    for one, other in combinations(prefixes, 2):
        shorter, longer = sorted((one, other), key=len)
        if longer.casefold().startswith(shorter.casefold()) and (shorter or not longer):
            return shorter, longer
    return None


def owner(value: str, prefixes: Iterable[str]) -> str | None:
    """The prefix that this key carries, the longest that fits; None: no company's."""
    fitting = [prefix for prefix in prefixes if value.casefold().startswith(prefix.casefold())]
    return max(fitting, key=len, default=None)
