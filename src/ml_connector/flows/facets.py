"""The parts of a record that its stamp says nothing of: listed whole, by what changed since, or each in its turn.

A facet that can be listed is listed whole when that is due, and between two such lists by what the source says has
changed, where it says so. One that cannot be listed is followed by the source's own track of changes, where it keeps
one; otherwise so many records are read anew each night that every one has had its turn after some nights.

When it was looked at is kept by the earlier of our clock and the source's, as for a cursor: the next look goes back to
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ml_connector.core.entity import Facet
from ml_connector.core.record import Fields, Reading, digest, fold_key
from ml_connector.flows.range import Range
from ml_connector.flows.work import Options, Work
from ml_connector.store import asked, looks, readings, staging
from ml_connector.store.database import Connection
from ml_connector.store.looks import Looked

#: A nightly run that begins some hours earlier than yesterday's is still the next night's.
NIGHT = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Look:
    """What is due of one facet."""

    whole: bool = False  #: list it for every record
    since: datetime | None = None  #: list what changed since
    roll: bool = False  #: read the next records in turn

    def to_json(self) -> dict[str, Any]:
        return {"whole": self.whole, "since": self.since and self.since.isoformat(), "roll": self.roll}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Look:
        since = datetime.fromisoformat(told["since"]) if told["since"] else None
        return cls(told["whole"], since, told["roll"])


def decide(facet: Facet, whole_at: datetime | None, looked: Looked, span: Range, options: Options) -> Look:
    """What is due of a facet that was last known for every record at ``whole_at``; pure.

    A source that keeps a track is asked in every run. Records still take turns until each was read since the track
    began: what changed before that, the track does not tell.
    """
    now = span.bound
    if facet.listed:
        every = options.facet_every.get(facet.name, timedelta(0))
        if whole_at is None or _passed(whole_at, now) >= options.facet_whole_every.get(facet.name, every):
            return Look(whole=True)
        last = max(filter(None, (whole_at, looked.looked_at)))
        followed = facet.name in options.facet_whole_every
        return Look(since=_since(last, span, options) if followed and _passed(last, now) >= every else None)
    nights = options.sweep_nights.get(facet.name, 0)
    behind = looked.tracked_at is None or whole_at is None or whole_at < looked.tracked_at
    since = _since(looked.looked_at or looked.tracked_at, span, options) if looked.tracked_at else None
    return Look(since=since, roll=nights > 0 and behind and _is_new_night(whole_at, looked, now))


def _passed(last: datetime, now: datetime) -> timedelta:
    """How long ago it was; a clock that was an hour ahead, and no longer is, does not put it off."""
    return abs(now - last)


def _since(last: datetime | None, span: Range, options: Options) -> datetime | None:
    """A little earlier: clocks differ and commits are late."""
    return last and last - max(options.overlap, span.doubt)


def _is_new_night(whole_at: datetime | None, looked: Looked, now: datetime) -> bool:
    last = looked.rolled_at or whole_at
    return last is None or _passed(last, now) >= NIGHT


def find_due(work: Work, facet: Facet, span: Range) -> Look:
    """What is due of this facet; the source is asked once a night whether it keeps a track.

    On a first load nothing is: every record is about to be read, and its facets with it.
    """
    if facet.name not in work.flow.watched_facets():
        return Look()
    if span.first_load and facet.listed and not facet.brings_fields:
        return Look()
    company, flow = work.flow.company, work.flow.name
    with work.database.read() as tx:
        whole_at = readings.swept_at(tx, company, flow, facet.name)
        looked = looks.find(tx, company, flow, facet.name)
    if facet.listed or not _is_new_night(whole_at, looked, span.bound):
        return decide(facet, whole_at, looked, span, work.options)
    looked = _tracked(work, facet, looked, span)
    due = Look() if span.first_load else decide(facet, whole_at, looked, span, work.options)
    if not due.roll:
        looked = replace(looked, rolled_at=span.bound)
    with work.database.begin() as tx:
        looks.put(tx, company, flow, facet.name, looked)
    return due


def _tracked(work: Work, facet: Facet, looked: Looked, span: Range) -> Looked:
    """Ask whether the source keeps a track; since when is remembered."""
    if work.source.follows(work.flow.entity.name, facet.name):
        return replace(looked, tracked_at=looked.tracked_at or span.bound)
    return replace(looked, tracked_at=None, looked_at=None)


def sweep(work: Work, facet: Facet, span: Range, since: datetime | None, after: str | None) -> dict[str, Any]:
    """Read one key range of the facet and remember what it says; ``since``: only what changed."""
    company, entity, name = work.flow.company, work.flow.entity.name, facet.name
    page = work.source.list_readings(entity, name, after, since)
    with work.database.begin() as tx:
        rows = _lasting(tx, work, facet, page.rows, span)
        readings.put(tx, company, entity, rows, span.began_at, settled=False)
        if page.next_after is None:
            _mark_looked(tx, work, facet, span, whole=since is None)
    return {"next_after": page.next_after, "rows": len(page.rows)}


def _lasting(
    tx: Connection, work: Work, facet: Facet, rows: Sequence[Reading], span: Range
) -> Sequence[Reading]:
    """The rows, with what was known before where the facet is too old to be told."""
    if facet.lasting is None:
        return rows
    company, entity = work.flow.company, work.flow.entity.name
    without = [row.key for row in rows if row.fields.get(facet.lasting.dated) is None]
    known = readings.find(tx, company, entity, without)
    before = {key: told[facet.name].fields for key, told in known.items() if facet.name in told}
    return [
        _carried_on(facet, row.key, row.fields, before[fold_key(row.key)], span)
        if fold_key(row.key) in before
        else row
        for row in rows
    ]


def _carried_on(facet: Facet, key: str, told: Fields, known: Fields, span: Range) -> Reading:
    fields = facet.lasting.carried_on(known, told, span.began_at) if facet.lasting else told
    return Reading(key, facet.name, fields, digest(fields))


def _mark_looked(tx: Connection, work: Work, facet: Facet, span: Range, *, whole: bool) -> None:
    company, entity, flow = work.flow.company, work.flow.entity.name, work.flow.name
    if not whole:
        looked = looks.find(tx, company, flow, facet.name)
        looks.put(tx, company, flow, facet.name, replace(looked, looked_at=span.bound))
        return
    if facet.empty:  # where nothing stands for an unnamed record, a short list must blank nobody's figures
        unnamed = readings.unnamed(tx, company, entity, facet.name, digest(facet.empty), span.began_at)
        emptied = [_carried_on(facet, row.key, facet.empty, row.fields, span) for row in unnamed]
        readings.put(tx, company, entity, emptied, span.began_at, settled=False)
    readings.mark_swept(tx, company, flow, facet.name, span.bound)


def roll(work: Work, facet: Facet, span: Range) -> dict[str, Any]:
    """Ask for the next records in turn, one night's share of all; in the same transaction the position moves on.

    What is asked for stays asked until it was looked at, so that no crash skips a turn. Done twice in one run, it
    asks for nothing more.
    """
    company, entity, flow = work.flow.company, work.flow.entity.name, work.flow.name
    with work.database.begin() as tx:
        looked = looks.find(tx, company, flow, facet.name)
        if looked.rolled_at == span.bound:
            return {"rolled": 0}
        share = -(-staging.count_names(tx, company, entity) // work.options.sweep_nights[facet.name])
        turn = staging.next_keys(tx, company, entity, looked.position, share)
        asked.put(tx, company, entity, [key for _, key in turn], f"its turn: {facet.name}")
        looked = replace(looked, round_at=looked.round_at or span.bound, rolled_at=span.bound)
        if not turn or len(turn) < share or not staging.next_keys(tx, company, entity, turn[-1][0], 1):
            readings.mark_swept(tx, company, flow, facet.name, looked.round_at or span.bound)
            looked = replace(looked, position="", round_at=None)
        else:
            looked = replace(looked, position=turn[-1][0])
        looks.put(tx, company, flow, facet.name, looked)
    return {"rolled": len(turn)}
