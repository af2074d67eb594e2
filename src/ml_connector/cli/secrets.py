"""``ml-connector secrets``: set, list, rotate. A secret is typed or piped in, never an argument."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, show_table, shown
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.store.sealing import Secret
    from ml_connector.store.secrets import StoredSecret

app = typer.Typer(help="The secrets, sealed in the database.", no_args_is_help=True)

#: What a person may set, with what it is.
NAMES = {
    "gp.password": "password of the Windows account for Dynamics GP",
    "zoho.client_secret": "client secret from Zoho's API console",
    "zoho.refresh_token": "refresh token of Zoho; zoho authorize sets it",
}


@app.command("set")
def set_secret(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(NAMES)}.")],
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
        secrets.put(name, ask_secret(f"{name} ({NAMES[name]})"))
    note(f"{name} is set.")


@app.command("list")
def list_secrets(settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Show which secrets are set and since when, never what they are."""
    from ml_connector.bootstrap import open_secrets

    with open_secrets(load(settings)) as secrets:
        kept = {entry.name: entry for entry in secrets.names()}
    if as_json:
        show_json([_row(name, kept.get(name)) for name in sorted({*NAMES, *kept})])
        return
    rows = [(name, "not set", NAMES[name]) for name in NAMES if name not in kept]
    rows += [(name, shown(entry.changed_at), NAMES.get(name, "")) for name, entry in kept.items()]
    show_table(("secret", "set", "what it is"), sorted(rows))


@app.command("rotate")
def rotate(settings: SettingsPath = None) -> None:
    """Seal every secret under a new master key, while everything runs.

    With a key file the new key is made and put first in it. From a variable or a command, put the new key first
    there yourself, before the old one, and run this.
    """
    from ml_connector.bootstrap import open_secrets
    from ml_connector.store.master_keys import add_key

    tree = load(settings)
    if tree.secrets.key_file is not None:
        add_key(tree.secrets.key_file)
    with open_secrets(tree) as secrets:
        count = secrets.rewrap()
    say(f"Secrets that are now sealed under the new master key: {count}.")
    note("The earlier key stays known, for copies of the database; remove it when there are none.")


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


def _require_known(name: str) -> None:
    if name in NAMES:
        return
    near = get_close_matches(name, NAMES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(NAMES)}."
    raise ConfigurationError(f"There is no secret called {name}.", hint)
