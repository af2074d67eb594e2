"""The custom fields that the mappings need: what is there, what is missing, and making what is ours to make.

Source: Zoho CRM API v8, "Fields Metadata" and "Create Custom Fields". What may be made is decided in ``places``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ml_connector.connectors.zoho_crm import codes, errors, schema
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.codes import UnknownModuleError
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
from ml_connector.core.errors import NotPermittedError
from ml_connector.core.ports import FieldNeed, FieldState

_MAX_A_CALL = 5


class Provisioner:
    """Looks at the modules of an organisation and gives them fields; doing it twice is doing it once."""

    def __init__(self, client: ZohoClient, metadata: Metadata) -> None:
        self._client = client
        self._metadata = metadata

    def check(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """The state of each need, in order, by metadata read now."""
        modules = self._read_modules(needs)
        return _states(modules, needs, self._places(modules, needs))

    def create(self, needs: Sequence[FieldNeed]) -> list[FieldState]:
        """Create what is missing and ours to make, then read back; NotPermittedError if our user may not."""
        modules = self._read_modules(needs)
        places = self._places(modules, needs)
        if not places.make:
            return _states(modules, needs, places)
        failures: dict[Name, FieldState] = {}
        for module in modules:
            of_module = [need for need in places.make if need.module == module]
            for start in range(0, len(of_module), _MAX_A_CALL):
                failures |= self._create(module, of_module[start : start + _MAX_A_CALL])
        made = frozenset(map(name_of, places.make)) - failures.keys()
        return [_outcome(state, failures, made) for state in self.check(needs)]

    def _create(self, module: str, needs: Sequence[FieldNeed]) -> dict[Name, FieldState]:
        """Those that Zoho refused, each with its reason."""
        refused = {}
        for need, item in zip(needs, self._client.create_fields(module, needs), strict=True):
            if codes.SAME.get(item.code, item.code) == "NO_PERMISSION":
                raise NotPermittedError(
                    f"Zoho does not let us create fields of {module}; it said: {item.raw}.",
                    codes.REQUEST_CODES["NO_PERMISSION"].remedy,
                )
            if not item.ok:
                refused[name_of(need)] = _refused(need, item)
        return refused

    def _read_modules(self, needs: Sequence[FieldNeed]) -> dict[str, Module]:
        return {name: self._read_module(name) for name in dict.fromkeys(need.module for need in needs)}

    def _read_module(self, module: str) -> Module:
        try:
            return Module(module, self._metadata.read(module).fields)
        except UnknownModuleError as error:
            return Module(module, {}, error)

    def _places(self, modules: Mapping[str, Module], needs: Sequence[FieldNeed]) -> Places:
        """Who gets a place; the organisation is asked for its edition only if there is something to make."""
        name = self._edition() if wanted(modules, needs) else self._client.config.edition
        return give_places(modules, needs, Edition(name, schema.CUSTOM_FIELDS[name]))

    def _edition(self) -> str:
        """The organisation's edition, as it tells it; else as it is configured."""
        try:
            licence = self._client.get_org().get("license_details")
        except NotPermittedError:
            licence = None
        told = schema.edition_named(licence.get("paid_type")) if isinstance(licence, dict) else None
        return told or self._client.config.edition


def _states(modules: Mapping[str, Module], needs: Sequence[FieldNeed], places: Places) -> list[FieldState]:
    return [state_of(modules[need.module], need, places) for need in needs]


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
