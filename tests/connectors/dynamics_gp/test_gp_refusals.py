"""What GP's reasons come to: by their members first, by words where these are not enough, else in its own words."""

from __future__ import annotations

import pytest

from ml_connector.connectors.dynamics_gp import refusals
from ml_connector.connectors.dynamics_gp.reasons import Reason
from ml_connector.connectors.dynamics_gp.soap import FaultError

FAULT = FaultError(
    "s:Client", "A validation exception has occurred.", "guid-1", "<fault>password=Hidden1</fault>"
)


def reason(message: str, *members: str, number: str = "", kind: str = "SalesOrder") -> Reason:
    return Reason(message, members, kind, number)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        # Named by a member: in any language, with any number.
        (reason("Der Artikel ist nicht angelegt.", "ItemKey"), "ITEM_UNKNOWN"),
        (reason("L'unité n'existe pas.", "UofM"), "UNIT_UNKNOWN"),
        (reason("?", "WarehouseKey"), "SITE_UNKNOWN"),
        (reason("?", "PriceLevelKey.Id"), "PRICE_LEVEL_UNKNOWN"),
        (reason("?", "ShippingMethodKey"), "SHIPPING_METHOD_UNKNOWN"),
        (reason("?", "CurrencyKey"), "CURRENCY_UNKNOWN"),
        (reason("?", "BatchKey"), "BATCH_MISSING"),
        (reason("?", "DocumentTypeKey"), "DOCUMENT_TYPE_UNKNOWN"),
        (reason("?", "CustomerKey"), "CUSTOMER_REFUSED"),
        (reason("?", "Quantity"), "QUANTITY_REFUSED"),
        (reason("?", "SalesGLAccountKey"), "ACCOUNT_REFUSED"),
        # Told apart by words, among those of the member.
        (reason("The customer C1 does not exist.", "CustomerKey"), "CUSTOMER_UNKNOWN"),
        (reason("The customer C1 is inactive.", "CustomerKey"), "CUSTOMER_INACTIVE"),
        (reason("Customer is on hold.", "CustomerKey"), "CUSTOMER_ON_HOLD"),
        (reason("Customer credit limit has been exceeded.", "CustomerKey"), "CREDIT_EXCEEDED"),
        (reason("The item is discontinued.", "ItemKey"), "ITEM_DISCONTINUED"),
        (reason("The fiscal period is closed.", "Date"), "PERIOD_CLOSED"),
        (reason("The document is in history.", "Key"), "IN_HISTORY"),
        (reason("A part of it is invoiced.", "Key"), "ALREADY_INVOICED"),
        (reason("Below what is allocated.", "Quantity"), "ALREADY_INVOICED"),
        (reason("Duplicate document number.", "Key"), "NUMBER_TAKEN"),
        (reason("The document is being edited by another user.", "Key"), "IN_USE"),
        (reason("The batch is in use.", "BatchKey"), "IN_USE"),
        # No member at all: by words.
        (reason("Error Number = 2079  Item number does not exist in Inventory."), "ITEM_UNKNOWN"),
        (reason("SOP Number already exists as a duplicate"), "NUMBER_TAKEN"),
        (reason("The credit limit of this customer would be exceeded."), "CREDIT_EXCEEDED"),
        (reason("Unit of Measure does not exist for this item"), "UNIT_UNKNOWN"),
        (reason("The fiscal period is closed for this series"), "PERIOD_CLOSED"),
        (reason("Item Number/Location Code does not exist"), "SITE_UNKNOWN"),
        (reason("Subtotal does not match the line item totals"), "PRICE_REFUSED"),
        (reason("A batch is required"), "BATCH_MISSING"),
        (reason("The value is longer than 20 characters."), "TEXT_TOO_LONG"),
        # The words are another's: the member decides.
        (reason("The item's price level does not exist.", "PriceLevelKey"), "PRICE_LEVEL_UNKNOWN"),
        # Neither.
        (reason("Workflow wants an approval.", "Workflows"), "GP_REFUSED"),
        (reason("Etwas anderes.", "Key"), "GP_REFUSED"),
        (reason("Something else."), "GP_REFUSED"),
    ],
)
def test_a_reason_is_recognised(given, code):
    error = refusals.verdict(FAULT, [given]).error
    assert error.code == code
    assert given.message in error.happened
    assert error.remedy


def test_all_reasons_stand_in_one_error():
    reasons = [
        reason("The item X1 does not exist.", "ItemKey", number="6031", kind="SalesOrderLine"),
        reason("Workflow wants an approval.", "Workflows"),
        reason("The item X2 does not exist.", "ItemKey"),
        reason("Customer is on hold.", "CustomerKey"),
    ]
    verdict = refusals.verdict(FAULT, reasons)
    for one in reasons:
        assert one.message in verdict.error.happened
        assert one.message in verdict.error.answer
    assert verdict.error.happened.count("GP has no such item.") == 1
    assert "on hold in GP" in verdict.error.happened
    assert "Take the hold off" in verdict.error.remedy
    assert verdict.error.code == "ITEM_UNKNOWN"
    assert "6031" in verdict.error.happened
    assert "Hidden1" not in verdict.error.answer
    assert not verdict.error.heals, "one of the reasons is not known to pass by itself"
    assert refusals.verdict(FAULT, reasons[2:]).error.heals


@pytest.mark.parametrize(
    ("given", "says", "may"),
    [
        ([reason("The document number already exists.", "Key")], True, True),
        ([reason("No item.", "ItemKey"), reason("The number was already used.", "Key")], True, True),
        ([reason("Die Nummer ist vergeben.", "Key")], False, True),
        ([reason("Vergeben.", "SOPNUMBE")], False, True),
        ([reason("The document is in history.", "Key")], False, False),
        ([reason("No item.", "ItemKey")], False, False),
        ([], False, True),
    ],
)
def test_a_taken_number_is_noticed_or_suspected(given, says, may):
    verdict = refusals.verdict(FAULT, given)
    assert (verdict.says_taken, verdict.may_be_taken) == (says, may)


def test_reasons_that_cannot_be_read_leave_the_faults_own_words():
    error = refusals.verdict(FAULT, []).error
    assert error.code == "GP_REFUSED_UNTOLD"
    assert "A validation exception has occurred." in error.happened
    assert "guid-1" in error.happened
    assert "GetLoggedValidationResultByKey" in error.remedy
