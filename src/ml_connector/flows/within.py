"""Of the lines of journal entries, those that are within the flow's limits. Reads the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from ml_connector.core.entity import PostingFields
from ml_connector.core.flow import CARRIED
from ml_connector.core.line_limits import NO_LIMITS, LineLimits, Within
from ml_connector.core.mapping import Reference
from ml_connector.core.record import Fields, Record, fold_key
from ml_connector.flows.arrivals import Arrival
from ml_connector.flows.work import Work
from ml_connector.store import readings
from ml_connector.store.database import Connection


def limit_lines(tx: Connection, work: Work, arrived: Sequence[Arrival]) -> list[Arrival]:
    """The arrivals with the lines that are wanted; what is left out, and for which accounts, stands beside them."""
    where, limits = work.flow.entity.postings, work.flow.limits
    if where is None or limits == NO_LIMITS:
        return list(arrived)
    known: Mapping[str, Fields] = {}
    if limits.needs_categories:
        accounts = {_account(fields, where) for a in arrived for fields in a.record.parts.values()}
        known = find_accounts(tx, work.flow.company, where.accounts, accounts - {""})
    return [_limited(arrival, where, limits, known) for arrival in arrived]


def find_accounts(tx: Connection, company: str, entity: str, accounts: Collection[str]) -> dict[str, Fields]:
    """Folded account -> what its own flow keeps of it; of one that was never read, nothing."""
    found = readings.find(tx, company, entity, accounts)
    return {key: facets[CARRIED].fields for key, facets in found.items() if CARRIED in facets}


def category_of(account: Fields | None) -> str | None:
    """An account's category, empty where it has none; None: the account is not known."""
    return None if account is None else str(account.get("category") or "")


def _limited(
    arrival: Arrival, where: PostingFields, limits: LineLimits, known: Mapping[str, Fields]
) -> Arrival:
    record = arrival.record
    judged = dict.fromkeys(record.parts, Within.NO)
    if _lets_in(limits, record, where):
        accounts = {part: _account(fields, where) for part, fields in record.parts.items()}
        judged = {
            part: limits.of_account(account, category_of(known.get(fold_key(account))))
            for part, account in accounts.items()
        }
    wanted = {part: record.parts[part] for part, within in judged.items() if within is Within.YES}
    waits = {_account(record.parts[part], where) for part, w in judged.items() if w is Within.UNKNOWN}
    return replace(
        arrival,
        record=replace(record, parts=wanted),
        left_out=frozenset(judged.keys() - wanted.keys()),
        unknown=frozenset(waits),
    )


def _lets_in(limits: LineLimits, record: Record, where: PostingFields) -> bool:
    """Whether lines of the entry may be within the limits, by its date and by what made it."""
    on, document = (record.fields.get(where.fields[name]) for name in ("on", "source_document"))
    return limits.lets_in_date(on if isinstance(on, date) else None) and not limits.is_closing(
        str(document or "")
    )


def _account(fields: Fields, where: PostingFields) -> str:
    return str(fields.get(where.fields["account"]) or "").rstrip()


def awaited_accounts(work: Work, arrived: Sequence[Arrival]) -> dict[str, tuple[Reference, ...]]:
    """Source key -> the accounts whose category is awaited: not in any module, but that they are read."""
    entity = work.flow.entity.postings.accounts if work.flow.entity.postings else ""
    return {
        arrival.record.key: tuple(
            Reference(entity, "", account, required=False) for account in sorted(arrival.unknown)
        )
        for arrival in arrived
        if arrival.unknown
    }
