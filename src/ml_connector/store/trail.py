"""The audit trail as a whole: checkpoints outside the database, whether it is as written, and how long it is kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from ml_connector.core.audit import GENESIS, AuditAction, Checkpoint, Mark
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Clock
from ml_connector.store.audit import AuditRow, append, end, lock, start
from ml_connector.store.checkpoints import CheckpointFile
from ml_connector.store.database import Database
from ml_connector.store.tables import audit
from ml_connector.store.verification import How, Verdict, verify, walk


@dataclass
class Trail:
    """The rows of the database and the file of checkpoints."""

    database: Database
    file: CheckpointFile
    clock: Clock
    every: timedelta = timedelta(minutes=15)  #: so often a checkpoint is due while a run goes on
    portion: int = 20_000  #: rows that one transaction removes: others wait for it
    _looked_at: datetime | None = field(default=None, init=False)
    _turn: threading.Lock = field(
        default_factory=threading.Lock, init=False
    )  #: runs beside each other note one by one

    def checkpoint(self) -> None:
        """Note outside how the trail ends now, unless the last line says it. ConfigurationError: it cannot be."""
        with self._turn:
            self._looked_at = now = self.clock.now()
            with self.database.read() as tx:
                stands = end(tx)
            last = self.file.last()
            if stands and (last is None or (last.seq, last.hash) != stands):
                self.file.add(Checkpoint(*stands, now))

    def checkpoint_when_due(self) -> None:
        """The same now and then, however often this is called."""
        if self._looked_at is None or abs(self.clock.now() - self._looked_at) >= self.every:
            self.checkpoint()

    def verify(self, file: CheckpointFile | None = None) -> Verdict:
        """Whether every row is as it was written; ``file``: checkpoints that were kept elsewhere."""
        with self.database.read() as tx:
            return verify(tx, (file or self.file).lines)

    def restored(self, reason: str, actor: str) -> Checkpoint:
        """A person says that the database is an earlier copy: what the file knows beyond it is given up.

        Gives the last row that trail and file agree on; ``seq`` 0: none. What is wrong within the chain stays wrong.
        """
        now, found = self.clock.now(), self.verify()
        agreed = found.guarded_to or Checkpoint(0, GENESIS, now)
        since = replace(agreed, at=now, mark=Mark.RESTORED)
        # First the file: broken off here, the same command does both again.
        if found.start and any(fault.how is How.UNTOLD for fault in found.faults):
            self.file.add(Checkpoint(found.start.seq, found.start.hash, now, Mark.TRIMMED))
        self.file.add(since)
        told = _of_trail(AuditAction.RESTORED, now, {"seq": since.seq, "hash": since.hash})
        with self.database.begin() as tx:
            append(tx, [replace(told, reason=reason, actor=actor)])
        self.checkpoint()
        return since

    def trim(self, keep: timedelta) -> int:
        """Remove the rows that are older, from the beginning up to the first that is not; how many there were.

        The chain stays verifiable: a row at its end tells up to where rows were removed, and so does the file. Broken
        off anywhere, calling it again finishes it. ConfigurationError: the file cannot be written, or what would be
        removed is not as it was written, which nobody could see any more.
        """
        before, removed = self.clock.now() - keep, 0
        while some := self._trim_some(before):
            removed += some
        if removed:
            self.checkpoint()
        return removed

    def _trim_some(self, before: datetime) -> int:
        now = self.clock.now()
        with self.database.read() as tx:
            last = _last_older(tx, before, self.portion)
            if last is None:
                return 0
            _require_whole(tx, last[0])
        # First the file: a removal that it does not know of would look like somebody else's.
        self.file.add(Checkpoint(*last, now, Mark.TRIMMED))
        seq, hash_ = last
        older = audit.c.seq <= seq
        with self.database.begin() as tx:
            lock(tx)
            number = int(tx.execute(sa.select(sa.func.count()).where(older)).scalar_one())
            known = start(tx)
            after = {"seq": seq, "hash": hash_, "removed": number + (known.removed if known else 0)}
            reason = f"{number} rows of before {before:%Y-%m-%d %H:%M} UTC were removed, as keep_days says."
            if number:  # else another process was faster
                # Before the others go: the number of a row is never given twice.
                append(tx, [replace(_of_trail(AuditAction.TRIMMED, now, after), reason=reason)])
                tx.execute(sa.delete(audit).where(older))
        return number


def _of_trail(action: AuditAction, now: datetime, after: Mapping[str, object]) -> AuditRow:
    """A row that is about the trail and no record."""
    return AuditRow("", "", "", "", "", "", "", "", action, None, now, after=after)


def _last_older(tx: sa.Connection, before: datetime, portion: int) -> tuple[int, str] | None:
    """(seq, hash) of the last of the oldest rows, of which none is younger and at most a portion is taken."""
    columns = (audit.c.seq, audit.c.hash, audit.c.happened_at)
    last = None
    for row in tx.execute(sa.select(*columns).order_by(audit.c.seq).limit(portion)):
        if row.happened_at >= before:
            break
        last = (row.seq, row.hash)
    return last


def _require_whole(tx: sa.Connection, up_to: int) -> None:
    first = tx.execute(sa.select(audit.c.previous).order_by(audit.c.seq).limit(1)).scalar()
    told = start(tx) if first != GENESIS else None
    _, broken = walk(tx, told.hash if told else GENESIS, up_to)
    if broken:
        raise ConfigurationError(
            f"The audit trail is broken at row {broken.seq}, so its old rows are kept as evidence.",
            "Run “ml-connector audit verify” and find out who changed the database.",
        )
