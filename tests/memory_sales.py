"""Sales orders, quotes and deals of a CRM in memory, as a source and as what is told: fakes at the ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ml_connector
from memory import FakeClock
from memory_documents import Calls
from ml_connector.core.change import Change, Page
from ml_connector.core.document_mapping import DocumentMapping
from ml_connector.core.document_mapping_file import read_document_mapping
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.load import NO_LOAD, Load
from ml_connector.core.ports import Absent, Fetched, Refused, Write, WriteResult, Written
from ml_connector.core.record import Record

ORDERS, QUOTES, DEALS = "Sales_Orders", "Quotes", "Deals"
ACCOUNT, CUSTOMER = "5725767000000000100", "AARONFIT0001"
OWN = "us"
_FOLDER = Path(ml_connector.__file__).parent / "mappings" / "documents"
_ITEM = {"Product_Name.Product_Code": "128 SDRAM", "Quantity": Decimal(2), "List_Price": Decimal("189.95"),
         "Discount": Decimal(0), "Tax": Decimal(0)}  # fmt: skip
_BLANK: Mapping[str, dict[str, Any]] = {
    ORDERS: {"Account_Name.id": ACCOUNT, "Status": "Approved", "Currency": "USD"},
    QUOTES: {"Account_Name.id": ACCOUNT, "Quote_Stage": "Delivered", "Currency": "USD"},
    DEALS: {"Account_Name.id": ACCOUNT, "Stage": "Qualification", "Currency": "USD", "Amount": Decimal(500)},
}


def shipped(name: str) -> DocumentMapping:
    """A mapping of documents that comes with ml-connector."""
    return read_document_mapping(f"{name}.toml", (_FOLDER / f"{name}.toml").read_text("utf-8"))


@dataclass
class MemorySales:
    """Records by module; whoever changes one, us too, stamps it with a whole second."""

    clock: FakeClock
    rows: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {ORDERS: {}, QUOTES: {}, DEALS: {}}
    )
    parts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    deleted: dict[str, dict[str, datetime]] = field(
        default_factory=lambda: {ORDERS: {}, QUOTES: {}, DEALS: {}}
    )
    fetched: list[str] = field(default_factory=list)
    written: list[tuple[str, Write]] = field(default_factory=list)
    refuses: dict[str, RecordRejectedError] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)
    on_change: Callable[[str, str], object] = lambda _module, _key: None

    # -- people

    def edit(self, module: str, key: str, *lines: Mapping[str, Any], **fields: Any) -> None:
        """Make or change a record; dots in names of fields are written __. Lines given take the place of all."""
        said = {name.replace("__", "."): value for name, value in fields.items()}
        known = self.rows[module].get(key)
        self.rows[module][key] = {**(known or _BLANK[module]), **said}
        if lines or (known is None and module != DEALS):
            each = enumerate(lines or ({},), 1)
            self.parts[key] = {
                f"{key}{n}": {f"line.{name}": value for name, value in {**_ITEM, **line}.items()}
                for n, line in each
            }
        self._stamp(module, key)
        self.deleted[module].pop(key, None)

    def delete(self, module: str, key: str) -> None:
        """Delete a record."""
        del self.rows[module][key]
        self.deleted[module][key] = self.clock.now().replace(microsecond=0)
        self.on_change(module, key)

    def _stamp(self, module: str, key: str) -> None:
        self.rows[module][key]["Modified_Time"] = self.clock.now().replace(microsecond=0)
        self.on_change(module, key)

    # -- a source

    def clock_difference(self) -> float:
        return 0.0

    def take_load(self) -> Load:
        return NO_LOAD

    def labels(self, entity: str) -> Mapping[str, str]:
        return {}

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        rows = sorted(self.rows[entity].items())
        found = [(key, row["Modified_Time"]) for key, row in rows]
        return Page([Change(key, "", at) for key, at in found if since is None or at >= since], None)

    def list_deleted(self, entity: str, since: datetime) -> list[Change]:
        return [Change(key, "", at) for key, at in self.deleted[entity].items() if at >= since]

    def fetch(self, entity: str, keys: Sequence[str]) -> Iterator[Fetched]:
        for key in keys:
            self.fetched.append(key)
            row = self.rows[entity].get(key)
            if row is None:
                yield Absent(key, self.clock.now())
            else:
                yield Record(entity, key, dict(row), self.clock.now(), parts=dict(self.parts.get(key, {})))

    def list_texts(self, entity: str, columns: Sequence[str]) -> Iterator[Record]:
        for key, row in sorted(self.rows[entity].items()):
            texts = {name: row[name] for name in columns if row.get(name) is not None}
            made = row.get("Created_Time")
            yield Record(entity, key, {**texts, "Created_Time": made}, self.clock.now())

    def orders_of(self, deal: str) -> list[str]:
        return [key for key, row in self.rows[ORDERS].items() if row.get("Deal_Name.id") == deal]

    # -- what is told

    def write(
        self, module: str, batch: Sequence[Write], trigger: Sequence[str] = (), **_more: object
    ) -> list[WriteResult]:
        assert len(batch) <= 100
        return self.calls.run("write", lambda: [self._write(module, one) for one in batch])

    def _write(self, module: str, one: Write) -> WriteResult:
        assert one.target_id is not None
        self.written.append((module, one))
        if one.target_id in self.refuses:
            return Refused(self.refuses[one.target_id])
        if one.target_id not in self.rows[module]:
            return Refused(RecordRejectedError("It is gone.", "Nothing."), gone=True)
        self.rows[module][one.target_id].update(one.fields)
        self._stamp(module, one.target_id)
        return Written(one.target_id, self.clock.now())

    def told(self, module: str, key: str) -> dict[str, Any]:
        """What stands in our fields of the record."""
        return {name: value for name, value in self.rows[module][key].items() if name.startswith("GP_")}


@dataclass
class LateCalls(Calls):
    """An ERP that does what it was late with some minutes later, whoever asks it next."""

    clock: FakeClock = field(default_factory=FakeClock)
    within: timedelta = timedelta(minutes=9)
    _since: datetime | None = None

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        if self._since is not None and self.clock.now() - self._since >= self.within:
            self._since = None
            self.do_late()
        fault = self.faults[0] if self.faults else None
        if fault is not None and fault.late and self._since is None:
            self._since = self.clock.now()
        return super().run(name, work)
