"""Recording what the source did not give: refused records wait, absent ones are told and wait no longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from ml_connector.core.record import fold_key
from ml_connector.flows.arrivals import Missing
from ml_connector.flows.telling import Teller
from ml_connector.flows.work import Work
from ml_connector.store import asked, audit, awaited, holds, outcomes, postings, readings, staging
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold
from ml_connector.store.outcomes import Outcome


def record_missing(work: Work, run: str, missing: Sequence[Missing]) -> Counter[str]:
    """Commit these records that the source did not give; how many wait and how many are absent."""
    now, company, flow = work.clock.now(), work.flow.company, work.flow
    refused = [m for m in missing if m.error]
    absent = [m for m in missing if not m.error]
    everywhere = [(name, m.key) for m in absent for name in flow.meanings]
    with work.database.begin() as tx:
        waits = holds.find(tx, company, flow=flow.name, keys=[m.key for m in absent]) if absent else []
        marks = {(hold.mapping, fold_key(hold.source_key)) for hold in waits if hold.run == run}
        _put_missing_outcomes(tx, work, missing)
        if flow.entity.postings:
            postings.remove_unposted(tx, company, [m.key for m in absent])
        seen = [(m.key, facet, mark) for m in missing for facet, mark in m.seen]
        readings.settle(tx, company, flow.entity.name, seen)
        held = holds.put(tx, company, [_hold_refused(work, run, m, now) for m in refused])
        done = [(mapping, key) for mapping, key in everywhere if (mapping, fold_key(key)) not in marks]
        holds.close(tx, company, flow.name, done, now)  # a mark that was refused a moment ago waits on
        asked.remove(tx, company, flow.entity.name, [m.key for m in missing])
        for one in flow.modules:  # else a parent that comes would have it read by every run
            awaited.put_many(tx, work.pair(one), {m.key: [] for m in missing})
        teller = Teller(work, run, flow.first_module, now, {})
        known = staging.names_of(tx, company, flow.entity.name, [m.key for m in absent])
        gone = [
            teller.vanished(m) for m in absent if fold_key(m.key) in known
        ]  # a slip of the pen never was there
        audit.append(tx, [*(teller.waits(hold) for hold in held), *gone])
        staging.remove_names(tx, company, flow.entity.name, [m.key for m in absent])
    return Counter(held=len(refused), absent=len(absent))


def _put_missing_outcomes(tx: Connection, work: Work, missing: Sequence[Missing]) -> None:
    """So that they are settled like any other, and not read again by every run."""
    for listed in (True, False):
        rows = [
            Outcome(
                name,
                m.key,
                "held" if m.error else "absent",
                m.at,
                m.fetched_at,
                meaning,
                {},
            )
            for m in missing
            if m.listed is listed
            for name, meaning in work.flow.meanings.items()
        ]
        keep = ("fields",) if listed else ("fields", "at")
        outcomes.put(tx, work.flow.company, rows, keep=keep)


def _hold_refused(work: Work, run: str, missing: Missing, now: datetime) -> Hold:
    e = missing.error
    assert e is not None
    return Hold(
        work.flow.name,
        work.flow.first_meaning,
        missing.key,
        e.code,
        e.field,
        e.happened,
        e.remedy,
        e.answer,
        now,
        {},
        run,
        heals=e.heals,
        unread=True,
    )
