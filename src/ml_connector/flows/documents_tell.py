"""Telling the CRM what became of its records in the ERP: by up to a hundred in a call, and each thing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ml_connector.core.audit import AuditAction
from ml_connector.core.document_fields import AS_OF
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Clock, Refused, Target, Write, WriteResult, Written
from ml_connector.flows.work import CHUNK
from ml_connector.store import audit, documents, holds
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Database
from ml_connector.store.documents import Telling
from ml_connector.store.holds import Hold

#: Under which the audit trail has what the CRM was told; and the flow in which what it refused waits.
MAPPING = "document_status"


class Flow(Protocol):
    """Under what it is recorded, and where it is told."""

    @property
    def name(self) -> str: ...
    @property
    def company(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def modules(self) -> tuple[str, ...]: ...


class Tells(Protocol):
    """What telling needs of whatever a run works with."""

    @property
    def flow(self) -> Flow: ...
    @property
    def target(self) -> Target: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...


def tell(work: Tells, run: str) -> Counter[str]:
    """Write what the CRM does not know yet; counts. What it was told is kept: an echo of it, or a second time, is none.

    Whoever dies between the write and its record writes the same values to the same records once more. Errors as
    those of ``Target.write``.
    """
    counts: Counter[str] = Counter()
    for module in work.flow.modules:
        after = ""
        while rows := _next(work, module, after):
            batch = [Write({**row.fields, AS_OF[module]: row.as_of}, row.key) for row in rows]
            results = work.target.write(module, batch)
            counts += _record(work, run, rows, results)
            after = rows[-1].key
    _close_passed(work, run)
    return counts


def _next(work: Tells, module: str, after: str) -> list[Telling]:
    with work.database.read() as tx:
        return documents.untold(tx, module, CHUNK, after)


def _record(work: Tells, run: str, rows: Sequence[Telling], results: Sequence[WriteResult]) -> Counter[str]:
    """Keep what it was told. A record that is gone needs to know nothing; one that is refused waits, and is told again.

    Whichever flow tells, what it refuses waits in the one that tells all of them.
    """
    pairs = list(zip(rows, results, strict=True))
    told = [row for row, one in pairs if isinstance(one, Written)]
    gone = [row for row, one in pairs if isinstance(one, Refused) and one.gone]
    refused = [(row, one.error) for row, one in pairs if not isinstance(one, Written) and row not in gone]
    by_key, now = {row.key: row for row in rows}, work.clock.now()
    trail = _Trail(work, run, now)
    with work.database.begin() as tx:
        documents.tell(tx, told + gone)
        held = holds.put(tx, work.flow.company, [_hold_of(run, row, error, now) for row, error in refused])
        done = [(MAPPING, row.key) for row in told + gone]
        passed = holds.close(tx, work.flow.company, MAPPING, done, now)
        audit.append(tx, [trail.updated(row) for row in told])
        audit.append(tx, [trail.held(by_key[hold.source_key], hold) for hold in held])
        audit.append(tx, [trail.released(by_key[hold.source_key], hold) for hold in passed])
    return Counter({"crm_told": len(told), "crm_refused": len(refused)}) + Counter()


def _close_passed(work: Tells, run: str) -> None:
    """What was refused and need not be told any more, since it is again as the CRM knows it, waits no longer."""
    with work.database.read() as tx:
        opened = holds.find(tx, work.flow.company, flow=MAPPING)
        untold = documents.untold_among(tx, {hold.source_key for hold in opened})
    done = [(MAPPING, hold.source_key) for hold in opened if hold.source_key not in untold]
    if not done:
        return
    now = work.clock.now()
    trail = _Trail(work, run, now)
    with work.database.begin() as tx:
        rows = [
            trail.released(Telling(str(hold.detail.get("module", "")), hold.source_key, {}, now), hold)
            for hold in holds.close(tx, work.flow.company, MAPPING, done, now)
        ]
        audit.append(tx, rows)


def _hold_of(run: str, row: Telling, error: RecordRejectedError, now: datetime) -> Hold:
    return Hold(
        MAPPING,
        MAPPING,
        row.key,
        error.code,
        error.field,
        error.happened,
        error.remedy,
        error.answer,
        now,
        {"module": row.module},
        run,
        heals=error.heals,
    )


@dataclass(frozen=True, slots=True)
class _Trail:
    """Makes the audit rows."""

    work: Tells
    run: str
    now: datetime

    def updated(self, row: Telling) -> AuditRow:
        return self._row(row, AuditAction.UPDATED, row.as_of, after=row.fields)

    def held(self, row: Telling, hold: Hold) -> AuditRow:
        reason = f"{hold.happened} {hold.remedy}".strip()
        return self._row(row, AuditAction.HELD, hold.opened_at, reason=reason, attempt=hold.attempts)

    def released(self, row: Telling, hold: Hold) -> AuditRow:
        reason = f"Held as {hold.code}; it went through."
        return self._row(row, AuditAction.RELEASED, hold.opened_at, reason=reason, attempt=hold.attempts)

    def _row(self, row: Telling, action: AuditAction, at: datetime | None, **more: Any) -> AuditRow:  # noqa: ANN401 -- of AuditRow
        return AuditRow(
            company=self.work.flow.company,
            flow=self.work.flow.name,
            run=self.run,
            mapping=MAPPING,
            source_key=row.key,
            entity=self.work.flow.entity,
            module=row.module,
            target_id=row.key,
            action=action,
            at=at,
            happened_at=self.now,
            **more,
        )
