"""``ml-connector report profitability``: what each Account and its deals earned, to the cent as the ledger has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, show_table, shown
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.core.profitability import Figures
    from ml_connector.flows.deals import DealWork
    from ml_connector.flows.earnings import Earnings

_DAY = ["%Y-%m-%d"]
From = Annotated[
    datetime | None,
    typer.Option("--from", formats=_DAY, metavar="DATE", help="The first day; none: from the start."),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", formats=_DAY, metavar="DATE", help="The last day, included; none: to the end."),
]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write it into this CSV file as well.")
]
Xlsx = Annotated[
    Path | None, typer.Option("--xlsx", metavar="FILE", help="Write it into this Excel workbook as well.")
]

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
        """The margin in percent of the revenue; empty: there is none."""
        return f"{self.margin / self.revenue:.1%}" if self.revenue else ""


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


def profitability(
    settings: SettingsPath = None,
    *,
    first: From = None,
    last: To = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
    as_json: AsJson = False,
) -> None:
    """Revenue, cost and margin of every Account and its deals, beside the sums of the ledger. Asks Zoho for deals."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli import profitability_files as files
    from ml_connector.core.deals import PROFITABILITY, DealFlow

    span = (first and first.date(), last and last.date())
    if span[0] and span[1] and span[0] > span[1]:
        raise ConfigurationError("--from is later than --to.", "Exchange the two.")
    with open_app(load(settings), note) as app:
        company = app.settings.every_company[0].key
        found = make_profit_report(app.deal_work(DealFlow(PROFITABILITY, company)), *span)
    if csv:
        files.write_csv(csv, found)
    if xlsx:
        files.write_xlsx(xlsx, found)
    if as_json:
        show_json(found)
    else:
        _show(found)


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


def _show(found: ProfitReport) -> None:
    span = f"from {found.first or 'the start'} to {found.last or 'the end'}"
    when = f", as GP was read at {shown(found.read_at)}" if found.read_at else ""
    say(f"Revenue, cost and margin in {found.currency}, {span}{when}.\n")
    columns = ("Account", "deal", "revenue", "cost", "margin", "margin %")
    rows = [_cells(row) for row in found.rows]
    show_table(columns, [*rows, _cells(found.total)])
    say("")
    if found.agrees:
        say(
            f"The ledger has the same: revenue {_money(found.ledger.revenue)}, cost {_money(found.ledger.cost)}."
        )
    else:
        say(
            f"The ledger has something else: revenue {_money(found.ledger.revenue)}, cost"
            f" {_money(found.ledger.cost)}. This is a bug of ml-connector; do not use the report."
        )
    for text in found.notes:
        note(text)


def _cells(row: Row) -> tuple[str, ...]:
    money = (_money(row.revenue), _money(row.cost), _money(row.margin), row.percent)
    of_account = row.what in (ACCOUNT, DEAL, REST)
    first = row.account if row.what == ACCOUNT else "" if of_account else row.what
    second = {DEAL: row.deal, REST: f"({REST})"}.get(row.what, "")
    return (first, second, *money)


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
