"""What sales documents are checked against, as the service lists it: sites, units of measure, price levels, shipping.

These operations are not in the reconstructed legacy description: their members and the order of them are those of the
native one, base class first; that the legacy endpoint has the same order is inferred.
"""

from __future__ import annotations

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Company
from ml_connector.simulators.gp.criteria import INSTANT, LIKE_STRING, STRING, Layout, Member, read_criteria
from ml_connector.simulators.gp.items import UnitSchedule
from ml_connector.simulators.gp.operation import (
    BY_CRITERIA,
    BY_KEY,
    Answer,
    CompanyOperation,
    admitted,
    found,
    key_of,
    listed,
)
from ml_connector.simulators.gp.requests import Call
from ml_connector.simulators.gp.sales_xml import quantity
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.tables import EMPTY_DATE

_SITES: Layout[str] = {
    "AddressLine1": Member(LIKE_STRING, lambda s: ""),
    "City": Member(LIKE_STRING, lambda s: ""),
    "CountryRegion": Member(LIKE_STRING, lambda s: ""),
    "Description": Member(LIKE_STRING, str),
    "PostalCode": Member(LIKE_STRING, lambda s: ""),
    "State": Member(LIKE_STRING, lambda s: ""),
    "WarehouseId": Member(LIKE_STRING, str),
}
_LEVELS: Layout[str] = {
    "CreatedDate": Member(INSTANT, lambda level: EMPTY_DATE),
    "LastModifiedDate": Member(INSTANT, lambda level: EMPTY_DATE),
    "ModifiedDate": Member(INSTANT, lambda level: EMPTY_DATE),
    "PriceLevelKeyId": Member(STRING, str),
}
_METHODS: Layout[str] = {
    "CreatedDate": Member(INSTANT, lambda method: EMPTY_DATE),
    "Id": Member(LIKE_STRING, str),
    "ModifiedDate": Member(INSTANT, lambda method: EMPTY_DATE),
}


def site_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return WarehouseSummary rows; a site has no address here."""
    asked = read_criteria(call.arguments.get("criteria"), _SITES, call.operation)
    rows = admitted(_sorted(simulation.sales[company.id].sites), asked)
    return listed(map(_site, rows), simulation, "sales_setup")


def _sorted(names: tuple[str, ...]) -> list[str]:
    return sorted(names, key=collation_key)


def _site(site: str) -> str:
    return (
        "<WarehouseSummary><AddressLine1 /><City /><CountryRegion />"
        f"{xml.string('Description', site)}{xml.key('Key', site)}<PostalCode /><State /></WarehouseSummary>"
    )


def price_level_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return whole PriceLevel objects."""
    asked = read_criteria(call.arguments.get("criteria"), _LEVELS, call.operation)
    rows = admitted(_sorted(simulation.sales[company.id].price_levels), asked)
    return listed(map(_price_level, rows), simulation, "sales_setup")


def _price_level(level: str) -> str:
    return (
        f"<PriceLevel>{xml.day('CreatedDate', None)}{xml.string('Description', level)}{xml.key('Key', level)}"
        f"<LastModifiedBy />{xml.day('LastModifiedDate', None)}{xml.day('ModifiedDate', None)}</PriceLevel>"
    )


def shipping_method_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return whole ShippingMethod objects."""
    asked = read_criteria(call.arguments.get("criteria"), _METHODS, call.operation)
    rows = admitted(_sorted(simulation.sales[company.id].shipping_methods), asked)
    return listed(map(_shipping_method, rows), simulation, "sales_setup")


def _shipping_method(method: str) -> str:
    return (
        f"<ShippingMethod><Carrier /><CarrierAccount /><Contact />{xml.day('CreatedDate', None)}"
        f"{xml.string('Description', method)}{xml.key('Key', method)}<ModifiedBy />"
        f"{xml.day('ModifiedDate', None)}{xml.phone('PhoneNumber', '')}</ShippingMethod>"
    )


def schedule_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return a UofMSchedule with its units; the schedules there are, are those of the items."""
    wanted = collation_key(key_of(call))
    schedules = (item.schedule for item in simulation.sales[company.id].items.rows())
    schedule = found(next((one for one in schedules if collation_key(one.id) == wanted), None))
    return Answer(_schedule(schedule))


def _schedule(schedule: UnitSchedule) -> str:
    key = xml.key("UofMScheduleKey", schedule.id)
    details = "".join(
        f"<UofMScheduleDetail>{xml.string('EquivalentUofM', schedule.base)}"
        f"{quantity('EquivalentUofMQuantity', many)}<Key><SequenceNumber>{number}</SequenceNumber>{key}</Key>"
        f"<LastModifiedBy />{xml.day('LastModifiedDate', None)}{xml.string('LongDescription', unit)}"
        f"{quantity('QuantityInBaseUofM', many)}{xml.string('UofM', unit)}</UofMScheduleDetail>"
        for number, (unit, many) in enumerate(schedule.units, 1)
    )
    return (
        f"{xml.string('BaseUofM', schedule.base)}{xml.string('Description', schedule.id)}<Details>{details}</Details>"
        f"{xml.key('Key', schedule.id)}<LastModifiedBy />{xml.day('LastModifiedDate', None)}"
        "<UofMDecimalPlacesQuantities>Zero</UofMDecimalPlacesQuantities>"
    )


OPERATIONS: dict[str, CompanyOperation] = {
    "GetWarehouseList": CompanyOperation(BY_CRITERIA, site_list),
    "GetPriceLevelList": CompanyOperation(BY_CRITERIA, price_level_list),
    "GetShippingMethodList": CompanyOperation(BY_CRITERIA, shipping_method_list),
    "GetUofMScheduleByKey": CompanyOperation(BY_KEY, schedule_by_key),
}
