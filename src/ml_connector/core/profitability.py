"""Which revenue and cost of the ledger belong to which deal and Account of the CRM. Pure; exact to the cent.

An Account has every line of its customers. A document of one of them, an invoice or a return, belongs to a deal of
the Account if one deal, and no other, says so: by naming its number, or else by being the only deal won there on a
GL account that the document earns revenue on. What fits two deals belongs to none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from ml_connector.core.line_limits import NO_LIMITS, LineLimits, Within
from ml_connector.core.record import fold_key

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """Revenue and cost, in the currency of the ledger."""

    revenue: Decimal = ZERO
    cost: Decimal = ZERO

    @property
    def margin(self) -> Decimal:
        """What is left of the revenue."""
        return self.revenue - self.cost

    def __add__(self, other: Figures) -> Figures:
        return Figures(self.revenue + other.revenue, self.cost + other.cost)


NOTHING = Figures()


class Kind(Enum):
    """What a GL account tells of."""

    REVENUE = "revenue"
    COST = "cost"


def kind_of(account: str, category: str | None, revenue: LineLimits, cost: LineLimits) -> Kind | Within:
    """What the account tells of; NO: neither, UNKNOWN: its category decides, which is None.

    ``revenue`` and ``cost``: the accounts and categories of each; none named, no account is of the kind.
    """
    told = {
        kind: limits.of_account(account, category) if limits != NO_LIMITS else Within.NO
        for kind, limits in ((Kind.REVENUE, revenue), (Kind.COST, cost))
    }
    kind = next((kind for kind, within in told.items() if within is Within.YES), None)
    return kind or (Within.UNKNOWN if Within.UNKNOWN in told.values() else Within.NO)


def figures_of(kind: Kind, credit_less_debit: Decimal) -> Figures:
    """What lines on accounts of one kind come to: revenue is credited, cost is debited."""
    if kind is Kind.REVENUE:
        return Figures(revenue=credit_less_debit)
    return Figures(cost=-credit_less_debit)


def total(figures: Iterable[Figures]) -> Figures:
    """All of them together."""
    return sum(figures, NOTHING)


@dataclass(frozen=True, slots=True)
class Posted:
    """What lines of the ledger come to that have the same customer, document and GL account."""

    parent: str  #: id of the customer's Account in the CRM; empty: no customer, or one without an Account
    customer: str  #: names the customer over all companies
    document: str  #: number of the document that they come from; empty: they come from none
    account: str  #: number of the GL account
    figures: Figures


@dataclass(frozen=True, slots=True)
class Deal:
    """What assigning needs to know of a deal."""

    id: str
    parent: str  #: id of its Account
    is_won: bool
    account: str  #: number of the GL account that it is tagged with; empty: none
    documents: frozenset[str] = frozenset()  #: folded numbers of the documents that it names


def document_numbers(text: str) -> frozenset[str]:
    """The folded numbers in a text that people wrote, with commas, semicolons or blanks between them."""
    return frozenset(fold_key(number) for number in re.split(r"[,;\s]+", text) if number)


@dataclass(frozen=True, slots=True)
class Assigned:
    """What belongs to whom. All deals, the rest of all Accounts and ``elsewhere`` make up the whole ledger."""

    deals: Mapping[str, Figures]  #: id of a deal -> what belongs to it
    rest: Mapping[str, Figures]  #: id of an Account -> what belongs to it and to none of its deals
    elsewhere: Figures  #: of no Account

    def of_account(self, parent: str, deals: Iterable[Deal]) -> Figures:
        """Everything of an Account, whose deals these are."""
        of_deals = total(self.deals.get(deal.id, NOTHING) for deal in deals)
        return of_deals + self.rest.get(parent, NOTHING)

    @property
    def whole(self) -> Figures:
        """Everything together."""
        return total((*self.deals.values(), *self.rest.values(), self.elsewhere))


def assign(posted: Iterable[Posted], deals: Sequence[Deal]) -> Assigned:
    """Give every line to one deal, to its Account, or to nobody; none is lost, none is counted twice."""
    by_parent: dict[str, list[Deal]] = {}
    for deal in deals:
        by_parent.setdefault(deal.parent, []).append(deal)
    documents: dict[tuple[str, str, str], list[Posted]] = {}
    for one in posted:
        documents.setdefault((one.parent, one.customer, fold_key(one.document)), []).append(one)
    of_deals: dict[str, Figures] = {}
    rest: dict[str, Figures] = {}
    elsewhere = NOTHING
    for (parent, _customer, number), lines in documents.items():
        figures = total(line.figures for line in lines)
        owner = _owner(number, lines, by_parent.get(parent, ())) if parent and number else ""
        if owner:
            of_deals[owner] = of_deals.get(owner, NOTHING) + figures
        elif parent:
            rest[parent] = rest.get(parent, NOTHING) + figures
        else:
            elsewhere += figures
    return Assigned(of_deals, rest, elsewhere)


def _owner(number: str, lines: Sequence[Posted], deals: Sequence[Deal]) -> str:
    """The id of the one deal of the Account that the document belongs to; empty: none, or more than one."""
    fitting = [deal for deal in deals if number in deal.documents]
    if not fitting:
        earns_on = {fold_key(line.account) for line in lines if line.figures.revenue}
        fitting = [deal for deal in deals if deal.is_won and fold_key(deal.account) in earns_on]
        # One that names its documents, and not this one, does not take it, and leaves it to nobody else either.
        fitting = [] if any(deal.documents for deal in fitting) else fitting
    return fitting[0].id if len(fitting) == 1 else ""
