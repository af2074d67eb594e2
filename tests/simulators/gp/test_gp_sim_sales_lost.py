"""Creates whose answers are lost: done before the connection ends, done after it, or never done."""

from __future__ import annotations

import http.client
import time

import pytest
from gp_sim_sales import create, document, reasons
from gp_sim_wire import LONGEST_SECONDS, Wire

NOT_FOUND = "Business object not found."
LOST = (http.client.RemoteDisconnected, http.client.IncompleteRead, ConnectionError)


def lose(gp, inside, **fault):
    """Send a create whose answer does not come."""
    gp.control("POST", "faults", {"faults": [{"operation": "CreateSalesOrder", **fault}]})
    with Wire(gp.url) as wire, pytest.raises(LOST):
        create(wire, inside)


def there(gp, number):
    with Wire(gp.url) as wire:
        return wire.by_key("GetSalesOrderByKey", number).status == 200


def test_the_work_is_done_and_the_answer_cut(gp):
    lose(gp, document("ZO1"), kind="cut_after_work")
    assert there(gp, "ZO1")


def test_the_connection_ends_before_the_work(gp):
    lose(gp, document("ZO1"), kind="drop")
    assert not there(gp, "ZO1")


def test_the_work_is_done_when_it_is_bidden(gp):
    lose(gp, document("ZO1"), kind="late")
    assert not there(gp, "ZO1")
    assert gp.control("GET", "late") == {"waiting": ["CreateSalesOrder"]}
    assert gp.control("POST", "late") == {"done": 1}
    assert there(gp, "ZO1")
    assert gp.control("POST", "late") == {"done": 0}


def test_the_work_is_done_some_time_later(gp):
    lose(gp, document("ZO1"), kind="late", seconds=0.2)
    end = time.monotonic() + LONGEST_SECONDS
    while gp.control("GET", "state")["late"] or not there(gp, "ZO1"):
        assert time.monotonic() < end, "the late create was never done"
        time.sleep(0.02)


def test_the_late_one_finds_the_number_taken(gp, wire):
    """A second attempt comes first; the late one is refused, and both together made one order."""
    lose(gp, document("ZO1"), kind="late")
    assert create(wire, document("ZO1")).status == 200
    before = gp.control("GET", "sales/Order/ZO1")
    gp.control("POST", "late")
    assert gp.control("GET", "sales/Order/ZO1") == before
    assert gp.control("GET", "sales?type=Order")["total"] == 3


def test_without_a_number_a_second_attempt_makes_a_second_order(gp, wire):
    lose(gp, document(), kind="late")
    assert create(wire, document()).status == 200
    gp.control("POST", "late")
    assert gp.control("GET", "sales?type=Order")["total"] == 4


def test_what_was_put_off_is_gone_with_the_server(gp):
    lose(gp, document("ZO1"), kind="late")
    gp.stop()
    gp.start()
    assert gp.control("POST", "late") == {"done": 0}
    assert not there(gp, "ZO1")


def test_a_planned_validation_fault_leads_to_its_reason(gp, wire):
    gp.control(
        "POST", "faults", {"faults": [{"kind": "soap_validation_fault", "operation": "CreateSalesOrder"}]}
    )
    assert reasons(wire, create(wire, document("ZO1"))) == [
        "The business object does not meet a rule of this company."
    ]
    assert wire.by_key("GetSalesOrderByKey", "ZO1").fault == NOT_FOUND
