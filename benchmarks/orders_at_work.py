"""A ``serve`` that takes Zoho's orders into GP over both simulators, for ``webhook.py``: busy, or one at a time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa

from ml_connector.demo import orders
from ml_connector.demo.systems import Systems, systems

SETTINGS: dict[str, dict[str, object]] = {"flows.vendors": {"enabled": False}}
_LOOKS, _SEEDED = 0.01, 500
#: What an order that was told of may be in by then: waiting, dealt with, or held.
_KNOWN = (
    "SELECT record_id FROM inbox UNION SELECT key FROM documents WHERE module = 'Sales_Orders'"
    " UNION SELECT source_key FROM holds WHERE flow = 'sales_orders'"
)


@dataclass(frozen=True)
class AtWork:
    """Both systems, with ``serve`` between them."""

    both: Systems
    account: str

    def channel(self) -> dict[str, Any]:
        """Where Zoho tells of orders, and with which token."""
        return dict(self.both.zoho.get("channels")[0])

    def seed(self, number: int) -> list[str]:
        """So many orders that nobody is told of; their ids."""
        first = orders.enter(self.both, self.account, 1)
        line = orders.find(self.both, first)["Ordered_Items"][0]
        wanted = {"Product_Name": {"id": line["Product_Name"]["id"]}, "Quantity": 1, "List_Price": 189.95}
        record = {"Account_Name": {"id": self.account}, "Status": "Approved", "Ordered_Items": [wanted]}
        made: list[str] = []
        for start in range(0, number, _SEEDED):
            rows = [{**record, "Subject": f"Order {n}"} for n in range(start, min(start + _SEEDED, number))]
            made += self.both.zoho.post(f"records/{orders.MODULE}", {"records": rows})["ids"]
        return made

    def in_gp(self) -> int:
        """How many orders GP was asked to make."""
        return int(self.both.gp.get("state")["operations"].get("CreateSalesOrder", 0))

    def unknown(self, accepted: Sequence[str]) -> list[str]:
        """Those of these orders of which ``serve`` was told and knows nothing."""
        engine = sa.create_engine(f"sqlite:///{self.both.folder / 'data' / 'ml-connector.db'}")
        with engine.connect() as tx:
            known = set(tx.execute(sa.text(_KNOWN)).scalars())
        engine.dispose()
        return [one for one in accepted if one not in known]

    def seconds_to_gp(self, number: int) -> float:
        """The median time from an order's being entered in Zoho to GP's having made it, one after the other."""
        return median(self._seconds() for _ in range(number))

    def _seconds(self) -> float:
        before, began = self.in_gp(), time.monotonic()
        orders.enter(self.both, self.account, 1)
        while self.in_gp() == before:
            time.sleep(_LOOKS)
        return time.monotonic() - began


@contextmanager
def at_work(coalesce_seconds: float, latency: float = 0.0) -> Iterator[AtWork]:
    """``serve`` at work; every call takes the simulators ``latency`` seconds."""
    slow = ("--latency", str(latency))
    with (
        tempfile.TemporaryDirectory() as folder,
        systems(
            Path(folder), ("--customers", "0", *slow), ("--edition", "ultimate", "--users", "500", *slow)
        ) as both,
    ):
        settings = orders.settings()
        settings["webhooks"] |= {"coalesce_seconds": coalesce_seconds, "rate_per_second": 100_000}
        both.set_up(SETTINGS | settings)
        both.run("provision", "--yes", quiet=True)
        both.run("sync", "customers", "--approve", both.report("plan", "customers")["hash"], quiet=True)
        with orders.served(both):
            yield AtWork(both, _unlimited(both))


def _unlimited(both: Systems) -> str:
    """The id of an Account that may owe whatever it orders."""
    rows = both.zoho.rows("records/Accounts", "data")
    fitting = (r for r in rows if r["GP_Credit_Type"] == "Unlimited" and not r["GP_Customer_On_Hold"])
    return str(next(fitting)["id"])
