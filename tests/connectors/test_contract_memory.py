"""The connectors in memory, held to the same promises: a fake earns its trust here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest
from contract import OLD, SECOND, FacetContract, SourceContract, TargetContract

from memory import FakeClock, MemorySource, MemoryTarget, Row
from memory_crm import DEALS, MemoryCrm
from ml_connector.core.needs import FieldNeed
from ml_connector.core.write_plan import JobPrice

NEED = FieldNeed("Accounts", "GP_Terms", "GP Terms", "text", 30)


@dataclass
class MemorySourceWorld:
    """The customers in memory."""

    source: MemorySource
    entity: str = "customers"
    facet: str = "addresses"

    def put(self, key: str, at: datetime | None) -> None:
        self.source.rows[self.entity][key] = Row(key, {"name": f"Name of {key}", "city": "Fargo"}, at)

    def move_facet(self, key: str) -> None:
        self.source.rows[self.entity][key].fields["city"] = "Elgin"

    def remove(self, key: str) -> None:
        del self.source.rows[self.entity][key]

    def limit_rows(self, rows: int) -> None:
        self.source.page_size = rows


class TestMemorySource(FacetContract):
    @pytest.fixture
    def world(self) -> MemorySourceWorld:
        return MemorySourceWorld(MemorySource(FakeClock(OLD)))


@dataclass
class MemoryCrmWorld(MemorySourceWorld):
    """The deals in memory."""

    source: MemoryCrm
    entity: str = DEALS

    def put(self, key: str, at: datetime | None) -> None:
        fields = {"id": key, "name": f"Name of {key}", "amount": 1, "modified_at": at}
        self.source.rows[self.entity][key] = Row(key, fields, at)


class TestMemoryCrm(SourceContract):
    @pytest.fixture
    def world(self) -> MemoryCrmWorld:
        return MemoryCrmWorld(MemoryCrm(FakeClock(OLD)))


@dataclass
class MemoryTargetWorld:
    """The accounts in memory."""

    target: MemoryTarget
    module: str = "Accounts"
    name_field: str = "Account_Name"
    key_field: str = "GP_Customer_ID"
    need: FieldNeed = NEED
    page_size: int = 150
    lookup_field: str = "Parent_Account"
    user: str = "Sally@fabrikam.example"

    def started(self) -> Mapping[str, int]:
        return Counter(self.target.triggered)

    def remove(self, ids: Sequence[str]) -> None:
        self.target.gone |= set(ids)

    def hurry(self) -> None:
        self.target.job_price = JobPrice(250, 5, 5)

    def present(self) -> datetime:
        self.target.clock.at += SECOND
        return self.target.clock.at


class TestMemoryTarget(TargetContract):
    """Records only: it takes any field, so there is nothing to make."""

    @pytest.fixture
    def world(self) -> MemoryTargetWorld:
        return MemoryTargetWorld(MemoryTarget(FakeClock(OLD), credits=1000))
