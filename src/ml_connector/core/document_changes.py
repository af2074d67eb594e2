"""Which changes an existing document of the ERP does not take: what it keeps, and what is already done of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from ml_connector.core.catalogue import BELOW_DONE, DOCUMENT_FIXED
from ml_connector.core.document_values import LINES, Difference, Merged, number_text, reference_of
from ml_connector.core.sales import Line, Progress, Standing

#: A document keeps these for ever.
_FIXED = ("customer", "currency")
#: And these from its first invoice on, which took a share of them; of a line, from its first invoice on.
_AMOUNTS = ("freight", "trade_discount", "miscellaneous", "tax")
_AMOUNTS_OF_LINE = ("unit_price", "discount", "tax")
#: Another of these means that what is done of the line was done of something else.
_SUBSTANCE = ("unit", "site", "account")
_NOTHING = Progress(0, Decimal(0), Decimal(0), Decimal(0), Decimal(0))


def done_of(progress: Progress) -> Decimal:
    """How much of a line cannot be taken back by asking for less: invoiced, allocated or fulfilled."""
    return max(progress.invoiced + progress.allocated, progress.fulfilled)


def forbidden(
    standing: Standing, merged: Merged, differences: Sequence[Difference]
) -> tuple[str, str] | None:
    """(Code, what happened) of the first change that the ERP would not take; None: it takes them all."""
    return _fixed(standing, differences) or _below_done(standing, merged, differences)


def _fixed(standing: Standing, differences: Sequence[Difference]) -> tuple[str, str] | None:
    is_invoiced = any(progress.invoiced for progress in standing.progress)
    kept = (*_FIXED, *_AMOUNTS) if is_invoiced else _FIXED
    for one in differences:
        if one.path in kept:
            why = "keeps it" if one.path in _FIXED else "keeps it, since a part of it is invoiced"
            return DOCUMENT_FIXED, f"{one}. {_named(standing)} {why}."
    return None


def _below_done(
    standing: Standing, merged: Merged, differences: Sequence[Difference]
) -> tuple[str, str] | None:
    progress = {one.sequence: one for one in standing.progress}
    for line in merged.removed:
        if done := done_of(progress.get(line.sequence, _NOTHING)):
            return (
                BELOW_DONE,
                f"{_told(standing, line)} is gone in the CRM or has become another, {_of(done)}.",
            )
    names = _changed_names(differences)
    for line in merged.document.lines:
        of_line = progress.get(line.sequence, _NOTHING) if line.sequence else _NOTHING
        if fault := _line_fault(line, of_line, names.get(line.reference, ())):
            code, why = fault
            return code, f"{_told(standing, line)} {why}."
    return None


def _changed_names(differences: Sequence[Difference]) -> Mapping[str, list[str]]:
    """What names a line in the CRM -> the values of it that changed."""
    names: dict[str, list[str]] = {}
    for one in differences:
        if one.path.startswith(LINES):
            names.setdefault(reference_of(one.path), []).append(one.path.rpartition(".")[2])
    return names


def _line_fault(line: Line, progress: Progress, names: Sequence[str]) -> tuple[str, str] | None:
    done = done_of(progress)
    if "quantity" in names and line.quantity - progress.cancelled < done:
        return BELOW_DONE, f"is {number_text(line.quantity)} in the CRM, {_of(done)}"
    if done and (name := next((name for name in names if name in _SUBSTANCE), "")):
        return BELOW_DONE, f"has another {name} in the CRM, {_of(done)}"
    if progress.invoiced and (name := next((name for name in names if name in _AMOUNTS_OF_LINE), "")):
        return DOCUMENT_FIXED, f"has another {name} in the CRM, and a part of it is invoiced"
    return None


def _of(done: Decimal) -> str:
    return f"and {number_text(done)} of it are allocated, fulfilled or invoiced in the ERP"


def _told(standing: Standing, line: Line) -> str:
    return f"The line with {line.item} of {_named(standing)}"


def _named(standing: Standing) -> str:
    return f"the {standing.document.kind} {standing.document.number}"
