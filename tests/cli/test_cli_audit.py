"""``ml-connector audit``: which rows it shows and exports, and what it says of a trail that somebody changed."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ml_connector.core.audit import AuditAction
from ml_connector.store.audit import AuditRow, append
from ml_connector.store.checkpoints import CheckpointFile
from ml_connector.store.database import Database
from ml_connector.store.tables import audit
from ml_connector.store.trail import Trail

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=400)


class Now:
    def now(self):
        return NOW


def row(number, **more):
    given = {
        "company": "-1", "flow": "customers", "run": "run-1", "mapping": "customer_accounts",
        "source_key": f"KEY{number}", "entity": "customers", "module": "Accounts", "target_id": str(700 + number),
        "action": AuditAction.CREATED, "at": NOW, "happened_at": NOW, "after": {"City": "Zürich"},
    }  # fmt: skip
    return AuditRow(**given | more)


@pytest.fixture
def database(ready, tmp_path):
    ready("secrets", "list")  # which makes the tables
    database = Database(f"sqlite:///{tmp_path / 'data' / 'ml-connector.db'}")
    yield database
    database.close()


@pytest.fixture
def told(ready, database, tmp_path):
    """Three rows, of which one is old, and a checkpoint; the command to type."""
    with database.begin() as tx:
        append(tx, [row(1, happened_at=LONG_AGO, run="run-0")])
        append(
            tx, [row(2, reason="=HYPERLINK()\nand more"), row(1, action=AuditAction.UPDATED, flow="other")]
        )
    Trail(database, CheckpointFile(tmp_path / "data" / "audit.checkpoints"), Now()).checkpoint()
    return ready


# -- which rows


def keys(type_, *words):
    lines = type_("audit", "export", *words).stdout.splitlines()
    return [(row["source_key"], row["action"]) for row in map(json.loads, lines)]


OLD, TWO, ONE = ("KEY1", "record:created"), ("KEY2", "record:created"), ("KEY1", "record:updated")
CHOICES = {
    "all": ((), [OLD, TWO, ONE]),
    "a record": (("key1 ",), [OLD, ONE]),
    "an id of Zoho": (("702",), [TWO]),
    "a run": (("--run", "run-0"), [OLD]),
    "a flow": (("--flow", "other"), [ONE]),
    "an action": (("--action", "created"), [OLD, TWO]),
    "two actions": (("--action", "record:updated", "--action", "created"), [OLD, TWO, ONE]),
    "a time": (("--from", f"{NOW:%Y-%m-%d}"), [TWO, ONE]),
    "up to a day": (("--to", f"{LONG_AGO:%Y-%m-%d}"), [OLD]),
    "up to an instant": (("--to", f"{NOW:%Y-%m-%dT%H:%M:%S}"), [OLD]),
    "in another zone": (("--from", f"{NOW:%Y-%m-%dT%H:%M:%S}+00:00"), [TWO, ONE]),
    "several": (("KEY1", "--run", "run-1"), [ONE]),
}


@pytest.mark.parametrize("name", CHOICES)
def test_rows_are_chosen(told, name):
    words, expected = CHOICES[name]
    assert keys(told, *words) == expected


def test_what_cannot_be_chosen_is_two_sentences(told):
    for words, hint in (
        (("--action", "creatd"), "Did you mean created?"),
        (("--from", "yesterday"), "Write it as 2026-11-02 or 2026-11-02T08:30."),
        (("--format", "xml"), "Known are: jsonl, csv, table."),
    ):
        result = told("audit", "export", *words)
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, hint)


# -- as what


def test_the_story_of_a_record(told):
    lines = told("audit", "show", "KEY2").stdout.splitlines()
    assert "record:created  customer_accounts  KEY2 -> Accounts 702" in lines[0]
    assert "    City: 'Zürich'" in lines


def test_a_table_has_a_line_for_each_row(told):
    head, *lines = told("audit", "show", "--run", "run-1").stdout.splitlines()
    assert head.split() == ["row", "when", "action", "flow", "record", "in", "Zoho", "reason"]
    assert [line.split()[0] for line in lines] == ["2", "3"]
    assert lines[0].endswith("=HYPERLINK() and more")
    assert told("audit", "export", "--run", "run-1", "--format", "table").stdout.splitlines() == [
        head,
        *lines,
    ]


def test_one_json_document(told):
    document = json.loads(told("audit", "show", "--json").stdout)
    assert [row["seq"] for row in document["rows"]] == [1, 2, 3]
    assert (document["key"], document["rows"][0]["after"]) == (None, {"City": "Zürich"})
    nothing = told("audit", "show", "nobody", "--json")
    assert (nothing.exit_code, json.loads(nothing.stdout)["rows"]) == (2, [])


def test_csv_is_no_formula(told, tmp_path):
    result = told("audit", "export", "--format", "csv", "--output", "trail.csv")
    assert result.stderr.strip() == "3 rows are in trail.csv."
    text = (tmp_path / "trail.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["seq"] for row in rows] == ["1", "2", "3"]
    assert (rows[1]["reason"], rows[1]["after"]) == ("'=HYPERLINK()\nand more", '{"City":"Zürich"}')
    assert datetime.fromisoformat(rows[1]["happened_at"]) == NOW


def test_json_lines_into_a_file(told, tmp_path):
    assert told("audit", "export", "--output", "trail.jsonl").stderr.strip() == "3 rows are in trail.jsonl."
    assert len((tmp_path / "trail.jsonl").read_text().splitlines()) == 3
    assert told("audit", "export", "--output", "no/such/folder").exit_code == 2


_MEMORY = """
import resource, sys
from ml_connector.cli import app
sys.argv = ["ml-connector", *sys.argv[1:]]
try:
    app()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [("verify",), ("export", "--format", "csv")])
def test_memory_does_not_grow_with_the_trail(ready, database, tmp_path, words):
    """Six thousand rows of 20 kB are 120 MB; of these a page of a thousand or two are there at once."""

    def peak():
        command = [sys.executable, "-c", _MEMORY, "audit", *words]
        with (tmp_path / "said").open("w") as said:
            done = subprocess.run(command, cwd=tmp_path, stdout=said, stderr=subprocess.PIPE, check=True)
        return int(done.stderr.splitlines()[-1])

    def tell(*thousands):
        for number in thousands:
            with database.begin() as tx:
                numbers = range(1000 * number, 1000 * number + 1000)
                append(tx, [row(n, after={"Text": "x" * 20_000}) for n in numbers])

    tell(0, 1, 2)
    small = peak()
    tell(3, 4, 5, 6, 7, 8)
    assert peak() - small < 60_000  # kB


# -- whether it is as it was written


def verdict(type_, code):
    result = type_("audit", "verify", "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_whole_trail(told, tmp_path):
    said = told("audit", "verify").stdout.splitlines()
    file = tmp_path / "data" / "audit.checkpoints"
    assert said == [
        "3 rows follow each other unbroken.",
        f"That rows were cut off at the end would be seen up to row 3, noted on {NOW:%Y-%m-%d %H:%M:%S} UTC in {file}.",
    ]
    assert verdict(told, 0)["guarded_to"] == {"row": 3, "at": NOW.isoformat()}


def test_without_a_file_a_cut_off_end_would_not_be_seen_and_that_is_said(told, tmp_path):
    (tmp_path / "data" / "audit.checkpoints").unlink()
    assert "could not be seen" in told("audit", "verify").stdout
    assert verdict(told, 0)["guarded_to"] is None


DAMAGES = {
    "Row 2 was changed after it was written.": sa.update(audit).where(audit.c.seq == 2).values(reason="x"),
    "Before row 3 at least one row was removed.": sa.delete(audit).where(audit.c.seq == 2),
    "The rows before row 2 were removed, and not by “audit trim”.": sa.delete(audit).where(audit.c.seq == 1),
    "is not there: rows at the end of the trail were cut off.": sa.delete(audit).where(audit.c.seq == 3),
}


@pytest.mark.parametrize("sentence", DAMAGES)
def test_what_was_changed_is_a_sentence(told, database, sentence):
    with database.begin() as tx:
        tx.execute(DAMAGES[sentence])
    result = told("audit", "verify")
    assert result.exit_code == 1
    assert sentence in result.stdout
    assert "ml-connector audit restored --reason TEXT" in result.stderr
    assert sentence in verdict(told, 1)["faults"][0]["happened"]


def test_a_copy_of_the_file_that_was_kept_elsewhere(told, database, tmp_path):
    file = tmp_path / "data" / "audit.checkpoints"
    file.rename(tmp_path / "elsewhere")
    with database.begin() as tx:
        tx.execute(sa.delete(audit).where(audit.c.seq == 3))
    assert told("audit", "verify").exit_code == 0
    assert told("audit", "verify", "--checkpoints", "elsewhere").exit_code == 1
    assert told("audit", "verify", "--checkpoints", "nowhere").exit_code == 2


def test_an_earlier_copy_is_told_of(told, database):
    with database.begin() as tx:
        tx.execute(sa.delete(audit).where(audit.c.seq == 3))
    assert told("audit", "restored").exit_code == 2  # it takes a reason
    said = told("audit", "restored", "--reason", "yesterday's backup").stdout
    assert said.startswith(
        "The audit trail goes on from its beginning"
    )  # the one checkpoint is of the lost row
    assert verdict(told, 0)["rows"] == 3
    assert "yesterday's backup" in told("audit", "show", "--action", "restored").stdout


# -- how long it is kept


def test_rows_are_kept_for_ever_unless_a_setting_says_otherwise(told, tmp_path):
    assert "Set keep_days under [audit]." in told("audit", "trim").stderr
    settings = tmp_path / "ml-connector.toml"
    settings.write_text(settings.read_text().replace("#keep_days =", "keep_days = 365 #"))
    assert told("audit", "trim").stdout.strip() == "Rows older than 365 days that were removed: 1."
    said = told("audit", "verify").stdout
    assert "3 rows follow each other unbroken." in said
    assert "1 older rows were removed, up to row 1, as keep_days says." in said
    assert "1 rows of before" in told("audit", "show", "--action", "trimmed").stdout
