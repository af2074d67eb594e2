"""Lists, single records and deleted records."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ml_connector.simulators.zoho.call import Call, split_ids
from ml_connector.simulators.zoho.external_ids import ExternalFields, parse_header, record_id
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.metadata import LINE_TAX
from ml_connector.simulators.zoho.paging import TOKEN_SECONDS, Page, new_token
from ml_connector.simulators.zoho.records import Deleted, Row, Table
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    Reply,
    RequestRefusedError,
    invalid_parameter,
    json_reply,
    missing_parameter,
)

MAX_FIELDS = 50
MAX_PER_PAGE = 200
DISCRETE_ROWS = 2_000
_SORTABLE = ("id", "Created_Time", "Modified_Time")
_NOT_IN_LISTS = frozenset({"subform"})
_RECYCLE_SECONDS = 60 * 86_400
_PERMANENT_SECONDS = 120 * 86_400

NOTHING = Reply(204)
NOT_MODIFIED = Reply(304)


def list_records(call: Call) -> Reply:
    """GET /{Module}."""
    table = call.table
    fields = _listed_fields(call, table)
    per_page = call.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
    order = _Order.of(call)
    page = _page_asked(call, order, per_page)
    external = parse_header(table, call.headers.get("x-external"))
    with call.org.lock:
        rows = _page_rows(table, order, _chosen(call, table, order, external), page, per_page)
    if not rows:
        return NOTHING if order.since is None else NOT_MODIFIED
    more, rows = len(rows) > per_page, rows[:per_page]
    data = [_shown(call, fields, row) for row in rows]
    return json_reply(
        200, {"data": data, "info": _info(call, order, page, rows, more=more, per_page=per_page)}, len(rows)
    )


def get_record(call: Call) -> Reply:
    """GET /{Module}/{id}: all fields, line items included."""
    table = call.table
    external = parse_header(table, call.headers.get("x-external"))
    with call.org.lock:
        row = table.rows.get(record_id(table, external, call.record) or "")
        if row is None:
            return NOTHING
        shown = call.org.render_row(call.module, row)
    if "fields" in call.query:
        asked = {"id", *split_ids(call.query["fields"])}
        return json_reply(200, {"data": [{n: v for n, v in shown.items() if n in asked}]}, 1)
    extras: JsonObject = {
        "$approval_state": "approved",
        "$editable": True,
        "$currency_symbol": "$",
        "$state": "save",
    }
    if table.module.subform:
        extras[LINE_TAX] = row.get(LINE_TAX, [])
    return json_reply(200, {"data": [{**shown, **extras}]}, 1)


def list_deleted(call: Call) -> Reply:
    """GET /{Module}/deleted: the recycle bin for 60 days, what left it for 120; latest first."""
    kind = call.query.get("type", "all")
    if kind not in ("all", "recycle", "permanent"):
        raise invalid_parameter("type")
    per_page = call.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
    page = call.whole("page", 1, 1, 10_000)
    since = call.instant_header("if-modified-since")
    now = call.org.clock.now()
    with call.org.lock:
        gone = list(call.table.deleted.values())
    kept = [one for one in gone if kind in ("all", one.type) and _is_listed(one, now, since)]
    kept.sort(key=lambda one: (one.deleted_at, one.id), reverse=True)
    start = (page - 1) * per_page
    data = [_shown_deleted(call, one) for one in kept[start : start + per_page]]
    if not data:
        return NOTHING if since is None else NOT_MODIFIED
    more = start + per_page < len(kept)
    info: JsonObject = {"per_page": per_page, "count": len(data), "page": page, "more_records": more}
    return json_reply(200, {"data": data, "info": info}, len(data))


@dataclass(frozen=True, slots=True)
class _Order:
    """How a list is sorted."""

    by: str
    descending: bool
    since: int | None
    """Only rows modified after this second."""

    @classmethod
    def of(cls, call: Call) -> "_Order":
        by = call.query.get("sort_by", "id")
        direction = call.query.get("sort_order", "desc")
        if by not in _SORTABLE:
            raise invalid_parameter("sort_by")
        if direction not in ("asc", "desc"):
            raise invalid_parameter("sort_order")
        if "cvid" in call.query and "sort_by" in call.query:
            message = "sort_by cannot be given with cvid"
            raise RequestRefusedError(400, "NOT_SUPPORTED_FEATURE", message, {"param_name": "sort_by"})
        return cls(by, direction == "desc", call.instant_header("if-modified-since"))

    def key(self, row: Row) -> Any:  # noqa: ANN401 -- an id or a pair
        """The sort key of a row: its id, or (time, id)."""
        return row["id"] if self.by == "id" else (row[self.by], row["id"])


def _page_rows(
    table: Table, order: _Order, chosen: list[Row] | None, page: Page | int, per_page: int
) -> list[Row]:
    """The rows of a page, and one more if more follow; `chosen` are the rows to list, None means all."""
    keys: list[Any]
    low = 0
    if chosen is None and order.by == "id":
        keys = table.ids
    elif chosen is None and order.by == "Modified_Time":
        keys = table.modified
        low = bisect_left(keys, (order.since + 1, "")) if order.since is not None else 0
    else:
        keys = sorted(order.key(row) for row in (table.rows.values() if chosen is None else chosen))
    high, skipped = len(keys), 0
    if isinstance(page, int):
        skipped = (page - 1) * per_page
    elif order.descending:
        high = bisect_left(keys, page.after)
    else:
        low = max(low, bisect_right(keys, page.after))
    places = range(high - 1, low - 1, -1) if order.descending else range(low, high)
    found = (row for place in places if (row := _live(table, order, keys[place])) is not None)
    return list(islice(found, skipped, skipped + per_page + 1))


def _live(table: Table, order: _Order, key: Any) -> Row | None:  # noqa: ANN401 -- as _Order.key
    """The row of a sort key; None when the key is an old one of a row that was modified since."""
    row = table.rows.get(key if order.by == "id" else key[1])
    return row if row is not None and order.key(row) == key else None


def _chosen(call: Call, table: Table, order: _Order, external: ExternalFields) -> list[Row] | None:
    """The rows that the parameters leave; None for all, or all since a second in the order of Modified_Time."""
    rows, since = table.rows, order.since
    if "ids" in call.query:
        meant = {record_id(table, external, given) or "" for given in split_ids(call.query["ids"])}
        chosen = [rows[row_id] for row_id in meant if row_id in rows]
        return [row for row in chosen if since is None or row["Modified_Time"] > since]
    if since is not None and order.by != "Modified_Time":
        return [rows[row_id] for row_id in table.modified_since(since + 1)]
    return None


def _listed_fields(call: Call, table: Table) -> list[Field]:
    names = split_ids(call.query.get("fields", ""))
    if not names:
        raise missing_parameter("fields")
    if len(names) > MAX_FIELDS:
        details = {"limit": MAX_FIELDS, "param_name": "fields"}
        raise RequestRefusedError(400, "LIMIT_EXCEEDED", "limit exceeded for the fields param", details)
    known = (table.module.fields.get(name) for name in dict.fromkeys([*names, "id"]))
    return [field for field in known if field is not None and field.data_type not in _NOT_IN_LISTS]


def _page_asked(call: Call, order: _Order, per_page: int) -> Page | int:
    token = call.query.get("page_token")
    if token is None:
        page = call.whole("page", 1, 1, 1_000_000)
        if page * per_page > DISCRETE_ROWS:
            message = "You can only get the first 2000 records without using page_token param"
            details: JsonObject = {"limit": DISCRETE_ROWS, "param_name": "page"}
            raise RequestRefusedError(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, details)
        return page
    if "page" in call.query:
        message = "page and page_token cannot be given together"
        details = {"ambiguity_due_to": [{"param_name": "page"}, {"param_name": "page_token"}]}
        raise RequestRefusedError(400, "AMBIGUITY_DURING_PROCESSING", message, details)
    return call.org.page_tokens.find(token, _bound(call, order, per_page), call.org.clock.now())


def _bound(call: Call, order: _Order, per_page: int) -> tuple[Any, ...]:
    others = tuple(call.query.get(name) for name in ("fields", "ids", "cvid"))
    since = call.headers.get("if-modified-since")
    return (call.module, call.user, order.by, order.descending, per_page, since, *others)


def _info(
    call: Call, order: _Order, page: Page | int, rows: list[Row], *, more: bool, per_page: int
) -> JsonObject:
    number = page if isinstance(page, int) else page.number
    seen = (number - 1) * per_page if isinstance(page, int) else page.seen
    expires_at = call.org.clock.now() + TOKEN_SECONDS
    token = new_token() if more else None
    if more:
        own = None if isinstance(page, int) else page.token
        after = order.key(rows[-1])
        bound = _bound(call, order, per_page)
        call.org.page_tokens.keep(Page(bound, after, seen + len(rows), number + 1, token, own, expires_at))
    return {
        "per_page": per_page,
        "count": len(rows),
        "page": number,
        "sort_by": order.by,
        "sort_order": "desc" if order.descending else "asc",
        "more_records": more,
        "next_page_token": token,
        "previous_page_token": None if isinstance(page, int) else page.previous_token,
        "page_token_expiry": call.org.clock.render(int(expires_at)) if more else None,
    }


def _shown(call: Call, fields: list[Field], row: Row) -> JsonObject:
    return {field.api_name: call.org.render(field, row.get(field.api_name)) for field in fields}


def _is_listed(one: Deleted, now: float, since: int | None) -> bool:
    lasts = _RECYCLE_SECONDS if one.type == "recycle" else _PERMANENT_SECONDS
    return one.deleted_at > now - lasts and (since is None or one.deleted_at > since)


def _shown_deleted(call: Call, one: Deleted) -> JsonObject:
    return {
        "id": one.id,
        "display_name": one.display_name,
        "type": one.type,
        "deleted_time": call.org.clock.render(one.deleted_at),
        "deleted_by": call.org.users[one.deleted_by],
        "created_by": call.org.users[one.row["Created_By"]],
    }
