"""Which edition an organisation has: it tells, and where it does not, the settings do."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.connectors.zoho_crm import schema
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.core.errors import NotPermittedError


def edition_of(client: ZohoClient) -> str:
    """The organisation's edition, as it tells it; else as it is configured."""
    try:
        told = edition_told(client.get_org())
    except NotPermittedError:
        told = None
    return told or client.config.edition


def edition_told(org: Mapping[str, object]) -> str | None:
    """The edition that an organisation's own description names; None: it names none that we know."""
    licence = org.get("license_details")
    return schema.edition_named(licence.get("paid_type")) if isinstance(licence, dict) else None
