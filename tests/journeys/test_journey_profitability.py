"""What deals and Accounts earned, over both real systems: to the cent as GP's ledger has it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from systems import World, assert_settled, gp_options, opened, zoho_options

RETAIL, COST, RECEIVABLES, INVENTORY = "000-4110-01", "000-4510-01", "000-1200-00", "000-1300-01"
AARON, ADAM = "AARONFIT0001", "ADAMPARK0001"
REVENUE_CATEGORIES = {"Sales", "Sales Returns and Discounts"}


def settings(world: World) -> None:
    world.write_settings(
        flows_vendors__enabled="false",
        flows_gl_accounts__enabled="true",
        flows_journal_entries__enabled="true",
        flows_journal_entries__mappings="[]",
        flows_deal_tagging__enabled="true",
        flows_profitability__enabled="true",
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    options = gp_options(0, journal_entries=300)
    with opened(tmp_path_factory.mktemp("profit"), gp=options, provisioned=False) as found:
        settings(found)
        found.here("provision", "--yes")
        found.first()
        yield found


def post(world: World, customer: str, number: str, revenue: str, cost: str, **more: object) -> None:
    """GP posts an invoice; a negative one is a return."""
    origin = {"control_id": number, "document": number, "master_id": customer, "master_name": "-", "type": 3}
    sides = ("credit", "debit") if Decimal(revenue) >= 0 else ("debit", "credit")

    def line(account: str, side: str, amount: str) -> dict[str, object]:
        return {"account": account, side: amount.lstrip("-"), "origin": origin}

    lines = [
        line(RECEIVABLES, sides[1], revenue),
        line(RETAIL, sides[0], revenue),
        line(COST, sides[1], cost),
        line(INVENTORY, sides[0], cost),
    ]
    given = {"on": "2026-06-15", "lines": lines, "series": "Sales", "source_document": "SJ", **more}
    world.gp.control("POST", "journals", given)


def deal(world: World, customer: str, name: str, **values: object) -> str:
    account = {"id": world.account(customer)["id"]}
    [made] = world.seed(
        {"Deal_Name": name, "Stage": "Closed Won", "Account_Name": account, **values}, module="Deals"
    )
    return made


def figures(record: Mapping[str, Any], prefix: str = "GP_") -> list[Decimal | None]:
    found = (record[f"{prefix}{name}"] for name in ("Revenue", "Cost", "Margin"))
    return [None if one is None else Decimal(str(one)) for one in found]


def of_deal(world: World, deal_id: str) -> list[Decimal | None]:
    [found] = [row for row in world.records("Deals") if row["id"] == deal_id]
    return figures(found)


def of_account(world: World, customer: str) -> list[Decimal | None]:
    return figures(world.account(customer), "GP_Account_")


def cents(*amounts: str) -> list[Decimal]:
    return list(map(Decimal, amounts))


def ledger(world: World, customer: str | None = None) -> list[Decimal]:
    """Revenue, cost and margin as they stand in GP itself, of one customer or all."""
    rows = world.gp.control("GET", "accounts?limit=1000000")["rows"]
    category = {row["id"]: row["category"] for row in rows}
    revenue = cost = Decimal(0)
    for entry in world.gp.control("GET", "journals?limit=1000000")["rows"]:
        for line in entry["lines"] if entry["state"] != "Work" and not entry["is_voided"] else ():
            origin = line["origin"] or {}
            if line["is_unit"] or (customer and origin.get("master_id", "").rstrip() != customer):
                continue
            net = Decimal(line["credit"]) - Decimal(line["debit"])
            revenue += net if category[line["account"]] in REVENUE_CATEGORIES else 0
            cost -= net if category[line["account"]] == "Cost of Goods Sold" else 0
    return [revenue, cost, revenue - cost]


def test_the_figures_of_all_are_those_of_the_ledger(world: World) -> None:
    told = world.here("report", "profitability", "--json").json
    whole = ledger(world)
    assert whole[0] != 0
    for name in ("total", "ledger"):
        assert [Decimal(told[name][one]) for one in ("revenue", "cost", "margin")] == whole
    assert told["agrees"] is True
    for customer in (AARON, ADAM, "ASTORSUI0001"):
        found = of_account(world, customer)
        assert [one or Decimal(0) for one in found] == ledger(world, customer), customer


def test_a_deal_has_its_documents_and_the_account_all(world: World) -> None:
    before = of_account(world, AARON)
    named = deal(world, AARON, "Lamps", GP_Documents="LAMP-1, lamp-1r")
    other = deal(world, AARON, "Cables", GP_Documents="CABLE-1")
    post(world, AARON, "LAMP-1", "1000.10", "600.05")
    post(world, AARON, "LAMP-1R", "-100.01", "60.04")
    post(world, AARON, "CABLE-1", "70.07", "30.03")
    post(world, AARON, "UNNAMED-1", "5.55", "3.33")
    world.sync()
    assert of_deal(world, named) == cents("900.09", "540.01", "360.08")
    assert of_deal(world, other) == cents("70.07", "30.03", "40.04")
    whole = ledger(world, AARON)
    assert of_account(world, AARON) == whole
    assert whole[0] - (before[0] or 0) == Decimal("975.71")
    [row] = world.story(named, "profitability")
    assert row["action"] == "record:updated"
    assert_settled(world)


def test_an_invoice_of_the_only_won_deal_on_its_account_is_assigned(world: World) -> None:
    won = deal(world, ADAM, "Won")  # it tags itself with the default, on which the invoice earns
    lost = deal(world, ADAM, "Lost", Stage="Closed Lost")
    world.sync()
    before = of_deal(world, won)
    post(world, ADAM, "PARK-1", "200.00", "120.00")
    world.sync()
    more = [(now or 0) - (then or 0) for now, then in zip(of_deal(world, won), before, strict=True)]
    assert more == cents("200.00", "120.00", "80.00")
    assert of_deal(world, lost) == [None, None, None]
    second = deal(world, ADAM, "Won as well")
    world.sync()  # it is tagged, and what fits two deals belongs to none
    assert of_deal(world, won) == cents("0.00", "0.00", "0.00")
    assert of_deal(world, second) == [None, None, None]
    assert of_account(world, ADAM) == ledger(world, ADAM)


def test_a_run_that_finds_nothing_new_writes_nothing(world: World) -> None:
    world.sync()
    world.forget()
    world.sync("profitability")
    assert (world.writes("Deals"), world.writes()) == ({}, {})


def test_a_plan_shows_what_would_be_written(world: World) -> None:
    planned = deal(world, AARON, "=Planned", GP_Documents="PLAN-1")
    post(world, AARON, "PLAN-1", "10.00", "6.00")
    world.sync("journal_entries")
    told = world.here("plan", "profitability", "--show", "50", "--json").json
    assert told["flows"]["profitability"]["update"] == 2
    assert planned in {record["key"] for record in told["records"]}
    assert of_deal(world, planned) == [None, None, None]
    world.sync("profitability")
    assert of_deal(world, planned) == cents("10.00", "6.00", "4.00")


def test_the_report_as_a_table(world: World) -> None:
    said = world.here("report", "profitability").out
    revenue, cost, _ = ledger(world)
    assert f"The ledger has the same: revenue {revenue:,.2f}, cost {cost:,.2f}." in said
    for words in ("Aaron Fitz Electrical", "Lamps", "(not assigned)", "no Account", "900.09"):
        assert words in said


def test_the_report_of_a_period(world: World) -> None:
    day = world.here("report", "profitability", "--from", "2026-06-15", "--to", "2026-06-15", "--json").json
    whole = world.here("report", "profitability", "--json").json
    rest = [
        world.here("report", "profitability", *span, "--json").json
        for span in (("--to", "2026-06-14"), ("--from", "2026-06-16"))
    ]
    for name in ("revenue", "cost", "margin"):
        assert sum(Decimal(one["total"][name]) for one in (day, *rest)) == Decimal(whole["total"][name])
    lamps = [row for row in day["rows"] if row["deal"] == "Lamps"]
    assert [row["revenue"] for row in lamps] == ["900.09"]
    wrong = world.run("report", "profitability", "--from", "2026-06-15", "--to", "2026-06-14")
    assert (wrong.code, "--from is later than --to." in wrong.err) == (2, True)


def test_the_report_as_csv(world: World) -> None:
    file = world.folder / "profit.csv"
    world.here("report", "profitability", "--csv", str(file))
    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")  # by which Excel knows UTF-8
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    deals = {row["deal"]: row for row in rows if row["what"] == "deal"}
    assert [deals["Lamps"][one] for one in ("revenue", "cost", "margin")] == ["900.09", "540.01", "360.08"]
    assert "'=Planned" in deals  # no formula
    totals = [row for row in rows if row["what"] in ("total", "ledger")]
    assert [[Decimal(row[one]) for one in ("revenue", "cost", "margin")] for row in totals] == [
        ledger(world)
    ] * 2
    for name in ("revenue", "cost"):
        parts = [Decimal(row[name]) for row in rows if row["what"] in ("deal", "not assigned", "no Account")]
        wholes = [Decimal(row[name]) for row in rows if row["what"] in ("Account", "no Account")]
        assert sum(parts) == sum(wholes) == Decimal(totals[0][name])


_NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def cells_of(file: Path) -> list[list[str]]:
    """The cells of a workbook's only sheet, read as Excel does."""
    with zipfile.ZipFile(file) as book:
        strings = ET.fromstring(book.read("xl/sharedStrings.xml"))
        texts = [
            "".join(t.text or "" for t in s.iter(f"{{{_NS['x']}}}t")) for s in strings.findall("x:si", _NS)
        ]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not sheet.findall(".//x:f", _NS)  # no formula
    rows = []
    for row in sheet.findall(".//x:row", _NS):
        cells: dict[str, str] = {}
        for cell in row.findall("x:c", _NS):
            value = cell.findtext("x:v", "", _NS)
            letter = re.sub(r"\d", "", cell.attrib["r"])
            cells[letter] = texts[int(value)] if cell.attrib.get("t") == "s" else value
        rows.append([cells.get(letter, "") for letter in "ABCDEFGH"])
    return rows


def test_the_report_as_a_workbook(world: World) -> None:
    file = world.folder / "profit.xlsx"
    world.here("report", "profitability", "--xlsx", str(file))
    head, *rows = cells_of(file)
    assert head == ["what", "Account", "deal", "revenue", "cost", "margin", "Account id", "deal id"]
    [lamps] = [row for row in rows if row[2] == "Lamps"]
    assert [Decimal(one) for one in lamps[3:6]] == cents("900.09", "540.01", "360.08")
    assert lamps[6] == world.account(AARON)["id"]
    assert "=Planned" in {row[2] for row in rows}
    assert [[round(Decimal(one), 2) for one in row[3:6]] for row in rows[-2:]] == [ledger(world)] * 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_place_that_takes_no_file_is_told(world: World, kind: str) -> None:
    said = world.run("report", "profitability", f"--{kind}", str(world.folder / "nowhere" / f"profit.{kind}"))
    assert said.code == 2
    assert "cannot be written" in said.err


def test_before_the_journal_was_read_the_report_says_what_to_do(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        settings(world)
        world.here("provision", "--yes")
        said = world.run("report", "profitability")
        assert said.code == 2
        assert "The journal entries of the ERP were never read" in said.err
        assert "ml-connector sync" in said.err


def test_where_gl_accounts_are_no_records_they_are_named_by_number(tmp_path: Path) -> None:
    zoho = zoho_options(edition="professional")
    with opened(tmp_path, gp=gp_options(0, journal_entries=60), zoho=zoho, provisioned=False) as world:
        settings(world)
        world.write_settings(
            flows_gl_accounts__enabled="false",
            profitability__revenue_categories="[]",
            profitability__cost_categories="[]",
            profitability__revenue_accounts="['000-4000-00..000-4499-99']",
            profitability__cost_accounts="['000-4500-00..000-4699-99']",
        )
        world.here("provision", "--yes")
        world.first()
        won = deal(world, AARON, "Won")
        world.sync("deal_tagging")
        post(world, AARON, "LAMP-1", "10.00", "6.00")
        world.sync()
        assert of_account(world, AARON) == ledger(world, AARON)
        assert (of_deal(world, won)[1] or 0) >= Decimal("6.00")


def test_in_an_edition_without_modules_the_categories_are_those_of_gp(tmp_path: Path) -> None:
    zoho = zoho_options(edition="professional")
    with opened(tmp_path, gp=gp_options(0, journal_entries=60), zoho=zoho, provisioned=False) as world:
        settings(world)
        said = world.here("provision", "--yes")
        assert "gl_accounts keeps the categories of its accounts here" in said.out + said.err
        world.first()
        post(world, AARON, "LAMP-1", "10.00", "6.00")
        world.sync()
        assert of_account(world, AARON) == ledger(world, AARON)
        assert (of_account(world, AARON)[0] or 0) >= Decimal("10.00")
        world.forget()
        assert world.sync("gl_accounts") == {"gl_accounts": {}}
        assert not [one for one in world.operations() if "ByKey" in one], "what is kept is not read again"
        assert (
            world.ok("reconcile", "keys", "gl_accounts", "--json").json["flows"]["gl_accounts"]["state"]
            == "done"
        )
        assert_settled(world)


def test_a_file_that_fails_leaves_the_other_unwritten(world: World) -> None:
    file, folder = world.folder / "whole.csv", world.folder / "in-the-way.xlsx"
    file.write_text("as it was")
    folder.mkdir()
    said = world.run("report", "profitability", "--csv", str(file), "--xlsx", str(folder))
    assert (said.code, said.out) == (2, "")
    assert f"{folder} cannot be written: Is a directory" in said.err
    assert file.read_text() == "as it was"
    same = world.run("report", "profitability", "--csv", str(file), "--xlsx", str(file))
    assert (same.code, "name the same file" in same.err) == (2, True)
