"""The demo's orders: sales enters them in Zoho, GP has each once, and what GP invoices stands in Zoho."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ml_connector.demo.systems import COMMAND, Systems

MODULE = "Sales_Orders"
_ITEM, _PRICE = "128 SDRAM", 189.95
_CREDIT = 10_000  #: more than the orders come to
_LONGEST_SECONDS = 60
_READY = f"Zoho tells of changes in {MODULE}"


def settings() -> dict[str, dict[str, object]]:
    """Orders go to GP, and Zoho tells of them at a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    return {
        "serve": {"port": port, "schedule": "0 0 1 1 *"},
        "webhooks": {"url": url, "modules": [MODULE], "coalesce_seconds": 0.5},
        "sales.orders": {"enabled": True},
    }


@contextmanager
def served(both: Systems) -> Iterator[None]:
    """``serve`` is at work in the folder, and Zoho tells it of changes."""
    log = both.folder / "serve.log"
    with log.open("w") as said:
        serve = subprocess.Popen([*COMMAND, "serve"], cwd=both.folder, stderr=said)  # noqa: S603 -- our own program
    try:
        _wait_for(lambda: _READY in log.read_text(), "what “serve” says of its channel")
        yield
    finally:
        serve.terminate()
        serve.wait(_LONGEST_SECONDS)


def buyer(both: Systems) -> str:
    """The id of an Account that GP sells to: not on hold, and with credit left."""
    for row in both.zoho.rows("records/Accounts", "data"):
        credit = row.get("GP_Available_Credit") or 0
        if row.get("GP_Customer_ID") and not row["GP_Customer_On_Hold"] and credit > _CREDIT:
            return str(row["id"])
    raise LookupError("GP sells to no Account")


def enter(both: Systems, account_id: str, quantity: int) -> str:
    """Somebody of sales enters an order; its id."""
    products = both.zoho.rows("records/Products", "data")
    known = [row["id"] for row in products if row["Product_Code"] == _ITEM]
    sold = {"Product_Name": "Memory", "Product_Code": _ITEM}
    [product] = known or both.zoho.post("records/Products", {"records": [sold]})["ids"]
    line = {"Product_Name": {"id": product}, "Quantity": quantity, "List_Price": _PRICE}
    record = {
        "Subject": f"{quantity} of {_ITEM}",
        "Account_Name": {"id": account_id},
        "Ordered_Items": [line],
    }
    made = both.zoho.post(f"create/{MODULE}", {"records": [record | {"Status": "Approved"}]})
    return str(made["ids"][0])


def numbered(both: Systems, order: str) -> dict[str, Any]:
    """The order as Zoho holds it, once it has GP's number."""
    _wait_for(lambda: find(both, order).get("GP_Order_Number"), f"GP's number of the order {order}")
    return find(both, order)


def find(both: Systems, order: str) -> dict[str, Any]:
    """The order as Zoho holds it."""
    return next(row for row in both.zoho.rows(f"records/{MODULE}", "data") if row["id"] == order)


def lose_channel(both: Systems) -> None:
    """Zoho forgets the channel, and tells nobody."""
    both.zoho.post("channels/remove", {})


def invoice(both: Systems, number: str) -> None:
    """Finance invoices the order in GP, and posts that."""
    both.gp.post(f"sales/Order/{number}", {"invoice": True, "post": True})


def disagreements(both: Systems) -> Iterator[str]:
    """What is not as it should be, a sentence each: every order is one of GP, and says which."""
    in_gp = {row["id"].rstrip(): row for row in both.gp.rows("sales", "rows") if _is_ours(row)}
    in_zoho = list(both.zoho.rows(f"records/{MODULE}", "data"))
    told = [row["GP_Order_Number"] for row in in_zoho]
    if sorted(map(str, told)) != sorted(in_gp):
        yield f"Zoho's orders name {told}, GP has {sorted(in_gp)}."
    for row in in_zoho:
        one = in_gp.get(row["GP_Order_Number"])
        if one is not None and float(one["total"]) != row["GP_Ordered_Amount"]:
            yield f"{row['GP_Order_Number']}: Zoho tells of {row['GP_Ordered_Amount']}, GP of {one['total']}."


def _is_ours(row: Mapping[str, Any]) -> bool:
    return bool(row["type"] == "Order" and row["id"].startswith("ZO"))


def _wait_for(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + _LONGEST_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come")
        time.sleep(0.1)
