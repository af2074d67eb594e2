"""zeep as a stranger's client: it reads GP's description and calls the simulator, signed in by NTLM."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import zeep
from gp_sim_wire import Wire
from requests import Response
from zeep.exceptions import Fault
from zeep.helpers import serialize_object

from gp_reference import LEGACY, NATIVE, needs_reference
from ml_connector.connectors.dynamics_gp import masters, schema, soap
from ml_connector.simulators.gp import GpOptions, GpSimulator

pytestmark = needs_reference

DYN = "http://schemas.microsoft.com/dynamics/2006/01"


class NtlmTransport(zeep.Transport):
    """Carries zeep's messages over one connection that signs in where it is asked to."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def post(self, address, message, headers):
        operation = headers["SOAPAction"].strip('"').rpartition("/")[2]
        reply = self._wire.post(message, operation)
        if reply.status == 401:
            reply = self._wire.sign_in(message, operation)
        response = Response()
        response.status_code, response._content = reply.status, reply.body
        response.headers.update(reply.headers.items())
        return response


@pytest.fixture(scope="module")
def stranger():
    with GpSimulator(GpOptions(vendors=40)) as simulator, Wire(simulator.url, scheme="NTLM") as wire:
        client = zeep.Client(str(LEGACY), transport=NtlmTransport(wire))
        (binding,) = client.wsdl.bindings
        client.gp = client.create_service(str(binding), simulator.endpoint)
        company = client.get_type(f"{{{DYN}}}CompanyKey")(Id=-1)
        client.context = {"OrganizationKey": company, "CultureName": "en-US", "CurrencyType": "Local"}
        yield client
        client.transport.session.close()


def test_a_list_by_criteria(stranger):
    criteria = {"Id": {"From": "A", "To": "B"}, "Scope": "Return All"}
    found = stranger.gp.GetVendorList(criteria=criteria, context=stranger.context)
    names = [row.Key.Id.rstrip() for row in found]
    assert "ACETRAVE0001" in names
    assert all(name.startswith("A") for name in names)
    assert isinstance(found[0].ModifiedDate, datetime)
    none = {"ModifiedDate": {"GreaterThan": datetime(2099, 1, 1, tzinfo=UTC)}, "Scope": "Return All"}
    assert not stranger.gp.GetVendorList(criteria=none, context=stranger.context)


def test_an_object_by_its_key(stranger):
    vendor = stranger.gp.GetVendorByKey(key={"Id": "ACETRAVE0001"}, context=stranger.context)
    assert vendor.Name.rstrip() == "A Travel Company"
    assert {a.Key.Id.rstrip() for a in vendor.Addresses.VendorAddress} >= {"PRIMARY", "REMIT TO"}


def test_a_fault(stranger):
    with pytest.raises(Fault, match="Business object not found"):
        stranger.gp.GetVendorByKey(key={"Id": "NOBODY"}, context=stranger.context)


def test_zeep_and_the_connector_read_the_same(stranger):
    """The same answer, read by both: what the connector finds is what the description says is there."""
    answers = []
    original = stranger.transport.post

    class Kept(NtlmTransport):
        def post(self, *call):
            answers.append(original(*call))
            return answers[-1]

    kept = Kept(stranger.transport._wire)
    client = zeep.Client(str(LEGACY), transport=kept)
    (binding,) = client.wsdl.bindings
    service = client.create_service(str(binding), stranger.gp._binding_options["address"])
    vendor = service.GetVendorByKey(key={"Id": "ACETRAVE0001"}, context=stranger.context)
    kept.session.close()
    tree = soap.parse_object(answers[0].content, "GetVendorByKey", masters.VENDORS.wanted())
    fields, _ = schema.flatten(masters.VENDORS, tree)
    assert fields["name"] == vendor.Name.rstrip()
    assert fields["modified_at"] == vendor.ModifiedDate.replace(tzinfo=UTC)
    assert fields["is_active"] is vendor.IsActive
    assert fields["minimum_order.amount"] == vendor.MinimumOrderAmount.Value
    remit = next(a for a in vendor.Addresses.VendorAddress if a.Key.Id.rstrip() == "REMIT TO")
    assert fields["remit_to.line1"] == remit.Line1.rstrip()


def test_the_native_description_has_every_operation_that_is_called():
    """It is loaded whole; the simulator does not speak it (WS-SecureConversation)."""
    client = zeep.Client(str(NATIVE))
    client.transport.session.close()
    ports = [port for service in client.wsdl.services.values() for port in service.ports.values()]
    known = {name for port in ports for name in port.binding._operations}
    assert len(known) >= 360
    assert set(soap.CRITERIA) <= known


def test_an_order_is_created_read_changed_and_sent_back_whole(stranger):
    """Everything that was read is sent back, in the order of the description, as GP wants it."""
    gp, context = stranger.gp, stranger.context
    creating = gp.GetPolicyByOperation(operation="CreateSalesOrder", context=context)
    order = {
        "Key": {"Id": "ZEEP1"},
        "DocumentTypeKey": {"Type": "Order", "Id": "STDORD"},
        "CustomerKey": {"Id": "AARONFIT0001"},
        "BatchKey": {
            "Source": "Sales Entry",
            "Id": "ZOHO",
            "CreatedDateTime": datetime(2026, 1, 1, tzinfo=UTC),
        },
        "Lines": {"SalesOrderLine": [_zeep_line("128 SDRAM", 1), _zeep_line("100XLG", 3)]},
        **_NIL_DOCUMENT,
    }
    assert gp.CreateSalesOrder(salesOrder=order, context=context, policy=creating) is None
    read = gp.GetSalesOrderByKey(key={"Id": "ZEEP1"}, context=context)
    assert [line.ItemKey.Id for line in read.Lines.SalesOrderLine] == ["128 SDRAM", "100XLG"]
    assert read.TotalAmount.Value == Decimal("369.80")
    read.CustomerPONumber, read.Lines.SalesOrderLine[1].Quantity.Value = "PO 7", Decimal(4)
    policy = gp.GetPolicyByOperation(operation="UpdateSalesOrder", context=context)
    gp.UpdateSalesOrder(salesOrder=read, context=context, policy=policy)
    again = gp.GetSalesOrderByKey(key={"Id": "ZEEP1"}, context=context)
    assert (again.CustomerPONumber, again.TotalAmount.Value) == ("PO 7", Decimal("429.75"))
    same = ("MasterNumber", "CreatedDate", "ShipToAddress", "BillToAddressKey", "PaymentTermsKey", "BatchKey")
    assert [getattr(again, name) for name in same] == [getattr(read, name) for name in same]
    with pytest.raises(Fault, match="validation exception"):
        gp.CreateSalesOrder(salesOrder=order, context=context, policy=creating)


def _zeep_line(item, quantity):
    return {"ItemKey": {"Id": item}, "Quantity": {"Value": quantity, "DecimalDigits": 0}, **_NIL_LINE}


#: Values that are required elements of the description though they may be nil.
_NIL_LINE = dict.fromkeys(("IsNonInventory", "IsDropShip", "RequestedShipDate", "DeleteOnUpdate", "TaxBasis",
                           "IntegrationSource", "FulfillDate", "ActualShipDate"), zeep.xsd.Nil)  # fmt: skip
_NIL_DOCUMENT = dict.fromkeys(
    ("Type", "Date", "MasterNumber", "ExchangeRate", "ExchangeDate", "RequestedShipDate", "FreightTaxBasis",
     "MiscellaneousTaxBasis", "TransactionState", "CreatedDate", "ModifiedDate", "LastModifiedDate",
     "CommissionBasedOn", "ActualShipDate", "FulfillDate", "QuoteDate", "IsIntrastatDocument", "IsVoided",
     "ShipCompleteOnly", "IntegrationSource", "InvoiceDate", "BackorderDate", "ReturnDate", "ShippingProcessStatus",
     "IsRepeating", "DocumentFrequency", "TimesToRepeat", "DaysToIncrement", "WorkflowPriority"),
    zeep.xsd.Nil,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "key"), [("Customer", "AARONFIT0001"), ("Customer", "ASTORSUI0001"), ("Vendor", "ACETRAVE0001")]
)
def test_a_master_sent_back_whole_is_what_it_was(stranger, kind, key):
    """One field is changed; nothing else is, in either currency, though all of it was sent."""
    gp = stranger.gp
    for currency, contact in (("Local", "Ann"), ("Transactional", "Bob")):
        context = {**stranger.context, "CurrencyType": currency}
        read = getattr(gp, f"Get{kind}ByKey")(key={"Id": key}, context=context)
        before = serialize_object(read)
        address = getattr(read.Addresses, f"{kind}Address")[0]
        address.ContactPerson = contact
        if kind == "Customer":
            read.TaxExemptNumbers.string = [
                "",
                "",
            ]  # zeep reads two empty texts as nothing, and sends no nothing
        policy = gp.GetPolicyByOperation(operation=f"Update{kind}", context=context)
        getattr(gp, f"Update{kind}")(**{kind.lower(): read}, context=context, policy={"Key": policy.Key})
        after = serialize_object(getattr(gp, f"Get{kind}ByKey")(key={"Id": key}, context=context))
        assert after["Addresses"][f"{kind}Address"][0]["ContactPerson"] == contact
        assert after["ModifiedDate"] >= before["ModifiedDate"]
        for told in (before, after):
            for name in ("ModifiedDate", "LastModifiedDate"):
                told.pop(name, None)
            for one in told["Addresses"][f"{kind}Address"]:
                for name in ("ModifiedDate", "LastModifiedDate", "ContactPerson"):
                    one.pop(name)
        assert after == before
