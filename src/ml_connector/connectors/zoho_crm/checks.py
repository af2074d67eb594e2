"""What ``ping`` asks of Zoho: are we let in, may we do what the flows need, is all there, do the clocks agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec

from ml_connector.connectors.zoho_crm import coql, wire
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.edition import edition_told
from ml_connector.connectors.zoho_crm.modules import ModuleMaker
from ml_connector.connectors.zoho_crm.places import PROVISION
from ml_connector.connectors.zoho_crm.provision import Provisioner
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.ports import Check

Of = ParamSpec("Of")

_MAX_CLOCK_DIFFERENCE_SECONDS = 60
_NAMED = 3  #: fields that are named before the rest is counted


@dataclass(frozen=True, slots=True)
class Checks:
    """Tries of one organisation; nothing is changed by any of them."""

    client: ZohoClient
    provisioner: Provisioner
    modules: ModuleMaker
    list_users: Callable[[], object]  #: reads every active one

    def of(
        self,
        modules: Sequence[str],
        needs: Sequence[FieldNeed],
        *,
        users: bool,
        layouts: Sequence[str],
        own: Sequence[ModuleNeed],
        edited: Sequence[str],
    ) -> list[Check]:
        """Everything that a run needs, as ``ZohoTarget.checks`` says; the first failure of signing in ends it."""
        signed_in = tried("sign in", self._try_token)
        if not signed_in.ok:
            return [signed_in]
        found = [signed_in, *self._further_checks(modules, needs, own)]
        found += [check for module in edited for check in self._module_checks(module, creates=False)]
        found += [tried("read users", allowed, self.list_users)] if users else []
        return found + [
            tried(f"read layouts of {m}", allowed, partial(self.client.list_layouts, m)) for m in layouts
        ]

    def _further_checks(
        self, modules: Sequence[str], needs: Sequence[FieldNeed], own: Sequence[ModuleNeed]
    ) -> Iterator[Check]:
        yield tried("organisation", self._try_org)
        yield tried("clock", self._try_clock)
        missing: set[str] = set()
        if own:
            yield tried("modules", self._try_modules, own, missing)
        if missing:  # trying to create one may cost as much as creating it
            yield tried("read profiles", allowed, self.client.list_profiles)
            yield tried("create modules", allowed, self.client.try_creating_modules)
        for module in (name for name in modules if name not in missing):
            yield from self._module_checks(module)
        ours = [need for need in needs if need.label and need.module not in missing]
        if ours:
            module = ours[0].module
            yield tried("create fields", allowed, lambda: self.client.try_creating_fields(module))
        if any(need.shown_as for need in ours):
            label = next(need for need in ours if need.shown_as)
            yield tried(
                "relabel fields", allowed, lambda: self.client.try_relabelling(label.module, label.label)
            )
        if needs:
            yield tried("fields", self._try_fields, needs)

    def _module_checks(self, module: str, *, creates: bool = True) -> Iterator[Check]:
        """One row for each scope: read, query, create, update."""
        client = self.client
        probe = coql.candidates_query(module, ["id"], None, None, 1)
        tries: list[tuple[str, Callable[[], object]]] = [
            ("read fields of", lambda: client.list_fields(module)),
            ("read", lambda: client.list_records(module, ["1"], ["id"])),
            ("query", lambda: client.query(module, probe, 1)),
            ("create", lambda: client.try_writing(module, "CREATE")),
            ("update", lambda: client.try_writing(module, "UPDATE")),
        ]
        for name, attempt in tries:
            if creates or name != "create":
                yield tried(f"{name} {module}", allowed, attempt)

    def _try_token(self) -> str:
        token = self.client.auth.token()
        return f"API at {token.api_domain}"

    def _try_org(self) -> str:
        org, configured = self.client.get_org(), self.client.config.edition
        told = edition_told(org) or configured
        other = f'; its edition is {told}, not {configured}: set edition = "{told}" below [zoho]'
        name = f"{org.get('company_name', '?')} (id {wire.org_id(org) or '?'}, {org.get('type', '?')})"
        return f"{name}{other if told != configured else ''}"

    def _try_clock(self) -> str:
        seconds = self.client.measure_clock()
        if abs(seconds) > _MAX_CLOCK_DIFFERENCE_SECONDS:
            raise ConfigurationError(
                f"Our clock and Zoho's differ by {seconds:+.0f} s.", "Let this machine set its clock by NTP."
            )
        return f"{seconds:+.1f} s"

    def _try_modules(self, own: Sequence[ModuleNeed], missing: set[str]) -> str:
        """Notes those that are ``missing``."""
        states = self.modules.check(own)
        missing.update(state.need.name for state in states if not state.exists)
        bad = [state for state in states if state.problem or not state.exists]
        if bad:
            told = [s.problem or f"The module {s.need.name} does not exist in Zoho yet." for s in bad]
            remedies = dict.fromkeys(state.remedy or PROVISION for state in bad)
            raise ConfigurationError(" ".join(told), " ".join(remedies))
        return f"{', '.join(need.name for need in own)}: there"

    def _try_fields(self, needs: Sequence[FieldNeed]) -> str:
        states = self.provisioner.check(needs)
        bad = [state for state in states if state.problem]
        if bad:
            remedies = " ".join(dict.fromkeys(state.remedy for state in bad))
            raise ConfigurationError(
                " ".join([*(s.problem for s in bad[:_NAMED]), _others(len(bad))]).rstrip(), remedies
            )
        left_out = sum(state.left_out for state in states)
        return (
            f"{len(needs) - left_out} are as needed, {left_out} left out"
            if left_out
            else f"all {len(needs)} are as needed"
        )


def tried(name: str, attempt: Callable[Of, str], *args: Of.args, **named: Of.kwargs) -> Check:
    """What came of it."""
    try:
        return Check(name, ok=True, detail=attempt(*args, **named))
    except ConnectorError as error:
        return Check(name, ok=False, detail=error.happened, remedy=error.remedy)


def _others(bad: int) -> str:
    return f"And {bad - _NAMED} more like it." if bad > _NAMED else ""


def allowed(attempt: Callable[[], object]) -> str:
    """That it is, if it is."""
    attempt()
    return "allowed"
