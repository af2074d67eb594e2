"""Reading by SBA, beside the SOAP side: lists and records of the entities that the settings give to it.

Calls run under the same gate, are counted with SOAP's, and are sent by the same kind of transport.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from ml_connector.connectors.dynamics_gp import ledger, sba, sba_meanings, sba_trees, schema
from ml_connector.connectors.dynamics_gp.client import GpClient, Transport
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.sba_caller import Question, SbaCaller, about_one
from ml_connector.connectors.dynamics_gp.sba_config import (
    SbaAccounts,
    SbaConfig,
    SbaEntries,
    SbaMasters,
    SbaResource,
)
from ml_connector.connectors.dynamics_gp.sba_trees import Listed
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.change import Change, Page
from ml_connector.core.errors import ConnectorError, RecordRejectedError
from ml_connector.core.ports import Check
from ml_connector.core.record import Reading, fold_key

Parsed = TypeVar("Parsed")

_SECOND = timedelta(seconds=1)
_KEPT = 8_000_000  # characters of whole records of a list, as they came, that wait to be fetched


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a list."""

    listed: Listed
    written: str  #: as it came, where it is a whole record


class SbaReader:
    """Reads one company by SBA. Thread-safe; errors as for ``GpClient``."""

    def __init__(self, config: SbaConfig, caller: GpClient, transport: Transport) -> None:
        """``caller`` counts and holds the gate; ``transport`` goes to the server of ``config.address``."""
        self._config = config
        self._caller = caller
        self._sba = SbaCaller(config, caller, transport)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._kept_size = 0
        self._ends: dict[str, dict[str, str | None]] = {}  # entity -> where a page ended -> and began behind

    def serves(self, entity: str) -> bool:
        """Whether the settings give this entity to SBA."""
        return entity in self._config.entities

    def lists_addresses(self, entity: str) -> bool:
        """Whether the entity's addresses are listed by SBA, so that they compare with those of its records."""
        resource = self._config.resources.of(entity)
        return self.serves(entity) and isinstance(resource, SbaMasters) and bool(resource.address_list_path)

    def needs_format(self, entity: str) -> bool:
        """Whether the account format, which SOAP tells, makes the segments of its records."""
        resource = self._config.resources.of(entity)
        return isinstance(resource, SbaAccounts) and not resource.brings_segments

    def close(self) -> None:
        """Close the connections."""
        self._sba.close()

    def forget(self) -> None:
        """Whatever a list brought and nobody fetched is not to be used: a new run begins."""
        with self._lock:
            self._kept.clear()
            self._kept_size = 0

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        """What changed at or after ``since``; one page, unless the path of the list has {after}.

        Where the service cannot be asked for a date, the whole list is read and its instants are compared.
        """
        resource = self._resource(entity)
        chosen = since if resource.changed_path or resource.since_header else None
        question = self._of_list(resource, chosen, after)
        began_at = self._caller.clock.now()
        compared = since if chosen is None else None
        listed = self._sba.ask(question, partial(self._listed, resource, question.operation))
        assert listed is not None  # that is for one record
        rows, end = listed
        wanted = [row for row in rows if self._is_wanted(row.listed, compared)]
        if resource.whole:
            self._keep(entity, wanted, began_at)
        changes = [row.listed.change for row in wanted]
        if not rows or "{after}" not in self._list_path(resource, chosen):
            return Page(changes, None)
        return Page(changes, self._end_of_page(entity, end, after, question.operation))

    def read(self, entity: str, key: str) -> tuple[Tree | None, datetime]:
        """A record as SOAP would have sent it, None if GP has none, and when its reading began.

        RecordRejectedError when GP refuses just this one.
        """
        resource = self._resource(entity)
        kept, began_at = self._take(entity, key) or ("", self._caller.clock.now())
        row = sba.read_row(kept) if kept else self._record(resource, key)
        if row is None:
            return None, began_at
        addresses = self._addresses(resource, key, row) if isinstance(resource, SbaMasters) else ()
        if addresses is None:
            return None, began_at
        operation = f"the list of {entity}" if kept else f"GET {sba.resource_name(resource.record_path)}"
        tree = sba_trees.record_tree(resource, row, operation, addresses)
        return (tree if self._is_read(resource, tree) else None), began_at

    def list_addresses(self, entity: str) -> Page[Reading]:
        """All addresses, one reading for each record that has any."""
        resource, listing = self._masters(entity), MASTERS[entity].facets["addresses"]
        question = self._sba.question(resource.address_list_path, self._caller.config.list_timeout_seconds)
        level, place = listing.levels[0], resource.address_paths["owner_id"]
        groups: dict[str, list[Tree]] = {}
        for row in self._sba.ask(question, partial(self._rows, resource, question.operation)) or []:
            tree = sba_trees.address_tree(resource.address_paths, row, level.path)
            key = schema.key_of(level, tree)
            if not key:
                raise sba_meanings.NO_KEY.error(operation=question.operation, place=place)
            groups.setdefault(fold_key(key), []).append(tree)
        readings = [
            Reading(schema.key_of(level, trees[0]), listing.facet, {}, schema.address_digest(trees))
            for trees in groups.values()
        ]
        self._drop_moved(entity, {fold_key(reading.key): reading.digest for reading in readings})
        return Page(readings, None)

    def checks(self, entity: str) -> list[Check]:
        """What ``ping`` tries: the list, one record of it by its key, and the list of addresses."""
        tried = [(f"{entity} by SBA", self._try_list), (f"one of {entity} by SBA", self._try_one)]
        if self.lists_addresses(entity):
            tried.append((f"addresses of {entity} by SBA", self._try_addresses))
        checks = []
        for name, attempt in tried:
            try:
                checks.append(Check(name, ok=True, detail=attempt(entity)))
            except ConnectorError as error:
                return [*checks, Check(name, ok=False, detail=error.happened, remedy=error.remedy)]
        return checks

    # ---- questions

    def _try_list(self, entity: str) -> str:
        now = self._caller.clock.now()
        self.list_changes(entity, now, None)
        return self._list_path(self._resource(entity), now)

    def _try_addresses(self, entity: str) -> str:
        self.list_addresses(entity)
        return self._masters(entity).address_list_path

    def _try_one(self, entity: str) -> str:
        """Read the first record of the whole list: nothing else shows that the fields are where they should be."""
        page = self.list_changes(entity, None, None)
        self.forget()
        resource = self._resource(entity)
        if not page.rows:
            return f"{resource.record_path} was not tried: the list names no record that is read."
        key = page.rows[0].key
        try:
            found, _ = self.read(entity, key)
        except RecordRejectedError as error:
            # A fault of this one record, or of all of them: what was asked was understood.
            return f"{resource.record_path}: {key} would be held. {error.happened}"
        if found is None:
            path = self._about(resource, resource.record_path, key).target
            raise sba_meanings.NOT_FOUND.error(path=path, status=404, said=f"{key} is in its list")
        return resource.record_path

    def _list_path(self, resource: SbaResource, since: datetime | None) -> str:
        return resource.list_path if since is None else resource.changed_path or resource.list_path

    def _of_list(self, resource: SbaResource, since: datetime | None, after: str | None) -> Question:
        # Whether a service takes "since" for "at" or for "after" is not known: a second less is asked for.
        written = "" if since is None else (since - _SECOND).astimezone(UTC).strftime(resource.since_form)
        template = self._list_path(resource, since)
        behind = (sba_trees.key_parts(resource.entity, after) if after else None) or ""
        question = self._sba.question(
            template, self._caller.config.list_timeout_seconds, since=written, after=behind
        )
        dated = {resource.since_header: written} if written and resource.since_header else {}
        name = f"{'POST' if resource.action else 'GET'} {sba.resource_name(template)}"
        headers = {**sba.headers(resource.action), **dated}
        return replace(question, operation=name, headers=headers, post=bool(resource.action))

    def _about(self, resource: SbaResource, template: str, key: str) -> Question:
        parts = sba_trees.key_parts(resource.entity, key) or key
        question = self._sba.question(template, self._caller.config.timeout_seconds, key=parts)
        return about_one(question)

    # ---- answers

    def _rows(self, resource: SbaResource, operation: str, body: bytes) -> list[Tree]:
        return list(sba.read_rows(body, resource.rows_at, operation))

    def _listed(self, resource: SbaResource, operation: str, body: bytes) -> tuple[list[_Row], str]:
        """The rows of a list, one for each record, and the key that the next page is asked for by.

        Of an entry that moves meanwhile, the row that is further on counts.
        """
        rows: dict[str, _Row] = {}
        end = ""
        for written in sba.split_rows(body, resource.rows_at, operation):
            listed = sba_trees.listed(resource, sba.read_row(written), operation)
            key, end = fold_key(listed.change.key), listed.behind
            known = rows.get(key)
            if known is not None and known.listed.place == listed.place:
                raise sba_meanings.OTHER_RECORD.error(
                    operation=operation, found=f"{listed.change.key!r} twice", asked="each record once"
                )
            if known is None or listed.place.rank > known.listed.place.rank:
                rows[key] = _Row(listed, written if resource.whole else "")
        return list(rows.values()), end

    def _is_wanted(self, listed: Listed, since: datetime | None) -> bool:
        return self._is_state_read(listed.place.state) and (since is None or listed.may_be_newer(since))

    def _is_state_read(self, state: str) -> bool:
        """Whether entries in this state are read; one that is none of GP's is read, and held."""
        return state != ledger.WORK or self._caller.config.unposted_entries

    def _is_read(self, resource: SbaResource, tree: Tree) -> bool:
        return not isinstance(resource, SbaEntries) or self._is_state_read(ledger.place_of_row(tree).state)

    def _keep(self, entity: str, rows: Sequence[_Row], began_at: datetime) -> None:
        with self._lock:
            for row in rows:
                name = entity, fold_key(row.listed.change.key)
                self._kept_size += len(row.written) - len(self._kept.pop(name, ("", began_at))[0])
                if self._kept_size > _KEPT:
                    self._kept_size -= len(row.written)
                else:
                    self._kept[name] = row.written, began_at

    def _take(self, entity: str, key: str) -> tuple[str, datetime] | None:
        with self._lock:
            kept = self._kept.pop((entity, fold_key(key)), None)
            self._kept_size -= len(kept[0]) if kept else 0
            return kept

    def _drop_moved(self, entity: str, digests: Mapping[str, str]) -> None:
        """What a list brought before its addresses moved would be fetched as if it were newer than they are."""
        resource = self._masters(entity)
        with self._lock:
            kept = {name[1]: written for name, (written, _) in self._kept.items() if name[0] == entity}
        for key, written in kept.items():
            found = sba_trees.nested(sba.read_row(written), resource.addresses_at)
            trees = [sba_trees.address_tree(resource.address_paths, item) for item in found]
            if schema.address_digest(trees) != digests.get(key):
                self._take(entity, key)

    def _end_of_page(self, entity: str, key: str, after: str | None, operation: str) -> str:
        """The last key of a page; a service that comes back to one before it would be asked for ever.

        A page may be asked for twice, by a step that is done again or by another flow: that is no way back.
        """
        with self._lock:
            ends = self._ends[entity] = self._ends.get(entity, {}) if after is not None else {}
            place = after
            while place is not None and fold_key(place) != fold_key(key):
                place = ends.get(fold_key(place))
            if place is not None:
                raise sba_meanings.OTHER_RECORD.error(
                    operation=operation, found=f"{key!r} again", asked="what comes after it"
                )
            ends[fold_key(key)] = after
        return key

    def _record(self, resource: SbaResource, key: str) -> Tree | None:
        """The row of a record, None where there is none."""
        if (wanted := sba_trees.key_parts(resource.entity, key)) is None:
            return None
        question = self._about(resource, resource.record_path, key)
        self._sba.prove_company()
        parse = partial(sba.read_object, places=resource.record_at, operation=question.operation)
        row = self._sba.ask_twice(question, parse)
        if row is not None:
            found = sba_trees.key_of(resource, row, question.operation)
            parts = sba_trees.key_parts(resource.entity, found) or ()
            if [*map(fold_key, parts)] != [*map(fold_key, wanted)]:
                raise sba_meanings.OTHER_RECORD.error(
                    operation=question.operation, found=repr(found), asked=repr(key)
                )
        return row

    def _addresses(self, resource: SbaMasters, key: str, row: Tree) -> Sequence[Tree] | None:
        """As SOAP would have sent them; None: the record went meanwhile.

        A path that leads nowhere would else empty every address.
        """
        rows: Sequence[Tree] | None = sba_trees.nested(row, resource.addresses_at)
        if resource.addresses_path:
            question = self._about(resource, resource.addresses_path, key)
            rows = self._sba.ask_twice(question, partial(self._rows, resource, question.operation))
            if rows is None and self._record(resource, key) is not None:
                raise sba_meanings.NOT_FOUND.error(
                    path=question.target, status=404, said=f"{key} itself is there"
                )
        return rows and [sba_trees.address_tree(resource.address_paths, item) for item in rows]

    def _resource(self, entity: str) -> SbaResource:
        return self._config.resources.of(entity)

    def _masters(self, entity: str) -> SbaMasters:
        resource = self._resource(entity)
        assert isinstance(resource, SbaMasters), entity
        return resource
