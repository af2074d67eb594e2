"""Which values of a customer or vendor go from the CRM back into the ERP: those that the CRM owns, three-way. Pure.

A value goes only where the CRM changed it since both sides were last known, and the ERP did not. What stood on both
sides when that began stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from ml_connector.core.catalogue import CHANGED_ON_BOTH_SIDES, MASTER_MOVED, OWN_CODES
from ml_connector.core.document_decisions import Intent, Wait
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.mapping import FieldRule, Mapping
from ml_connector.core.record import Fields, Value
from ml_connector.core.reverse import REVERSES, sent, written_fields
from ml_connector.core.transform import TRANSFORMS, MapContext


@dataclass(frozen=True, slots=True)
class Master:
    """A record as it is on both sides now."""

    crm: Fields  #: by the CRM's field names
    erp: Fields  #: by the ERP's
    left: (
        Fields | None
    )  #: what the CRM had when both sides were last known, of the fields that it owns; None: never
    seen_at: datetime | None = None  #: the ERP's stamp as of the reading that was last brought over
    stamped_at: datetime | None = None  #: the ERP's stamp now
    is_released: bool = False  #: a person said that the CRM's value counts
    intent: Intent | None = None  #: an edit whose end is not known; what the CRM had then
    looked_at: datetime | None = None  #: when the reading of the ERP began


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Write these into the ERP."""

    fields: Fields  #: by the ERP's names
    expected: Fields  #: what stands there, of these and of what tells how to read them
    left: Fields  #: is kept once it is done


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is to be written."""

    left: Fields  #: is kept, where it is not so already


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an edit whose answer was lost is known: this is kept, the intent closed, and planned anew."""

    left: Fields


@dataclass(frozen=True, slots=True)
class HoldMaster:
    """A person has to decide, or the next reading."""

    code: str
    happened: str
    remedy: str
    field: str = ""


class _Side(Enum):
    SETTLED = "settled"  #: nothing to write: unchanged in the CRM, or the same on both sides
    WRITTEN = "written"
    BOTH = "both"  #: changed on both sides


@dataclass(frozen=True, slots=True)
class _Judged:
    rule: FieldRule
    side: _Side
    values: Fields = field(default_factory=dict)  #: what is to stand in the ERP


def owned(mappings: Iterable[Mapping]) -> tuple[FieldRule, ...]:
    """The rules whose values the CRM owns; those of one target field are one."""
    rules = {rule.target: rule for mapping in mappings for rule in mapping.rules if rule.owner == "zoho"}
    return tuple(rules.values())


def irreversible(rules: Sequence[FieldRule], editable: Iterable[str]) -> list[str]:
    """Why rules have no way back, a sentence each; ``editable``: the fields that may be written in the ERP."""
    known, faults = frozenset(editable), []
    for rule in rules:
        if not rule.sources or rule.lookup or rule.transform not in REVERSES:
            faults.append(f"{rule.target} has no way back into the ERP: its transform is {rule.transform}.")
        elif closed := [name for name in written_fields(rule.transform, rule.sources) if name not in known]:
            faults.append(f"{rule.target} goes back into {closed[0]}, which may not be changed from outside.")
    return faults


def settled_fields(rules: Sequence[FieldRule], left: Fields, now: Fields, sent: Fields) -> set[str]:
    """The ERP's fields that a lost edit wrote, as what is ``left`` and what is kept ``now`` tell."""
    done = [
        rule
        for rule in rules
        if _same(now.get(rule.target), sent.get(rule.target))
        and not _same(now.get(rule.target), left.get(rule.target))
    ]
    return {name for rule in done for name in written_fields(rule.transform, rule.sources)}


def plan_master(
    rules: Sequence[FieldRule], master: Master, context: MapContext, timeout: timedelta
) -> WriteBack | Keep | Settled | Wait | HoldMaster:
    """What is to be done with the values that the CRM owns.

    ``timeout``: so long the ERP may still be at work on an edit whose answer was lost.
    """
    now = {rule.target: master.crm.get(rule.target) for rule in rules}
    if master.left is None:
        return Keep(now)
    try:
        if unsure := _plan_unsure(rules, master, context, timeout):
            return unsure
        judged = [_judge(rule, master, context) for rule in rules]
    except RecordRejectedError as error:
        return HoldMaster(error.code, error.happened, error.remedy, error.field)
    doubtful = next((one for one in judged if one.side is _Side.BOTH), None)
    if doubtful is not None and not master.is_released:
        return _both(doubtful.rule, master, context)
    wanted = {name: value for one in judged for name, value in one.values.items()}
    if not wanted:
        return Keep(now)
    if _has_moved(master) and not master.is_released:
        return _hold(MASTER_MOVED, "It was changed in the ERP since it was last brought over.")
    expected = {name: master.erp.get(name) for one in judged if one.values for name in one.rule.sources}
    return WriteBack(wanted, expected, now)


def _plan_unsure(
    rules: Sequence[FieldRule], master: Master, context: MapContext, timeout: timedelta
) -> Settled | Wait | None:
    """As with documents: until it is known what a lost edit did, nothing else is sent; the same may be sent again."""
    intent, left = master.intent, master.left or {}
    if intent is None:
        return None
    open_rules = [rule for rule in rules if not _same(intent.sent.get(rule.target), left.get(rule.target))]
    done = [rule for rule in open_rules if _stands(rule, intent.sent.get(rule.target), master, context)]
    until = intent.at + timeout
    if len(done) == len(open_rules) or (master.looked_at is not None and master.looked_at >= until):
        return Settled({**left, **{rule.target: intent.sent.get(rule.target) for rule in done}})
    if all(_same(intent.sent.get(rule.target), master.crm.get(rule.target)) for rule in rules):
        return None
    return Wait(until, "The answer to an edit was lost, and the ERP may still be at work on it.")


def _stands(rule: FieldRule, value: Value, master: Master, context: MapContext) -> bool:
    """Whether the ERP says this of the CRM's field, in the CRM's words or in its own."""
    stands = tuple(master.erp.get(name) for name in rule.sources)
    if _same(value, TRANSFORMS[rule.transform](stands, context)):
        return True
    return all(map(_same, _back(rule, value, stands), stands))


def _back(rule: FieldRule, value: Value, stands: tuple[Value, ...]) -> tuple[Value, ...]:
    try:
        return REVERSES[rule.transform](value, stands)
    except RecordRejectedError as error:
        error.field = rule.target
        raise


def _judge(rule: FieldRule, master: Master, context: MapContext) -> _Judged:
    assert master.left is not None
    now, left = master.crm.get(rule.target), master.left.get(rule.target)
    if _same(now, left):
        return _Judged(rule, _Side.SETTLED)
    stands = tuple(master.erp.get(name) for name in rule.sources)
    wanted = _back(rule, now, stands)
    if _stands(rule, now, master, context):
        return _Judged(rule, _Side.SETTLED)  # our own write coming back, or a person wrote the same
    names = written_fields(rule.transform, rule.sources)
    values = dict(zip(names, sent(rule.transform, wanted), strict=True))
    is_ours = _same(left, TRANSFORMS[rule.transform](stands, context))
    return _Judged(rule, _Side.WRITTEN if is_ours else _Side.BOTH, values)


def _same(one: Value, other: Value) -> bool:
    one, other = (value.strip() if isinstance(value, str) else value for value in (one, other))
    return (one or None) == (other or None)


def _has_moved(master: Master) -> bool:
    return master.stamped_at is not None and master.stamped_at != master.seen_at


def _both(rule: FieldRule, master: Master, context: MapContext) -> HoldMaster:
    stands = TRANSFORMS[rule.transform](tuple(master.erp.get(name) for name in rule.sources), context)
    told = f"{rule.target} is {_told(stands)} in the ERP and {_told(master.crm.get(rule.target))} in the CRM"
    return _hold(
        CHANGED_ON_BOTH_SIDES, f"{told}, and was {_told((master.left or {}).get(rule.target))}.", rule
    )


def _told(value: Value) -> str:
    return "nothing" if value in (None, "") else f"“{value}”"


def _hold(code: str, happened: str, rule: FieldRule | None = None) -> HoldMaster:
    return HoldMaster(code, happened, OWN_CODES[code].remedy, rule.target if rule else "")
