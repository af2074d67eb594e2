"""Keeping what the store needs of records as they are read, whatever of them goes to the target: postings above all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ml_connector.core.entity import PostingFields
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.flow import KEPT
from ml_connector.core.line_limits import LineLimits
from ml_connector.core.postings import POSTINGS, Posting, digest_of, postings_of
from ml_connector.core.record import Fields, fold_key
from ml_connector.flows.arrivals import Arrival, Arrived, Missing
from ml_connector.flows.desire import read_along
from ml_connector.flows.telling import Teller
from ml_connector.flows.work import Work
from ml_connector.store import asked, audit, holds, outcomes, postings, readings
from ml_connector.store.database import Connection
from ml_connector.store.outcomes import Outcome

Kept = tuple[Arrival, Sequence[Posting]]


def keep(work: Work, chunk: Sequence[Arrived]) -> Sequence[Arrived]:
    """The chunk, once the postings of its records are kept; a record of which they cannot be counts as refused.

    This comes before anything of the records is recorded as written. A process that dies in between has not settled
    them: they are read once more, and the same is kept in the same place.
    """
    where, limits = work.flow.entity.postings, work.flow.limits
    if where is None:
        return chunk
    made = [_made(arrived, where, limits) for arrived in chunk]
    with work.database.begin() as tx:
        _put(tx, work, [one for one in made if isinstance(one, tuple)])
    return [one[0] if isinstance(one, tuple) else one for one in made]


def _made(arrived: Arrived, where: PostingFields, limits: LineLimits) -> Kept | Arrived:
    if isinstance(arrived, Missing) or arrived.facet_only:
        return arrived
    try:
        told = postings_of(arrived.record, where)
        return arrived, [posting for posting in told if not limits.is_closing(posting.source_document)]
    except RecordRejectedError as error:
        fetched_at = arrived.record.fetched_at - arrived.skew
        listed = arrived.at is not None
        return Missing(arrived.record.key, arrived.at, fetched_at, error, listed, arrived.seen)


def _put(tx: Connection, work: Work, made: Sequence[Kept]) -> None:
    """Replace what is different from what is kept; that it is kept is noted in the same transaction."""
    company, keys = work.flow.company, [arrival.record.key for arrival, _ in made]
    known = outcomes.find(tx, company, [POSTINGS], keys)
    rows = [_outcome(work, arrival, told) for arrival, told in made]
    changed = {
        arrival.record.key: told
        for (arrival, told), row in zip(made, rows, strict=True)
        if not _stands(row, known.get((fold_key(row.key), ""), {}).get(POSTINGS))
    }
    postings.put(tx, company, changed, work.clock.now())
    _put_outcomes(tx, company, rows)


def _put_outcomes(tx: Connection, company: str, rows: Sequence[Outcome]) -> None:
    """A reading that no list asked for leaves the instant as it is."""
    for keep_at in (True, False):
        these = [row for row in rows if (row.at is None) is keep_at]
        outcomes.put(tx, company, these, keep=("at",) if keep_at else ())


def _stands(row: Outcome, known: Outcome | None) -> bool:
    """Whether just this is kept already; of a record that was gone meanwhile, what counts is not known."""
    if known is None or known.result == "absent":
        return False
    return (known.fingerprint, known.fields) == (row.fingerprint, row.fields)


def _outcome(work: Work, arrival: Arrival, told: Sequence[Posting]) -> Outcome:
    return _kept(work, arrival, POSTINGS, {"digest": digest_of(told)})


def _kept(work: Work, arrival: Arrival, what: str, fields: Fields) -> Outcome:
    record = arrival.record
    return Outcome(
        what, record.key, "kept", arrival.at, record.fetched_at - arrival.skew, work.flow.meanings[what], fields,
        final=record.fields.get(work.flow.entity.final) is True,
    )  # fmt: skip


def record_kept(work: Work, run: str, chunk: Sequence[Arrived]) -> Counter[str]:
    """Commit that these records are done with, in a flow that writes nothing, and their carried fields; how many."""
    company, flow, now = work.flow.company, work.flow, work.clock.now()
    arrived = [one for one in chunk if isinstance(one, Arrival)]
    keys = [arrival.record.key for arrival in arrived]
    with work.database.begin() as tx:
        if KEPT in flow.meanings:
            whole = [arrival for arrival in arrived if not arrival.facet_only]
            rows = [reading for arrival in whole for reading in read_along(work, arrival.record)]
            readings.put(tx, company, flow.entity.name, rows, now, settled=True)
            _put_outcomes(tx, company, [_kept(work, arrival, KEPT, {}) for arrival in arrived])
        asked.remove(tx, company, flow.entity.name, keys)
        waited = holds.find(tx, company, flow=flow.name, keys=keys)
        through = [(hold.mapping, hold.source_key) for hold in waited]
        closed = holds.close(tx, company, flow.name, through, now)
        teller = Teller(work, run, flow.first_module, now, {})
        audit.append(tx, [teller.released(hold) for hold in closed])
    return Counter(kept=len(keys))
