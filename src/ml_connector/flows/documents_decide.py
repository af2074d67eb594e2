"""What a person decides about records that wait on their way into the ERP: let through, answered, discarded.

Each decision is one transaction with its audit rows. It asks for the record, so that the next run looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import ALREADY_ORDERED, OWN_CODES
from ml_connector.core.document_decisions import Answer, Choice
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.match import Verdict
from ml_connector.flows.decide import Decider
from ml_connector.flows.document_work import LOCK, DocumentWork
from ml_connector.store import asked, audit, holds, verdicts
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold


def release(work: DocumentWork, key: str, by: Decider, answer: Answer | None = None) -> list[Hold]:
    """Let the record through although it waits for a reason that a person may set aside; which holds those were.

    ``answer``: of which document of the ERP it is the record, where its deal or quote has one; left out: it gets one
    of its own. ConfigurationError: nobody can let it through.
    """
    with _alone(work) as tx:
        opened = _opened(tx, work, key)
        codes = {ALREADY_ORDERED} if answer else {code for code, own in OWN_CODES.items() if own.releasable}
        free = [hold for hold in opened if hold.code in codes]
        if not free:
            first = opened[0]
            what = "answered like this" if answer else "released"
            raise ConfigurationError(
                f"{key} waits as {first.code}, which cannot be {what}: {first.happened}", first.remedy
            )
        verdict, now = _verdict(free, answer), work.clock.now()
        verdicts.put(tx, work.pair, key, "", verdict, reason=by.reason, actor=by.actor, at=now)
        audit.append(tx, [_row(work, hold, AuditAction.LET_THROUGH, by, answer) for hold in free])
        asked.put(tx, work.flow.company, work.flow.module, [key], "released")
    return free


def discard(work: DocumentWork, key: str, by: Decider) -> list[Hold]:
    """Close its holds without writing anything; it is looked at again when somebody changes it in the CRM."""
    with _alone(work) as tx:
        opened = _opened(tx, work, key)
        holds.discard(tx, work.flow.company, work.flow.name, [key], work.clock.now())
        asked.remove(tx, work.flow.company, work.flow.module, [key])
        audit.append(tx, [_row(work, hold, AuditAction.DISCARDED, by) for hold in opened])
    return opened


def _verdict(free: Sequence[Hold], answer: Answer | None) -> Verdict:
    if answer is None or answer.choice is Choice.ADD:
        return Verdict(released=frozenset(hold.code for hold in free))
    return Verdict(answer.number, answer.number if answer.choice is Choice.REPLACE else "")


@contextmanager
def _alone(work: DocumentWork) -> Iterator[Connection]:
    """A transaction while no run makes documents: what that had planned would be done against the person."""
    with work.locked([LOCK]), work.database.begin() as tx:
        yield tx


def _opened(tx: Connection, work: DocumentWork, key: str) -> list[Hold]:
    opened = holds.find(tx, work.flow.company, flow=work.flow.name, keys=[key])
    if not opened:
        raise ConfigurationError(
            f"No record {key} of the flow {work.flow.name} waits.",
            "ml-connector held list names those that do.",
        )
    return opened


def _row(
    work: DocumentWork, hold: Hold, action: AuditAction, by: Decider, answer: Answer | None = None
) -> AuditRow:
    flow = work.flow
    chosen = f", {answer.choice} {answer.number}" if answer else ""
    return AuditRow(
        company=flow.company,
        flow=flow.name,
        run="",
        mapping=hold.mapping,
        source_key=hold.source_key,
        entity=flow.entity,
        module=flow.module,
        target_id=answer.number if answer else "",
        action=action,
        at=None,
        happened_at=work.clock.now(),
        reason=f"Held as {hold.code}{chosen}: {by.reason}",
        attempt=hold.attempts,
        actor=by.actor,
    )
