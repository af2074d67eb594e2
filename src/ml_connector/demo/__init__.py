"""``ml-connector demo``: the main job against both simulators, with the real commands, and a check of the result."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import typer

from ml_connector.demo import deals, orders
from ml_connector.demo.comparison import disagreements
from ml_connector.demo.systems import Systems, systems

_BY_NAME, _TWINS, _UNRELATED = "Aaron Fitz Electrical", "Astor Suites", "Northwind Traders"
_BY_EMAIL = {"First_Name": "Robert", "Last_Name": "Fitz", "Email": "office@aaronfitzelectrical.example"}
_NEW_PERSON = "Ms. Nora Berg"
_GL_ACCOUNT = "000-4110-01"
_CUSTOMERS, _VENDORS, _SEED = 300, 60, 7
_SHOWN = 4  #: fields of one record


def run() -> bool:
    """Show the main job from the first plan to a change; whether both sides agree at the end."""
    options = ("--customers", str(_CUSTOMERS), "--vendors", str(_VENDORS), "--seed", str(_SEED))
    with (
        tempfile.TemporaryDirectory(prefix="ml-connector-demo-") as folder,
        systems(Path(folder), options) as both,
    ):
        _title("Two systems, simulated on this machine, speaking their real protocols")
        _show_gp(both)
        seeded = _seed_zoho(both)
        both.set_up({**deals.SETTINGS, **orders.settings()})
        _title("Make the module and the fields that Zoho needs")
        _command(both, "provision", "--yes", lines=2)
        _title("Plan: what would be done; nothing is written")
        _command(both, "plan", "--show", "2")
        _title("Approve it, and sync")
        _command(both, "sync", "--approve", both.report("plan")["hash"])
        _resolve_hold(both)
        _show_records(both)
        _show_chart(both)
        _show_deal(both)
        _change(both)
        _show_orders(both)
        return _compare(both, seeded)


def _title(text: str) -> None:
    typer.secho(f"\n== {text}", bold=True)


def _command(both: Systems, *arguments: str, lines: int | None = None) -> bool:
    """Run a command as a person would type it; ``lines``: show only its last ones. Whether it ended well."""
    typer.secho(f"$ ml-connector {' '.join(arguments)}", fg="cyan")
    done = both.run(*arguments, quiet=True)
    text = done.stdout.rstrip("\n").splitlines()
    for line in text if lines is None else text[-lines:]:
        typer.echo(line.rstrip())
    return done.returncode == 0


def _show_gp(both: Systems) -> None:
    company = both.gp.get("state")["companies"]["-1"]
    typer.echo(
        f"Dynamics GP: {company['name']} with {company['customers']} customers and {company['vendors']} vendors."
    )
    for row in islice(both.gp.rows("customers", "rows"), 3):
        limit = "unlimited" if row["credit_limit"]["unlimited"] else row["credit_limit"]["amount"]
        typer.echo(
            f"  {row['id'].rstrip():14} {row['name']:32} credit limit {limit:>10}   balance {row['balance']:>10}"
        )


def _seed_zoho(both: Systems) -> list[str]:
    names = (_BY_NAME, _TWINS, _TWINS, _UNRELATED)
    made = both.zoho.post("records/Accounts", {"records": [{"Account_Name": name} for name in names]})["ids"]
    below = _BY_EMAIL | {"Account_Name": {"id": made[0]}}
    people = both.zoho.post("records/Contacts", {"records": [below]})["ids"]
    typer.echo("Zoho CRM had, typed by sales people before: " + ", ".join(names) + ",")
    typer.echo(f"  and below {_BY_NAME} a Contact “Robert Fitz”, {_BY_EMAIL['Email']}.")
    return [*made, *people]


def _resolve_hold(both: Systems) -> None:
    _title(f"Two Accounts are called “{_TWINS}”: it is not guessed which one is the customer")
    _command(both, "held", "list")
    key = both.report("held", "list")["held"][0]["key"]
    first = next(a for a in both.zoho.rows("records/Accounts", "data") if a["Account_Name"] == _TWINS)
    both.zoho.post("edit/Accounts", {"records": [{"id": first["id"], "GP_Customer_ID": key}]})
    typer.echo(f"(A person puts {key} on the right one in Zoho.)")
    _command(both, "held", "retry", key)


def _show_records(both: Systems) -> None:
    _title("One Account and its Contact as Zoho holds them now, and the Contact's audit trail")
    account = next(a for a in both.zoho.rows("records/Accounts", "data") if a["Account_Name"] == _BY_NAME)
    _show_record(account, ("Account_Name", "Phone", "Billing_City", "GP_"))
    key = account["GP_Customer_ID"]
    person = next(
        c
        for c in both.zoho.rows("records/Contacts", "data")
        if str(c.get("GP_Contact_Key")).startswith(f"{key}:")
    )
    typer.echo("")
    _show_record(person, ("Full_Name", "Account_Name", "Email", "Phone", "Mailing_City", "GP_"))
    _command(both, "audit", "show", person["id"])


def _show_record(record: Mapping[str, Any], wanted: tuple[str, ...]) -> None:
    for name, value in record.items():
        if name.startswith(wanted) and value is not None:
            typer.echo(f"  {name:24} {value['name'] if isinstance(value, dict) else value}")


def _show_chart(both: Systems) -> None:
    _title("The chart of accounts, a record for each GL account; one as Zoho holds it")
    records = list(both.zoho.rows("records/GL_Accounts", "data"))
    typer.echo(f"  {len(records)} GL accounts")
    _show_record(next(r for r in records if r["GP_Account"] == _GL_ACCOUNT), ("Name", "GP_"))


def _show_deal(both: Systems) -> None:
    _title("Sales wins a deal, finance bills it; the next sync tags it and tells what it earned")
    account = next(a for a in both.zoho.rows("records/Accounts", "data") if a["Account_Name"] == _BY_NAME)
    deals.win(both, account["id"])
    number = deals.bill(both, account["GP_Customer_ID"], account["GP_Sales_Account"])
    sales = account["GP_Sales_Account"]
    typer.echo(f"(“{deals.NAME}”: GP posts the invoice {number} on {sales}, and what it cost.)")
    _command(both, "sync", *deals.FLOWS)
    _show_record(deals.find(both), ("Deal_Name", "Account_Name", "Stage", "GP_"))
    _command(both, "report", "profitability")


def _change(both: Systems) -> None:
    _title("Finance changes three things in GP; the next sync moves only these")
    customers = list(islice(both.gp.rows("customers", "rows"), 2))
    key, other = (row["id"].rstrip() for row in customers)
    both.gp.post(f"customers/{key}", {"set": {"is_on_hold": True}, "address": {"contact": _NEW_PERSON}})
    both.gp.post(f"customers/{other}", {"balance": {"aging": ["4321.00", *["0.00"] * 6]}})
    typer.echo(f"({key} goes on hold, and its person is {_NEW_PERSON} from now on;")
    typer.echo(f" the balance of {other} becomes 4321.00, which GP does not stamp.)")
    _command(both, "sync")
    for changed in (key, other):
        _last_audit(both, changed)


def _show_orders(both: Systems) -> None:
    _title("Sales enters orders in Zoho: GP has each once, told of by Zoho or found by a poll")
    account = orders.buyer(both)
    with orders.served(both):
        typer.echo("(“ml-connector serve” is at work, and Zoho tells it of changes.)")
        first = orders.numbered(both, orders.enter(both, account, 2))
        _tell_order(first, "told of")
        orders.lose_channel(both)
        typer.echo("(Zoho forgets the channel: of the next one nobody is told.)")
        second = orders.enter(both, account, 3)
        _command(both, "sync", "sales_orders")
        _tell_order(orders.numbered(both, second), "found by a poll")
        _command(both, "channels", "renew", orders.MODULE)
        _tell_order(orders.numbered(both, orders.enter(both, account, 4)), "told of again")
        orders.invoice(both, first["GP_Order_Number"])
        typer.echo(f"(Finance invoices {first['GP_Order_Number']} in GP.)")
        _command(both, "sync", "document_status")
        _show_record(orders.find(both, first["id"]), ("Subject", "Account_Name", "GP_"))
        _command(both, "sync")


def _tell_order(row: Mapping[str, Any], how: str) -> None:
    typer.echo(f"  {row['Subject']}, {how}: order {row['GP_Order_Number']} of GP, {row['GP_Order_Status']}")


def _last_audit(both: Systems, key: str) -> None:
    """What the last run did with a record."""
    rows = both.report("audit", "show", key)["rows"]
    for row in (row for row in rows if row["run"] == rows[-1]["run"]):
        before = row["before"]
        moved = [
            f"{name}: {before[name]} -> {value}" if name in before else f"{name}: {value}"
            for name, value in row["after"].items()
        ]
        shown = ", ".join(sorted(moved, key=_stays_behind)[:_SHOWN])
        typer.echo(f"  {key}: {row['action']} {row['module']}: {shown}{' ...' * (len(moved) > _SHOWN)}")


def _stays_behind(moved: str) -> bool:
    """An instant beside a change says less than the change."""
    return "_As_Of:" in moved


def _compare(both: Systems, seeded: Sequence[str]) -> bool:
    _title("Do both sides agree? Their own dumps, record by record")
    found = list(
        islice(chain(disagreements(both, seeded), deals.disagreements(both), orders.disagreements(both)), 20)
    )
    for sentence in found:
        typer.echo(f"  {sentence}")
    unbroken = _command(both, "audit", "verify")
    typer.secho(
        "They do not agree."
        if found
        else "They agree: every customer, vendor, person, GL account and order once, every figure the same."
    )
    return unbroken and not found
