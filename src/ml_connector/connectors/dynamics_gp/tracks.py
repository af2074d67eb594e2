"""GP's entity action tracking as the sign that an e-mail address changed (facts.md 2.12).

No list has e-mail addresses and no stamp of a master shows them. Where an administrator turned tracking on for internet
addresses, GetChangedInternetAddressKeyList names the master of each. That it names vendors, too, is assumed (the table
below it, SY01200, holds both): whether tracking is on is therefore found out for customers and vendors apart.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ml_connector.connectors.dynamics_gp import soap
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.listing import Lister, RowLimit
from ml_connector.connectors.dynamics_gp.schema import GpEntity, Listing, key_of
from ml_connector.connectors.dynamics_gp.soap import Where
from ml_connector.connectors.dynamics_gp.values import Tree, to_instant
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.record import Reading, fold_key

#: GP does not say whether tracking is on. A track that named nothing for so long is taken for off.
SILENT = timedelta(days=30)
_SECOND = timedelta(seconds=1)
_YOUNG = timedelta(seconds=2)  # within it, a later edit may come under the same stamp


def is_kept(client: GpClient, gp: GpEntity) -> bool:
    """Whether GP kept a track of this entity's e-mail lately. An empty one proves nothing and counts as none."""
    listing = gp.tracks[0]
    return bool(client.list_rows(listing, _where(gp, listing, client.now() - SILENT)))


def read(client: GpClient, gp: GpEntity, since: datetime) -> list[Reading]:
    """Whose e-mail or address changed at or after ``since``: one reading for each, its digest the last instant.

    Beside an instant of this moment stands when it was read: another edit may follow under the same one, so that
    every reading differs until it is old.
    """
    now = client.now()
    found: dict[str, tuple[str, datetime]] = {}
    for listing in gp.tracks:
        lister = Lister(listing, client.list_rows, RowLimit(), _where(gp, listing, since))
        for row in lister.between(None, None):
            key, at = key_of(listing.levels[0], row), _stamp(row) or since
            known = found.get(fold_key(key))
            found[fold_key(key)] = (key, max(at, known[1]) if known else at)
    return [Reading(key, "emails", {}, _digest(at, now)) for key, at in found.values()]


def _digest(at: datetime, now: datetime) -> str:
    return f"{at.isoformat()}~{now.isoformat()}" if at >= now - _YOUNG else at.isoformat()


def _where(gp: GpEntity, listing: Listing, since: datetime) -> Where:
    where: Where = {"LastModifiedDate": {"GreaterThan": soap.instant_text(since - _SECOND)}}
    of_type = soap.CRITERIA[listing.operation].get("InternetAddressType")
    return {**where, "InternetAddressType": {"EqualValue": gp.master_type}} if of_type else where


def _stamp(row: Tree) -> datetime | None:
    try:
        return to_instant(row.get("LastModifiedDate"))
    except RecordRejectedError:
        return None
