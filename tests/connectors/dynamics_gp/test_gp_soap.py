"""The dialect, on samples; and requests against the schema of GP's service where that is at hand."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from ml_connector.connectors.dynamics_gp import ledger, reasons, soap
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.soap import AnswerError, FaultError
from ml_connector.core.errors import RecordRejectedError

WSDL = Path(__file__).parents[4] / "shared/reference/gp/DynamicsGP-legacy-2006-01-subset-reconstructed.wsdl"
CONTEXT = soap.context(-1, "en-US")


def answer(body: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{soap.ENVELOPE}" xmlns:xsi="{soap.XSI}"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def vendors(rows: str) -> bytes:
    result = f"<GetVendorListResult>{rows}</GetVendorListResult>"
    return answer(f'<GetVendorListResponse xmlns="{soap.GP}">{result}</GetVendorListResponse>')


def read_rows(body: bytes) -> object:
    return soap.parse_rows(body, "GetVendorList", "VendorSummary")


def read_object(body: bytes) -> object:
    return soap.parse_object(body, "GetVendorByKey")


def test_a_list_request_states_what_is_asked_in_gps_order():
    where = {
        "ModifiedDate": {"GreaterThan": "2026-01-01T00:00:00"},
        "Id": {"GreaterThan": "A&B", "LessThan": "C"},
    }
    text = soap.request("GetVendorList", soap.criteria("GetVendorList", where), CONTEXT).decode()
    nil = ' xsi:nil="true"/>'
    assert (
        "<gp:criteria><gp:Id><gp:GreaterThan>A&amp;B</gp:GreaterThan><gp:LessThan>C</gp:LessThan></gp:Id>"
        f"<gp:ModifiedDate><gp:EqualValue{nil}<gp:NotEqualValue{nil}<gp:From{nil}<gp:To{nil}"
        f"<gp:GreaterThan>2026-01-01T00:00:00</gp:GreaterThan><gp:LessThan{nil}</gp:ModifiedDate>"
        "<gp:Scope>Return All</gp:Scope></gp:criteria>"
    ) in text
    assert '<dyn:OrganizationKey xsi:type="dyn:CompanyKey"><dyn:Id>-1</dyn:Id></dyn:OrganizationKey>' in text
    assert "<dyn:CurrencyType>Local</dyn:CurrencyType>" in text
    assert soap.action("GetVendorList") == f'"{soap.GP}/GetVendorList"'


def test_what_a_list_cannot_be_asked_is_a_bug():
    with pytest.raises(KeyError, match="Colour"):
        soap.criteria("GetVendorList", {"Colour": {"EqualValue": "red"}})
    with pytest.raises(KeyError, match="Like"):
        soap.criteria("GetVendorList", {"Id": {"Like": "A%"}})


def test_an_instant_is_asked_for_in_utc_without_a_zone():
    at = datetime.fromisoformat("2026-11-22T10:00:00.9+02:00")
    assert soap.instant_text(at) == "2026-11-22T08:00:00"
    assert soap.instant_text(at.astimezone(UTC)) == "2026-11-22T08:00:00"


def test_a_key_that_no_request_can_carry_is_that_records_fault():
    with pytest.raises(RecordRejectedError, match="control character"):
        soap.key("A\x01B")


def test_rows_become_trees():
    body = vendors(
        "<VendorSummary><Key><Id>A  </Id></Key><Name>M&#252;ller &amp; Co</Name>"
        "<PhoneNumbers><PhoneNumber><Value>1</Value></PhoneNumber><PhoneNumber><Value>2</Value></PhoneNumber>"
        '</PhoneNumbers><IsOnHold xsi:nil="true"/></VendorSummary><VendorSummary xsi:nil="true"/>'
        "<!-- a comment --><VendorSummary><Key><Id>B</Id></Key><Name/></VendorSummary>"
    )
    assert soap.parse_rows(body, "GetVendorList", "VendorSummary") == [
        {
            "Key": {"Id": "A  "},
            "Name": "Müller & Co",
            "PhoneNumbers": {"PhoneNumber": [{"Value": "1"}, {"Value": "2"}]},
            "IsOnHold": None,
        },
        {"Key": {"Id": "B"}, "Name": None},
    ]


@pytest.mark.parametrize("rows", ["", "<GetVendorListResult/>"])
def test_no_rows_are_no_rows(rows):
    body = answer(f'<GetVendorListResponse xmlns="{soap.GP}">{rows}</GetVendorListResponse>')
    assert soap.parse_rows(body, "GetVendorList", "VendorSummary") == []


def test_an_object_becomes_a_tree():
    body = answer(
        f'<GetVendorByKeyResponse xmlns="{soap.GP}"><GetVendorByKeyResult><Key><Id>A</Id></Key>'
        "<Addresses><VendorAddress><Line1>1</Line1></VendorAddress></Addresses></GetVendorByKeyResult></GetVendorByKeyResponse>"
    )
    tree = soap.parse_object(body, "GetVendorByKey")
    assert tree == {"Key": {"Id": "A"}, "Addresses": {"VendorAddress": {"Line1": "1"}}}
    empty = answer(f'<GetVendorByKeyResponse xmlns="{soap.GP}"/>')
    assert soap.parse_object(empty, "GetVendorByKey") is None


GUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
FAULT = answer(
    "<s:Fault><faultcode>s:Client</faultcode><faultstring>Business object\n not found.</faultstring>"
    f"<detail><x:LogId xmlns:x='urn:x'>{GUID}</x:LogId></detail></s:Fault>"
)


@pytest.mark.parametrize("parse", [read_rows, read_object])
def test_a_fault_is_told_with_its_log_id(parse):
    with pytest.raises(FaultError) as caught:
        parse(FAULT)
    assert (caught.value.code, caught.value.text, caught.value.log_id) == (
        "s:Client",
        "Business object not found.",
        GUID,
    )
    with pytest.raises(FaultError) as caught:
        parse(answer("<s:Fault><faultcode>s:Server</faultcode><faultstring>No.</faultstring></s:Fault>"))
    assert caught.value.log_id == ""


BOMB = (
    b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>&b;</s:Body></s:Envelope>"
)


@pytest.mark.parametrize("read", [read_rows, read_object])
@pytest.mark.parametrize(
    ("body", "html"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", True),
        (b"<HTML><BODY><h2>Service Unavailable</h2></BODY></HTML>", True),
        (vendors("<VendorSummary><Key><Id>A</Id></Key></VendorSummary>")[:-40], False),
        (answer(""), False),
        (b"", False),
        (b'{"error": 1}', False),
        (BOMB, False),
    ],
)
def test_what_is_not_a_whole_answer_is_never_half_read(read, body, html):
    with pytest.raises(AnswerError) as caught:
        read(body)
    assert caught.value.html is html


def test_reasons_of_a_validation_fault():
    result = {
        "Errors": {
            "ValidationError": [
                {"Message": "Name is too long.", "PropertyNames": {"string": ["Name", "ShortName"]}},
                {"Message": "Class is unknown.", "PropertyNames": None},
                {"Message": None},
            ]
        }
    }
    assert [*map(str, reasons.read(result))] == ["Name is too long. (Name, ShortName)", "Class is unknown."]
    assert reasons.read(result)[0].members == ("Name", "ShortName")
    assert reasons.read(None) == []


@pytest.fixture(scope="module")
def gp_schema(tmp_path_factory) -> etree.XMLSchema:
    """The schemas inside the reconstructed service description, as files that import each other."""
    if not WSDL.exists():
        pytest.skip(f"the reference file {WSDL.name} is not here")
    folder = tmp_path_factory.mktemp("xsd")
    root = etree.parse(WSDL).getroot()
    xs = "{http://www.w3.org/2001/XMLSchema}"
    schemas = root.findall(f".//{xs}schema")
    names = {schema.get("targetNamespace"): f"part{number}.xsd" for number, schema in enumerate(schemas)}
    for schema in schemas:
        for item in schema.findall(f"{xs}import"):
            item.set("schemaLocation", names[item.get("namespace")])
        (folder / names[schema.get("targetNamespace")]).write_bytes(etree.tostring(schema))
    return etree.XMLSchema(etree.parse(folder / names[soap.GP]))


def requests() -> list[tuple[str, str]]:
    """Every request that the connector can make."""
    listings = [
        listing for entity in MASTERS.values() for listing in (entity.listing, *entity.facets.values())
    ]
    asked = [
        (listing.operation, soap.criteria(listing.operation, {level.member: restriction}))
        for listing in listings
        for level in listing.levels
        for restriction in ({"EqualValue": level.values[0] if level.values else "A"}, {"GreaterThan": "A"})
        if not (level.values and "GreaterThan" in restriction)
    ]
    asked += [
        (name, soap.criteria(name, {"ModifiedDate": {"GreaterThan": "2026-01-01T00:00:00"}}))
        for name in ("GetVendorList", "GetCustomerList")
    ]
    payments = {
        "TransactionState": {"Items": ("Open", "History")},
        "Type": {"EqualValue": "Payment"},
        "Date": {"GreaterThan": "2026-01-01T00:00:00"},
        "VendorId": {"GreaterThan": "A", "LessThan": "B"},
    }
    asked.append(("GetPayablesDocumentList", soap.criteria("GetPayablesDocumentList", payments)))
    asked += _ledger_requests()
    keys = ("GetVendorByKey", "GetCustomerByKey", "GetPayablesInvoiceByKey")
    asked += [(name, soap.key("A")) for name in keys]
    return [
        *asked,
        ("GetLoggedValidationResultByKey", soap.log_id(GUID)),
        ("GetWSEnabledCompanyForUserList", ""),
    ]


def _ledger_requests() -> list[tuple[str, str]]:
    entries, accounts = ledger.JOURNALS.listing.operation, ledger.ACCOUNTS.listing.operation
    wheres = [
        ledger.wanted_states(unposted=False),
        ledger.of_key(ledger.EntryKey(7, date(2026, 1, 31), 0)),
        {"Date": {"GreaterThan": "2026-01-01T00:00:00", "LessThan": "2026-02-01T00:00:00"}},
        {
            "Date": {"EqualValue": "2026-01-31T00:00:00"},
            "ModifiedDate": {"GreaterThan": "2026-01-01T00:00:00"},
            "JournalId": {"GreaterThan": "7"},
            "RecurringTransactionSequence": {"LessThan": "3"},
            "TransactionState": {"EqualValue": "Open", "Items": ledger.POSTED},
        },
    ]
    return [
        *((entries, soap.criteria(entries, where)) for where in wheres),
        (accounts, soap.criteria(accounts, {"GLAccountId": {"GreaterThan": "000"}})),
        (accounts, soap.criteria(accounts, {"ModifiedDate": {"GreaterThan": "2026-01-01T00:00:00"}})),
        (ledger.FORMAT.operation, soap.criteria(ledger.FORMAT.operation, {})),
        *((name, soap.account_key("000-1100-00")) for name in ledger.ACCOUNT_OPERATIONS),
        (ledger.WORK_OPERATION, soap.journal_key(7, date(2026, 1, 31), None)),
        (ledger.POSTED_OPERATION, soap.journal_key(7, date(2026, 1, 31), (2, 2026))),
    ]


def test_the_type_of_an_element_is_kept_where_it_says_one():
    key = '<Key xsi:type="p:GLTransactionPostedKey" xmlns:p="urn:x"><JournalId>7</JournalId></Key>'
    body = answer(
        f'<GetGLAccountByKeyResponse xmlns="{soap.GP}"><GetGLAccountByKeyResult xsi:type="GLUnitAccount">{key}'
        "</GetGLAccountByKeyResult></GetGLAccountByKeyResponse>"
    )
    assert soap.parse_object(body, "GetGLAccountByKey") == {
        soap.KIND: "GLUnitAccount",
        "Key": {soap.KIND: "GLTransactionPostedKey", "JournalId": "7"},
    }


def test_every_request_is_valid_in_gps_own_schema(gp_schema):
    for operation, arguments in requests():
        envelope = etree.fromstring(soap.request(operation, arguments, CONTEXT))
        body = envelope[0][0]
        assert gp_schema.validate(body), (
            f"{operation} {re.sub('<gp:context.*', '', arguments)}: {gp_schema.error_log}"
        )
