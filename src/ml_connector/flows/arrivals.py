"""Reading the records of a window: what is settled drops out, the rest is fetched once for all mappings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ml_connector.core.change import Change, is_settled
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.flow import CARRIED
from ml_connector.core.ports import Unreadable
from ml_connector.core.record import Fields, Record, Value, fold_key
from ml_connector.flows.range import Range
from ml_connector.flows.work import CHUNK, Work, chunked
from ml_connector.store import outcomes, readings
from ml_connector.store.outcomes import Outcome
from ml_connector.store.readings import StoredReading
from ml_connector.store.staging import Staged


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record at hand, whole or only a facet of it."""

    record: Record
    name: str
    at: datetime | None  #: the change's instant
    facet_only: bool = False  #: only facets moved: mappings that need more than is at hand stay out
    skew: timedelta = timedelta(0)  #: by how much the clocks differed when it was read
    seen: tuple[tuple[str, str], ...] = ()  #: (facet, digest) that the mappings follow with it
    left_out: frozenset[str] = frozenset()  #: parts that are not wanted (now): what was made of them stays
    unknown: frozenset[str] = frozenset()  #: the accounts of those of which it cannot be told yet


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that the source listed and did not give."""

    key: str
    at: datetime | None
    fetched_at: datetime  #: at the earliest, by the source's clock or ours
    error: RecordRejectedError | None  #: why it was refused; None: the source no longer has it
    listed: bool  #: False: it was asked for, or only a facet moved
    seen: tuple[tuple[str, str], ...] = ()  #: (facet, digest) that were shown for it


Arrived = Arrival | Missing


def arrivals(work: Work, staged: Sequence[Staged], span: Range) -> Iterator[Sequence[Arrived]]:
    """What the staged changes bring, in chunks; settled ones bring nothing."""
    keys = [row.key for row in staged]
    with work.database.read() as tx:
        facets = readings.find(tx, work.flow.company, work.flow.entity.name, keys)
    due = {
        fold_key(change.key)
        for change in unsettled(work, [r.change for r in staged if r.why == "listed"], span.doubt)
    }
    to_fetch = [row for row in staged if row.key in due or _is_read_anew(work, row, facets.get(row.key, {}))]
    fetching = {row.key for row in to_fetch}
    moved = [row for row in staged if row.key not in fetching and _pending(facets.get(row.key, {}))]
    yield from chunked((_from_store(row, facets[row.key]) for row in moved), CHUNK)
    yield from chunked(_fetched(work, to_fetch, facets, span.skew), CHUNK)


def unsettled(work: Work, changes: Sequence[Change], doubt: timedelta) -> list[Change]:
    """The changes that some mapping has not dealt with yet, under its present meaning and for exactly this instant.

    The keeping of postings counts as a mapping.

    A stamp that is still in the future is dealt with once; when its time has come the record is read again. A record
    that was final when it was read is dealt with, whatever its stamp says now.
    """
    now = work.clock.now()
    meanings = work.flow.meanings
    with work.database.read() as tx:
        done = outcomes.by_key(tx, work.flow.company, list(meanings), [change.key for change in changes])

    def is_done(change: Change, name: str, meaning: str) -> bool:
        found = done.get((fold_key(change.key), name), ())
        return outcomes.is_whole([o for o in found if _settles(o, change, meaning, now, doubt)])

    return [c for c in changes if not all(is_done(c, name, meaning) for name, meaning in meanings.items())]


def _settles(outcome: Outcome, change: Change, meaning: str, now: datetime, doubt: timedelta) -> bool:
    if outcome.fingerprint != meaning:
        return False
    if outcome.final:
        return True
    if change.at is not None and change.at > now:
        return change.at == outcome.at
    return is_settled(change.at, outcome.at, outcome.fetched_at, doubt)


def _is_read_anew(work: Work, row: Staged, facets: MappingOf[str, StoredReading]) -> bool:
    """Whether the record is read whatever its stamp: asked for, never read, or a facet moved that says so."""
    watched = work.flow.watched_facets()
    moved = any(not reading.settled and watched.get(name, False) for name, reading in facets.items())
    return row.why == "asked" or moved or (row.why == "facet" and CARRIED not in facets)


def _pending(facets: MappingOf[str, StoredReading]) -> bool:
    return CARRIED in facets and any(not reading.settled for reading in facets.values())


def _from_store(row: Staged, facets: MappingOf[str, StoredReading]) -> Arrival:
    moved = [reading for reading in facets.values() if not reading.settled]
    changed_at = max(reading.changed_at for reading in moved)
    record = Record("", row.source_key, _merged({}, facets), changed_at)
    return Arrival(record, row.name, changed_at, facet_only=True, seen=_seen(facets))


def _fetched(
    work: Work,
    rows: Sequence[Staged],
    facets: MappingOf[str, MappingOf[str, StoredReading]],
    skew: timedelta,
) -> Iterator[Arrived]:
    """What the source gives, with the clocks' difference of now: they may be right again when its age is judged."""
    kept = {row.key: work.kept.pop(row.key) for row in rows if row.key in work.kept}
    asked = [row.source_key for row in rows if row.key not in kept]
    given = iter(work.source.fetch(work.flow.entity.name, asked))
    for row in rows:
        result = kept[row.key] if row.key in kept else next(given)
        known = {name: f for name, f in facets.get(row.key, {}).items() if name != CARRIED}
        if isinstance(result, Record):
            whole = replace(result, fields=_with_facets(work, result.fields, known))
            yield Arrival(whole, row.name, row.at, skew=skew, seen=_seen(known))
        else:
            error = result.error if isinstance(result, Unreadable) else None
            listed = row.why == "listed"
            fetched_at = result.fetched_at - skew
            yield Missing(row.source_key, row.at, fetched_at, error, listed, _seen(known))


def _with_facets(work: Work, fields: Fields, known: MappingOf[str, StoredReading]) -> dict[str, Value]:
    """The record's own fields and its facets'; a facet that no listing named for it is empty."""
    empty = (facet.empty for facet in work.flow.entity.facets if facet.name not in known)
    return {name: value for one in empty for name, value in one.items()} | _merged(fields, known)


def _merged(fields: Fields, facets: MappingOf[str, StoredReading]) -> dict[str, Value]:
    merged = dict(fields)
    for reading in facets.values():
        merged |= reading.fields
    return merged


def _seen(facets: MappingOf[str, StoredReading]) -> tuple[tuple[str, str], ...]:
    return tuple((name, reading.digest) for name, reading in facets.items())
