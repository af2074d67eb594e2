"""The custom fields that the mappings need: what is there, what is missing, and making what is ours to make.

Source: Zoho CRM API v8, "Fields Metadata", "Create Custom Fields", "Update Custom Field". What may be made is decided
in ``places``, what people see it under in ``labels``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ml_connector.connectors.zoho_crm import codes, errors, schema
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.codes import UnknownModuleError
from ml_connector.connectors.zoho_crm.edition import edition_of
from ml_connector.connectors.zoho_crm.labels import Labels, give_labels, with_label
from ml_connector.connectors.zoho_crm.metadata import Metadata
from ml_connector.connectors.zoho_crm.places import (
    Edition,
    Module,
    Name,
    Places,
    give_places,
    name_of,
    state_of,
    wanted,
)
from ml_connector.connectors.zoho_crm.wire import Item
from ml_connector.core.needs import FieldNeed, FieldState

_MAX_A_CALL = 5


class Provisioner:
    """Looks at the modules of an organisation and gives them fields; doing it twice is doing it once."""

    def __init__(self, client: ZohoClient, metadata: Metadata) -> None:
        self._client = client
        self._metadata = metadata

    def check(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """The state of each need, in order, by metadata read now."""
        return self._states(self._read_modules(needs), needs)

    def create(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """Create what is missing and ours to make, label anew what is to be seen under another name, and read back.

        NotPermittedError if our user may not. Fields of a module that is not there (yet) are left as they are.
        """
        modules = self._read_modules(needs)
        make = [n for n in self._places(modules, needs).make if modules[n.module].unknown is None]
        failures = self._make(make)
        if make:
            modules = self._read_modules(needs)
        labels = give_labels(modules, needs)
        unlabelled = self._relabel(modules, labels)
        if labels.change:
            modules = self._read_modules(needs)
        made = frozenset(map(name_of, make)) - failures.keys()
        states = [_outcome(state, failures, made) for state in self._states(modules, needs)]
        return [_as_labelled(state, unlabelled) for state in states]

    def _make(self, needs: Sequence[FieldNeed]) -> dict[Name, FieldState]:
        """Create these fields, a few a call; those that Zoho refused, each with its reason."""
        failures: dict[Name, FieldState] = {}
        for module in dict.fromkeys(need.module for need in needs):
            of_module = [need for need in needs if need.module == module]
            for start in range(0, len(of_module), _MAX_A_CALL):
                failures |= self._create(module, of_module[start : start + _MAX_A_CALL])
        return failures

    def _create(self, module: str, needs: Sequence[FieldNeed]) -> dict[Name, FieldState]:
        items = self._client.create_fields(module, needs)
        for item in items:
            errors.check_permitted(item, f"create fields of {module}")
        found = zip(needs, items, strict=True)
        return {name_of(need): _refused(need, item) for need, item in found if not item.ok}

    def _relabel(self, modules: Mapping[str, Module], labels: Labels) -> dict[Name, Item]:
        """Give the labels, those in the way of others first; what Zoho refused."""
        refused: dict[Name, Item] = {}
        for (module, name), label in (*labels.free.items(), *labels.change.items()):
            item = self._client.relabel_field(module, modules[module].fields[name].id, label)
            errors.check_permitted(item, f"relabel fields of {module}")
            if not item.ok:
                refused[module, name] = item
        return refused

    def _states(self, modules: Mapping[str, Module], needs: Sequence[FieldNeed]) -> list[FieldState]:
        places, labels = self._places(modules, needs), give_labels(modules, needs)
        return [with_label(state_of(modules[need.module], need, places), labels) for need in needs]

    def _read_modules(self, needs: Sequence[FieldNeed]) -> dict[str, Module]:
        ours = {need.module for need in needs if need.module_is_ours}
        names = dict.fromkeys(need.module for need in needs)
        return {name: self._read_module(name, ours=name in ours) for name in names}

    def _read_module(self, module: str, *, ours: bool) -> Module:
        try:
            return Module(module, self._metadata.read(module).fields)
        except UnknownModuleError as error:
            return Module(module, {}, error, ours)

    def _places(self, modules: Mapping[str, Module], needs: Sequence[FieldNeed]) -> Places:
        """Who gets a place; the organisation is asked for its edition only if there is something to make."""
        name = edition_of(self._client) if wanted(modules, needs) else self._client.config.edition
        return give_places(modules, needs, Edition(name, schema.CUSTOM_FIELDS[name]))


def _as_labelled(state: FieldState, refused: Mapping[Name, Item]) -> FieldState:
    """The state, or why Zoho did not give the field its label: what people see by now is no matter."""
    item = refused.get(name_of(state.need))
    if item is None or not state.relabel or state.problem:
        return state
    need = state.need
    problem = f"Zoho did not label {need.module}.{need.name} {need.shown_as!r}; it said: {item.raw}"
    remedy = "Rename it where the name comes from, or in Zoho; then run `ml-connector provision`."
    return replace(state, problem=problem, remedy=remedy)


def _refused(need: FieldNeed, item: Item) -> FieldState:
    """What Zoho said of a new field. Its codes are those of records, so their advice is not all for a field."""
    error = errors.item_error(item)
    happened, advice = error.happened, error.remedy.removesuffix(codes.RETRY).strip()
    if codes.SAME.get(item.code, item.code) == "DUPLICATE_DATA":
        happened = "It has another field of this label or API name."
        advice = "Use that field in the mapping, or rename one of the two."
    problem = f"Zoho did not create {need.module}.{need.name}. {happened} It said: {item.raw}"
    remedy = f"{advice} Then run `ml-connector provision`."
    return FieldState(need, exists=False, problem=problem, remedy=remedy)


def _outcome(state: FieldState, failures: Mapping[Name, FieldState], made: frozenset[Name]) -> FieldState:
    """The state, why Zoho refused the field, or that the label made another API name: Zoho derives it.

    A field that is there by now was made by somebody else meanwhile: that it was refused to us is no matter.
    """
    failure = failures.get(name_of(state.need))
    if failure is not None and not state.exists:
        return replace(failure, need=state.need)
    if state.exists or name_of(state.need) not in made:
        return state
    return replace(
        state,
        problem=f"Zoho made another API name than {state.need.name} from the label {state.need.label!r}.",
        remedy="Set the API name in Zoho under Setup > APIs > API Names, or correct the mapping.",
    )
