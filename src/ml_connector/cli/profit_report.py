"""What the report of profitability tells: each Account, its deals and what is not assigned, beside the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_connector.core.profitability import Figures
    from ml_connector.flows.deals import DealWork
    from ml_connector.flows.earnings import Earnings

ACCOUNT, DEAL, REST, NOBODY = "Account", "deal", "not assigned", "no Account"


@dataclass(frozen=True, slots=True)
class Row:
    """What one Account, one of its deals, what is not assigned of it, or nobody earned."""

    what: str
    account: str
    deal: str
    account_id: str
    deal_id: str
    revenue: Decimal
    cost: Decimal
    margin: Decimal

    @property
    def percent(self) -> str:
        """The margin in percent of the revenue; empty where that is not above zero, for a loss would look well."""
        return f"{self.margin / self.revenue:.1%}" if self.revenue > 0 else ""


@dataclass(frozen=True, slots=True)
class ProfitReport:
    """Everything that the report tells."""

    first: date | None
    last: date | None
    currency: str
    read_at: datetime | None  #: when the journal entries were last read
    rows: Sequence[Row]
    total: Row  #: of all Accounts, and of what belongs to none
    ledger: Row  #: the same, summed apart over the lines of the ledger
    agrees: bool
    notes: Sequence[str]


def make_profit_report(work: DealWork, first: date | None, last: date | None) -> ProfitReport:
    """Read it all. Raises RetryableError and ConfigurationError."""
    from ml_connector.flows import profit
    from ml_connector.flows.earnings import read_earnings

    earnings = read_earnings(work, first, last)
    ledger = earnings.ledger
    whole = earnings.assigned.whole
    return ProfitReport(
        first,
        last,
        work.currency(),
        ledger.read_at,
        list(_rows(work, earnings)),
        _row("total", whole),
        _row("ledger", ledger.whole),
        whole == ledger.whole,
        profit.notes(ledger),
    )


def _rows(work: DealWork, earnings: Earnings) -> Iterator[Row]:
    """Each Account by name, below it its deals that earned something and what none of them has; then nobody's."""
    assigned = earnings.assigned
    parents = {*assigned.rest, *(earnings.parent_of(deal) for deal in assigned.deals)}
    names = earnings.names(work, parents)
    for parent in sorted(parents, key=lambda one: (names[one].casefold(), one)):
        name = names[parent]
        yield _row(ACCOUNT, earnings.of_account(parent), name, account_id=parent)
        mine = [deal.id for deal in earnings.deals.get(parent, ()) if deal.id in assigned.deals]
        for deal in sorted(mine, key=lambda one: (earnings.rows[one].name.casefold(), one)):
            title = earnings.rows[deal].name
            yield _row(DEAL, assigned.deals[deal], name, title, account_id=parent, deal_id=deal)
        if parent in assigned.rest:
            yield _row(REST, assigned.rest[parent], name, account_id=parent)
    yield _row(NOBODY, assigned.elsewhere)


def _row(
    what: str, figures: Figures, account: str = "", deal: str = "", *, account_id: str = "", deal_id: str = ""
) -> Row:
    amounts = (_in_cents(amount) for amount in (figures.revenue, figures.cost, figures.margin))
    return Row(what, account, deal, account_id, deal_id, *amounts)


def _in_cents(amount: Decimal) -> Decimal:
    """The amount with two decimals, unless it has more."""
    cents = round(amount, 2)
    return cents if cents == amount else amount
