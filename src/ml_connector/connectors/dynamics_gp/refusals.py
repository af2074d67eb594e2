"""What GP's reasons come to: one error with all of them, and whether it says that the number is taken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.connectors.dynamics_gp import errors, write_meanings
from ml_connector.connectors.dynamics_gp.reasons import Reason
from ml_connector.connectors.dynamics_gp.soap import FaultError
from ml_connector.connectors.dynamics_gp.write_meanings import SITUATIONS, TAKEN, Situation
from ml_connector.core.catalogue import Again
from ml_connector.core.errors import RecordRejectedError


@dataclass(frozen=True, slots=True)
class Verdict:
    """A refusal."""

    error: RecordRejectedError
    says_taken: bool  #: that the number exists
    may_be_taken: bool  #: one of the reasons is not recognised, or none could be read: look it up


def verdict(fault: FaultError, reasons: Sequence[Reason]) -> Verdict:
    """Why GP did not do it; no reasons: they could not be read."""
    if not reasons:
        answer = errors.redact(fault.answer)
        error = write_meanings.REASONS_HIDDEN.rejection(answer, said=errors.said(fault))
        return Verdict(error, says_taken=False, may_be_taken=True)
    return of_reasons(reasons, errors.redact(" ".join([fault.answer, *map(str, reasons)])))


def of_reasons(reasons: Sequence[Reason], answer: str) -> Verdict:
    """The same without a fault: ``answer`` is GP's own."""
    told = [recognise(reason) for reason in reasons]
    taken = TAKEN in told
    return Verdict(_combined(told, reasons, answer), taken, taken or None in told)


def _combined(
    told: Sequence[Situation | None], reasons: Sequence[Reason], answer: str
) -> RecordRejectedError:
    """All reasons in one error; that a number is taken comes first, because it says what to look at."""
    known = sorted({one: None for one in told if one is not None}, key=lambda one: one is not TAKEN)
    said = errors.redact(" ".join(map(str, reasons)))
    if not known:
        return write_meanings.REFUSED.rejection(answer, reasons=said)
    return RecordRejectedError(
        " ".join([*(one.lead for one in known), write_meanings.SAID.format(reasons=said)]),
        " ".join(one.meaning.remedy for one in known),
        code=known[0].meaning.code,
        answer=answer,
        heals=None not in told and all(one.meaning.again is Again.LATER for one in known),
    )


def recognise(reason: Reason) -> Situation | None:
    """The situation that a reason tells of; None: it is in GP's own words alone."""
    members = {_plain(name) for name in reason.members}
    every = (TAKEN, *SITUATIONS)
    named = [one for one in every if members & one.members]
    for situation in named:
        if situation.words is None or situation.words.search(reason.message):
            return situation
    if members and named:
        return None
    alone = (one for one in every if one.alone is not None and one.alone.search(reason.message))
    return next(alone, None)


def _plain(member: str) -> str:
    """A member as the tables have it: "CustomerKey.Id" is customer, "Key" is nothing at all."""
    return member.partition(".")[0].partition("/")[0].lower().removesuffix("key")
