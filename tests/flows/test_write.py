"""The writer: what was answered is recorded while other calls are under way, not only at the window's end."""

from __future__ import annotations

import time

from ml_connector.core.mapping import Part
from ml_connector.core.plan import Action, Desired, Plan
from ml_connector.flows.work import CHUNK
from ml_connector.flows.write import Writer
from ml_connector.store import links
from world import PLAIN, World, mapping

PATIENCE_SECONDS = 60


def creates(world: World) -> list[Plan]:
    """As many creates as fill one call."""
    plans = []
    for number in range(CHUNK):
        key, now = f"C{number}", world.clock.now()
        part = Part(mapping(PLAIN), {"Account_Name": key})
        desired = Desired(key, "GP_Customer_ID", key, key, now, now, (part,))
        plans.append(Plan(Action.CREATE, desired, fields={"GP_Customer_ID": key, "Account_Name": key}))
    return plans


def test_what_was_answered_is_recorded_before_the_window_ends(world):
    world.texts["customers"] = [PLAIN]
    work = world.work()

    def recorded() -> int:
        with world.database.read() as tx:
            return links.count(tx, work.pair("Accounts"))

    with Writer(work, "run-1", "Accounts", list) as writer:
        writer.take(creates(world))
        end = time.monotonic() + PATIENCE_SECONDS
        while not recorded() and time.monotonic() < end:
            writer.take([])  # a chunk of which nothing is to be written
        assert recorded() == CHUNK
    assert writer.counts == {"created": CHUNK}
