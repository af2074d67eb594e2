"""A person edits a record in Zoho, then GP changes it: exactly what GP changed is sent, and nothing is lost unseen."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ml_connector
from ml_connector.simulators.zoho.examples import VARIABLE
from systems import World, gp_options, opened, zoho_options

MAPPINGS = Path(ml_connector.__file__).parent / "mappings"
KEY = "AARONFIT0001"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Its simulator keeps an example of every request; only a credit figure may start workflows."""
    shutil.copytree(MAPPINGS, tmp_path / "mappings")
    financials = tmp_path / "mappings" / "customer_financials.toml"
    financials.write_text('trigger = ["workflow"]\n' + financials.read_text())
    zoho = zoho_options(examples_file=str(tmp_path / "requests.jsonl"))
    with opened(tmp_path, gp=gp_options(0), zoho=zoho) as world:
        world.write_settings(mappings__folder="'mappings'")
        world.first("customers")
        yield world
    if checked := os.environ.get(
        VARIABLE
    ):  # where all others are written: the session holds them against OpenAPI
        with Path(checked).open("a") as file:
            file.write((tmp_path / "requests.jsonl").read_text())


def sent(world: World) -> list[dict[str, Any]]:
    """What was sent to change Accounts, so far."""
    lines = map(json.loads, (world.folder / "requests.jsonl").read_text().splitlines())
    return [line["body"] for line in lines if (line["method"], line["path"]) == ("PUT", "/crm/v8/Accounts")]


def test_only_what_gp_changed_is_sent(world: World) -> None:
    before = world.account(KEY)
    time.sleep(1.1)  # Zoho's stamps are to the second
    world.edit(before["id"], GP_Customer_Class="BY HAND", Phone="312-555-0199", Website="www.byhand.example")
    world.change(KEY, set={"class_id": "BY GP"})
    by_hand = world.account(KEY)
    assert world.sync("customers") == {"customers": {"updated": 1}}
    [body] = sent(world)
    assert body["data"] == [
        {
            "id": before["id"],
            "GP_Customer_Class": "BY GP",
            "GP_Customer_As_Of": body["data"][0]["GP_Customer_As_Of"],
        }
    ]
    assert body["trigger"] == []
    after = world.account(KEY)
    moved = {name for name in after if after[name] != by_hand.get(name)}
    assert moved - {"Modified_Time", "Modified_By", "Last_Activity_Time"} == {
        "GP_Customer_Class",
        "GP_Customer_As_Of",
    }
    last = world.story(KEY)[-1]
    assert last["before"]["GP_Customer_Class"] == "BY HAND"
    assert last["after"]["GP_Customer_Class"] == "BY GP"
    assert last["before"].keys() == last["after"].keys() == {"GP_Customer_Class", "GP_Customer_As_Of"}


def test_each_mapping_starts_its_own_automations(world: World) -> None:
    world.forget()
    world.change(KEY, balance={"amount": "4321.00"})
    world.change("ADAMPARK0001", set={"class_id": "NEW"})
    assert world.sync("customers") == {"customers": {"updated": 2}}
    assert world.zoho_call("GET", "counts")["triggered"] == {"workflow": 1}
    triggers = {tuple(sorted(body["data"][0])): body["trigger"] for body in sent(world)}
    assert {"GP_Balance" in fields: trigger for fields, trigger in triggers.items()} == {
        True: ["workflow"],
        False: [],
    }
