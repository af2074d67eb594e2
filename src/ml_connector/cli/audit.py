"""``ml-connector audit``: the whole story of a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, shown

app = typer.Typer(help="What happened to every record.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="The record's key in GP, or its id in Zoho.")]


@app.command()
def show(key: Key, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Everything that happened to one record, oldest first."""
    from ml_connector.bootstrap import open_app
    from ml_connector.store import audit

    with open_app(load(settings)) as opened, opened.database.read() as tx:
        rows = [_told(row) for row in audit.of_key(tx, None, key)]
    if as_json:
        show_json({"key": key, "rows": rows})
    for row in () if as_json else rows:
        _show_one(row)
    if not rows:
        note(f"Nothing is known of {key}.")
        raise typer.Exit(Exit.WRONG_USE)


@app.command()
def verify(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Check that no row of the audit trail was changed, removed or moved."""
    from ml_connector.bootstrap import open_app
    from ml_connector.store import audit

    with open_app(load(settings)) as opened, opened.database.read() as tx:
        good, broken = audit.verify(tx)
    if as_json:
        show_json({"ok": broken is None, "rows": good, "broken_at": broken})
    elif broken is None:
        say(f"{good:,} rows follow each other unbroken.")
    else:
        say(
            f"Row {broken} was changed, or one before it was removed; the {good:,} rows before it are as written."
        )
    raise typer.Exit(Exit.DONE if broken is None else Exit.NEEDS_A_PERSON)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = (
        "seq",
        "happened_at",
        "action",
        "company",
        "flow",
        "mapping",
        "source_key",
        "part",
        "entity",
        "module",
        "target_id",
        "at",
    )
    told = {name: row[name] for name in (*kept, "reason", "actor", "run", "hash")}
    return told | {"before": json.loads(row["before"]), "after": json.loads(row["after"])}


def _show_one(row: Mapping[str, Any]) -> None:
    happened_at: datetime = row["happened_at"]
    where = f"{row['module']} {row['target_id']}".strip()
    which = f"{row['source_key']} {row['part']}".strip()
    company = row["flow"].rpartition("/")[0]  # of a further company only
    mapping = f"{company}/{row['mapping']}" if company else row["mapping"]
    say(f"{shown(happened_at)}  {row['action']}  {mapping}  {which} -> {where}")
    if row["reason"]:
        by = "" if row["actor"] == "ml-connector" else f" ({row['actor']})"
        say(f"    {row['reason']}{by}")
    for name, value in row["after"].items():
        before = row["before"].get(name)
        say(f"    {name}: {before!r} -> {value!r}" if name in row["before"] else f"    {name}: {value!r}")
