"""Entity action tracking: off as GP is shipped; then what is done is told by key, action and instant."""

from __future__ import annotations

import pytest
from gp_sim_wire import Wire

from ml_connector.simulators.gp import GpOptions, GpSimulator

EMAILS = "GetChangedInternetAddressKeyList"


@pytest.fixture
def gp():
    with GpSimulator(GpOptions(action_tracking=True)) as simulator, Wire(simulator.url) as wire:
        yield wire


def named(reply, operation: str, path: str) -> list[str | None]:
    row = operation.removeprefix("Get").removesuffix("List")
    return reply.texts(f"{operation}Result/{row}/{path}")


def actions(gp, operation: str, criteria: str = "") -> list[str | None]:
    return named(gp.list(operation, criteria), operation, "Action")


def test_it_is_off_unless_it_was_turned_on():
    with GpSimulator(GpOptions()) as simulator, Wire(simulator.url) as gp:
        gp.control("POST", "customers/AARONFIT0001", {"email": {"to": "a@fabrikam.example"}})
        assert actions(gp, EMAILS) == []
        gp.control("POST", "settings", {"action_tracking": True})
        assert actions(gp, EMAILS) == [], "what was before stays unknown"
        gp.control("POST", "customers/AARONFIT0001", {"email": {"to": "b@fabrikam.example"}})
        assert actions(gp, EMAILS) == ["Updated"]


def test_an_email_is_told_of_customers_and_of_vendors(gp):
    gp.control("POST", "customers/AARONFIT0001", {"email": {"to": "a@fabrikam.example"}})
    gp.control("POST", "vendors/ACETRAVE0001", {"email": {"to": "b@fabrikam.example"}})
    reply = gp.list(EMAILS)
    assert named(reply, EMAILS, "InternetAddressKey") == ["AARONFIT0001", "ACETRAVE0001"]
    assert named(reply, EMAILS, "InternetAddressType") == ["CUS", "VEN"]
    only = "<g:InternetAddressType><g:EqualValue>VEN</g:EqualValue></g:InternetAddressType>"
    assert named(gp.list(EMAILS, only), EMAILS, "InternetAddressKey") == ["ACETRAVE0001"]
    assert actions(gp, "GetChangedCustomerAddressKeyList") == [], "the e-mail is in a table of its own"


def test_each_entity_tells_of_its_own_table_only(gp):
    gp.control("POST", "customers/AARONFIT0001", {"balance": {"amount": "1.00"}})
    assert not any(actions(gp, f"GetChanged{one}KeyList") for one in ("Customer", "CustomerAddress"))
    gp.control("POST", "customers/AARONFIT0001", {"address": {"city": "Elgin"}})
    assert actions(gp, "GetChangedCustomerKeyList") == []
    assert actions(gp, "GetChangedCustomerAddressKeyList") == ["Updated"]
    gp.control("POST", "customers", {"id": "NEW1", "name": "New"})
    gp.control("DELETE", "customers/NEW1")
    assert actions(gp, "GetChangedCustomerKeyList") == ["Created", "Deleted"]
    wanted = "<g:Action><g:EqualValue>Deleted</g:EqualValue></g:Action>"
    assert actions(gp, "GetChangedCustomerKeyList", wanted) == ["Deleted"]


def test_what_changed_since_an_instant(gp):
    gp.control("POST", "customers/AARONFIT0001", {"email": {"to": "a@fabrikam.example"}})
    since = "<g:LastModifiedDate><g:GreaterThan>{}</g:GreaterThan></g:LastModifiedDate>"
    assert actions(gp, EMAILS, since.format("2020-01-01T00:00:00")) == ["Updated"]
    assert actions(gp, EMAILS, since.format("2990-01-01T00:00:00")) == []
