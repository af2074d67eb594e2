"""The review file: what Excel and its like make of it, and what comes back."""

import csv

import pytest

from ml_connector.cli.review_file import COLUMNS, read_review_file, write_review
from ml_connector.core.entity import Entity
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import Flow
from ml_connector.flows.proposals import Proposal, Shown
from ml_connector.store.decisions import Decision

FLOW = Flow("customers", "-1", Entity("customers", {}), ())
LONG = "4150868000000624001"


def shown(key="C1", name="Astor Suites", target_id="", candidates=(), person=""):
    decision = Decision(key, "hold", target_id, "", name, person, 81.5, tuple(i for i, _ in candidates))
    return Shown(Proposal(FLOW, "Accounts", decision, "similar"), "", candidates)


def written(path, *rows):
    assert write_review(path, rows) == len(rows)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "review.csv"


def test_what_is_written_comes_back(path):
    row = shown(candidates=[(LONG, "Astor Suites, Ltd."), ("7002", "Astor; Suites")])
    [cells] = written(path, row)
    assert tuple(cells) == COLUMNS
    assert cells["candidates"] == f"{LONG} Astor Suites, Ltd.; 7002 Astor; Suites"
    assert cells["score"] == "'81.5"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    [line] = read_review_file(path)
    assert line.place == ("customers", "Accounts", "c1", "")
    assert (line.number, line.outcome, line.decision, line.chosen) == (2, "similar", "", "")
    assert LONG in line.candidates


@pytest.mark.parametrize(
    "key",
    [
        "=1+1",
        "+4912345",
        "-1",
        "@SUM(A1)",
        "'=1",
        "''",
        "00012",
        LONG,
        "1-2",
        "1E5",
        "MAR1",
        "3/4",
        "12.50",
        "sep2",
    ],
)
def test_no_cell_is_a_formula_a_number_or_a_date_to_excel(path, key):
    [cells] = written(path, shown(key, name=key, person=key))
    for column in ("key", "name", "person"):
        assert cells[column] == f"'{key}"
    [line] = read_review_file(path)
    assert (line.key, line.person) == (key, key)


@pytest.mark.parametrize("key", ["AARONFIT0001", "O'NEIL", "3M", "MARKET", "C1"])
def test_an_ordinary_key_stays_as_it_is(path, key):
    assert written(path, shown(key))[0]["key"] == key


HEAD = "flow,module,key,person,name,outcome,score,zoho_id,zoho_name,candidates,decision,id\n"
ROW = "customers,Accounts,M\u00dcLLER,,M\u00fcller,create,,,,,Choose ,'7001\n"


@pytest.mark.parametrize(
    "raw",
    [
        (HEAD + ROW).encode("utf-8-sig"),
        (HEAD + ROW).encode(),
        (HEAD + ROW).replace(",", ";").encode("cp1252"),
        (HEAD + ROW).replace(",", "\t").replace("\n", "\r\n").encode("cp1252"),
        (HEAD.upper() + "\n" + ROW + ",,,,,,,,,,,\n").encode(),
        "".join(
            ",".join(f'"{c}"' for c in row.rstrip("\n").split(",")) + "\n" for row in (HEAD, ROW)
        ).encode(),
    ],
)
def test_as_programs_save_it(path, raw):
    path.write_bytes(raw)
    [line] = read_review_file(path)
    assert (line.key, line.decision, line.chosen) == ("M\u00dcLLER", "choose", "7001")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (HEAD.replace("decision,", "").encode(), "Line 1 of {path} lacks the columns decision."),
        (b"", "lacks the columns flow, module"),
        (b"PK\x03\x04 a workbook \x00\xff", "{path} is an Excel workbook (.xlsx), not CSV."),
        (b"\xd0\xcf\x11\xe0 a workbook", "{path} is an Excel workbook (.xls), not CSV."),
        ((HEAD + ROW).encode("utf-16"), "{path} is “Unicode text” (UTF-16), not CSV."),
        (
            (HEAD + ROW + "customers,Accounts,C1,,x,y,,,,,,,,one too many\n").encode(),
            "Line 3 of {path} has more",
        ),
        ((HEAD + "customers,Accounts," + "x" * 200_000 + "\n").encode(), "Line 2 of {path} cannot be read"),
    ],
)
def test_a_file_that_is_no_review_names_its_line(path, raw, said):
    path.write_bytes(raw)
    with pytest.raises(ConfigurationError) as caught:
        read_review_file(path)
    assert said.format(path=path) in caught.value.happened


def test_decisions_are_never_overwritten(path, tmp_path):
    written(path, shown())
    with pytest.raises(ConfigurationError, match="there already"):
        write_review(path, [])
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_review(tmp_path / "none" / "x.csv", [])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_review_file(tmp_path / "none.csv")
