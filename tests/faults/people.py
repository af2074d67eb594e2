"""People who work in both systems at once, each knowing nothing of the other; chance says what they do."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from words import Word, Words

from systems import World

ITEMS = ("128 SDRAM", "24X IDE", "WIRE100", "100XLG")
DOCUMENTS = {"Sales_Orders": ("Order", "Ordered_Items"), "Quotes": ("Quote", "Quoted_Items")}
#: The fields of Accounts that sales keeps, as (field, of an address, beside which value): a customer's and a vendor's.
OWNED = {
    "customers": {"Phone": "phone1", "Billing_Street": "line1", "GP_Email": "email"},
    "vendors": {"Phone": "phone1", "Shipping_Street": "line1"},
}
_ROLE = {
    "customers": dict.fromkeys(OWNED["customers"], "bill_to_address"),
    "vendors": {"Phone": "purchase_address", "Shipping_Street": "ship_from_address"},
}
KEYS = {"customers": "GP_Customer_ID", "vendors": "GP_Vendor_ID"}


@dataclass
class People:
    """All of them."""

    world: World
    chance: random.Random
    words: Words = field(default_factory=Words)
    products: Mapping[str, str] = field(default_factory=dict)  #: item -> its product in Zoho
    deeds: Mapping[Callable[[People], None], int] = field(default_factory=lambda: EVERYTHING)
    with_deals: float = 0.3  #: so many of the orders belong to a deal, of 1
    deal_of: dict[str, str] = field(default_factory=dict)  #: sales order -> its deal
    number: int = 0  #: so that no value is written twice

    def act(self) -> str:
        """One of them does something; the name of it."""
        (deed,) = self.chance.choices([*self.deeds], [*self.deeds.values()])
        self.number += 1
        deed(self)
        return deed.__name__

    # -- customers and vendors, in GP

    def rename(self) -> None:
        entity, key = self._a_master()
        self._set(entity, key, "name", f"Company {self.number:05} of Trade")

    def reclassify(self) -> None:
        entity, key = self._a_master()
        self._set(entity, key, "class_id", f"CLASS {self.number:05}")

    def move(self) -> None:
        """Another city, which no stamp of the record tells."""
        entity, key = self._a_master()
        self._address(
            entity, key, self.chance.choice([*_ROLE[entity].values()]), "city", f"City {self.number:05}"
        )

    def correct_in_gp(self) -> None:
        """Somebody in finance writes what sales keeps."""
        entity, key = self._a_master()
        name = self.chance.choice([*OWNED[entity]])
        member = OWNED[entity][name]
        if member == "email":
            self._email(key, self._value(name))
        else:
            value = self._value(name)
            sent = f"{value.replace('-', '')}0000" if member == "phone1" else value
            self._address(entity, key, _ROLE[entity][name], member, sent)

    def limit_credit(self) -> None:
        key = self._a_customer()
        amount = f"{50_000 + self.number}.{self.number % 90 + 10}"
        place, stands = ("GP", key, "credit_limit"), self._master("customers", key)
        word = Word(place, amount, [key], lambda: stands()["credit_limit"]["amount"])
        self.words.write(word, lambda: self.world.change(key, set={"credit_limit": amount}))

    def owe(self) -> None:
        key = self._a_customer()
        amount = f"{90_000 + self.number}.{self.number % 90 + 10}"
        word = Word(
            ("GP", key, "balance"), amount, [key], lambda: self._master("customers", key)()["balance"]
        )
        self.words.write(word, lambda: self.world.change(key, balance={"amount": amount}))

    def open_customer(self) -> None:
        self._open("customers", f"DAY{self.number:05}")

    def open_vendor(self) -> None:
        self._open("vendors", f"DAYV{self.number:05}")

    def _open(self, entity: str, key: str) -> None:
        place = {"id": "PRIMARY", "line1": f"{self.number} Quay", "city": f"City {self.number:05}"}
        name = f"Company {self.number:05} of {'Trade' if entity == 'customers' else 'Supplies'}"
        self.world.gp.control("POST", entity, {"id": key, "name": name, "addresses": [place]})

    def _set(self, entity: str, key: str, member: str, value: str) -> None:
        word = Word(("GP", key, member), value, [key], lambda: self._master(entity, key)()[member])
        self.words.write(word, lambda: self._post(entity, key, {"set": {member: value}}))

    def _address(self, entity: str, key: str, role: str, member: str, value: str) -> None:
        place = self._master(entity, key)()[role]

        def stands() -> object:
            return next(one for one in self._master(entity, key)()["addresses"] if one["id"] == place)[member]

        word = Word(("GP", key, f"{place} {member}"), value, [key], stands)
        self.words.write(word, lambda: self._post(entity, key, {"address": {"id": place, member: value}}))

    def _email(self, key: str, value: str) -> None:
        place = self._master("customers", key)()["bill_to_address"]

        def stands() -> object:
            addresses = self._master("customers", key)()["addresses"]
            return next(one for one in addresses if one["id"] == place)["email"]["to"]

        word = Word(("GP", key, f"{place} email"), value, [key], stands)
        self.words.write(word, lambda: self._post("customers", key, {"email": {"id": place, "to": value}}))

    def _post(self, entity: str, key: str, change: Mapping[str, object]) -> None:
        self.world.gp.control("POST", f"{entity}/{key}", change)

    def _master(self, entity: str, key: str) -> Callable[[], dict[str, Any]]:
        return lambda: dict(self.world.gp.control("GET", f"{entity}/{key}"))

    def _a_master(self) -> tuple[str, str]:
        entity = self.chance.choice(["customers", "customers", "vendors"])
        rows = self.world.customers() if entity == "customers" else self.world.vendors()
        return entity, self.chance.choice(rows)["id"].rstrip()

    def _a_customer(self) -> str:
        return str(self.chance.choice(self.world.customers())["id"]).rstrip()

    # -- orders, in GP

    def allocate(self) -> None:
        if order := self._an_open_order():
            self._do(order, {"allocate": True})

    def invoice_all(self) -> None:
        if order := self._an_open_order():
            self._do(order, {"invoice": True, "post": True})

    def invoice_some(self) -> None:
        order = self._an_open_order()
        line = order["lines"][0] if order else {}
        if order and float(line["remaining"]) >= 1:
            self._do(order, {"invoice": {line["sequence"]: "1"}, "post": True})

    def void(self) -> None:
        if order := self._an_open_order():
            self._do(order, {"void": True})

    def reprice_in_gp(self) -> None:
        """Somebody in finance changes what sales ordered."""
        if order := self._an_open_order():
            sequence, price = order["lines"][0]["sequence"], self._price()

            def stands() -> object:
                row = self.world.gp.control("GET", f"sales/Order/{order['id']}")
                return next(line["unit_price"] for line in row["lines"] if line["sequence"] == sequence)

            place = ("GP", order["id"], f"{sequence} price")
            word = Word(place, price, [order["id"], order["integration_id"]], stands)
            self.words.write(word, lambda: self._do(order, {"lines": {str(sequence): {"unit_price": price}}}))

    def _do(self, order: Mapping[str, Any], deed: Mapping[str, object]) -> None:
        self.world.gp.control("POST", f"sales/Order/{order['id']}", deed)

    def _an_open_order(self) -> dict[str, Any] | None:
        """One of ours that may still change."""
        rows = [row for row in of_gp(self.world, "Order") if row["state"] == "Work" and not row["is_voided"]]
        return self.chance.choice(rows) if rows else None

    # -- Accounts, in Zoho

    def correct_in_zoho(self) -> None:
        """Sales writes what it keeps."""
        entity, account = self._an_account()
        self.say(account, self.chance.choice([*OWNED[entity]]))

    def say(self, account: Mapping[str, Any], name: str) -> None:
        """What this field of the Account is to be, sales says."""
        self.number += 1
        self._edit("Accounts", account, name, self._value(name))

    def overwrite(self) -> None:
        """Sales writes over what is GP's."""
        _, account = self._an_account()
        name = self.chance.choice(["Billing_City", "Shipping_City", "Account_Name", "GP_Customer_Class"])
        self._edit("Accounts", account, name, f"Sales says {self.number:05}")

    def _an_account(self) -> tuple[str, dict[str, Any]]:
        entity = self.chance.choice(["customers", "customers", "vendors"])
        # An Account that is both belongs to the customer.
        others = "" if entity == "customers" else "GP_Customer_ID"
        found = [one for one in self.world.accounts() if one.get(KEYS[entity]) and not one.get(others)]
        return entity, self.chance.choice(found)

    def _value(self, name: str) -> str:
        return {
            "Phone": f"312-555-{self.number:04}",
            "GP_Email": f"office{self.number:05}@people.example",
        }.get(name, f"{self.number:05} Way")

    def _edit(self, module: str, record: Mapping[str, Any], name: str, value: object) -> None:
        names = [record["id"], *(key for key in map(record.get, KEYS.values()) if key)]
        word = Word(
            ("Zoho", record["id"], name), value, names, lambda: self._record(module, record["id"])[name]
        )
        self.words.write(word, lambda: self.world.edit(record["id"], module=module, **{name: value}))

    def _record(self, module: str, record: str) -> dict[str, Any]:
        return next((one for one in self.world.records(module) if one["id"] == record), {})

    # -- orders, quotes and deals, in Zoho

    def order(self) -> None:
        deals = [deal["id"] for deal in self.world.records("Deals") if deal["Stage"] != "Closed Won"]
        deal = self.chance.choice(deals) if deals and self.chance.random() < self.with_deals else ""
        more = {"Purchase_Order": f"PO {self.number:05}", **self._lines("Sales_Orders")}
        more |= {"Deal_Name": {"id": deal}} if deal else {}
        made = self._make("Sales_Orders", Subject=f"Order {self.number:05}", Status="Approved", **more)
        self.deal_of |= {made: deal} if deal else {}

    def quote(self) -> None:
        stage = self.chance.choice(["Draft", "Delivered"])
        self._make("Quotes", Subject=f"Quote {self.number:05}", Quote_Stage=stage, **self._lines("Quotes"))

    def deal(self) -> None:
        stage = self.chance.choice(["Qualification", "Closed Won"])
        self._make("Deals", Deal_Name=f"Deal {self.number:05}", Stage=stage, Amount=float(self._price()))

    def change_line(self) -> None:
        """Another price, another quantity, or one line more."""
        module = self.chance.choice(["Sales_Orders", "Sales_Orders", "Quotes"])
        if record := self._a_document(module):
            subform = DOCUMENTS[module][1]
            line = record[subform][0]
            change = self.chance.choice(
                [
                    {"id": line["id"], "Quantity": self.chance.randint(1, 9)},
                    self._line(),
                ]
            )
            if self.chance.random() < 0.5:
                self._reprice(module, record, line["id"])
            else:
                self.world.edit(record["id"], module=module, **{subform: [change]})

    def _reprice(self, module: str, record: Mapping[str, Any], line: str) -> None:
        price, subform = self._price(), DOCUMENTS[module][1]

        def stands() -> object:
            rows = self._record(module, record["id"]).get(subform, ())
            return next((row["List_Price"] for row in rows if row["id"] == line), None)

        word = Word(("Zoho", record["id"], f"{line} price"), price, [record["id"]], stands)
        change = {subform: [{"id": line, "List_Price": float(price)}]}
        self.words.write(word, lambda: self.world.edit(record["id"], module=module, **change))

    def reorder(self) -> None:
        """Another purchase order of the customer's."""
        if record := self._a_document("Sales_Orders"):
            self._edit("Sales_Orders", record, "Purchase_Order", f"PO {self.number:05}")

    def go_on(self) -> None:
        """A quote is delivered, a deal is won."""
        module, name, stage = self.chance.choice(
            [("Quotes", "Quote_Stage", "Delivered"), ("Deals", "Stage", "Closed Won")]
        )
        if record := self._a_document(module):
            self.world.edit(record["id"], module=module, **{name: stage})

    def cancel(self) -> None:
        if record := self._a_document("Sales_Orders"):
            self.world.edit(record["id"], module="Sales_Orders", Status="Cancelled")

    def delete(self) -> None:
        if record := self._a_document("Sales_Orders"):
            self.words.give_up(record["id"])
            told = self.world.zoho_call("POST", "delete/Sales_Orders", {"ids": [record["id"]]})
            assert not told["errors"], told

    def _make(self, module: str, **fields: object) -> str:
        accounts = [one for one in self.world.accounts() if one.get("GP_Customer_ID")]
        record = {"Account_Name": {"id": self.chance.choice(accounts)["id"]}, **fields}
        told = self.world.zoho_call("POST", f"create/{module}", {"records": [record]})
        assert not told["errors"], told
        return str(told["ids"][0])

    def _lines(self, module: str) -> dict[str, object]:
        return {DOCUMENTS[module][1]: [self._line() for _ in range(self.chance.randint(1, 3))]}

    def _line(self) -> dict[str, object]:
        product = self.products[self.chance.choice(ITEMS)]
        quantity = self.chance.randint(1, 9)
        return {"Product_Name": {"id": product}, "Quantity": quantity, "List_Price": float(self._price())}

    def _price(self) -> str:
        self.number += 1
        return f"{100 + self.number}.{self.number % 90 + 10}"

    def _a_document(self, module: str) -> dict[str, Any] | None:
        rows = self.world.records(module)
        return self.chance.choice(rows) if rows else None


def of_gp(world: World, kind: str) -> list[dict[str, Any]]:
    """The documents of GP that are ours."""
    rows: Sequence[dict[str, Any]] = world.gp.control("GET", f"sales?type={kind}&limit=100000")["rows"]
    return [row for row in rows if row["integration_id"] and row["id"].startswith("Z")]


#: What they do -> how often, of all.
EVERYTHING: Mapping[Callable[[People], None], int] = {
    People.rename: 4,
    People.reclassify: 4,
    People.move: 5,
    People.correct_in_gp: 3,
    People.limit_credit: 3,
    People.owe: 3,
    People.open_customer: 2,
    People.open_vendor: 1,
    People.allocate: 3,
    People.invoice_all: 3,
    People.invoice_some: 3,
    People.void: 2,
    People.reprice_in_gp: 2,
    People.correct_in_zoho: 10,
    People.overwrite: 6,
    People.order: 10,
    People.quote: 4,
    People.deal: 4,
    People.change_line: 7,
    People.reorder: 4,
    People.go_on: 4,
    People.cancel: 2,
    People.delete: 1,
}
