"""Sales documents by SBA: bodies that go out, answers that come back."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from ml_connector.connectors.dynamics_gp import (
    GpClient,
    GpConfig,
    GpTarget,
    RequestGate,
    sales_trees,
    sba_changes,
    sba_sales,
)
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.sba_sales_config import SbaSales
from ml_connector.core.errors import ConfigurationError, NotDoneError, RetryableError
from ml_connector.core.ports import Refused
from ml_connector.core.sales import Document, Kind, Line, ShipTo
from ml_connector.core.sales_ports import Accepted, Sought, Taken, Unsure

NAMES = SbaSales()
HERE = "/Tenants({tenant})/Companies({company})/ZohoSync/Sales/Sales"
PATHS = {
    "list_path": f"{HERE}{{kind}}Pages({{after}})",
    "record_path": f"{HERE}{{kind}}s({{key}})",
    "create_path": f"{HERE}{{kind}}s",
}
ROW = {
    "SalesId": "ZO1   ", "CustomerId": "C1", "State": "Work", "IsVoided": "false", "CustomerPONumber": "PO 7",
    "TotalAmount": "99.10", "LineTotal": "100.00", "DiscountPercent": "10", "DiscountAmount": None,
    "MasterNumber": "7", "DocumentDate": "2026-05-04T00:00:00", "UserText3": "c", "FutureField": "kept",
    "ShipTo": {"City": "Elgin", "Phone1": "31255501990000", "Fax": "1", "CountryCode": "US"},
    "Lines": [{"LineSequence": "16384", "ItemId": "A ", "Quantity": "2", "UnitPrice": "50.00",
               "DiscountPercent": "5", "QuantityRemaining": "1.5", "QuantityCanceled": "0"},
              {"LineSequence": "32768", "ItemId": "B", "Quantity": "1", "UnitPrice": "1"}],
}  # fmt: skip


def standing(row=ROW):
    return sales_trees.standing(Kind.ORDER, sba_sales.tree(Kind.ORDER, row, NAMES))


def changed(**changes):
    before = standing().document
    return json.loads(sba_sales.changed(ROW, before, replace(before, **changes), NAMES))


def test_a_row_is_read():
    found = standing()
    document = found.document
    assert (document.number, document.customer, document.customer_po) == ("ZO1", "C1", "PO 7")
    assert (document.on, document.texts) == (date(2026, 5, 4), {3: "c"})
    assert (found.total, found.line_total, found.master_number) == (Decimal("99.10"), Decimal("100.00"), 7)
    assert document.trade_discount == Decimal("10.00")
    assert document.ship_to == ShipTo(city="Elgin", phone="3125550199")
    assert (document.lines[0].item, document.lines[0].discount) == ("A", Decimal("2.50"))
    assert found.progress[0].invoiced == Decimal("0.5")


def test_an_amount_never_passes_through_a_float():
    line = Line("A", Decimal(3), unit_price=Decimal("0.10000000000000000555"))
    body = sba_sales.new(Document(Kind.ORDER, "ZO1", "C1", (line,), freight=Decimal("1E+2")), NAMES).decode()
    assert '"UnitPrice": 0.10000000000000000555' in body
    assert '"FreightAmount": 100' in body


def test_what_is_not_said_is_not_sent():
    body = json.loads(sba_sales.new(Document(Kind.ORDER, "", "C1", (Line("A", Decimal(1)),)), NAMES))
    assert body == {"CustomerId": "C1", "Lines": [{"ItemId": "A", "Quantity": 1}]}


def test_a_name_that_is_not_there_is_not_sent():
    names = SbaSales(fields={"comment": "", "customer_po": "PO"}, line_fields={"item": "Item"})
    document = Document(Kind.ORDER, "Z", "C1", (Line("A", Decimal(1)),), customer_po="7", comment="x")
    body = json.loads(sba_sales.new(document, names))
    assert body == {"SalesId": "Z", "CustomerId": "C1", "PO": "7", "Lines": [{"Item": "A", "Quantity": 1}]}


def test_a_change_is_the_difference_alone():
    first, second = standing().document.lines
    assert changed() == {}
    assert changed(comment="new", texts={}) == {"Comment": "new", "UserText3": ""}
    assert changed(on=None) == {"DocumentDate": None}
    assert changed(trade_discount=Decimal(3)) == {"DiscountAmount": 3, "DiscountPercent": None}
    assert changed(lines=(replace(first, quantity=Decimal(4), discount=Decimal(1)),)) == {
        "Lines": [
            {"LineSequence": 16384, "Quantity": 4, "DiscountAmount": 1, "DiscountPercent": None},
            {"LineSequence": 32768, "Delete": True},
        ]
    }
    other = changed(lines=(first, replace(second, item="C"), Line("D", Decimal(1))))["Lines"]
    assert [line.get("ItemId") for line in other] == ["C", "D", None]
    assert other[2] == {"LineSequence": 32768, "Delete": True}


def test_the_rest_of_an_address_stays():
    assert changed(ship_to=ShipTo(city="Aurora", phone="3125550199"))["ShipTo"] == {
        **dict.fromkeys(("AddressName", "ContactPerson", "Address1", "Address2", "Address3", "State", "PostalCode",
                         "Country"), ""),
        "City": "Aurora", "Phone1": "3125550199", "Fax": "1", "CountryCode": "US",
    }  # fmt: skip
    assert changed(ship_to=None) == {"ShipTo": None}


# ---- answers


def answered(status, body=b"", **more):
    answer = Answer(status, {}, (), body if isinstance(body, bytes) else json.dumps(body).encode())
    return sba_changes.outcome(answer, "ZO1 ", NAMES.reasons_at, ("POST SalesOrders", "/p"), **more)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_it_is_done(status):
    assert answered(status, {}) == Accepted("ZO1")


@pytest.mark.parametrize("status", [400, 409, 422])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Errors": ["The item A does not exist.", "The customer is on hold."]}, "ITEM_UNKNOWN"),
        ({"Message": "The customer is on hold."}, "CUSTOMER_ON_HOLD"),
        ("The customer is on hold.", "CUSTOMER_ON_HOLD"),
        ([], "GP_REFUSED"),
        (b"no JSON at all", "GP_REFUSED"),
    ],
)
def test_a_refusal_has_its_reasons(status, body, code):
    outcome = answered(status, body)
    assert isinstance(outcome, Refused)
    assert outcome.error.code == code


def test_a_taken_number_is_told_or_looked_up():
    taken = {"Errors": ["The document number ZO1 already exists."]}
    assert isinstance(answered(400, taken, is_there=lambda: False), Taken)
    assert isinstance(answered(409, {"Message": "?"}, is_there=lambda: True), Taken)
    assert isinstance(answered(409, {"Message": "?"}, is_there=lambda: False), Refused)
    assert isinstance(
        answered(400, {"Message": "The item A does not exist."}, is_there=lambda: True), Refused
    )


def test_what_is_not_there_is_told_of_the_record_or_of_the_service():
    gone = answered(404, {"Message": "No such object."})
    assert isinstance(gone, Refused)
    assert gone.gone
    with pytest.raises(ConfigurationError, match="nothing at /p"):
        answered(404, {"Message": "No such object."}, is_there=lambda: False)


def test_a_failure_of_gp_is_in_doubt_and_a_page_is_nobodys():
    outcome = answered(500, {"Message": "Server=SQL1;Password=Hidden1"})
    assert isinstance(outcome, Unsure)
    assert "Hidden1" not in outcome.error.happened + outcome.error.answer
    for status in (200, 500, 502, 503):
        with pytest.raises(RetryableError) as error:
            answered(status, b"<html><body>Bad Gateway</body></html>")
        assert not isinstance(error.value, NotDoneError)
    with pytest.raises(ConfigurationError):
        answered(403, {"Message": "No right."})


# ---- settings


def test_paths_have_to_be_named():
    with pytest.raises(ValidationError, match="list_path, record_path, create_path"):
        SbaSales(enabled=True)
    with pytest.raises(ValidationError, match="“colour” is not a field"):
        SbaSales(fields={"colour": "Colour"})
    with pytest.raises(ValidationError, match="not known here"):
        SbaSales(create_path="/a({key})")
    with pytest.raises(ValidationError, match="needs an address and a company"):
        GpConfig.model_validate(
            {
                "endpoint": "http://gp/x",
                "company_id": 1,
                "user": "u",
                "sba": {"sales": {"enabled": True, **PATHS}},
            }
        )


# ---- over the wire


@pytest.fixture
def target_by_sba(simulate, opened, tmp_path, clock):
    """A simulator and its sales documents by SBA."""

    def connect(company="Fabrikam, Inc.", **sales):
        simulator = simulate()
        sba = {"address": simulator.sba_address, "company": company}
        wanted = {"endpoint": simulator.endpoint, "company_id": -1, "user": "FABRIKAM\\connector"}
        config = GpConfig.model_validate(
            wanted | {"sba": {**sba, "sales": {"enabled": True, **PATHS, **sales}}}
        )
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", 2, 0.0, clock)))
        client = opened.enter_context(closing(GpClient(config, lambda: "Sample-Pa55word", gate, clock)))
        there = config.model_copy(update={"endpoint": config.sba.address})
        transport = opened.enter_context(closing(WindowsTransport(there, lambda: "Sample-Pa55word")))
        return simulator, GpTarget(client, sba=transport)

    return connect


@pytest.fixture
def by_sba(target_by_sba):
    """The same, but the documents alone."""

    def connect(**wanted):
        simulator, target = target_by_sba(**wanted)
        return simulator, target.documents

    return connect


def order(number="ZO1", **more):
    given = {"customer": "AARONFIT0001", "batch": "ZOHO", **more}
    return Document(Kind.ORDER, number, lines=(Line("100XLG", Decimal(1)),), **given)


@pytest.mark.parametrize("kind", ["drop", "cut_after_work", "late", "http_503", "http_500", "html_200"])
def test_a_create_is_sent_once_whatever_becomes_of_its_answer(by_sba, kind):
    simulator, documents = by_sba()
    documents.create(order("ZO0"))
    plan = {"faults": [{"kind": kind, "operation": "POST SalesOrders", "count": 3}]}
    simulator.control("POST", "faults", plan)
    with pytest.raises(RetryableError) as error:
        documents.create(order(""))
    assert not isinstance(error.value, NotDoneError)
    (left,) = simulator.control("GET", "faults")["faults"]
    assert left["count"] == 2


def test_the_number_that_gp_gave_is_told(by_sba):
    _, documents = by_sba()
    made = documents.create(order(""))
    assert made == Accepted("ORDST2230")
    assert documents.find(Kind.ORDER, "ORDST2230") is not None


def test_rows_without_what_names_them_stop(by_sba):
    _, documents = by_sba(fields={"number": "Number"})
    with pytest.raises(ConfigurationError, match="Number"):
        documents.list_documents(Sought(), None)


def test_a_document_under_another_number_is_not_taken_for_it(by_sba):
    _, documents = by_sba(record_path=f"{HERE}{{kind}}s(ORDST2228)?{{key}}")
    with pytest.raises(ConfigurationError, match="ORDST2228"):
        documents.find(Kind.ORDER, "ZO1")


def test_another_company_is_not_taken_for_an_empty_one(by_sba):
    _, documents = by_sba(company="Nobody, Inc.")
    with pytest.raises(ConfigurationError):
        documents.find(Kind.ORDER, "ORDST2228")


def test_ping_tries_the_services(target_by_sba):
    _, target = target_by_sba()
    checks = target.checks((Kind.QUOTE, Kind.ORDER))
    assert all(check.ok for check in checks), checks
    assert len(checks) == 4
    _, wrong = target_by_sba(record_path=f"{HERE}{{kind}}Nowhere({{key}})")
    assert [check.ok for check in wrong.checks((Kind.ORDER,))] == [True, False]
