"""kill -9 between updates, and another edit before the next sync: every Account ends as GP has it, told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from kills import die

from systems import World, assert_whole, gp_options, opened


@dataclass
class Edits:
    """A synced world, and the edits that were made in it."""

    world: World
    numbers: Iterator[int]

    def edit_all(self) -> str:
        """Give every customer another class in GP, and say which."""
        value = f"KILL-{next(self.numbers)}"
        for customer in self.world.customers():
            self.world.gp.control("POST", f"customers/{customer['id']}", {"set": {"class_id": value}})
        self.world.forget()
        return value

    def told(self, value: str) -> Counter[str]:
        """Key -> audit rows that tell of this value."""
        query = "SELECT source_key FROM audit WHERE action = 'record:updated' AND \"after\" LIKE ?"
        return Counter(key for (key,) in self.world.rows(query, f"%{value}%"))

    def assert_done(self, value: str) -> None:
        """Every Account has it, and the audit trail tells it once for each."""
        assert {a.get("GP_Customer_Class") for a in self.world.accounts()} == {value}
        assert self.told(value) == {customer["id"]: 1 for customer in self.world.customers()}
        assert_whole(self.world)


@pytest.fixture(scope="module")
def edits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edits]:
    with opened(tmp_path_factory.mktemp("updates"), gp=gp_options(250)) as world:
        world.write_settings(zoho__heavy_requests="1")
        world.first("customers")
        yield Edits(world, count(1))


def test_after_the_commit_and_another_edit_before_the_next_sync(edits: Edits) -> None:
    overtaken = edits.edit_all()
    die(edits.world, "before", 2)
    assert edits.told(overtaken).total() == 100
    value = edits.edit_all()
    edits.world.sync("customers")
    edits.world.sync("customers")
    edits.assert_done(value)
