"""A flow of account months behind one of journal entries that writes nothing: what is tested of the two together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from memory import FakeClock, MemoryTarget
from ml_connector.core.change import Cursor
from ml_connector.core.flow import CARRIED, Flow
from ml_connector.core.line_limits import NO_LIMITS, LineLimits
from ml_connector.core.mapping import fitted
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.record import Reading, digest
from ml_connector.core.transform import MapContext
from ml_connector.flows.ledger_months import ACCOUNT_MONTHS, LedgerMonths
from ml_connector.flows.pull import pull
from ml_connector.flows.range import Asked
from ml_connector.flows.steps import DirectSteps, Result
from ml_connector.flows.work import Options, Work
from ml_connector.store import cursors, readings
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database

MODULE = "GP_Account_Months"
MONTHS = """
name = "account_months"
source = "account_months"
target = "GP_Account_Months"
creates = true
key = { field = "GP_Month_Key", from = "account_month" }
[fields]
Name = "account_month"
Account = "account"
Category = "category"
Month = "month"
Debit = { from = ["debit", "currency"], transform = "money" }
Credit = { from = ["credit", "currency"], transform = "money" }
Net = "net"
Amount = "amount"
Lines = "line_count"
"""


@dataclass
class Months:
    """The flow of months over one store."""

    clock: Any
    target: MemoryTarget
    database: Database
    limits: LineLimits = NO_LIMITS
    runs: int = 0

    @property
    def flow(self) -> Flow:
        mapping = read_mapping("test.toml", MONTHS, LedgerMonths.entities)
        fitting = fitted(mapping, (), self.limits.told)
        return Flow("account_months", "-1", ACCOUNT_MONTHS, (fitting,), limits=self.limits)

    def work(self, keys: tuple[str, ...] = (), **more: bool) -> Work:
        source = LedgerMonths(self.database, "-1", self.clock, self.limits, page_size=7)
        return Work(
            self.flow, source, self.target, self.database, self.clock, lambda: MapContext("USD"),
            asked=Asked(keys, **{"over_limit": True, **more}),
            options=Options(overlap=timedelta(seconds=60), writes_at_once=1),
        )  # fmt: skip

    def loaded(self) -> None:
        """Past the first load, which waits for an approval that is none of these tests' business."""
        progress = Progress(Cursor(self.clock.now(), finer_than_day=True), self.flow.fingerprint, (MODULE,))
        with self.database.begin() as tx:
            cursors.put(tx, "-1", "account_months", progress)

    def sync(self, keys: tuple[str, ...] = (), **more: bool) -> Result:
        self.runs += 1
        self.clock.sleep(600)
        self.target.writes.clear()
        return pull(DirectSteps(self.clock), self.work(keys, **more), f"months-{self.runs}")

    def there(self) -> dict[str, dict[str, Any]]:
        """What stands in the target, by key."""
        return {str(record["GP_Month_Key"]): record for record in self.target.of(MODULE)}

    def know(self, account: str, category: str, typical_balance: str | None = "Debit") -> None:
        """What the flow of accounts keeps of one."""
        fields = {"category": category, "typical_balance": typical_balance, "description": f"Of {account}"}
        with self.database.begin() as tx:
            reading = Reading(account, CARRIED, fields, digest(fields))
            readings.put(tx, "-1", "gl_accounts", [reading], self.clock.now(), settled=True)


def new_months(database: Database, clock: Any | None = None) -> Months:
    """Past the first load of nothing."""
    clock = clock or FakeClock()
    made = Months(clock, MemoryTarget(FakeClock(), unique=("GP_Month_Key",)), database)
    made.loaded()
    return made
