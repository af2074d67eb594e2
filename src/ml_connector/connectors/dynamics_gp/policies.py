"""The policy that every operation that changes something is given (facts.md 2.10): only its id, which is enough.

It is asked of GP once a process for each operation, or stands in the settings.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial

from ml_connector.connectors.dynamics_gp import errors, soap, write_meanings
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.errors import FaultKind
from ml_connector.connectors.dynamics_gp.soap import FaultError
from ml_connector.connectors.dynamics_gp.values import find, to_text

OPERATION = "GetPolicyByOperation"


class Policies:
    """The policies of one company. Thread-safe."""

    def __init__(self, client: GpClient, fixed: Mapping[str, str]) -> None:
        """``fixed``: operation -> the id that stands in the settings."""
        self._client = client
        self._fixed = fixed
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def argument(self, operation: str) -> str:
        """The policy argument of an operation. ConfigurationError: GP has none, or does not let us ask."""
        found = self._fixed.get(operation) or self._known.get(operation)
        if found is None:
            found = self._ask(operation)
            with self._lock:
                self._known[operation] = found
        return f"<gp:policy><gp:Key><gp:Id>{soap.safe_text(found)}</gp:Id></gp:Key></gp:policy>"

    def forget(self, operation: str) -> bool:
        """GP did not find it: whether it is worth asking for it anew."""
        with self._lock:
            return self._known.pop(operation, None) is not None

    def _ask(self, operation: str) -> str:
        asked = f"<gp:operation>{soap.safe_text(operation)}</gp:operation>"
        parse = partial(soap.parse_object, operation=OPERATION)
        try:
            tree = self._client.call(OPERATION, asked, parse, self._client.config.timeout_seconds)
        except FaultError as fault:
            if errors.fault_kind(fault) is FaultKind.ABSENT:
                raise write_meanings.NO_POLICY.error(operation=operation, said=errors.said(fault)) from fault
            raise self._client.refusal_of(fault, OPERATION) from fault
        policy_id = to_text(find(tree, ("Key", "Id"))) if tree else None
        if policy_id is None:
            raise write_meanings.NO_POLICY.error(operation=operation, said="nothing")
        return policy_id
