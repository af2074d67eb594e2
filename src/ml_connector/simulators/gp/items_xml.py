"""Items as XML (legacy description; SalesItem, Service and Fee are the kinds that are there)."""

from __future__ import annotations

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.company import FUNCTIONAL_CURRENCY
from ml_connector.simulators.gp.items import Item, Stock
from ml_connector.simulators.gp.sales_documents import ZERO
from ml_connector.simulators.gp.sales_xml import DocumentMoney, quantity

_CLASSES = {
    "Sales Item": "SalesItem",
    "Service": "Service",
    "Flat Fee": "Fee",
    "Miscellaneous Charges": "Fee",
}  # that both of these are a Fee is inferred
_PLACES = ("Zero", "One", "Two", "Three", "Four", "Five")


def item_class(item: Item) -> str:
    """Return the name of the type that an item is an object of."""
    return _CLASSES[item.type]


def summary(item: Item) -> str:
    """Return an ItemSummary; what a list gives."""
    return (
        f"<ItemSummary>{xml.key('Key', item.id)}{xml.string('Description', item.description)}"
        f"{xml.string('ShortDescription', item.description[:15])}<GenericDescription />"
        f"{xml.key('ClassKey', item.class_id)}{_stamps(item, created_first=True)}<Type>{item.type}</Type>"
        f"{xml.boolean('IsDiscontinued', value=item.is_discontinued)}</ItemSummary>"
    )


def _stamps(item: Item, *, created_first: bool) -> str:
    created = xml.day("CreatedDate", item.created_on)
    modified = xml.instant("ModifiedDate", item.modified_at) + xml.instant(
        "LastModifiedDate", item.row_stamp_at
    )
    return created + modified if created_first else modified + created


def full(item: Item, company_id: int) -> str:
    """Return the members of an item, those of its own type last; amounts are in the company's currency."""
    money = DocumentMoney(FUNCTIONAL_CURRENCY, "Local")
    members = (
        xml.key("Key", item.id, company_id=company_id),
        xml.string("Description", item.description),
        xml.string("ShortDescription", item.description[:15]),
        "<GenericDescription />",
        xml.key("ClassKey", item.class_id),
        f"<Type>{item.type}</Type><SalesTaxBasis>Based On Customer</SalesTaxBasis>",
        xml.key("UofMScheduleKey", item.schedule.id),
        "<ShippingWeight>0</ShippingWeight>",
        f"<QuantityDecimalPlaces>{_PLACES[item.quantity_decimals]}</QuantityDecimalPlaces>",
        "<CurrencyDecimalPlaces>Two</CurrencyDecimalPlaces><PurchaseTaxBasis>Based On Vendor</PurchaseTaxBasis>",
        money("StandardCost", item.cost),
        money("CurrentCost", item.cost),
        "<IncludeInDemandPlanning>false</IncludeInDemandPlanning><AllowBackOrder>true</AllowBackOrder>",
        "<WarrantyDays>0</WarrantyDays><ABCCode>None</ABCCode>",
        xml.numbered("UserCategoryList", "", "", "", "", "", ""),
        _HISTORY,
        _accounts(item),
        xml.string("PurchaseUofM", item.schedule.base),
        xml.key("DefaultWarehouseKey", item.default_site),
        "<PriceMethod>Currency Amount</PriceMethod>",
        "<FunctionalCurrencyDecimalPlaces>Two</FunctionalCurrencyDecimalPlaces>",
        _stamps(item, created_first=False),
        xml.boolean("IsDiscontinued", value=item.is_discontinued),
        xml.key("DefaultPriceLevelKey", item.price_level),
        xml.string("DefaultSellingUofM", item.selling_unit),
        _stocked(item) if item.is_inventoried else "",
    )
    return "".join(members)


_HISTORY = (
    "<KeepCalendarYearHistory>true</KeepCalendarYearHistory><KeepFiscalYearHistory>true</KeepFiscalYearHistory>"
    "<KeepTransactionHistory>true</KeepTransactionHistory>"
    "<KeepDistributionHistory>true</KeepDistributionHistory>"
)


def _accounts(item: Item) -> str:
    return "".join(
        (
            xml.account_key("InventoryGLAccountKey", item.inventory_account),
            xml.account_key("CostofGoodsSoldGLAccountKey", item.cost_account),
            xml.account_key("SalesGLAccountKey", item.sales_account),
        )
    )


def _stocked(item: Item) -> str:
    quantities = "".join(_stock(item, stock) for stock in item.stock)
    return (
        "<ValuationMethod>FIFO Perpetual</ValuationMethod><TrackingOption>None</TrackingOption>"
        "<MinimumShelfLifeDays1>0</MinimumShelfLifeDays1><MinimumShelfLifeDays2>0</MinimumShelfLifeDays2>"
        f"<RevalueInventory>true</RevalueInventory><Quantities>{quantities}</Quantities>"
    )


def _stock(item: Item, stock: Stock) -> str:
    key = f"<Key>{xml.key('ItemKey', item.id)}{xml.key('WarehouseKey', stock.site)}</Key>"
    names = ("InUse", "InService", "Returned", "Damaged")
    nothing = "".join(quantity(f"{name}Quantity", ZERO) for name in names)
    held = quantity("OnHandQuantity", stock.on_hand) + quantity("AllocatedQuantity", stock.allocated)
    awaited = quantity("OnOrderQuantity", ZERO) + quantity("BackOrderedQuantity", ZERO)
    return f"<SalesItemWarehouse>{key}{nothing}{held}{awaited}</SalesItemWarehouse>"
