"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ml_connector.settings import Settings

_CHOSEN = "ml_connector.settings"
_JSON = "ml_connector.json"
_DEFAULT = Path("ml-connector.toml")


def settings_path(ctx: typer.Context) -> Path:
    """The settings file of this call: --settings, else the environment's, else the one in this folder."""
    chosen = ctx.meta.get(_CHOSEN)
    return chosen if isinstance(chosen, Path) else Path(os.environ.get("ML_CONNECTOR_SETTINGS") or _DEFAULT)


def _choose(ctx: typer.Context, value: Path | None) -> Path:
    if value is not None:
        ctx.meta[_CHOSEN] = value
    return settings_path(ctx)


#: May stand before the command or after it.
SettingsPath = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="PATH",
        callback=_choose,
        show_default=False,
        help="The settings file (or ML_CONNECTOR_SETTINGS; default ml-connector.toml).",
    ),
]


def _note_json(ctx: typer.Context, value: bool) -> bool:  # noqa: FBT001 -- Typer's callback
    ctx.meta[_JSON] = value
    return value


def wants_json(ctx: typer.Context) -> bool:
    """Whether --json was given: then how the command failed is a document on standard output, too."""
    return bool(ctx.meta.get(_JSON))


AsJson = Annotated[
    bool,
    typer.Option(
        "--json", callback=_note_json, help="One JSON document on standard output and nothing else there."
    ),
]


def load(path: Path | None) -> Settings:
    """The settings of the file that was chosen."""
    from ml_connector.settings_file import load_settings

    return load_settings(path or _DEFAULT)
