"""Dynamics GP as a target: the sales documents, the masters and the set-up of one company."""

from __future__ import annotations

from collections.abc import Iterable

from ml_connector.connectors.dynamics_gp import target_checks
from ml_connector.connectors.dynamics_gp.changes import Changes
from ml_connector.connectors.dynamics_gp.client import GpClient, Transport
from ml_connector.connectors.dynamics_gp.documents import GpDocuments
from ml_connector.connectors.dynamics_gp.master_edits import GpMasterEdits
from ml_connector.connectors.dynamics_gp.policies import Policies
from ml_connector.connectors.dynamics_gp.sba_caller import SbaCaller
from ml_connector.connectors.dynamics_gp.sba_documents import SbaDocuments
from ml_connector.connectors.dynamics_gp.set_up import GpSetUp
from ml_connector.core.ports import Check, KeptLimits
from ml_connector.core.sales import Kind
from ml_connector.core.sales_ports import Documents, MasterEdits, SetUp


class GpTarget:
    """What of one company is written to; one that is shared asks for each policy once. Thread-safe."""

    documents: Documents
    masters: MasterEdits
    set_up: SetUp

    def __init__(
        self, client: GpClient, limits: KeptLimits | None = None, sba: Transport | None = None
    ) -> None:
        """Through ``client``; who made it closes it, and ``sba``, which goes to SBA's server where that is used.

        ``limits``: see ``GpSource``.
        """
        self.client = client
        self._policies = Policies(client, client.config.policies)
        self._sba: SbaDocuments | None = None
        changes, config = Changes(client, self._policies), client.config.sba
        self.documents = GpDocuments(client, changes, limits)
        if config.sales.enabled:
            assert sba is not None, "sales documents by SBA need a transport to its server"
            self.documents = self._sba = SbaDocuments(config.sales, client, SbaCaller(config, client, sba))
        self.masters = GpMasterEdits(client, changes)
        self.set_up = GpSetUp(client)

    def checks(
        self, kinds: Iterable[Kind] = (), edited: Iterable[str] = (), created: Iterable[str] = ()
    ) -> list[Check]:
        """What ``ping`` tries: documents of these kinds, edits and creates of records of these entities."""
        masters = target_checks.of_masters(self.client, self._policies, edited, created)
        kinds = tuple(kinds)
        if not kinds:
            return masters
        if self._sba is not None:
            return [*self._sba.checks(kinds), *masters]
        return [*target_checks.of_documents(self.client, self._policies, kinds), *masters]
