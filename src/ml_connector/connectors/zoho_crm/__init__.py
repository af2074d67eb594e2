"""The Zoho CRM connector: a target that records are written to, and a source of sales documents.

Read in this order: ``config`` (what a person says), ``schema`` (tables of data centres, scopes, editions and
metadata), ``wire`` (the dialect: values to JSON and back), ``coql`` (and to queries), ``codes`` and ``errors`` (what
their codes mean), ``auth`` (how we sign in), ``limits`` and ``pace`` (how much we may ask at once), ``budget`` and
``allowance`` (and in a day), ``guard`` (all of these round a call), ``calls`` (every request that we make), ``client``
(the only file that sends), ``metadata`` (what we know of the modules), ``target`` (the port), ``documents`` (tables of
what is read), ``reading`` (and how), ``deleted`` and ``source`` (another port), ``channels`` (one more: how Zoho tells
us of changes), ``checks`` (what ``ping`` asks), ``places`` and ``provision`` (custom fields).

Its twin is ``ml_connector.connectors.dynamics_gp``; the same file names do the same job there.
"""

from ml_connector.connectors.zoho_crm.allowance import Allowance
from ml_connector.connectors.zoho_crm.auth import AccessToken, Grant, TokenShelf
from ml_connector.connectors.zoho_crm.channels import ZohoChannels
from ml_connector.connectors.zoho_crm.client import ZohoClient, open_client
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.connectors.zoho_crm.guard import CallGuard
from ml_connector.connectors.zoho_crm.limits import RequestGate
from ml_connector.connectors.zoho_crm.source import ZohoSource
from ml_connector.connectors.zoho_crm.target import ZohoTarget

__all__ = [
    "AccessToken",
    "Allowance",
    "CallGuard",
    "Grant",
    "RequestGate",
    "TokenShelf",
    "ZohoChannels",
    "ZohoClient",
    "ZohoConfig",
    "ZohoSource",
    "ZohoTarget",
    "open_client",
]
