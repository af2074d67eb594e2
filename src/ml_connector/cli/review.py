"""``ml-connector review``: the last plan as a file to decide in, and the decisions read back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml_connector.cli.actor import actor
from ml_connector.cli.options import AsJson, SettingsPath, load
from ml_connector.cli.plan import Flows
from ml_connector.cli.show import note, say, show_json

app = typer.Typer(help="Decide record by record which record of Zoho is meant.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file.")]
All = Annotated[bool, typer.Option("--all", help="The records too for which nothing would be written.")]

_HOW = """\
Fill in the column “decision” of the rows that you decide: approve (as proposed), reject (none of these; of a create:
none is made), choose (with the Zoho id in the column “id”, which the only candidate does not need). Then:
  ml-connector review read {file}"""


@app.command()
def export(
    file: File,
    flows: Flows = None,
    settings: SettingsPath = None,
    *,
    all_: All = False,
    as_json: AsJson = False,
) -> None:
    """Write what the last plan proposes, and what waits for a choice, into a new CSV file that Excel opens."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.review_file import write_review
    from ml_connector.flows.proposals import proposals

    with open_app(load(settings)) as opened:
        rows = proposals(opened.database, opened.roster.in_order(flows or ()), everything=all_)
        number = write_review(file, rows)
    if as_json:
        show_json({"file": file, "rows": number})
    else:
        say(
            f"{file}: {number:,} rows to decide on."
            if number
            else f"{file}: nothing is planned and nothing waits."
        )
        say(_HOW.format(file=file))


@app.command()
def read(file: File, settings: SettingsPath = None, *, as_json: AsJson = False) -> None:
    """Read the decisions of such a file, all of them or none; reading it twice changes nothing."""
    from ml_connector.bootstrap import open_app
    from ml_connector.cli.review_file import read_review_file
    from ml_connector.flows.review import WORDS, read_review

    lines = read_review_file(file)
    # Alone: what a run had planned before would be done against what is decided now.
    with open_app(load(settings), note) as opened, opened.works.alone():
        reviewed = read_review(opened.database, opened.roster.flows, lines, actor(), opened.clock)
        note(" ".join(opened.note_trail()))
    if as_json:
        show_json({"decisions": reviewed.words, "changed": reviewed.changed})
        return
    counts = ", ".join(f"{word} {reviewed.words[word]:,}" for word in WORDS)
    say(f"Decisions: {counts}. {reviewed.changed:,} of them were not known before.")
    if reviewed.changed:
        say("Run “ml-connector plan” again: it follows them, and prints the new hash to approve.")
