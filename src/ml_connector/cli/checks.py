"""Trying the systems and showing what came of it; ``ping`` and ``zoho authorize`` share this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.cli.exits import Exit, exit_of
from ml_connector.cli.show import NAMED, by_remedy, note, say, show_json, show_table
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.ports import Check
from ml_connector.core.sales import Kind

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow
    from ml_connector.gp_company import GpCompany


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried of one system."""

    system: str
    checks: Sequence[Check]
    exit: Exit


@dataclass(frozen=True, slots=True)
class System:
    """How one system is tried."""

    name: str
    checks: Callable[[], Sequence[Check]]
    probe: Callable[[], object]  #: any call that raises what keeps us out; asked when the first check failed


def try_systems(systems: Sequence[System]) -> list[Tried]:
    """Each system's checks; one that cannot be tried at all does not stop the others."""
    return [_try(system) for system in systems]


def _try(system: System) -> Tried:
    try:
        found = system.checks()
    except ConnectorError as error:
        found = [Check("reached", ok=False, detail=error.happened, remedy=error.remedy)]
        return Tried(system.name, found, exit_of(error))
    if found and not found[0].ok:
        return Tried(system.name, found, _why_out(system))
    failed = any(not check.ok for check in found)
    return Tried(system.name, found, Exit.NEEDS_A_PERSON if failed else Exit.DONE)


def _why_out(system: System) -> Exit:
    """A check does not say of which kind its failure is; the error of the same call does."""
    try:
        system.probe()
    except ConnectorError as error:
        return exit_of(error)
    return Exit.NEEDS_A_PERSON


def gp_systems(app: App) -> list[System]:
    """Each company of GP, with every operation that its flows need there."""
    return [_gp_system(app, number) for number in app.companies]


def _gp_system(app: App, number: str) -> System:
    company = app.companies[number]
    read = company.source.entities  # what is made from our own store needs nothing there
    needed = [f for f in app.roster.flows.values() if f.company == number and f.entity.name in read]
    name = f"Dynamics GP {company.settings.name}".rstrip()
    entities = [flow.entity.name for flow in needed]

    def checks() -> list[Check]:
        found = company.source.checks(entities, needed)
        return [*found, *_written(app, company, needed)] if found and found[0].ok else found

    return System(name, checks, company.source.clock_difference)


def _written(app: App, company: GpCompany, flows: Sequence[Flow]) -> list[Check]:
    """What is tried of what is written into GP, where anything is; what becomes of an order its invoices tell."""
    sales = app.settings.sales
    kinds = {flow.mapping.kind for flow in app.roster.document_flows.values()}
    kinds |= {Kind.INVOICE} if kinds else set()
    owned = {f.entity.name for f in flows for m in f.mappings for rule in m.rules if rule.owner == "zoho"}
    edited = owned & app.works.edited_entities
    created = ["customers"] if sales.enabled and sales.new_customers.enabled else []
    return company.target.checks(sorted(kinds), sorted(edited), created)


def zoho_system(app: App) -> System:
    """Zoho, with every right that the flows need there."""
    modules = sorted({mapping.target for mapping in app.roster.mappings})

    def checks() -> list[Check]:
        users = bool(app.settings.owners.default)
        own = [need for need in app.roster.module_needs() if need.name in modules]
        found = app.target.checks(
            modules,
            app.roster.needs(),
            users=users,
            layouts=app.roster.layouts,
            own=own,
            edited=app.roster.edited_modules,
        )
        if not found or not found[0].ok:
            return found
        read = app.works.sales.checks([flow.module for flow in app.roster.document_flows.values()])
        return [*found, *read, *_channels(app), _identity(app)]

    return System("Zoho CRM", checks, app.target.clock_difference)


def _channels(app: App) -> list[Check]:
    """Whether Zoho may tell of changes, where it is to."""
    if not app.settings.webhooks.url:
        return []
    name = "notification channels"
    try:
        app.channels.every()
    except ConnectorError as error:
        return [Check(name, ok=False, detail=error.happened, remedy=error.remedy)]
    return [Check(name, ok=True, detail="allowed")]


def _identity(app: App) -> Check:
    """Whether the keys of the settings, and the organisation, are those that records were written with."""
    name = "keys and organisation"
    try:
        app.works.check_identity()
    except ConfigurationError as error:
        return Check(name, ok=False, detail=error.happened, remedy=error.remedy)
    return Check(name, ok=True, detail="as all records were written so far")


def show_tried(tried: Sequence[Tried], *, as_json: bool) -> Exit:
    """Show it and say how the command ends: a setting before a system that is away before a failed check."""
    worst = next(
        (
            code
            for code in (Exit.WRONG_USE, Exit.SYSTEM_AWAY, Exit.NEEDS_A_PERSON)
            if any(t.exit == code for t in tried)
        ),
        Exit.DONE,
    )
    if as_json:
        systems = {one.system: list(one.checks) for one in tried}
        show_json({"ok": worst is Exit.DONE, "systems": systems})
        return worst
    show_table(("system", "tried", "", "found"), [row for one in tried for row in _rows(one)])
    for one in tried:
        failed = [(check.remedy, check.name) for check in one.checks if not check.ok and check.remedy]
        for remedy, names in by_remedy(failed).items():
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            note(f"{one.system}, {', '.join(names[:NAMED])}{more}: {remedy}")
    if worst is Exit.DONE:
        say("All is well.")
    return worst


def _rows(one: Tried) -> Iterator[tuple[str, str, str, str]]:
    """A line for each check; what stood in the line above is not repeated."""
    above = ""
    for check in one.checks:
        found = "the same" if not check.ok and check.detail == above else check.detail
        yield one.system, check.name, "ok" if check.ok else "FAILED", found
        above = check.detail
