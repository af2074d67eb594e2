"""A run that writes onto deals and Accounts what they earned; a figure that stands there already is not sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from ml_connector.core.deal_fields import ACCOUNTS, DEALS
from ml_connector.core.deals import FIGURES
from ml_connector.core.ports import Candidate, Wanted
from ml_connector.core.profitability import NOTHING, Figures
from ml_connector.core.record import Fields
from ml_connector.flows.deals import DealWork, Do, list_all, run_over_deals, waiting
from ml_connector.flows.earnings import Earnings, Ledger, read_earnings
from ml_connector.flows.edits import LOST_ANSWER, Edit, Editor
from ml_connector.flows.steps import Result, Steps

_CENT = Decimal("0.01")
_REASON = "What the ledger says of it."


def write_figures(steps: Steps, work: DealWork, run: str) -> Result:
    """One run; counts: updated, unchanged, gone, held."""

    def body(do: Do, counts: Counter[str]) -> Sequence[str]:
        told = do("figures", partial(_write, work, run))
        counts.update(told["counts"])
        return list(told["notes"])

    return run_over_deals(steps, work, run, body)


def preview(work: DealWork) -> tuple[Sequence[str], Mapping[str, Sequence[Edit]]]:
    """What there is to say; module -> what a run would write. Nothing is written."""
    earnings = _read(work)
    rows = _rows(work, earnings)
    return notes(earnings.ledger), {module: _due(work, module, earnings, rows[module]) for module in rows}


def notes(ledger: Ledger) -> list[str]:
    """What a person should know of lines that are not among the figures."""
    found = [
        f"Lines in {currency} are not among the figures: revenue {f.revenue:,.2f}, cost {f.cost:,.2f}."
        for currency, f in sorted(ledger.foreign.items())
    ]
    if ledger.unknown:
        named = ", ".join(sorted(ledger.unknown)[:3])
        found.append(
            f"The category of {len(ledger.unknown):,} GL accounts is not known yet ({named}): what was posted on"
            " them is not among the figures. Run “ml-connector sync gl_accounts”, or name them in [profitability]."
        )
    return found


def _read(work: DealWork) -> Earnings:
    for module, fields in FIGURES.items():
        work.require_fields(module, [fields.revenue, fields.cost, fields.margin, fields.as_of])
    return read_earnings(work)


def _write(work: DealWork, run: str) -> Result:
    earnings = _read(work)
    counts: Counter[str] = Counter()
    waits = set(waiting(work))
    for module, rows in _rows(work, earnings).items():
        editor = Editor(work, run, module)
        counts += editor.settle(partial(_standing, work, module, earnings, {r.target_id: r for r in rows}))
        due = _due(work, module, earnings, rows)
        counts["unchanged"] += len(rows) - len(due)
        editor.release(waits & {row.target_id for row in rows} - {edit.target_id for edit in due})
        counts += editor.send(due)
    return {"counts": dict(counts), "notes": notes(earnings.ledger)}


def _rows(work: DealWork, earnings: Earnings) -> dict[str, Sequence[Candidate]]:
    """Module -> its records with the figures that stand there."""
    fields = FIGURES[ACCOUNTS]
    accounts = list_all(work, ACCOUNTS, [fields.revenue, fields.cost, fields.margin], Wanted())
    return {DEALS: list(earnings.rows.values()), ACCOUNTS: accounts}


def _due(work: DealWork, module: str, earnings: Earnings, rows: Iterable[Candidate]) -> list[Edit]:
    edits = (_edit(work, module, earnings, row) for row in rows)
    return [edit for edit in edits if any(_differ(edit.before[n], edit.fields[n]) for n in edit.before)]


def _differ(before: object, after: object) -> bool:
    """Empty is as good as nothing earned: what never earned anything stays empty."""
    return (before or Decimal(0)) != after


def _standing(
    work: DealWork, module: str, earnings: Earnings, rows: Mapping[str, Candidate], ids: Sequence[str]
) -> list[Edit]:
    """Of these records those that have what we would write."""
    edits = [_edit(work, module, earnings, rows[one]) for one in ids if one in rows]
    return [
        replace(edit, before={}, reason=f"{edit.reason} {LOST_ANSWER}")
        for edit in edits
        if all(edit.before[name] == edit.fields[name] for name in edit.before)
    ]


def _edit(work: DealWork, module: str, earnings: Earnings, row: Candidate) -> Edit:
    of_deals = earnings.assigned.deals
    figures = of_deals.get(row.target_id, NOTHING) if module == DEALS else earnings.of_account(row.target_id)
    names, will_be = FIGURES[module], _in_cents(figures)
    after: Fields = {names.revenue: will_be.revenue, names.cost: will_be.cost, names.margin: will_be.margin}
    before = {name: Decimal(row.values[name]) if name in row.values else None for name in after}
    as_of = earnings.ledger.read_at or work.clock.now()
    return Edit(row.target_id, row.name, {**after, names.as_of: as_of}, before, row.modified_at, _REASON)


def _in_cents(figures: Figures) -> Figures:
    return Figures(*(x.quantize(_CENT, ROUND_HALF_UP) for x in (figures.revenue, figures.cost)))
