"""One simulated organisation: everything that lasts from call to call."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ml_connector.simulators.zoho.bulk_jobs import BulkJobs
from ml_connector.simulators.zoho.callbacks import Callbacks
from ml_connector.simulators.zoho.clock import Clock
from ml_connector.simulators.zoho.faults import FaultPlan
from ml_connector.simulators.zoho.field import Field
from ml_connector.simulators.zoho.journal import Journal
from ml_connector.simulators.zoho.layouts import Layout
from ml_connector.simulators.zoho.limits import Limits
from ml_connector.simulators.zoho.metadata import LAYOUT, PERSON_TYPES, Ids, Module, standard_modules
from ml_connector.simulators.zoho.notice_queue import Notices
from ml_connector.simulators.zoho.oauth import AccountsServer
from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.paging import PageTokens
from ml_connector.simulators.zoho.people import STAFF, User
from ml_connector.simulators.zoho.records import Row, Table
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.uploads import Upload
from ml_connector.simulators.zoho.watch import Watch

_FIRST_METADATA_ID = 1_001
_FIRST_RECORD_ID = 10_000_001
ZGID = "772033711"


class Org:
    """Tables, users, tokens, limits and counts; `lock` guards the tables and is held for short times only."""

    def __init__(self, options: ZohoOptions) -> None:
        self.options = options
        self.clock = Clock(options.clock_offset_seconds, options.time_zone_offset)
        self.lock = threading.RLock()
        self.metadata_ids = Ids(_FIRST_METADATA_ID)
        self.record_ids = Ids(_FIRST_RECORD_ID)
        self.id = self.metadata_ids.new()
        self.people: dict[str, User] = {}
        self.users: dict[str, JsonObject] = {}
        """As records show their owner, by id."""
        self.active_users: frozenset[str] = frozenset()
        self.employ(STAFF)
        self.profiles: list[JsonObject] = [
            {"name": name, "id": self.metadata_ids.new()} for name in ("Administrator", "Standard")
        ]
        self.tables = {name: Table(module) for name, module in standard_modules(self.metadata_ids).items()}
        self.layouts: dict[str, Layout] = {}
        """By id; those of a module in the order they were made, its standard one first."""
        for table in self.tables.values():
            self._add_standard_layout(table.module)
        self.accounts = AccountsServer(options, self.clock.now)
        self.limits = Limits(lambda: self.options, self.clock.now)
        self.faults = FaultPlan()
        self.page_tokens = PageTokens()
        self.journal = Journal(options.request_log_size)
        self.uploads: dict[str, Upload] = {}
        self.jobs = BulkJobs()
        self.callbacks = Callbacks()
        self.watch = Watch()
        self.notices = Notices(self.lock, self.clock.now, options.request_log_size)

    def change(self, settings: dict[str, Any]) -> None:
        """Other options from now on."""
        self.options = replace(self.options, **settings)
        self.clock.offset_seconds = self.options.clock_offset_seconds
        self.notices.wake()

    def settle_jobs(self) -> None:
        """Does what is due of the bulk jobs."""
        with self.lock:
            self.jobs.settle(self.clock.now())

    def module_ids(self) -> dict[str, str]:
        """Ids of the modules by API name."""
        return {name: table.module.id for name, table in list(self.tables.items())}

    def add_module(self, module: Module) -> None:
        """A module more."""
        with self.lock:
            self.tables[module.api_name] = Table(module)
            self._add_standard_layout(module)

    def add_layout(self, layout: Layout) -> None:
        """A layout more."""
        self.layouts[layout.id] = layout

    def layouts_of(self, module: str) -> list[Layout]:
        """The standard one first; none for a subform."""
        return [layout for layout in self.layouts.values() if layout.module == module]

    def rename_in_layouts(self, module: str, old: str, new: str) -> None:
        """A field of the module has another API name."""
        for layout in self.layouts_of(module):
            self.layouts[layout.id] = layout.renamed(old, new)

    def employ(self, people: Iterable[User]) -> None:
        """Adds users, or changes those with the same ids."""
        self.people = self.people | {user.id: user for user in people}
        self.users = {user.id: {"name": user.name, "id": user.id} for user in self.people.values()}
        self.active_users = frozenset(user.id for user in self.people.values() if user.is_active)

    def display_name(self, module: str, row_id: str) -> str | None:
        """What a lookup shows for a record; None when it is gone."""
        table = self.tables[module]
        row = table.rows.get(row_id)
        return row.get(table.module.display_field or "id") if row else None

    def render(self, field: Field, value: Any) -> Any:  # noqa: ANN401 -- any stored value
        """A stored value as the API writes it."""
        if value is None:
            return self._layout(field.standard) if field.standard else None
        if field.data_type == "datetime":
            return self.clock.render(value)
        if field.data_type in PERSON_TYPES:
            return self.users[value]
        if field.lookup:
            return self._reference(field.lookup, value)
        if field.api_name == LAYOUT:
            return self._layout(value)
        if field.subform:
            rows = self.tables[field.subform].rows
            return [self._line(field.subform, rows[row_id]) for row_id in value if row_id in rows]
        return value

    def render_row(self, module: str, row: Row) -> JsonObject:
        """Every field of a row."""
        fields = self.tables[module].module.fields
        return {name: self.render(field, row.get(name)) for name, field in fields.items()}

    def _line(self, module: str, row: Row) -> JsonObject:
        """A line as its quote or order shows it: the product with its code."""
        shown = self.render_row(module, row)
        product = shown.get("Product_Name")
        if product:
            product["Product_Code"] = self.tables["Products"].rows[product["id"]].get("Product_Code")
        return shown

    def _layout(self, layout_id: str) -> JsonObject:
        return {"name": self.layouts[layout_id].name, "id": layout_id}

    def _add_standard_layout(self, module: Module) -> None:
        field = module.fields.get(LAYOUT)
        if field and field.standard:  # a subform's module has none
            self.add_layout(Layout(field.standard, module.api_name))

    def _reference(self, module: str, row_id: str) -> JsonObject | None:
        if row_id not in self.tables[module].rows:
            return None  # deleting a record empties the lookups to it
        return {"name": self.display_name(module, row_id), "id": row_id}
