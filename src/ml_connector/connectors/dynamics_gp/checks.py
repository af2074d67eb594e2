"""What ``ping`` asks of GP: is it reached, are we let in, may we do what the flows need, do the clocks agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ml_connector.connectors.dynamics_gp import tracks
from ml_connector.connectors.dynamics_gp.client import LOGGED_REASONS, GpClient
from ml_connector.connectors.dynamics_gp.ledger_reader import LedgerReader
from ml_connector.connectors.dynamics_gp.owed import INVOICE
from ml_connector.connectors.dynamics_gp.sba_reader import SbaReader
from ml_connector.connectors.dynamics_gp.schema import GpEntity
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError, RetryableError
from ml_connector.core.flow import Flow
from ml_connector.core.ports import Check

NOBODY = "~nobody~"  #: an id that no record has: asking for it is harmless
_NOTHING_LOGGED = "00000000-0000-0000-0000-000000000000"
_CLOCK_TOLERANCE_SECONDS = 300  # Kerberos stops working beyond it


@dataclass(frozen=True, slots=True)
class Checks:
    """Tries of one company; nothing is changed by any of them."""

    client: GpClient
    by_sba: Callable[[str], SbaReader | None]  #: what reads this entity by SBA; None: SOAP does
    ledger: LedgerReader

    def of(self, asked: Sequence[tuple[GpEntity, Flow | None]]) -> list[Check]:
        """Everything that reading these entities needs; of one that a flow reads, only what that flow uses."""
        try:
            companies = self.client.companies()
        except ConnectorError as error:
            return [Check("reach GP", ok=False, detail=error.happened, remedy=error.remedy)]
        checks = [
            Check("reach GP", ok=True, detail=self.client.config.endpoint),
            self._sign_in(),
            self._company(companies),
        ]
        for gp, flow in asked:
            if sba := self.by_sba(gp.name):
                checks += sba.checks(gp.name)
            checks += self._operations(gp, flow)
        return [*checks, self._reasons(), self._clock()]

    def _sign_in(self) -> Check:
        why = f", not by Kerberos: {self.client.downgrade}" if self.client.downgrade else ""
        return Check("sign in", ok=True, detail=f"{self.client.config.user} by {self.client.mechanism}{why}")

    def _company(self, companies: Mapping[int, str]) -> Check:
        wanted = self.client.config.company_id
        if wanted in companies:
            return Check("company", ok=True, detail=f"{wanted}: {companies[wanted]}")
        seen = ", ".join(f"{number} ({name})" for number, name in sorted(companies.items())) or "none"
        return Check(
            "company",
            ok=False,
            detail=f"The account may not use company {wanted}; it may use: {seen}.",
            remedy="Set company_id to one of these, or give the account a role in the company.",
        )

    def _operations(self, gp: GpEntity, flow: Flow | None) -> list[Check]:
        """Every operation that reads this entity, as far as the flow uses it, tried on a record that there is not."""
        facets, used_by = (flow.watched_facets(), flow.name) if flow else (gp.facets, "")
        found = [tried(name, attempt, used_by) for name, attempt in self._tries(gp, list(facets)).items()]
        return [*found, self._track(gp)] if gp.tracks else found

    def _tries(self, gp: GpEntity, facets: Sequence[str]) -> dict[str, Callable[[], object]]:
        client, sba = self.client, self.by_sba(gp.name)
        listings = [
            listing
            for name, listing in gp.facets.items()
            if name in facets and not (sba and name == "addresses" and sba.lists_addresses(gp.name))
        ]
        tries: dict[str, Callable[[], object]] = {
            listing.operation: partial(client.list_rows, listing, listing.probe)
            for listing in (*(() if sba else (gp.listing,)), *listings)
        }
        if sba is None:
            tries |= self.ledger.tries(gp) or {
                gp.read_operation: partial(client.read, gp.read_operation, NOBODY)
            }
        elif sba.needs_format(gp.name):
            tries |= self.ledger.format_tries()
        if "payables" in facets and client.config.payables == "exact":
            tries[INVOICE] = partial(client.read, INVOICE, NOBODY)
        return tries

    def _track(self, gp: GpEntity) -> Check:
        """Whether edits of an e-mail address alone are told; where not, nothing is wrong."""
        name = f"entity action tracking of e-mail, {gp.name}"
        slowly = "every record is read in its turn instead ([sync] email_sweep_nights)."
        try:
            if tracks.is_kept(self.client, gp):
                return Check(name, ok=True, detail="on: an edit is seen by the next run.")
        except ConnectorError as error:
            return Check(name, ok=True, detail=f"not to be had ({error.happened.rstrip('.')}): {slowly}")
        silent = f"off, or silent for {tracks.SILENT.days} days"
        return Check(name, ok=True, detail=f"{silent}: {slowly}")

    def _reasons(self) -> Check:
        """Without this right all flows run; only what GP says of a record that it refuses is shorter."""
        try:
            self.client.logged_reasons(_NOTHING_LOGGED)
        except ConfigurationError as error:
            return Check(LOGGED_REASONS, ok=True, detail=f"not needed, and not allowed: {error.happened}")
        except RetryableError as error:
            return Check(LOGGED_REASONS, ok=False, detail=error.happened, remedy=error.remedy)
        return Check(LOGGED_REASONS, ok=True, detail="allowed")

    def _clock(self) -> Check:
        difference = self.client.clock_difference()
        return Check(
            "clock",
            ok=abs(difference) < _CLOCK_TOLERANCE_SECONDS,
            detail=f"GP's clock is {abs(difference):.0f} s {'ahead of' if difference > 0 else 'behind'} ours.",
            remedy="Set both clocks by a time server: Kerberos fails beyond five minutes.",
        )


def tried(operation: str, attempt: Callable[[], object], flow: str = "") -> Check:
    """An answer of "not found" proves the right to ask; so does a fault about this one made-up record."""
    needed = f" The flow {flow} needs it." if flow else ""
    try:
        attempt()
    except RecordRejectedError:
        pass
    except ConnectorError as error:
        return Check(operation, ok=False, detail=f"{error.happened}{needed}", remedy=error.remedy)
    return Check(operation, ok=True, detail="allowed")
