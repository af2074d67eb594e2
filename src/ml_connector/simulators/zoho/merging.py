"""Merging records: the children go to the recycle bin, what pointed to them points to the master (Zoho's "Merge").

Nothing afterwards says which record a child became: /deleted lists it as any other.
"""

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.checking import Candidate
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import JsonObject, Reply, failure, items_reply
from ml_connector.simulators.zoho.writing import Commit

MAX_CHILDREN = 2
CREDITS = 50


def merge_records(call: Call) -> Reply:
    """POST /{Module}/{id}/actions/merge: the master keeps its values but for the fields named in the children."""
    spec = call.items("merge", 1)[0]
    table = call.table
    with call.org.lock:
        error = _error(table, call.record, spec)
        if error:
            return items_reply("merge", [error])
        commit = Commit(call.org, table, call.user)
        children = [child["id"] for child in spec["data"]]
        join_records(commit, call.org, table, (call.record, children), _chosen_values(table, spec["data"]))
        commit.finish([])
    message = "The records have been merged successfully"
    item = {"code": "SUCCESS", "details": {"id": call.record}, "message": message, "status": "success"}
    return items_reply("merge", [item])


def join_records(
    commit: Commit, org: Org, table: Table, who: tuple[str, list[str]], values: Row
) -> JsonObject:
    """Makes master and children (`who`) one record with these values; the lock is held. The item of the update."""
    master, children = who
    for child in children:
        commit.delete(child)
    item = commit.update(master, Candidate("$.merge[0]", values, [], [], []))
    for child in children:
        _point_elsewhere(org, table.module.api_name, child, master)
    return item


def _point_elsewhere(org: Org, module: str, old: str, new: str) -> None:
    """Lookups to `old` lead to `new`; whether that stamps the records is not documented: it does not here."""
    for other in org.tables.values():
        for name in [name for name, target in other.module.lookups.items() if target == module]:
            for row_id in other.having(name, old):
                row: Row = {**other.rows[row_id], name: new}
                other.replace(row)


def _chosen_values(table: Table, children: list[JsonObject]) -> Row:
    """What the fields named in the children hold there; an empty one takes nothing from the master (inferred)."""
    return {
        field["api_name"]: table.rows[child["id"]][field["api_name"]]
        for child in children
        for field in child.get("_fields") or ()
        if field["api_name"] in table.rows[child["id"]]
    }


def _error(table: Table, master: str, spec: JsonObject) -> JsonObject | None:
    children, path = spec.get("data"), "$.merge[0].data"
    if not isinstance(children, list) or not 1 <= len(children) <= MAX_CHILDREN:
        return failure("INVALID_DATA", "invalid data", {"api_name": "data", "json_path": path})
    if master not in table.rows:
        return failure("INVALID_DATA", "the id given seems to be invalid", {"resource_path_index": 1})
    ids = [child.get("id") if isinstance(child, dict) else None for child in children]
    for number, child_id in enumerate(ids):
        details = {"api_name": "id", "json_path": f"{path}[{number}].id"}
        if child_id is None:
            return failure("MANDATORY_NOT_FOUND", "required field not found", details)
        if child_id not in table.rows:
            return failure("INVALID_DATA", "the id given seems to be invalid", details)
        if child_id == master or ids.index(child_id) < number:
            return failure("DUPLICATE_DATA", "duplicate data", details)
    return None
