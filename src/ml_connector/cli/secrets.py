"""``ml-connector secrets``: set, list, check, rotate-key. A secret is typed or piped in, never an argument."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, show_table, shown
from ml_connector.core.alerts import is_alert_address
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.settings import SecretsSettings
    from ml_connector.store.sealing import Secret
    from ml_connector.store.secrets import Checked, Secrets, StoredSecret

app = typer.Typer(help="The secrets, sealed in the database.", no_args_is_help=True)

#: What a person may set, with what it is.
NAMES = {
    "gp.password": "password of the Windows account for Dynamics GP",
    "zoho.client_secret": "client secret from Zoho's API console",
    "zoho.refresh_token": "refresh token of Zoho; zoho authorize sets it",
}
ALERTS, ALERT = "alerts.NAME", "address that alerts go to, an Apprise URL; [alerts] names it"
_TRY, _TRY_ALERT = "Try it with “ml-connector ping”.", "Try it with “ml-connector alerts test”."


@app.command("set")
def set_secret(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join([*NAMES, ALERTS])}.")],
    surplus: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    settings: SettingsPath = None,
) -> None:
    """Set a secret: type it when asked, or pipe it in."""
    from ml_connector.bootstrap import open_secrets

    if surplus:
        raise ConfigurationError(
            "A secret is never given on the command line, where every user of this machine can see it.",
            "Take it out of your shell's history, change it if others may have seen it, and type it when asked.",
        )
    _require_known(name)
    with open_secrets(load(settings)) as secrets:
        secrets.replace(name, ask_secret(f"{name} ({_what(name)})"))
        closed = [one.name for one in secrets.check() if one.state in _CLOSED and not one.is_fetched]
    note(f"{name} is set. {_TRY if name in NAMES else _TRY_ALERT}")
    if closed:
        note(f"WARNING: these do not open: {', '.join(closed)}. Run: ml-connector secrets check")


@app.command("list")
def list_secrets(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Show which secrets are set and since when, never what they are."""
    from ml_connector.bootstrap import open_secrets

    tree = load(settings)
    with open_secrets(tree) as secrets:
        kept = {entry.name: entry for entry in secrets.names()}
    wanted = [*NAMES, *tree.alerts.to]
    if as_json:
        show_json([_row(name, kept.get(name)) for name in sorted({*wanted, *kept})])
        return
    rows = [(name, "not set", _what(name)) for name in wanted if name not in kept]
    rows += [(name, shown(entry.changed_at), _what(name)) for name, entry in kept.items()]
    show_table(("secret", "set", "what it is"), sorted(rows))


@app.command("rotate-key")
def rotate_key(settings: SettingsPath = None) -> None:
    """Seal every secret under a new master key, while everything runs.

    With a key file the new key is made and put first in it. From a variable or a command, put the new key first
    there yourself, before the old one, and run this. Where a secret does not open, nothing is changed.
    """
    from ml_connector.bootstrap import open_secrets
    from ml_connector.store.master_keys import add_key

    tree = load(settings)
    with open_secrets(tree) as secrets:
        secrets.require_open()
        if tree.secrets.key_file is not None:
            add_key(tree.secrets.key_file)
    with open_secrets(tree) as secrets:  # which read the keys anew
        count = secrets.rewrap()
    say(f"Secrets that are now sealed under the new master key: {count}.")
    if tree.secrets.key_file is None and not count:
        note("The first key there sealed them all already: put a new one before it, and run this again.")
    else:
        note("The earlier key stays known, for copies of the database; remove it when there are none.")


@app.command("check")
def check(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Try whether every secret opens, under which master key, and whether others could get at the key."""
    from ml_connector.bootstrap import open_secrets

    tree = load(settings)
    with open_secrets(tree) as secrets:
        rows = [_checked_row(one) for one in secrets.check()]
        keys = _keys(secrets, rows)
    there = {row["name"] for row in rows}
    rows += [_unset_row(name) for name in (*NAMES, *tree.alerts.to) if name not in there]
    rows.append(_place_row(tree.secrets))
    rows.sort(key=lambda row: row["name"])
    ok = all(row["ok"] for row in rows)
    if as_json:
        show_json({"ok": ok, "keys": keys, "secrets": rows})
    else:
        show_table(("secret", "state", "key"), [(row["name"], row["state"], row["key_id"]) for row in rows])
        for number, (key, sealed) in enumerate(keys.items(), 1):
            say(
                f"Master key {number}{' (current)' if number == 1 else ''}: {key}, secrets under it: {sealed}."
            )
        for row in rows:
            note(f"{row['name']}: {row['remedy']}" if row["remedy"] else "")
    raise typer.Exit(Exit.DONE if ok else Exit.NEEDS_A_PERSON)


#: States of a secret that does not open, with what is to be done (then its own command).
_CLOSED = {
    "under an unknown key": "add that master key as a line of its own beside the others, or set the secret anew:",
    "changed outside": "find out who changed the database, then set the secret anew:",
}


def _checked_row(one: Checked) -> dict[str, Any]:
    from ml_connector.store.sealing import setting_command

    row: dict[str, Any] = {"name": one.name, "state": one.state.value, "key_id": one.key_id, "ok": True}
    if one.state in _CLOSED:
        if one.is_fetched:
            return row | {"remedy": "nothing; it is fetched anew."}
        return row | {"ok": False, "remedy": f"{_CLOSED[one.state]} {setting_command(one.name)}"}
    if one.state == "under an earlier key":
        return row | {"remedy": "keep that key until “ml-connector secrets rotate-key” has run once more."}
    return row | {"remedy": ""}


def _unset_row(name: str) -> dict[str, Any]:
    from ml_connector.store.sealing import setting_command

    return {
        "name": name,
        "state": "not set",
        "key_id": "",
        "ok": False,
        "remedy": f"set it: {setting_command(name)}",
    }


def _place_row(place: SecretsSettings) -> dict[str, Any]:
    """Where the master key is, which was read a moment ago: nobody but its owner can read it there."""
    from ml_connector.store.master_keys import writers_of

    row = {"name": "(master key)", "key_id": "", "ok": True, "remedy": ""}
    if place.key_file is None:
        where = f"from the variable {place.key_env}" if place.key_env else "from a command"
        return row | {"state": where}
    if others := writers_of(place.key_file):
        remedy = f"{others} may replace the key file. Run: chmod go-w {place.key_file.parent}"
        return row | {"state": "its folder can be written by others", "ok": False, "remedy": remedy}
    return row | {"state": f"in {place.key_file}, for its owner alone"}


def _keys(secrets: Secrets, rows: list[dict[str, Any]]) -> dict[str, int]:
    """The id of each master key that is known, the current one first, and how many secrets are under it."""
    return {key: sum(row["key_id"] == key for row in rows) for key in secrets.key_ids}


def _row(name: str, entry: StoredSecret | None) -> dict[str, object]:
    row: dict[str, object] = {"name": name, "set": entry is not None, "changed_at": None, "key_id": None}
    if entry is not None:
        row |= {"changed_at": entry.changed_at, "key_id": entry.key_id}
    return row


def ask_secret(what: str) -> Secret:
    """A secret from a hidden prompt, or from standard input when that is not a terminal."""
    from ml_connector.store.sealing import Secret

    if sys.stdin.isatty():
        value = Secret(str(typer.prompt(what, hide_input=True, err=True)))
    else:
        value = Secret(sys.stdin.readline().rstrip("\r\n"))
    if not value:
        raise ConfigurationError("Nothing was given, so nothing was changed.", f"Give {what}.")
    return value


def _what(name: str) -> str:
    """What a secret is; of one that nobody sets, nothing."""
    return ALERT if is_alert_address(name) else NAMES.get(name, "")


def _require_known(name: str) -> None:
    if name in NAMES or is_alert_address(name):
        return
    near = get_close_matches(name, NAMES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join([*NAMES, ALERTS])}."
    raise ConfigurationError(f"There is no secret called {name}.", hint)
