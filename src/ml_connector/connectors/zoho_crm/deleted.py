"""What was deleted in a module: told to target and source alike."""

from __future__ import annotations

from datetime import datetime

from ml_connector.connectors.zoho_crm import wire
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.core.change import Change


def list_deleted(client: ZohoClient, module: str, since: datetime) -> list[Change]:
    """The records deleted at or after ``since``, each once with when it was, the latest first.

    Zoho remembers 60 days (recycle bin) to 120 days (for good). Who deletes meanwhile moves rows to later pages: some
    come twice, none is left out.
    """
    found: dict[str, Change] = {}
    page, more = 1, True
    while more:
        rows, more = client.list_deleted(module, since, page)
        for row in rows:
            if "id" in row:
                at = wire.instant(row.get("deleted_time"))
                found.setdefault(
                    str(row["id"]), Change(str(row["id"]), str(row.get("display_name") or ""), at)
                )
        page, more = page + 1, more and bool(rows)
    return list(found.values())
