"""Zoho's limits, as a user meets them: refusals in one call of five, and credits that are gone."""

from __future__ import annotations

from pathlib import Path

from systems import World, assert_quiet, assert_whole, gp_options, opened, zoho_options

CALLS = ("GET /crm/", "POST /crm/", "PUT /crm/")


def refuse(world: World, every: int) -> None:
    world.zoho_faults(*({"match": call, "kind": "http_429", "every": every} for call in CALLS))


def test_a_refusal_in_every_fifth_call(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(260)) as world:
        approved = world.plan("customers")
        refuse(world, 5)
        said = world.ok("sync", "customers", "--approve", approved)
        fired = sum(fault["fired"] for fault in world.zoho_call("GET", "faults"))
        assert fired > 0
        assert f"Zoho refused {fired} of the calls as one too many at once; they were made again" in said.text
        world.zoho_faults()
        assert_whole(world)
        assert_quiet(world, "customers")


def test_credits_that_are_gone_until_some_are_bought(tmp_path: Path) -> None:
    with opened(tmp_path, gp=gp_options(450), zoho=zoho_options(credit_limit=200)) as world:
        world.write_settings(
            zoho__credits_per_day="200", zoho__credits_reserve="0.7", zoho__credits_wait_seconds="1"
        )
        approved = world.plan("customers")
        said = world.ok("sync", "customers", "--approve", approved, code=4)
        assert "Of Zoho's 200 API credits for 24 hours" in said.text
        assert (
            "140 are kept for people (credits_reserve), so this waits; enough are free again by" in said.text
        )
        assert "are left of these 24 hours, 140 of them kept for people." in said.text
        there = len(world.accounts())
        assert 100 <= there < 450, "what fits is written"
        assert f"{there} " in said.out, "and told"
        assert world.zoho_call("GET", "counts")["credits_remaining"] >= 140
        [(state, note)] = world.rows("SELECT state, note FROM runs")
        assert state == "away"
        assert "140 are kept for people" in note
        assert "140 are kept for people" in world.ok("report", code=0).text

        world.zoho_call("POST", "settings", {"credit_limit": 1000})
        world.write_settings(zoho__credits_per_day="1000", zoho__credits_reserve="0.1")
        world.sync("customers")
        assert_whole(world)
