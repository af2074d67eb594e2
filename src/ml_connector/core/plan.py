"""The decision about one target record, made before anything is sent."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from ml_connector.core.catalogue import AMBIGUOUS, AMBIGUOUS_KEY, OWN_CODES, SIMILAR
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping import Part, Reference
from ml_connector.core.match import Found, Linked, Match, Nothing, Unclear
from ml_connector.core.record import Fields, Ident, Reading, Value, fold_key

#: Why there is nothing to be made, nor anything to be recognised.
NOTHING_THERE = ("nobody", "empty")

_UNKNOWN = object()  #: what stands in a field that could not be read


class Action(StrEnum):
    """What will be done to the target."""

    CREATE = "create"
    UPDATE = "update"
    SKIP = "skip"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Desired:
    """What the source wants of one target record: the parts of all mappings that reach it."""

    key: str  #: the source's key
    key_field: str
    key_value: str
    name: str  #: as the source writes it
    at: datetime | None  #: the change's instant
    fetched_at: datetime
    parts: tuple[Part, ...]
    part: str = ""  #: which of the source record's several target records of the module this is
    of_parts: int = (
        1  #: how many these are: the record is dealt with once so many of one reading are recorded
    )
    #: Why nothing is made for it: "filtered", "nobody" (no person), "empty" (no lines); a linked one is still written.
    left_alone: str = ""
    final: bool = False  #: the source says that this record never changes again
    former: bool = False  #: a person whom the source record no longer names
    vanished: bool = False  #: the source has it no more: only the mark is written
    facet_only: bool = False  #: only a facet moved; the record's own instant stays as it was
    skew: timedelta = timedelta(0)  #: by how much the clocks differed when it was read
    seen: tuple[tuple[str, str], ...] = ()  #: (facet, digest) that the mappings follow with this
    readings: tuple[Reading, ...] = ()  #: facets that were read with the record itself
    awaits: tuple[Reference, ...] = ()  #: what the record, with all its parts, waits for

    @property
    def ident(self) -> Ident:
        """What names it in the store."""
        return fold_key(self.key), self.part

    def text(self, name: str) -> str:
        """What is to be written into a target field, as text."""
        return next((str(part.fields[name] or "") for part in self.parts if name in part.fields), "")

    @property
    def as_of(self) -> datetime:
        """What the as-of fields say: when the reading that changed them began, to the second."""
        return self.fetched_at.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision. ``fields`` is exactly what will be sent."""

    action: Action
    desired: Desired
    target_id: str | None = None
    by: str = ""  #: how the target record was recognised: "link", "key", "name", ...; or why it is left alone
    score: float = 0.0  #: of a similar name
    fields: Fields = field(default_factory=dict)
    before: Mapping[str, object] = field(
        default_factory=dict
    )  #: what stood in ``fields``' places, as far as known
    hold: RecordRejectedError | None = None  #: why, for HOLD
    candidates: tuple[str, ...] = ()
    withheld: frozenset[str] = frozenset()  #: fields left to a higher-ranked mapping
    stamp: datetime | None = None  #: the last change of the target's record that was known then
    lets_be: bool = False  #: somebody else's value stands in a field of ours, and is not written over by this

    @property
    def trigger(self) -> tuple[str, ...]:
        """The automations that the mappings of these fields let this write start."""
        mappings = [
            p.mapping for p in self.desired.parts if p.mapping.trigger and p.fields.keys() & self.fields
        ]
        return tuple(sorted({word for mapping in mappings for word in mapping.trigger}))

    def held(self, error: RecordRejectedError) -> Plan:
        """The same, but nothing is written, and why."""
        candidates = (self.target_id,) if self.target_id else self.candidates
        return Plan(
            Action.HOLD, self.desired, hold=error, candidates=candidates, before=self.before, score=self.score
        )


def plan_write(
    desired: Desired,
    match: Match,
    left: Mapping[str, Fields],
    current: Mapping[str, object] | None,
    withheld: frozenset[str] = frozenset(),
) -> Plan:
    """Decide for one target record.

    ``left``: mapping name -> the fields that we last left there; ``current``: what stands there now, read because a
    person changed it or because it is matched for the first time (None: not read); ``withheld``: fields that belong
    to a higher-ranked mapping while its link is on this record.
    """
    faulty = next((part.fault for part in desired.parts if part.fault and part.mapping.creates), None)
    if desired.facet_only and not isinstance(match, Linked):
        return Plan(Action.SKIP, desired)  # it comes with the record, once that has its place
    if desired.left_alone and not isinstance(match, Linked | Found):
        return Plan(Action.SKIP, desired, by=desired.left_alone)
    if faulty and not isinstance(match, Linked):
        return Plan(Action.HOLD, desired, hold=faulty)
    if isinstance(match, Unclear):
        return Plan(
            Action.HOLD,
            desired,
            hold=_unclear(match, desired.key),
            candidates=match.candidates,
            score=match.score,
        )
    if isinstance(match, Nothing):
        return _plan_create(desired)
    if isinstance(match, Found) and (contradiction := _contradiction(desired, match, current)):
        return Plan(Action.HOLD, desired, hold=contradiction, candidates=(match.target_id,))
    fields = _changed(desired, match, left, current, withheld)
    before = _before(fields, desired, left, current)
    action = Action.UPDATE if fields else Action.SKIP
    plan = Plan(action, desired, match.target_id, "link", fields=fields, before=before, withheld=withheld)
    return plan if isinstance(match, Linked) else replace(plan, by=match.by, score=match.score)


def _unclear(match: Unclear, key: str) -> RecordRejectedError:
    several = match.code in (AMBIGUOUS, AMBIGUOUS_KEY, SIMILAR)
    reason = f"it cannot be told which record of the CRM this is: {match.reason}" if several else match.reason
    remedy = OWN_CODES[match.code].remedy
    if match.former:  # the command as it is to be typed
        remedy = remedy.replace("OLD NEW", shlex.join([match.former, key]))
    return RecordRejectedError(f"{reason[0].upper()}{reason[1:]}.", remedy, code=match.code)


def _contradiction(
    desired: Desired, match: Found, current: Mapping[str, object] | None
) -> RecordRejectedError | None:
    """What stands in the target may have changed since it was recognised: another key on it is never overwritten."""
    if current is None:
        return None
    there = str(current.get(desired.key_field) or "")
    if fold_key(there) in (fold_key(desired.key_value), fold_key(match.replaces) or None):
        return None
    if not there and match.by not in ("key", "created"):
        return None
    carries = f"carries the key {there}" if there else "no longer carries its key"
    return RecordRejectedError(
        f"The record {match.target_id} of the CRM was recognised by its {match.by}, but {carries}.",
        OWN_CODES[AMBIGUOUS_KEY].remedy,
        code=AMBIGUOUS_KEY,
        field=desired.key_field,
    )


def _plan_create(desired: Desired) -> Plan:
    if not any(part.mapping.creates for part in desired.parts):
        return Plan(Action.SKIP, desired)  # its parent mapping holds or was filtered; it comes with it
    fields: dict[str, Value] = {desired.key_field: desired.key_value}
    for part in desired.parts:
        fields |= {name: value for name, value in part.fields.items() if value is not None}
        if part.mapping.as_of and not part.fault:
            fields[part.mapping.as_of] = desired.as_of
    return Plan(Action.CREATE, desired, fields=fields)


def _changed(
    desired: Desired,
    match: Linked | Found,
    left: Mapping[str, Fields],
    current: Mapping[str, object] | None,
    withheld: frozenset[str],
) -> Fields:
    """Only what differs from what we last left, or, where we left nothing yet, from what stands there."""
    changed: dict[str, Value] = {}
    there = str((current or {}).get(desired.key_field) or "")
    # What was linked without having been written by a mapping yet, as a customer made of it, gets its key, too.
    is_unmarked = (
        isinstance(match, Linked) and not left and current is not None and not there and desired.key_value
    )
    if is_unmarked or (isinstance(match, Found) and fold_key(there) != fold_key(desired.key_value)):
        changed[desired.key_field] = desired.key_value
    for part in desired.parts:
        # What was left before another link is no base: the record found now may say anything.
        base = left.get(part.mapping.name) if isinstance(match, Linked) else None
        ours = {n: v for n, v in part.fields.items() if n not in withheld and _differs(n, v, base, current)}
        for name in ours.keys() & part.mapping.once:
            if base is not None or current is None or current.get(name, _UNKNOWN) not in (None, ""):
                del ours[name]
        changed |= ours
        if base is not None and desired.key_value and desired.key_field in base:
            changed[desired.key_field] = desired.key_value  # noted: a person put something else there
        if ours and part.mapping.as_of:
            changed[part.mapping.as_of] = desired.as_of
    return changed


def _differs(name: str, value: Value, base: Fields | None, current: Mapping[str, object] | None) -> bool:
    if base is not None:
        return name not in base or base[name] != value
    return current is None or not same_value(value, current.get(name))


def _before(
    fields: Fields, desired: Desired, left: Mapping[str, Fields], current: Mapping[str, object] | None
) -> Mapping[str, object]:
    if current is not None:
        return {name: current.get(name) for name in fields}
    known = {name: value for part in desired.parts for name, value in left.get(part.mapping.name, {}).items()}
    return {name: known[name] for name in fields if name in known}


def same_value(ours: Value, theirs: object) -> bool:
    """Whether the target's own statement of a field says what we would write there."""
    if ours is None or theirs is None or theirs == "":
        return (ours is None or ours == "") and (theirs is None or theirs == "")
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, datetime):
        return isinstance(theirs, str) and _instant(theirs) == ours.replace(microsecond=0)
    if isinstance(ours, date):
        return str(theirs) == ours.isoformat()
    if isinstance(ours, Decimal | int):
        return _number(theirs) == ours
    return str(theirs) == ours


def _number(text: object) -> Decimal | None:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def decisions_hash(decisions: Iterable[tuple[str, ...]]) -> str:
    """The hash that an approval names: over (flow, module, key, outcome, target id), in any order."""
    lines = sorted("\t".join(row) for row in decisions)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def pack(plans: Sequence[Plan], size: int = 100) -> list[list[Plan]]:
    """Plans of one kind in calls of up to ``size`` records, with one set of automations each.

    No two of a call share a target key or a target id.
    """
    batches: list[list[Plan]] = []
    taken: list[set[str]] = []
    triggers: list[tuple[str, ...]] = []
    for plan in plans:
        mark, trigger = plan.target_id or fold_key(plan.desired.key_value), plan.trigger
        fits = (
            i
            for i, marks in enumerate(taken)
            if len(batches[i]) < size and mark not in marks and triggers[i] == trigger
        )
        spot = next(fits, None)
        if spot is None:
            batches.append([])
            taken.append(set())
            triggers.append(trigger)
            spot = -1
        batches[spot].append(plan)
        taken[spot].add(mark)
    return batches
