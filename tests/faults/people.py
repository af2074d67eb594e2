"""People who work in both systems at once, each knowing nothing of the other; chance says what they do."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sides import DOCUMENTS, FIELDS, GP, KEYS, OWNED, ZOHO, Row, masters, of_gp
from words import Word, Words

from systems import World

ITEMS = ("128 SDRAM", "24X IDE", "WIRE100", "100XLG")
_WITH_DEALS = 0.3  # so many of the orders belong to a deal, of 1
_CLASSES = {"customers": "GP_Customer_Class", "vendors": "GP_Vendor_Class"}


@dataclass
class People:
    """All of them."""

    world: World
    chance: random.Random
    words: Words = field(default_factory=Words)
    products: Mapping[str, str] = field(default_factory=dict)  #: item -> its product in Zoho
    deal_of: dict[str, str] = field(default_factory=dict)  #: sales order -> its deal
    number: int = 0  #: so that no value is written twice

    def act(self) -> str:
        """One of them does something; the name of it."""
        (deed,) = self.chance.choices([*DEEDS], [*DEEDS.values()])
        self.number += 1
        deed(self)
        return deed.__name__

    # -- customers and vendors, in GP

    def rename(self) -> None:
        entity = self._an_entity()
        names = {"customers": "Trade", "vendors": "Supplies"}
        self._write_in_gp(entity, "Account_Name", f"Company {self.number:05} of {names[entity]}")

    def reclassify(self) -> None:
        entity = self._an_entity()
        self._write_in_gp(entity, _CLASSES[entity], f"CLASS {self.number:05}")

    def move(self) -> None:
        """Another city, which no stamp of the record tells."""
        name = self.chance.choice(["Billing_City", "Shipping_City"])
        self._write_in_gp(self._an_entity(), name, f"City {self.number:05}")

    def correct_in_gp(self) -> None:
        """Somebody in finance writes what sales keeps."""
        entity = self._an_entity()
        name = self.chance.choice(OWNED[entity])
        value = self._value(name)
        self._write_in_gp(entity, name, f"{value.replace('-', '')}0000" if name == "Phone" else value)

    def limit_credit(self) -> None:
        self._write_in_gp("customers", "GP_Credit_Limit", f"{50_000 + self.number}.{self.number % 90 + 10}")

    def owe(self) -> None:
        """Nobody's value: GP itself counts it on with each invoice."""
        key = self.chance.choice([*masters(self.world, "customers")])
        self.world.change(key, balance={"amount": f"{90_000 + self.number}.{self.number % 90 + 10}"})

    def open_customer(self) -> None:
        self._open("customers", f"DAY{self.number:05}")

    def open_vendor(self) -> None:
        self._open("vendors", f"DAYV{self.number:05}")

    def _open(self, entity: str, key: str) -> None:
        place = {"id": "PRIMARY", "line1": f"{self.number} Quay", "city": f"City {self.number:05}"}
        name = f"Company {self.number:05} of {'Trade' if entity == 'customers' else 'Supplies'}"
        self.world.gp.control("POST", entity, {"id": key, "name": name, "addresses": [place]})

    def _write_in_gp(self, entity: str, name: str, value: str) -> None:
        """What this field of any of them is to be, finance says; ``name``: as Accounts have it."""
        key, row = self.chance.choice([*masters(self.world, entity).items()])
        one, path = FIELDS[entity][name], f"{entity}/{key}"
        word = Word(one.place(row), value, [key], lambda: one.value(dict(self.world.gp.control("GET", path))))
        self.words.write(word, lambda: self.world.gp.control("POST", path, one.change(row, value)))

    def _an_entity(self) -> str:
        return self.chance.choice(["customers", "customers", "vendors"])

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
            line, price = order["lines"][0], self._price()

            def stands() -> object:
                row = self.world.gp.control("GET", f"sales/Order/{order['id']}")
                return next(one["unit_price"] for one in row["lines"] if one["sequence"] == line["sequence"])

            place = (GP, order["id"], f"{line['integration_id']} price")
            word = Word(place, price, [order["id"], order["integration_id"]], stands)
            change = {"lines": {str(line["sequence"]): {"unit_price": price}}}
            self.words.write(word, lambda: self._do(order, change))

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
        self.say(account, self.chance.choice(OWNED[entity]))

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
        entity = self._an_entity()
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
            (ZOHO, record["id"], name), value, names, lambda: self._record(module, record["id"])[name]
        )
        self.words.write(word, lambda: self.world.edit(record["id"], module=module, **{name: value}))

    def _record(self, module: str, record: str) -> dict[str, Any]:
        return next((one for one in self.world.records(module) if one["id"] == record), {})

    # -- orders, quotes and deals, in Zoho

    def order(self) -> None:
        deals = [deal["id"] for deal in self.world.records("Deals") if deal["Stage"] != "Closed Won"]
        deal = self.chance.choice(deals) if deals and self.chance.random() < _WITH_DEALS else ""
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

    def reprice_in_zoho(self) -> None:
        if found := self._a_line():
            module, record, line = found
            self._price_line(module, record, line, {"id": line})

    def recount(self) -> None:
        """Another quantity."""
        if found := self._a_line():
            module, record, line = found
            change = {"id": line, "Quantity": self.chance.randint(1, 9)}
            self.world.edit(record["id"], module=module, **{DOCUMENTS[module][1]: [change]})

    def add_line(self) -> None:
        if found := self._a_line():
            module, record, _ = found
            price, subform = self._price(), DOCUMENTS[module][1]
            made = {**self._line(), "List_Price": float(price)}
            self.world.edit(record["id"], module=module, **{subform: [made]})
            known = {row["id"] for row in record[subform]}
            lines = self._record(module, record["id"])[subform]
            (line,) = (row["id"] for row in lines if row["id"] not in known)
            self.words.write(self._price_of(module, record, line, price), lambda: None)

    def _price_line(self, module: str, record: Row, line: str, change: Row) -> None:
        price = self._price()
        lines = {DOCUMENTS[module][1]: [{**change, "List_Price": float(price)}]}
        word = self._price_of(module, record, line, price)
        self.words.write(word, lambda: self.world.edit(record["id"], module=module, **lines))

    def _price_of(self, module: str, record: Row, line: str, price: str) -> Word:
        """That this line has this price."""

        def stands() -> object:
            rows = self._record(module, record["id"]).get(DOCUMENTS[module][1], ())
            return next((row["List_Price"] for row in rows if row["id"] == line), None)

        return Word((ZOHO, record["id"], f"{line} price"), price, [record["id"]], stands)

    def _a_line(self) -> tuple[str, dict[str, Any], str] | None:
        """One that exists: module, record and id."""
        module = self.chance.choice(["Sales_Orders", "Sales_Orders", "Quotes"])
        record = self._a_document(module)
        return record and (module, record, self.chance.choice(record[DOCUMENTS[module][1]])["id"])

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


#: What they do -> how often, of all.
DEEDS: Mapping[Callable[[People], None], int] = {
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
    People.reprice_in_zoho: 4,
    People.recount: 2,
    People.add_line: 2,
    People.reorder: 4,
    People.go_on: 4,
    People.cancel: 2,
    People.delete: 1,
}
