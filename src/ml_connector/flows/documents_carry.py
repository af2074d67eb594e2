"""One record carried through: look, decide, commit what is about to be sent, send, read back, until nothing is left.

Whatever is sent was committed before as an intent, with all that was learned until then; it is closed by a sure answer
that was recorded, or by what is found in the ERP later. So whoever dies anywhere, or hears no answer, looks first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import CUSTOMER_MISSING, DOCUMENT_RESTLESS, OWN_CODES, TOTALS_DIFFER, Again
from ml_connector.core.document_decisions import (
    Adopt,
    Create,
    Decision,
    Forget,
    Hold,
    How,
    Intent,
    Linked,
    Situation,
    Skip,
    Update,
    Wait,
)
from ml_connector.core.document_mapping import Wanted
from ml_connector.core.document_plan import check_total, linked_after, plan_document
from ml_connector.core.document_status import Chain
from ml_connector.core.document_values import MEANING, changed, wants_of
from ml_connector.core.errors import ConfigurationError, NotDoneError, RecordRejectedError, RetryableError
from ml_connector.core.ports import Refused
from ml_connector.core.record import Fields, digest, fold_key
from ml_connector.core.sales import Standing
from ml_connector.core.sales_ports import Accepted, Outcome, Taken, Unsure
from ml_connector.core.won_deals import WonDeal, plan_won_deal
from ml_connector.flows.document_work import Case, DocumentWork
from ml_connector.flows.documents_look import came_of_gone, chain_of, look, related, taken
from ml_connector.store import documents
from ml_connector.store.documents import Became

#: So often it is looked and decided at the most; what still moves then waits.
_ROUNDS = 6
_LOST = "Found after an interruption: our own, whose answer was lost."
_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the record's document."""

    action: AuditAction
    before: Mapping[str, object]
    after: Mapping[str, object]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a case."""

    case: Case
    became: Became
    count: str  #: created, updated, matched, unchanged, skipped, waiting, held
    error: RecordRejectedError | None = None  #: why it waits for a person
    reason: str = ""  #: why nothing was sent
    events: tuple[Event, ...] = ()
    chain: Chain | None = None  #: the document as it was read last
    looked_at: datetime | None = None  #: when that reading began
    is_unasked: bool = False  #: nothing differs from what is kept, and the ERP was not asked


def carry(work: DocumentWork, case: Case) -> Done:
    """Do what is to be done for the record. What was sent is kept; what came of it is for the caller to record.

    RetryableError, ConfigurationError: it comes again, and goes on from what the store knows.
    """
    return _Carrying(work, case, case.became).run()


def what_is_wanted(wanted: Wanted | None) -> str:
    """A digest of everything that a record wants."""
    if wanted is None:
        return _ABSENT
    beside = {"stage": wanted.stage, "deal": wanted.deal, "quote": wanted.quote, "total": wanted.total}
    return digest({**wants_of(wanted), **{f"({name})": value for name, value in beside.items()}})


@dataclass(slots=True)
class _Carrying:
    work: DocumentWork
    case: Case
    became: Became
    events: list[Event] = field(default_factory=list)
    standing: Standing | None = None
    looked_at: datetime | None = None
    _trouble: RecordRejectedError | None = None  #: why it was looked once more

    def run(self) -> Done:
        if self.case.fault is not None:
            return self._held(self.case.fault)
        if done := self._without_looking():
            return done
        try:
            return self._in_rounds()
        except RecordRejectedError as error:  # it cannot be shown, or has no number
            return self._held(error)

    def _in_rounds(self) -> Done:
        for _ in range(_ROUNDS):
            if done := self._act(self._decide(self._look())):
                return done
        return self._held(self._trouble or _restless())

    # -- what needs no call

    def _without_looking(self) -> Done | None:
        """What is the same as when it was settled last, and what does not go to the ERP (yet)."""
        became, wanted = self.became, self.case.wanted
        is_open = became.intent or became.next_at or became.is_total_open or self.case.codes
        if became.wanted == what_is_wanted(wanted) and not is_open:
            return Done(self.case, became, "unchanged" if became.linked else "skipped", is_unasked=True)
        if self.case.is_older(self.work.since):
            return self._act(Skip("It was made before documents of its kind were to go to the ERP."))
        if (early := self._of_won_deal()) is not None:
            return self._act(early)
        if became.linked or became.intent or (wanted and self._is_cancelled(wanted)):
            return None
        decision = plan_document(self._situation((), self.work.clock.now()), self.work.flow.rules)
        return self._act(decision) if isinstance(decision, Skip) else None

    def _is_cancelled(self, wanted: Wanted) -> bool:
        return wanted.stage.strip().casefold() in self.work.flow.rules.cancelled

    def _of_won_deal(self) -> Skip | Wait | None:
        settle, became = self.work.flow.settle, self.became
        if settle is None or self.case.wanted is None:
            return None
        is_begun = became.linked is not None or became.intent is not None
        is_won = self.case.wanted.stage.strip().casefold() in self.work.flow.rules.stages
        deal, now = WonDeal(is_won, became.won_at, self.case.sales_orders, is_begun), self.work.clock.now()
        decision = plan_won_deal(deal, now, settle)
        if decision is not None or is_begun:
            return decision
        orders = tuple(self.work.orders_of(self.case.key))  # those, too, that no flow of ours has seen
        return plan_won_deal(replace(deal, sales_orders=orders), now, settle)

    # -- looking and deciding

    def _look(self) -> list[Standing]:
        self.looked_at = self.work.clock.now()
        wanted = self.case.wanted
        found = look(self.work, self.became, wanted.document.customer if wanted else "")
        self.standing = found[0] if len(found) == 1 else None
        return found

    def _decide(self, found: list[Standing]) -> Decision:
        assert self.looked_at is not None
        rules = self.work.flow.rules
        situation = self._situation(found, self.looked_at)
        if self.became.linked and not found:
            situation = replace(situation, came=came_of_gone(self.work, self.became))
        decision = plan_document(situation, rules)
        if not isinstance(decision, Create) or not (self.became.deal or self.became.quote):
            return decision
        there, unsettled = related(self.work, self.became)
        if unsettled:
            until = self.work.clock.now() + rules.operation_timeout
            return Wait(until, "Its deal or quote is on its way into the ERP.")
        return plan_document(
            replace(situation, related=there, taken=taken(self.work, self.became, there)), rules
        )

    def _situation(self, found: Sequence[Standing], looked_at: datetime) -> Situation:
        became, case = self.became, self.case
        return Situation(
            case.key,
            case.wanted,
            became.linked,
            found,
            looked_at,
            became.intent,
            answer=case.answer,
            is_total_open=became.is_total_open,
            is_released=bool(case.released & case.codes),
        )

    def _act(self, decision: Decision) -> Done | None:
        """Do it; None: look again."""
        match decision:
            case Adopt():
                self._adopt(decision.linked)
            case Forget():
                self.became = replace(self.became, linked=None)
            case Skip():
                return self._skipped(decision)
            case Wait():
                self.became = replace(self.became, next_at=decision.until, wanted="")
                return self._end("waiting", reason=decision.reason)
            case Hold():
                return self._held(_error_of(decision))
            case Create() if fault := self._without_customer():
                return self._held(fault)
            case Create() | Update():
                return self._send(decision)
        return None

    def _without_customer(self) -> RecordRejectedError | None:
        """Why there is no customer for it; one that is to be made is made now, and no sooner."""
        maker, wanted, account = self.work.customers, self.case.wanted, self.case.account
        if maker is None or wanted is None or not account or self.became.company != maker.company:
            return None
        told = maker.customer_of([account])[account]
        if isinstance(told, RecordRejectedError):
            return told
        return None if fold_key(told) == fold_key(wanted.document.customer) else _another_customer(told)

    def _adopt(self, linked: Linked) -> None:
        before, intent = self.became.linked, self.became.intent
        if before is None:
            is_ours = intent is not None and linked.how is How.MADE
            action = AuditAction.CREATED if is_ours else AuditAction.MATCHED
            after = _told(intent.sent) if is_ours and intent else {}
            self.events.append(Event(action, {}, after, _LOST if is_ours else "Found under our number."))
            self.became = replace(self.became, is_total_open=is_ours)
        elif paths := changed(
            before.left.sent if before.left else {}, linked.left.sent if linked.left else {}
        ):
            was, now = (one.left.sent if one.left else {} for one in (before, linked))
            stood = {path: was.get(path) for path in sorted(paths)}
            self.events.append(
                Event(AuditAction.UPDATED, stood, {path: now.get(path) for path in stood}, _LOST)
            )
        self.became = replace(self.became, linked=linked, intent=None)

    def _skipped(self, decision: Skip) -> Done:
        linked = self.became.linked
        if linked is None:
            self.became = replace(self.became, intent=None)
            return self._end("skipped", reason=decision.reason)
        if decision.left is not None:
            linked = replace(linked, left=decision.left)
        self.became = replace(self.became, linked=linked, is_total_open=False)
        return self._end("matched" if self.events else "unchanged", reason=decision.reason)

    # -- sending

    def _send(self, decision: Create | Update) -> Done | None:
        """Send it once; None: look again."""
        assert self.case.wanted is not None
        before, sent_by = self.became.intent, self.work.clock.now() + self.work.send_within
        self._intend(Intent(sent_by, wants_of(self.case.wanted)))
        try:
            outcome = self._call(decision)
        except (NotDoneError, ConfigurationError):
            self._intend(before)
            raise
        except RetryableError:
            self._intend(Intent(min(sent_by, self.work.clock.now()), wants_of(self.case.wanted)))
            raise
        return self._answered(decision, outcome, before)

    def _intend(self, intent: Intent | None) -> None:
        """Commit it with all that was learned; until more is recorded the next run looks at it."""
        next_at = self.became.next_at or self.work.clock.now()
        self.became = replace(self.became, intent=intent, wanted="", next_at=next_at)
        deal = (
            self.case.before.deal or self.became.deal
        )  # that it is another's is recorded with what that one is told
        with self.work.database.begin() as tx:
            documents.put(tx, replace(self.became, deal=deal))

    def _call(self, decision: Create | Update) -> Outcome:
        erp = self.work.erp_of(self.became.company)
        if isinstance(decision, Create):
            return erp.create(decision.document)
        return erp.update(decision.before, decision.document)

    def _answered(self, decision: Create | Update, outcome: Outcome, before: Intent | None) -> Done | None:
        match outcome:
            case Accepted():
                return self._read_back(decision)
            case Taken():  # an earlier attempt of ours, or another's: the look tells
                self._trouble = outcome.error
                return None
            case Unsure():
                return self._held(outcome.error)
            case Refused():
                self.became = replace(self.became, intent=before)
                self._trouble = outcome.error
                return None if outcome.gone or outcome.overtaken else self._held(outcome.error)

    def _read_back(self, decision: Create | Update) -> Done | None:
        """What stands there now is what we left; a number that the ERP gave is known from here on."""
        wanted, found = self.case.wanted, self._look()
        assert wanted is not None
        if len(found) != 1:  # the intent stays: what is found later is ours
            if found or self.work.flow.is_own or self.became.linked:
                return None
            until = self.work.clock.now() + self.work.flow.rules.operation_timeout
            return self._act(Wait(until, "The ERP took it and does not show it yet."))
        (standing,) = found
        linked = linked_after(self.became.linked, wanted, standing)
        hold = check_total(wanted, standing, self.work.flow.rules.total_tolerance)
        self.became = replace(self.became, linked=linked, intent=None, is_total_open=hold is not None)
        self.events.append(_event(decision, wanted))
        if hold is not None and TOTALS_DIFFER not in self.case.released:
            return self._held(_error_of(hold))
        self.became = replace(self.became, is_total_open=False)
        return self._end("created" if isinstance(decision, Create) else "updated")

    # -- the end

    def _held(self, error: RecordRejectedError) -> Done:
        intent, timeout = self.became.intent, self.work.flow.rules.operation_timeout
        next_at = intent.at + timeout if intent else None  # what became of it is known by then
        self.became = replace(self.became, wanted="", next_at=next_at)
        return self._end("held", error)

    def _end(self, count: str, error: RecordRejectedError | None = None, reason: str = "") -> Done:
        became = self.became
        if count not in ("held", "waiting"):
            became = replace(became, wanted=what_is_wanted(self.case.wanted), next_at=None)
        chain, looked_at = self._chain(), self.looked_at
        return Done(self.case, became, count, error, reason, tuple(self.events), chain, looked_at)

    def _chain(self) -> Chain | None:
        """None: it has no document, or an invoice cannot be shown; what follows the documents says so, and tells it."""
        if self.standing is None or self.became.linked is None:
            return None
        try:
            return chain_of(self.work.erp_of(self.became.company), self.standing)
        except RecordRejectedError:
            return None


def _event(decision: Create | Update, wanted: Wanted) -> Event:
    if isinstance(decision, Create):
        return Event(AuditAction.CREATED, {}, _told(wants_of(wanted)))
    stands = {one.path: one.stands for one in decision.differences}
    return Event(AuditAction.UPDATED, stands, {one.path: one.wanted for one in decision.differences})


def _told(wants: Fields) -> dict[str, object]:
    return {path: value for path, value in wants.items() if path != MEANING}


def _error_of(hold: Hold) -> RecordRejectedError:
    watched = hold.code in OWN_CODES and OWN_CODES[hold.code].again is Again.WATCHED
    return RecordRejectedError(hold.happened, hold.remedy, code=hold.code, heals=watched)


def _another_customer(key: str) -> RecordRejectedError:
    """A run linked its Account while this was planned."""
    happened = f"Its Account became the customer {key} a moment ago."
    return RecordRejectedError(happened, "Nothing: it goes on by itself.", code=CUSTOMER_MISSING, heals=True)


def _restless() -> RecordRejectedError:
    own = OWN_CODES[DOCUMENT_RESTLESS]
    return RecordRejectedError(own.meaning, own.remedy, code=DOCUMENT_RESTLESS, heals=True)
