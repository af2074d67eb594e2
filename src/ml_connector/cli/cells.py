"""Texts in the cells of a CSV file that Excel opens."""

from __future__ import annotations

import re

#: A cell that begins so may be taken for a formula; our own mark has to be told from one that was there.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
#: A cell that Excel would turn into a number or a date, and save as such: 00012, 4150868000000624001, 1-2, MAR1.
_MONTH = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    "|nov(ember)?|dec(ember)?"
)
_CONVERTED = re.compile(
    rf"[\d.,:/\s-]*\d[\d.,:/\s-]*(e[+-]?\d+)?|(\d{{1,4}}[-/. ]?)?({_MONTH})[-/. ]?\d{{0,4}}", re.IGNORECASE
)


def protected(cell: str) -> str:
    """The text so that Excel shows and saves it as it is: neither a formula nor a number nor a date."""
    return f"'{cell}" if cell.startswith(_FORMULA) or _CONVERTED.fullmatch(cell) else cell


def bare(cell: str) -> str:
    """The text that was protected."""
    return cell.removeprefix("'").strip()
