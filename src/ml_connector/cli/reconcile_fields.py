"""What ``reconcile fields`` does and shows: fields of GP's that a person changed in Zoho, with both values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.cli.costs import Spent, show_spent
from ml_connector.cli.exits import Exit
from ml_connector.cli.progress import EVERY_SECONDS
from ml_connector.cli.results import end_of, show_results
from ml_connector.cli.show import NAMED, in_words, note, say, show_json, show_table, shown_value
from ml_connector.cli.sync import run_flows
from ml_connector.core.record import Value
from ml_connector.flows.range import Asked
from ml_connector.flows.runs import Ran

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow
    from ml_connector.flows.reconcile_fields import Compared
    from ml_connector.flows.work import Work

_COLUMNS = ("flow", "key", "part", "Zoho id", "field", "what we left", "in Zoho now")
_LET_BE = (
    'They are let be (changed_in_zoho = "let_be" in [sync]). Correct GP, or put them back:'
    " ml-connector reconcile fields --put-back."
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of ours that says something else in Zoho."""

    flow: str
    key: str
    part: str  #: of a record that has several in Zoho: which person of it, or which line
    module: str
    target_id: str
    field: str
    mapping: str
    ours: Value  #: of a lookup, the id of the record that it points to
    theirs: Value
    ours_name: str  #: of a lookup: what people call that record; else, and where nobody knows it, empty
    theirs_name: str
    found_at: datetime

    def row(self) -> tuple[str, ...]:
        """Its line of the table."""
        where = (self.flow, self.key, self.part, self.target_id, f"{self.module}.{self.field}")
        ours, theirs = self.ours_name, self.theirs_name
        if ours == theirs and ours:  # two records of one name: which of them
            ours, theirs = (f"{name} ({one})" for name, one in ((ours, self.ours), (theirs, self.theirs)))
        return (*where, ours or shown_value(self.ours), theirs or shown_value(self.theirs))


@dataclass(slots=True)
class Told:
    """What comparing the flows came to."""

    back: bool  #: whether they are put back
    compared: dict[str, Compared] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    ran: Ran = field(default_factory=Ran)  #: the runs that were finished first, and those that put back

    @property
    def gone(self) -> list[dict[str, str]]:
        """The linked records that Zoho has no more."""
        return [
            {"flow": flow, "key": link.source_key, "part": link.part, "target_id": link.target_id}
            for flow, found in self.compared.items()
            for link in found.gone
        ]


def reconcile_fields(app: App, flows: Sequence[Flow], *, everything: bool, back: bool) -> Told:
    """Finish interrupted runs, compare, and put back what differs where that is wanted."""
    from ml_connector.flows.reconcile_fields import compare, hand_over

    told = Told(back)
    if _was_interrupted(app, flows):
        told.ran = run_flows(app, {})
    asked: dict[str, Asked] = {}
    for flow in flows:
        work = app.works.work(flow)
        run = f"{flow.name}-fields-{app.clock.now():%Y%m%dT%H%M%S.%f}"
        told.compared[flow.name] = compare(work, run, everything=everything, tell=_progress(flow.name))
        told.differences += _differences(work)
        keys = hand_over(work) if back else []
        if keys:
            asked[flow.name] = Asked(tuple(keys))
    if asked:
        ran = run_flows(app, asked)
        told.ran = Ran(ran.flows, [*told.ran.interrupted, *ran.interrupted], ran.not_run, ran.spent)
    return told


def _progress(flow: str) -> Callable[[int], None]:
    """Tells on standard error, now and then, how many records were compared."""
    told_at = time.monotonic()

    def tell(read: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= EVERY_SECONDS:
            told_at = time.monotonic()
            note(f"{flow}: {read:,} records compared")

    return tell


def _was_interrupted(app: App, flows: Sequence[Flow]) -> bool:
    from ml_connector.store import cursors

    with app.database.read() as tx:
        return any(cursors.unended(tx, flow.company, flow.name) for flow in flows)


def _differences(work: Work) -> Iterator[Difference]:
    from ml_connector.flows.pointed import find_names
    from ml_connector.store import differences

    flow = work.flow
    for module in flow.modules:
        with work.database.read() as tx:
            rows = differences.standing(tx, differences.Place(flow.company, flow.name, module))
        names = find_names(work, module, [row.difference for row in rows])
        for row in rows:
            d = row.difference
            where = (flow.name, row.source_key, row.part, module, row.target_id)
            ours, theirs = (names.get((d.field, str(value)), "") for value in (d.ours, d.theirs))
            values = (_plain(d.ours), _plain(d.theirs), ours, theirs)
            yield Difference(*where, d.field, d.mapping, *values, row.found_at)


def _plain(value: Value) -> Value:
    """An amount without the zeros that GP writes behind it."""
    return shown_value(value) if isinstance(value, Decimal) else value


def show_fields(app: App, told: Told, waits: Sequence[str], *, as_json: bool) -> Exit:
    """What differs, what became of it, what it cost; how the command ends."""
    from ml_connector.flows import approval

    held = approval.count_held(app.database, list(app.companies))
    end = end_of(told.ran, held if told.back else len(told.differences), waits)
    if as_json:
        show_json(_document(told, end, held, Spent.of(app, told.ran.spent), waits))
    else:
        _show_differences(told)
    for text in (text for found in told.compared.values() for text in found.notes):
        note(text)
    if as_json:
        for result in told.ran.results:
            note(" ".join(filter(None, (result["happened"], result["remedy"]))))
    elif told.ran.results:
        show_results(told.ran, held, Spent.of(app, told.ran.spent), as_json=False)
    else:
        show_spent(Spent.of(app, told.ran.spent))
    if waits:
        note(f"Not compared: the first load of {in_words(waits)} is not done.")
    return end


def _document(told: Told, end: Exit, held: int, spent: Spent, waits: Sequence[str]) -> Mapping[str, Any]:
    return {
        "ok": end is Exit.DONE,
        "exit_code": int(end),
        "changed_in_zoho": "put_back" if told.back else "let_be",
        "compared": {name: {"records": c.records, "news": c.news} for name, c in told.compared.items()},
        "differences": told.differences,
        "gone": told.gone,
        "flows": told.ran.flows,
        "interrupted": told.ran.interrupted,
        "not_run": told.ran.not_run,
        "waits_for_approval": waits,
        "held": held,
        "cost": spent,
    }


def _show_differences(told: Told) -> None:
    if told.differences:
        show_table(_COLUMNS, (one.row() for one in told.differences))
        say("")
    news = sum(found.news for found in told.compared.values())
    say(f"Fields of GP's that were changed in Zoho: {len(told.differences):,}, of which {news:,} are new.")
    if told.differences:
        say("They are put back, as far as GP still says so:" if told.back else _LET_BE)
    for name, found in told.compared.items():
        say(f"{name}: {found.records:,} records were compared.")
    if gone := told.gone:
        keys = sorted({one["key"] for one in gone})
        named = ", ".join([*keys[:NAMED], *(["…"] if len(keys) > NAMED else [])])
        say(f"{len(gone):,} linked records are gone from Zoho and were not compared: {named}")
