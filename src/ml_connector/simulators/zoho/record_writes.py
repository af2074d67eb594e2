"""Insert, update, upsert and delete: from the body to the commit."""

from collections.abc import Callable

from ml_connector.simulators.zoho.call import MAX_RECORDS, Call, split_ids
from ml_connector.simulators.zoho.checking import Candidate, Checker
from ml_connector.simulators.zoho.external_ids import parse_header, record_id, resolve_lookups
from ml_connector.simulators.zoho.matching import fields_to_try, find_match
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    Reply,
    invalid_parameter,
    items_reply,
    missing_parameter,
)
from ml_connector.simulators.zoho.writing import Commit


def insert_records(call: Call) -> Reply:
    """POST /{Module}."""
    candidates = _candidates(call)
    return items_reply("data", _commit(call, candidates, Commit.insert), created=201)


def update_records(call: Call) -> Reply:
    """PUT /{Module}: each item carries its id."""
    table = call.table
    external = parse_header(table, call.headers.get("x-external"))

    def update(commit: Commit, candidate: Candidate) -> JsonObject:
        if external.own and external.own in candidate.values and candidate.id is None:
            candidate.id = record_id(table, external, candidate.values[external.own]) or "0"
        return commit.update(candidate.id, candidate)

    return items_reply("data", _commit(call, _candidates(call), update))


def update_record(call: Call) -> Reply:
    """PUT /{Module}/{id}."""
    table = call.table
    external = parse_header(table, call.headers.get("x-external"))

    def update(commit: Commit, candidate: Candidate) -> JsonObject:
        return commit.update(record_id(table, external, call.record) or "0", candidate)

    return items_reply("data", _commit(call, _candidates(call)[:1], update))


def upsert_records(call: Call) -> Reply:
    """POST /{Module}/upsert."""
    table = call.table
    fields = fields_to_try(table.module, call.body.get("duplicate_check_fields"))

    def upsert(commit: Commit, candidate: Candidate) -> JsonObject:
        matched_by, found = find_match(table, candidate.values, fields)
        item = commit.update(found, candidate) if found else commit.insert(candidate)
        if item["code"] == "SUCCESS":
            item["duplicate_field"] = matched_by
            item["action"] = "update" if found else "insert"
        return item

    return items_reply("data", _commit(call, _candidates(call), upsert))


def delete_records(call: Call) -> Reply:
    """DELETE /{Module}?ids= and DELETE /{Module}/{id}."""
    table = call.table
    external = parse_header(table, call.headers.get("x-external"))
    given = [call.record] if call.record else ids_to_delete(call)
    commit = Commit(call.org, table, call.user)
    with call.org.lock:
        items = [commit.delete(record_id(table, external, one) or one) for one in given]
        commit.finish([] if call.query.get("wf_trigger") == "false" else ["workflow"])
    return items_reply("data", items)


def ids_to_delete(call: Call) -> list[str]:
    """The `ids` parameter, at most 100."""
    ids = split_ids(call.query.get("ids", ""))
    if not ids:
        raise missing_parameter("ids")
    if len(ids) > MAX_RECORDS:
        raise invalid_parameter("ids")
    return ids


def check_items(org: Org, table: Table, items: list[JsonObject]) -> list[Candidate]:
    """The items checked without a lock."""
    module = table.module
    lines = org.tables[module.subform.subform or ""].module if module.subform else None
    checker = Checker(module, lines, refuse_unknown=org.options.unknown_fields == "error")
    return [checker.check(item, f"$.data[{number}]") for number, item in enumerate(items)]


def _candidates(call: Call) -> list[Candidate]:
    table, items = call.table, call.items("data", MAX_RECORDS)
    header = call.headers.get("x-external")
    if header:
        resolve_lookups(call.org, table, parse_header(table, header), items)
    return check_items(call.org, table, items)


def _commit(
    call: Call, candidates: list[Candidate], write: Callable[[Commit, Candidate], JsonObject]
) -> list[JsonObject]:
    triggers = call.triggers()
    commit = Commit(call.org, call.table, call.user)
    commit.unmodified_since = call.instant_header("if-unmodified-since")
    with call.org.lock:
        items = [write(commit, candidate) for candidate in candidates]
        commit.finish(triggers)
    return items
