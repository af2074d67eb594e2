"""Policies: the behaviours of an operation, which the administrator sets and, where not internal, the caller may.

Names and order of the behaviours of Create Sales Order, the ids of five policies and of three behaviours are
confirmed (facts 2.10, PR-cc534173); all other ids are invented, the same in every run, and so are the options and
their defaults, except those of Assign Batch Prefix and Calculate Unit Price. That the quote and the update policies
have the same behaviours is inferred. Those that do something here stand in `DEFAULTS`; the others are only shown.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from ml_connector.simulators.gp.faults import NOT_FOUND, SoapFaultError, SystemFaultError
from ml_connector.simulators.gp.sent import Sent

_INVENTED = uuid.UUID("7b3f6a52-0f1c-4c55-9d5e-2f7a51b0c8aa")

UNIT_PRICE, CREATE_BATCH, CHECK_HOLD = "Calculate Unit Price", "Create Batch", "Check Hold"
CHECK_CREDIT, ALLOCATE, TOTAL = "Check Credit Limit", "Allocate Quantities", "Calculate Total Amount"
DEFAULT_SITE, DEFAULT_TYPE = "Default Warehouse", "Default Document Type Id"

DEFAULTS: Mapping[str, int] = {
    UNIT_PRICE: 1,  # confirmed: the item's price takes the place of the caller's
    TOTAL: 1,
    DEFAULT_SITE: 1,
    DEFAULT_TYPE: 1,
    CHECK_HOLD: 1,
    CHECK_CREDIT: 1,
    CREATE_BATCH: 0,
    ALLOCATE: 0,
}
"""The selected options at first: 1 is done, 0 is not."""

_SALES = (
    "Assign Batch Prefix",
    UNIT_PRICE,
    "Bin Quantity Shortage",
    TOTAL,
    "Create Inventory Serial",
    "Allocate Lots",
    "Include Promotions",
    DEFAULT_SITE,
    DEFAULT_TYPE,
    "Create Components",
    CHECK_HOLD,
    "Create Commissions",
    ALLOCATE,
    CHECK_CREDIT,
    "Assign Bin",
    "Create Inventory Lot",
    "Allocate Serials",
    "Miscellaneous Tax",
    CREATE_BATCH,
    "Create Bins",
    "Freight Tax",
    "Day of Week",
    "Quantity Shortage",
)
_INTERNAL = frozenset({"Assign Batch Prefix", UNIT_PRICE})
_BEHAVIOUR_IDS = {
    "Assign Batch Prefix": uuid.UUID("dc788b46-e2ae-4b7a-80c2-00cb40dcf76f"),
    UNIT_PRICE: uuid.UUID("2e873316-fee1-460e-8da1-12167013401b"),
    "Bin Quantity Shortage": uuid.UUID("67e5073d-b69e-4526-8079-1a691d475c48"),
}
_POLICY_IDS = {
    "CreateSalesOrder": uuid.UUID("4d060bdc-fa1e-4ea1-9e89-e1d19a5cb2ce"),
    "UpdateSalesOrder": uuid.UUID("150401c6-7467-4853-9146-236fc5fa7bf8"),
    "CreateVendor": uuid.UUID("66e1feb2-68db-4fd5-a431-70f2fe128cd1"),
}
# operation: (the policy's name, the object, its behaviours)
_POLICIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "CreateSalesOrder": ("Create Sales Order", "SalesOrder", _SALES),
    "UpdateSalesOrder": ("Update Sales Order", "SalesOrder", _SALES),
    "DeleteSalesOrder": ("Delete Sales Order", "SalesOrder", ()),
    "VoidSalesOrder": ("Void Sales Order", "SalesOrder", ()),
    "CreateSalesQuote": ("Create Sales Quote", "SalesQuote", _SALES),
    "UpdateSalesQuote": ("Update Sales Quote", "SalesQuote", _SALES),
    "DeleteSalesQuote": ("Delete Sales Quote", "SalesQuote", ()),
    "VoidSalesQuote": ("Void Sales Quote", "SalesQuote", ()),
    "CreateCustomer": ("Create Customer", "Customer", ()),
    "UpdateCustomer": ("Update Customer", "Customer", ()),
    "UpdateVendor": ("Update Vendor", "Vendor", ()),
}
_OPTIONS: dict[str, tuple[tuple[int, str], ...]] = {
    "Assign Batch Prefix": ((1, "No Prefix"), (2, "Specify Prefix")),
    UNIT_PRICE: ((0, "Do Not Calculate"), (1, "Calculate")),
}
_NO_YES = ((0, "No"), (1, "Yes"))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One behaviour of a policy with the options it has, (id, name)."""

    name: str
    id: uuid.UUID
    internal: bool
    options: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one operation."""

    id: uuid.UUID
    name: str
    object_type: str
    behaviours: tuple[Behaviour, ...]


def _policy(operation: str) -> Policy:
    name, object_type, behaviours = _POLICIES[operation]
    policy_id = _POLICY_IDS.get(operation) or uuid.uuid5(_INVENTED, operation)
    return Policy(policy_id, name, object_type, tuple(_behaviour(operation, one) for one in behaviours))


def _behaviour(operation: str, name: str) -> Behaviour:
    invented = uuid.uuid5(_INVENTED, f"{operation}/{name}")
    known = _BEHAVIOUR_IDS.get(name) if operation == "CreateSalesOrder" else None
    return Behaviour(name, known or invented, name in _INTERNAL, _OPTIONS.get(name, _NO_YES))


ALL: Mapping[str, Policy] = {operation: _policy(operation) for operation in _POLICIES}
"""The policies by operation."""

_KEY = ("Id",)
_POLICY = ("Key", "Behaviors", "Name", "RootBusinessObjectName")
_BEHAVIOUR = ("Key", "Name", "Description", "Internal", "Options", "SelectedOption")
_OPTION = ("Key", "Name", "Description", "Parameters")

Selected = Mapping[str, int]
"""The selected option of each behaviour, by its name."""


class Policies:
    """What the administrator has selected in one company; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._selected: dict[str, dict[str, int]] = {
            operation: {b.name: DEFAULTS.get(b.name, b.options[0][0]) for b in policy.behaviours}
            for operation, policy in ALL.items()
        }

    def selected(self, operation: str) -> Selected:
        """Return the administrator's selection."""
        with self._lock:
            return dict(self._selected[operation])

    def select(self, operation: str, changes: Selected) -> None:
        """Select options as the administrator does; KeyError or ValueError for what is not there."""
        known = {behaviour.name: behaviour for behaviour in ALL[operation].behaviours}
        for name, option in changes.items():
            if option not in dict(known[name].options):
                raise ValueError(f"{name} has no option {option}; it has {known[name].options}")
        with self._lock:
            self._selected[operation].update(changes)

    def of_call(self, operation: str, argument: etree._Element | None) -> Selected:
        """Return the selection for one call: the administrator's, and of behaviours not internal the caller's.

        Without a policy the service fails, with another operation's it finds none: both inferred. A policy that is
        only its key is accepted (facts 2.10, confirmed for two operations).
        """
        if argument is None:
            raise SystemFaultError
        sent = Sent(argument, _POLICY, operation)
        policy = ALL[operation]
        if _guid(sent.inside("Key", _KEY)) != policy.id:
            raise SoapFaultError(NOT_FOUND)
        by_id = {behaviour.id: behaviour for behaviour in policy.behaviours}
        chosen = dict(self.selected(operation))
        for one in sent.items("Behaviors", "Behavior", _BEHAVIOUR):
            guid = _guid(one.inside("Key", ("PolicyKey", "Id")))
            behaviour = None if guid is None else by_id.get(guid)
            option = one.inside("SelectedOption", _OPTION).inside("Key", ("BehaviorKey", "Id"))
            if behaviour is None or "Id" not in option:
                continue
            if not behaviour.internal and option.integer("Id") in dict(behaviour.options):
                chosen[behaviour.name] = option.integer("Id")
        return chosen


def _guid(key: Sent) -> uuid.UUID | None:
    try:
        return uuid.UUID(key.text("Id").strip())
    except ValueError:
        return None


def by_id(policy_id: str) -> str | None:
    """Return the operation of a policy's id; None where there is none."""
    wanted = policy_id.strip().lower()
    return next((operation for operation, policy in ALL.items() if str(policy.id) == wanted), None)


def members(operation: str, selected: Selected) -> str:
    """Return the members of a Policy."""
    policy = ALL[operation]
    key = f"<Id>{policy.id}</Id>"
    shown = "".join(_shown(behaviour, key, selected[behaviour.name]) for behaviour in policy.behaviours)
    return (
        f"<Key>{key}</Key><Behaviors>{shown}</Behaviors><Name>{escape(policy.name)}</Name>"
        f"<RootBusinessObjectName>{policy.object_type}</RootBusinessObjectName>"
    )


def _shown(behaviour: Behaviour, policy_key: str, selected: int) -> str:
    key = f"<PolicyKey>{policy_key}</PolicyKey><Id>{behaviour.id}</Id>"
    options = {number: _option(number, name, key) for number, name in behaviour.options}
    internal = "true" if behaviour.internal else "false"
    every = "".join(f"<BehaviorOption>{option}</BehaviorOption>" for option in options.values())
    return (
        f"<Behavior><Key>{key}</Key><Name>{escape(behaviour.name)}</Name><Description />"
        f"<Internal>{internal}</Internal><Options>{every}</Options>"
        f"<SelectedOption>{options[selected]}</SelectedOption></Behavior>"
    )


def _option(number: int, name: str, behaviour_key: str) -> str:
    key = f"<BehaviorKey>{behaviour_key}</BehaviorKey><Id>{number}</Id>"
    return f"<Key>{key}</Key><Name>{escape(name)}</Name><Description /><Parameters />"
