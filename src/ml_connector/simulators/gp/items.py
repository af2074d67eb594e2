"""What is sold: items (IV00101) with their units of measure, prices and sites.

Kits, serial and lot numbers are not there. Prices, costs and stock are in the company's functional currency and in
the base unit where nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

ItemType = Literal["Sales Item", "Miscellaneous Charges", "Service", "Flat Fee"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class UnitSchedule:
    """A unit of measure schedule (IV40201, IV40202): how many of the base unit each unit is."""

    id: str
    base: str
    units: tuple[tuple[str, Decimal], ...]

    def in_base(self, unit: str) -> Decimal | None:
        """Return how many of the base unit a unit is; None where the schedule has no such unit."""
        wanted = unit.rstrip(" ").casefold()
        return next((many for name, many in self.units if name.casefold() == wanted), None)


@dataclass(frozen=True, slots=True)
class Stock:
    """An item at one site (IV00102), in base units."""

    site: str
    on_hand: Decimal = ZERO
    allocated: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Item:
    """One item; only a Sales Item is of the inventory and has stock and a cost that is posted."""

    id: str
    description: str
    type: ItemType = "Sales Item"
    class_id: str = ""
    schedule: UnitSchedule = UnitSchedule("EACH", "Each", (("Each", Decimal(1)),))
    selling_unit: str = "Each"
    quantity_decimals: int = 0
    price_level: str = "RETAIL"
    prices: tuple[tuple[str, Decimal], ...] = ()  # (price level, price of one base unit)
    cost: Decimal = ZERO
    default_site: str = "WAREHOUSE"
    stock: tuple[Stock, ...] = ()
    sales_account: str = "000-4110-01"
    cost_account: str = "000-4510-01"
    inventory_account: str = "000-1300-01"
    is_discontinued: bool = False
    created_on: date | None = None
    modified_at: datetime | None = None
    row_stamp_at: datetime | None = None

    @property
    def is_inventoried(self) -> bool:
        """Whether there is stock of it."""
        return self.type == "Sales Item"

    def price(self, level: str) -> Decimal | None:
        """Return the price of one base unit at a price level, else at the item's own level; None: it has none."""
        prices = {name.casefold(): price for name, price in self.prices}
        return prices.get(level.rstrip(" ").casefold(), prices.get(self.price_level.casefold()))

    def at(self, site: str) -> Stock | None:
        """Return the stock of a site; None where the item is not assigned to it."""
        wanted = site.rstrip(" ").casefold()
        return next((stock for stock in self.stock if stock.site.casefold() == wanted), None)
