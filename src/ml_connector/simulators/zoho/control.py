"""`/_control/`: what a test or a demo does to the organisation and learns of it. JSON, no sign-in, no credits.

| call | does |
| --- | --- |
| GET counts | calls by kind and status, writes by module and action, records, credits, peaks, tokens |
| GET records/{module}?offset&limit | every field of the records, in id order |
| POST records/{module} | seeds `{"records": [...]}`, told to no channel; may set Created_Time and Modified_Time |
| POST create/{module} | `{"records": [...]}` made by a person |
| POST edit/{module} | `{"records": [{"id", ...}]}` changed by a person (another Modified_By) |
| POST delete/{module} | `{"ids": [...], "permanent": false}` |
| POST restore/{module} | `{"ids": [...]}` back from the recycle bin with their old ids |
| POST merge/{module} | `{"master": id, "children": [ids]}`: children go, their values fill the master's empty fields |
| POST fields/{module} | `{"changes": [{"api_name", ...}]}`: an administrator changes fields (see schema_changes.py) |
| POST modules | `{"singular_label", "plural_label", "api_name"}`: a custom module more, limits or not |
| DELETE modules/{module} | removes a custom module with its records and the lookups to it |
| POST layouts/{module} | `{"name", "required": [fields], "without": [fields]}`: another layout; answers its id |
| POST users | `{"users": [{"id", "first_name", "last_name", "email", "status", ...}]}`: added or changed |
| GET/POST settings | the options that can change, and `credits_remaining` |
| GET/POST/DELETE faults | the fault plan (see faults.py): `[{"match", "kind", "nth", "every" or "count", "seconds"}]` |
| DELETE delays | every answer that a fault delays is given now |
| GET bulk/jobs | the bulk jobs in the order of their creation: id, operation, rows, done, state, ending |
| GET/POST bulk/fates | what becomes of the next jobs that are created: `[{"ending", "rows"}]`, see bulk_jobs.Fate |
| POST bulk/end | `{"id", "ending", "rows"}`: a job ends now, as soon as those before it have (default: completed) |
| GET callbacks | the callbacks of bulk jobs, the latest last: job, url, status (0: no answer), said |
| GET/POST callbacks/fates | what becomes of the next ones: `[{"kind": "drop", "delay" or "duplicate", "seconds"}]` |
| channels, notices | channels and notifications: see watch_control.py |
| POST tokens/revoke | `{"refresh_token"}`, without it the ready one |
| POST tokens/expire | every access token is refused from now on |
| POST grant_codes | `{"scopes"}`: a code for one use within three minutes |
| GET/DELETE requests | the latest requests; DELETE sets the counts to zero, too |
"""

import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from ml_connector.simulators.zoho.bulk_jobs import Ending, Fate
from ml_connector.simulators.zoho.callbacks import CallbackFate, Planned
from ml_connector.simulators.zoho.clock import parse_instant
from ml_connector.simulators.zoho.faults import Fault, FaultKind
from ml_connector.simulators.zoho.layouts import Layout
from ml_connector.simulators.zoho.merging import join_records
from ml_connector.simulators.zoho.module_calls import new_module
from ml_connector.simulators.zoho.notices import changes_of, tell
from ml_connector.simulators.zoho.options import ALL_SCOPES, CHANGEABLE
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.people import API_USER, SALES_USER, User
from ml_connector.simulators.zoho.record_writes import check_items
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import JsonObject, Reply, RequestRefusedError, failure, json_reply
from ml_connector.simulators.zoho.schema_changes import change_fields, remove_module
from ml_connector.simulators.zoho.watch_control import watch_controls
from ml_connector.simulators.zoho.writing import Commit

PREFIX = "/_control/"


class Control:
    """Answers the control calls of one organisation."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._calls: dict[str, Callable[[Any], object]] = {
            "GET counts": lambda _: self._counts(),
            "GET settings": lambda _: self._settings(),
            "POST settings": self._change,
            "GET faults": lambda _: org.faults.to_json(),
            "POST faults": self._plan_faults,
            "DELETE faults": lambda _: self._plan_faults([]),
            "DELETE delays": self._end_delays,
            "GET bulk/jobs": lambda _: self._jobs(),
            "GET bulk/fates": lambda _: self._fates(),
            "POST bulk/fates": self._plan_fates,
            "POST bulk/end": self._end_job,
            "GET callbacks": lambda _: self._callbacks(),
            "GET callbacks/fates": lambda _: self._callback_fates(),
            "POST callbacks/fates": self._plan_callbacks,
            "POST tokens/revoke": self._revoke,
            "POST tokens/expire": lambda _: {"expired": org.accounts.expire_access_tokens()},
            "POST grant_codes": self._grant_code,
            "POST users": self._employ,
            "POST modules": self._make_module,
            "GET requests": lambda _: org.journal.requests(),
            "DELETE requests": lambda _: self._clear(),
            **watch_controls(org),
        }
        self._module_calls: dict[str, Callable[[Table, Any], object]] = {
            "GET records": self._dump,
            "POST records": self._seed,
            "POST create": self._create,
            "POST edit": self._edit,
            "POST delete": self._delete,
            "POST restore": self._restore,
            "POST merge": self._merge,
            "POST fields": self._change_fields,
            "POST layouts": self._add_layout,
            "DELETE modules": self._remove_module,
        }

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Reply:
        """The answer to a control call; `path` is without the prefix."""
        try:
            given = orjson.loads(body) if body else {}
            return json_reply(200, self._dispatch(method, path, query, given))
        except RequestRefusedError as error:
            return error.reply()
        except (KeyError, TypeError, ValueError) as error:
            return json_reply(400, failure("INVALID_DATA", f"{type(error).__name__}: {error}", {}))

    def _dispatch(self, method: str, path: str, query: dict[str, str], given: Any) -> object:  # noqa: ANN401
        call = self._calls.get(f"{method} {path}")
        if call:
            return call(given)
        verb, _, module = path.partition("/")
        module_call = self._module_calls.get(f"{method} {verb}")
        if module_call is None or module not in self._org.tables:
            raise RequestRefusedError(404, "INVALID_URL_PATTERN", f"no control call {method} {path}")
        return module_call(self._org.tables[module], query if method == "GET" else given)

    def _counts(self) -> JsonObject:
        org, limits = self._org, self._org.limits
        return {
            **org.journal.counts(),
            "records": {name: len(table.rows) for name, table in list(org.tables.items())},
            "credits_used": limits.credits_ever,
            "credits_remaining": limits.remaining(),
            "peak_concurrency": limits.peak,
            "peak_sub_concurrency": limits.heavy_peak,
            "refused_by_limits": limits.refused,
            "tokens_issued": org.accounts.issued,
        }

    def _settings(self) -> JsonObject:
        shown = {name: getattr(self._org.options, name) for name in sorted(CHANGEABLE)}
        return {**shown, "credits_remaining": self._org.limits.remaining()}

    def _change(self, given: JsonObject) -> JsonObject:
        unknown = given.keys() - CHANGEABLE - {"credits_remaining"}
        if unknown:
            raise KeyError(*sorted(unknown))
        self._org.change({name: value for name, value in given.items() if name in CHANGEABLE})
        if "credits_remaining" in given:
            self._org.limits.set_remaining(given["credits_remaining"])
        return self._settings()

    def _end_delays(self, _: object) -> list[JsonObject]:
        self._org.faults.release()
        return []

    def _plan_faults(self, given: list[JsonObject]) -> list[JsonObject]:
        self._org.faults.replace([Fault(**{**one, "kind": FaultKind(one["kind"])}) for one in given])
        return self._org.faults.to_json()

    def _jobs(self) -> list[JsonObject]:
        with self._org.lock:
            return [job.to_json() for job in self._org.jobs.by_id.values()]

    def _fates(self) -> list[JsonObject]:
        with self._org.lock:
            return [{"ending": fate.ending.value, "rows": fate.rows} for fate in self._org.jobs.planned]

    def _plan_fates(self, given: list[JsonObject]) -> list[JsonObject]:
        with self._org.lock:
            self._org.jobs.planned = deque(_fate(one) for one in given)
        return self._fates()

    def _end_job(self, given: JsonObject) -> list[JsonObject]:
        with self._org.lock:
            self._org.jobs.end(given["id"], _fate(given), self._org.clock.now())
        return self._jobs()

    def _callbacks(self) -> list[JsonObject]:
        with self._org.lock:
            return list(self._org.callbacks.sent)

    def _callback_fates(self) -> list[JsonObject]:
        with self._org.lock:
            planned = list(self._org.callbacks.planned)
        return [{"kind": one.kind.value, "seconds": one.seconds} for one in planned]

    def _plan_callbacks(self, given: list[JsonObject]) -> list[JsonObject]:
        planned = deque(Planned(CallbackFate(one["kind"]), one.get("seconds", 0.0)) for one in given)
        with self._org.lock:
            self._org.callbacks.planned = planned
        return self._callback_fates()

    def _revoke(self, given: JsonObject) -> JsonObject:
        token = given.get("refresh_token", self._org.options.refresh_token)
        return {"revoked": self._org.accounts.revoke(token)}

    def _grant_code(self, given: JsonObject) -> JsonObject:
        code = f"1000.{secrets.token_hex(16)}"
        self._org.accounts.add_code(code, given.get("scopes", ALL_SCOPES))
        return {"code": code}

    def _clear(self) -> JsonObject:
        self._org.journal.clear()
        return {}

    def _dump(self, table: Table, query: dict[str, str]) -> JsonObject:
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "200"))
        with self._org.lock:
            chosen = [table.rows[row_id] for row_id in table.ids[offset : offset + limit]]
            total = len(table.ids)
            data = [self._org.render_row(table.module.api_name, row) for row in chosen]
        return {"data": data, "total": total}

    def _seed(self, table: Table, given: JsonObject) -> JsonObject:
        records = given["records"]
        now = int(self._org.clock.now())
        stamps = [_stamps(record, now) for record in records]
        candidates = check_items(self._org, table, records)
        commit = Commit(self._org, table, API_USER)
        items = []
        with self._org.lock:
            for candidate, (created_at, modified_at) in zip(candidates, stamps, strict=True):
                commit.created_at, commit.modified_at = created_at, modified_at
                items.append(commit.insert(candidate))
        return _outcome(items)

    def _create(self, table: Table, given: JsonObject) -> JsonObject:
        candidates = check_items(self._org, table, given["records"])
        commit = Commit(self._org, table, SALES_USER)
        with self._org.lock:
            items = [commit.insert(candidate) for candidate in candidates]
            commit.publish()
        return _outcome(items)

    def _edit(self, table: Table, given: JsonObject) -> JsonObject:
        candidates = check_items(self._org, table, given["records"])
        commit = Commit(self._org, table, SALES_USER)
        with self._org.lock:
            items = [commit.update(candidate.id, candidate) for candidate in candidates]
            commit.publish()
        return _outcome(items)

    def _delete(self, table: Table, given: JsonObject) -> JsonObject:
        commit = Commit(self._org, table, SALES_USER)
        with self._org.lock:
            items = [
                commit.delete(row_id, permanent=given.get("permanent", False)) for row_id in given["ids"]
            ]
            commit.publish()
        return _outcome(items)

    def _restore(self, table: Table, given: JsonObject) -> JsonObject:
        with self._org.lock:
            for row_id in given["ids"]:
                row = table.deleted[row_id].row
                if table.clashes(row):
                    raise ValueError(row_id)
                subform = table.module.subform
                lines: JsonObject = (
                    {subform.api_name: []} if subform else {}
                )  # lines do not outlive their parent here
                table.insert({**row, **lines, "Modified_Time": int(self._org.clock.now())})
                del table.deleted[row_id]
                tell(self._org, table, list(changes_of(table, [(row_id, None)], frozenset())))
        return {"ids": given["ids"], "errors": []}

    def _merge(self, table: Table, given: JsonObject) -> JsonObject:
        subform = table.module.subform.api_name if table.module.subform else None
        with self._org.lock:
            master = table.rows[given["master"]]
            filled: JsonObject = {}
            for child in given["children"]:
                filled = {**table.rows[child], **filled}
            filled = {name: value for name, value in filled.items() if name not in master and name != subform}
            who = (master["id"], given["children"])
            commit = Commit(self._org, table, SALES_USER)
            items = [join_records(commit, self._org, table, who, filled)]
            commit.publish()
        return _outcome(items)

    def _change_fields(self, table: Table, given: JsonObject) -> JsonObject:
        with self._org.lock:
            change_fields(self._org, table, given["changes"])
            return {"fields": list(table.module.fields)}

    def _add_layout(self, table: Table, given: JsonObject) -> JsonObject:
        required, without = (frozenset(given.get(key, ())) for key in ("required", "without"))
        unknown = (required | without) - table.module.fields.keys()
        if unknown:
            raise KeyError(*sorted(unknown))
        layout = Layout(self._org.metadata_ids.new(), table.module.api_name, given["name"], required, without)
        with self._org.lock:
            self._org.add_layout(layout)
        return {"id": layout.id}

    def _make_module(self, given: JsonObject) -> JsonObject:
        with self._org.lock:
            module = new_module(self._org, given)
            if module.api_name in self._org.tables:
                raise ValueError(module.api_name)
            self._org.add_module(module)
        return {"id": module.id, "api_name": module.api_name}

    def _remove_module(self, table: Table, _given: JsonObject) -> JsonObject:
        with self._org.lock:
            remove_module(self._org, table)
            return {"modules": list(self._org.tables)}

    def _employ(self, given: JsonObject) -> JsonObject:
        with self._org.lock:
            self._org.employ(User(**one) for one in given["users"])
        return {"users": list(self._org.people)}


def _fate(given: JsonObject) -> Fate:
    return Fate(Ending(given.get("ending", Ending.COMPLETED)), given.get("rows"))


def _stamps(record: JsonObject, now: int) -> tuple[int, int]:
    """Created_Time and Modified_Time of a seed, taken out of it; one stands for the other."""
    created, modified = record.pop("Created_Time", None), record.pop("Modified_Time", None)
    created_at = parse_instant(created) if created else None
    modified_at = parse_instant(modified) if modified else None
    first = created_at or modified_at or now
    return first, modified_at or first


def _outcome(items: list[JsonObject]) -> JsonObject:
    """Ids of what went well, and the errors."""
    return {
        "ids": [item["details"]["id"] for item in items if item["code"] == "SUCCESS"],
        "errors": [item for item in items if item["code"] != "SUCCESS"],
    }
