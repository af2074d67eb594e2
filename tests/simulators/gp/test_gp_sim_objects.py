"""What ByKey operations give, what stamps tell of, and faults."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from gp_sim_wire import DYN, GP, PATH, Wire, context, message

from ml_connector.simulators.gp import Account, ControlError, GpOptions, GpSimulator


def test_a_customer_is_whole(wire):
    reply = wire.by_key("GetCustomerByKey", "aaronfit0001")

    assert reply.text("GetCustomerByKeyResult/Key/Id") == "AARONFIT0001"
    assert reply.text("GetCustomerByKeyResult/PaymentTermsKey/Id") == "Net 30"
    assert reply.text("GetCustomerByKeyResult/CurrencyKey/ISOCode") == "USD"
    assert reply.text("GetCustomerByKeyResult/DefaultAddressKey/Id") == "PRIMARY"
    assert reply.texts("Addresses/CustomerAddress/Key/Id") == ["PRIMARY", "WAREHOUSE"]
    assert reply.texts("InternetAddresses/EmailToAddress")[0] == "office@aaronfitzelectrical.example"
    assert reply.texts("CustomerAddress/Phone1/Value")[0] == "31255501020000"
    assert reply.text("GetCustomerByKeyResult/ModifiedDate") == "2017-04-12T08:00:00"


def test_the_vendor_of_the_facts(wire):
    reply = wire.by_key("GetVendorByKey", "ACETRAVE0001")

    assert reply.text("GetVendorByKeyResult/Name") == "A Travel Company"
    assert reply.texts("VendorAddress/ContactPerson")[0] == "Greg Powell"
    assert reply.texts("VendorAddress/Fax/Value")[0] == "29455501010000"
    assert reply.texts("VendorAddress/Line1") == ["123 Riley Street", "Box 342"]


@pytest.mark.parametrize(
    ("customer", "members"),
    [("ASTORSUI0001", ["SpecialAmount"]), ("ADVANCED0001", ["Amount"]), ("BLUEYOND0001", ["SpecialAmount"])],
)
def test_a_credit_limit_is_a_choice(wire, customer, members):
    limit = wire.by_key("GetCustomerByKey", customer).root.find(f".//{{{GP}}}CreditLimit")

    assert [child.tag.partition("}")[2] for child in limit][:1] == members


@pytest.mark.parametrize(("currency", "code"), [("Local", "USD"), ("Transactional", "AUD"), (None, "AUD")])
def test_the_context_chooses_the_currency(wire, currency, code):
    reply = wire.by_key("GetCustomerReceivablesSummaryByKey", "ASTORSUI0001", currency=currency)

    assert reply.text("Aging/BalanceAmount/Currency") == code


def test_the_same_amount_in_both_currencies(wire):
    local, own = (
        Decimal(
            wire.by_key("GetCustomerReceivablesSummaryByKey", "ASTORSUI0001", currency=c).text(
                "BalanceAmount/Value"
            )
        )
        for c in ("Local", "Transactional")
    )

    assert abs(own * Decimal("0.66") - local) < Decimal("0.01")


def test_the_periods_sum_to_the_balance(wire):
    for customer in ("AARONFIT0001", "CONTOSOL0001", "WESTSIDE0001"):
        aging = wire.by_key("GetCustomerReceivablesSummaryByKey", customer).root.find(f".//{{{GP}}}Aging")
        amounts = [Decimal(value.text) for value in aging.iter(f"{{{GP}}}Value")]

        assert len(amounts) == 8
        assert sum(amounts[:7]) == amounts[7]


def test_an_invoice_says_what_is_left(wire):
    reply = wire.by_key("GetPayablesInvoiceByKey", f"{4:017d}")
    amounts = [Decimal(reply.text(f"GetPayablesInvoiceByKeyResult/{name}/Value"))
               for name in ("DocumentAmount", "TotalPayments", "WriteoffAmount")]  # fmt: skip

    assert amounts == [Decimal("1299.50"), Decimal(300), Decimal("0.50")]
    assert reply.text("Terms/DueDate") == "2017-04-04T00:00:00"


def test_a_vendor_is_owed_its_open_documents_less_credits(gp):
    assert gp.control("GET", "vendors/ACETRAVE0001")["balance"] == "6713.27"


@pytest.mark.parametrize(
    ("operation", "key"),
    [
        ("GetVendorByKey", "NOBODY"),
        ("GetCustomerByKey", ""),
        ("GetCustomerReceivablesSummaryByKey", "NOBODY"),
        ("GetPayablesInvoiceByKey", "NOTHING"),
        ("GetPayablesInvoiceByKey", f"{3:017d}"),  # a credit memo
    ],
)
def test_what_is_missing_is_a_fault(wire, operation, key):
    reply = wire.by_key(operation, key)

    assert (reply.status, reply.fault) == (500, "Business object not found.")
    assert uuid.UUID(reply.log_id)


def test_a_validation_fault_leads_to_its_reasons(gp, wire):
    gp.control(
        "POST", "faults", {"faults": [{"kind": "soap_validation_fault", "operation": "GetVendorByKey"}]}
    )
    fault = wire.by_key("GetVendorByKey", "ACETRAVE0001")
    assert fault.fault.startswith("A validation exception has occurred")

    result = wire.call("GetLoggedValidationResultByKey", f"<g:logId>{fault.log_id}</g:logId>")
    assert result.texts("ValidationError/Id") == ["5432"]
    unknown = wire.call("GetLoggedValidationResultByKey", f"<g:logId>{uuid.uuid4()}</g:logId>")
    assert unknown.fault == "Business object not found."


def test_companies(wire):
    reply = wire.call("GetWSEnabledCompanyForUserList", company=None)

    assert reply.texts("Company/Name") == ["Fabrikam, Inc.", "Fabrikam Test"]
    assert wire.list("GetCustomerList", company=2).texts("CustomerSummary") == []
    assert wire.list("GetCustomerList", company=77).fault.startswith("The application encountered")
    assert wire.list("GetCustomerList", company=None).log_id


def test_rights():
    accounts = (Account("FABRIKAM", "clerk", "Sample-Pa55word", companies=(2,)), *GpOptions().accounts)
    denied = {"fabrikam\\Connector": ("GetVendorByKey",)}
    with GpSimulator(GpOptions(accounts=accounts, denied_operations=denied)) as gp:
        with Wire(gp.url, user="FABRIKAM\\clerk") as wire:
            assert wire.list("GetVendorList").fault.startswith("Security Exception")
            assert wire.list("GetVendorList", company=2).status == 200
            assert wire.call("GetWSEnabledCompanyForUserList").texts("Company/Name") == ["Fabrikam Test"]
        with Wire(gp.url) as wire:
            assert wire.by_key("GetVendorByKey", "ACETRAVE0001").fault.startswith("Security Exception")
            assert wire.list("GetVendorList").status == 200


def stamps(wire):
    reply = wire.by_key("GetCustomerByKey", "AARONFIT0001")
    return reply.text("GetCustomerByKeyResult/ModifiedDate"), reply.texts("CustomerAddress/ModifiedDate")[0]


def test_a_stamp_tells_of_its_own_table_only(gp, wire):
    path, at = "customers/AARONFIT0001", {"modified_at": "2026-07-01T10:00:00"}
    before = stamps(wire)
    gp.control("POST", path, {"balance": {"amount": "17.00"}} | at)
    gp.control("POST", path, {"email": {"to": "new@example.com"}} | at)
    assert stamps(wire) == before

    gp.control("POST", path, {"address": {"city": "Elgin"}} | at)
    assert stamps(wire) == (before[0], "2026-07-01T10:00:00")

    gp.control("POST", path, {"set": {"name": "Silent"}, "touch": False})
    assert stamps(wire)[0] == before[0]
    gp.control("POST", path, {"set": {"name": "Loud", "credit_limit": "12.5"}} | at)
    assert stamps(wire)[0] == "2026-07-01T10:00:00"

    reply = wire.by_key("GetCustomerByKey", "AARONFIT0001")
    assert reply.text("GetCustomerByKeyResult/Name") == "Loud"
    assert reply.text("CreditLimit/Amount/Value") == "12.50000"
    assert reply.texts("InternetAddresses/EmailToAddress")[0] == "new@example.com"
    assert reply.texts("CustomerAddress/City")[0] == "Elgin"
    assert gp.control("GET", path)["balance"] == "17.00"


def test_stamps_of_days_are_midnights_beside_the_rows_own_stamp():
    with GpSimulator(GpOptions(stamp_granularity="day")) as gp, Wire(gp.url) as wire:
        gp.control(
            "POST", "customers/ADAMPARK0001", {"set": {"name": "x"}, "modified_at": "2026-07-01T10:11:12"}
        )
        reply = wire.by_key("GetCustomerByKey", "ADAMPARK0001")

        assert reply.text("GetCustomerByKeyResult/ModifiedDate") == "2026-07-01T00:00:00"
        assert reply.text("GetCustomerByKeyResult/LastModifiedDate") == "2026-07-01T10:11:12"


def test_records_are_made_renamed_and_deleted(gp, wire):
    gp.control(
        "POST",
        "vendors",
        {"id": "NEW1", "name": "New & Co", "addresses": [{"id": "PRIMARY", "city": "Rome"}]},
    )
    assert wire.by_key("GetVendorByKey", "new1").text("GetVendorByKeyResult/Name") == "New & Co"
    gp.control("POST", "documents", {"id": "DOC1", "vendor_id": "NEW1", "amount": "10.50"})
    gp.control("POST", "vendors/NEW1", {"rename": "NEW2"})
    assert gp.control("GET", "vendors/NEW2")["balance"] == "10.50"
    gp.control("POST", "documents/DOC1", {"set": {"payments": "10.00"}})
    assert gp.control("GET", "documents?vendor=NEW2")["rows"][0]["balance"] == "0.50"
    gp.control("DELETE", "documents/DOC1")
    gp.control("DELETE", "vendors/NEW2")
    assert wire.by_key("GetVendorByKey", "NEW2").status == 500
    assert gp.control("GET", "state")["companies"]["-1"]["vendors"] == 13


def test_a_renamed_customer_has_all_its_data_under_the_new_key_only(gp, wire):
    gp.control("POST", "customers/ADAMPARK0001", {"set": {"corporate_id": "aaronfit0001"}, "touch": False})
    before = gp.control("GET", "customers/AARONFIT0001")
    gp.control("POST", "customers/AARONFIT0001", {"rename": "FITZ0001", "modified_at": "2026-07-01T10:00:00"})

    assert wire.by_key("GetCustomerByKey", "AARONFIT0001").fault == "Business object not found."
    reply = wire.by_key("GetCustomerByKey", "FITZ0001")
    assert reply.text("GetCustomerByKeyResult/ModifiedDate") == "2026-07-01T10:00:00"
    assert reply.texts("CustomerAddress/Key/CustomerKey/Id") == ["FITZ0001", "FITZ0001"]
    after = gp.control("GET", "customers/FITZ0001")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"id", "modified_at", "row_stamp_at"}
    listed = wire.list("GetCustomerAddressList").texts("CustomerAddressSummary/Key/CustomerKey/Id")
    assert (listed.count("FITZ0001"), listed.count("AARONFIT0001")) == (2, 0)
    branch = wire.by_key("GetCustomerByKey", "ADAMPARK0001")
    assert branch.text("GetCustomerByKeyResult/CorporateAccountKey/Id") == "FITZ0001"


def test_a_rename_may_change_the_case_only_and_leave_the_stamp(gp):
    before = gp.control("GET", "customers/AARONFIT0001")["modified_at"]
    renamed = gp.control("POST", "customers/AARONFIT0001", {"rename": "AaronFit0001", "touch": False})

    assert (renamed["id"], renamed["modified_at"]) == ("AaronFit0001", before)
    assert gp.control("GET", "state")["companies"]["-1"]["customers"] == 28


@pytest.mark.parametrize(
    ("method", "path", "payload", "status"),
    [
        ("GET", "customers/NOBODY", None, 404),
        ("GET", "customers?company=9", None, 404),
        ("GET", "nonsense", None, 404),
        ("GET", "customers?limit=all", None, 400),
        ("POST", "customers", {"id": "AARONFIT0001", "name": "x"}, 409),
        ("POST", "customers/AARONFIT0001", {"rename": "adampark0001"}, 409),
        ("POST", "customers/AARONFIT0001", {"set": {"nmae": "x"}}, 400),
        ("POST", "customers/AARONFIT0001", {"sett": {}}, 400),
        ("POST", "customers/AARONFIT0001", {"email": {"id": "NOWHERE", "to": "x"}}, 400),
        ("POST", "vendors/ACETRAVE0001", {"balance": {"amount": "1"}}, 400),
        ("POST", "settings", {"speed": 1}, 400),
        ("POST", "settings", {"row_limits": {"things": 1}}, 400),
        ("POST", "faults", {"faults": [{"kind": "explode"}]}, 400),
        ("DELETE", "customers", None, 405),
    ],
)
def test_control_says_what_it_cannot_do(gp, wire, method, path, payload, status):
    with pytest.raises(ControlError) as error:
        gp.control(method, path, payload)

    assert error.value.status == status
    assert wire.control(method, path, payload)[0] == status


OPERATION = "GetVendorList"
BODY = message(OPERATION, context())


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (BODY, {"Content-Type": "application/soap+xml"}, 415, None),
        (BODY[:-5], {}, 400, None),
        (b"<a/>", {}, 400, None),
        (b'<!DOCTYPE x [<!ENTITY e "x">]>' + BODY, {}, 400, None),
        (BODY, {"SOAPAction": f"{GP}/{OPERATION}"}, 500, "a:ActionNotSupported"),  # not quoted
        (BODY, {"SOAPAction": '""'}, 500, "a:ActionNotSupported"),
        (BODY, {"SOAPAction": f'"{GP}/DeleteVendor"'}, 500, "a:ActionNotSupported"),
        (BODY, {"SOAPAction": f'"{GP}/GetCustomerList"'}, 500, "a:DeserializationFailed"),
        (BODY.replace(b' xsi:type="d:CompanyKey"', b""), {}, 500, "a:DeserializationFailed"),
        (BODY.replace(b"d:CompanyKey", b"g:CompanyKey"), {}, 500, "a:DeserializationFailed"),
        (BODY.replace(b">Local<", b">Loca<"), {}, 500, "a:DeserializationFailed"),
    ],
)
def test_what_is_no_request_is_refused(wire, body, headers, status, code):
    wire.list(OPERATION)
    reply = wire.post(body, OPERATION, **headers)

    assert reply.status == status
    assert code is None or reply.fault_code == code


def test_the_company_key_may_be_in_the_default_namespace(wire):
    asked = BODY.replace(b'xsi:type="d:CompanyKey"', f'xmlns="{DYN}" xsi:type="CompanyKey"'.encode())
    wire.list(OPERATION)

    assert wire.post(asked, OPERATION).status == 200


def test_pages_of_the_web_server(wire):
    assert b"DynamicsGP Service" in wire.send("GET", PATH).body
    assert wire.send("GET", "/nowhere").status == 404
    assert wire.send("POST", "/nowhere", BODY).status == 404
    assert wire.send("DELETE", PATH).status == 405
