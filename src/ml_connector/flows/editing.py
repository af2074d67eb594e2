"""One customer or vendor of the ERP edited as the CRM says: decided, intended, sent, recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import CHANGED_ON_BOTH_SIDES, CHANGED_SINCE_APPROVAL, MASTER_MOVED, OWN_CODES
from ml_connector.core.change import is_settled
from ml_connector.core.document_decisions import Intent
from ml_connector.core.errors import NotDoneError, RecordRejectedError, RetryableError
from ml_connector.core.flow import BACK
from ml_connector.core.mapping import FieldRule
from ml_connector.core.master_edits import (
    HoldMaster,
    Keep,
    Master,
    Settled,
    WriteBack,
    plan_master,
    settled_fields,
)
from ml_connector.core.ports import Refused
from ml_connector.core.record import Fields, Record
from ml_connector.core.sales_ports import Accepted, Edit, MasterEdits, Unsure
from ml_connector.flows.edits import LOST_ANSWER
from ml_connector.flows.range import Range
from ml_connector.flows.work import Work
from ml_connector.store import audit, holds, master_edits, verdicts
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold
from ml_connector.store.links import Link
from ml_connector.store.master_edits import Kept, Sent
from ml_connector.store.outcomes import Outcome

#: Reasons that pass when either side is changed: looked at by every run, which costs a reading.
_LOOKED_AT = (MASTER_MOVED, CHANGED_ON_BOTH_SIDES)
_STAMP = "modified_at"  #: the field in which the ERP's customers and vendors say when they were changed


@dataclass(frozen=True, slots=True)
class Edited:
    """A linked record: what the CRM has of it now in the fields that it owns, and what is known of it."""

    link: Link
    rules: Sequence[FieldRule]
    crm: Fields
    kept: Kept
    hold: Hold | None = None
    released: Collection[str] = ()  #: the reasons that a person let through
    brought: Collection[Outcome] = field(default=())  #: what was last brought over of it

    @property
    def is_new(self) -> bool:
        """Whether a field was never looked at before."""
        return not self.crm.keys() <= self.kept.left.keys()

    @property
    def is_changed(self) -> bool:
        """Whether the CRM says something else than when both sides were last known."""
        return any(
            (value or None) != (self.kept.left[name] or None)
            for name, value in self.crm.items()
            if name in self.kept.left
        )

    @property
    def is_as_before(self) -> bool:
        """Whether the CRM says what it did when this was held or sent."""
        known = self.kept.sent.crm if self.kept.sent else self.kept.held
        return known is not None and dict(known) == dict(self.crm)

    @property
    def is_discarded(self) -> bool:
        """Whether a person closed its hold: that the two sides differ is known, and stays so."""
        return self.kept.sent is None and self.kept.held is not None and not self.hold and self.is_as_before

    def is_due(self, now: datetime) -> bool:
        """Whether what is open may have become possible although the CRM says the same."""
        if self.hold is None or self.kept.sent is not None or self.hold.code in _LOOKED_AT:
            return True
        return self.hold.next_at is not None and self.hold.next_at <= now


@dataclass(frozen=True, slots=True)
class Editing:
    """What is done to the records of one module in one run."""

    work: Work
    run: str
    module: str
    span: Range

    def begin(self, new: Iterable[Edited]) -> None:
        """What stands on both sides where a field was never looked at stays as it is."""
        rows = [replace(one.kept, left={**one.crm, **one.kept.left}) for one in new]
        with self.work.database.begin() as tx:
            master_edits.put(tx, self.work.pair(self.module), rows)

    def bring(self, one: Edited) -> str:
        """Have the ERP say what the CRM says, or hold it; the word under which a run counts it, or nothing.

        Of two edits that are under way, the first could come last, and undo what was sent after both: so one whose end
        is not known is waited for. RetryableError: it may have been done; the next look tells.
        """
        if one.is_discarded:
            self._keep(one)
            return ""
        try:
            record = self._masters.read(self._entity, one.link.source_key)
        except RecordRejectedError as error:
            return self._hold(one, error)
        if record is None:
            return self._hold(one, _gone(one))
        word = ""
        while isinstance(decision := self._plan(one, record), Settled):
            one, word = self._settled(one, decision)
        if isinstance(decision, WriteBack) and one.kept.sent is None:
            return self._send(one, decision, record)
        if isinstance(decision, HoldMaster):
            return self._hold(one, _rejection(decision))
        if isinstance(decision, Keep):
            self._keep(one)
            return word
        return "waiting"  # for what was sent before

    @property
    def _masters(self) -> MasterEdits:
        assert self.work.masters is not None
        return self.work.masters

    @property
    def _entity(self) -> str:
        return self.work.flow.entity.name

    # -- deciding

    def _plan(self, one: Edited, record: Record) -> object:
        stamp = record.fields.get(_STAMP)
        stamped_at = stamp if isinstance(stamp, datetime) else None
        sent = one.kept.sent
        master = Master(
            crm=one.crm,
            erp=record.fields,
            left=one.kept.left,
            seen_at=self._seen_at(one, stamped_at),
            stamped_at=stamped_at,
            is_released=not OWN_RELEASED.isdisjoint(one.released),
            intent=Intent(sent.at, {**one.kept.left, **sent.crm}) if sent else None,
            looked_at=record.fetched_at,
        )
        return plan_master(one.rules, master, self.work.context(), self.work.options.edit_timeout)

    def _seen_at(self, one: Edited, stamped_at: datetime | None) -> datetime | None:
        """The stamp, if the record was brought over as of it, or was read for that later."""
        for outcome in one.brought:
            done = stamped_at == outcome.at
            if done or is_settled(stamped_at, stamped_at, outcome.fetched_at, self.span.doubt):
                return stamped_at
        return None

    # -- doing

    def _send(self, one: Edited, decision: WriteBack, record: Record) -> str:
        before = {name: decision.expected.get(name) for name in decision.fields}
        sent = Sent(self.work.clock.now(), one.crm, decision.fields, before)
        self._put(replace(one.kept, sent=sent))
        edit = Edit(
            self._entity,
            one.link.source_key,
            decision.fields,
            decision.expected,
            record.fetched_at + self.span.doubt,
        )
        try:
            outcome = self._masters.edit(edit)
        except NotDoneError:
            self._put(one.kept)
            raise
        except RetryableError:
            self._put(replace(one.kept, sent=replace(sent, at=self.work.clock.now())))
            raise
        if isinstance(outcome, Accepted):
            self._keep(one, sent)
            return "back"
        if isinstance(outcome, Unsure):
            return self._hold(replace(one, kept=replace(one.kept, sent=sent)), outcome.error)
        assert isinstance(outcome, Refused), outcome
        return self._hold(one, _overtaken(outcome) if outcome.overtaken else outcome.error)

    def _settled(self, one: Edited, decision: Settled) -> tuple[Edited, str]:
        """What became of an edit whose answer was lost is known: told as far as it was done."""
        assert one.kept.sent is not None
        kept = replace(one.kept, left={**one.kept.left, **decision.left}, sent=None)
        done = settled_fields(one.rules, one.kept.left, decision.left, one.kept.sent.crm)
        fields = {name: value for name, value in one.kept.sent.fields.items() if name in done}
        with self.work.database.begin() as tx:
            master_edits.put(tx, self.work.pair(self.module), [kept])
            if fields:
                audit.append(tx, [self._updated(one, replace(one.kept.sent, fields=fields), LOST_ANSWER)])
        return replace(one, kept=kept), "back" if fields else ""

    # -- recording

    def _put(self, kept: Kept) -> None:
        with self.work.database.begin() as tx:
            master_edits.put(tx, self.work.pair(self.module), [kept])

    def _keep(self, one: Edited, sent: Sent | None = None) -> None:
        """Both sides are known from now on; ``sent``: what was written for it."""
        kept = Kept(one.link.source_key, {**one.kept.left, **one.crm})
        with self.work.database.begin() as tx:
            master_edits.put(tx, self.work.pair(self.module), [kept])
            rows = [self._updated(one, sent, "Changed in the CRM.")] if sent else []
            audit.append(tx, rows + self._release(tx, one))

    def _release(self, tx: Connection, one: Edited) -> list[AuditRow]:
        flow, key = self.work.flow, one.link.source_key
        closed = holds.close(tx, flow.company, flow.name, [(BACK, key)], self.work.clock.now())
        codes = {*OWN_RELEASED, CHANGED_SINCE_APPROVAL}
        verdicts.use_released(tx, self.work.pair(self.module), key, codes if one.released else ())
        reason = "Held as {}; it went through, or needs nothing any more."
        return [self._of_hold(one, hold, AuditAction.RELEASED, reason.format(hold.code)) for hold in closed]

    def _hold(self, one: Edited, error: RecordRejectedError) -> str:
        flow, key, now = self.work.flow, one.link.source_key, self.work.clock.now()
        detail = {"value": one.crm[error.field]} if error.field in one.crm else {}
        hold = Hold(
            flow.name, BACK, key, error.code, error.field, error.happened, error.remedy, error.answer, now,
            detail, self.run, heals=error.heals,
        )  # fmt: skip
        with self.work.database.begin() as tx:
            master_edits.put(tx, self.work.pair(self.module), [replace(one.kept, held=one.crm)])
            rows = [
                self._of_hold(one, held, AuditAction.HELD, f"{held.happened} {held.remedy}".strip())
                for held in holds.put(tx, flow.company, [] if self._is_known(one, error) else [hold])
            ]
            audit.append(tx, rows)
        return "held"

    def _is_known(self, one: Edited, error: RecordRejectedError) -> bool:
        """Whether it waits for this very reason already, at which every run looks: that was no attempt."""
        if one.hold is None or error.code not in _LOOKED_AT:
            return False
        return (one.hold.code, one.hold.happened) == (error.code, error.happened)

    def _row(self, one: Edited, action: AuditAction) -> AuditRow:
        flow = self.work.flow
        return AuditRow(
            company=flow.company,
            flow=flow.name,
            run=self.run,
            mapping=BACK,
            source_key=one.link.source_key,
            entity=self._entity,
            module=self.module,
            target_id=one.link.target_id,
            action=action,
            at=None,
            happened_at=self.work.clock.now(),
        )

    def _updated(self, one: Edited, sent: Sent, reason: str) -> AuditRow:
        before = {name: sent.before.get(name) for name in sent.fields}
        row = self._row(one, AuditAction.UPDATED)
        return replace(row, at=sent.at, before=before, after=sent.fields, reason=reason)

    def _of_hold(self, one: Edited, hold: Hold, action: AuditAction, reason: str) -> AuditRow:
        row = self._row(one, action)
        return replace(row, at=hold.opened_at, attempt=hold.attempts, reason=reason)


#: What a person may let through: the ERP takes what the CRM says.
OWN_RELEASED = frozenset({CHANGED_ON_BOTH_SIDES})


def _rejection(decision: HoldMaster) -> RecordRejectedError:
    return RecordRejectedError(decision.happened, decision.remedy, code=decision.code, field=decision.field)


def _overtaken(outcome: Refused) -> RecordRejectedError:
    """Somebody changed it in the ERP between our look and the edit: the next run brings that over first."""
    return RecordRejectedError(
        "It was changed in the ERP a moment before it was to be written.",
        OWN_CODES[MASTER_MOVED].remedy,
        code=MASTER_MOVED,
        answer=outcome.error.happened,
    )


def _gone(one: Edited) -> RecordRejectedError:
    return RecordRejectedError(
        f"The ERP has no {one.link.source_key} any more, so it cannot be told what the CRM says.",
        "Discard the hold; or restore the record in the ERP.",
        code=MASTER_MOVED,
    )
