"""People settle what waits for them, and what each side was let be: behind that both are to say the same."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agreement import Difference, differences
from people import People
from sides import DOCUMENTS, ZOHO, of_gp

from systems import World, unreachable

_AT_MOST = 8  # rounds


def settle(people: People) -> None:
    """Holds are answered, and what the two systems were let say differently is made the same."""
    for _ in range(_AT_MOST):
        held = people.world.held()
        answered = {key for key, hold in held.items() if _answer(people.world, hold)}
        found = [one for one in differences(people.world, people.deal_of) if one.kept]
        _say_what_sales_keeps(people, [one for one in found if one.record not in held])
        _take_back(people, {one.record for one in found} - answered)
        command(people.world, "reconcile", "fields", "--put-back")
        command(people.world, "sync")
        if not held and not found:
            return
    unreachable(f"it is never settled: {people.world.held()}, {found}")


def _answer(world: World, hold: Mapping[str, Any]) -> bool:
    """Whether it is answered; if not, what was changed in Zoho is taken back there."""
    answer = _ANSWERS[hold["code"]]
    if answer is not None:
        answer(world, hold)
    return answer is not None


def command(world: World, *words: str) -> None:
    """A command that may end with something left to do."""
    world.here(*words, codes=(0, 1))
    logging.getLogger("dbos").handlers.clear()  # they write to what was standard error for a moment


def _say_what_sales_keeps(people: People, found: Sequence[Difference]) -> None:
    """Where only finance changed what sales keeps, sales says what it is to be."""
    accounts = {account["id"]: account for account in people.world.accounts()}
    for one in found:
        if one.kept and one.kept[0] == ZOHO and one.kept[1] in accounts:
            people.say(accounts[one.kept[1]], one.field)


def _take_back(people: People, records: set[str]) -> None:
    """Sales writes into its documents what stands in GP."""
    for module, (kind, subform) in DOCUMENTS.items():
        there = {row["integration_id"]: row for row in of_gp(people.world, kind)}
        for record in people.world.records(module):
            if record["id"] in records & there.keys():
                row = there[record["id"]]
                po = {"Purchase_Order": row["customer_po"].strip()} if module == "Sales_Orders" else {}
                people.words.give_up(record["id"])
                lines = _lines_as_in_gp(row, record[subform])
                people.world.edit(record["id"], module=module, **{subform: lines}, **po)


def _lines_as_in_gp(row: Mapping[str, Any], present: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """What is to be written for it; lines that GP does not have are deleted."""
    lines: list[dict[str, object]] = [
        {
            "id": line["integration_id"],
            "Quantity": float(line["quantity"]),
            "List_Price": float(line["unit_price"]),
        }
        for line in row["lines"]
    ]
    known = {line["id"] for line in lines}
    return lines + [{"id": one["id"], "_delete": None} for one in present if one["id"] not in known]


# -- what a person does about a hold


def _release(world: World, hold: Mapping[str, Any]) -> None:
    command(world, "held", "release", hold["key"], "--flow", hold["flow"], "--reason", "agreed")


def _void(world: World, hold: Mapping[str, Any]) -> None:
    [order] = [row for row in of_gp(world, "Order") if row["integration_id"] == hold["key"]]
    world.gp.control("POST", f"sales/Order/{order['id']}", {"void": True})
    command(world, "held", "retry", hold["key"])


def _welcome(world: World, hold: Mapping[str, Any]) -> None:
    """The customer may buy again."""
    modules = [*DOCUMENTS, "Deals"]
    [order] = [row for module in modules for row in world.records(module) if row["id"] == hold["key"]]
    [account] = [one for one in world.accounts() if one["id"] == order["Account_Name"]["id"]]
    world.change(account["GP_Customer_ID"], set={"is_active": True, "is_on_hold": False})
    command(world, "held", "retry", hold["key"])


_ANSWERS: Mapping[str, Callable[[World, Mapping[str, Any]], None] | None] = {
    "CHANGED_ON_BOTH_SIDES": _release,
    "TOTALS_DIFFER": _release,
    "ALREADY_ORDERED": _release,
    "WITHDRAWN": _void,
    "CUSTOMER_INACTIVE": _welcome,
    "CUSTOMER_ON_HOLD": _welcome,
    "DOCUMENT_FINISHED": None,
    "DOCUMENT_FIXED": None,
    "BELOW_DONE": None,
    "MASTER_MOVED": None,
}
