"""A thousand histories: people on both sides, notifications that are lost, calls and commits at which we die.

In the end every order of the CRM is one document of the ERP that says what the order says, and all is quiet.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from sales_world import TIMEOUT, SalesWorld

from memory_crm import DyingDatabase
from memory_crm import KilledError as StoreKilledError
from memory_documents import Fault, KilledError, away, late, lost, unsure
from memory_sales import ORDERS
from ml_connector.core.document_mapping import Numbering
from ml_connector.core.numbering import number_of
from ml_connector.store.copying import clear
from ml_connector.store.database import Database

HISTORIES, PARTS = 1000, 20
FIRST = 5725767000000000900
FAULTS = (
    lost,
    unsure,
    late,
    away,
    lambda: Fault(KilledError()),
    lambda: Fault(KilledError(), after=True),
    lambda: Fault(KilledError(), late=True),
)


class History:
    """One, of whatever chance brings."""

    def __init__(self, database: Database, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = SalesWorld(database, list(Numbering)[seed % 2])
        self.world.crm.on_change = self._heard
        self.steps = (
            self._edit,
            self._edit,
            self._run,
            self._run,
            self._die,
            self._fail,
            self._wait,
            self._type,
        )

    def _heard(self, module: str, key: str) -> None:
        if self.chance.random() < 0.6:
            self.world.tell(module, *[key] * self.chance.randint(1, 3))

    def live(self) -> None:
        for _ in range(self.chance.randint(4, 9)):
            self.chance.choice(self.steps)()

    def _edit(self) -> None:
        key, chance = str(FIRST + self.chance.randrange(3)), self.chance
        rows = [{"Quantity": Decimal(chance.randint(1, 9))} for _ in range(chance.randint(1, 2))]
        self.world.crm.edit(ORDERS, key, *rows, Purchase_Order=f"PO {chance.randint(1, 3)}")

    def _type(self) -> None:
        """A person of the ERP writes what the CRM never says."""
        for one in self.world.erp.every():
            self.world.erp.change(one.document.kind, one.document.number, comment="call first")

    def _wait(self) -> None:
        self.world.pass_time(minutes=self.chance.choice([0.1, 1, 4, 8]))

    def _fail(self) -> None:
        """Some call of the next run, or of the one behind it, fails."""
        side = self.chance.choice([self.world.erp.calls, self.world.erp.calls, self.world.crm.calls])
        faults = FAULTS if side is self.world.erp.calls else FAULTS[:2] + FAULTS[3:6]
        side.faults[:] = [*[None] * self.chance.randrange(4), self.chance.choice(faults)()]

    def _run(self, database: Database | None = None) -> None:
        with suppress(KilledError, StoreKilledError):
            self.world.run(database=database, polls=self.chance.random() < 0.5)

    def _die(self) -> None:
        committed = self.chance.random() < 0.5
        self._run(DyingDatabase(self.world.database, self.chance.randint(1, 12), committed))

    def end(self) -> None:
        """Nothing fails any more, and whatever was sent is done by now."""
        world = self.world
        world.erp.calls.faults.clear()
        world.crm.calls.faults.clear()
        for _ in range(4):
            world.pass_time(seconds=TIMEOUT.total_seconds() + 60)
            world.run()

    def is_right(self) -> None:
        world = self.world
        there = {one.document.reference: one.document for one in world.erp.every()}
        assert sorted(one.document.reference for one in world.erp.every()) == sorted(world.crm.rows[ORDERS])
        assert world.held() == []
        for key, document in there.items():
            wanted = [row["line.Quantity"] for row in world.crm.parts[key].values()]
            assert sorted(line.quantity for line in document.lines) == sorted(wanted)
            own = document.customer_po if world.numbering is Numbering.OWN else document.texts[1]
            assert own == world.crm.rows[ORDERS][key]["Purchase_Order"]
            if world.numbering is Numbering.GP:
                assert document.customer_po == number_of(key, "ZO")
            told = world.crm.told(ORDERS, key)
            (standing,) = (one for one in world.erp.every() if one.document is document)
            assert (told["GP_Order_Number"], told["GP_Ordered_Amount"]) == (document.number, standing.total)
            assert world.story(key).count("created") == 1
        assert world.is_quiet()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("part", range(PARTS))
def test_every_order_is_one_document_whatever_happened(database, part):
    for seed in range(part * HISTORIES // PARTS, (part + 1) * HISTORIES // PARTS):
        with database.begin() as tx:
            clear(tx)
        history = History(database, seed)
        history.live()
        history.end()
        try:
            history.is_right()
        except AssertionError as error:
            raise AssertionError(f"history {seed}") from error


def test_what_was_sent_late_is_done_within_the_time_that_is_waited(database):
    """Otherwise these histories would prove nothing."""
    world = SalesWorld(database)
    assert world.erp.calls.within < TIMEOUT
    assert timedelta(0) < world.erp.calls.within
