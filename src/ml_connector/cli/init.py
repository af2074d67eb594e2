"""``ml-connector init``: the settings file and the master key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ml_connector.cli.options import SettingsPath, load
from ml_connector.cli.secrets import NAMES
from ml_connector.cli.show import note, say
from ml_connector.core.errors import ConfigurationError, ConnectorError

if TYPE_CHECKING:
    from ml_connector.settings import Settings

NEXT_STEPS = """
Next:
  1. Fill in the settings marked REQUIRED.
  2. ml-connector secrets set gp.password
     ml-connector secrets set zoho.client_secret
  3. ml-connector zoho authorize
  4. ml-connector ping        tries both systems, changes nothing
  5. ml-connector provision   shows and makes the fields that Zoho needs
Keep a copy of the master key in a safe place: without it the stored secrets cannot be read."""


def init(settings: SettingsPath = None) -> None:
    """Make the settings file and the master key. What is there already stays as it is."""
    from ml_connector.store.master_keys import make_key_file

    assert settings is not None
    path = settings.absolute()
    tree: Settings | None = None
    if _write_new(path):
        say(f"Made {path}: every setting, with what it means and its default.")
        key_file: Path | None = path.parent / "data" / "master.key"
    else:
        say(f"{path} is there already; it stays as it is.")
        tree = load(path)
        key_file = tree.secrets.key_file
    if key_file is not None:
        made = make_key_file(key_file)
        say(
            f"Made {key_file}: the master key."
            if made
            else f"{key_file} is there already; it stays as it is."
        )
        if made and tree is not None:
            _warn_of_sealed(tree)
    say(NEXT_STEPS)


def _warn_of_sealed(tree: Settings) -> None:
    """Say which secrets the new key does not open: the old one may be in a backup."""
    from ml_connector.bootstrap import open_secrets
    from ml_connector.store.sealing import setting_command

    try:
        with open_secrets(tree) as secrets:
            closed = [kept.name for kept in secrets.names() if not kept.is_current and kept.name in NAMES]
    except ConnectorError as error:
        note(f"It could not be seen whether secrets are sealed under an earlier key. {error}")
        return
    if closed:
        note(
            f"WARNING: sealed under an earlier master key, and not to be opened by this one: {', '.join(closed)}. "
            f"Add the earlier key from its backup as a line of its own to {tree.secrets.key_file}, or set anew:"
        )
    for name in closed:
        note(f"  {setting_command(name)}")


def _write_new(path: Path) -> bool:
    """Write the settings file; False when there is one."""
    from ml_connector.settings_file import commented_settings

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", "Name another place with --settings PATH."
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(commented_settings())
    return True
