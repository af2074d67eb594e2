"""Comparing what stands in the target with what we last left there: fields of ours that a person changed.

A run of its own kind: it reads no source and writes nothing to the target. What is to be put back is noted as what
stands there and asked for; an ordinary run then reads the record anew and writes what differs, as after any change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ml_connector.core.audit import AuditAction
from ml_connector.core.errors import RetryableError
from ml_connector.core.ports import Standing
from ml_connector.core.record import Ident, fold_key
from ml_connector.flows import standing
from ml_connector.flows.drift import require_fields
from ml_connector.flows.refresh import FILL_EVERY, OVERLAP
from ml_connector.flows.work import Work
from ml_connector.store import asked, audit, bulk_jobs, cursors, differences, links, match_index, outcomes
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.differences import Drifted, Place
from ml_connector.store.links import Link
from ml_connector.store.outcomes import Outcome

#: What the target stamped so long before it answered is in its answer: it sees what was written a moment ago.
_SETTLES = timedelta(seconds=60)
#: Differences that are handed over in one transaction.
_PORTION = 1000


@dataclass(slots=True)
class Compared:
    """What comparing one flow came to."""

    records: int = 0  #: linked records that were compared
    news: int = 0  #: differences that were not known before
    gone: list[Link] = field(default_factory=list)  #: linked records that are gone: not compared
    notes: list[str] = field(default_factory=list)  #: what a person should know of it


def compare(
    work: Work, run: str, *, everything: bool, tell: Callable[[int], None] = lambda _read: None
) -> Compared:
    """Bring the list of the flow's differences up to date, while no run writes.

    Only records are read that changed in the target since the last comparison: what was the same then, and was not
    touched, is the same. ``everything``: all of them. ``tell`` is given how many were compared so far. Done twice, it
    finds the same. Raises RetryableError while what our last run wrote is not recorded, or the target is away.
    """
    result = Compared()
    with work.locked(f"create-{module}" for module in work.flow.modules):
        _require_recorded(work)
        work.context()  # another organisation or key prefix than the records were written with ends it here
        result.notes += require_fields(work, all_of_them=False)
        for module in work.flow.modules:
            _compare_module(work, run, module, result, tell, everything=everything)
    return result


def _require_recorded(work: Work) -> None:
    """A run that was broken off may have written what it did not record: that would look like a person's change."""
    with work.database.read() as tx:
        last = cursors.last_run(tx, work.flow.company, work.flow.name)
        jobs = [job for module in work.flow.modules for job in bulk_jobs.find(tx, module)]
    recorded = (
        ("done",) if jobs else ("done", "limit")
    )  # the limit may have stopped it while a job was under way
    if last is not None and last.state not in recorded:
        raise RetryableError(
            f"The last run of {work.flow.name} did not come to its end, so what it wrote may not be recorded.",
            f"Run “ml-connector sync {work.flow.name}”, then compare.",
        )


def _place(work: Work, module: str) -> Place:
    return Place(work.flow.company, work.flow.name, module)


def _compare_module(
    work: Work, run: str, module: str, result: Compared, tell: Callable[[int], None], *, everything: bool
) -> None:
    place, pair, began_at = _place(work, module), work.pair(module), work.clock.now()
    with work.database.read() as tx:
        known = differences.compared_to(tx, place, work.flow.fingerprint)
        linked = links.count(tx, pair)
    since = known - OVERLAP if known and not everything else None
    greatest, answered_at, compared = known, None, 0
    for number, page in enumerate(standing.pages(work, module, since)):
        answered_at = answered_at if number else page.answered_at
        greatest = max((*(row.modified_at for row in page.rows), *filter(None, [greatest])), default=None)
        records, news = _compare_page(work, run, module, page.rows, began_at)
        compared += records
        result.news += news
        tell(result.records + compared)
    gone = _gone(work, module)
    result.gone += gone
    result.records += compared
    if since is None and (unseen := linked - compared - sum(not link.gone for link in gone)) > 0:
        result.notes.append(
            f"{unseen:,} linked records of {module} are not in its list, and not among the deleted ones: our user may"
            " not see them. They were not compared."
        )
    to = compared_to(greatest, answered_at, began_at)
    with work.database.begin() as tx:
        if since is None:
            differences.sweep(tx, place, began_at)
        differences.forget_unlinked(tx, place, pair)
        differences.mark_compared(tx, place, work.flow.fingerprint, to)


def compared_to(greatest: datetime | None, answered_at: datetime | None, began_at: datetime) -> datetime:
    """The stamp of the target from which, less the overlap, the next comparison reads.

    By the target's stamps, for the clocks differ: the ``greatest`` that it gave, but for what a person changed while
    the rest was read; see ``refresh``. By the target's clock, where it says when it gave the first page, nothing that
    was settled then need be read again: else a module that was loaded in a few minutes would be read whole each time.
    """
    to = min(greatest, began_at) if greatest else began_at - FILL_EVERY
    return max(to, answered_at - _SETTLES + OVERLAP) if answered_at else to


def _compare_page(
    work: Work, run: str, module: str, rows: Sequence[Standing], began_at: datetime
) -> tuple[int, int]:
    """Keep the differences of one page, and tell those that are news; how many records, how many news."""
    with work.database.begin() as tx:
        compared = standing.compare(tx, work, module, rows)
        drifted = [
            Drifted(link.target_id, link.source_key, link.part, difference, work.clock.now())
            for _, link, found in compared
            for difference in found
        ]
        ids = [row.target_id for row, _, _ in compared]
        news = differences.replace(tx, _place(work, module), ids, drifted, began_at)
        audit.append(tx, _told(work, run, module, news))
    return len(compared), len(news)


def _told(work: Work, run: str, module: str, news: Sequence[Drifted]) -> list[AuditRow]:
    """A row for each mapping of a record, with all its fields."""
    together: dict[tuple[str, str], list[Drifted]] = {}
    for row in news:
        together.setdefault((row.target_id, row.difference.mapping), []).append(row)
    return [
        AuditRow(
            company=work.flow.company,
            flow=work.flow.name,
            run=run,
            mapping=mapping,
            source_key=rows[0].source_key,
            entity=work.flow.entity.name,
            module=module,
            target_id=target_id,
            action=AuditAction.FOUND_CHANGED,
            at=None,
            happened_at=rows[0].found_at,
            before={row.difference.field: row.difference.ours for row in rows},
            after={row.difference.field: row.difference.theirs for row in rows},
            reason="It is not what we left there.",
            part=rows[0].part,
        )
        for (target_id, mapping), rows in together.items()
    ]


def _gone(work: Work, module: str) -> list[Link]:
    """The linked records that are gone: those that are known, and those that were deleted since the last run."""
    with work.database.read() as tx:
        last = match_index.refreshed(tx, module, work.recognised_by(module))
    since = last.refreshed_at - OVERLAP if last else work.clock.now() - FILL_EVERY
    deleted = work.target.list_deleted(module, since)
    with work.database.read() as tx:
        known = {link.target_id: link for link in links.lost(tx, work.pair(module))}
        return list((links.on(tx, work.pair(module), deleted) | known).values())


# ---- putting back


def hand_over(work: Work) -> list[str]:
    """Have every difference of the flow written anew; the source keys that a run has to look at.

    What stands in the target is kept as what stands there, so that the run's plan writes what differs from it, and the
    records are asked for: whatever is interrupted, the next run of the flow puts them back.
    """
    with work.locked(f"create-{module}" for module in work.flow.modules):
        for module in work.flow.modules:
            while _hand_over_some(work, module):
                pass
    with work.database.read() as tx:  # those of an interrupted command, too
        return asked.keys(tx, work.flow.company, work.flow.entity.name)


def _hand_over_some(work: Work, module: str) -> bool:
    place, company = _place(work, module), work.flow.company
    with work.database.begin() as tx:
        rows = differences.standing(tx, place, _PORTION)
        _note(tx, work, module, rows)
        asked.put(
            tx,
            company,
            work.flow.entity.name,
            [row.source_key for row in rows],
            "changed in the CRM: put back",
        )
        differences.remove(tx, place, rows)
    return bool(rows)


def _note(tx: Connection, work: Work, module: str, rows: Sequence[Drifted]) -> None:
    """Keep what stands there, unless a run has written the field since it was compared."""
    names = [mapping.name for mapping in work.flow.of_module(module)]
    known = outcomes.find(tx, work.flow.company, names, [row.source_key for row in rows])
    noted: dict[tuple[Ident, str], Outcome] = {}
    for row in rows:
        told, ident = row.difference, (fold_key(row.source_key), row.part)
        outcome = noted.get((ident, told.mapping)) or known.get(ident, {}).get(told.mapping)
        if outcome is not None and outcome.fields.get(told.field, told.ours) == told.ours:
            fields = {**outcome.fields, told.field: told.theirs}
            noted[ident, told.mapping] = replace(outcome, fields=fields)
    outcomes.put(tx, work.flow.company, list(noted.values()))
