"""``ml-connector report profitability``: what each Account and its deals earned, to the cent as the ledger has it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.place import require_writable
from ml_connector.cli.profit_report import ACCOUNT, DEAL, REST, ProfitReport, Row, make_profit_report
from ml_connector.cli.show import note, say, show_json, show_table, shown
from ml_connector.core.errors import ConfigurationError

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
    if csv and xlsx and csv.resolve() == xlsx.resolve():
        raise ConfigurationError(
            "--csv and --xlsx name the same file.", "Name another one for one of the two."
        )
    for path in filter(None, (csv, xlsx)):
        require_writable(path)
    with open_app(load(settings), note) as app:
        company = app.settings.every_company[0].key
        found = make_profit_report(app.works.deal_work(DealFlow(PROFITABILITY, company)), *span)
    files.write(
        found, {path: how for path, how in ((csv, files.write_csv), (xlsx, files.write_xlsx)) if path}
    )
    if as_json:
        show_json(found)
    else:
        _show(found)


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
