"""What came of a change that was sent by SBA, by its answer. Pure.

Which status a refusal has is not documented (facts.md 1.4, 1.6): statuses are taken as HTTP means them, a conflict is
looked up, and reasons are told by their words, for no member is named beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ml_connector.connectors.dynamics_gp import errors, refusals, write_meanings
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.reasons import Reason
from ml_connector.connectors.dynamics_gp.soap import is_html
from ml_connector.core.ports import Refused
from ml_connector.core.sales_ports import Accepted, Outcome, Taken, Unsure

_DONE = (200, 201, 204)
_REFUSED = (400, 409, 422)
_CONFLICT = 409


def outcome(
    answer: Answer,
    number: str,
    reasons_at: Sequence[str],
    asked: tuple[str, str],
    is_there: Callable[[], bool] | None = None,
) -> Outcome:
    """What an answer says; ``asked``: operation and path, ``is_there``: of a create, as for SOAP.

    RetryableError, ConfigurationError: the service itself is at fault.
    """
    page = is_html(answer.body)
    if answer.status in _DONE and not page:
        return Accepted(number.rstrip())
    if answer.status in _REFUSED and not page:
        return _refused(answer, reasons_at, is_there)
    if answer.status == 404 and not page and is_there is None:
        return Refused(write_meanings.NOT_THERE.rejection(_said(answer), said=number), gone=True)
    if answer.status == 500 and not page:
        said = _said(answer)
        return Unsure(write_meanings.UNCERTAIN.rejection(said, said=said))
    error = errors.from_sba(answer, *asked, one=False)
    raise error or write_meanings.NO_ANSWER.error(operation=asked[0])


def _refused(answer: Answer, reasons_at: Sequence[str], is_there: Callable[[], bool] | None) -> Outcome:
    told = [Reason(text) for text in _reasons(answer.body, reasons_at)] or [
        Reason(_said(answer) or "nothing")
    ]
    verdict = refusals.of_reasons(told, _said(answer))
    suspected = verdict.may_be_taken or answer.status == _CONFLICT
    if is_there is not None and (verdict.says_taken or (suspected and is_there())):
        return Taken(verdict.error)
    return Refused(verdict.error)


def _reasons(body: bytes, places: Sequence[str]) -> list[str]:
    """The reasons at the first of these places where a text stands, or a list of them."""
    try:
        answer = json.loads(body)
    except ValueError:
        return []
    for place in places:
        found = answer
        for name in () if place == "." else place.split("/"):
            found = found.get(name) if isinstance(found, dict) else None
        texts = [found] if isinstance(found, str) else found
        if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
            return texts
    return []


def _said(answer: Answer) -> str:
    return errors.redact(" ".join(answer.body.decode("utf-8", "replace").split()))
