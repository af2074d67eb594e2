"""Planned faults, waits, and what the simulator remembers of what it was asked."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import sleep

import pytest
from gp_sim_wire import LONGEST_SECONDS, USER, Wire
from lxml import etree

from ml_connector.simulators.gp import GpOptions, GpSimulator


def plan(gp, *faults):
    gp.control("POST", "faults", {"faults": list(faults)})


@pytest.mark.parametrize(
    ("kind", "status", "shows"),
    [
        ("http_500", 500, b"<HTML>"),
        ("http_503", 503, b"<HTML>"),
        ("html_200", 200, b"<HTML>"),
        ("soap_system_fault", 500, b"unhandled system exception"),
        ("soap_validation_fault", 500, b"A validation exception"),
        ("soap_foreign_fault", 500, b"Password=Planned-Pa55word"),
        ("delay", 200, b"VendorSummary"),
    ],
)
def test_a_planned_answer(gp, wire, kind, status, shows):
    plan(gp, {"kind": kind, "seconds": 0.01})

    struck, after = wire.list("GetVendorList"), wire.list("GetVendorList")

    assert struck.status == status
    assert shows in struck.body
    assert after.texts("VendorSummary")


def test_garbage_is_xml_that_breaks_off(gp, wire):
    plan(gp, {"kind": "garbage_xml"})
    reply = wire.list("GetVendorList")

    assert (reply.status, reply.headers.get_content_type()) == (200, "text/xml")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(reply.body)


@pytest.mark.parametrize(
    ("kind", "error", "rows"),
    [("drop", http.client.RemoteDisconnected, 0), ("cut_after_work", http.client.IncompleteRead, 13)],
)
def test_a_connection_that_ends(gp, wire, kind, error, rows):
    plan(gp, {"kind": kind})
    with pytest.raises(error):
        wire.list("GetVendorList")

    (logged,) = gp.control("GET", "requests")["log"]
    assert (logged["status"], logged["rows"], logged["fault"]) == (0, rows, kind)


def test_a_plan_counts_requests_of_its_operation(gp, wire):
    plan(gp, {"kind": "http_500", "operation": "GetVendorByKey", "nth": 2, "count": 2})
    wire.list("GetVendorList")

    statuses = [wire.by_key("GetVendorByKey", "ACETRAVE0001").status for _ in range(4)]

    assert statuses == [200, 500, 500, 200]
    assert gp.control("GET", "faults") == {"faults": []}


def test_a_plan_can_be_seen_and_taken_back(gp):
    fault = {"kind": "drop", "operation": "*", "nth": 3, "count": 1, "seconds": 0.0}
    plan(gp, fault)

    assert gp.control("GET", "faults") == {"faults": [fault]}
    assert gp.control("DELETE", "faults") == {"faults": []}


def test_requests_are_logged_and_counted(gp, wire):
    wire.list("GetCustomerList", "<g:Id><g:From>A</g:From><g:To>B</g:To></g:Id><g:Scope>Return All</g:Scope>")
    wire.by_key("GetVendorByKey", "NOBODY")

    seen = wire.control("GET", "requests?limit=10")[1]

    first, second = seen["log"]
    assert (first["operation"], first["asked"]) == ("GetCustomerList", "Id.From=A Id.To=B Scope=Return All")
    assert (first["user"], first["mechanism"], first["rows"], first["status"]) == (USER, "negotiate", 5, 200)
    assert (second["asked"], second["status"], second["fault"]) == (
        "Id=NOBODY",
        500,
        "Business object not found.",
    )
    assert seen["operations"] == {"GetCustomerList": 1, "GetVendorByKey": 1}
    assert seen["statuses"] == {"200": 1, "500": 1}
    assert seen["peak_concurrent"] == 1
    assert wire.control("DELETE", "requests")[0] == 200
    assert wire.control("GET", "requests")[1]["requests"] == 0


def test_the_log_is_bounded_and_the_counts_are_exact():
    with GpSimulator(GpOptions(log_size=2)) as gp, Wire(gp.url) as wire:
        for _ in range(5):
            wire.by_key("GetVendorByKey", "ACETRAVE0001")
        seen = gp.control("GET", "requests")

        assert len(seen["log"]) == 2
        assert seen["operations"] == {"GetVendorByKey": 5}


def wait_until_in_flight(gp, count):
    while gp.control("GET", "state")["in_flight"] < count:
        sleep(0.01)


def test_the_peak_is_what_was_in_flight_at_once():
    gp = GpSimulator(GpOptions(latency_seconds=600)).start()

    def ask():
        with Wire(gp.url) as wire, suppress(OSError, http.client.HTTPException):
            wire.by_key("GetVendorByKey", "ACETRAVE0001")

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(ask)
        wait_until_in_flight(gp, 4)
        gp.stop()

    assert gp.control("GET", "state")["peak_concurrent"] == 4
    assert gp.control("GET", "state")["in_flight"] == 0


def test_the_first_call_after_idleness_waits_and_so_do_those_beside_it():
    simulation = GpSimulator(GpOptions(cold_start_seconds=1000)).simulation

    assert simulation.cold_seconds() == pytest.approx(1000)
    assert simulation.cold_seconds() > 0


def test_a_delay_ends_with_its_plan(gp):
    plan(gp, {"kind": "delay", "operation": "GetVendorByKey", "seconds": 3600})

    def ask():
        with Wire(gp.url) as wire:
            return wire.by_key("GetVendorByKey", "ACETRAVE0001").status

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        while gp.control("GET", "faults")["faults"]:
            assert not asked.done()
        plan(gp)
        assert asked.result(60) == 200


def test_a_warm_service_does_not_wait(gp):
    assert gp.simulation.cold_seconds() == 0


def test_the_date_header_is_the_simulators_clock(gp, wire):
    gp.control("POST", "settings", {"clock_offset_seconds": -86_400, "latency_seconds": 0.0})
    told = parsedate_to_datetime(wire.list("GetVendorList").headers["Date"])

    assert abs((datetime.now(UTC) - told).total_seconds() - 86_400) < 60
    changed = gp.control("POST", "vendors/ACETRAVE0001", {"set": {"name": "x"}})["modified_at"]
    assert abs((datetime.fromisoformat(changed) - told).total_seconds()) < 60


def test_it_stops_under_open_connections():
    gp = GpSimulator(GpOptions(latency_seconds=60)).start()
    with Wire(gp.url) as idle, Wire(gp.url) as waiting, ThreadPoolExecutor(1) as pool:
        idle.send("GET", "/")
        asked = pool.submit(waiting.list, "GetVendorList")
        wait_until_in_flight(gp, 1)
        gp.stop()
        asked.exception(timeout=LONGEST_SECONDS)
