"""``serve`` and a ``worker`` over PostgreSQL as Prometheus sees them: each its own, of the store no number twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from postgres import database_of_test
from served import Served, serving, working
from systems import FOR_EVER, World, gp_options, opened


@pytest.fixture
def world(tmp_path: Path, postgres: Callable[[str], str]) -> Iterator[World]:
    with database_of_test(postgres) as url, opened(tmp_path, gp=gp_options(12), url=url) as world:
        world.write_settings(
            serve__port="0",
            serve__schedule="'0 0 1 1 *'",
            flows_vendors__enabled="false",
            flows_gl_accounts__enabled="true",
            flows_customers__after="[]",
        )
        world.ok("provision", "--yes")
        yield world


def page(served: Served) -> dict[str, Metric]:
    return {
        family.name.removeprefix("ml_connector_"): family
        for family in text_string_to_metric_families(served.metrics())
    }


def calls(*pages: dict[str, Metric], system: str) -> Counter[str]:
    """By operation, added up over these pages as Prometheus adds."""
    found = Counter[str]()
    for one in pages:
        for sample in one["calls"].samples:
            if sample.labels["system"] == system:
                found[sample.labels["operation"]] += int(sample.value)
    return found


def test_pages_of_all_processes_together_count_everything_once(world: World) -> None:
    """Of two flows that do not keep each other back, a process that has one leaves the other."""
    world.first("customers", "gl_accounts")
    world.forget()
    with serving(world) as served, working(world, "--port", "0") as worker:
        assert worker.health("live") == (200, {"ok": True})
        assert worker.health("ready") == (200, {"ok": True, "problems": []})
        world.gp_faults({"operation": "*", "kind": "delay", "seconds": FOR_EVER, "count": 1000})
        for one in world.customers():
            world.change(one["id"], set={"class_id": "NEW"})
        world.rewrite("UPDATE schedules SET owed_at = ?", datetime.now(UTC))
        worker.said("at work at the run")
        worker.until(lambda: "runs_at_work 1" in worker.metrics(), "that its page tells it")
        world.gp_faults()
        done = "SELECT COUNT(*) FROM runs WHERE state = 'done'"
        served.until(lambda: world.rows(done) == [(4,)], "the end of both runs")
        here, there = page(served), page(worker)
    assert calls(here, there, system="gp") == world.operations()
    assert calls(there, system="gp"), "those of a worker are on its page alone"
    assert {"records", "runs", "holds", "credits_left", "paused"} & there.keys() == set()
    assert {"records", "runs", "credits_left", "paused"} <= here.keys()
    assert [one["build_info"].samples[0].labels["command"] for one in (here, there)] == ["serve", "worker"]
