"""Recording what became of a record on its way into the ERP: everything in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import structlog

from ml_connector.core.audit import AuditAction
from ml_connector.core.deal_fields import DEALS
from ml_connector.core.document_decisions import How, Linked
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Absent, Unreadable
from ml_connector.core.record import fold_key
from ml_connector.flows.document_work import DocumentWork
from ml_connector.flows.documents_carry import Done
from ml_connector.flows.documents_told import keep_nothing, keep_told, keep_told_of_deal
from ml_connector.store import asked, audit, documents, holds, links, outcomes, verdicts
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.documents import Told
from ml_connector.store.holds import Hold
from ml_connector.store.links import Link, Pair
from ml_connector.store.outcomes import FROM_TARGET, Outcome

_RESULTS = {"held": "held", "skipped": "skipped", "waiting": "waiting"}


def record(work: DocumentWork, run: str, done: Done) -> str:
    """Commit what became of it; doing it again changes nothing. The word under which a run counts it."""
    now = work.clock.now()
    with work.database.begin() as tx:
        _put_outcome(tx, work, done)
        asked.remove(tx, work.flow.company, work.flow.module, [done.case.key])
        if done.is_unasked:
            return done.count
        documents.put(tx, done.became)
        _give_up(tx, work, done)
        _link(tx, work, done, now)
        rows = [*_Rows(work, run, done, now).of_events(), *_hold(tx, work, run, done, now)]
        if done.error is None and done.count != "waiting":
            verdicts.remove(tx, work.pair, [(done.case.key, "")])
        audit.append(tx, rows)
        if done.chain is not None and done.looked_at is not None:
            keep_told(tx, done.became, done.chain, done.looked_at)
        if done.case.before.linked and done.became.linked is None:
            keep_nothing(tx, done.case.before, now)
        if done.case.before.deal not in ("", done.became.deal):  # it belongs to another deal now
            keep_told_of_deal(tx, done.became.company, done.case.before.deal, now)
    _log_all(rows)
    return done.count


def _put_outcome(tx: Connection, work: DocumentWork, done: Done) -> None:
    case, result = done.case, done.case.handed.result
    told = (
        "absent" if isinstance(result, Absent) and done.error is None else _RESULTS.get(done.count, "written")
    )
    read_at = result.fetched_at - case.handed.skew
    fingerprint = work.flow.mapping.fingerprint
    row = Outcome(work.flow.mapping.name, case.key, told, case.at, read_at, fingerprint, {})
    keep = ("at",) if case.at is None else ()
    outcomes.put(tx, work.flow.company, [row], keep=keep, direction=FROM_TARGET)


def _link(tx: Connection, work: DocumentWork, done: Done, now: datetime) -> None:
    """The link of the record to its document: the same for both directions."""
    became, linked = done.became, done.became.linked
    pair = work.pair_of(became.company)
    for known in links.on(tx, pair, [became.key]).values():
        if linked is None or known.source_key != linked.number:
            links.remove(tx, pair, known.source_key)
    if linked is not None:
        links.put(tx, pair, [Link(linked.number, became.key, _by(linked), now, None)])


def _give_up(tx: Connection, work: DocumentWork, done: Done) -> None:
    """A document that a person gave to this record is no other's any more: its deal's own link to it ends."""
    linked, became = done.became.linked, done.became
    if linked is None or linked.how not in (How.LINKED, How.REPLACED) or not became.deal:
        return
    for deal in documents.find(tx, DEALS, [became.deal]).values():
        is_same = deal.linked is not None and fold_key(deal.linked.number) == fold_key(linked.number)
        if deal.linked is not None and is_same and deal.company == became.company:
            documents.put(tx, replace(deal, linked=None, wanted=""))
            documents.put_told(tx, deal, Told(as_of=done.looked_at))
            links.remove(tx, Pair(deal.company, work.flow.entity, DEALS), deal.linked.number)


def _by(linked: Linked) -> str:
    return {"made": "created", "number": "key"}.get(linked.how.value, linked.how.value)


# -- holds


def _hold(tx: Connection, work: DocumentWork, run: str, done: Done, now: datetime) -> list[AuditRow]:
    """Open its hold or count another attempt; or close what was open. What the audit says of it."""
    rows, flow, key = _Rows(work, run, done, now), work.flow, done.case.key
    if done.error is None:
        if done.count == "waiting" and done.case.codes:
            return []  # it waits still, and nobody has decided anything
        closed = holds.close(tx, flow.company, flow.name, [(flow.mapping.name, key)], now)
        return [rows.released(hold) for hold in closed]
    (held,) = holds.put(tx, flow.company, [_hold_of(work, run, done, done.error, now)])
    return [rows.held(held)]


def _hold_of(work: DocumentWork, run: str, done: Done, error: RecordRejectedError, now: datetime) -> Hold:
    linked, flow = done.became.linked, work.flow
    detail: dict[str, object] = {"document": f"{linked.kind} {linked.number}"} if linked else {}
    if done.case.account:
        detail["Account"] = done.case.account
    return Hold(
        flow.name,
        flow.mapping.name,
        done.case.key,
        error.code,
        error.field,
        error.happened,
        error.remedy,
        error.answer,
        now,
        detail,
        run,
        heals=error.heals,
        unread=isinstance(done.case.handed.result, Unreadable),
    )


# -- the audit trail


@dataclass(frozen=True)
class _Rows:
    """Makes the audit rows of one record."""

    work: DocumentWork
    run: str
    done: Done
    now: datetime

    @cached_property
    def _common(self) -> dict[str, Any]:
        flow, done = self.work.flow, self.done
        return {
            "company": flow.company,
            "flow": flow.name,
            "run": self.run,
            "mapping": flow.mapping.name,
            "source_key": done.case.key,
            "entity": flow.entity,
            "module": flow.module,
            "target_id": done.became.linked.number if done.became.linked else "",
            "happened_at": self.now,
        }

    def of_events(self) -> list[AuditRow]:
        at = self.done.case.at or self.done.case.handed.result.fetched_at
        return [
            AuditRow(
                **self._common,
                action=one.action,
                at=at,
                before=one.before,
                after=one.after,
                reason=one.reason,
            )
            for one in self.done.events
        ]

    def held(self, hold: Hold) -> AuditRow:
        return self._of_hold(hold, AuditAction.HELD, f"{hold.happened} {hold.remedy}".strip())

    def released(self, hold: Hold) -> AuditRow:
        return self._of_hold(hold, AuditAction.RELEASED, f"Held as {hold.code}; it went through.")

    def _of_hold(self, hold: Hold, action: AuditAction, reason: str) -> AuditRow:
        return AuditRow(
            **self._common, action=action, at=hold.opened_at, attempt=hold.attempts, reason=reason
        )


def _log_all(rows: list[AuditRow]) -> None:
    log = structlog.get_logger().bind()
    for row in rows:
        write = log.info if row.action is AuditAction.HELD else log.debug
        where = {"flow": row.flow, "run": row.run, "key": row.source_key, "mapping": row.mapping}
        write(f"{row.flow}: {row.action}", **where, target_id=row.target_id, module=row.module)
