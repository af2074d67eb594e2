"""What became of one record in one module: its plan, and the target's answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping import Part
from ml_connector.core.plan import Action, Plan
from ml_connector.core.ports import Refused, WriteResult, Written
from ml_connector.flows.planning import gone

#: How a record is recognised for the first time.
JOINED = ("key", "email", "name", "similar", "review")


@dataclass(frozen=True, slots=True)
class Done:
    """A plan, and the target's answer where one was asked for."""

    plan: Plan
    result: WriteResult | None = None
    sent: bool = False  #: the target has answered: whatever was intended is decided

    @property
    def error(self) -> RecordRejectedError | None:
        """Why it waits; None: it went through."""
        if self.result is None:
            return self.plan.hold
        desired = self.plan.desired
        if isinstance(self.result, Written) or (self.is_gone and (desired.former or desired.vanished)):
            return None  # what left and is not there any more needs no mark
        return gone(self.plan.target_id or "") if self.is_gone else self.result.error

    @property
    def is_gone(self) -> bool:
        """Whether the target says that it has no such record (any more)."""
        return isinstance(self.result, Refused) and self.result.gone

    @property
    def target_id(self) -> str:
        """The record in the target, as far as there is one."""
        return self.result.target_id if isinstance(self.result, Written) else self.plan.target_id or ""

    @property
    def count(self) -> str:
        """The word under which a run counts it."""
        if self.error:
            return "held"
        if self.plan.desired.vanished:
            return "marked"
        if self.plan.desired.left_alone and not self.target_id:
            return self.plan.desired.left_alone
        if self.plan.action is Action.CREATE or self.plan.by == "created":
            return "created"
        if self.plan.by in JOINED:
            return "matched"
        return "updated" if self.plan.action is Action.UPDATE else "unchanged"


def fault_of(d: Done, part: Part) -> RecordRejectedError | None:
    """Why this mapping's part waits: the record's own reason, or the part's; what is not wanted waits for nothing."""
    left_alone = d.plan.desired.left_alone and not d.target_id
    return d.error or (None if left_alone else part.fault)
