"""Dynamics GP read by SBA, held to the same promises of a source, against its simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing

import pytest
from contract import SourceContract
from test_contract_gp import AccountWorld, GpWorld, JournalWorld, ShortClock

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate, SbaReader
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.simulators.gp import GpOptions, GpSimulator

Connect = Callable[[str, Mapping[str, object]], tuple[GpSimulator, GpSource, str]]
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


LEDGER = f"{HERE}/ZohoSync/Financial"
#: A service written for one site: summaries or whole records, all at once or by three, with a date or without.
LEDGER_RESOURCES = {
    "summaries": {
        "gl_accounts": {"list_path": f"{LEDGER}/Accounts", "record_path": f"{LEDGER}/Accounts({{key}})"},
        "journal_entries": {
            "list_path": f"{LEDGER}/JournalEntries",
            "record_path": f"{LEDGER}/JournalEntries({{key}})",
        },
    },
    "pages": {
        "gl_accounts": {
            "list_path": f"{LEDGER}/AccountPages({{after}})?rows=3",
            "changed_path": f"{LEDGER}/AccountsModified({{since}})",
            "record_path": f"{LEDGER}/Accounts({{key}})",
            "whole": True,
        },
        "journal_entries": {
            "list_path": f"{LEDGER}/JournalEntryPages({{after}})?rows=3",
            "changed_path": f"{LEDGER}/JournalEntriesModified?since={{since}}",
            "record_path": f"{LEDGER}/JournalEntries({{key}})",
            "whole": True,
        },
    },
}


@pytest.fixture
def connected(tmp_path) -> Iterator[Connect]:
    """Opens a simulator, and a source that reads this entity of it by SBA."""
    clock = ShortClock()
    with ExitStack() as opened:

        def connect(entity: str, resources: Mapping[str, object]) -> tuple[GpSimulator, GpSource, str]:
            simulator = opened.enter_context(GpSimulator(GpOptions()))
            sba = {"entities": [entity], "address": simulator.sba_address, "company": "Fabrikam, Inc."}
            config = GpConfig.model_validate(
                {"endpoint": simulator.endpoint, "company_id": -1, "user": "FABRIKAM\\connector"}
                | {"sba": {**sba, "resources": resources}}
            )
            gate = opened.enter_context(
                closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock))
            )
            client = GpClient(config, lambda: "Sample-Pa55word", gate, clock)
            there = config.model_copy(update={"endpoint": config.sba.address})
            reader = SbaReader(config.sba, client, WindowsTransport(there, lambda: "Sample-Pa55word"))
            return simulator, opened.enter_context(closing(GpSource(client, reader))), entity

        yield connect


class TestSbaSource(SourceContract):
    @pytest.fixture(params=[(e, r) for e in ("customers", "vendors") for r in RESOURCES], ids="-".join)
    def world(self, request: pytest.FixtureRequest, connected: Connect) -> GpWorld:
        entity, resources = request.param
        return GpWorld(*connected(entity, RESOURCES[resources]))


class TestSbaAccounts(SourceContract):
    @pytest.fixture(params=LEDGER_RESOURCES)
    def world(self, request: pytest.FixtureRequest, connected: Connect) -> GpWorld:
        return AccountWorld(*connected("gl_accounts", LEDGER_RESOURCES[request.param]))


class TestSbaJournals(SourceContract):
    keys = JournalWorld.keys
    nobody = JournalWorld.nobody
    undated = JournalWorld.undated

    @pytest.fixture(params=LEDGER_RESOURCES)
    def world(self, request: pytest.FixtureRequest, connected: Connect) -> GpWorld:
        return JournalWorld(*connected("journal_entries", LEDGER_RESOURCES[request.param]))
