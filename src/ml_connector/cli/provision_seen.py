"""What ``ml-connector provision`` looks at: the modules and fields of Zoho, and what GP calls them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.cli.provision_show import End, missing_of
from ml_connector.core.deal_fields import CHART
from ml_connector.core.errors import ConnectorError
from ml_connector.core.needs import FieldNeed, FieldState, ModuleNeed, ModuleState

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.core.flow import Flow


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is in Zoho, and what is known of GP's names for it."""

    modules: Sequence[ModuleState]
    fields: Sequence[FieldState]
    notes: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()  #: what comes of a module that is left out

    @property
    def modules_to_make(self) -> list[ModuleNeed]:
        """Modules that are not there and can be made."""
        return [s.need for s in self.modules if not (s.exists or s.left_out or s.problem)]

    @property
    def missing(self) -> list[FieldNeed]:
        """Fields that are not there and would be ours to make."""
        return missing_of(self.fields)

    @property
    def relabel(self) -> list[FieldNeed]:
        """Fields that people see under another label than they should."""
        return list({(s.need.module, s.need.name): s.need for s in self.fields if s.relabel}.values())

    @property
    def is_whole(self) -> bool:
        """Whether nothing is to be made."""
        return not (self.modules_to_make or self.missing or self.relabel)

    @property
    def modules_left_out(self) -> frozenset[str]:
        """The modules that the edition does not have."""
        return frozenset(state.need.name for state in self.modules if state.left_out)

    def ended(
        self,
        made: Sequence[FieldNeed] = (),
        relabelled: Sequence[FieldNeed] = (),
        modules: Sequence[ModuleNeed] = (),
    ) -> End:
        """The same as the end of the command tells it, with what was made."""
        notes = (*self.instead, *self.notes)
        return End(self.modules, self.fields, self.missing, made, relabelled, modules, notes)


def read_labels(app: App) -> tuple[str, ...]:
    """Take over what GP calls its fields now; where it does not tell, what it called them last, and a note."""
    notes = []
    labels = {}
    for entity, source in app.works.sources_to_label().items():
        try:
            labels[entity] = dict(source.labels(entity))
        except ConnectorError as error:
            labels[entity] = dict(app.roster.labels.get(entity, {}))
            notes.append(
                f"What GP calls the fields of {entity} could not be read: {error.happened} It stays as it was known"
                " last; run `ml-connector provision` again when GP can be reached."
            )
    app.roster.use_labels(labels)
    return tuple(notes)


def look(app: App, notes: tuple[str, ...], *, as_refused: bool = False) -> Seen:
    """What there is in Zoho; ``as_refused``: a module that Zoho refused is not asked for again."""
    modules = app.target.check_modules(app.roster.module_needs())
    if as_refused:
        modules = [_as_refused(app, state) for state in modules]
    return look_at_fields(app, Seen(modules, (), notes))


def look_at_fields(app: App, seen: Seen) -> Seen:
    """The same with the fields as they are now."""
    fields = app.target.check_fields(app.roster.needs(seen.modules_left_out))
    return replace(seen, fields=fields, instead=_instead(app, seen.modules_left_out))


def _instead(app: App, left_out: Collection[str]) -> tuple[str, ...]:
    """What becomes of flows and settings without these modules."""
    idle = app.roster.idle_flows(left_out)
    told = [f"The flow {flow.name} does not run: it has nothing else to write into." for flow in idle]
    keeping = app.roster.keeping_flows(left_out)
    told += [f"The flow {f.name} keeps {_what(f)} here and writes none of them to Zoho." for f in keeping]
    if app.settings.flows.deal_tagging.enabled and any(f.entity.name == CHART for f in [*idle, *keeping]):
        told.append("The GL account of a deal is a picklist of account numbers instead of a lookup.")
    return tuple(told)


def _what(flow: Flow) -> str:
    return "its lines" if flow.entity.postings else "the categories of its accounts"


def _as_refused(app: App, state: ModuleState) -> ModuleState:
    """A module that Zoho refused when it was asked for last is left out until it is asked again."""
    if state.exists or state.left_out or (state.need.name, "") not in app.roster.no_room:
        return state
    note = (
        f"The module {state.need.name} is left out: Zoho did not let this organisation have it."
        " `ml-connector provision` asks for it again."
    )
    return ModuleState(state.need, exists=False, left_out=True, note=note)
