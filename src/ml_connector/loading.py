"""From settings and mapping files to flows, each checked against what GP can tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from ml_connector.connectors.dynamics_gp import GpSource
from ml_connector.core.deal_fields import CHART, DEALS
from ml_connector.core.deals import GL_ACCOUNTS, PROFITABILITY, TAGGING, DealFlow, DealTerms
from ml_connector.core.document_fields import SALES_DOCUMENTS
from ml_connector.core.document_flow import NAMES, DocumentFlow
from ml_connector.core.document_mapping import DocumentMapping
from ml_connector.core.document_mapping_file import read_document_mapping
from ml_connector.core.entity import Entity
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import Flow, filter_of
from ml_connector.core.line_limits import NO_LIMITS, LineLimits
from ml_connector.core.mapping import Mapping as FieldMapping
from ml_connector.core.mapping import conflicts, fitted, labelled
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Kind
from ml_connector.core.tagging import Rule
from ml_connector.core.transform import MapContext
from ml_connector.flow_settings import FlowSettings
from ml_connector.flows.ledger_months import LedgerMonths
from ml_connector.sales_settings import SalesSettings
from ml_connector.settings import OwnersSettings, Settings

#: Whatever a flow can read: of GP, and of what is kept here.
ENTITIES: Mapping[str, Entity] = {**GpSource.entities, **LedgerMonths.entities}

Labels = Mapping[str, Mapping[str, str]]  #: entity -> field -> what the source's users call it

#: The name that a mapping file gives itself: found without reading the whole, which may be broken.
_NAME = re.compile(r"""^\s*["']?name["']?\s*=\s*(["'])(.*?)\1""", re.MULTILINE)


def _mappings(settings: Settings) -> dict[str, FieldMapping]:
    """The mappings that the enabled flows name, read and checked against what GP can tell."""
    wanted = {name for flow in settings.flows.by_name.values() if flow.enabled for name in flow.mappings}
    files = _files_by_name(settings.mappings.files)
    chosen = {name: _mapping(settings.mappings.files, files, name) for name in sorted(wanted)}
    if clashes := conflicts(list(chosen.values())):
        raise ConfigurationError(
            clashes[0], "Change one of the two mappings (a precedence ranks them; the lower wins)."
        )
    return chosen


def _files_by_name(folder: Path) -> dict[str, list[Path]]:
    """The mapping files by the name that each gives itself; those that cannot be read are under the empty name."""
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            found = _NAME.search(path.read_text("utf-8", errors="replace"))
        except OSError:
            found = None
        files.setdefault(found[2] if found else "", []).append(path)
    return files


def _mapping(folder: Path, files: Mapping[str, Sequence[Path]], name: str) -> FieldMapping:
    """The one mapping of this name; only a file that is wanted has to be right."""
    return read_mapping(*_file(folder, files, name), ENTITIES)


def load_document_mappings(settings: Settings) -> dict[str, DocumentMapping]:
    """The mapping of each kind of documents that goes to GP, by its section: orders, quotes, deals.

    Raises ConfigurationError.
    """
    folder, sales = settings.mappings.of_documents, settings.sales
    files = _files_by_name(folder) if sales.enabled else {}
    return {
        section: _fitting_documents(
            read_document_mapping(*_file(folder, files, documents.mapping)), section, sales
        )
        for section, documents in sales.enabled.items()
    }


def load_document_flows(settings: Settings) -> dict[str, DocumentFlow]:
    """The enabled flows of orders, quotes and won deals into GP: one for all companies. Raises ConfigurationError."""
    sales, company = settings.sales, settings.every_company[0].key
    found = {}
    for section, mapping in load_document_mappings(settings).items():
        own = sales.enabled[section]
        settle = timedelta(hours=sales.deals.settle_hours) if section == "deals" else None
        terms, rules = sales.terms_of(own, ""), sales.rules_of(own, settings.deals.won_stages)
        found[NAMES[section]] = DocumentFlow(NAMES[section], company, mapping, terms, rules, settle)
    return found


def _fitting_documents(mapping: DocumentMapping, section: str, sales: SalesSettings) -> DocumentMapping:
    """The mapping, if it makes what the section is about and leaves free what our number takes."""
    kind = Kind.QUOTE if section == "quotes" else Kind.ORDER
    if mapping.kind is not kind:
        raise ConfigurationError(
            f"[sales.{section}] names the mapping “{mapping.name}”, which makes no {kind} of GP.",
            f'Name another, or write kind = "{kind}" into it.',
        )
    if sales.numbering == "gp" and any(rule.target == "text_1" for rule in mapping.header):
        raise ConfigurationError(
            f"The mapping “{mapping.name}” fills text_1, where the customer's own number is with numbering = 'gp'.",
            "Use another text for it, or let our own numbers be used.",
        )
    return mapping


def _file(folder: Path, files: Mapping[str, Sequence[Path]], name: str) -> tuple[str, str]:
    """The path for messages, and the text, of the one file of this name."""
    paths = files.get(name, ())
    if len(paths) > 1:
        raise ConfigurationError(
            f"The mapping “{name}” is in two files: {' and '.join(map(_shown, paths))}.",
            "Give one of them another name, or move it away.",
        )
    if not paths:
        raise _no_mapping(folder, files, name)
    try:
        return _shown(paths[0]), paths[0].read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{_shown(paths[0])} cannot be read: {error}.",
            "Save it as UTF-8, readable by ml-connector's user.",
        ) from error


def _no_mapping(folder: Path, files: Mapping[str, Sequence[Path]], name: str) -> ConfigurationError:
    known = ", ".join(sorted(filter(None, files)))
    remedy = f"Known are: {known}." if known else "There is no mapping file (*.toml) in it that has a name."
    if nameless := ", ".join(path.name for path in files.get("", ())):
        remedy += f" These cannot be read or have no name: {nameless}."
    return ConfigurationError(f"There is no mapping “{name}” in {folder}.", remedy)


def _shown(path: Path) -> str:
    return path.name if "site-packages" in path.parts else str(path)


def entities_with_labels(settings: Settings) -> set[str]:
    """The entities of which fields are named after what the source's users call them."""
    return {m.source for m in _mappings(settings).values() if any(custom.label_of for custom in m.custom)}


def load_flows(settings: Settings, labels: Labels | None = None) -> dict[str, Flow]:
    """Every enabled flow of every company, by name. Raises ConfigurationError.

    ``labels``: what the source's users call the fields that have no name of their own; one without a label is not in
    use there.
    """
    mappings = _mappings(settings)
    of_first = {
        name: _flow(settings, name, flow, mappings, labels or {})
        for name, flow in settings.flows.by_name.items()
        if flow.enabled
    }
    _check_apart(of_first)
    return {
        company.flow(name): replace(
            flow,
            name=company.flow(name),
            company=company.key,
            after=tuple(map(company.flow, flow.after)),
        )
        for company in settings.every_company
        for name, flow in of_first.items()
        if name not in company.leave_out
    }


def load_deal_flows(settings: Settings) -> dict[str, DealFlow]:
    """The enabled flows over deals, in their order: one for all companies."""
    company = settings.every_company[0].key
    enabled = {
        TAGGING: settings.flows.deal_tagging.enabled,
        PROFITABILITY: settings.flows.profitability.enabled,
    }
    return {name: DealFlow(name, company) for name, is_on in enabled.items() if is_on}


def chart_of(flows: Iterable[Flow]) -> str:
    """The module in which the GL accounts of these flows are records; empty: there is none."""
    of_chart = (m.target for flow in flows for m in flow.mappings if m.module and m.source == CHART)
    return next(of_chart, "")


def deal_terms(settings: Settings, chart: str) -> DealTerms:
    """What the settings say of deals; ``chart``: the module in which GL accounts are records, if there is one."""
    deals, earned = settings.deals, settings.profitability
    rules = (
        Rule(name, r.account, r.product, r.pipeline, r.type, _company(settings, name, r.company))
        for name, r in deals.rules.items()
    )

    def folded(words: Collection[str]) -> frozenset[str]:
        return frozenset(word.strip().casefold() for word in words)

    return DealTerms(
        tuple(rules),
        deals.product_field,
        folded(deals.won_stages),
        earned.revenue,
        earned.cost,
        chart or GL_ACCOUNTS,
    )


def _company(settings: Settings, rule: str, name: str) -> str:
    """The key of the company that a rule names; empty where it names none."""
    if not name:
        return ""
    known = {company.name or settings.company.name: company.key for company in settings.every_company}
    if name not in known:
        raise ConfigurationError(
            f"[deals.rules.{rule}] names the company {name}, which is none.",
            f"Known are: {', '.join(sorted(filter(None, known)))}; the one of [gp] has its name from [company].",
        )
    return known[name]


def _flow(
    settings: Settings, name: str, flow: FlowSettings, mappings: Mapping[str, FieldMapping], labels: Labels
) -> Flow:
    used = [mappings[m] for m in flow.mappings]
    entities = sorted({mapping.source for mapping in used})
    if len(entities) > 1:
        raise ConfigurationError(
            f"The mappings of the flow “{name}” read different entities: {', '.join(entities)}.",
            "A flow reads one entity; move the others to a flow of their own.",
        )
    entity = ENTITIES[entities[0] if entities else name]
    _check_filter(name, flow, entity)
    limits = _limits(settings, entity)
    written = {(mapping.source, mapping.target) for mapping in mappings.values()}
    if settings.sales.enabled.keys() & {"orders", "deals"}:
        written.add((SALES_DOCUMENTS, DEALS))
    fitting = tuple(
        labelled(_fitting(mapping, flow, settings.owners, limits, written), labels.get(mapping.source, {}))
        for mapping in used
    )
    wanted = filter_of(flow.wanted)
    return Flow(name, str(settings.gp.company_id), entity, fitting, flow.after, wanted, limits)


def _limits(settings: Settings, entity: Entity) -> LineLimits:
    """The limits of lines hold for what is made from these, too."""
    of_lines = entity.postings or entity.name in LedgerMonths.entities
    return settings.flows.journal_entries.limits if of_lines else NO_LIMITS


def _check_apart(flows: Mapping[str, Flow]) -> None:
    """Each entity is one flow's: of two, each would take changes and readings that the other has to see."""
    by_entity: dict[str, str] = {}
    for name, flow in flows.items():
        other = by_entity.setdefault(flow.entity.name, name)
        if other != name:
            raise ConfigurationError(
                f"The flows “{other}” and “{name}” both read {flow.entity.name}; only one of them may.",
                "Name all these mappings in one of the two, and set enabled = false in the other.",
            )


def _check_filter(name: str, flow: FlowSettings, entity: Entity) -> None:
    own = [field.name for field in entity.fields.values() if not field.facet and not field.each]
    for field in flow.filter:
        if field not in own:
            near = get_close_matches(field, own, n=1)
            raise ConfigurationError(
                f"The filter of the flow “{name}” names “{field}”, which is no field of {entity.name}.",
                f"Did you mean “{near[0]}”?" if near else f"Known are: {', '.join(own)}.",
            )


def _fitting(
    mapping: FieldMapping,
    flow: FlowSettings,
    owners: OwnersSettings,
    limits: LineLimits,
    written: Collection[tuple[str, str]],
) -> FieldMapping:
    """The mapping as these settings have it.

    Without an owner where none is set, the mark of a filter that there is not, and lookups to records that no flow
    brings over: none of the (entity, module) ``written``.
    """
    drop = {rule.target for rule in mapping.rules if rule.transform == "owner" and not owners.default}
    drop |= {
        r.target for r in mapping.rules if r.of and not any((entity, r.lookup) in written for entity in r.of)
    }
    if not flow.filter and "filtered" in mapping.marks:
        drop.add(mapping.marks["filtered"])
    has_owner = any(rule.transform == "owner" for rule in mapping.rules) and owners.default
    beside = repr(sorted(flow.filter.items())) if flow.filter else ""
    beside += repr((owners.default, sorted(owners.salespeople.items()))) if has_owner else ""
    beside += limits.told
    return fitted(mapping, drop, beside)


def without(flow: Flow, no_room: Collection[tuple[str, str]]) -> Flow:
    """The flow without the fields that there is no room for, nor those of a module that there is not ((module, ""))."""
    modules = {module for module, field in no_room if not field}
    mappings = tuple(_without(m, no_room, modules) for m in flow.mappings if m.target not in modules)
    return replace(flow, mappings=mappings)


def _without(
    mapping: FieldMapping, no_room: Collection[tuple[str, str]], modules: Collection[str]
) -> FieldMapping:
    drop = {field for module, field in no_room if module == mapping.target}
    drop |= {rule.target for rule in mapping.rules if rule.lookup in modules}
    return fitted(mapping, drop, mapping.fingerprint) if drop else mapping


def with_room(flows: Mapping[str, Flow], no_room: Collection[tuple[str, str]]) -> dict[str, Flow]:
    """The flows without what there is no room for.

    One of which nothing is left does not run, unless it keeps lines or the accounts of these, whose categories tell
    what the lines are.
    """
    fewer = {name: without(flow, no_room) for name, flow in flows.items()}
    kept = {
        name
        for flow in flows.values()
        if (p := flow.entity.postings)
        for name in (flow.entity.name, p.accounts)
    }
    return {
        name: flow
        for name, flow in fewer.items()
        if flow.mappings or not flows[name].mappings or flow.entity.name in kept
    }


def with_owners(context: MapContext, owners: OwnersSettings, users: Mapping[str, str]) -> MapContext:
    """The context with the users' ids; a salesperson without an active user has the default, and a note says so.

    Raises ConfigurationError if the default itself is none.
    """
    default = _user(users, owners.default)
    if not default:
        raise ConfigurationError(
            f"[owners] names {owners.default}, who is no active user of Zoho.",
            f"Active are: {', '.join(sorted(users)) or 'none that we may see'}.",
        )
    found = {person: _user(users, user) for person, user in owners.salespeople.items()}
    notes = [
        f"[owners] names {owners.salespeople[person]} for {person}, who is no active user of Zoho:"
        f" such records go to {owners.default}."
        for person, user in found.items()
        if not user
    ]
    known = {fold_key(person): user for person, user in found.items() if user}
    return replace(context, owners=known, default_owner=default, notes=tuple(notes))


def _user(users: Mapping[str, str], given: str) -> str:
    """The id of an active user who is given by e-mail address or id; empty: there is none."""
    return given if given in users.values() else users.get(given.strip().casefold(), "")
