"""What holds for whatever happens: hypothesis plays the people at the ERP and the CRM, and the cuts on the line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import FakeClock, MemorySource, MemoryTarget
from ml_connector.core.errors import RetryableError
from ml_connector.core.plan import Action
from ml_connector.flows.plan import FlowPlan
from ml_connector.store.database import Database
from world import CONTACT, FAMILY, FINANCIALS, VENDOR, World

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: Where a store is quick: examples are many, and none of them is about a disk.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None

NAMES = ["Acme", "ACME, Inc.", "Astor Suites", "Astor  suites", "Über & Söhne", "Uber und Soehne", "Blue"]
KEYS = ["C1", "C2", "C3", "C4", "C5", "HEAD"]
MAILS = [None, "a@acme.example", "b@acme.example", "B@ACME.example", "nonsense"]
PEOPLE = [None, "Ann Lee", "LEE, ANN", "Bob Ray", "Accounts Payable", "N/A"]

customers = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "city": st.sampled_from([None, "Rome", "Oslo"]),
        "email": st.sampled_from(MAILS),
        "contact_person": st.sampled_from(PEOPLE),
        "corporate_id": st.sampled_from([None, *KEYS, "NOBODY"]),
        "limit": st.sampled_from([None, Decimal(0), Decimal("12.50")]),
    }
)
books = st.dictionaries(st.sampled_from(KEYS), customers, min_size=1, max_size=5)
accounts = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([None, "C1", "c2", "C9"])), max_size=4)


@cache
def new_store() -> bytes:
    """An empty store: making one takes longer than a whole example."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        database = Database(f"sqlite:///{Path(folder) / 'new.db'}")
        database.upgrade()
        database.close()
        return (Path(folder) / "new.db").read_bytes()


@contextmanager
def new_world(*texts: str, vendors: str = "") -> Iterator[World]:
    """A world with a store of its own: hypothesis asks for many within one test."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder) / "test.db"
        file.write_bytes(new_store())
        database = Database(f"sqlite:///{file}")
        clock = FakeClock()
        flows = {"customers": list(texts)} | ({"vendors": [vendors]} if vendors else {})
        try:
            yield World(clock, MemorySource(clock), MemoryTarget(clock), database, flows)
        finally:
            database.close()


def fill(world: World, book: dict[str, dict[str, object]], seeded: list[tuple[str, str | None]]) -> None:
    for name, key in seeded:
        world.target.seed(name, **({"GP_Customer_ID": key} if key and not world.target.by_key(key) else {}))
    for key, fields in book.items():
        world.source.put(key, customer_id=key, **fields)
    world.clock.sleep(3600)


def keys_on(world: World) -> list[str]:
    """Every key of ours in the target, folded."""
    names = ("GP_Customer_ID", "GP_Vendor_ID", "GP_Contact_Key")
    return [
        f"{name} {str(r[name]).casefold()}"
        for r in world.target.records.values()
        for name in names
        if r.get(name)
    ]


@QUICK
@given(books, accounts)
def test_plan_then_apply_then_plan_is_nothing(
    book: dict[str, dict[str, object]], seeded: list[tuple[str, str | None]]
) -> None:
    """And what is planned twice is decided the same; every record is there or waits; no key is twice."""
    with new_world(FAMILY, FINANCIALS, CONTACT) as world:
        fill(world, book, seeded)
        assert world.plan("customers") == world.plan("customers")
        assert world.target.writes == []
        world.first("customers")
        waiting = {hold.source_key for hold in world.held() if hold.mapping == "customer_accounts"}
        assert {key for key in book if not world.target.by_key(key)} == waiting
        assert len(keys_on(world)) == len(set(keys_on(world)))
        world.target.writes.clear()
        planned = [one.plan.action for one in FlowPlan(world.work(), {})]
        assert set(planned) <= {Action.SKIP, Action.HOLD}
        world.sync()
        world.sync(full=True)
        assert world.target.writes == []


@dataclass(frozen=True)
class Cut:
    """The line is cut at the n-th call, before or after the target has done it."""

    call: int
    after: bool
    error: type[Exception]


cuts = st.lists(
    st.builds(Cut, st.integers(1, 8), st.booleans(), st.sampled_from([RetryableError, OSError])), max_size=4
)


def cutting(world: World, planned: list[Cut]) -> None:
    write, calls = world.target.write, [0]
    at = {cut.call: cut for cut in planned}

    def cut_now(module: str, batch: list[object], trigger: tuple[str, ...] = ()) -> object:
        calls[0] += 1
        cut = at.get(calls[0])
        if cut is not None:
            (world.target.after_write if cut.after else world.target.before_write).append(cut.error("Cut."))
        return write(module, batch, trigger)

    world.target.write = cut_now


def sync_until_done(world: World, name: str = "customers") -> None:
    """Run and run again, as an operator does after crashes."""
    for _ in range(10):
        try:
            if world.sync(name)["state"] == "done":
                return
        except OSError:
            continue
    raise AssertionError("it never ends")


@QUICK
@given(books, accounts, cuts, st.booleans())
def test_no_key_is_twice_in_the_target_whatever_is_cut(
    book: dict[str, dict[str, object]], seeded: list[tuple[str, str | None]], planned: list[Cut], unique: bool
) -> None:
    with new_world(FAMILY, FINANCIALS, CONTACT) as world:
        world.target.unique = world.target.unique if unique else ()
        fill(world, book, seeded)
        world.approve("customers")
        cutting(world, planned)
        sync_until_done(world)
        assert len(keys_on(world)) == len(set(keys_on(world)))
        before = state(world)
        world.sync(full=True)
        assert state(world) == before


# ---- the order in which things happen

COMPANIES = ["Acme", "Astor", "Blue", "Contoso"]


def state(world: World) -> dict[str, list[dict[str, object]]]:
    """The target without ids and as-of fields: lookups are told by what they lead to."""
    told: dict[str, list[dict[str, object]]] = {}
    for target_id, record in world.target.records.items():
        plain = {n: v for n, v in record.items() if not n.endswith("As_Of") and v not in (None, False)}
        for lookup in ("Account_Name", "Parent_Account"):
            if plain.get(lookup) in world.target.records:
                plain[lookup] = world.target.records[str(plain[lookup])]["Account_Name"]
        told.setdefault(world.target.modules[target_id], []).append(dict(sorted(plain.items())))
    return {module: sorted(records, key=repr) for module, records in told.items()}


Step = Callable[[World], object]


@dataclass(frozen=True)
class Edit:
    """Somebody changes a record of the ERP."""

    entity: str
    company: str
    field: str
    value: str | None

    def __call__(self, world: World) -> None:
        key = f"{self.entity[0].upper()}-{self.company}"
        known = key in world.source.rows[self.entity]
        names = {"name": self.company, f"{self.entity[:-1]}_id": key}
        world.clock.sleep(3600)
        world.source.put(key, self.entity, **({} if known else names), **{self.field: self.value})


@dataclass(frozen=True)
class Run:
    """A flow runs."""

    name: str

    def __call__(self, world: World) -> None:
        assert world.sync(self.name)["state"] == "done"


edits = st.one_of(
    st.builds(
        Edit,
        st.just("customers"),
        st.sampled_from(COMPANIES),
        st.sampled_from(["city", "contact_person"]),
        st.sampled_from([None, "Ann Lee", "Bob Ray"]),
    ),
    st.builds(
        Edit, st.just("vendors"), st.sampled_from(COMPANIES), st.just("city"), st.sampled_from([None, "Rome"])
    ),
)
runs = st.builds(Run, st.sampled_from(["customers", "vendors"]))


@settings(QUICK, max_examples=8)
@given(st.lists(edits, max_size=5), st.data())
def test_any_order_of_runs_between_any_changes_ends_equal(changes: list[Edit], data: st.DataObject) -> None:
    """Of a person who came and went between two runs nobody ever heard: former Contacts are left out."""
    ends = []
    for _ in range(2):
        order: list[Step] = []
        for change in changes:
            order += [*data.draw(st.lists(runs, max_size=1)), change]
        order += data.draw(st.permutations([Run("customers"), Run("vendors")]))
        order += [Run("customers"), Run("vendors")]
        ends.append(played(order))
    assert ends[0] == ends[1]


def played(order: list[Step]) -> dict[str, list[dict[str, object]]]:
    with new_world(FAMILY, FINANCIALS, CONTACT, vendors=VENDOR) as world:
        for entity in ("customers", "vendors"):
            Edit(entity, "First", "city", "Oslo")(world)
        Edit("customers", "First", "contact_person", "Zoe Zed")(world)
        world.first()
        for step in order:
            step(world)
        assert world.held() == []
        told = state(world)
        told["Contacts"] = [r for r in told["Contacts"] if not r.get("Former")]
        return told
