"""A batch of a hundred with three bad records: ninety-seven arrive, three wait with field and reason, and follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from systems import World, assert_settled, gp_options, opened

POSITIONS = (0, 50, 99)
TOO_LONG, BAD_EMAIL, NO_STATE = "too long", "bad e-mail", "nothing in a mandatory field"
#: What is wrong -> field and code of the hold.
HELD = {
    TOO_LONG: ("GP_Customer_Class", "INVALID_DATA"),
    BAD_EMAIL: ("GP_Email", "INVALID_EMAIL"),
    NO_STATE: ("Billing_State", "SCHEMA_DRIFT"),
}

#: What is wrong -> what the hold says of it.
REASONS = {
    TOO_LONG: "at most 30 characters",
    BAD_EMAIL: "nobody at example",
    NO_STATE: "the ERP has no value for it",
}


def reasons(holds: list[dict[str, Any]]) -> dict[str, str]:
    return {hold["key"]: hold["happened"] for hold in holds}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("batch"), gp=gp_options(0)) as world:
        world.first("customers")
        world.change_fields({"api_name": "Billing_State", "mandatory": True})
        yield world


def make(world: World, key: str, name: str, wrong: str = "") -> None:
    address = {"id": "PRIMARY", "state": "" if wrong == NO_STATE else "IL"}
    address["email"] = {"to": "nobody at example" if wrong == BAD_EMAIL else "a.b@example.com"}
    world.customer(key, name, class_id="C" * (40 if wrong == TOO_LONG else 10), addresses=[address])


def correct(world: World, key: str) -> None:
    """Somebody reads what the holds say, and corrects it in GP."""
    email, address = {"to": "a.b@example.com"}, {"state": "IL"}
    world.change(key, set={"class_id": "C" * 10}, email=email, address=address)


@pytest.mark.parametrize("turn", range(3))
def test_three_of_a_hundred(world: World, turn: int) -> None:
    wrongs = list(HELD)[turn:] + list(HELD)[:turn]
    bad = {f"B{turn}{position:02}": wrong for position, wrong in zip(POSITIONS, wrongs, strict=True)}
    for number in range(100):
        key = f"B{turn}{number:02}"
        make(world, key, f"Batch {turn} Company {number}", bad.get(key, ""))
    done = world.sync("customers", "--over-limit", code=1)["customers"]
    assert (done["created"], done["held"]) == (97, 3)
    arrived = {a["GP_Customer_ID"] for a in world.accounts() if str(a.get("GP_Customer_ID")).startswith("B")}
    assert arrived >= {f"B{turn}{number:02}" for number in range(100)} - bad.keys()
    assert not arrived & bad.keys()
    holds = [
        h for h in world.here("held", "list", "--json").json["held"] if h["mapping"] == "customer_accounts"
    ]
    assert {h["key"]: (h["field"], h["code"]) for h in holds} == {k: HELD[wrong] for k, wrong in bad.items()}
    assert all(hold["happened"] and hold["remedy"] for hold in holds)
    assert {key: REASONS[wrong] in reasons(holds)[key] for key, wrong in bad.items()} == dict.fromkeys(
        bad, True
    )
    for key in bad:
        correct(world, key)
    world.ok("held", "retry")
    assert world.held() == {}
    assert {key: world.account(key)["GP_Customer_Class"] for key in bad} == dict.fromkeys(bad, "C" * 10)
    assert_settled(world)
