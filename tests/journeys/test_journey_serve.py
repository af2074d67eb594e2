"""``serve`` as a real process between both systems: schedules, commands beside it, kills, systems that are away."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from hooks import hooked
from served import LONGEST_SECONDS, Served, serving
from systems import CLIENT_SECRET, INSERT, PASSWORD, REFRESH, UPDATE, World, assert_whole, gp_options, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(30)) as opened_world:
        opened_world.write_settings(
            serve__port="0",
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="0",
            flows_vendors__enabled="false",
        )
        yield opened_world


def set_secret(world: World, name: str, value: str) -> None:
    world.here("secrets", "set", name, stdin=value)


def owe(world: World, flow: str = "customers") -> None:
    """As if it had been due just now: no test waits for a time to come, but one."""
    now = datetime.now(UTC).replace(tzinfo=None)
    world.rewrite("UPDATE schedules SET owed_at = ? WHERE flow = ?", str(now), flow)


def runs(world: World, state: str = "done") -> int:
    return world.rows("SELECT COUNT(*) FROM runs WHERE state = ?", state)[0][0]


def ran_once_more(served: Served, state: str = "done") -> None:
    """Have the schedule run the flow, and wait for its end."""
    before = runs(served.world, state)
    owe(served.world)
    served.until(lambda: runs(served.world, state) > before, f"a run that ends as {state}")
    if state == "done":
        noted(served)


def noted(served: Served) -> None:
    """The end of the run is noted: what is owed from now on is owed."""
    nothing_owed = "SELECT 1 FROM schedules WHERE flow = 'customers' AND owed_at IS NULL"
    served.until(lambda: served.world.rows(nothing_owed), "the note that it was run")


def state_of(world: World, flow: str = "customers") -> dict[str, Any]:
    told = world.here("flows", "list", "--json").json["flows"]
    [found] = [one for one in told if one["flow"] == flow]
    return dict(found)


def test_it_runs_what_is_scheduled_and_what_commands_ask(world: World) -> None:
    plan = world.plan("customers")
    with serving(world) as served:
        assert served.health("live") == (200, {"ok": True})
        assert served.health("ready") == (200, {"ok": True, "problems": []})
        owe(world)
        served.said("customers does not run: the first load of customers waits for its approval")
        assert state_of(world)["first_load_waits"]
        assert runs(world) == 0
        # the approval is a command beside it: its result is what it would be without serve
        counts = world.sync("customers", approve=plan)
        assert counts["customers"]["created"] == 30
        # from then on a change in GP goes over by itself
        world.change("AARONFIT0001", set={"class_id": "BY-ITSELF"})
        ran_once_more(served)
        assert world.account("AARONFIT0001")["GP_Customer_Class"] == "BY-ITSELF"
        assert served.end() == 0
    assert "Stopping" in served.lines[-1]
    assert_whole(world)


def test_schedules_are_changed_while_it_runs(world: World) -> None:
    world.first("customers")
    with serving(world) as served:
        assert "is paused" in world.ok("flows", "pause", "customers").out
        state = state_of(world)
        assert state["paused"]
        assert state["changed_by"]
        owe(world)
        before = runs(world)
        world.ok(
            "flows", "run", "customers"
        )  # whatever its schedule says; a request is worked off before what is due
        world.ok("flows", "run", "customers")
        assert runs(world) == before + 2
        world.ok("flows", "resume", "customers")
        world.ok("flows", "schedule", "customers", "30 2 * * mon-fri", "--time-zone", "Europe/Berlin")
        state = state_of(world)
        assert (state["schedule"], state["time_zone"]) == ("30 2 * * mon-fri", "Europe/Berlin")
        ran = runs(world)
        world.rewrite("UPDATE schedules SET due_at = datetime(due_at, '-30 days') WHERE flow = 'customers'")
        served.until(lambda: runs(world) > ran, "the night that was missed")
        world.ok("flows", "schedule", "customers", "* * * * *")
        served.until(lambda: runs(world) > ran + 1, "the next minute")
        world.ok("flows", "schedule", "customers", "default")
        assert state_of(world)["schedule"] == "0 0 1 1 *"
        wrong = world.run("flows", "schedule", "customers", "every night")
        assert (wrong.code, "is no schedule" in wrong.text) == (2, True)
        text = world.ok("flows", "list").out
        assert "customers" in text
        assert "is not at work here" not in text


def test_a_second_one_is_refused(world: World) -> None:
    with serving(world):
        said = world.run("serve")
        assert said.code == 4
        assert "“ml-connector serve” is at work in" in said.err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_ended_in_the_middle_of_a_run_it_goes_on_at_the_next_start(world: World, number: int) -> None:
    plan = world.plan("customers")
    world.write_settings(sync__window_size="5")
    world.owe_answer(INSERT, nth=2)
    with serving(world) as served:
        command = world.start("sync", "customers", "--approve", plan, "--json")
        served.until(lambda: world.writes().get("insert", 0) >= 10, "the second window")
        served.process.send_signal(number)
        world.answer()  # without which SIGTERM would wait for it
        served.process.wait(LONGEST_SECONDS)
        served.end()
    # nobody serves any more: the command does it itself, or the next that serves does
    with serving(world):
        said = world.finish(command)
        assert said.code == 0, said
        assert "customers" in said.json["flows"]
    world.zoho_faults()
    assert_whole(world)


def test_gp_is_away_and_comes_back(world: World) -> None:
    world.first("customers")
    with serving(world) as served:
        world.gp_faults({"operation": "*", "kind": "http_503", "count": 100_000})
        ran_once_more(served, "away")
        served.until(lambda: world.rows("SELECT COUNT(*) FROM waits") == [(1,)], "the wait behind the run")
        state = state_of(world)
        assert (state["waiting"]["system"], state["waiting"]["reason"]) == ("gp", "unreachable")
        assert served.health("ready") == (200, {"ok": True, "problems": []})
        [line] = [one for one in world.ok("flows", "list").out.splitlines() if one.startswith("customers")]
        assert "waits for Dynamics GP (unreachable) since" in line
        assert line.count(" UTC") == 1 + 2, "no next time, at which it will not run: zone, last run, since"
        cursor = world.rows("SELECT at FROM cursors")
        away, looks = runs(world, "away"), world.rows("SELECT looks FROM waits")
        world.rewrite("UPDATE waits SET next_look_at = since_at")
        served.until(lambda: world.rows("SELECT looks FROM waits") > looks, "a look in vain")
        assert runs(world, "away") == away
        assert world.rows("SELECT at FROM cursors") == cursor
        done = runs(world)
        world.change("AARONFIT0001", set={"class_id": "LATER"})
        world.gp_faults()  # from here on a look that is due by itself may find it there, too
        world.rewrite("UPDATE waits SET next_look_at = since_at")
        served.said("Dynamics GP is no longer waited for")
        served.until(lambda: runs(world) > done, "the run that was owed")
    assert world.account("AARONFIT0001")["GP_Customer_Class"] == "LATER"
    assert world.rows("SELECT COUNT(*) FROM waits") == [(0,)]


def test_flows_run_beside_each_other(world: World) -> None:
    """Customers take long; the chart of accounts, which they come after, has another module."""
    world.write_settings(flows_gl_accounts__enabled="true")
    world.here("provision", "--yes")
    world.first("gl_accounts", "customers")
    with serving(world) as served:
        world.change("AARONFIT0001", set={"class_id": "SLOW"})
        world.forget()
        world.owe_answer(UPDATE)
        long = world.start("flows", "run", "customers", "--full", "--json")
        served.until(world.writes, "the long run")
        owe(world, "gl_accounts")
        begun = "SELECT state FROM runs WHERE flow = 'gl_accounts' AND run LIKE '%Z'"
        served.until(lambda: world.rows(begun) == [("done",)], "a whole run of another flow")
        assert world.rows("SELECT 1 FROM runs WHERE flow = 'customers' AND ended_at IS NULL"), "it goes on"
        world.answer()
        said = world.finish(long)
        assert (said.code, said.json["flows"]["customers"]["state"]) == (0, "done")
    assert_whole(world)


def test_what_is_set_anew_is_signed_in_with_although_connections_and_a_token_are_there(world: World) -> None:
    world.first("customers")
    with serving(world) as served:
        ran_once_more(served)
        for name, wrong, right, system in (
            ("gp.password", "wrong-by-a-letter", PASSWORD, "Dynamics GP"),
            ("zoho.client_secret", "wrong-by-a-letter", CLIENT_SECRET, "Zoho CRM"),
        ):
            set_secret(world, name, wrong)
            done, failed = runs(world), runs(world, "failed")
            owe(world)
            served.until(lambda failed=failed: runs(world, "failed") > failed, "a run that is refused")
            served.said(f"{system} is waited for .refused")
            assert runs(world) == done
            set_secret(world, name, right)
            served.said(f"{system} is no longer waited for")
            served.until(lambda done=done: runs(world) > done, "the run that was owed")
            noted(served)


def test_what_nobody_has_set_is_said_at_the_start_and_waited_for(world: World) -> None:
    world.first("customers")
    world.rewrite("DELETE FROM secrets WHERE name LIKE 'zoho.%'")
    with serving(world) as served:
        served.said(
            "The secret zoho.client_secret is not set. Run: ml-connector secrets set zoho.client_secret"
        )
        served.said("The secret zoho.refresh_token is not set. Run: ")
        served.said("Zoho CRM is waited for until that is done")  # and that is noted by now
        owe(world)
        assert state_of(world)["waiting"]["reason"] == "not set"
        assert "waits for Zoho CRM (not set) since" in world.ok("flows", "list").out
        set_secret(world, "zoho.client_secret", CLIENT_SECRET)
        done = runs(world)
        set_secret(world, "zoho.refresh_token", REFRESH)
        served.said("Zoho CRM is no longer waited for")
        served.until(lambda: runs(world) > done, "the run that was owed")


def test_a_refused_password_is_sent_once_whatever_is_due(world: World) -> None:
    world.first("customers")
    world.here("secrets", "set", "gp.password", stdin="wrong-by-a-letter")

    def refused() -> int:
        return sum(world.gp.control("GET", "state")["failed_sign_ins"].values())

    before = refused()
    with serving(world) as served:
        ran_once_more(served, "failed")
        served.until(lambda: world.rows("SELECT 1 FROM waits"), "the wait behind the run")
        assert refused() == before + 1
        for number in range(1, 6):
            owe(world)
            world.rewrite("UPDATE waits SET next_look_at = since_at")
            served.until(
                lambda n=number: world.rows("SELECT looks FROM waits") >= [(n,)], "a look that sends nothing"
            )
        said = world.run("flows", "run", "customers")  # asked by a person, it is not sent either
        assert (said.code, "Dynamics GP is waited for (refused) since" in said.err) == (4, True), said
        assert refused() == before + 1
        assert state_of(world)["waiting"]["reason"] == "refused"
        done = runs(world)
        world.here("secrets", "set", "gp.password", stdin=PASSWORD)
        served.said("Dynamics GP is no longer waited for")
        served.until(lambda: runs(world) > done, "the run that was owed")
        assert refused() == before + 1


def metric(served: Served, name: str) -> float | None:
    """A number of /metrics by its name with its labels."""
    for line in served.metrics().splitlines():
        if line.startswith(f"ml_connector_{name} "):
            return float(line.rpartition(" ")[2])
    return None


def test_how_all_stands_is_in_the_metrics_and_each_line_of_the_log_is_a_document(world: World) -> None:
    world.write_settings(log__format="'json'")
    world.first("customers")
    with serving(world) as served:
        ran_once_more(served)
        assert metric(served, 'records_total{flow="customers",outcome="created"}') == 30
        assert metric(served, 'runs_total{flow="customers",state="done"}') == 2
        assert metric(served, 'calls_total{operation="GetCustomerList",system="gp"}') >= 1
        assert metric(served, 'call_seconds_total{system="gp"}') > 0
        assert metric(served, 'paused{flow="customers"}') == 0
        assert metric(served, 'staleness_seconds{flow="customers"}') < 600
        assert metric(served, "store_readable") == 1
        assert "AARONFIT" not in served.metrics()
        world.seed({"Account_Name": "Twin Ltd"}, {"Account_Name": "Twin Ltd"})
        world.customer("TWIN01", "Twin Ltd")
        ran_once_more(served)
        assert metric(served, 'holds{code="AMBIGUOUS_MATCH",flow="customers"}') >= 1
        assert metric(served, 'oldest_hold_age_seconds{flow="customers"}') < 600
        assert served.end() == 0
    lines = [json.loads(line) for line in served.lines]
    assert all({"timestamp", "level", "event"} <= line.keys() for line in lines)
    [done, *_] = [line for line in lines if line["event"].startswith("customers: done")]
    assert done["run"].startswith("customers-")
    assert done["counts"]
    assert {line["key"] for line in lines if line["event"] == "customers: record:held"} == {"TWIN01"}
    assert lines[-1]["event"].startswith("Stopping")


def test_a_restart_sets_no_counter_of_records_back(world: World) -> None:
    world.first("customers")
    for _ in range(2):
        with serving(world) as served:
            assert metric(served, 'records_total{flow="customers",outcome="created"}') == 30
            assert metric(served, 'calls_total{operation="GetCustomerList",system="gp"}') is None
            assert served.end(signal.SIGKILL) == -signal.SIGKILL


def test_an_alert_is_sent_once_whatever_restarts_and_its_all_clear_once(world: World) -> None:
    world.first("customers")
    with hooked() as hook:
        world.here("secrets", "set", "alerts.hook", stdin=hook.url)
        world.write_settings(alerts__to="['alerts.hook']", alerts__waiting_minutes="0")
        world.here("alerts", "test")
        world.gp_faults({"operation": "*", "kind": "http_503", "count": 100_000})
        with serving(world) as served:
            ran_once_more(served, "away")
            served.until(lambda: hook.titles[1:] == ["Dynamics GP is waited for"], "the alert")
            served.until(
                lambda: world.rows("SELECT 1 FROM alert_messages WHERE sent_at IS NOT NULL"),
                "that it is noted",
            )
            assert metric(served, 'alerts{kind="waiting"}') == 1
            served.end(signal.SIGKILL)
        [listed] = world.here("alerts", "list", "--json").json["alerts"]
        assert (listed["kind"], listed["subject"], listed["told"]) == ("waiting", "gp", ["alerts.hook"])
        with serving(world) as served:
            world.gp_faults()
            world.rewrite("UPDATE waits SET next_look_at = since_at")
            served.said("Dynamics GP is no longer waited for")
            served.until(
                lambda: hook.titles[1:] == ["Dynamics GP is waited for", "Dynamics GP is well again"],
                "the all-clear",
            )
            served.until(lambda: not world.rows("SELECT 1 FROM alert_messages"), "that it is noted")
        assert world.here("alerts", "list", "--json").json == {"alerts": [], "to_send": []}
        assert hook.titles == ["a test", "Dynamics GP is waited for", "Dynamics GP is well again"]


def test_a_notification_for_no_channel_is_refused_and_counted(world: World) -> None:
    with serving(world) as served:
        post = Request(f"{served.url}/webhooks/zoho/guessed", b"{}", method="POST")
        with pytest.raises(HTTPError) as refused, build_opener(ProxyHandler({})).open(post):
            pass
        refused.value.close()
        assert refused.value.code == 404
        assert 'ml_connector_notifications_total{outcome="unknown path"} 1.0' in served.metrics()
        assert 'ml_connector_notifications_total{outcome="accepted"} 0.0' in served.metrics()
