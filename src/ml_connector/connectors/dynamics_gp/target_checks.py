"""What ``ping`` asks of GP before anything is written there: whether each operation may be called, and its policy.

Nothing is changed by any of it: that a create itself may be called shows only with the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ml_connector.connectors.dynamics_gp import soap
from ml_connector.connectors.dynamics_gp.checks import NOBODY, tried
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.master_xml import NAMES
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.policies import Policies
from ml_connector.connectors.dynamics_gp.sales_fields import OPERATIONS
from ml_connector.connectors.dynamics_gp.sales_trees import DOCUMENTS
from ml_connector.core.ports import Check
from ml_connector.core.sales import Kind

Tries = dict[str, Callable[[], object]]


def of_documents(client: GpClient, policies: Policies, kinds: Iterable[Kind]) -> list[Check]:
    """What documents of these kinds need by SOAP."""
    tries: Tries = {DOCUMENTS.operation: partial(client.list_rows, DOCUMENTS, DOCUMENTS.probe)}
    for kind in kinds:
        own = OPERATIONS[kind]
        tries[own.read] = partial(client.read_element, own.read, soap.key(NOBODY))
        tries |= _policies(policies, (own.create, own.update, own.void))
    return _checks(tries)


def of_masters(
    client: GpClient, policies: Policies, edited: Iterable[str], created: Iterable[str]
) -> list[Check]:
    """What editing, and creating, records of these entities needs."""
    tries: Tries = {}
    for entity in dict.fromkeys([*edited, *created]):
        read = MASTERS[entity].read_operation
        tries[read] = partial(client.read_element, read, soap.key(NOBODY), soap.LOCAL)
    tries |= _policies(policies, [NAMES[entity].update for entity in edited])
    return _checks(tries | _policies(policies, [NAMES[entity].create for entity in created]))


def _policies(policies: Policies, operations: Sequence[str]) -> Tries:
    return {f"policy of {name}": partial(policies.argument, name) for name in operations if name}


def _checks(tries: Tries) -> list[Check]:
    return [tried(name, attempt) for name, attempt in tries.items()]
