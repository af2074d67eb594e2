"""Records of the target that are changed by their id, and what is recorded of it.

An edit may be sent twice: it says what a field will be. Before it is sent its intent is committed, so that one that
the target made and whose answer was lost stands in the audit trail all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ml_connector.core.audit import AuditAction
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Refused, Write, WriteResult, Written
from ml_connector.core.record import Fields
from ml_connector.flows.bulk import require_end
from ml_connector.flows.deals import DealWork
from ml_connector.flows.work import CHUNK, chunked
from ml_connector.store import audit, holds, intents
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold

LOST_ANSWER = "Found after an interruption: our own write, whose answer was lost."


@dataclass(frozen=True, slots=True)
class Edit:
    """Fields of one record that is there."""

    target_id: str
    name: str
    fields: Fields
    before: Mapping[str, object]
    at: datetime  #: when the record was last changed before
    reason: str


@dataclass(frozen=True, slots=True)
class Editor:
    """Changes records of one module in one run of a flow over deals."""

    work: DealWork
    run: str
    module: str

    def send(self, edits: Sequence[Edit], unmodified_since: datetime | None = None) -> Counter[str]:
        """Send these edits and record what became of each: updated, held, gone, or changed meanwhile by somebody.

        Raises RetryableError, also while a bulk job may be under way in the module, and ConfigurationError; what was
        recorded until then stands.
        """
        counts: Counter[str] = Counter()
        if edits:
            require_end(self.work, self.module)
        pair = self.work.intended(self.module)
        for some in chunked(edits, CHUNK):
            with self.work.database.begin() as tx:
                intents.put(tx, pair, _idents(some), self.work.clock.now())
            batch = [Write(edit.fields, edit.target_id) for edit in some]
            results = self.work.target.write(self.module, batch, unmodified_since=unmodified_since)
            self._record(list(zip(some, results, strict=True)))
            counts.update(map(_word, results))
        return counts

    def _record(self, done: Sequence[tuple[Edit, WriteResult]]) -> None:
        now = self.work.clock.now()
        faults = [(edit, error) for edit, result in done if (error := _fault(result))]
        written = [edit for edit, result in done if isinstance(result, Written)]
        with self.work.database.begin() as tx:
            intents.remove(tx, self.work.intended(self.module), _idents([edit for edit, _ in done]))
            held = holds.put(tx, self.work.flow.company, [self._hold(*fault, now) for fault in faults])
            rows = [self._updated(edit, now) for edit in written]
            audit.append(tx, [*rows, *(self._waits(hold, now) for hold in held)])
            self._release(tx, [edit.target_id for edit, result in done if not _fault(result)], now)

    def settle(self, standing: Callable[[Sequence[str]], Sequence[Edit]]) -> Counter[str]:
        """Tell of the edits that were sent and never recorded, as far as they are ``standing`` in the target."""
        pair = self.work.intended(self.module)
        with self.work.database.read() as tx:
            ids = intents.open_keys(tx, pair)
        if not ids:
            return Counter()
        ours, now = standing(ids), self.work.clock.now()
        with self.work.database.begin() as tx:
            audit.append(tx, [self._updated(edit, now) for edit in ours])
            intents.remove(tx, pair, [(target_id, "") for target_id in ids])
        return Counter(updated=len(ours))

    def release(self, ids: Collection[str]) -> None:
        """These records need nothing any more: what was open for them is closed."""
        if ids:
            with self.work.database.begin() as tx:
                self._release(tx, ids, self.work.clock.now())

    def _release(self, tx: Connection, ids: Collection[str], now: datetime) -> None:
        flow = self.work.flow
        closed = holds.close(tx, flow.company, flow.name, [(flow.name, one) for one in ids], now)
        audit.append(tx, [self._released(hold, now) for hold in closed])

    # -- what is told

    def _row(self, target_id: str, action: AuditAction, now: datetime) -> AuditRow:
        """What every row has in common: the record is its own source, so its id is both keys."""
        flow = self.work.flow
        return AuditRow(
            company=flow.company,
            flow=flow.name,
            run=self.run,
            mapping=flow.name,
            source_key=target_id,
            entity=self.module.casefold(),
            module=self.module,
            target_id=target_id,
            action=action,
            at=None,
            happened_at=now,
        )

    def _updated(self, edit: Edit, now: datetime) -> AuditRow:
        row = self._row(edit.target_id, AuditAction.UPDATED, now)
        return replace(row, at=edit.at, before=edit.before, after=edit.fields, reason=edit.reason)

    def _waits(self, hold: Hold, now: datetime) -> AuditRow:
        row = self._row(hold.source_key, AuditAction.HELD, now)
        reason = f"{hold.happened} {hold.remedy}".strip()
        return replace(row, at=hold.opened_at, attempt=hold.attempts, reason=reason)

    def _released(self, hold: Hold, now: datetime) -> AuditRow:
        row = self._row(hold.source_key, AuditAction.RELEASED, now)
        reason = f"Held as {hold.code}; it went through, or needs nothing any more."
        return replace(row, at=hold.opened_at, attempt=hold.attempts, reason=reason)

    def _hold(self, edit: Edit, error: RecordRejectedError, now: datetime) -> Hold:
        flow = self.work.flow.name
        told = {"name": edit.name, "what was to be written": edit.reason}
        return Hold(
            flow, flow, edit.target_id, error.code, error.field, error.happened, error.remedy, error.answer,
            now, told, self.run,
        )  # fmt: skip


def _idents(edits: Sequence[Edit]) -> list[tuple[str, str]]:
    return [(edit.target_id, "") for edit in edits]


def _word(result: WriteResult) -> str:
    """The word under which a run counts it."""
    if isinstance(result, Written):
        return "updated"
    if isinstance(result, Refused) and (result.gone or result.overtaken):
        return "gone" if result.gone else "meanwhile"
    return "held"


def _fault(result: WriteResult) -> RecordRejectedError | None:
    """Why the record waits; None: it does not, for it is written, gone, or looked at again by the next run."""
    if isinstance(result, Written) or _word(result) != "held":
        return None
    return result.error
