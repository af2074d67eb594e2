"""Every request that changes something is valid against GP's own description: names, order and types of its members."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from gp_reference import LEGACY, XS, needs_reference, write_schema
from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpTarget, RequestGate, soap
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.members import ORDER
from ml_connector.core.sales import Document, Kind, Line, ShipTo
from ml_connector.core.sales_ports import Accepted, Edit, Need, Thing
from ml_connector.simulators.gp import GpOptions, GpSimulator

pytestmark = needs_reference


class Kept(WindowsTransport):
    """Keeps what it sends."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.sent: list[bytes] = []

    def post(self, body, *given, **named):
        self.sent.append(body)
        return super().post(body, *given, **named)

    def send_once(self, method, body, *given, **named):
        self.sent.append(body)
        return super().send_once(method, body, *given, **named)


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return write_schema(tmp_path_factory.mktemp("schemas"), whole=False)


@pytest.fixture
def target(tmp_path, clock) -> Iterator[tuple[GpTarget, Kept]]:
    with GpSimulator(GpOptions()) as simulator:
        simulator.control("POST", "policies/CreateSalesOrder", {"Check Credit Limit": 0})
        simulator.control("POST", "policies/UpdateSalesOrder", {"Check Credit Limit": 0})
        config = GpConfig(endpoint=simulator.endpoint, company_id=-1, user="FABRIKAM\\connector")
        transport = Kept(config, lambda: "Sample-Pa55word")
        with closing(RequestGate(tmp_path / "gate", 2, 0.0, clock)) as gate:
            client = GpClient(config, lambda: "Sample-Pa55word", gate, clock, transport)
            with closing(client):
                yield GpTarget(client), transport


FULL = Line(
    "100XLG", Decimal(2), "Each", Decimal("40.125"), Decimal("1.5"), "Phone & <co>", "WAREHOUSE", Decimal("1.25"),
    date(2026, 6, 2), "red", is_non_inventory=False, account="000-4110-01", reference="L1", sequence=16384,
)  # fmt: skip
FREE = Line("FREE", Decimal("1.5"), unit_price=Decimal("-0"), description="Work", is_non_inventory=True)
ADDRESS = ShipTo("Annex", "Ann", "1 Elm", "2", "3", "Elgin", "IL", "60120", "USA", "3125550199")
WHOLE = Document(
    Kind.ORDER, "ZO1", "AARONFIT0001", (FULL, FREE), "STDORD", "ZOHO", date(2026, 5, 4), None, date(2026, 6, 1), "PO 7",
    "5550000000123456", {number: f"text {number}" for number in range(1, 6)}, Decimal("12.50"), Decimal(5),
    Decimal("1E+1"), Decimal("3.1"), "WAREHOUSE", ADDRESS, "RETAIL", "OVERNIGHT", "WAREHOUSE", "USD", "Ring",
)  # fmt: skip


def work(target: GpTarget) -> None:
    """Each change once with everything in it, and each with little."""
    documents, masters = target.documents, target.masters
    for document in (WHOLE, replace(WHOLE, kind=Kind.QUOTE, type_id="STDQTE", expires_on=date(2026, 7, 1))):
        assert documents.create(document) == Accepted("ZO1")
        found = documents.find(document.kind, "ZO1")
        first, _ = found.document.lines
        wanted = replace(
            found.document,
            ship_to=replace(ADDRESS, country="Canada", phone="", contact="Bob"),
            texts={2: "other"},
            comment="",
            freight=None,
            shipping_method="",
            lines=(replace(first, quantity=Decimal(3), site="NORTH", comment=""), FREE),
        )
        assert documents.update(found, wanted) == Accepted("ZO1")
        found = documents.find(document.kind, "ZO1")
        assert documents.update(found, replace(found.document, ship_to=None)) == Accepted("ZO1")
        assert documents.void(document.kind, "ZO1") == Accepted("ZO1")
    assert documents.create(replace(WHOLE, number="", lines=(FREE,), texts={}, ship_to=None)) == Accepted("")
    edits = {name: "3125550199" for name in masters.editable("customers") if name.startswith("default.")}
    edits |= {
        "default.country_code": "",
        "name": "N",
        "short_name": "S",
        "comment1": "",
        "default.state": "IL",
    }
    edits["default.postal_code"] = "60120"
    assert masters.edit(Edit("customers", "AARONFIT0001", edits, {})) == Accepted("AARONFIT0001")
    edits = {name: value for name, value in edits.items() if name in masters.editable("vendors")}
    assert masters.edit(Edit("vendors", "ACETRAVE0001", edits, {})) == Accepted("ACETRAVE0001")
    new = dict.fromkeys(masters.settable("customers"), "X") | {
        "class_id": "USA-ILMO-T1",
        "currency_code": "USD",
    }
    assert masters.create("customers", "ZC1", new) == Accepted("ZC1")
    target.set_up.missing([Need(thing, "X", "100XLG") for thing in Thing])


def test_every_change_is_valid(schema, target):
    work(target[0])
    messages = [etree.fromstring(message) for message in target[1].sent]
    wrappers = [message.find(f"{{{soap.ENVELOPE}}}Body")[0] for message in messages]
    for wrapper in wrappers:
        assert schema.validate(wrapper), f"{schema.error_log.last_error}\n{etree.tostring(wrapper).decode()}"
    asked = {etree.QName(wrapper).localname for wrapper in wrappers}
    assert asked >= {
        "CreateSalesOrder", "UpdateSalesOrder", "VoidSalesOrder", "CreateSalesQuote", "UpdateSalesQuote",
        "VoidSalesQuote", "GetSalesOrderByKey", "GetSalesQuoteByKey", "UpdateCustomer", "UpdateVendor",
        "CreateCustomer", "GetPolicyByOperation", "GetItemByKey", "GetBatchByKey", "GetUofMScheduleByKey",
        "GetWarehouseList", "GetPriceLevelList", "GetShippingMethodList",
    }  # fmt: skip


def test_an_order_that_is_wrong_would_be_noticed(schema, target):
    work(target[0])
    message = next(etree.fromstring(one) for one in target[1].sent if b"<gp:salesOrder" in one)
    wrapper = message.find(f"{{{soap.ENVELOPE}}}Body")[0]
    order = wrapper[0]
    order.append(order[0])
    assert not schema.validate(wrapper)


@pytest.mark.parametrize("kind", ORDER)
def test_the_members_are_gps_own(kind):
    assert list(ORDER[kind]) == _declared()[kind]


def _declared() -> dict[str, list[str]]:
    types = {
        one.get("name"): one for one in etree.parse(str(LEGACY)).iter(f"{XS}complexType") if one.get("name")
    }

    def members(name: str) -> list[str]:
        bases = [base.get("base").partition(":")[2] for base in types[name].iter(f"{XS}extension")]
        own = [element.get("name") for element in types[name].iter(f"{XS}element")]
        return [member for base in bases if base in types for member in members(base)] + own

    return {kind: members(kind) for kind in ORDER if kind in types}
