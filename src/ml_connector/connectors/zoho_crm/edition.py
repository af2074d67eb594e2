"""Which edition an organisation has: it tells, and where it does not, the settings do."""

from __future__ import annotations

from ml_connector.connectors.zoho_crm import schema
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.core.errors import NotPermittedError


def edition_of(client: ZohoClient) -> str:
    """The organisation's edition, as it tells it; else as it is configured."""
    try:
        licence = client.get_org().get("license_details")
    except NotPermittedError:
        licence = None
    told = schema.edition_named(licence.get("paid_type")) if isinstance(licence, dict) else None
    return told or client.config.edition
