"""Writing to GP: its rules as they are told, its policies, what may not be sent twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from ml_connector.connectors.dynamics_gp import GpTarget, sales_trees, sales_xml, soap
from ml_connector.connectors.dynamics_gp.changes import Changes
from ml_connector.connectors.dynamics_gp.documents import GpDocuments
from ml_connector.core.errors import ConfigurationError, NotDoneError, RetryableError
from ml_connector.core.ports import KnownLimit, Refused
from ml_connector.core.sales import Document, Kind, Line, ShipTo
from ml_connector.core.sales_ports import Accepted, Edit, Sought, Taken, Unsure

CUSTOMER = "AARONFIT0001"
US = "FABRIKAM\\connector"


def order(number="ZO1", *lines, **more):
    given = {"customer": CUSTOMER, "batch": "ZOHO", "on": date(2026, 5, 4), **more}
    return Document(Kind.ORDER, number, lines=lines or (Line("100XLG", Decimal(1)),), **given)


def told(simulator, path):
    return simulator.control("GET", f"sales/{path}")


def plan(simulator, kind, operation, **more):
    simulator.control("POST", "faults", {"faults": [{"kind": kind, "operation": operation, **more}]})


def asked(target, operation):
    return target.client.cost().calls.get(operation, 0)


# ---- GP's rules


def unlike(simulator):
    """What is wrong with each of these orders: (order, code)."""
    simulator.control("POST", "periods", {"closed": ["2026-03"]})
    simulator.control("POST", "customers/ADAMPARK0001", {"set": {"is_on_hold": True}})
    simulator.control("POST", "customers/ADVANCED0001", {"set": {"is_active": False}})
    simulator.control("POST", "customers/BLUEYOND0001", {"set": {"credit_limit": {"amount": "1"}}})
    simulator.control("POST", "items/24X IDE", {"set": {"is_discontinued": True}})
    line = Line("100XLG", Decimal(1))
    return [
        (order(on=date(2026, 3, 4)), "PERIOD_CLOSED"),
        (order(customer="ADAMPARK0001"), "CUSTOMER_ON_HOLD"),
        (order(customer="ADVANCED0001"), "CUSTOMER_INACTIVE"),
        (order(customer="BLUEYOND0001"), "CREDIT_EXCEEDED"),
        (order(customer="NOBODY"), "CUSTOMER_UNKNOWN"),
        (order("ZO1", Line("NONE", Decimal(1))), "ITEM_UNKNOWN"),
        (order("ZO1", Line("24X IDE", Decimal(1))), "ITEM_DISCONTINUED"),
        (order("ZO1", replace(line, unit="Barrel")), "UNIT_UNKNOWN"),
        (order("ZO1", replace(line, site="MOON")), "SITE_UNKNOWN"),
        (order("ZO1", replace(line, account="9")), "ACCOUNT_REFUSED"),
        (order("ZO1", replace(line, quantity=Decimal("1.5"))), "QUANTITY_REFUSED"),
        (order("ZO1", replace(line, unit_price=Decimal(-1), item="DEAL")), "PRICE_REFUSED"),
        (order(batch=""), "BATCH_MISSING"),
        (order(batch="NONE"), "BATCH_MISSING"),
        (order(price_level="NONE"), "PRICE_LEVEL_UNKNOWN"),
        (order(shipping_method="NONE"), "SHIPPING_METHOD_UNKNOWN"),
        (order(currency="XXX"), "CURRENCY_UNKNOWN"),
        (order(type_id="NONE"), "DOCUMENT_TYPE_UNKNOWN"),
        (order(ship_to_key="MOON"), "ADDRESS_UNKNOWN"),
        (order(customer_po="P" * 21), "TEXT_TOO_LONG"),
    ]


def test_each_rule_of_gp_is_told_in_our_words_and_in_its_own(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    for document, code in unlike(simulator):
        outcome = target.documents.create(document)
        assert isinstance(outcome, Refused), (document, outcome)
        assert outcome.error.code == code, outcome.error.happened
        assert "Error Number = " in outcome.error.happened
    assert target.documents.find(Kind.ORDER, "ZO1") is None


def test_all_reasons_are_told(simulate, connect_target):
    outcome = connect_target(simulate()).documents.create(
        order("ZO1", Line("NONE", Decimal(1)), batch="NONE")
    )
    assert isinstance(outcome, Refused)
    assert "no such item" in outcome.error.happened
    assert "no such batch" in outcome.error.happened


def test_reasons_that_we_may_not_read_are_said_to_be_hidden(simulate, connect_target):
    simulator = simulate()
    simulator.control("POST", "settings", {"denied_operations": {US: ["GetLoggedValidationResultByKey"]}})
    target = connect_target(simulator)
    outcome = target.documents.create(order("ZO1", Line("NONE", Decimal(1))))
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "GP_REFUSED_UNTOLD"
    assert "log id" in outcome.error.happened
    assert target.documents.create(order("ZO2")) == Accepted("ZO2")
    assert isinstance(target.documents.create(order("ZO2")), Taken), "it was looked up"


def test_a_refusal_that_hides_behind_its_language_is_looked_up(simulate, connect_target):
    """What GP says of a number that exists is not documented: here it is no word that we know."""
    simulator = simulate()
    target = connect_target(simulator)
    target.documents.create(order("ZO1"))
    plan(simulator, "soap_validation_fault", "CreateSalesOrder", count=2)
    assert isinstance(target.documents.create(order("ZO1")), Taken)
    assert isinstance(target.documents.create(order("ZO2")), Refused)


def test_a_missing_right_stops(simulate, connect_target):
    simulator = simulate()
    simulator.control("POST", "settings", {"denied_operations": {US: ["CreateSalesOrder"]}})
    with pytest.raises(ConfigurationError, match="CreateSalesOrder"):
        connect_target(simulator).documents.create(order())


# ---- policies


def test_a_policy_is_asked_for_once(simulate, connect_target):
    target = connect_target(simulate())
    for number in ("ZO1", "ZO2", "ZO3"):
        assert target.documents.create(order(number)) == Accepted(number)
    assert asked(target, "GetPolicyByOperation") == 1


def test_a_policy_of_the_settings_is_not_asked_for(simulate, connect_target):
    ids = {"CreateSalesOrder": "4D060BDC-FA1E-4EA1-9E89-E1D19A5CB2CE"}
    target = connect_target(simulate(), policies=ids)
    assert target.documents.create(order()) == Accepted("ZO1")
    assert asked(target, "GetPolicyByOperation") == 0


def test_a_policy_that_is_not_there_is_told(simulate, connect_target):
    other = connect_target(simulate(), policies={"CreateSalesOrder": "00000000-0000-0000-0000-000000000001"})
    outcome = other.documents.create(order())
    assert isinstance(outcome, Refused)
    assert "[gp] policies" in outcome.error.remedy


class Stale:
    """Policies of which one is out of date until GP is asked anew."""

    asked = 0

    def argument(self, operation):
        guid = (
            "4d060bdc-fa1e-4ea1-9e89-e1d19a5cb2ce" if self.asked else "00000000-0000-0000-0000-000000000001"
        )
        return f"<gp:policy><gp:Key><gp:Id>{guid}</gp:Id></gp:Key></gp:policy>"

    def forget(self, operation):
        self.asked += 1
        return True


def test_a_policy_that_was_changed_meanwhile_is_asked_for_anew(simulate, connect_target):
    target = connect_target(simulate())
    stale = Stale()
    documents = GpDocuments(target.client, Changes(target.client, stale))
    assert documents.create(order()) == Accepted("ZO1")
    assert (stale.asked, asked(target, "CreateSalesOrder")) == (1, 2)


def test_without_the_right_to_a_policy_the_way_out_is_told(simulate, connect_target):
    simulator = simulate()
    simulator.control("POST", "settings", {"denied_operations": {US: ["GetPolicyByOperation"]}})
    with pytest.raises(ConfigurationError, match="GetPolicyByOperation"):
        connect_target(simulator).documents.create(order())


# ---- once


@pytest.mark.parametrize(
    "kind", ["drop", "cut_after_work", "late", "http_503", "http_500", "html_200", "garbage_xml"]
)
def test_a_create_is_sent_once_whatever_becomes_of_its_answer(simulate, connect_target, kind):
    simulator = simulate()
    target = connect_target(simulator)
    target.documents.create(order("ZO0"))
    plan(simulator, kind, "CreateSalesOrder", count=3)
    with pytest.raises(RetryableError) as error:
        target.documents.create(order(""))
    assert not isinstance(error.value, NotDoneError)
    simulator.control("POST", "late")
    (left,) = simulator.control("GET", "faults")["faults"]
    assert left["count"] == 2, "it went over the wire once"
    assert simulator.control("GET", "sales?type=Order")["total"] in (3, 4)


@pytest.mark.parametrize(
    "operation", ["GetPolicyByOperation", "GetLoggedValidationResultByKey", "GetSalesOrderByKey"]
)
def test_what_fails_beside_the_create_leaves_no_doubt(simulate, connect_target, operation):
    """The policy before it, the reasons and the look-up after it was refused: nothing was done."""
    simulator = simulate()
    target = connect_target(simulator)
    fault = {"kind": "soap_validation_fault", "operation": "CreateSalesOrder"}
    away = {"kind": "http_503", "operation": operation, "count": 9}
    simulator.control("POST", "faults", {"faults": [fault, away]})
    with pytest.raises(NotDoneError):
        target.documents.create(order())
    assert simulator.control("GET", "sales?type=Order")["total"] == 2


def test_what_fails_before_an_update_leaves_no_doubt(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    target.documents.create(order())
    found = target.documents.find(Kind.ORDER, "ZO1")
    edit = Edit("customers", CUSTOMER, {"default.city": "Elgin"}, {})
    attempts = {
        "GetSalesOrderByKey": lambda: target.documents.update(found, replace(found.document, comment="new")),
        "GetCustomerByKey": lambda: target.masters.edit(edit),
    }
    for operation, attempt in attempts.items():
        plan(simulator, "http_503", operation, count=9)
        with pytest.raises(NotDoneError):
            attempt()


@pytest.mark.parametrize("kind", ["drop", "cut_after_work"])
def test_an_update_whose_answer_is_lost_may_have_been_done(simulate, connect_target, kind):
    simulator = simulate()
    target = connect_target(simulator)
    target.documents.create(order())
    found = target.documents.find(Kind.ORDER, "ZO1")
    plan(simulator, kind, "UpdateSalesOrder")
    with pytest.raises(RetryableError) as error:
        target.documents.update(found, replace(found.document, comment="new"))
    assert not isinstance(error.value, NotDoneError)
    assert told(simulator, "Order/ZO1")["comment"] == ("new" if kind == "cut_after_work" else "")


def test_a_dead_idle_connection_leaves_no_doubt(simulate, connect_target):
    """The server closed it meanwhile: a reading tries another, and a change is not sent over it at all."""
    simulator = simulate()
    target = connect_target(simulator)
    for number in range(5):
        assert target.documents.find(Kind.ORDER, "NO") is None
        simulator.end_connections()
        assert target.documents.create(order(f"ZO{number}")) == Accepted(f"ZO{number}")


def test_a_late_create_is_refused_where_another_came_first(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    plan(simulator, "late", "CreateSalesOrder")
    with pytest.raises(RetryableError):
        target.documents.create(order())
    assert target.documents.find(Kind.ORDER, "ZO1") is None
    assert target.documents.create(order()) == Accepted("ZO1")
    simulator.control("POST", "late")
    assert simulator.control("GET", "sales?type=Order")["total"] == 3


def test_of_many_creates_at_once_one_is_done(simulate, connect_target):
    target = connect_target(simulate())
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: target.documents.create(order()), range(12)))
    assert sum(outcome == Accepted("ZO1") for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Taken) for outcome in outcomes) == 11


@pytest.mark.parametrize("kind", ["soap_system_fault", "soap_foreign_fault"])
def test_a_hidden_failure_is_this_orders(simulate, connect_target, kind):
    simulator = simulate()
    target = connect_target(simulator)
    plan(simulator, kind, "CreateSalesOrder")
    outcome = target.documents.create(order())
    assert isinstance(outcome, Unsure)
    assert "Pa55word" not in outcome.error.happened + outcome.error.answer


def test_what_cannot_be_read_is_this_orders_fault(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    target.documents.create(order())
    found = target.documents.find(Kind.ORDER, "ZO1")
    plan(simulator, "soap_system_fault", "GetSalesOrderByKey", count=2)
    outcome = target.documents.update(found, replace(found.document, comment="new"))
    assert isinstance(outcome, Refused)
    assert outcome.error.heals
    plan(simulator, "soap_system_fault", "GetVendorByKey", count=2)
    outcome = target.masters.edit(Edit("vendors", "ACETRAVE0001", {"default.city": "Elgin"}, {}))
    assert isinstance(outcome, Refused)
    assert outcome.error.heals


# ---- what is sent back whole


def test_what_nothing_here_knows_survives_an_update(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    address = {"line1": "1 Elm", "city": "Elgin", "phone2": "31255501990000", "fax": "21255501990000"}
    entered = simulator.control("POST", "sales", {
        "id": "ZO1", "customer_id": CUSTOMER, "batch": "ZOHO", "note": "By hand", "reference": "Ref",
        "salesperson": "PAUL W.", "payment_terms": "2% 10/Net 30", "ship_to_address": {"id": "X", **address},
        "user_defined": {"list1": "A", "date1": "2026-01-02", "text1": "t"}, "integration_source": 7,
        "trade_discount": {"percent": "10"},
        "lines": [{"item_id": "100XLG", "quantity": "2", "integration_source": 3, "comment": "red",
                   "discount": {"percent": "5"}, "shipping_method": "OVERNIGHT"}],
    })  # fmt: skip
    found = target.documents.find(Kind.ORDER, "ZO1")
    assert found.document.trade_discount == Decimal("11.39")
    assert found.document.lines[0].discount == Decimal("3.00")
    wanted = replace(
        found.document, customer_po="PO 8", ship_to=replace(found.document.ship_to, city="Aurora")
    )
    assert target.documents.update(found, wanted) == Accepted("ZO1")
    after = told(simulator, "Order/ZO1")
    changed = {name for name in after if after[name] != entered[name]}
    assert changed - {"modified_at", "row_stamp_at", "customer_po", "ship_to_address"} <= _FILLED
    assert after["ship_to_address"]["city"] == "Aurora"
    assert [after["ship_to_address"][name] for name in ("line1", "phone2", "fax")] == [
        address[name] for name in ("line1", "phone2", "fax")
    ]
    assert after["lines"][0]["discount"] == {"percent": "5.00", "amount": None}
    assert after["trade_discount"]["percent"] == "10.00"


#: What was empty when the order was entered by hand, which GP's service gives whoever updates it.
_FILLED = {"lines", "tax_schedule", "territory", "site", "shipping_method"}


def test_an_update_of_a_document_in_another_currency_keeps_its_amounts(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    for verb in ("Create", "Update"):
        chosen = {"Calculate Unit Price": 0, "Check Credit Limit": 0}
        simulator.control("POST", f"policies/{verb}SalesOrder", chosen)
    line = Line("100XLG", Decimal(1), unit_price=Decimal("90.83"))
    sent = order("ZO1", line, customer="ASTORSUI0001", currency="AUD", freight=Decimal("10.01"))
    assert target.documents.create(sent) == Accepted("ZO1")
    found = target.documents.find(Kind.ORDER, "ZO1")
    assert (found.total, found.document.currency) == (Decimal("100.84"), "AUD")
    assert target.documents.update(found, replace(found.document, comment="new")) == Accepted("ZO1")
    assert target.documents.find(Kind.ORDER, "ZO1").total == found.total


READ = """<GetSalesOrderByKeyResult xmlns="{gp}" xmlns:xsi="{xsi}" xmlns:q="{gp}">
  <Key><CompanyKey><Id xmlns="{dyn}">-1</Id></CompanyKey><Id>ZO1  </Id></Key><Type>Order</Type>
  <CustomerKey><Id>C1</Id></CustomerKey><LineTotalAmount><Value>10</Value></LineTotalAmount>
  <TotalAmount><Value>10</Value></TotalAmount><ExchangeRate xsi:nil="true"/><Comment>old</Comment>
  <FutureMember xsi:type="q:Something">kept</FutureMember>
  <Lines><SalesOrderLine><Key><LineSequenceNumber>16384</LineSequenceNumber></Key>
    <UnitPrice><Currency>USD</Currency><Value>5.00000</Value></UnitPrice><TotalAmount><Value>10</Value></TotalAmount>
    <Quantity><Value>2</Value></Quantity><ItemKey><Id>A  </Id></ItemKey>
    <QuantityToInvoice><Value>2</Value></QuantityToInvoice>
    <Lots><SalesLineLot><LotNumber>L1</LotNumber></SalesLineLot></Lots></SalesOrderLine>
    <SalesOrderLine><Key><LineSequenceNumber>32768</LineSequenceNumber></Key>
    <TotalAmount><Value>1</Value></TotalAmount><Quantity><Value>1</Value></Quantity><ItemKey><Id>B</Id></ItemKey>
    </SalesOrderLine></Lines>
</GetSalesOrderByKeyResult>"""


def read_sample():
    return etree.fromstring(READ.format(gp=soap.GP, xsi=soap.XSI, dyn=soap.DYNAMICS))


def changed(change):
    read = read_sample()
    before = sales_trees.standing(Kind.ORDER, soap.tree_of(read)).document
    return before, etree.fromstring(sales_xml.changed(read, before, change(before)))


def text(root, path):
    return root.findtext("/".join(f"{{{soap.GP}}}{name}" for name in path.split("/")))


def test_a_document_is_read_without_its_blanks():
    before = sales_trees.standing(Kind.ORDER, soap.tree_of(read_sample())).document
    assert (before.number, before.lines[0].item, before.ship_to) == ("ZO1", "A", None)


def test_the_sample_goes_back_as_it_came_where_nothing_differs():
    _, sent = changed(lambda before: before)
    came, went = (
        [(one.tag, dict(one.attrib), (one.text or "").strip()) for one in root.iter()]
        for root in (read_sample(), sent)
    )
    assert went[1:] == came[1:]


def test_sums_that_a_change_makes_untrue_are_left_to_gp():
    def more(before):
        first, second = before.lines
        return replace(before, lines=(replace(first, quantity=Decimal(3)), second))

    _, sent = changed(more)
    assert text(sent, "TotalAmount/Value") is None
    assert text(sent, "FutureMember") == "kept"
    first, second = sent.find(f"{{{soap.GP}}}Lines")
    assert text(first, "Quantity/Value") == "3"
    assert text(first, "TotalAmount/Value") is None
    assert text(first, "QuantityToInvoice/Value") is None
    assert text(first, "Lots/SalesLineLot/LotNumber") == "L1"
    assert text(first, "UnitPrice/Value") == "5.00000"
    assert text(second, "TotalAmount/Value") == "1"


def test_a_comment_alone_leaves_the_sums():
    _, sent = changed(lambda before: replace(before, comment="new"))
    assert (text(sent, "Comment"), text(sent, "TotalAmount/Value")) == ("new", "10")


def test_a_key_of_another_address_takes_the_old_address_along():
    def moved(before):
        return replace(before, ship_to_key="OTHER")

    _, sent = changed(moved)
    assert text(sent, "ShipToAddressKey/Id") == "OTHER"
    assert sent.find(f"{{{soap.GP}}}ShipToAddress") is None
    _, sent = changed(lambda before: replace(before, ship_to=ShipTo(city="Elgin")))
    assert text(sent, "ShipToAddress/City") == "Elgin"


# ---- lists


def test_a_list_of_thousands_costs_few_calls(simulate, connect_target):
    simulator = simulate()
    for number in range(60):
        simulator.control(
            "POST", "sales", {"id": f"ZO{number:03}", "customer_id": CUSTOMER, "batch": "ZOHO", "lines": []}
        )
    simulator.control("POST", "settings", {"row_limits": {"sales_documents": 20}})
    target = connect_target(simulator)
    rows, after = [], None
    while True:
        page = target.documents.list_documents(Sought(), after)
        rows, after = [*rows, *page.rows], page.next_after
        if after is None:
            break
    assert len({(row.kind, row.number) for row in rows}) == len(rows) == 64
    assert asked(target, "GetSalesDocumentList") <= 40


class Kept:
    """Keeps row limits, as the store does."""

    def __init__(self, **known):
        self.known = KnownLimit(**known)

    def find(self, operation):
        return self.known

    def keep(self, operation, known):
        self.known = known


def with_orders(simulator, count):
    for number in range(count):
        entered = {
            "id": f"ZO{number:03}",
            "customer_id": CUSTOMER,
            "customer_po": f"PO {number}",
            "lines": [],
        }
        simulator.control("POST", "sales", entered)


def calls_of(target, **sought):
    before = asked(target, "GetSalesDocumentList")
    rows = target.documents.list_documents(Sought(**sought), None).rows
    return [row.number for row in rows], asked(target, "GetSalesDocumentList") - before


def test_a_question_about_one_order_is_proved_by_one_more(simulate, connect_target):
    simulator = simulate()
    with_orders(simulator, 30)
    kept = Kept()
    target = GpTarget(connect_target(simulator).client, kept)
    assert calls_of(target, customer_po="PO 7") == (["ZO007"], 2)  # of which one is how it learns
    assert calls_of(target, customer_po="PO 8") == (["ZO008"], 2)
    assert calls_of(target, customer_po="PO X") == ([], 1)
    another = GpTarget(connect_target(simulator).client, kept)
    assert calls_of(another, customer_po="PO 9") == (["ZO009"], 2)


def test_hints_that_are_out_of_date_prove_nothing(simulate, connect_target):
    simulator = simulate()
    with_orders(simulator, 3)
    simulator.control("POST", "settings", {"row_limits": {"sales_documents": 1}})
    kept = Kept(longest=900, hints=((2, "A"), (10, "B")))
    target = GpTarget(connect_target(simulator).client, kept)
    rows = target.documents.list_documents(Sought(customer=CUSTOMER, kinds=frozenset({Kind.ORDER})), None)
    assert rows.next_after is not None
    assert calls_of(target, customer_po="PO 2")[0] == ["ZO002"]


def test_a_limit_that_was_learned_is_kept_and_one_that_was_disproved_forgotten(simulate, connect_target):
    simulator = simulate()
    with_orders(simulator, 12)
    kept = Kept(limit=4)
    target = GpTarget(connect_target(simulator).client, kept)
    every(target)
    assert kept.known.limit is None
    simulator.control("POST", "settings", {"row_limits": {"sales_documents": 5}})
    every(GpTarget(connect_target(simulator).client, kept))
    assert kept.known.limit == 5


def every(target):
    numbers, after = [], None
    while True:
        page = target.documents.list_documents(Sought(), after)
        numbers, after = [*numbers, *(row.number for row in page.rows)], page.next_after
        if after is None:
            assert len(numbers) == 16
            return


def test_stamps_that_are_days_lose_no_change(simulate, connect_target):
    simulator = simulate(stamp_granularity="day")
    target = connect_target(simulator)
    target.documents.create(order())
    since = target.documents.find(Kind.ORDER, "ZO1").modified_at
    assert "ZO1" in {row.number for row in target.documents.list_documents(Sought(since=since), None).rows}


# ---- masters


def test_an_edit_keeps_what_it_does_not_name(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    before = simulator.control("GET", f"customers/{CUSTOMER}")
    fields = {"default.phone1": "3125550100", "default.email": "new@example.com"}
    assert target.masters.edit(Edit("customers", CUSTOMER, fields, {})) == Accepted(CUSTOMER)
    after = simulator.control("GET", f"customers/{CUSTOMER}")
    moved = {name for name in after if after[name] != before[name]}
    assert moved == {"addresses", "modified_at", "row_stamp_at"}
    for old, new in zip(before["addresses"], after["addresses"], strict=True):
        own = {name for name in new if new[name] != old[name]}
        assert own <= {"modified_at", "phone1", "email"}
    assert after["addresses"][0]["email"]["to"] == "new@example.com"


def test_an_extension_stays_with_its_number(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    simulator.control("POST", f"customers/{CUSTOMER}", {"address": {"phone1": "31255501990123"}})
    found = target.masters.read("customers", CUSTOMER)
    assert found.fields["default.phone1_extension"] == "0123"
    for number, extension in (("3125550100", "0123"), ("+49 30 1234", None)):
        edit = Edit("customers", CUSTOMER, {"default.phone1": number}, {})
        assert target.masters.edit(edit) == Accepted(CUSTOMER)
        fields = target.masters.read("customers", CUSTOMER).fields
        assert (fields["default.phone1"], fields["default.phone1_extension"]) == (number, extension)


def test_of_one_address_no_two_values(simulate, connect_target):
    target = connect_target(simulate())
    fields = {"default.city": "Elgin", "bill_to.city": "Aurora"}
    outcome = target.masters.edit(Edit("customers", CUSTOMER, fields, {}))
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "GP_ONE_ADDRESS"


def test_who_has_no_such_address_is_told(simulate, connect_target):
    simulator = simulate()
    simulator.control("POST", "vendors/ACETRAVE0001", {"set": {"ship_from_address": ""}})
    target = connect_target(simulator)
    outcome = target.masters.edit(Edit("vendors", "ACETRAVE0001", {"ship_from.city": "Elgin"}, {}))
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "GP_NO_ADDRESS"
    assert "ship-from" in outcome.error.happened


def test_roles_may_share_a_new_address(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    fields = {
        "name": "Elm",
        "default.address_id": "MAIN",
        "default.city": "Elgin",
        "ship_to.address_id": "main",
        "bill_to.address_id": "BILL",
        "bill_to.city": "Aurora",
    }
    assert target.masters.create("customers", "ZC1", fields) == Accepted("ZC1")
    made = simulator.control("GET", "customers/ZC1")
    assert [(one["id"], one["city"]) for one in made["addresses"]] == [("MAIN", "Elgin"), ("BILL", "Aurora")]
    assert (made["bill_to_address"], made["ship_to_address"].upper()) == ("BILL", "MAIN")


def test_a_class_that_gp_lacks_is_told(simulate, connect_target):
    outcome = connect_target(simulate()).masters.create("customers", "ZC1", {"name": "N", "class_id": "NONE"})
    assert isinstance(outcome, Refused)
    assert outcome.error.code == "CLASS_UNKNOWN"


def test_a_limit_in_another_currency_is_not_moved_by_an_edit(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    simulator.control("POST", "customers/ASTORSUI0001", {"set": {"credit_limit": {"amount": "1000.01"}}})
    edit = Edit("customers", "ASTORSUI0001", {"default.city": "Elgin"}, {})
    assert target.masters.edit(edit) == Accepted("ASTORSUI0001")
    assert simulator.control("GET", "customers/ASTORSUI0001")["credit_limit"]["amount"] == "1000.01"


# ---- ping


def test_ping_tries_what_writing_needs_and_changes_nothing(simulate, connect_target):
    simulator = simulate()
    target = connect_target(simulator)
    before = simulator.control("GET", "sales")
    checks = target.checks((Kind.ORDER, Kind.INVOICE), ("customers", "vendors"), ("customers",))
    assert all(check.ok for check in checks), [check for check in checks if not check.ok]
    assert [check.name for check in checks] == [
        "GetSalesDocumentList",
        "GetSalesOrderByKey",
        "policy of CreateSalesOrder",
        "policy of UpdateSalesOrder",
        "policy of VoidSalesOrder",
        "GetSalesInvoiceByKey",
        "GetCustomerByKey",
        "GetVendorByKey",
        "policy of UpdateCustomer",
        "policy of UpdateVendor",
        "policy of CreateCustomer",
    ]
    assert simulator.control("GET", "sales") == before


def test_ping_names_what_is_missing(simulate, connect_target):
    simulator = simulate()
    denied = ["GetSalesOrderByKey", "GetPolicyByOperation"]
    simulator.control("POST", "settings", {"denied_operations": {US: denied}})
    checks = connect_target(simulator).checks((Kind.ORDER,))
    assert [check.name for check in checks if check.ok] == ["GetSalesDocumentList"]
    assert all(check.remedy for check in checks if not check.ok)
