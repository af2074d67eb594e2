"""Runs as a process of its own: ``reconcile fields --put-back``, killed by itself at a call to the target.

    python killed_fields.py SETTINGS before|after N MODULE

As ``killed_sync.py``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from killed_sync import DeadlyTarget

from ml_connector.bootstrap import open_app
from ml_connector.cli.reconcile_fields import reconcile_fields
from ml_connector.settings_file import load_settings


def main(settings: str, when: str, number: str, module: str) -> None:
    with open_app(load_settings(Path(settings))) as app:
        deadly = replace(
            app, works=replace(app.works, target=DeadlyTarget(app.target, when, int(number), module))
        )
        reconcile_fields(deadly, app.roster.in_order(("customers",)), everything=False, back=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
