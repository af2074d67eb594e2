"""Rounds of a trial: people make records in Zoho, and something befalls each create of theirs in GP.

A seed says what: GP's answer is lost after the work, or before any; the work is done up to ten minutes after the
connection was cut; GP answers with an error; our process is killed before the request, in flight, or after the answer.
Then time passes and it is run again until nothing waits.
"""

from __future__ import annotations

import json
import random
import signal
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ml_connector.app import App
from ml_connector.core.numbering import number_of
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import DirectSteps
from systems import World, unreachable

AARON, SDRAM, PRICE = "AARONFIT0001", "128 SDRAM", 189.95
AT_MOST = 5  #: records in a round, and creates of one kind that GP spoils in it
LATEST = 540.0  #: seconds after which GP has done its late work: the settings give it 600, and a slow machine is slow
OFTEN = 60  #: so often a round is run at the most until nothing waits
PAUSES = (20, 90, 400)  #: seconds from one run to the next
REQUESTS = 2  #: for one create: it signs in over a connection of its own
SPOILT = ("cut_after_work", "late", "drop", "http_500", "http_503", "soap_system_fault")
INSTANTS = ("before", "in flight", "after")
ANYWHERE = 150  #: a process that is killed anywhere is killed at one of its first instants, so many
CUSTOMER = "CreateCustomer"
_DEADLY = Path(__file__).with_name("killed_documents.py")
#: Anything that is begun and not ended, or waits.
_WAITS = (
    "SELECT COUNT(*) FROM documents WHERE intent_at IS NOT NULL OR next_at IS NOT NULL",
    "SELECT COUNT(*) FROM intents",
    "SELECT COUNT(*) FROM holds WHERE closed_at IS NULL",
)
_TOLD = "SELECT COUNT(*) FROM documents WHERE told IS NOT NULL"
_HELD = "SELECT flow, source_key, code, happened, remedy FROM holds WHERE closed_at IS NULL"
_CREATED = "SELECT COUNT(*) FROM audit WHERE action = 'record:created' AND flow = ? AND source_key = ?"


@dataclass(frozen=True)
class Kind:
    """Records of Zoho that become documents of GP."""

    flow: str
    module: str
    document: str  #: of GP
    prefix: str
    told: str  #: the field of Zoho that has the document's number

    @property
    def create(self) -> str:
        return f"CreateSales{self.document}"


ORDERS = Kind("sales_orders", "Sales_Orders", "Order", "ZO", "GP_Order_Number")
QUOTES = Kind("sales_quotes", "Quotes", "Quote", "ZQ", "GP_Quote_Number")
DEALS = Kind("won_deals", "Deals", "Order", "ZD", "GP_Order_Number")
CREATES = (ORDERS.create, QUOTES.create, CUSTOMER)


@dataclass(frozen=True)
class Made:
    """A record that a person made."""

    kind: Kind
    key: str
    customer: str  #: whose it is in GP
    total: str
    is_new: bool = False  #: and that customer has to be made

    @property
    def number(self) -> str:
        """Of its document where we number it; else our reference there."""
        return number_of(self.key, self.kind.prefix)


@dataclass
class Time:
    """It passes everywhere at once, for whoever waits; GP does its late work in it."""

    world: World
    late_for: float = 0.0  #: seconds from when a connection was cut to when its work is done
    by: timedelta = timedelta()
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by

    def sleep(self, seconds: float) -> None:
        with self._turn:
            end = self.now() + timedelta(seconds=seconds)
            cut_at = self._cut_at()
            if cut_at is not None and (late_at := cut_at + timedelta(seconds=self.late_for)) <= end:
                self._pass_to(late_at)
                self.world.gp.control("POST", "late")
            self._pass_to(end)

    def _cut_at(self) -> datetime | None:
        """When the first connection was cut whose work GP has still to do; None: it has none."""
        if not (waiting := self.count_late()):
            return None
        log = self.world.gp.control("GET", "requests?limit=1000")["log"]
        cut = [datetime.fromisoformat(one["at"]) for one in log if one["fault"] == "late"]
        return min(cut[-waiting:], default=None)

    def count_late(self) -> int:
        return len(self.world.gp.control("GET", "late")["waiting"])

    def _pass_to(self, at: datetime) -> None:
        more = max(at - self.now(), timedelta())
        self.world.move_clocks(more)
        self.by += more


@dataclass
class Trial:
    """Both systems, the records that were made, and what befell their creates."""

    world: World
    app: App
    time: Time
    is_gp_numbering: bool
    product: str
    account: str  #: of AARON
    random: random.Random
    made: list[Made] = field(default_factory=list)
    befell: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, str] = field(
        default_factory=dict
    )  #: key of an order -> the customer's own number in it
    held: set[tuple[str, str]] = field(default_factory=set)  #: (key, code) of the holds on the way
    killed_anywhere: int = 0  #: times, beside what befell creates
    runs: int = 0
    before: Mapping[str, int] = field(default_factory=dict)  #: how much GP and Zoho had

    def __post_init__(self) -> None:
        self.before = self.counted()

    def go_on(self) -> None:
        """One round. Whatever befell it, each record is one document in the end."""
        makers = (self.order, self.quote, self.deal, self.newcomer)
        made = [make() for make in self.random.choices(makers, k=self.random.randint(1, AT_MOST))]
        self.made += made
        planned = self.spoil()
        if self.random.random() < 0.5:
            self.die(made)
        self.settle(made)
        self.befell += planned - self.still_planned()
        self.check(made)

    # -- what people make

    def order(self, customer: str = AARON, account: str = "", *, is_new: bool = False) -> Made:
        quantity = self.random.randint(1, 9)
        own, lines = self.new_number(), [self.line(quantity)]
        record = {"Subject": "Memory", "Purchase_Order": own, "Ordered_Items": lines}
        key = self.create(ORDERS, account or self.account, **record)
        self.numbers[key] = own
        return Made(ORDERS, key, customer, f"{quantity * PRICE:.2f}", is_new)

    def quote(self) -> Made:
        quantity = self.random.randint(1, 9)
        lines = {"Quoted_Items": [self.line(quantity)]}
        key = self.create(QUOTES, self.account, Subject="Memory", Quote_Stage="Delivered", **lines)
        return Made(QUOTES, key, AARON, f"{quantity * PRICE:.2f}")

    def deal(self) -> Made:
        amount = self.random.choice((PRICE, PRICE, 883.0))  # GP sells at its own price, and a person is asked
        key = self.create(DEALS, self.account, Deal_Name="Memory", Stage="Closed Won", Amount=amount)
        return Made(DEALS, key, AARON, f"{PRICE:.2f}")

    def newcomer(self) -> Made:
        """An order of an Account that is no customer yet."""
        [account] = self.world.seed({"Account_Name": f"{self.random.randbytes(8).hex()} {len(self.made)}"})
        return self.order(number_of(account, "ZC"), account, is_new=True)

    def line(self, quantity: int) -> dict[str, object]:
        return {"Product_Name": {"id": self.product}, "Quantity": quantity, "List_Price": PRICE}

    def new_number(self) -> str:
        return f"PO {self.random.randrange(10**9)}"

    def change_one(self, made: Sequence[Made]) -> None:
        """A person changes an order, wherever it is on its way."""
        orders = [one.key for one in made if one.kind is ORDERS]
        if orders and self.random.random() < 0.2:
            key = self.random.choice(orders)
            self.numbers[key] = self.new_number()
            self.world.edit(key, module=ORDERS.module, Purchase_Order=self.numbers[key])

    def create(self, kind: Kind, account: str, **record: object) -> str:
        told = self.world.zoho_call(
            "POST", f"create/{kind.module}", {"records": [{"Account_Name": {"id": account}, **record}]}
        )
        assert not told["errors"], told
        return str(told["ids"][0])

    # -- what befalls them

    def die(self, made: Sequence[Made]) -> None:
        """Be killed around a request of a create, or anywhere; a run that is begun later takes it up."""
        chosen = self.random.choice(made)
        if self.random.random() < 0.3:
            self.killed_anywhere += self.is_killed(chosen.kind.flow, self.random.randint(1, ANYWHERE))
            return
        create = CUSTOMER if chosen.is_new and self.random.random() < 0.5 else chosen.kind.create
        requests = REQUESTS * sum(one.kind is chosen.kind for one in made)
        instant = (f"gp: {create}", self.random.randint(1, requests), self.random.choice(INSTANTS))
        self.befell[f"killed {instant[2]}"] += self.is_killed(chosen.kind.flow, instant)

    def is_killed(self, flow: str, instant: object) -> bool:
        """Run it in a process that dies at this instant, if it comes to that; and then, later, once more."""
        if is_killed := self.in_a_process(flow, json.dumps(instant)):
            self.time.sleep(self.random.choice(PAUSES))
            self.in_a_process(flow)
        return is_killed

    def in_a_process(self, flow: str, *instant: str) -> bool:
        """Run the flow in a process of its own; whether it was killed."""
        words = (str(self.world.settings), str(self.time.by.total_seconds()), flow, *instant)
        said = self.world.run(*words, script=_DEADLY)
        assert said.code in (0, -signal.SIGKILL), said
        self.runs += 1
        return said.code != 0

    def spoil(self) -> Counter[str]:
        """Plan what GP does with the next creates, and when it does late work; how much of each."""
        self.time.late_for = self.random.uniform(1, LATEST)
        times = {create: self.random.randint(0, AT_MOST) for create in CREATES}
        self.world.gp_faults(
            *(
                {"operation": create, "kind": self.random.choice(SPOILT), "nth": nth}
                for create, spoilt in times.items()
                for nth in range(1, spoilt + 1)
            )
        )
        return self.still_planned()

    def still_planned(self) -> Counter[str]:
        return Counter(one["kind"] for one in self.world.gp.control("GET", "faults")["faults"])

    # -- until nothing waits

    def settle(self, made: Sequence[Made]) -> None:
        flows = list(dict.fromkeys(one.kind.flow for one in made))
        for _ in range(OFTEN):
            for flow in flows:
                self.run(flow)
            self.mend()
            if not self.is_anything_left():
                return
            self.change_one(made)
            self.time.sleep(self.random.choice(PAUSES))
        unreachable(f"{flows}: {self.world.rows(_HELD)}, {self.world.rows('SELECT * FROM documents')[-5:]}")

    def run(self, flow: str, asked: Asked = EVERYTHING) -> None:
        self.runs += 1
        told = self.app.run(DirectSteps(self.time), f"trial-{self.runs}", flow, asked)
        assert told["state"] in ("done", "away"), told

    def mend(self) -> None:
        """Do what those holds ask for that a person has to mend; each says why it waits."""
        for flow, key, code, happened, remedy in self.world.rows(_HELD):
            self.held.add((key, code))
            assert happened
            assert remedy
            if code == "CREDIT_EXCEEDED":
                [order] = [one for one in self.made if one.key == key]
                self.world.change(order.customer, set={"credit_limit": "1000000000"})
                self.run(flow, Asked((key,)))
            elif code == "TOTALS_DIFFER":
                self.world.edit(key, module=DEALS.module, Amount=PRICE)

    def is_anything_left(self) -> bool:
        """Whether GP is still at work, something waits, or Zoho was not told of every record."""
        waits = any(self.world.rows(query) != [(0,)] for query in _WAITS)
        return waits or self.time.count_late() > 0 or self.world.rows(_TOLD) != [(len(self.made),)]

    # -- and each is there once

    def counted(self) -> dict[str, int]:
        """How many documents and customers GP has, and Accounts Zoho."""
        found = {
            kind.document: self.world.gp.control("GET", f"sales?type={kind.document}&limit=0")["total"]
            for kind in (ORDERS, QUOTES)
        }
        found["customers"] = self.world.gp.control("GET", "customers?limit=0")["total"]
        found["Accounts"] = self.world.zoho_call("GET", "records/Accounts?limit=0")["total"]
        return found

    def wanted(self) -> dict[str, int]:
        """How many there are to be."""
        more = Counter(one.kind.document for one in self.made)
        new = sum(one.is_new for one in self.made)
        more += Counter({"customers": new, "Accounts": new})
        return {what: number + more[what] for what, number in self.before.items()}

    def check(self, made: Sequence[Made]) -> None:
        there, wanted = self.counted(), self.wanted()
        assert there == wanted, (there, wanted, made, self.befell)
        for one in made:
            self.check_one(one)

    def check_one(self, one: Made) -> None:
        """Zoho has the number of the document in GP that says what the record says, and that is told once."""
        in_zoho = self.find_in_zoho(one)
        there = self.world.gp.control("GET", f"sales/{one.kind.document}/{in_zoho[one.kind.told]}")
        assert (there["integration_id"], there["customer_id"].rstrip(), there["total"]) == (
            one.key,
            one.customer,
            one.total,
        )
        po, text = there["customer_po"], there["user_defined"]["text1"]
        ours, own = (po, text) if self.is_gp_numbering else (there["id"], po)
        assert (ours.rstrip(), own) == (one.number, self.numbers.get(one.key, "")), (one, there)
        assert self.world.rows(_CREATED, one.kind.flow, one.key) == [(1,)]
        if one.is_new:
            assert self.world.rows(_CREATED, one.kind.flow, one.customer) == [(1,)]

    def find_in_zoho(self, one: Made) -> dict[str, Any]:
        path = f"records/{one.kind.module}"
        total = self.world.zoho_call("GET", f"{path}?limit=0")["total"]
        latest = self.world.zoho_call("GET", f"{path}?offset={max(total - AT_MOST, 0)}&limit={AT_MOST}")
        [found] = [row for row in latest["data"] if row["id"] == one.key]
        return dict(found)

    def documents_of(self) -> Counter[str]:
        """How many documents GP has of each of the records."""
        keys = {one.key for one in self.made}
        rows = self.world.gp.control("GET", "sales?limit=1000000")["rows"]
        return Counter(row["integration_id"] for row in rows if row["integration_id"] in keys)

    @property
    def lost(self) -> int:
        return len({one.key for one in self.made} - self.documents_of().keys())

    @property
    def doubled(self) -> int:
        return sum(number - 1 for number in self.documents_of().values())
