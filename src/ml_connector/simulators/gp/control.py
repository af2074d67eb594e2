"""The control endpoint under `/_control/`: plain JSON, no sign-in; how tests look at and change a simulator.

It is part of the simulator, not of GP. The routes stand in the table `ROUTES`, those of records in `control_records`,
`control_ledger` and `control_sales`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ml_connector.simulators.gp import control_ledger as ledger
from ml_connector.simulators.gp import control_records as records
from ml_connector.simulators.gp import control_sales as sales
from ml_connector.simulators.gp.control_records import ControlError
from ml_connector.simulators.gp.options import ROW_LIMITED
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.windows_auth import Accounts

PREFIX = "/_control/"
Json = Any  # what json reads and writes
Payload = Mapping[str, Any]
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Controlled:
    """What control acts on."""

    simulation: Simulation
    accounts: Accounts


def answer(controlled: Controlled, method: str, target: str, body: bytes) -> tuple[int, Any]:
    """Answer one HTTP request: a status and what is to be written as JSON."""
    try:
        payload = json.loads(body) if body else None
        return 200, carry_out(controlled, method, target.removeprefix(PREFIX), payload)
    except ControlError as error:
        return error.status, {"error": str(error)}
    except json.JSONDecodeError as error:
        return 400, {"error": f"not JSON: {error}"}


def carry_out(controlled: Controlled, method: str, path: str, payload: Json = None) -> Json:
    """Do what a path asks for; ControlError for what cannot be done."""
    parts = urlsplit(path)
    query = dict(parse_qsl(parts.query))
    name, _, record_id = parts.path.strip("/").partition("/")
    wanted = payload if isinstance(payload, Mapping) else {}
    route = ROUTES.get((method, name))
    if route is not None and not record_id:
        return route(controlled, wanted, query)
    if name in ledger.TABLES:
        return ledger.carry_out(controlled.simulation, method, name, unquote(record_id), (wanted, query))
    if name in sales.TABLES:
        return sales.carry_out(controlled.simulation, method, name, unquote(record_id), (wanted, query))
    if name in records.TABLES:
        request = records.RecordRequest(name, unquote(record_id), wanted, query)
        return records.carry_out(controlled.simulation, method, request)
    raise ControlError(f"nothing is done for {method} {parts.path}", 404)


def _state(controlled: Controlled, payload: Payload, query: Query) -> Json:
    simulation = controlled.simulation
    settings = simulation.settings
    return {
        "clock": simulation.now().isoformat(),
        "companies": {str(c.id): records.sizes(c) for c in simulation.companies.values()},
        "settings": {
            "latency_seconds": settings.latency_seconds,
            "row_limits": settings.row_limits,
            "auth_per_request": settings.auth_per_request,
            "denied_operations": settings.denied_operations,
            "clock_offset_seconds": settings.clock_offset_seconds,
            "sba_envelope": settings.sba_envelope,
            "sba_starting": settings.sba_starting,
            "action_tracking": settings.action_tracking,
        },
        "faults": simulation.faults.remaining(),
        "late": simulation.late.waiting(),
        "failed_sign_ins": controlled.accounts.failed(),
        "locked_accounts": controlled.accounts.locked(),
        **simulation.traffic.counts(),
    }


def _change_settings(controlled: Controlled, payload: Payload, query: Query) -> Json:
    if unknown := set(payload) - set(_SETTINGS):
        raise ControlError(f"no such setting: {sorted(unknown)}; there are {sorted(_SETTINGS)}")
    try:
        changes = {name: _SETTINGS[name](controlled.simulation, value) for name, value in payload.items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise ControlError(f"a setting cannot be read: {error}") from error
    controlled.simulation.change_settings(**changes)
    return _state(controlled, payload, query)["settings"]


def _row_limits(simulation: Simulation, value: Mapping[str, int]) -> dict[str, int]:
    if unknown := set(value) - set(ROW_LIMITED):
        raise ValueError(f"no such entity: {sorted(unknown)}; there are {ROW_LIMITED}")
    return simulation.settings.row_limits | {entity: int(limit) for entity, limit in value.items()}


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {known}")
    return str(value)


def _denied(_: Simulation, value: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {account.casefold(): tuple(operations) for account, operations in value.items()}


_SETTINGS: dict[str, Callable[[Simulation, Any], Any]] = {
    "latency_seconds": lambda _, value: float(value),
    "row_limits": _row_limits,  # only the entities named are changed
    "auth_per_request": lambda _, value: bool(value),
    "denied_operations": _denied,
    "clock_offset_seconds": lambda _, value: float(value),
    "sba_envelope": lambda _, value: _one_of(value, ("bare", "resource", "payload")),
    "sba_starting": lambda _, value: _one_of(value, ("slow", "503")),
    "action_tracking": lambda _, value: bool(value),
}


def _plan_faults(controlled: Controlled, payload: Payload, query: Query) -> Json:
    try:
        controlled.simulation.faults.replace(payload.get("faults", []))
    except (TypeError, ValueError) as error:
        raise ControlError(str(error)) from error
    return _faults(controlled, payload, query)


def _faults(controlled: Controlled, payload: Payload, query: Query) -> Json:
    return {"faults": controlled.simulation.faults.remaining()}


def _clear_faults(controlled: Controlled, payload: Payload, query: Query) -> Json:
    controlled.simulation.faults.replace([])
    return _faults(controlled, payload, query)


def _late(controlled: Controlled, payload: Payload, query: Query) -> Json:
    return {"waiting": controlled.simulation.late.waiting()}


def _do_late(controlled: Controlled, payload: Payload, query: Query) -> Json:
    return {"done": controlled.simulation.late.do_all()}


def _requests(controlled: Controlled, payload: Payload, query: Query) -> Json:
    limit = records.number(query, "limit", 1000)
    traffic = controlled.simulation.traffic
    return {**traffic.counts(), "failed_sign_ins": controlled.accounts.failed(), "log": traffic.tail(limit)}


def _clear_requests(controlled: Controlled, payload: Payload, query: Query) -> Json:
    controlled.simulation.traffic.clear()
    return {}


def _unlock(controlled: Controlled, payload: Payload, query: Query) -> Json:
    controlled.accounts.unlock(payload.get("account"))
    return {"locked_accounts": controlled.accounts.locked()}


ROUTES: dict[tuple[str, str], Callable[[Controlled, Payload, Query], Any]] = {
    ("GET", "state"): _state,
    ("POST", "settings"): _change_settings,
    ("GET", "faults"): _faults,
    (
        "POST",
        "faults",
    ): _plan_faults,  # {"faults": [{kind, operation, nth, count, seconds}]} replaces the plan and ends its delays
    ("DELETE", "faults"): _clear_faults,
    ("GET", "late"): _late,
    ("POST", "late"): _do_late,  # the work that a fault of kind "late" has put off
    ("GET", "requests"): _requests,  # ?limit=: counts and the last lines of the log
    ("DELETE", "requests"): _clear_requests,  # the counts too, failed sign-ins excepted
    ("POST", "unlock"): _unlock,  # {"account": "DOMAIN\\user"}, or all
}
