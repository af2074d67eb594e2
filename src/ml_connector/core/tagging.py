"""Which GL account a deal gets that has none: by the first rule that fits it, else the default of its Account. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the rule table: deals that are like this belong to that GL account. What is empty fits every deal."""

    name: str
    account: str  #: number of the GL account, as the source writes it
    product: str = ""
    pipeline: str = ""
    type: str = ""
    company: str = ""  #: of the source, whose customer the deal's Account is

    def fits(self, deal: UntaggedDeal) -> bool:
        """Whether everything that the rule asks for is so of the deal; case and outer blanks do not count."""
        asked = (
            (self.product, deal.product),
            (self.pipeline, deal.pipeline),
            (self.type, deal.type),
            (self.company, deal.company),
        )
        return all(not wanted or _folded(wanted) == _folded(found) for wanted, found in asked)


@dataclass(frozen=True, slots=True)
class UntaggedDeal:
    """What tagging needs to know of a deal without a GL account; empty: the deal does not say."""

    product: str = ""
    pipeline: str = ""
    type: str = ""
    account_name: str = ""  #: of its Account
    default: str = ""  #: what its Account has for a default, as the field of the deal takes it
    company: str = ""  #: of the source, whose customer its Account is


@dataclass(frozen=True, slots=True)
class Tag:
    """What is written into the deal's field, and why."""

    value: str
    reason: str


def find_tag(deal: UntaggedDeal, rules: Sequence[Rule], values: Mapping[str, str]) -> Tag | None:
    """The deal's tag; None: nothing says what it is.

    ``values``: name of a rule -> what the field of a deal takes for the rule's account; a rule without one points to
    an account that is not there. A deal that it fits stays as it is: another account would be a guess.
    """
    rule = next((rule for rule in rules if rule.fits(deal)), None)
    if rule is not None:
        value = values.get(rule.name)
        return Tag(value, f"Rule “{rule.name}”: GL account {rule.account}.") if value else None
    if deal.default:
        return Tag(deal.default, f"Default GL account of the Account “{deal.account_name}”.")
    return None


def fingerprint(rules: Sequence[Rule], values: Mapping[str, str]) -> str:
    """Changes when the rules mean something else, or one of their accounts came or went."""
    told = "\x1e".join(
        "\x1f".join(
            (
                r.name,
                r.account,
                r.product,
                r.pipeline,
                r.type,
                values.get(r.name, ""),
                *filter(None, [r.company]),
            )
        )
        for r in rules
    )
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _folded(text: str) -> str:
    return text.strip().casefold()
