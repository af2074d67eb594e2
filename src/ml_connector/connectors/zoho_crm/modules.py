"""Modules that are ours to make: what is there, what is missing, and making it once.

Source: Zoho CRM API v8, "Create Custom Module": one a call, for 500 credits, in the Enterprise edition and up. What the
API answers counts: an edition that refuses a module does without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.connectors.zoho_crm import codes, schema
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.edition import edition_of
from ml_connector.connectors.zoho_crm.errors import check_permitted
from ml_connector.connectors.zoho_crm.limits import MODULE_CREDITS
from ml_connector.connectors.zoho_crm.schema import NamedModule
from ml_connector.connectors.zoho_crm.wire import Item
from ml_connector.core.needs import ModuleNeed, ModuleState

_AGAIN = "Then run `ml-connector provision`."


class ModuleMaker:
    """Looks at the modules of an organisation and makes ours; doing it twice is doing it once."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client

    def check(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        """The state of each need, in order, by a list read now; the edition is asked for only if one is missing."""
        return self._states(needs, self._client.list_modules()) if needs else []

    def create(self, needs: Sequence[ModuleNeed]) -> list[ModuleState]:
        """Create what is missing, then read back; NotPermittedError if our user may not.

        One that Zoho refuses as a duplicate was made meanwhile, by us before an answer was lost or by another one.
        """
        states = self.check(needs)
        missing = [s.need for s in states if not (s.exists or s.left_out or s.problem)]
        if not missing:
            return states
        profiles = self._client.list_profiles()
        answers = {need.name: self._create(need, profiles) for need in missing}
        there = self._client.list_modules()
        return [_outcome(s, answers.get(s.need.name), there) for s in self._states(needs, there)]

    def _create(self, need: ModuleNeed, profiles: Sequence[str]) -> Item:
        item = self._client.create_module(need, profiles)
        check_permitted(item, "create modules")
        return item

    def _states(self, needs: Sequence[ModuleNeed], there: Sequence[NamedModule]) -> list[ModuleState]:
        by_name = {module.name: module for module in there}
        all_there = all(need.name in by_name for need in needs)
        edition = self._client.config.edition if all_there else edition_of(self._client)
        return [_state(need, by_name, edition) for need in needs]


def _state(need: ModuleNeed, there: Mapping[str, NamedModule], edition: str) -> ModuleState:
    """What there is in place of a module."""
    found = there.get(need.name)
    if found is not None and not found.by_api:
        return ModuleState(
            need,
            exists=True,
            problem=f"The API does not reach the module {need.name}.",
            remedy=f"Make it visible in Zoho under Setup > Modules and Fields. {_AGAIN}",
        )
    if found is not None:
        return ModuleState(need, exists=True)
    if edition not in schema.WITH_MODULES:
        return _left_out(need, f"the {edition} edition has no modules of one's own")
    if other := _of_same_label(need, there):
        return ModuleState(
            need,
            exists=False,
            problem=f"{need.name} cannot be made: the module {other.name} is called {other.plural!r} already.",
            remedy=f"Rename that module in Zoho, or write other names into [module] of the mapping. {_AGAIN}",
        )
    return ModuleState(need, exists=False, note=f"{need.name} is made for {MODULE_CREDITS} API credits.")


def _of_same_label(need: ModuleNeed, there: Mapping[str, NamedModule]) -> NamedModule | None:
    ours = {need.singular.casefold(), need.plural.casefold()}
    return next((m for m in there.values() if ours & {m.singular.casefold(), m.plural.casefold()}), None)


def _left_out(need: ModuleNeed, why: str) -> ModuleState:
    note = f"The module {need.name} is left out: {why}. The mappings do without it."
    return ModuleState(need, exists=False, left_out=True, note=note)


def _outcome(state: ModuleState, answer: Item | None, there: Sequence[NamedModule]) -> ModuleState:
    """The state after the answer to its creation, if one was tried: what is there by now is no matter."""
    need = state.need
    if answer is None or state.exists:
        return state
    if answer.ok:
        return _missed(need, str(answer.details.get("id") or ""), there)
    if codes.is_of_edition(answer.code):
        return _left_out(need, f"Zoho does not let this organisation have it; it said: {answer.raw}")
    return ModuleState(
        need,
        exists=False,
        problem=f"Zoho did not create the module {need.name}; it said: {answer.raw}.",
        remedy=f"Write other names into [module] of the mapping, or rename what is in the way in Zoho. {_AGAIN}",
    )


def _missed(need: ModuleNeed, made_id: str, there: Sequence[NamedModule]) -> ModuleState:
    """Zoho says that it made the module, and lists none of its API name."""
    made = next((module for module in there if made_id and module.id == made_id), None)
    if made is None:
        problem = f"Zoho says that it made the module {need.name}, and does not list it yet."
        return ModuleState(need, exists=False, problem=problem, remedy=f"Wait a minute. {_AGAIN}")
    return ModuleState(
        need,
        exists=False,
        problem=f"Zoho gave the new module the API name {made.name}, not {need.name}.",
        remedy=f"Set the API name in Zoho under Setup > APIs > API Names, or correct the mapping. {_AGAIN}",
    )
