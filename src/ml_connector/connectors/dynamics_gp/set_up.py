"""What of items, sites, batches and the like GP has; implements ``core.sales_ports.SetUp``, by SOAP.

Which units an item may be sold in stands in its schedule, where it is kept in its quantities by site (legacy
description, SalesItem); an item that is not of the inventory is kept nowhere, and may be sold from any site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ml_connector.connectors.dynamics_gp import soap, values
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.sales_fields import BATCH_SOURCE
from ml_connector.connectors.dynamics_gp.schema import Level, Listing
from ml_connector.connectors.dynamics_gp.soap import Wanted
from ml_connector.connectors.dynamics_gp.values import Tree, children, find, to_text
from ml_connector.core.record import fold_key
from ml_connector.core.sales_ports import Need, Thing

_ID = ("Key", "Id")
LISTINGS: Mapping[Thing, Listing] = {
    Thing.SITE: Listing("GetWarehouseList", "WarehouseSummary", (Level("WarehouseId", _ID),)),
    Thing.PRICE_LEVEL: Listing("GetPriceLevelList", "PriceLevel", (Level("PriceLevelKeyId", _ID),)),
    Thing.SHIPPING_METHOD: Listing("GetShippingMethodList", "ShippingMethod", (Level("Id", _ID),)),
}
ITEM, UNITS, BATCH = "GetItemByKey", "GetUofMScheduleByKey", "GetBatchByKey"
#: What ``missing`` may call.
OPERATIONS = (ITEM, UNITS, BATCH, *(listing.operation for listing in LISTINGS.values()))
_WANTED = Wanted.of(
    (name,) for name in ("Key", "IsDiscontinued", "UofMScheduleKey", "Quantities", "DefaultSellingUofM")
)


class GpSetUp:
    """Thread-safe; each call reads afresh."""

    def __init__(self, client: GpClient) -> None:
        self._client = client

    def missing(self, needs: Sequence[Need]) -> Mapping[Need, str]:
        """Each of these that GP has not got, or not so that a document could refer to it, with a sentence why."""
        look = _Look(self._client)
        found = ((need, look.why_not(need)) for need in dict.fromkeys(needs))
        return {need: why for need, why in found if why}


class _Look:
    """One look at the set-up: what it read is kept for its length."""

    def __init__(self, client: GpClient) -> None:
        self._client = client
        self._items: dict[str, Tree | None] = {}
        self._units: dict[str, list[str]] = {}

    def why_not(self, need: Need) -> str:
        """Why a document could not refer to it; empty: it could."""
        own: Mapping[Thing, Callable[[Need], str]] = {
            Thing.ITEM: self._item_why,
            Thing.UNIT: self._unit_why,
            Thing.SITE: self._site_why,
            Thing.BATCH: self._batch_why,
        }
        return own.get(need.thing, self._listed_why)(need)

    def _item_why(self, need: Need) -> str:
        item = self._item(need.id)
        if item is None:
            return f"GP has no item {need.id}."
        discontinued = values.to_boolean(item.get("IsDiscontinued"))
        return f"GP does not sell the item {need.id} any more." if discontinued else ""

    def _unit_why(self, need: Need) -> str:
        item = self._item(need.item)
        if item is None:
            return f"GP has no item {need.item}, so it has no unit of measure {need.id}."
        schedule = to_text(find(item, ("UofMScheduleKey", "Id"))) or ""
        if fold_key(need.id) in self._units_of(schedule):
            return ""
        return f"The item {need.item} has no unit of measure {need.id} in GP (its schedule is {schedule})."

    def _site_why(self, need: Need) -> str:
        if why := self._listed_why(need):
            return why
        item = self._item(need.item) if need.item else None
        sites = [
            fold_key(to_text(find(one, ("Key", "WarehouseKey", "Id"))) or "")
            for one in children(item, ("Quantities", "SalesItemWarehouse"))
        ]
        if not sites or fold_key(need.id) in sites:
            return ""
        return f"The item {need.item} is not kept at the site {need.id} in GP."

    def _batch_why(self, need: Need) -> str:
        key = (
            f"<gp:key><gp:Source>{BATCH_SOURCE}</gp:Source><gp:Id>{soap.safe_text(need.id)}</gp:Id></gp:key>"
        )
        return "" if self._client.read_by(BATCH, key) is not None else f"GP has no sales batch {need.id}."

    def _listed_why(self, need: Need) -> str:
        listing = LISTINGS[need.thing]
        rows = self._client.list_rows(listing, {listing.levels[0].member: {"EqualValue": need.id}})
        names = [fold_key(to_text(find(row, _ID)) or "") for row in rows]
        return "" if fold_key(need.id) in names else f"GP has no {need.thing} {need.id}."

    def _item(self, item_id: str) -> Tree | None:
        key = fold_key(item_id)
        if key not in self._items:
            self._items[key] = self._client.read(ITEM, item_id, _WANTED)
        return self._items[key]

    def _units_of(self, schedule: str) -> list[str]:
        if schedule not in self._units:
            tree = self._client.read(UNITS, schedule)
            units = (find(one, ("UofM",)) for one in children(tree, ("Details", "UofMScheduleDetail")))
            self._units[schedule] = [fold_key(to_text(unit) or "") for unit in units]
        return self._units[schedule]
