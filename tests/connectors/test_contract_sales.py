"""Sales documents, edits of masters and set-up: what the ports promise, of GP's simulator and of the ERP in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from contract_sales import DocumentContract, MasterContract, SetUpContract
from test_contract_gp import ShortClock

from memory import FakeClock
from memory_documents import (
    MemoryDocuments,
    MemoryMasterEdits,
    MemorySetUp,
    away,
    lost,
    unsure,
)
from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpTarget, RequestGate
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport
from ml_connector.core.sales import Kind
from ml_connector.core.sales_ports import Documents, MasterEdits, SetUp, Thing
from ml_connector.simulators.gp import GpOptions, GpSimulator


@dataclass
class GpSales:
    """A simulated company whose administrator lets our prices stand and checks no credit."""

    simulator: GpSimulator
    documents: Documents
    edits: MasterEdits
    set_up: SetUp
    moved: timedelta = timedelta(0)

    def allow(self) -> None:
        for verb in ("Create", "Update"):
            for kind in ("Order", "Quote"):
                chosen = {"Calculate Unit Price": 0, "Check Credit Limit": 0}
                self.simulator.control("POST", f"policies/{verb}Sales{kind}", chosen)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def pass_time(self, by: timedelta) -> None:
        self.moved += by
        self.simulator.control("POST", "settings", {"clock_offset_seconds": self.moved.total_seconds()})

    def limit_rows(self, rows: int) -> None:
        self.simulator.control("POST", "settings", {"row_limits": {"sales_documents": rows}})

    def invoices(self, number: str) -> str:
        told = self.simulator.control("POST", f"sales/Order/{number}", {"invoice": True, "post": True})
        return str(told["invoice"]["id"])

    def lose_next_create(self, *, done: bool) -> None:
        self._fault("cut_after_work" if done else "drop")

    def break_next_create(self) -> None:
        self._fault("soap_system_fault")

    def _fault(self, kind: str) -> None:
        plan = {"faults": [{"kind": kind, "operation": "CreateSalesOrder"}]}
        self.simulator.control("POST", "faults", plan)

    def stop(self) -> None:
        self.simulator.stop()


@dataclass
class GpDocumentWorld(GpSales):
    def person_changes(self, number: str, comment: str) -> None:
        self.simulator.control("POST", f"sales/Order/{number}", {"set": {"comment": comment}})


@dataclass
class GpMasterWorld(GpSales):
    def person_changes(self, entity: str, key: str, **fields: str) -> None:
        change = {"address": fields} if "city" in fields else {"set": fields}
        self.simulator.control("POST", f"{entity}/{key}", change)


@pytest.fixture
def gp(tmp_path) -> Iterator[tuple[GpSimulator, GpTarget]]:
    clock = ShortClock()
    with ExitStack() as opened:
        simulator = opened.enter_context(GpSimulator(GpOptions()))
        config = GpConfig(endpoint=simulator.endpoint, company_id=-1, user="FABRIKAM\\connector")
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", config.max_requests, 0.0, clock)))
        client = opened.enter_context(closing(GpClient(config, lambda: "Sample-Pa55word", gate, clock)))
        yield simulator, GpTarget(client)


class TestGpDocuments(DocumentContract):
    @pytest.fixture
    def world(self, gp) -> GpDocumentWorld:
        simulator, target = gp
        world = GpDocumentWorld(simulator, target.documents, target.masters, target.set_up)
        world.allow()
        return world


SALES = "/Tenants({tenant})/Companies({company})/ZohoSync/Sales/Sales"
#: A partner's services: whole documents in pages, with a list of what changed, or without.
SBA = {
    "pages": {"list_path": f"{SALES}{{kind}}Pages({{after}})?rows=3"},
    "changes": {
        "list_path": f"{SALES}{{kind}}Pages({{after}})",
        "changed_path": f"{SALES}{{kind}}sModified({{since}})",
    },
}


@pytest.fixture
def by_sba(tmp_path) -> Iterator[Callable[..., SbaDocumentWorld]]:
    """A simulator whose sales documents are read and written by SBA; how it answers."""
    clock = ShortClock()
    with ExitStack() as opened:

        def target(simulator: GpSimulator, **paths: str) -> GpTarget:
            places = {"record_path": f"{SALES}{{kind}}s({{key}})", "create_path": f"{SALES}{{kind}}s"}
            sba = {"address": simulator.sba_address, "company": "Fabrikam, Inc."}
            config = GpConfig.model_validate(
                {"endpoint": simulator.endpoint, "company_id": -1, "user": "FABRIKAM\\connector"}
                | {"sba": {**sba, "sales": {"enabled": True, **places, **paths}}}
            )
            gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", 3, 0.0, clock)))
            client = opened.enter_context(closing(GpClient(config, lambda: "Sample-Pa55word", gate, clock)))
            there = config.model_copy(update={"endpoint": config.sba.address})
            transport = opened.enter_context(closing(WindowsTransport(there, lambda: "Sample-Pa55word")))
            return GpTarget(client, sba=transport)

        def connect(envelope: str, **paths: str) -> SbaDocumentWorld:
            simulator = opened.enter_context(GpSimulator(GpOptions(sba_envelope=envelope)))
            made = target(simulator, **paths)
            world = SbaDocumentWorld(simulator, made.documents, made.masters, made.set_up)
            world.anew = lambda **paths: target(simulator, **paths).documents
            return world

        yield connect


class SbaDocumentWorld(GpDocumentWorld):
    """The same by SBA; its page is limited by the service, not by GP."""

    anew: Callable[..., Documents]

    def limit_rows(self, rows: int) -> None:
        self.documents = self.anew(list_path=f"{SALES}{{kind}}Pages({{after}})?rows={rows}")

    def _fault(self, kind: str) -> None:
        plan = {"faults": [{"kind": kind, "operation": "POST SalesOrders"}]}
        self.simulator.control("POST", "faults", plan)


class TestSbaDocuments(DocumentContract):
    @pytest.fixture(params=[("pages", "bare"), ("changes", "resource"), ("changes", "payload")], ids="-".join)
    def world(self, request: pytest.FixtureRequest, by_sba) -> GpDocumentWorld:
        how, envelope = request.param
        world = by_sba(envelope, **SBA[how])
        world.allow()
        return world


class TestGpMasters(MasterContract):
    @pytest.fixture
    def world(self, gp) -> GpMasterWorld:
        simulator, target = gp
        return GpMasterWorld(simulator, target.documents, target.masters, target.set_up)


class TestGpSetUp(SetUpContract):
    @pytest.fixture
    def world(self, gp) -> SetUp:
        return gp[1].set_up


# ---- in memory


@dataclass
class MemoryWorld:
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.documents = MemoryDocuments(self.clock)
        self.edits = MemoryMasterEdits(self.clock)
        address = {"default__address_id": "PRIMARY", "default__city": "Chicago", "default__phone1": "1"}
        self.edits.put("customers", "AARONFIT0001", name="Aaron Fitz Electrical", **address)
        self.edits.put("vendors", "ACETRAVE0001", name="A Travel Company", **address)

    def now(self) -> datetime:
        return self.clock.now()

    def pass_time(self, by: timedelta) -> None:
        self.clock.sleep(by.total_seconds())

    def limit_rows(self, rows: int) -> None:
        self.documents.page_rows = rows

    def invoices(self, number: str) -> str:
        return self.documents.invoice(number)

    def lose_next_create(self, *, done: bool) -> None:
        self.documents.calls.faults = [lost() if done else unsure()]

    def break_next_create(self) -> None:
        self.documents.breaks_on = frozenset({"ZO1"})

    def stop(self) -> None:
        self.documents.calls.faults = [away() for _ in range(9)]


class MemoryDocumentWorld(MemoryWorld):
    def person_changes(self, number: str, comment: str) -> None:
        self.documents.change(Kind.ORDER, number, comment=comment)


class MemoryMasterWorld(MemoryWorld):
    def person_changes(self, entity: str, key: str, **fields: str) -> None:
        self.edits.put(entity, key, **{n if n == "name" else f"default__{n}": v for n, v in fields.items()})


class TestMemoryDocuments(DocumentContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryDocumentWorld()


class TestMemoryMasters(MasterContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryMasterWorld()


class TestMemorySetUp(SetUpContract):
    @pytest.fixture
    def world(self) -> MemorySetUp:
        made = MemorySetUp()
        for item in ("", "100XLG"):
            made.put(Thing.SITE, "WAREHOUSE", item)
        made.put(Thing.UNIT, "Each", "100XLG")
        made.put(Thing.ITEM, "100XLG")
        made.put(Thing.BATCH, "ZOHO")
        made.put(Thing.PRICE_LEVEL, "RETAIL")
        made.put(Thing.SHIPPING_METHOD, "OVERNIGHT")
        return made
