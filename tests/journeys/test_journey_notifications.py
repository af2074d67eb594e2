"""What Zoho tells of over a channel that serve made stands in the inbox: each record once, forged ones never."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ports import kept_port
from served import LONGEST_SECONDS, Served, serving
from systems import World, gp_options, opened, zoho_options

DEALS = [{"Deal_Name": f"Deal {number}", "Stage": "Qualification"} for number in range(250)]


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    options = zoho_options(notice_timeout_seconds=LONGEST_SECONDS, **getattr(request, "param", {}))
    with kept_port() as port, opened(tmp_path, gp=gp_options(0), zoho=options, provisioned=False) as world:
        world.write_settings(
            serve__port=str(port),
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="0",
            webhooks__url=f"'http://127.0.0.1:{port}'",
            webhooks__modules='["Deals"]',
        )
        yield world


def told_of_deals(world: World, served: Served) -> list[str]:
    """Ids of deals that a person changes, the first of them twice, when none of the notifications is under way."""
    served.said("Zoho tells of changes in Deals until ")
    made = world.seed(*DEALS, module="Deals")
    changed = [{"id": one, "Stage": "Negotiation/Review"} for one in made]
    assert not world.zoho_call("POST", "edit/Deals", {"records": changed})["errors"]
    world.edit(made[0], module="Deals", Deal_Name="Another")
    assert world.zoho_call("POST", "notices/wait", {"seconds": LONGEST_SECONDS})["idle"]
    return made


def inbox(world: World) -> dict[str, tuple[str, int]]:
    """Record -> the operation it was last told with, and how often it was told of."""
    rows = world.rows("SELECT record_id, operation, times_told FROM inbox WHERE module = 'Deals'")
    return {record: (operation, times) for record, operation, times in rows}


def outcomes(served: Served) -> dict[str, float]:
    """Of notifications -> how many; without what did not happen."""
    lines = (
        line for line in served.metrics().splitlines() if line.startswith("ml_connector_notifications_total")
    )
    found = {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}
    return {outcome: number for outcome, number in found.items() if number}


def test_all_records_of_a_call_are_in_the_inbox_and_a_second_telling_is_the_same_row(world: World) -> None:
    with serving(world) as served:
        made = told_of_deals(world, served)
        assert inbox(world) == dict.fromkeys(made, ("update", 1)) | {made[0]: ("update", 2)}
        assert outcomes(served) == {"accepted": 4}


@pytest.mark.parametrize("world", [{"notice_wrong_token_share": 1.0}], indirect=True)
def test_forged_notifications_leave_nothing(world: World) -> None:
    with serving(world) as served:
        told_of_deals(world, served)
        assert inbox(world) == {}
        assert outcomes(served) == {"wrong token": 4}


@pytest.mark.parametrize(
    "world",
    [{"notice_copies": (1, 5), "notice_shuffle_seconds": 0.5, "notice_ids_per_call": 7}],
    indirect=True,
)
def test_copies_in_any_order_are_one_row_each(world: World) -> None:
    with serving(world) as served:
        made = told_of_deals(world, served)
        found = inbox(world)
        assert found.keys() == set(made)
        assert outcomes(served).keys() == {"accepted"}
        assert max(times for _, times in found.values()) > 2
