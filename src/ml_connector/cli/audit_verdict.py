"""What was found of the audit trail, in sentences and as a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.cli.show import note, say, shown

if TYPE_CHECKING:
    from ml_connector.store.verification import Fault, Verdict

_SENTENCES = {
    "changed": "Row {seq:,} was changed after it was written.",
    "missing": "Before row {seq:,} at least one row was removed.",
    "moved": "Row {seq:,} stands before the row that it followed: rows changed places.",
    "inserted": "Before row {seq:,} stands something that was put in later.",
    "beginning": "The rows before row {seq:,} were removed, and not by “audit trim”.",
    "untold": "The rows before row {seq:,} were removed, and the checkpoint file does not know of it.",
    "rewritten": "Row {seq:,} is not the one that was noted on {at}: the trail was rewritten.",
    "cut off": "Row {seq:,}, noted on {at}, is not there: rows at the end of the trail were cut off.",
}
_ASK_WHY = (
    "Find out who changed the database. If an earlier copy of it was put back, or checkpoints were switched off for a"
    " time, say so: ml-connector audit restored --reason TEXT"
)


def _sentence(fault: Fault) -> str:
    at = shown(fault.by.at) if fault.by else ""
    return _SENTENCES[fault.how.value].format(seq=fault.seq, at=at)


def show_verdict(found: Verdict, path: Path) -> None:
    """For a person; ``path``: the file of checkpoints."""
    say(f"{found.rows:,} rows follow each other unbroken.")
    if found.start:
        say(
            f"{found.start.removed:,} older rows were removed, up to row {found.start.seq:,}, as keep_days says."
        )
    for fault in found.faults:
        say(_sentence(fault))
    say(_guarded(found, path))
    if found.unreadable:
        note(f"Lines of {path} that cannot be read: {found.unreadable}. A crash may have broken them off.")
    if found.faults:
        note(_ASK_WHY)


def _guarded(found: Verdict, path: Path) -> str:
    """Up to where a cut-off end would be seen."""
    noted = found.guarded_to
    if noted is None:
        return f"That rows were cut off at the end could not be seen: {path} knows none of these rows."
    when = f"row {noted.seq:,}, noted on {shown(noted.at)} in {path}"
    return f"That rows were cut off at the end would be seen up to {when}."


def document(found: Verdict, path: Path) -> dict[str, Any]:
    """The same for a program."""
    noted = found.guarded_to
    return {
        "ok": found.ok,
        "rows": found.rows,
        "broken_at": found.broken_at,
        "first": found.first,
        "last": found.last,
        "removed": found.start.removed if found.start else 0,
        "faults": [{"how": f.how.value, "row": f.seq, "happened": _sentence(f)} for f in found.faults],
        "checkpoints": str(path),
        "guarded_to": {"row": noted.seq, "at": noted.at} if noted else None,
        "unreadable_lines": found.unreadable,
    }
