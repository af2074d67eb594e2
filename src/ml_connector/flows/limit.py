"""The safety limit: what a run may do before a person has to look, so that no bad export empties or doubles the CRM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.plan import Action, Plan
from ml_connector.core.record import Ident, fold_key
from ml_connector.flows.range import Range
from ml_connector.flows.recorded import find_absent, find_linked
from ml_connector.flows.work import Work
from ml_connector.store import cursors, decisions
from ml_connector.store import weights as stored

#: So many never stop a run: a handful of new customers is an ordinary day.
ALWAYS_ALLOWED = 20


class LimitError(ConfigurationError):
    """The run would go beyond the safety limit and waits for a person."""

    stays = True  #: the next ordinary runs stop, too, until a person has looked


class VanishedError(LimitError):
    """Too much vanished from the source: nothing is marked, and ordinary runs go on."""

    stays = False


def require_no_stop(work: Work) -> None:
    """Raise LimitError while the last whole run stopped at the limit: it is not passed in instalments."""
    with work.database.read() as tx:
        done = cursors.find(tx, work.flow.company, work.flow.name)
    if done is not None and done.limited and not work.asked.over_limit and not work.asked.keys:
        raise LimitError(f"The last run of {work.flow.name} stopped at the safety limit.", _remedy(work))


def _remedy(work: Work) -> str:
    name = work.flow.name
    return f"Look at “ml-connector plan {name}”. If it is right: ml-connector sync {name} --over-limit"


def weigh(work: Work, module: str, plans: Sequence[Plan], absent: Sequence[str]) -> Counter[str]:
    """Folded key -> how many of these are of the kind that the limit counts: creates, emptied fields, vanished records.

    Ordinary updates are not counted, and neither is what a person approved.
    """
    creates = {plan.desired.ident for plan in plans if plan.action is Action.CREATE}
    weights = Counter(key for key, _part in creates - _approved(work, module, creates))
    weights.update(fold_key(plan.desired.key) for plan in plans if _empties(plan))
    weights.update(_given_up(work, absent))
    return weights


def weigh_in(
    work: Work, run: str, module: str, plans: Sequence[Plan], absent: Sequence[str], span: Range
) -> None:
    """Raise LimitError where these are too many, with all that the run weighed before.

    What they weigh is kept before any of it is written: a window that is done again, after a wait or a crash, does not
    plan anew what it has written.
    """
    weights = weigh(work, module, plans, absent)
    if not weights:
        return
    with work.database.begin() as tx:
        stored.put(tx, run, module, weights)
        total = stored.total(tx, run)
    check(work, span, total)


def _given_up(work: Work, absent: Sequence[str]) -> set[str]:
    """Those of these, folded, that have a counterpart, and were not known to be gone."""
    agreed = work.asked.reconcile and work.asked.over_limit
    if agreed or not absent:
        return set()
    with work.database.read() as tx:
        return find_linked(tx, work, absent) - find_absent(tx, work, absent)


def _approved(work: Work, module: str, creates: set[Ident]) -> set[Ident]:
    if not creates:
        return set()
    with work.database.read() as tx:
        keys = [key for key, _ in creates]
        found = decisions.approved(tx, work.flow.company, work.flow.name, module, keys)
    return {ident for ident, decision in found.items() if decision.outcome == Action.CREATE}


def _empties(plan: Plan) -> bool:
    return plan.action is Action.UPDATE and any(
        value is None and plan.before.get(name) not in (None, "") for name, value in plan.fields.items()
    )


def check(work: Work, span: Range, weight: int) -> None:
    """Raise LimitError where ``weight`` records of this run are too many."""
    agreed = work.asked.over_limit and not work.asked.reconcile  # there it is about what vanished alone
    if agreed or weight <= _allowed(work, span.linked):
        return
    raise LimitError(
        f"The run of {work.flow.name} would create, empty or give up {weight:,} or more records;"
        f" {_of_the_linked(work, span.linked)}",
        _remedy(work),
    )


def check_vanished(work: Work, vanished: int, of: int) -> None:
    """Raise VanishedError where so many records ``of`` the linked ones, both of the source, cannot have vanished."""
    if work.asked.over_limit or vanished <= _allowed(work, of):
        return
    name = work.flow.name
    raise VanishedError(
        f"{vanished:,} records of {name} are not in the source's list any more; {_of_the_linked(work, of)}"
        " Nothing was marked.",
        f"Look whether the source lists all that it should (its rights, its company). If it is right:"
        f" ml-connector reconcile keys {name} --over-limit",
    )


def _allowed(work: Work, linked: int) -> int:
    return max(ALWAYS_ALLOWED, int(work.options.max_change_ratio * linked))


def _of_the_linked(work: Work, linked: int) -> str:
    ratio = work.options.max_change_ratio
    return (
        f"{_allowed(work, linked):,} of the {linked:,} linked ones are allowed (max_change_ratio ="
        f" {ratio:g})."
    )
