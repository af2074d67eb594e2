"""Sends what changes something in GP, and says what came of it; by SOAP."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ml_connector.connectors.dynamics_gp import errors, refusals, soap, write_meanings
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.errors import FaultKind
from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.connectors.dynamics_gp.policies import Policies
from ml_connector.connectors.dynamics_gp.refusals import Verdict
from ml_connector.connectors.dynamics_gp.soap import FaultError
from ml_connector.connectors.dynamics_gp.undone import nothing_done
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Refused
from ml_connector.core.sales_ports import Accepted, Outcome, Taken, Unsure


class Changes:
    """The operations of one company that change something. Thread-safe; errors as in ``core.sales_ports``."""

    def __init__(self, client: GpClient, policies: Policies) -> None:
        self._client = client
        self._policies = policies

    def send(
        self,
        operation: str,
        argument: str,
        number: str,
        is_there: Callable[[], bool] | None = None,
        currency: str = soap.TRANSACTIONAL,
    ) -> Outcome:
        """Have it done; ``number``: of what it is done to.

        ``is_there``, of a create: whether GP has one of this number; asked where its reasons may mean that.
        """
        send = partial(self._client.change, operation, argument, currency=currency)
        try:
            return self._send(send, operation, number)
        except FaultError as fault:
            if errors.fault_kind(fault) is not FaultKind.ABSENT or not self._policies.forget(operation):
                return self._outcome(operation, fault, is_there)
        try:  # what was not found may have been the policy: an administrator may have given us another one
            return self._send(send, operation, number)
        except FaultError as fault:
            return self._outcome(operation, fault, is_there)

    def _send(self, send: Callable[..., None], operation: str, number: str) -> Outcome:
        with nothing_done():
            policy = self._policies.argument(operation)
        send(policy=policy)
        return Accepted(number.rstrip())

    def _outcome(self, operation: str, fault: FaultError, is_there: Callable[[], bool] | None) -> Outcome:
        if errors.fault_kind(fault) in errors.HIDDEN:
            kind, reasons = self._client.look_up(fault, operation)
        else:  # it says itself that it was not done
            with nothing_done():
                kind, reasons = self._client.look_up(fault, operation)
        if kind is FaultKind.VALIDATION:
            with nothing_done():
                return _refused(refusals.verdict(fault, reasons), is_there)
        if kind is FaultKind.ABSENT:
            if operation.startswith("Create"):
                return Refused(_error(write_meanings.REFERENCE_NOT_THERE, fault, operation))
            return Refused(_error(write_meanings.NOT_THERE, fault, operation), gone=True)
        if kind in errors.HIDDEN:
            return Unsure(_error(write_meanings.UNCERTAIN, fault, operation))
        raise self._client.refusal_of(fault, operation) from fault


def _refused(verdict: Verdict, is_there: Callable[[], bool] | None) -> Outcome:
    if is_there is not None and (verdict.says_taken or (verdict.may_be_taken and is_there())):
        return Taken(verdict.error)
    return Refused(verdict.error)


def _error(meaning: Meaning, fault: FaultError, operation: str) -> RecordRejectedError:
    answer = errors.redact(fault.answer or fault.text)
    return meaning.rejection(answer, said=errors.said(fault), operation=operation)
