"""Dynamics GP as a target: the sales documents, the masters and the set-up of one company."""

from __future__ import annotations

from ml_connector.connectors.dynamics_gp.changes import Changes
from ml_connector.connectors.dynamics_gp.client import GpClient, Transport
from ml_connector.connectors.dynamics_gp.documents import GpDocuments
from ml_connector.connectors.dynamics_gp.master_edits import GpMasterEdits
from ml_connector.connectors.dynamics_gp.policies import Policies
from ml_connector.connectors.dynamics_gp.sba_caller import SbaCaller
from ml_connector.connectors.dynamics_gp.sba_documents import SbaDocuments
from ml_connector.connectors.dynamics_gp.set_up import GpSetUp
from ml_connector.core.ports import KeptLimits
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
        changes, config = Changes(client, Policies(client, client.config.policies)), client.config.sba
        self.documents = GpDocuments(client, changes, limits)
        if config.sales.enabled:
            assert sba is not None, "sales documents by SBA need a transport to its server"
            self.documents = SbaDocuments(config.sales, client, SbaCaller(config, client, sba))
        self.masters = GpMasterEdits(client, changes)
        self.set_up = GpSetUp(client)
