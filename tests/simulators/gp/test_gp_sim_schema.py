"""Every answer is valid against the types of the reconstructed legacy WSDL: names, namespaces and order."""

from __future__ import annotations

import pytest
from gp_sim_sales import act, create, document, entered, quote_line, update
from gp_sim_wire import SOAP, Wire, read_entry

from gp_reference import needs_reference, write_schema
from ml_connector.simulators.gp import GpOptions, GpSimulator

pytestmark = needs_reference

LISTS = (
    "GetVendorList",
    "GetCustomerList",
    "GetVendorAddressList",
    "GetCustomerAddressList",
    "GetCustomerReceivablesSummaryList",
    "GetPayablesDocumentList",
    "GetGLAccountList",
    "GetGLTransactionList",
    "GetGLAccountFormatList",
)
SALES_LISTS = (
    "GetSalesOrderList",
    "GetSalesQuoteList",
    "GetSalesInvoiceList",
    "GetSalesDocumentList",
    "GetItemList",
    "GetBatchList",
    "GetWarehouseList",
    "GetPriceLevelList",
    "GetShippingMethodList",
)
VENDORS = ("ACETRAVE0001", "BERGERON0001", "FABRIKAM0001", "INTERNAT0001")
CUSTOMERS = ("AARONFIT0001", "ASTORSUI0001", "MIDCITYH0001", "CONTOSOL0001")


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return write_schema(tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="module")
def connection():
    with (
        GpSimulator(GpOptions(customers=300, vendors=200, journal_entries=400)) as simulator,
        Wire(simulator.url) as wire,
    ):
        yield wire


def assert_valid(schema, reply):
    assert reply.status == 200, reply.body
    schema.assertValid(reply.root.find(f"{{{SOAP}}}Body")[0])


@pytest.mark.parametrize("currency", ["Local", "Transactional"])
@pytest.mark.parametrize("operation", LISTS)
def test_a_list_is_valid(schema, connection, operation, currency):
    reply = connection.list(operation, currency=currency)

    assert_valid(schema, reply)
    assert len(reply.texts(f"{operation}Result/*")) > (2 if "Format" in operation else 10)


@pytest.mark.parametrize("currency", ["Local", "Transactional"])
@pytest.mark.parametrize(
    ("operation", "key"),
    [
        *(("GetVendorByKey", key) for key in VENDORS),
        *(("GetCustomerByKey", key) for key in CUSTOMERS),
        *(("GetCustomerReceivablesSummaryByKey", key) for key in CUSTOMERS),
        *(("GetPayablesInvoiceByKey", f"{number:017d}") for number in (1, 4, 5, 6, 7, 1003)),
    ],
)
def test_an_object_is_valid(schema, connection, operation, key, currency):
    assert_valid(schema, connection.by_key(operation, key, currency=currency))


def test_the_categories_are_valid(schema, connection):
    reply = connection.call("GetGLAccountCategoryList")

    assert_valid(schema, reply)
    assert "Cash" in reply.texts("GLAccountCategory/Key/Id")


def test_all_accounts_are_valid(schema, connection):
    for key in connection.list("GetGLAccountList").texts("GLAccountSummary/Key/Id"):
        assert_valid(schema, connection.by_key("GetGLAccountByKey", key))


@pytest.mark.parametrize(
    ("operation", "key"),
    [("GetGLPostingAccountByKey", "000-1100-00"), ("GetGLUnitAccountByKey", "000-9045-00")],
)
def test_an_account_of_its_own_operation_is_valid(schema, connection, operation, key):
    assert_valid(schema, connection.by_key(operation, key))


@pytest.mark.parametrize("currency", ["Local", "Transactional"])
def test_journal_entries_are_valid(schema, connection, currency):
    _, told = connection.control("GET", "journals?limit=1000")
    for entry in told["rows"][::7] + told["rows"][:14]:
        assert_valid(schema, read_entry(connection, entry, currency=currency))


@pytest.mark.parametrize(
    "operation",
    ["GetChangedCustomerKeyList", "GetChangedCustomerAddressKeyList", "GetChangedInternetAddressKeyList"],
)
def test_a_list_of_changed_keys_is_valid(schema, connection, operation):
    connection.control("POST", "settings", {"action_tracking": True})
    change = {"email": {"to": "new@fabrikam.example"}, "address": {"city": "Elgin"}, "set": {"name": "A & B"}}
    connection.control("POST", "customers/AARONFIT0001", change)
    reply = connection.list(operation)

    assert_valid(schema, reply)
    assert reply.texts(f"{operation}Result/*")


@pytest.mark.parametrize("currency", ["Local", "Transactional"])
@pytest.mark.parametrize("operation", SALES_LISTS)
def test_a_list_of_sales_is_valid(schema, connection, operation, currency):
    reply = connection.list(operation, currency=currency)

    assert_valid(schema, reply)
    assert reply.texts(f"{operation}Result/*")


@pytest.mark.parametrize("currency", ["Local", "Transactional"])
def test_sales_documents_are_valid(schema, connection, currency):
    made = entered(connection, customer_id="ASTORSUI0001", id=f"VALID{currency[0]}",
                   lines=[{"item_id": "100XLG", "discount": {"percent": "5"}}],
                   trade_discount={"amount": "1.50"}, ship_to_address={"line1": "1 & <2>"})  # fmt: skip
    path = f"sales/Order/{made['id']}"
    invoice = connection.control("POST", path, {"invoice": True, "post": True})[1]["invoice"]
    for operation, key in (
        ("GetSalesOrderByKey", made["id"]),
        ("GetSalesOrderByKey", "ORDST2228"),
        ("GetSalesQuoteByKey", "QTEST1049"),
        ("GetSalesInvoiceByKey", invoice["id"]),
    ):
        assert_valid(schema, connection.by_key(operation, key, currency=currency))


def test_items_batches_and_policies_are_valid(schema, connection):
    for item in connection.list("GetItemList").texts("ItemSummary/Key/Id"):
        assert_valid(schema, connection.by_key("GetItemByKey", item))
    assert_valid(schema, connection.by_key("GetBatchByKey", "ZOHO"))
    assert_valid(schema, connection.by_key("GetUofMScheduleByKey", "EACH-CASE"))
    for operation in ("CreateSalesOrder", "VoidSalesQuote"):
        reply = connection.call("GetPolicyByOperation", f"<g:operation>{operation}</g:operation>")
        assert_valid(schema, reply)
        assert_valid(
            schema, connection.by_key("GetPolicyByKey", reply.text("GetPolicyByOperationResult/Key/Id"))
        )


def test_what_changes_sales_answers_validly(schema, connection):
    assert_valid(schema, create(connection, document("VALID1")))
    assert_valid(
        schema,
        update(connection, document("VALID1", CustomerPONumber="<g:CustomerPONumber>1</g:CustomerPONumber>")),
    )
    assert_valid(schema, act(connection, "VoidSalesOrder", "VALID1"))
    assert_valid(schema, create(connection, document("VALID2", lines=(quote_line(),)), "Quote"))
    assert_valid(schema, act(connection, "DeleteSalesQuote", "VALID2"))


def test_the_companies_are_valid(schema, connection):
    assert_valid(schema, connection.call("GetWSEnabledCompanyForUserList"))


def test_a_validation_result_is_valid(schema, connection):
    connection.control("POST", "faults", {"faults": [{"kind": "soap_validation_fault"}]})
    log_id = connection.list("GetVendorList").log_id

    assert_valid(schema, connection.call("GetLoggedValidationResultByKey", f"<g:logId>{log_id}</g:logId>"))


def test_all_generated_objects_are_valid(schema, connection):
    for master in ("Vendor", "Customer"):
        keys = connection.list(f"Get{master}List").texts(f"{master}Summary/Key/Id")
        for key in keys[::10]:
            assert_valid(schema, connection.by_key(f"Get{master}ByKey", key, currency="Transactional"))
