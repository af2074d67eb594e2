"""Every promise of ``core/ports.py`` as tests: a source or a target is held to them by a subclass with a ``world``.

A world is the system behind the connector, as far as a test has to move it; see ``SourceWorld`` and ``TargetWorld``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import pytest

from ml_connector.core.change import Change, Page
from ml_connector.core.errors import AllowanceError
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.ports import (
    Absent,
    Candidate,
    Duplicate,
    Refused,
    Source,
    Target,
    Wanted,
    Write,
    WriteResult,
    Written,
)
from ml_connector.core.record import Reading, Record, fold_key

OLD = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEYS = ["AARON", "B-1", "B1", "C 1", "D&D", "E.E", "ZZ-9"]


class SourceWorld(Protocol):
    """A system that is read from, and what a test does to it."""

    source: Source
    entity: str
    facet: str  #: one that is listed apart and comes with the record too

    def put(self, key: str, at: datetime | None) -> None:
        """Add or change a record, stamped ``at``."""

    def move_facet(self, key: str) -> None:
        """Change what ``facet`` is about, without a word in the record's own stamp."""

    def remove(self, key: str) -> None:
        """Take the record away."""

    def limit_rows(self, rows: int) -> None:
        """The most rows that one call lists."""


def walk(page_of: Callable[[str | None], Page[Any]]) -> list[Any]:
    """All rows of a listing, page by page; a listing that turns in circles fails."""
    rows: list[Any] = []
    after, seen = None, set()
    while True:
        page = page_of(after)
        rows += page.rows
        after = page.next_after
        if after is None:
            return rows
        assert after not in seen, f"the listing came back to {after!r}"
        seen.add(after)


class SourceContract:
    """What a source promises of every entity; ``keys`` as the entity has them, each between neighbours that look alike.

    ``nobody`` is the key of no record, ``undated`` that of one more.
    """

    keys: ClassVar[Sequence[str]] = KEYS
    nobody: ClassVar[str] = "NOBODY"
    undated: ClassVar[str] = "UNDATED"

    @pytest.fixture(autouse=True)
    def _records(self, world: SourceWorld) -> None:
        for number, key in enumerate(self.keys):
            world.put(key, OLD + number * SECOND)

    def changes(self, world: SourceWorld, since: datetime | None = None) -> dict[str, Change]:
        rows = walk(lambda after: world.source.list_changes(world.entity, since, after))
        found = {fold_key(row.key): row for row in rows}
        assert len(found) == len(rows), "a record in two pages"
        return found

    @pytest.mark.parametrize("rows", [1, 2, 3, 6, 7, 8, 1000])
    def test_pages_are_complete_whatever_their_size(self, world: SourceWorld, rows: int) -> None:
        whole = self.changes(world)
        assert {fold_key(key) for key in self.keys} <= whole.keys()
        world.limit_rows(rows)
        assert self.changes(world) == whole

    @pytest.mark.parametrize("rows", [2, 1000])
    def test_since_is_included(self, world: SourceWorld, rows: int) -> None:
        world.limit_rows(rows)
        for number in (0, 3, len(self.keys) - 1):
            found = self.changes(world, OLD + number * SECOND)
            assert {fold_key(key) for key in self.keys[number:]} <= found.keys()

    def test_a_change_is_told_with_its_instant(self, world: SourceWorld) -> None:
        found = self.changes(world)
        assert [found[fold_key(key)].at for key in self.keys] == [
            OLD + n * SECOND for n in range(len(self.keys))
        ]
        world.put(self.keys[2], OLD + timedelta(days=30))
        assert self.changes(world, OLD + timedelta(days=30))[fold_key(self.keys[2])].at == OLD + timedelta(
            days=30
        )

    def test_stamps_in_the_future_are_listed(self, world: SourceWorld) -> None:
        future = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
        world.put(self.keys[4], future)
        assert self.changes(world)[fold_key(self.keys[4])].at == future
        assert self.changes(world, future)[fold_key(self.keys[4])].at == future

    def test_records_without_a_date_are_in_the_whole_listing(self, world: SourceWorld) -> None:
        world.put(self.undated, None)
        assert self.changes(world)[fold_key(self.undated)].at is None

    @pytest.mark.parametrize("ahead", [False, True])
    def test_one_result_for_each_key_in_their_order(self, world: SourceWorld, *, ahead: bool) -> None:
        world.remove(self.keys[3])
        wanted = [*reversed(self.keys), self.nobody, self.keys[0]]
        if ahead:
            world.source.read_ahead(world.entity, wanted)
        results = list(world.source.fetch(world.entity, wanted))
        assert [result.key for result in results] == wanted
        absent = [result.key for result in results if isinstance(result, Absent)]
        assert absent == [self.keys[3], self.nobody]
        assert all(isinstance(result, Record) for result in results if result.key not in absent)

    def test_reading_ahead_changes_nothing_for_other_keys(self, world: SourceWorld) -> None:
        world.source.read_ahead(world.entity, self.keys)
        assert [one.key for one in world.source.fetch(world.entity, self.keys[2:4])] == list(self.keys[2:4])
        assert [one.key for one in world.source.fetch(world.entity, self.keys)] == list(self.keys)

    def test_nothing_is_fetched_for_no_key(self, world: SourceWorld) -> None:
        assert list(world.source.fetch(world.entity, [])) == []

    def test_a_fetch_may_be_left_in_the_middle(self, world: SourceWorld) -> None:
        started = world.source.fetch(world.entity, self.keys)
        assert next(started).key == self.keys[0]
        started.close()
        assert [one.key for one in world.source.fetch(world.entity, self.keys)] == list(self.keys)

    def test_a_record_has_only_fields_of_its_entity(self, world: SourceWorld) -> None:
        (record,) = world.source.fetch(world.entity, self.keys[:1])
        entity = world.source.entities[world.entity]
        assert isinstance(record, Record)
        assert record.entity == world.entity
        assert record.fields.keys() <= entity.fields.keys()
        assert record.fetched_at.utcoffset() == timedelta(0)

    def test_labels_are_of_fields_of_the_entity_and_none_is_empty(self, world: SourceWorld) -> None:
        labels = world.source.labels(world.entity)
        assert labels.keys() <= world.source.entities[world.entity].fields.keys()
        assert all(labels.values())

    def test_a_record_that_is_gone_is_not_listed(self, world: SourceWorld) -> None:
        world.remove(self.keys[1])
        assert fold_key(self.keys[1]) not in self.changes(world)

    def test_the_clocks_differ_by_a_number_of_seconds(self, world: SourceWorld) -> None:
        assert abs(world.source.clock_difference()) < 60

    def test_a_record_is_named_by_the_field_that_names_it(self, world: SourceWorld) -> None:
        entity = world.source.entities[world.entity]
        for record in world.source.fetch(world.entity, self.keys):
            assert isinstance(record, Record)
            assert not entity.key or fold_key(str(record.fields[entity.key])) == fold_key(record.key)

    def test_only_a_record_of_parts_has_parts_and_only_these_their_fields(self, world: SourceWorld) -> None:
        entity = world.source.entities[world.entity]
        of_parts = {name for name, item in entity.fields.items() if item.each}
        for record in world.source.fetch(world.entity, self.keys):
            assert isinstance(record, Record)
            assert bool(record.parts) == bool(entity.each)
            assert not record.fields.keys() & of_parts
            assert all(fields.keys() == of_parts for fields in record.parts.values())

    def test_parts_are_named_alike_in_every_reading(self, world: SourceWorld) -> None:
        once, again = (list(world.source.fetch(world.entity, self.keys)) for _ in range(2))
        assert [r.parts for r in once if isinstance(r, Record)] == [
            r.parts for r in again if isinstance(r, Record)
        ]


class FacetContract(SourceContract):
    """What a source promises of an entity with facets."""

    def readings(self, world: SourceWorld) -> dict[str, Reading]:
        rows = walk(lambda after: world.source.list_readings(world.entity, world.facet, after))
        found = {fold_key(row.key): row for row in rows}
        assert len(found) == len(rows), "a record in two pages"
        return found

    @pytest.mark.parametrize("rows", [1, 2, 3, 6, 7, 8, 1000])
    def test_pages_of_a_facet_are_complete_whatever_their_size(self, world: SourceWorld, rows: int) -> None:
        facets = self.readings(world)
        world.limit_rows(rows)
        assert self.readings(world) == facets

    def test_a_facet_has_one_digest_in_listing_and_record(self, world: SourceWorld) -> None:
        def agree() -> dict[str, str]:
            listed = self.readings(world)
            records = list(world.source.fetch(world.entity, self.keys))
            for record in records:
                assert isinstance(record, Record)
                assert record.digests[world.facet] == listed[fold_key(record.key)].digest
            return {record.key: record.digests[world.facet] for record in records}

        before = agree()
        stamps = self.changes(world)
        world.move_facet(self.keys[2])
        after = agree()
        assert {key for key in self.keys if before[key] != after[key]} == {self.keys[2]}
        assert self.changes(world) == stamps
        assert agree() == after

    def test_a_record_that_is_gone_has_no_facet(self, world: SourceWorld) -> None:
        world.remove(self.keys[1])
        assert fold_key(self.keys[1]) not in self.readings(world)


class TargetWorld(Protocol):
    """A system that is written to, and what a test does to it."""

    target: Target
    module: str
    name_field: str  #: the module's name field, which is required
    key_field: str  #: a unique field of ours
    need: FieldNeed  #: a field that is not there and ours to make
    page_size: int  #: the most candidates of one page
    lookup_field: str  #: a field of the module that points to another record of it
    user: str  #: the e-mail address of an active user

    def started(self) -> Mapping[str, int]:
        """The automations that our writes started, and for how many records."""

    def remove(self, ids: Sequence[str]) -> None:
        """A person deletes these records."""

    def present(self) -> datetime:
        """The target's time, as its stamps tell it; every later write is stamped later."""

    def hurry(self) -> None:
        """Bulk jobs are to be had, and take no time."""


class TargetContract:
    """What a target promises."""

    def wish(self, world: TargetWorld, key: str, **more: Any) -> Write:
        return Write({world.name_field: f"Name of {key}", world.key_field: key, **more})

    def create(self, world: TargetWorld, *keys: str) -> list[str]:
        """The ids of records made for these keys."""
        results = world.target.write(world.module, [self.wish(world, key) for key in keys])
        assert all(isinstance(result, Written) for result in results), results
        return [result.target_id for result in results]

    def candidates(self, world: TargetWorld, since: datetime | None = None) -> dict[str, Candidate]:
        keys = [world.key_field]
        rows = walk(lambda after: world.target.list_candidates(world.module, keys, since, after))
        found = {row.target_id: row for row in rows}
        assert len(found) == len(rows), "a record in two pages"
        return found

    def read(self, world: TargetWorld, ids: Sequence[str]) -> dict[str, dict[str, object]]:
        return world.target.read(world.module, ids, [world.name_field, world.key_field])

    def test_what_is_written_is_taken_off_what_may_be_spent(self, world: TargetWorld) -> None:
        before = world.target.credits_left()
        self.create(world, *(f"P{number:02d}" for number in range(20)))
        after = world.target.credits_left()
        if before is None or after is None:
            assert before is after, "it counts credits, or does not"
            return
        assert after < before
        world.target.require_credits(after)
        with pytest.raises(AllowanceError) as caught:
            world.target.require_credits(after + 1)
        assert caught.value.wanted == after + 1
        assert caught.value.after_seconds > 0

    def test_results_are_in_the_order_of_the_batch(self, world: TargetWorld) -> None:
        keys = [f"K{number:03d}" for number in range(100)]
        ids = self.create(world, *keys)
        assert len(set(ids)) == 100
        found = self.read(world, ids)
        assert [found[target_id][world.key_field] for target_id in ids] == keys
        updates = [Write({world.name_field: f"New {n}"}, target_id) for n, target_id in enumerate(ids)]
        assert [result.target_id for result in world.target.write(world.module, updates)] == ids
        found = self.read(world, ids)
        assert [found[target_id][world.name_field] for target_id in ids] == [f"New {n}" for n in range(100)]

    @pytest.mark.parametrize("spot", range(4))
    def test_a_taken_key_is_told_of_the_right_record(self, world: TargetWorld, spot: int) -> None:
        (taken,) = self.create(world, "TAKEN")
        keys = ["A", "B", "C", "D"]
        keys[spot] = "TAKEN"
        results = world.target.write(world.module, [self.wish(world, key) for key in keys])
        assert [type(result) for result in results] == [
            Duplicate if number == spot else Written for number in range(4)
        ]
        duplicate = results[spot]
        assert isinstance(duplicate, Duplicate)
        assert (duplicate.target_id, duplicate.field) == (taken, world.key_field)
        assert duplicate.error.happened
        assert len(self.candidates(world)) == 4

    def test_a_key_is_taken_whatever_its_case(self, world: TargetWorld) -> None:
        (taken,) = self.create(world, "Aaron")
        (result,) = world.target.write(world.module, [self.wish(world, "AARON")])
        assert isinstance(result, Duplicate)
        assert result.target_id == taken

    def test_the_same_batch_again_creates_nothing(self, world: TargetWorld) -> None:
        """What a run does after an answer was lost."""
        ids = self.create(world, "A", "B", "C")
        again = world.target.write(world.module, [self.wish(world, key) for key in "ABC"])
        assert [(type(one), one.target_id) for one in again] == [(Duplicate, target_id) for target_id in ids]
        assert self.candidates(world).keys() == set(ids)

    @pytest.mark.parametrize("spot", range(3))
    def test_an_update_of_a_record_that_is_gone_is_told_of_the_right_one(
        self, world: TargetWorld, spot: int
    ) -> None:
        ids = self.create(world, "A", "B", "C")
        world.remove([ids[spot]])
        results = world.target.write(world.module, [Write({world.name_field: "New"}, one) for one in ids])
        assert [type(result) for result in results] == [
            Refused if number == spot else Written for number in range(3)
        ]
        refused = results[spot]
        assert isinstance(refused, Refused)
        assert refused.gone

    def test_an_update_to_a_taken_key_is_a_duplicate(self, world: TargetWorld) -> None:
        first, second = self.create(world, "A", "B")
        (result,) = world.target.write(world.module, [Write({world.key_field: "A"}, second)])
        assert isinstance(result, Duplicate)
        assert (result.target_id, result.field) == (first, world.key_field)

    def test_an_update_with_its_own_key_is_none(self, world: TargetWorld) -> None:
        (first,) = self.create(world, "A")
        (result,) = world.target.write(world.module, [Write({world.key_field: "A"}, first)])
        assert isinstance(result, Written)

    def test_an_update_leaves_the_other_fields(self, world: TargetWorld) -> None:
        (first,) = self.create(world, "A")
        world.target.write(world.module, [Write({world.name_field: "New"}, first)])
        assert self.read(world, [first]) == {first: {world.name_field: "New", world.key_field: "A"}}

    def in_bulk(self, world: TargetWorld, writes: list[Write]) -> Mapping[str, WriteResult | None]:
        """What becomes of the rows of one bulk job."""
        file = world.target.upload(world.module, writes, world.key_field)
        job_id = world.target.start_job(file)
        while not (state := world.target.job_state(job_id)).final:
            assert not state.result_url
        return world.target.job_results(file, state.result_url)

    def test_a_job_creates_and_updates_row_by_row(self, world: TargetWorld) -> None:
        world.hurry()
        price = world.target.write_prices(world.module).job
        assert price is not None
        assert price.rows > 200
        keys = [f"K{number:03d}" for number in range(150)]
        made = self.in_bulk(world, [self.wish(world, key) for key in keys])
        ids = [made[fold_key(key)].target_id for key in keys]  # type: ignore[union-attr]
        found = self.read(world, ids)
        assert [found[one][world.key_field] for one in ids] == keys
        news = [Write({world.name_field: f"New {number}"}, one) for number, one in enumerate(ids)]
        assert {one: result.target_id for one, result in self.in_bulk(world, news).items()} == dict(  # type: ignore[union-attr]
            zip(ids, ids, strict=True)
        )
        found = self.read(world, ids)
        assert [found[one][world.key_field] for one in ids] == keys
        assert [found[one][world.name_field] for one in ids] == [f"New {number}" for number in range(150)]

    def test_what_a_job_cannot_write_is_left_to_the_ordinary_call(self, world: TargetWorld) -> None:
        world.hurry()
        taken, gone = self.create(world, "Taken", "Gone")
        world.remove([gone])
        made = self.in_bulk(world, [self.wish(world, "TAKEN"), self.wish(world, "Free")])
        assert made.get("taken") is None
        assert isinstance(made["free"], Written)
        done = self.in_bulk(
            world, [Write({world.name_field: "New"}, taken), Write({world.name_field: "X"}, gone)]
        )
        assert isinstance(done[taken], Written)
        assert done.get(gone) is None
        assert not world.target.takes_in_bulk(world.module, Write({world.name_field: None}, taken))
        assert world.target.takes_in_bulk(world.module, Write({world.name_field: "New"}, taken))

    def test_an_empty_batch_is_no_result(self, world: TargetWorld) -> None:
        assert world.target.write(world.module, []) == []

    def test_read_leaves_out_what_is_gone(self, world: TargetWorld) -> None:
        ids = self.create(world, "A", "B", "C")
        world.remove(ids[1:2])
        assert self.read(world, ids).keys() == {ids[0], ids[2]}
        assert self.read(world, ids[1:2]) == {}
        assert self.read(world, []) == {}

    def test_read_takes_any_number_of_ids(self, world: TargetWorld) -> None:
        ids = self.create(world, *(f"K{number}" for number in range(60)))
        ids += self.create(world, *(f"L{number}" for number in range(60)))
        assert self.read(world, ids).keys() == set(ids)

    def test_candidates_are_every_record_once_with_its_keys(self, world: TargetWorld) -> None:
        ids = self.create(world, "A", "B", "C")
        ids += [
            result.target_id
            for result in world.target.write(world.module, [Write({world.name_field: "Without a key"})])
        ]
        found = self.candidates(world)
        assert found.keys() == set(ids)
        assert [found[one].values for one in ids] == [{world.key_field: key} for key in "ABC"] + [{}]
        assert [found[one].name for one in ids] == [*(f"Name of {key}" for key in "ABC"), "Without a key"]
        world.remove(ids[:1])
        assert self.candidates(world).keys() == set(ids[1:])

    def test_a_lookup_is_the_id_that_it_points_to(self, world: TargetWorld) -> None:
        (parent,) = self.create(world, "PARENT")
        wish = self.wish(world, "CHILD", **{world.lookup_field: parent})
        (child,) = world.target.write(world.module, [wish])
        assert isinstance(child, Written)
        field, module = world.lookup_field, world.module
        assert world.target.read(module, [child.target_id], [field]) == {child.target_id: {field: parent}}
        rows = walk(lambda after: world.target.list_candidates(module, [field], None, after))
        assert {row.target_id: row.values for row in rows} == {parent: {}, child.target_id: {field: parent}}
        (found,) = world.target.find_candidates(module, world.key_field, ["CHILD"], [field]).found
        assert found.values == {field: parent}
        (by_lookup,) = world.target.find_candidates(module, field, [parent], []).found
        assert by_lookup.target_id == child.target_id

    def test_values_are_every_record_once_as_it_stands(self, world: TargetWorld) -> None:
        ids = self.create(world, "A", "B", "C")
        world.target.write(world.module, [Write({world.lookup_field: ids[0]}, ids[1])])
        fields = [world.name_field, world.key_field, world.lookup_field]

        def stand(since: datetime | None = None) -> dict[str, list[object]]:
            rows = walk(lambda after: world.target.list_values(world.module, fields, since, after))
            found = {row.target_id: [row.values[name] for name in fields] for row in rows}
            assert len(found) == len(rows), "a record in two pages"
            return found

        assert stand() == {
            ids[0]: ["Name of A", "A", None],
            ids[1]: ["Name of B", "B", ids[0]],
            ids[2]: ["Name of C", "C", None],
        }
        before = world.present()
        world.target.write(world.module, [Write({world.name_field: "New"}, ids[2])])
        assert stand(before)[ids[2]] == ["New", "C", None]
        world.remove(ids[:1])
        assert stand().keys() == set(ids[1:])
        assert stand(world.present()) == {}

    def test_a_lookup_to_nowhere_is_refused_with_its_field(self, world: TargetWorld) -> None:
        (gone,) = self.create(world, "GONE")
        world.remove([gone])
        wish = self.wish(world, "CHILD", **{world.lookup_field: gone})
        refused, written = world.target.write(world.module, [wish, self.wish(world, "OTHER")])
        assert isinstance(refused, Refused)
        assert isinstance(written, Written)
        assert refused.error.field == world.lookup_field
        assert not refused.gone

    def test_what_was_written_a_moment_ago_is_found(self, world: TargetWorld) -> None:
        ids = self.create(world, "A", "B", "C")
        target, module, key = world.target, world.module, world.key_field
        for values in (["A", "C", "NOBODY"], ["a", "c"], ["C", "A", "A"]):
            found = target.find_candidates(module, key, values, [key]).found
            assert {one.target_id: one.values for one in found} == {ids[0]: {key: "A"}, ids[2]: {key: "C"}}
        (named,) = target.find_candidates(module, "", ["name of b"], []).found
        assert (named.target_id, named.name, named.values) == (ids[1], "Name of B", {})
        world.remove(ids[1:2])
        assert target.find_candidates(module, "", ["Name of B"], []).found == []
        assert target.find_candidates(module, "", [], []).found == []

    def test_any_number_of_values_is_looked_for(self, world: TargetWorld) -> None:
        ids = self.create(world, *(f"K{number}" for number in range(100)))
        values = [f"K{number}" for number in range(450)]
        found = world.target.find_candidates(world.module, world.key_field, values, [world.key_field]).found
        assert {one.target_id for one in found} == set(ids)
        assert len(found) == 100

    def test_an_automation_is_started_only_where_it_is_asked_for(self, world: TargetWorld) -> None:
        self.create(world, "A")
        assert world.started() == {}
        batch = [self.wish(world, key) for key in ("B", "C")]
        world.target.write(world.module, batch, ("workflow",))
        assert world.started() == {"workflow": 2}

    def test_a_module_is_described_by_its_fields(self, world: TargetWorld) -> None:
        needs = [FieldNeed(world.module, world.key_field), FieldNeed(world.module, world.name_field)]
        world.target.check_fields(needs)
        fields = world.target.describe(world.module)
        assert all(name == shape.name and shape.type for name, shape in fields.items())
        assert fields[world.name_field].mandatory
        assert fields[world.name_field].writable
        assert fields[world.key_field].unique
        assert not fields[world.key_field].mandatory

    def test_active_users_have_an_id_by_their_folded_address(self, world: TargetWorld) -> None:
        users = world.target.users()
        assert users[world.user.casefold()]
        assert all(address == address.casefold() and user_id for address, user_id in users.items())

    def test_candidates_come_in_pages_that_neither_overlap_nor_leave_gaps(self, world: TargetWorld) -> None:
        ids: list[str] = []
        while len(ids) <= world.page_size:
            ids += self.create(world, *(f"K{len(ids) + number}" for number in range(100)))
        assert self.candidates(world).keys() == set(ids)

    def test_candidates_since_are_what_changed(self, world: TargetWorld) -> None:
        old, changed = self.create(world, "OLD", "CHANGED")
        since = world.present()
        (made,) = self.create(world, "MADE")
        (result,) = world.target.write(world.module, [Write({world.name_field: "New"}, changed)])
        found = self.candidates(world, since)
        assert found.keys() == {changed, made}
        assert found[changed].name == "New"
        assert all(one.modified_at >= since for one in found.values())
        assert isinstance(result, Written)
        assert result.modified_at in (None, found[changed].modified_at)
        assert old in self.candidates(world)

    def test_a_stamp_that_is_the_since_is_included(self, world: TargetWorld) -> None:
        (made,) = self.create(world, "A")
        stamp = self.candidates(world)[made].modified_at
        assert made in self.candidates(world, stamp)
        assert made not in self.candidates(world, stamp + SECOND)

    def wanted(self, world: TargetWorld, wanted: Wanted, *fields: str) -> dict[str, Candidate]:
        rows = walk(lambda after: world.target.list_wanted(world.module, fields, wanted, after))
        found = {row.target_id: row for row in rows}
        assert len(found) == len(rows), "a record in two pages"
        return found

    def family(self, world: TargetWorld) -> tuple[str, str, str]:
        """The ids of a parent, its child, and a child of nobody."""
        (parent,) = self.create(world, "PARENT")
        (child,) = world.target.write(
            world.module, [self.wish(world, "CHILD", **{world.lookup_field: parent})]
        )
        assert isinstance(child, Written)
        (orphan,) = self.create(world, "ORPHAN")
        return parent, child.target_id, orphan

    def test_wanted_records_are_all_or_certain_ones(self, world: TargetWorld) -> None:
        parent, child, orphan = self.family(world)
        assert self.wanted(world, Wanted()).keys() == {parent, child, orphan}
        assert self.wanted(world, Wanted(ids=[orphan, child, "1"])).keys() == {orphan, child}
        assert self.wanted(world, Wanted(empty=world.lookup_field)).keys() == {parent, orphan}
        one = Wanted(ids=[parent, child], empty=world.lookup_field)
        assert self.wanted(world, one).keys() == {parent}

    def test_a_wanted_record_tells_of_the_one_that_it_points_to(self, world: TargetWorld) -> None:
        parent, child, orphan = self.family(world)
        further = f"{world.lookup_field}.{world.key_field}"
        found = self.wanted(world, Wanted(), world.lookup_field, further)
        assert found[child].values == {world.lookup_field: parent, further: "PARENT"}
        assert found[orphan].values == {}
        assert found[child].name == "Name of CHILD"

    def test_a_wanted_record_counts_as_changed_with_its_parent(self, world: TargetWorld) -> None:
        parent, child, orphan = self.family(world)
        since = world.present()
        assert not self.wanted(world, Wanted(since=since, parent=world.lookup_field))
        world.target.write(world.module, [Write({world.name_field: "New"}, parent)])
        assert self.wanted(world, Wanted(since=since)).keys() == {parent}
        both = Wanted(since=since, parent=world.lookup_field)
        assert self.wanted(world, both).keys() == {parent, child}
        assert not self.wanted(world, replace(both, ids=[orphan], empty=world.lookup_field))

    def test_what_was_changed_since_is_not_overwritten(self, world: TargetWorld) -> None:
        changed, left = self.create(world, "A", "B")
        since = self.candidates(world)[left].modified_at
        world.present()
        world.target.write(world.module, [Write({world.name_field: "A person's"}, changed)])
        batch = [Write({world.name_field: "Ours"}, one) for one in (changed, left)]
        refused, written = world.target.write(world.module, batch, unmodified_since=since)
        assert isinstance(refused, Refused)
        assert refused.overtaken
        assert not refused.gone
        assert isinstance(written, Written)
        found = self.read(world, [changed, left])
        assert [found[one][world.name_field] for one in (changed, left)] == ["A person's", "Ours"]

    def test_all_of_a_batch_may_have_been_changed_since(self, world: TargetWorld) -> None:
        ids = self.create(world, "A", "B")
        since = world.present() - 20 * SECOND
        batch = [Write({world.name_field: "Ours"}, one) for one in ids]
        results = world.target.write(world.module, batch, unmodified_since=since)
        assert [isinstance(result, Refused) and result.overtaken for result in results] == [True, True]

    def test_deleted_ids_are_told(self, world: TargetWorld) -> None:
        ids = self.create(world, "A", "B")
        since = world.present()
        world.remove(ids[:1])
        assert ids[0] in world.target.list_deleted(world.module, since)
        assert ids[1] not in world.target.list_deleted(world.module, since)

    def test_the_home_currency_is_an_iso_code(self, world: TargetWorld) -> None:
        code = world.target.currency()
        assert len(code) == 3
        assert code.isupper()


class FieldsContract:
    """What a target that can make fields promises of them."""

    def test_fields_are_made_once(self, world: TargetWorld) -> None:
        need = world.need
        (before,) = world.target.check_fields([need])
        assert not before.exists
        first = world.target.create_fields([need])
        again = world.target.create_fields([need])
        checked = world.target.check_fields([need])
        assert first == again == checked
        assert [(state.need, state.exists, state.problem) for state in checked] == [(need, True, "")]

    def test_a_module_is_made_once(self, world: TargetWorld) -> None:
        need = ModuleNeed("Contract_Modules", "Contract Module", "Contract Modules", "Contract Name")
        (made,) = world.target.create_modules([need])
        assert (made.exists, made.problem, made.left_out) == (True, "", False)
        assert world.target.create_modules([need]) == world.target.check_modules([need]) == [made]
        assert world.target.check_modules([]) == []

    def test_a_field_that_has_to_be_there_is_not_made(self, world: TargetWorld) -> None:
        need = FieldNeed(world.module, "Not_There")
        for ask in (world.target.check_fields, world.target.create_fields):
            (state,) = ask([need])
            assert not state.exists
            assert state.problem
        assert len(world.target.check_fields([need, FieldNeed(world.module, world.name_field)])) == 2

    def test_a_field_of_another_type_is_a_problem(self, world: TargetWorld) -> None:
        world.target.create_fields([world.need])
        (state,) = world.target.check_fields([replace(world.need, type="date", length=None, unique=False)])
        assert state.exists
        assert state.problem
