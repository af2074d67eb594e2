"""What the audit trail says of a batch: a row for each thing that happened to a record under a mapping. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ml_connector.core.audit import AuditAction
from ml_connector.core.mapping import Part
from ml_connector.flows.arrivals import Missing
from ml_connector.flows.done import JOINED, Done, fault_of
from ml_connector.flows.work import Work
from ml_connector.store.audit import AuditRow
from ml_connector.store.holds import Hold

#: What stands in the audit trail of a record that a run counts under this word.
ACTIONS = {
    "created": AuditAction.CREATED,
    "matched": AuditAction.MATCHED,
    "updated": AuditAction.UPDATED,
    "held": AuditAction.HELD,
}


@dataclass(frozen=True)
class Teller:
    """Makes the audit rows of one batch."""

    work: Work
    run: str
    module: str
    now: datetime
    held: Mapping[tuple[str, str, str], Hold]  #: (mapping, key, part) -> the hold as it stands now

    @cached_property
    def _common(self) -> dict[str, Any]:
        """What every row of the batch has in common."""
        flow = self.work.flow
        whose = {"company": flow.company, "flow": flow.name, "entity": flow.entity.name}
        return whose | {"run": self.run, "module": self.module, "happened_at": self.now}

    def of(self, d: Done) -> Iterator[AuditRow]:
        """The rows of one record: one for each mapping to which something happened."""
        for part in d.plan.desired.parts:
            counted = "updated" if d.count == "marked" else d.count
            error, action = fault_of(d, part), ACTIONS.get(counted)
            if error is not None:
                yield self.waits(
                    self.held[part.mapping.name, d.plan.desired.key, d.plan.desired.part], d.target_id
                )
            elif action is AuditAction.UPDATED and (d.is_gone or not _of_part(d, part, d.plan.fields)):
                continue  # there is nothing to update any more, or the update was another mapping's
            elif action is not None:
                yield self._of_part(d, part, action, _reason(d))

    def waits(self, hold: Hold, target_id: str = "") -> AuditRow:
        """That a record waits: one row for each attempt."""
        reason = f"{hold.happened} {hold.remedy}".strip()
        return self._of_hold(hold, AuditAction.HELD, reason, target_id)

    def released(self, hold: Hold) -> AuditRow:
        """That a record no longer waits."""
        return self._of_hold(hold, AuditAction.RELEASED, f"Held as {hold.code}; it went through.")

    def vanished(self, missing: Missing) -> AuditRow:
        """That the source no longer has a record."""
        return AuditRow(
            **self._common,
            mapping=self.work.flow.first_meaning,
            source_key=missing.key,
            target_id="",
            action=AuditAction.VANISHED,
            at=missing.at,
            reason="The source no longer has it.",
        )

    def _of_hold(self, hold: Hold, action: AuditAction, reason: str, target_id: str = "") -> AuditRow:
        return AuditRow(
            **self._common,
            mapping=hold.mapping,
            source_key=hold.source_key,
            target_id=target_id,
            action=action,
            at=hold.opened_at,
            attempt=hold.attempts,
            reason=reason,
        )

    def _of_part(self, d: Done, part: Part, action: AuditAction, reason: str) -> AuditRow:
        desired = d.plan.desired
        return AuditRow(
            **self._common,
            mapping=part.mapping.name,
            source_key=desired.key,
            part=desired.part,
            target_id=d.target_id,
            action=action,
            at=desired.at or desired.fetched_at,
            before=_of_part(d, part, d.plan.before),
            after=_of_part(d, part, _left(d)),
            reason=reason,
        )


def _left(d: Done) -> Mapping[str, object]:
    """What stands in the target by this: of a create that was found again, everything it wrote."""
    if d.plan.by != "created":
        return d.plan.fields
    parts = {name: v for part in d.plan.desired.parts for name, v in part.fields.items() if v is not None}
    return {d.plan.desired.key_field: d.plan.desired.key_value} | parts | dict(d.plan.fields)


def _reason(d: Done) -> str:
    if d.plan.desired.former:
        return "The ERP names another person now."
    if d.plan.desired.vanished:
        return "The ERP has it no more."
    if d.plan.by == "created":
        return "Found after an interruption: our own create, whose answer was lost."
    score = f", {d.plan.score:g} of 100" if d.plan.score else ""
    return f"Recognised by {d.plan.by}{score}." if d.plan.by in JOINED else ""


def _of_part(d: Done, part: Part, values: Mapping[str, object]) -> dict[str, object]:
    names = {*part.fields, part.mapping.as_of}
    if part.mapping.creates:
        names.add(d.plan.desired.key_field)
    return {name: value for name, value in values.items() if name in names}
