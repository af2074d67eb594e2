"""kill -9 while fields are put back: the same command again leaves every Account as GP has it, told once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from systems import World, assert_whole, gp_options, opened

_DEADLY = Path(__file__).with_name("killed_fields.py")
PUT_BACK = ("reconcile", "fields", "customers", "--put-back", "--json")
FIELD = "Billing_City"


@dataclass
class Drift:
    """A synced world in which people change what is GP's."""

    world: World
    numbers: Iterator[int]
    cities: dict[str, str]  #: id -> what GP says

    def edit_all(self) -> str:
        """Somebody changes the city of all Accounts; to what."""
        city = f"By hand {next(self.numbers)}"
        time.sleep(1.1)  # Zoho's stamps are to the second
        edits = [{"id": target_id, FIELD: city} for target_id in self.cities]
        assert not self.world.zoho_call("POST", "edit/Accounts", {"records": edits})["errors"]
        self.world.forget()
        return city

    def told(self, action: str, place: str, city: str) -> Counter[str]:
        """Key -> rows of the audit trail that tell of this city."""
        query = f'SELECT source_key FROM audit WHERE action = ? AND "{place}" LIKE ?'
        return Counter(key for (key,) in self.world.rows(query, action, f"%{city}%"))

    def put_back(self) -> None:
        self.world.ok(*PUT_BACK)

    def assert_done(self, city: str) -> None:
        """Every Account says what GP says; what stood there, and that it was found, is told once for each."""
        assert {a["id"]: a[FIELD] for a in self.world.accounts()} == self.cities
        assert set(self.told("record:found_changed", "after", city).values()) == {1}
        assert len(self.told("record:found_changed", "after", city)) == len(self.cities)
        assert self.world.writes().keys() == {"update"}
        assert self.world.rows("SELECT COUNT(*) FROM asked") == [(0,)]
        assert self.world.rows("SELECT COUNT(*) FROM differences") == [(0,)]
        assert_whole(self.world)


@pytest.fixture(scope="module")
def drift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drift]:
    with opened(tmp_path_factory.mktemp("fields"), gp=gp_options(250)) as world:
        world.write_settings(zoho__heavy_requests="1")
        world.first("customers")
        world.settle("customers")
        world.ok("reconcile", "fields", "customers")
        yield Drift(world, count(1), {a["id"]: a[FIELD] for a in world.accounts()})


def die(world: World, when: str, number: int) -> None:
    said = world.run(str(world.settings), when, str(number), "Accounts", script=_DEADLY)
    assert said.code == -signal.SIGKILL, said


def test_killed_and_then_an_ordinary_sync(drift: Drift) -> None:
    """What was handed over is put back by whatever run comes next."""
    city = drift.edit_all()
    die(drift.world, "after", 1)
    drift.world.sync("customers")
    drift.assert_done(city)


def test_killed_and_a_person_changes_it_again(drift: Drift) -> None:
    """Before the interrupted run goes on: what stood there is told all the same."""
    die_after = drift.edit_all()
    die(drift.world, "before", 1)
    city = drift.edit_all()
    drift.put_back()
    assert {a["id"]: a[FIELD] for a in drift.world.accounts()} == drift.cities
    assert set(drift.told("record:updated", "before", city).values()) == {1}
    assert len(drift.told("record:updated", "before", city)) == len(drift.cities)
    assert len(drift.told("record:found_changed", "after", die_after)) == len(drift.cities)
