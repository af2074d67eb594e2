"""One API call on its way through the simulator."""

from dataclasses import dataclass, field

import orjson

from ml_connector.simulators.zoho.clock import parse_instant
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.people import API_USER
from ml_connector.simulators.zoho.records import Table
from ml_connector.simulators.zoho.replies import (
    JsonObject,
    RequestRefusedError,
    invalid_parameter,
    scope_mismatch,
)
from ml_connector.simulators.zoho.scopes import Operation, covers

MAX_RECORDS = 100
TRIGGERS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")


@dataclass(slots=True)
class Call:
    """A request that was understood: what is asked of which organisation."""

    org: Org
    method: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    raw_body: bytes = b""
    module: str = ""
    """The path's module, or the `module` parameter of /settings."""
    record: str = ""
    """The path's record id (or external value), or its bulk job."""
    base_url: str = ""
    """Of the simulator."""
    scopes: frozenset[str] = frozenset()
    """Of the token."""
    user: str = API_USER
    body: JsonObject = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """The module's records; RequestRefusedError when there is no such module."""
        table = self.org.tables.get(self.module)
        if table is None:
            details = {"resource_path_index": 0}
            raise RequestRefusedError(
                400, "INVALID_MODULE", "the module name given seems to be invalid", details
            )
        return table

    def need_scope(self, table: Table, operation: Operation) -> None:
        """RequestRefusedError unless the token may do this with the module's records."""
        if not covers(self.scopes, f"zohocrm.modules.{table.module.scope}", operation):
            raise scope_mismatch()

    def read_body(self) -> None:
        """Parses the body, which must be a JSON object; a Content-Type is not asked for (Zoho's SDK sends none)."""
        try:
            body = orjson.loads(self.raw_body)
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise RequestRefusedError(
                400, "INVALID_DATA", "invalid data", {"expected_data_type": "jsonobject"}
            )
        self.body = body

    def items(self, key: str, limit: int) -> list[JsonObject]:
        """The objects under `key` of the body, not none and within the limit."""
        items = self.body.get(key)
        if items is None or items == []:
            details: JsonObject = {"api_name": key, "json_path": f"$.{key}"}
            raise RequestRefusedError(400, "MANDATORY_NOT_FOUND", "required field not found", details)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            details = {"expected_data_type": "jsonarray", "api_name": key, "json_path": f"$.{key}"}
            raise RequestRefusedError(400, "INVALID_DATA", "invalid data", details)
        if len(items) > limit:
            details = {"maximum_length": limit, "api_name": key, "json_path": f"$.{key}"}
            message = "count of records in your request exceeds the limit"
            raise RequestRefusedError(400, "LIMIT_EXCEEDED", message, details)
        return items

    def triggers(self) -> list[str]:
        """The automations to run: those listed, all when the key is absent."""
        listed = self.body.get("trigger")
        if listed is None:
            return list(TRIGGERS)
        if not isinstance(listed, list) or any(name not in TRIGGERS for name in listed):
            details = {"api_name": "trigger", "json_path": "$.trigger", "supported_values": list(TRIGGERS)}
            raise RequestRefusedError(400, "INVALID_DATA", "invalid data", details)
        return listed

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number among the parameters."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdecimal() or not low <= int(text) <= high:
            raise invalid_parameter(name)
        return int(text)

    def instant_header(self, name: str) -> int | None:
        """Seconds since 1970 of a header with date, time and offset."""
        text = self.headers.get(name)
        if text is None:
            return None
        try:
            return parse_instant(text.strip())
        except ValueError as error:
            raise RequestRefusedError(400, "INVALID_DATA", "invalid data", {"header": name}) from error


def split_ids(text: str) -> list[str]:
    """Comma-separated values without blanks."""
    return [part.strip() for part in text.split(",") if part.strip()]
