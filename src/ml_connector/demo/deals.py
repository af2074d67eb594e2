"""The demo's deal: won in Zoho, billed in GP, tagged with its GL account, and what it earned; and a check of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ml_connector.demo.systems import Systems

#: The chart of accounts goes to Zoho, the lines of the journal are kept here for what is made of them.
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "flows.gl_accounts": {"enabled": True},
    "flows.journal_entries": {"enabled": True, "mappings": []},
    "flows.deal_tagging": {"enabled": True},
    "flows.profitability": {"enabled": True},
}
FLOWS = ("journal_entries", "deal_tagging", "profitability")
NAME = "Lighting of the new depot"
_NUMBER, _REVENUE, _COST = "STDINV9001", Decimal("18450.00"), Decimal("11237.35")
_RECEIVABLES, _INVENTORY, _COST_ACCOUNT = "000-1200-00", "000-1300-01", "000-4510-01"


def win(both: Systems, account_id: str) -> None:
    """Sales wins the deal in Zoho."""
    deal = {"Deal_Name": NAME, "Stage": "Closed Won", "Amount": 18_500, "Account_Name": {"id": account_id}}
    both.zoho.post("records/Deals", {"records": [deal]})


def bill(both: Systems, customer: str, sales_account: str) -> str:
    """Finance posts its invoice in GP; the number."""
    origin = {
        "control_id": _NUMBER,
        "document": _NUMBER,
        "master_id": customer,
        "master_name": customer,
        "type": 3,
    }
    lines = [
        {"account": _RECEIVABLES, "debit": str(_REVENUE)},
        {"account": sales_account, "credit": str(_REVENUE)},
        {"account": _COST_ACCOUNT, "debit": str(_COST)},
        {"account": _INVENTORY, "credit": str(_COST)},
    ]
    billed = [line | {"origin": origin} for line in lines]
    both.gp.post("journals", {"lines": billed, "series": "Sales", "source_document": "SJ"})
    return _NUMBER


def find(both: Systems) -> dict[str, Any]:
    """The deal as Zoho holds it."""
    return next(deal for deal in both.zoho.rows("records/Deals", "data") if deal["Deal_Name"] == NAME)


def disagreements(both: Systems) -> Iterator[str]:
    """What is not as it should be, a sentence each: the chart of accounts, the deal's tag and its figures."""
    chart = list(both.gp.rows("accounts", "rows"))
    yield from _of_chart(chart, list(both.zoho.rows("records/GL_Accounts", "data")))
    deal = find(both)
    for name, wanted in (("Revenue", _REVENUE), ("Cost", _COST), ("Margin", _REVENUE - _COST)):
        if Decimal(str(deal[f"GP_{name}"])) != wanted:
            yield f"{NAME} has the {name.lower()} {deal[f'GP_{name}']}, and GP's invoice {wanted}."
    if not deal["GP_GL_Account"]:
        yield f"{NAME} has no GL account."


def _of_chart(chart: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    of_number: dict[str, list[Mapping[str, Any]]] = {}
    for record in there:
        of_number.setdefault(record["GP_Account"], []).append(record)
    for account in chart:
        found = of_number.pop(account["id"], [])
        if len(found) != 1:
            yield f"The GL account {account['id']} is in Zoho {len(found)} times."
        elif (found[0]["GP_Description"] or "") != account["description"]:
            yield f"The GL account {account['id']} is called {found[0]['GP_Description']} in Zoho."
    yield from (f"Zoho has a GL account {number} that GP does not have." for number in of_number)
