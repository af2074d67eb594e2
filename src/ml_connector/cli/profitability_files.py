"""The report of profitability as files: CSV for any program, and a workbook of Excel."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.cli.cells import protected
from ml_connector.cli.place import write_all

if TYPE_CHECKING:
    from xlsxwriter import Workbook

    from ml_connector.cli.profit_report import ProfitReport, Row

_COLUMNS = {
    "what": "what",
    "account": "Account",
    "deal": "deal",
    "revenue": "revenue",
    "cost": "cost",
    "margin": "margin",
    "account_id": "Account id",
    "deal_id": "deal id",
}
_WIDTHS = (14, 36, 36, 16, 16, 16, 22, 22)
#: Texts stay texts, whatever they begin with; nothing is put into the temp folder.
_AS_THEY_ARE = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def write(report: ProfitReport, files: Mapping[Path, Callable[..., None]]) -> None:
    """All of these files or none of them. Raises ConfigurationError."""
    write_all({path: partial(how, report=report) for path, how in files.items()})


def write_csv(path: Path, report: ProfitReport) -> None:
    """In UTF-8 with the mark by which Excel knows it; amounts are plain, texts protected against Excel's readings."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS.values())
        for row in _all_rows(report):
            writer.writerow([_plain(cell) for cell in _cells(row)])


def write_xlsx(path: Path, report: ProfitReport) -> None:
    """A workbook of one sheet; amounts are numbers with two decimals."""
    from xlsxwriter import Workbook

    whole = BytesIO()
    with Workbook(whole, _AS_THEY_ARE) as book:
        _fill(book, report)
    path.write_bytes(whole.getvalue())


def _fill(book: Workbook, report: ProfitReport) -> None:
    sheet = book.add_worksheet("Profitability")
    bold = book.add_format({"bold": True})
    money = book.add_format({"num_format": "#,##0.00"})
    sheet.freeze_panes(1, 0)
    for column, (title, width) in enumerate(zip(_COLUMNS.values(), _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, bold)
    rows = _all_rows(report)
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(_cells(row)):
            if isinstance(cell, Decimal):
                sheet.write_number(line, column, float(cell), money)
            else:
                sheet.write_string(line, column, cell)
    sheet.autofilter(0, 0, len(rows), len(_COLUMNS) - 1)


def _all_rows(report: ProfitReport) -> list[Row]:
    return [*report.rows, report.total, report.ledger]


def _cells(row: Row) -> list[str | Decimal]:
    told = dataclasses.asdict(row)
    return [told[name] for name in _COLUMNS]


def _plain(cell: str | Decimal) -> str:
    return f"{cell:.2f}" if isinstance(cell, Decimal) else protected(cell)
