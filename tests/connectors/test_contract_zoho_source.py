"""Zoho CRM, held to the promises of a source against its simulator: orders and quotes with line items, and deals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import stamina
from contract import OLD, SECOND, SourceContract
from test_contract_zoho import AheadClock

from ml_connector.connectors.zoho_crm import ZohoConfig, ZohoSource, open_client
from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from ml_connector.simulators.zoho.control import Control
from zoho_guards import MemoryShelf, guarded

_MADE = 7


@dataclass
class ZohoSourceWorld:
    """One module of a simulated organisation; its own ids are the keys."""

    simulator: ZohoSimulator
    client: ZohoClient
    source: ZohoSource
    entity: str
    facet: str = ""

    def control(self, verb: str, given: object, module: str = "") -> dict:
        body = json.dumps(given).encode()
        answer = Control(self.simulator.org).answer("POST", f"{verb}/{module or self.entity}", {}, body)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def make(self, number: int) -> list[str]:
        """Records with a line item each, where the module has any."""
        phone = {"Product_Name": "Phone", "Product_Code": "PHONE-1"}
        (product,) = self.control("create", {"records": [phone]}, "Products")["ids"]
        lines = {"Sales_Orders": "Ordered_Items", "Quotes": "Quoted_Items"}
        records = [self._wish(n, lines.get(self.entity, ""), product) for n in range(number)]
        made = self.control("create", {"records": records})
        assert not made["errors"], made
        return made["ids"]

    def _wish(self, number: int, lines: str, product: str) -> dict:
        if not lines:
            return {"Deal_Name": f"Deal {number}", "Stage": "Qualification"}
        items = [{"Product_Name": {"id": product}, "Quantity": n + 1, "List_Price": 10} for n in range(2)]
        return {"Subject": f"Document {number}", lines: items}

    def put(self, key: str, at: datetime | None) -> None:
        assert at is not None
        org = self.simulator.org
        with org.lock:
            table = org.tables[self.entity]
            table.replace({**table.rows[key], "Modified_Time": int(at.timestamp())})

    def move_facet(self, key: str) -> None:
        raise AssertionError(f"there are no facets ({key})")

    def remove(self, key: str) -> None:
        self.control("delete", {"ids": [key]})

    def close(self) -> None:
        self.source.close()

    def limit_rows(self, rows: int) -> None:
        self.source.close()
        self.source = ZohoSource(self.client, AheadClock(), page_rows=rows)


class ZohoSourceContract(SourceContract):
    """With ids that Zoho gives; it stamps every record."""

    entity: str

    @pytest.fixture
    def world(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ZohoSourceWorld]:
        with stamina.set_testing(True, attempts=3), ExitStack() as stack:
            simulator = stack.enter_context(ZohoSimulator(ZohoOptions()))
            config = ZohoConfig(
                data_centre="us", client_id="1000.SIMULATEDCLIENT", simulator_url=simulator.url
            )
            gate, guard = guarded(tmp_path, config, AheadClock())
            stack.callback(gate.close)
            client = open_client(
                config,
                lambda: "simulated-client-secret",
                lambda: "1000.simulated.refresh",
                MemoryShelf(),
                guard,
                AheadClock(),
            )
            stack.callback(client.close)
            source = ZohoSource(client, AheadClock())
            world = ZohoSourceWorld(simulator, client, source, self.entity)
            stack.callback(world.close)
            keys = world.make(_MADE)
            test = request.instance
            test.keys, test.nobody = keys, str(int(keys[-1]) + 1_000_000)
            yield world

    def test_records_without_a_date_are_in_the_whole_listing(self, world: ZohoSourceWorld) -> None:
        """There are none."""
        assert all(change.at is not None for change in self.changes(world).values())

    def test_what_was_deleted_is_told_once_with_its_instant(self, world: ZohoSourceWorld) -> None:
        gone = list(self.keys[1:3])
        for key in gone:
            world.remove(key)
        now = AheadClock().now()
        told = world.source.list_deleted(world.entity, OLD)
        assert sorted(change.key for change in told) == gone
        assert all(change.at is not None and abs(change.at - now) < 60 * SECOND for change in told)
        assert world.source.list_deleted(world.entity, now + 60 * SECOND) == []

    def test_what_can_be_no_id_is_nobody(self, world: ZohoSourceWorld) -> None:
        results = list(world.source.fetch(world.entity, ["' or id > '0", self.keys[0]]))
        assert [type(one).__name__ for one in results] == ["Absent", "Record"]


class TestSalesOrders(ZohoSourceContract):
    entity = "Sales_Orders"


class TestQuotes(ZohoSourceContract):
    entity = "Quotes"


class TestDeals(ZohoSourceContract):
    entity = "Deals"
