"""What becomes of an order, quote or won deal of the CRM in the ERP, decided before anything is sent. Pure.

One record becomes one document, whatever was killed or got lost before: what stands in the ERP under its number (or,
where the ERP numbers, under our reference) is looked up first, and whatever is found there is taken for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ml_connector.core.catalogue import (
    ALREADY_ORDERED,
    CHANGED_ON_BOTH_SIDES,
    CREATE_UNCLEAR,
    DOCUMENT_FINISHED,
    DOCUMENT_GONE,
    NUMBER_OF_ANOTHER,
    OWN_CODES,
    TOTALS_DIFFER,
    WITHDRAWN,
)
from ml_connector.core.document_changes import forbidden
from ml_connector.core.document_decisions import (
    Adopt,
    Choice,
    Create,
    Decision,
    Forget,
    Hold,
    How,
    Intent,
    Left,
    Linked,
    Rules,
    Situation,
    Skip,
    Update,
    Wait,
)
from ml_connector.core.document_mapping import Numbering, Wanted
from ml_connector.core.document_values import (
    MEANING,
    Difference,
    changed,
    differences,
    is_same,
    line_path,
    merge,
    stood_after,
    values_of,
    wants_of,
)
from ml_connector.core.record import Fields, fold_key
from ml_connector.core.sales import Kind, Standing

_SHOWN = 5  #: so many differences are told in a sentence
_WITHDRAWN_FINISHED = "It was withdrawn in the CRM, and its document in the ERP is finished."


def plan_document(situation: Situation, rules: Rules) -> Decision:
    """What is to be done next. After Adopt and Forget, and after a Create or Update that was read back, plan again."""
    if situation.linked is not None:
        return _plan_linked(situation, situation.linked, rules)
    if situation.found:
        return _adopt_found(situation, situation.found)
    return _plan_new(situation, rules)


def linked_after(linked: Linked | None, wanted: Wanted, standing: Standing) -> Linked:
    """The link once the document was written and read back; None: it was created.

    What a person changed in the ERP meanwhile, and we did not write, is still a change of theirs.
    """
    wants, stands = wants_of(wanted), values_of(standing.document)
    if linked is None:
        return Linked(standing.document.kind, standing.document.number, How.MADE, Left(wants, stands))
    if linked.left is None:
        return replace(linked, left=Left(wants, stands))
    stood = stood_after(linked.left.stood, stands, changed(linked.left.sent, wants))
    return replace(linked, left=Left(wants, stood))


def check_total(wanted: Wanted, standing: Standing, tolerance: Decimal) -> Hold | None:
    """A hold with both figures where the ERP's total is another than the CRM's."""
    if wanted.total is None or abs(standing.total - wanted.total) <= tolerance:
        return None
    return _hold(
        TOTALS_DIFFER,
        f"{_named(standing)} comes to {standing.total:,.2f} in the ERP, and to {wanted.total:,.2f} in the CRM.",
    )


# -- no document is known as the record's


def _adopt_found(situation: Situation, found: Sequence[Standing]) -> Decision:
    """What has our number or reference is what an earlier attempt made, unless it says otherwise."""
    if len(found) > 1:
        numbers = ", ".join(standing.document.number for standing in found)
        return _hold(CREATE_UNCLEAR, f"The ERP has several documents under our reference: {numbers}.")
    (standing,) = found
    reference = standing.document.reference
    if reference and reference != situation.record_id:
        return _hold(
            NUMBER_OF_ANOTHER,
            f"{_named(standing)} has our number, but says that it belongs to the record {reference} of the CRM.",
        )
    intent = situation.intent  # what stands otherwise than it was sent, somebody may have changed since
    left = Left(intent.sent, {**values_of(standing.document), **intent.sent}) if intent else None
    how = How.MADE if intent else How.NUMBER
    return Adopt(Linked(standing.document.kind, standing.document.number, how, left))


def _lost(situation: Situation, rules: Rules) -> Wait | None:
    """While what was sent last may still be done, whatever it is."""
    if situation.intent is None:
        return None
    until = situation.intent.at + rules.operation_timeout
    if situation.looked_at is not None and situation.looked_at >= until:
        return None
    return Wait(until, "The answer to what was sent was lost, and the ERP may still be at work on it.")


def _is_another(intent: Intent | None, wanted: Wanted) -> bool:
    """Whether the CRM wants something else by now than what was sent last."""
    return intent is not None and bool(changed(intent.sent, wants_of(wanted)))


def _plan_new(situation: Situation, rules: Rules) -> Decision:
    """A create whose answer was lost is sent again at once only where the ERP itself refuses a second one.

    And only the same: of two that differ, nobody could tell later which of them the ERP has done.
    """
    wanted, lost = situation.wanted, _lost(situation, rules)
    if wanted is None:
        return lost or Skip("It is no more in the CRM, and the ERP has no document of it.")
    if reason := _not_due(wanted, rules):
        return lost or Skip(reason)
    if lost and (rules.numbering is Numbering.GP or _is_another(situation.intent, wanted)):
        return lost
    in_the_way = _in_the_way(wanted, situation.related)
    if not in_the_way or situation.is_released or situation.intent:
        return Create(wanted.document)
    return _answered(situation, in_the_way) or Create(wanted.document)


def _not_due(wanted: Wanted, rules: Rules) -> str:
    """Why the record does not go to the ERP; empty: it does."""
    stage = wanted.stage
    if rules.stages and _folded(stage) not in rules.stages:
        return f"In the CRM it is “{stage}”, which does not go to the ERP."
    return f"In the CRM it is “{stage}”." if _folded(stage) in rules.cancelled else ""


def _folded(text: str) -> str:
    return text.strip().casefold()


def _in_the_way(wanted: Wanted, related: Sequence[Standing]) -> list[Standing]:
    """Orders and invoices that the deal or the quote already has; a quote of the ERP is what an order comes from."""
    if wanted.document.kind is not Kind.ORDER:
        return []
    return [one for one in related if one.document.kind is not Kind.QUOTE and not one.is_voided]


def _answered(situation: Situation, there: Sequence[Standing]) -> Decision | None:
    """What a person's answer comes to; None: another document is to be made."""
    answer = situation.answer
    if answer is not None and answer.choice is Choice.ADD:
        return None
    documents = [standing.document for standing in there]
    named = [one for one in documents if answer and answer.number in ("", one.number)]
    orders = [one for one in named if one.kind is Kind.ORDER]
    if answer is None or len(orders) != 1:
        told = ", ".join(f"{one.kind} {one.number}" for one in documents)
        return _hold(ALREADY_ORDERED, f"Its deal or quote already has a document in the ERP: {told}.")
    (order,) = orders
    if other := situation.taken.get(fold_key(order.number)):
        told = f"The order {order.number} is that of another record of the CRM already: {other}."
        return _hold(ALREADY_ORDERED, told)
    how = How.REPLACED if answer.choice is Choice.REPLACE else How.LINKED
    return Adopt(Linked(order.kind, order.number, how))


# -- a document is known as the record's


def _plan_linked(situation: Situation, linked: Linked, rules: Rules) -> Decision:
    wanted = situation.wanted
    if not situation.found:
        return _plan_gone(situation, linked, rules)
    (standing,) = situation.found
    if wanted is None or _is_withdrawn(wanted, rules):
        return _plan_withdrawn(standing)
    if linked.left is None and linked.how is How.LINKED:
        left = Left(wants_of(wanted), values_of(standing.document))
        return Skip("A person linked it to what stands in the ERP.", left)
    if unsure := _plan_unsure(situation, linked, standing, rules):
        return unsure
    found = _differences(wants_of(wanted), standing, linked)
    if not found:
        return _plan_same(situation, wanted, standing, linked, rules)
    return _plan_changed(situation, wanted, standing, linked, found)


def _plan_unsure(
    situation: Situation, linked: Linked, standing: Standing, rules: Rules
) -> Adopt | Wait | None:
    """What an update whose answer was lost has left there, once that can be told; None: it may be sent again.

    Until then nothing else is sent: done late, it would undo that; and what it did would look like a person's change.
    """
    intent, wanted = situation.intent, situation.wanted
    if intent is None or wanted is None:
        return None
    missing = {one.path for one in _differences(intent.sent, standing, linked)}
    lost = _lost(situation, rules)
    if missing and lost:
        return lost if _is_another(intent, wanted) else None
    left = linked.left or Left({}, {})
    done = changed(left.sent, intent.sent) - missing
    now = Left(
        {**left.sent, **{path: intent.sent.get(path) for path in done}} if missing else intent.sent,
        stood_after(left.stood, values_of(standing.document), done),
    )
    return Adopt(replace(linked, left=now if linked.left or not missing else None))


def _differences(wants: Fields, standing: Standing, linked: Linked) -> tuple[Difference, ...]:
    """What was wanted otherwise since we last wrote, and does not stand there."""
    return differences(values_of(standing.document), wants, _paths(wants, standing, linked))


def _plan_gone(situation: Situation, linked: Linked, rules: Rules) -> Decision:
    """It was deleted in the ERP; or removed when others came from it, where the ERP keeps no history."""
    if situation.came:
        return _plan_removed(situation.wanted, linked, situation.came, rules)
    if situation.wanted is None or situation.is_released:
        return Forget(linked)
    return _hold(DOCUMENT_GONE, f"The {linked.kind} {linked.number} is no longer in the ERP.")


def _plan_removed(wanted: Wanted | None, linked: Linked, numbers: Sequence[str], rules: Rules) -> Decision:
    if wanted is None or _is_withdrawn(wanted, rules):
        return Skip(_WITHDRAWN_FINISHED)
    if linked.left is None or not changed(linked.left.sent, wants_of(wanted)):
        return Skip("Its document in the ERP was finished before.")
    told = ", ".join(numbers)
    return _hold(
        DOCUMENT_FINISHED,
        f"It was changed in the CRM, and the {linked.kind} {linked.number} had become {told} in the ERP.",
    )


def _is_withdrawn(wanted: Wanted, rules: Rules) -> bool:
    stage = _folded(wanted.stage)
    return stage in rules.cancelled or (rules.ends_outside and stage not in rules.stages)


def _plan_withdrawn(standing: Standing) -> Decision:
    if standing.is_in_history or standing.is_voided:
        return Skip(_WITHDRAWN_FINISHED)
    return _hold(
        WITHDRAWN, f"It was deleted, cancelled or lost in the CRM, and {_named(standing)} is open in the ERP."
    )


def _paths(wants: Fields, standing: Standing, linked: Linked) -> frozenset[str]:
    """What the CRM wants otherwise than when we last wrote.

    Where that is not known: whatever it wants, and the lines that are to be no more: those that are ours, or all.
    """
    if linked.left is not None:
        return changed(linked.left.sent, wants)
    is_replaced = linked.how is How.REPLACED
    lines = (line for line in standing.document.lines if is_replaced or line.reference)
    return changed({}, wants) | {f"{line_path(line)}.item" for line in lines}


def _plan_same(
    situation: Situation, wanted: Wanted, standing: Standing, linked: Linked, rules: Rules
) -> Decision:
    """Nothing differs; what stood otherwise and is the same now is kept as such."""
    if situation.is_total_open and not situation.is_released:
        hold = check_total(wanted, standing, rules.total_tolerance)
        if hold is not None:
            return hold
    wants, stands = wants_of(wanted), values_of(standing.document)
    if linked.left is None:
        return Skip("The ERP says the same already.", Left(wants, stands))
    if wants == linked.left.sent:
        return Skip("Nothing was changed in the CRM.")
    settled = changed(linked.left.sent, wants)
    return Skip(
        "The ERP says the same already.", Left(wants, stood_after(linked.left.stood, stands, settled))
    )


def _plan_changed(
    situation: Situation, wanted: Wanted, standing: Standing, linked: Linked, found: tuple[Difference, ...]
) -> Decision:
    if standing.is_in_history or standing.is_voided:
        return _plan_finished(wanted, standing, linked, found)
    doubtful = () if situation.is_released else _doubtful(linked, found)
    if doubtful:
        told = f"{_named(standing)} was changed in the ERP, too: {_told(doubtful)}."
        return _hold(CHANGED_ON_BOTH_SIDES, told, doubtful)
    merged = merge(standing, wanted.document, [one.path for one in found])
    if refusal := forbidden(standing, merged, found):
        return _hold(*refusal, found)
    return Update(standing, merged.document, found)


def _plan_finished(
    wanted: Wanted, standing: Standing, linked: Linked, found: tuple[Difference, ...]
) -> Decision:
    """Another mapping or other settings ask nothing of documents that change no more; a person's change does."""
    left = linked.left
    if left is not None and left.sent.get(MEANING) != wanted.meaning:
        return Skip("Its document in the ERP was finished before.", Left(wants_of(wanted), left.stood))
    what = "voided" if standing.is_voided else "posted or transferred"
    told = f"It was changed in the CRM, and {_named(standing)} was {what} in the ERP: {_told(found)}."
    return _hold(DOCUMENT_FINISHED, told, found)


def _doubtful(linked: Linked, found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """The differences of which somebody changed the ERP's side, too, since we last wrote; or nobody knows."""
    if linked.left is None:
        return () if linked.how is How.REPLACED else found
    stood = linked.left.stood
    return tuple(one for one in found if not is_same(one.path, stood.get(one.path), one.stands))


def _told(found: Sequence[Difference]) -> str:
    """The first of them, and how many more there are."""
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(map(str, found[:_SHOWN])) + more


def _named(standing: Standing) -> str:
    return f"the {standing.document.kind} {standing.document.number}"


def _hold(code: str, happened: str, found: tuple[Difference, ...] = ()) -> Hold:
    return Hold(code, happened[0].upper() + happened[1:], OWN_CODES[code].remedy, found)
