"""The months of accounts, held to the promises of a source as far as they have no system behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from contract import OLD, SourceContract

from memory import FakeClock
from ml_connector.core.line_limits import NO_LIMITS
from ml_connector.core.postings import Posting
from ml_connector.flows.ledger_months import LedgerMonths
from ml_connector.store import postings
from ml_connector.store.database import Database
from ml_connector.store.tables import posted_months
from ml_connector.store.tables import postings as lines


@dataclass
class MonthsWorld:
    """What is kept of one company; a month is stamped by us whenever a posting of it changes."""

    database: Database
    clock: FakeClock
    source: LedgerMonths
    entity: str = "account_months"
    facet: str = ""
    written: int = 0

    def put(self, key: str, at: datetime | None) -> None:
        assert at is not None
        account, _, month = key.rpartition("/")
        self.written += 1
        line = Posting(
            "1", date.fromisoformat(f"{month}-03"), account, Decimal(self.written), Decimal(0), "USD", True, False,
            "", "", "", "", "", "",
        )  # fmt: skip
        with self.database.begin() as tx:
            postings.put(tx, "-1", {f"entry {self.written}": [line]}, at)

    def remove(self, key: str) -> None:
        """As a backup that is put back does: what was posted is not there, and never was."""
        account, _, month = key.casefold().rpartition("/")
        with self.database.begin() as tx:
            for table in (lines, posted_months):
                these = (table.c.account_key == account, table.c.month == month)
                tx.execute(sa.delete(table).where(*these))

    def limit_rows(self, rows: int) -> None:
        self.source = LedgerMonths(self.database, "-1", self.clock, NO_LIMITS, page_size=rows)


class TestLedgerMonths(SourceContract):
    keys: ClassVar = [
        "000-1100-00/2026-03", "000-1100-00/2026-04", "000-1100-00/2027-01", "000-1100-001/2026-04", "Aa/1/2026-04",
        "aA/2026-04", "ZZ.9/2026-12",
    ]  # fmt: skip
    nobody: ClassVar[str] = "000-1100-00/2026-05"

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[MonthsWorld]:
        clock = FakeClock(OLD)
        database = Database(f"sqlite:///{tmp_path / 'store.db'}")
        database.upgrade()
        yield MonthsWorld(database, clock, LedgerMonths(database, "-1", clock, NO_LIMITS))
        database.close()

    def test_records_without_a_date_are_in_the_whole_listing(self, world: MonthsWorld) -> None:
        """There are none: every change is stamped by us."""
        assert all(change.at is not None for change in self.changes(world).values())

    @pytest.mark.parametrize(
        "key", ["", "/", "000-1100-00", "000-1100-00/", "/2026-04", "x/2026-4", "x/garbage"]
    )
    def test_what_names_no_month_is_absent(self, world: MonthsWorld, key: str) -> None:
        (told,) = world.source.fetch(world.entity, [key])
        assert not hasattr(told, "fields")

    def test_it_asks_no_system(self, world: MonthsWorld) -> None:
        assert not world.source.take_load().requests
        assert world.source.list_readings(world.entity, "any", None).rows == []
        assert not world.source.follows(world.entity, "any")
