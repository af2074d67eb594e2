"""``channels`` between a person, serve and Zoho's simulator."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canaries import files, found_in
from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.inbox import Told
from served import serving
from systems import World, gp_options, opened, unreachable, zoho_options

URL = "http://127.0.0.1:1/gp"
SALES = ("Deals", "Quotes", "Sales_Orders")
STRANGE = {"channel_id": "77", "events": ["Deals.all"], "notify_url": "https://crm.example.net/hook?key=x"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(0), zoho=zoho_options(), provisioned=False) as world:
        world.write_settings(serve__port="0", serve__schedule="'0 0 1 1 *'", serve__wait_seconds="0")
        yield world


def live(world: World) -> dict[str, dict]:
    return {one["module"]: one for one in world.zoho_call("GET", "channels")}


def test_serve_keeps_the_channels_and_no_token_is_left_anywhere(world: World) -> None:
    world.write_settings(webhooks__url=f"'{URL}'")
    with serving(world) as served:
        for module in SALES:
            served.said(f"Zoho tells of changes in {module} until ")
        up = "SELECT COUNT(*) FROM listening WHERE up_since IS NOT NULL"
        served.until(lambda: world.rows(up) == [(len(SALES),)], "that somebody is there to be told")
        first = live(world)
        assert sorted(first) == sorted(SALES)
        listed = world.ok("channels", "list", "--json").json["channels"]
        assert [(one["module"], one["live"], one["reason"]) for one in listed] == [
            (m, True, "") for m in SALES
        ]
        # No flow reads these modules: they were never polled, so that nothing of them is known.
        assert {(one["way"], one["known_up_to"], one["polled_at"]) for one in listed} == {
            ("catching up", None, None)
        }
        world.ok("channels", "renew", "Deals")  # beside it
        assert live(world)["Deals"]["token"] != first["Deals"]["token"]
        assert live(world)["Deals"]["notify_url"] == first["Deals"]["notify_url"]
    assert live(world)["Deals"]["notify_url"].startswith(f"{URL}/webhooks/zoho/")
    listed = world.ok("channels", "list", "--json").json["channels"]
    assert {one["way"] for one in listed} == {"polled"}  # nobody is there to be told
    assert world.rows("SELECT module FROM listening WHERE up_since IS NOT NULL") == []
    tokens = [one["token"] for one in (*first.values(), *live(world).values())]
    lines = "\n".join(served.lines)
    assert not any(one in lines for one in (*tokens, *(one["notify_url"] for one in first.values())))
    left = {str(path): found_in(path.read_bytes(), tokens) for path in files(world.folder)}
    assert {path: found for path, found in left.items() if found} == {}
    assert len(left) > 1


def test_channels_are_renewed_listed_and_removed_by_hand(world: World) -> None:
    said = world.run("channels", "renew")
    assert (said.code, "Set url below [webhooks]" in said.err) == (2, True)
    assert "There is no channel of ours." in world.here("channels", "list").out
    world.zoho_call("POST", "channels", {"watch": [STRANGE]})
    world.write_settings(webhooks__url=f"'{URL}'", webhooks__modules='["Deals", "Dreams"]')
    said = world.run("channels", "renew", "--json")
    assert said.code == 1
    deals, dreams = said.json["channels"]
    assert (deals["module"], deals["live"], dreams["live"]) == ("Deals", True, False)
    assert "INVALID_DATA" in dreams["reason"]
    with (
        closing(Database(f"sqlite:///{world.folder / 'data' / 'ml-connector.db'}")) as kept,
        kept.begin() as tx,
    ):
        inbox.put(tx, [Told("Deals", "1", "update", datetime.now(UTC))])
    assert world.here("channels", "list", "--json").json["channels"][0]["waiting_since"] is None
    said = world.here("channels", "list", "--others")
    assert "No flow reads Deals and Dreams: what Zoho tells of it is forgotten after a while." in said.out
    assert "Dreams: Zoho did not let us be notified of Dreams" in said.out
    assert "Deals, channel 77, until" in said.out
    assert "crm.example.net" in said.out
    assert "key=x" not in said.out
    said = world.run("channels", "remove", "Leads")
    assert (said.code, "Known are: Deals and Dreams." in said.err) == (2, True)
    assert "Removed: Deals and Dreams." in world.here("channels", "remove").out
    assert [one["channel_id"] for one in world.zoho_call("GET", "channels")] == ["77"]
    assert world.here("channels", "list", "--json").json == {"channels": []}
    assert world.rows("SELECT name FROM secrets WHERE name LIKE 'zoho.channel%'") == []


def test_without_an_address_serve_says_so_once(world: World) -> None:
    with serving(world) as served:
        served.said("Zoho tells of no change by itself, for .webhooks. url is not set")
    assert len([line for line in served.lines if "Zoho tells of no change" in line]) == 1
    assert live(world) == {}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_killed_before_the_answer_what_zoho_sends_is_known_and_serve_goes_on(
    world: World, method: str
) -> None:
    world.write_settings(webhooks__url=f"'{URL}'", webhooks__modules='["Deals"]')
    if method == "PATCH":
        world.here("channels", "renew")
    before = live(world)
    world.zoho_faults(
        {"match": f"{method} /crm/v8/actions/watch", "kind": "delay_after_work", "seconds": 600}
    )
    process = world.start("channels", "renew")
    until(lambda: live(world) != before)  # it is done, and the answer is on its way
    process.kill()
    assert world.finish(process).code == -signal.SIGKILL
    sent = live(world)["Deals"]
    path, token_hash, todo = world.rows("SELECT path, token_hash, todo FROM channels")[0]
    assert sent["notify_url"] == f"{URL}/webhooks/zoho/{path}"
    assert (hashlib.sha256(sent["token"].encode()).hexdigest(), todo) == (token_hash, "look")
    world.zoho_faults()
    with serving(world) as served:
        query = "SELECT 1 FROM channels WHERE todo = '' AND is_taken"
        served.until(lambda: world.rows(query), "a look at it")
    now = live(world)
    assert now.keys() == {"Deals"}
    assert now["Deals"] | {"expires_at": sent["expires_at"]} == sent  # it may have been renewed once more


def test_ping_tries_whether_zoho_may_tell(world: World) -> None:
    def row() -> dict[str, object] | None:
        [found] = [
            checks for name, checks in world.run("ping", "--json").json["systems"].items() if "Zoho" in name
        ]
        return next((one for one in found if one["name"] == "notification channels"), None)

    assert row() is None
    world.write_settings(webhooks__url=f"'{URL}'")
    assert row()["ok"]
    world.zoho_faults({"match": "GET /crm/v8/actions/watch", "kind": "http_500", "count": 10})
    assert not row()["ok"]


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            unreachable("It never held.")
        time.sleep(0.05)
