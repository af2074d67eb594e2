"""``ml-connector backup`` and ``restore``: everything that is kept as one file, and back."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.actor import actor
from ml_connector.cli.exits import Exit
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.show import note, say, show_json, shown
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.settings import SecretsSettings, Settings
    from ml_connector.store.backup import Copied
    from ml_connector.store.restoring import Restoring

Into = Annotated[
    str | None,  # a Path would lose the / that says folder
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="The file to write, or a folder (FOLDER/ is made) for one whose name has the time; left out: this one.",
    ),
]
From = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
Over = Annotated[bool, typer.Option("--over", help="Replace what is in the store.")]


def backup(file: Into = None, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Write everything that is kept into one file, as it is at this moment, while everything runs.

    The settings, the mapping files and the master key are not in it.
    """
    from ml_connector.bootstrap import SystemClock, open_store
    from ml_connector.store import backup as backups

    tree, now = load(settings), SystemClock().now()
    path = _named(file or ".", now)
    with open_store(tree) as database:
        told = backups.write(database, path, now, version("ml-connector"))
    key = _key_place(tree.secrets)
    if as_json:
        show_json({"file": path, "bytes": path.stat().st_size, "master_key": key} | _told(told))
    else:
        say(f"{path}: {told.header.total:,} rows of {_tables(told)} tables, read again and found whole.")
        say(
            f"The master key is not in it. Without it nobody can open the secrets: keep a copy of {key} elsewhere."
        )
    raise typer.Exit(_show_trail(told))


def restore(
    file: From, settings: SettingsPath = None, *, over: Over = False, as_json: AsJson = False
) -> None:
    """Put back everything from a backup, into SQLite or PostgreSQL; not while another process is working.

    Runs that were under way are forgotten. The next sync recognises what was created since, and creates nothing twice.
    """
    from ml_connector.bootstrap import open_trail
    from ml_connector.flows.restore import restore as put_back

    tree = load(settings)
    with open_trail(tree) as trail:
        told = put_back(trail.database, tree.store.folder, file, _restoring(tree), over=over)
        trail.restored(f"the backup {file} put back", actor())
    if as_json:
        show_json({"file": file} | _told(told))
    else:
        made = shown(told.header.made_at)
        say(f"Restored as it was at {made}: {told.header.total:,} rows of {_tables(told)} tables.")
        say("What was recorded after that, decisions of people among it, is not known any more.")
        note("Next: ml-connector ping, then ml-connector sync.")
    raise typer.Exit(_show_trail(told))


def _named(given: str, now: datetime) -> Path:
    """The file to write; a folder that is named as one, with a / behind it, is made."""
    place = Path(given)
    if given.endswith("/"):
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The folder {given} cannot be made: {error.strerror}.",
                "Check the folder above it, its rights and the disk.",
            ) from error
    return place / f"ml-connector-{now:%Y%m%dT%H%M%SZ}.backup" if place.is_dir() else place


def _key_place(secrets: SecretsSettings) -> str:
    """Where the master key is, in words."""
    if secrets.key_file is not None:
        return str(secrets.key_file)
    return f"the variable {secrets.key_env}" if secrets.key_env else "what the command of [secrets] prints"


def _restoring(tree: Settings) -> Restoring:
    from datetime import timedelta

    from ml_connector.bootstrap import SystemClock
    from ml_connector.loading import load_deal_flows, load_document_flows
    from ml_connector.store.restoring import Restoring

    of_target = [(flow.company, flow.name) for flow in load_deal_flows(tree).values()]
    of_target += [(flow.company, flow.name) for flow in load_document_flows(tree).values()]
    overlap = timedelta(seconds=tree.sync.overlap_seconds)
    return Restoring(actor(), SystemClock().now(), overlap, of_target)


def _told(told: Copied) -> dict[str, object]:
    header = told.header
    return {
        "made_at": header.made_at,
        "version": header.version,
        "revision": header.revision,
        "organisation": header.organisation,
        "rows": dict(header.rows),
        "audit_rows": told.audit_rows,
        "audit_broken_at": told.broken_at,
    }


def _tables(told: Copied) -> int:
    return sum(rows > 0 for rows in told.header.rows.values())


def _show_trail(told: Copied) -> Exit:
    """Say it if the audit trail in the backup does not hold; how the command ends."""
    if told.broken_at is None:
        return Exit.DONE
    note(f"The audit trail in it was changed at row {told.broken_at}, or one before it was removed.")
    note("It is kept as it is: “ml-connector audit verify” tells the same of the store it came from.")
    return Exit.NEEDS_A_PERSON
