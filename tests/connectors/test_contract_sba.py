"""Dynamics GP read by SBA, held to the same promises of a source, against its simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from contract import SourceContract
from test_contract_gp import GpWorld, ShortClock

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate, SbaReader
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.simulators.gp import GpOptions, GpSimulator

HERE = "/Tenants({tenant})/Companies({company})"
#: What ships; one customer's own services, page by page and by date.
RESOURCES = {
    "shipped": {
        "vendors": {"address_list_path": f"{HERE}/Purchasing/VendorAddresses"},
        "customers": {"address_list_path": f"{HERE}/Sales/CustomerAddresses"},
    },
    "custom": {
        "vendors": {
            "list_path": f"{HERE}/ZohoSync/Purchasing/VendorPages({{after}})",
            "changed_path": f"{HERE}/ZohoSync/Purchasing/VendorsModified({{since}})",
            "record_path": f"{HERE}/ZohoSync/Purchasing/Vendors({{key}})",
            "address_list_path": f"{HERE}/Purchasing/VendorAddresses",
            "addresses_path": "",
            "whole": True,
        },
        "customers": {
            "list_path": f"{HERE}/ZohoSync/Sales/CustomerPages({{after}})",
            "changed_path": f"{HERE}/ZohoSync/Sales/CustomersModified?since={{since}}",
            "record_path": f"{HERE}/ZohoSync/Sales/Customers({{key}})",
            "address_list_path": f"{HERE}/Sales/CustomerAddresses",
            "addresses_path": "",
            "whole": True,
        },
    },
}


class TestSbaSource(SourceContract):
    @pytest.fixture(params=[(e, r) for e in ("customers", "vendors") for r in RESOURCES], ids="-".join)
    def world(self, request: pytest.FixtureRequest, tmp_path) -> Iterator[GpWorld]:
        entity, resources = request.param
        clock = ShortClock()
        with ExitStack() as opened:
            simulator = opened.enter_context(GpSimulator(GpOptions()))
            sba = {"entities": [entity], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
            config = GpConfig.model_validate(
                {"endpoint": simulator.endpoint, "company_id": -1, "user": "FABRIKAM\\connector"}
                | {"sba": {**sba, "resources": RESOURCES[resources]}}
            )
            gate = opened.enter_context(
                closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock))
            )
            client = GpClient(config, lambda: "Sample-Pa55word", gate, clock)
            there = config.model_copy(update={"endpoint": config.sba.address})
            reader = SbaReader(config.sba, client, WindowsTransport(there, lambda: "Sample-Pa55word"))
            source = opened.enter_context(closing(GpSource(client, reader)))
            yield GpWorld(simulator, source, entity)
