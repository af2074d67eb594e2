"""Zoho does what is asked and the connection is cut before it answers, again and again: nothing is lost or doubled.

So many answers are lost in creates, updates and bulk jobs of Accounts and Contacts, which calls and how often in a row
said by a seed. ``LOST_ANSWERS`` in the environment: how many (``make faults``: 1,000).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from scenes import Early

from ml_connector.app import App
from ml_connector.bootstrap import SystemClock, open_app
from ml_connector.flows.pull import pull
from ml_connector.flows.steps import DirectSteps
from ml_connector.settings_file import load_settings
from summary import TOLD
from systems import (
    INSERT,
    INSERT_CONTACTS,
    UPDATE,
    World,
    assert_contacts,
    assert_quiet,
    assert_whole,
    gp_options,
    opened,
    zoho_options,
)

SEED = 20261128
WANTED = int(os.environ.get("LOST_ANSWERS", "100"))
UPLOAD, JOB = "POST /crm/v8/upload", "POST /crm/bulk/v8/write"
AT_MOST = 8  #: answers lost in a row, of calls of one kind in one run
#: At most so many customers are new, and change, before a run; before one that writes in jobs.
FEW, MANY = 2, 8
EVERY_BULK = 4  #: one in so many runs writes in jobs


class Impatient(SystemClock):
    """Waits for nobody: what waits for Zoho asks again at once."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.005))


@dataclass
class Losing:
    """Both systems, what changes in them, and how often an answer was lost."""

    world: World
    app: App
    random: random.Random
    lost: Counter[str]
    rounds: Iterator[int]

    def go_on(self) -> None:
        """One round: something changes, and is brought over."""
        number = next(self.rounds)
        bulk = number % EVERY_BULK == 0
        self._change(number, MANY if bulk else FEW)
        self._run(number, bulk=bulk)

    def _change(self, number: int, most: int) -> None:
        """Customers that are new or change."""
        keys = [customer["id"].rstrip() for customer in self.world.customers()]
        for key in self.random.sample(keys, most):
            self.world.change(key, set={"class_id": f"R{number}"})
        for new in range(self.random.randint(1, most)):
            person = {"id": "PRIMARY", "contact": f"Person{number} Nr{new}"}
            self.world.customer(f"L{number}N{new}", f"Lost {number} Company {new}", addresses=[person])

    def _run(self, number: int, *, bulk: bool) -> None:
        """One run, in which answers are lost."""
        calls = (INSERT, UPDATE, INSERT_CONTACTS, *((UPLOAD, JOB) if bulk else ()))
        planned = [(call, self.random.randint(0, AT_MOST)) for call in calls]
        self.world.zoho_faults(
            *({"match": call, "kind": "cut_after_work", "count": times} for call, times in planned)
        )
        app = (
            replace(self.app, works=replace(self.app.works, target=Early(self.app.target)))
            if bulk
            else self.app
        )
        told = pull(DirectSteps(app.clock), app.works.work(app.roster.flows["customers"]), f"lost-{number}")
        assert told["state"] == "done", told
        self.lost.update({one["match"]: one["fired"] for one in self.world.zoho_call("GET", "faults")})


@contextmanager
def losing(folder: Path) -> Iterator[Losing]:
    pays_for_all_jobs = {"edition": "ultimate", "users": 500}
    zoho = zoho_options(**pays_for_all_jobs, bulk_seconds=0.0, bulk_wait_seconds=0.0)
    with opened(folder, gp=gp_options(0), zoho=zoho, mappings=()) as world:
        world.write_settings(
            flows__vendors="{ enabled = false }",
            sync__window_size="2",  # calls of few records, so that many answers can be lost in a run
            sync__max_wait_seconds="1000000",
            sync__max_change_ratio="1",
            zoho__bulk_poll_seconds="0.01",
            zoho__bulk_timeout_seconds="0.5",
        )
        world.first("customers")
        with open_app(load_settings(world.settings)) as app:
            yield Losing(
                world,
                replace(app, works=replace(app.works, clock=Impatient())),
                random.Random(SEED),
                Counter(),
                count(1),
            )


def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    with losing(tmp_path) as here:
        while here.lost.total() < WANTED:
            here.go_on()
        here.world.zoho_faults()
        here.world.settle()
        TOLD.append(
            f"answers lost after Zoho had done the work: {here.lost.total():,} in {next(here.rounds) - 1:,} runs"
            f" ({', '.join(f'{call} {times:,}' for call, times in sorted(here.lost.items()))}),"
            f" seed {SEED}: lost {_missing(here.world)}, doubled {_doubled(here.world)}"
        )
        assert all(here.lost[call] for call in (INSERT, UPDATE, INSERT_CONTACTS, UPLOAD, JOB))
        assert (_missing(here.world), _doubled(here.world)) == (0, 0)
        assert_whole(here.world)
        assert_contacts(here.world)
        assert_quiet(here.world, "customers")


def _missing(world: World) -> int:
    """Customers without an Account that says what GP says."""
    there = {(a["GP_Customer_ID"], a.get("GP_Customer_Class") or "") for a in world.accounts()}
    return sum((c["id"].rstrip(), c["class_id"]) not in there for c in world.customers())


def _doubled(world: World) -> int:
    """Records more than there are keys and names."""
    accounts, contacts = world.accounts(), world.contacts()
    names = Counter(a["Account_Name"] for a in accounts) + Counter(c["GP_Contact_Key"] for c in contacts)
    return sum(times - 1 for times in names.values())
