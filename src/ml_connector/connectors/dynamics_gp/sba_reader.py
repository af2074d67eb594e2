"""Reading by SBA, beside the SOAP side: lists and records of the entities that the settings give to it.

Calls run under the same gate, are counted with SOAP's, and are sent by the same kind of transport.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from ml_connector.connectors.dynamics_gp import errors, sba, sba_meanings, schema
from ml_connector.connectors.dynamics_gp.client import GpClient, Transport
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.sba_config import SbaConfig, SbaResource
from ml_connector.connectors.dynamics_gp.schema import GP_ENTITIES, GpEntity
from ml_connector.connectors.dynamics_gp.soap import AnswerError, is_html
from ml_connector.connectors.dynamics_gp.values import Node, Tree, is_empty_date, to_instant, to_text
from ml_connector.core.change import Change, Page
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError
from ml_connector.core.ports import Check
from ml_connector.core.record import Reading, fold_key

Parsed = TypeVar("Parsed")

_IDLE = timedelta(minutes=5)  # after such a pause GP may have to start a program first
_SECOND = timedelta(seconds=1)
_KEPT = 2000  # whole records of a list that wait to be fetched: some ten megabytes
_COMPANY = "/Tenants({tenant})/Companies({company})"


@dataclass(frozen=True, slots=True)
class _Question:
    """One request."""

    operation: str  #: as it is counted: "GET Vendors"
    target: str  #: path and query
    headers: Mapping[str, str]
    wait_seconds: float
    one: bool = False  #: about one record, which may be held or gone
    post: bool = False


class SbaReader:
    """Reads one company by SBA. Thread-safe; errors as for ``GpClient``."""

    def __init__(self, config: SbaConfig, caller: GpClient, transport: Transport) -> None:
        """``caller`` counts and holds the gate; ``transport`` goes to the server of ``config.address``."""
        self._config = config
        self._base = urlsplit(config.address).path
        self._caller = caller
        self._transport = transport
        self._lock = threading.Lock()
        self._answered_at: datetime | None = None
        self._company_proved = False
        self._kept: dict[tuple[str, str], tuple[Tree, datetime]] = {}
        self._ends: dict[str, set[str]] = {}  # entity -> where pages of its present listing ended

    def serves(self, entity: str) -> bool:
        """Whether the settings give this entity to SBA."""
        return entity in self._config.entities

    def lists_addresses(self, entity: str) -> bool:
        """Whether the entity's addresses are listed by SBA, so that they compare with those of its records."""
        return self.serves(entity) and bool(self._resource(entity).address_list_path)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def forget(self) -> None:
        """Whatever a list brought and nobody fetched is not to be used: a new run begins."""
        with self._lock:
            self._kept.clear()

    def list_changes(self, entity: str, since: datetime | None, after: str | None) -> Page[Change]:
        """What changed at or after ``since``; one page, unless the path of the list has {after}.

        Where the service cannot be asked for a date, the whole list is read and its instants are compared.
        """
        resource = self._resource(entity)
        chosen = since if resource.changed_path or resource.since_header else None
        question = self._of_list(resource, chosen, after)
        began_at = self._caller.clock.now()
        compared = since if chosen is None else None
        rows = self._ask(question, partial(self._listed, resource, question.operation, compared)) or []
        self._keep(entity, [(row, change) for row, change, _ in rows if row], began_at)
        changes = [change for _, change, newer in rows if newer]
        if not rows or "{after}" not in self._list_path(resource, chosen):
            return Page(changes, None)
        return Page(changes, self._end_of_page(entity, rows[-1][1].key, after, question.operation))

    def read(self, entity: str, key: str) -> tuple[Tree | None, datetime]:
        """A record as SOAP would have sent it, None if GP has none, and when its reading began.

        RecordRejectedError when GP refuses just this one.
        """
        with self._lock:
            kept = self._kept.pop((entity, fold_key(key)), None)
        row, began_at = kept or (None, self._caller.clock.now())
        row = row or self._record(entity, key)
        if row is None:
            return None, began_at
        resource = self._resource(entity)
        found = self._addresses(resource, key, row)
        if found is None:
            return None, began_at
        addresses = [sba.address_tree(resource.address_paths, item) for item in found]
        return sba.record_tree(GP_ENTITIES[entity], resource.field_paths, row, addresses), began_at

    def list_addresses(self, entity: str) -> Page[Reading]:
        """All addresses, one reading for each record that has any."""
        resource, listing = self._resource(entity), GP_ENTITIES[entity].facets["addresses"]
        question = self._question(resource.address_list_path, self._caller.config.list_timeout_seconds)
        level, place = listing.levels[0], resource.address_paths["owner_id"]
        groups: dict[str, list[Tree]] = {}
        for row in self._ask(question, partial(self._rows, resource, question.operation)) or []:
            tree = sba.address_tree(resource.address_paths, row, level.path)
            key = _key(schema.key_of(level, tree), question.operation, place)
            groups.setdefault(fold_key(key), []).append(tree)
        readings = [
            Reading(schema.key_of(level, trees[0]), listing.facet, {}, schema.address_digest(trees))
            for trees in groups.values()
        ]
        self._drop_moved(entity, {fold_key(reading.key): reading.digest for reading in readings})
        return Page(readings, None)

    def checks(self, entity: str) -> list[Check]:
        """What ``ping`` tries: the list, one record of it by its key, and the list of addresses."""
        resource = self._resource(entity)
        tried: list[tuple[str, str, Callable[[str], object]]] = [
            (f"{entity} by SBA", resource.changed_path or resource.list_path, self._try_list),
            (f"one of {entity} by SBA", resource.record_path, self._try_one),
        ]
        if resource.address_list_path:
            tried.append((f"addresses of {entity} by SBA", resource.address_list_path, self.list_addresses))
        checks = []
        for name, detail, attempt in tried:
            try:
                attempt(entity)
                checks.append(Check(name, ok=True, detail=detail))
            except ConnectorError as error:
                return [*checks, Check(name, ok=False, detail=error.happened, remedy=error.remedy)]
        return checks

    # ---- questions

    def _try_list(self, entity: str) -> None:
        self.list_changes(entity, self._caller.clock.now(), None)

    def _try_one(self, entity: str) -> None:
        """Read the first record of the whole list: nothing else shows that the fields are where they should be."""
        page = self.list_changes(entity, None, None)
        self.forget()
        if not page.rows:
            return
        key, resource = page.rows[0].key, self._resource(entity)
        try:
            found, _ = self.read(entity, key)
        except RecordRejectedError:
            return  # a fault of this one record: what was asked was understood
        if found is None:
            path = self._about(resource.record_path, key).target
            raise sba_meanings.NOT_FOUND.error(path=path, status=404, said=f"{key} is in its list")

    def _list_path(self, resource: SbaResource, since: datetime | None) -> str:
        return resource.list_path if since is None else resource.changed_path or resource.list_path

    def _of_list(self, resource: SbaResource, since: datetime | None, after: str | None) -> _Question:
        # Whether a service takes "since" for "at" or for "after" is not known: a second less is asked for.
        written = "" if since is None else (since - _SECOND).astimezone(UTC).strftime(resource.since_form)
        template = self._list_path(resource, since)
        question = self._question(
            template, self._caller.config.list_timeout_seconds, since=written, after=after or ""
        )
        dated = {resource.since_header: written} if written and resource.since_header else {}
        name = f"{'POST' if resource.action else 'GET'} {sba.resource_name(template)}"
        headers = {**sba.headers(resource.action), **dated}
        return replace(question, operation=name, headers=headers, post=bool(resource.action))

    def _question(self, template: str, wait_seconds: float, **places: str) -> _Question:
        config = self._config
        target = sba.target(self._base, template, tenant=config.tenant, company=config.company, **places)
        return _Question(f"GET {sba.resource_name(template)}", target, sba.headers(), wait_seconds)

    def _about(self, template: str, key: str) -> _Question:
        question = self._question(template, self._caller.config.timeout_seconds, key=key)
        return replace(question, one=True)

    # ---- answers

    def _rows(self, resource: SbaResource, operation: str, body: bytes) -> list[Tree]:
        return list(sba.read_rows(body, resource.rows_at, operation))

    def _listed(
        self, resource: SbaResource, operation: str, since: datetime | None, body: bytes
    ) -> list[tuple[Tree | None, Change, bool]]:
        """Each row (where it is a whole record to be kept), what it says, and whether it may be from ``since`` on."""
        gp, listed, seen = GP_ENTITIES[resource.entity], [], set[str]()
        for row in sba.read_rows(body, resource.rows_at, operation):
            change = _change(gp, resource, row, operation)
            if fold_key(change.key) in seen:
                raise sba_meanings.OTHER_RECORD.error(
                    operation=operation, found=f"{change.key!r} twice", asked="each record once"
                )
            seen.add(fold_key(change.key))
            newer = since is None or _may_be_newer(change, _stamp(resource, row), since)
            keep = newer and resource.whole and len(seen) <= _KEPT
            listed.append((row if keep else None, change, newer))
        return listed

    def _keep(self, entity: str, found: Sequence[tuple[Tree, Change]], began_at: datetime) -> None:
        with self._lock:
            for row, change in found[: max(0, _KEPT - len(self._kept))]:
                self._kept[entity, fold_key(change.key)] = (row, began_at)

    def _drop_moved(self, entity: str, digests: Mapping[str, str]) -> None:
        """What a list brought before its addresses moved would be fetched as if it were newer than they are."""
        resource = self._resource(entity)
        with self._lock:
            kept = [(name, row) for name, (row, _) in self._kept.items() if name[0] == entity]
            for name, row in kept:
                found = sba.nested(row, resource.addresses_at)
                trees = [sba.address_tree(resource.address_paths, item) for item in found]
                if schema.address_digest(trees) != digests.get(name[1]):
                    del self._kept[name]

    def _end_of_page(self, entity: str, key: str, after: str | None, operation: str) -> str:
        """The last key of a page; a service that comes to the same one again would be asked for ever."""
        ends = self._ends[entity] = self._ends.get(entity, set()) if after is not None else set()
        if fold_key(key) in ends:
            raise sba_meanings.OTHER_RECORD.error(
                operation=operation, found=f"{key!r} again", asked="what comes after it"
            )
        ends.add(fold_key(key))
        return key

    def _record(self, entity: str, key: str) -> Tree | None:
        """The row of a record, None where there is none."""
        resource = self._resource(entity)
        question, place = self._about(resource.record_path, key), resource.field_paths[_own(entity)]
        self._prove_company()
        parse = partial(sba.read_object, places=resource.record_at, operation=question.operation)
        row = self._ask_twice(question, parse)
        if row is not None:
            found = _key(to_text(sba.value(row, place)) or "", question.operation, place)
            if fold_key(found) != fold_key(key):
                raise sba_meanings.OTHER_RECORD.error(
                    operation=question.operation, found=repr(found), asked=repr(key)
                )
        return row

    def _addresses(self, resource: SbaResource, key: str, row: Tree) -> Sequence[Tree] | None:
        """None: the record went meanwhile. A path that leads nowhere would else empty every address."""
        if not resource.addresses_path:
            return sba.nested(row, resource.addresses_at)
        question = self._about(resource.addresses_path, key)
        rows = self._ask_twice(question, partial(self._rows, resource, question.operation))
        if rows is None and self._record(resource.entity, key) is not None:
            raise sba_meanings.NOT_FOUND.error(
                path=question.target, status=404, said=f"{key} itself is there"
            )
        return rows

    def _prove_company(self) -> None:
        """A record that is gone is told from a company that never was: both are 404."""
        if not self._company_proved:
            self._ask(self._question(_COMPANY, self._caller.config.timeout_seconds), lambda _: None)

    def _ask_twice(self, question: _Question, parse: Callable[[bytes], Parsed]) -> Parsed | None:
        """About one record: GP is asked again before its failure holds the record."""
        try:
            return self._ask(question, parse)
        except RecordRejectedError as error:
            if error.code != sba_meanings.FAILED.code:
                raise
            return self._ask(question, parse)

    def _ask(self, question: _Question, parse: Callable[[bytes], Parsed]) -> Parsed | None:
        """The parsed answer; None where the one record that was asked for does not exist."""

        def parsed(answer: Answer) -> Parsed | None:
            if question.one and answer.status == 404 and not is_html(answer.body):
                return None  # GP says so; a page is the web server's, which has no service at this path (any more)
            error = errors.from_sba(answer, question.operation, question.target, one=question.one)
            if error is not None:
                raise error
            try:
                found = parse(answer.body)
            except AnswerError as broken:
                raise errors.from_json(broken, question.operation) from broken
            self._company_proved = True
            return found

        return self._caller.ask(question.operation, partial(self._send, question), parsed)

    def _send(self, question: _Question) -> Answer:
        """Send; the first call after a pause may take as long as GP needs to start a program."""
        now, answered_at = self._caller.clock.now(), self._answered_at
        cold = answered_at is None or now - answered_at > _IDLE
        wait = max(question.wait_seconds, self._config.first_timeout_seconds if cold else 0)
        if question.post:
            answer = self._transport.post(b"", question.headers, wait, question.target)
        else:
            answer = self._transport.get(question.target, question.headers, wait)
        self._answered_at = self._caller.clock.now()
        return answer

    def _resource(self, entity: str) -> SbaResource:
        found: SbaResource = getattr(self._config.resources, entity)
        return found


def _stamp(resource: SbaResource, row: Tree) -> Node:
    try:
        return sba.value(row, resource.field_paths.get("modified_at", ""))
    except RecordRejectedError:
        return None


def _may_be_newer(change: Change, said: Node, since: datetime) -> bool:
    """Whether a row is from ``since`` or later; without an instant it may be, but GP's empty date is older than all."""
    return not is_empty_date(said) if change.at is None else change.at >= since


def _own(entity: str) -> str:
    return GP_ENTITIES[entity].fields[0].name


def _key(key: str, operation: str, place: str) -> str:
    if not key:
        raise sba_meanings.NO_KEY.error(operation=operation, place=place)
    return key


def _change(gp: GpEntity, resource: SbaResource, row: Tree, operation: str) -> Change:
    """A row of a list, as far as it says what changed; an unreadable stamp settles nothing: the record is read."""
    paths = resource.field_paths
    place = paths[gp.fields[0].name]
    try:
        key, name = to_text(sba.value(row, place)), to_text(sba.value(row, paths.get("name", "")))
    except RecordRejectedError as error:
        raise ConfigurationError(f"{operation}: {error.happened}", error.remedy) from error
    try:
        at = to_instant(_stamp(resource, row))
    except RecordRejectedError:
        at = None
    return Change(_key(key or "", operation, place), name or "", at)
