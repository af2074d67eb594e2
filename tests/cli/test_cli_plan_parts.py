"""Records of many parts in a plan: the key stands once, its lines are counted and indented below it."""

from __future__ import annotations

from collections import Counter

from ml_connector.cli.plan import show_plan
from ml_connector.cli.planned import FieldChange, FlowFigures, Shown

FIGURES = {"journal_entries": FlowFigures(Counter(create=12, hold=1))}


def line(part: str, outcome: str = "create", of: int = 12) -> Shown:
    fields = (FieldChange("GP_Debit", None, 5, "journal_lines"),)
    where = ("journal_entries", "GP_Journal_Lines", "3456")
    return Shown(*where, part, f"3456 line {part}", outcome, "", 0.0, "", fields, of)


def shown(capsys, *records: Shown, fields: bool = False) -> list[str]:
    show_plan(FIGURES, records, fields=fields)
    told = capsys.readouterr().out.splitlines()
    return [
        text.rstrip() for text in told if "3456" in text or text.lstrip().startswith(("16384", "32768", "…"))
    ]


def test_the_key_stands_once_above_its_lines(capsys):
    head, first, second, rest = shown(capsys, line("16384"), line("32768"))
    assert head.split() == ["journal_entries", "GP_Journal_Lines", "3456", "12", "records", "create"]
    assert first.split() == ["16384", "3456", "line", "16384", "create"]
    assert first.startswith(" ")
    assert second.split()[0] == "32768"
    assert rest.split() == ["…", "10", "more"]


def test_those_that_are_held_stand_by_themselves(capsys):
    rows = shown(capsys, line("16384", of=2), line("32768", "hold", of=1), line("49152", of=2))
    assert [row.split()[-1] for row in rows] == ["create", "create", "create", "hold"]


def test_a_record_with_one_line_is_one_row(capsys):
    [row] = shown(capsys, line("16384", of=1))
    assert row.split()[:3] == ["journal_entries", "GP_Journal_Lines", "3456"]


def test_field_by_field_the_key_stands_once_too(capsys):
    head, first, second = shown(capsys, line("16384", of=2), line("32768", of=2), fields=True)
    assert head == "3456  2 records of GP_Journal_Lines: create"
    assert first == "  16384  3456 line 16384: create -> GP_Journal_Lines"
    assert second.startswith("  32768")
