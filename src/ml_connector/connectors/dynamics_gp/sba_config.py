"""The settings of SBA, GP's REST service: where it is, which entities it serves, and how each resource looks.

The address, the tenant, the company by name and what ships are documented (facts.md 1.2, 1.3). What a JSON answer
looks like is not, anywhere in public: every default about that is an ASSUMPTION, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ml_connector.connectors.dynamics_gp.sba_names import ADDRESS, LINE, RECORD, known_fields
from ml_connector.connectors.dynamics_gp.sba_paths import Places, Sent, checked_path
from ml_connector.connectors.dynamics_gp.sba_sales_config import SbaSales

SbaEntity = Literal["vendors", "customers", "gl_accounts", "journal_entries"]

_COMPANY = "/Tenants({tenant})/Companies({company})"
_NAME = re.compile(r"[A-Za-z0-9_-]*")
_NOTHING_SHIPS = (
    ": nothing that ships with GP lists them by SBA, so name the services that your GP partner wrote for it"
    " (docs/how-to/use-sba.md), or leave them to SOAP"
)


def _address(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("give the full address, such as https://gp.example.com/GPService")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("the address carries no user, query or fragment: the user has a setting of its own")
    return text.rstrip("/")


def _header_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("the name of a header is letters, digits and hyphens")
    return text


ListPath = Annotated[str, checked_path("since", "after")]
RecordPath = Annotated[str, checked_path("key")]
PlainPath = Annotated[str, checked_path()]


class SbaResource(BaseModel):
    """How one entity is read by SBA."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    entity: ClassVar[str] = ""

    list_path: ListPath = Field(
        default="",
        description="Path of the list of all records. {after} in it: asked for page by page, by key.",
    )
    changed_path: ListPath = Field(
        default="",
        description="Path of the list of what changed at or after {since} (in the path or behind a ?); nothing that"
        " ships has one. Empty: the whole list is read and its instants are compared.",
    )
    since_header: Annotated[str, AfterValidator(_header_name)] = Field(
        default="",
        description="Or: name of the header that carries the instant; changed_path then needs no {since}.",
    )
    since_form: Sent = Field(
        default="%Y-%m-%dT%H:%M:%S",
        min_length=1,
        description="How the instant, in UTC, is written (strftime).",
    )
    action: Sent = Field(
        default="",
        description="Set where the list is a custom action: it is asked for by POST with this GP-Custom-Action.",
    )
    whole: bool = Field(
        default=False,
        description="ASSUMPTION: false, a list gives summaries and each changed record is read by its key;"
        " true: it gives whole records.",
    )
    record_path: RecordPath = Field(default="", description="Path of one record by its {key}.")
    rows_at: Places = Field(
        default=(".",),
        description="ASSUMPTION: where in the answer of a list its rows stand; the first that is there counts."
        ' Names parted by /; "." is the answer itself.',
    )
    record_at: Places = Field(
        default=(".",), description="ASSUMPTION: the same for the answer of one record."
    )
    fields: dict[str, str] = Field(
        default={},
        description="ASSUMPTION: our field = where it stands in the JSON (names parted by /), over the defaults"
        " that the guide lists; empty text: it is not there.",
    )

    @model_validator(mode="after")
    def _fits(self) -> SbaResource:
        _known(self.fields, known_fields(self.entity))
        if self.record_path and "{key}" not in self.record_path:
            raise ValueError("record_path needs {key}")
        if self.changed_path and "{since}" not in self.changed_path and not self.since_header:
            raise ValueError("changed_path needs {since}, or since_header")
        return self

    @cached_property
    def field_paths(self) -> dict[str, str]:
        """Our field -> where it stands, the defaults filled in."""
        return {**RECORD.get(self.entity, {}), **self.fields}


class SbaMasters(SbaResource):
    """Records with addresses."""

    addresses_path: RecordPath = Field(
        default="",
        description="ASSUMPTION: path of a record's addresses by its {key}, one request more for each record."
        " Empty: they stand in the record, at addresses_at.",
    )
    address_list_path: PlainPath = Field(
        default="",
        description="Path of the list of all addresses, for the pass that compares them. Empty: that pass is by SOAP.",
    )
    addresses_at: str = Field(
        default="Addresses", description="ASSUMPTION: where in a record its addresses stand."
    )
    address_fields: dict[str, str] = Field(
        default={}, description="ASSUMPTION: the same for an address; owner_id is the key of its record."
    )

    @model_validator(mode="after")
    def _fits_addresses(self) -> SbaMasters:
        _known(self.address_fields, ADDRESS)
        return self

    @cached_property
    def address_paths(self) -> dict[str, str]:
        """As ``field_paths``, of an address."""
        return {**ADDRESS, **self.address_fields}


def _known(given: Mapping[str, str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"“{name}” is not a field that is read here; known are {', '.join(known)}")


def _shipped(setting: str, default: object) -> Any:  # noqa: ANN401 -- a default of the setting's own type
    """The same setting with what ships as its default."""
    return Field(default=default, description=SbaMasters.model_fields[setting].description)


class SbaVendors(SbaMasters):
    """Vendors by SBA: what ships (Purchasing: Vendors, Vendor Addresses)."""

    entity: ClassVar[str] = "vendors"

    list_path: ListPath = _shipped("list_path", f"{_COMPANY}/Purchasing/Vendors")
    record_path: RecordPath = _shipped("record_path", f"{_COMPANY}/Purchasing/Vendors({{key}})")
    addresses_path: RecordPath = _shipped(
        "addresses_path", f"{_COMPANY}/Purchasing/Vendors({{key}})/VendorAddresses"
    )
    rows_at: Places = _shipped("rows_at", ("Vendors", "VendorAddresses", "Payload", "."))
    record_at: Places = _shipped("record_at", ("Vendor", "Payload", "."))


class SbaCustomers(SbaMasters):
    """Customers by SBA: what ships (Sales: Customers, Customer Addresses)."""

    entity: ClassVar[str] = "customers"

    list_path: ListPath = _shipped("list_path", f"{_COMPANY}/Sales/Customers")
    record_path: RecordPath = _shipped("record_path", f"{_COMPANY}/Sales/Customers({{key}})")
    addresses_path: RecordPath = _shipped(
        "addresses_path", f"{_COMPANY}/Sales/Customers({{key}})/CustomerAddresses"
    )
    rows_at: Places = _shipped("rows_at", ("Customers", "CustomerAddresses", "Payload", "."))
    record_at: Places = _shipped("record_at", ("Customer", "Payload", "."))


class SbaAccounts(SbaResource):
    """GL accounts by SBA: nothing ships, so list_path and record_path are those of a service written for the site."""

    entity: ClassVar[str] = "gl_accounts"

    rows_at: Places = _shipped("rows_at", ("Accounts", "Payload", "."))
    record_at: Places = _shipped("record_at", ("Account", "Payload", "."))

    @property
    def brings_segments(self) -> bool:
        """Whether an account's segments come with it; else its number is split by the format, which SOAP tells."""
        return any(path for name, path in self.fields.items() if name.startswith("segment."))


class SbaEntries(SbaResource):
    """Journal entries by SBA: nothing ships, so list_path and record_path are those of a service for the site."""

    entity: ClassVar[str] = "journal_entries"

    list_path: ListPath = Field(
        default="",
        description="Path of the list of all entries. {after} in it: asked for page by page, by key; ASSUMPTION: as in"
        " record_path.",
    )
    record_path: RecordPath = Field(
        default="",
        description="Path of one entry by its {key}; ASSUMPTION: that is journal id, date and recurring sequence,"
        " parted by ; as in 3003;2026-02-01;2.",
    )
    rows_at: Places = _shipped("rows_at", ("JournalEntries", "Payload", "."))
    record_at: Places = _shipped("record_at", ("JournalEntry", "Payload", "."))
    lines_at: str = Field(
        default="Lines", min_length=1, description="ASSUMPTION: where in an entry its lines stand."
    )
    line_fields: dict[str, str] = Field(default={}, description="ASSUMPTION: as fields, of a line.")

    @model_validator(mode="after")
    def _fits_lines(self) -> SbaEntries:
        _known(self.line_fields, LINE)
        return self

    @cached_property
    def line_paths(self) -> dict[str, str]:
        """As ``field_paths``, of a line."""
        return {**LINE, **self.line_fields}


class SbaResources(BaseModel):
    """How each entity is read by SBA."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendors: SbaVendors = SbaVendors()
    customers: SbaCustomers = SbaCustomers()
    gl_accounts: SbaAccounts = SbaAccounts()
    journal_entries: SbaEntries = SbaEntries()

    def of(self, entity: str) -> SbaResource:
        """How this entity is read."""
        found: SbaResource = getattr(self, entity)
        return found


class SbaConfig(BaseModel):
    """GP's REST service (Service Based Architecture), for the entities named here; all others are read by SOAP."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    entities: tuple[SbaEntity, ...] = Field(
        default=(),
        description='What is read by SBA, for example ["vendors"]; everything else by SOAP. Below, ASSUMPTION is what'
        " no public source documents: docs/how-to/use-sba.md tells how to find it out at your site.",
    )
    address: Annotated[str, AfterValidator(_address)] = Field(
        default="", description="Address of the service, such as https://gp.example.com/GPService."
    )
    tenant: str = Field(default="DefaultTenant", min_length=1, description="Name of the tenant.")
    company: str = Field(
        default="",
        description="The company's name as GP shows it (SBA knows no numbers), for example Fabrikam, Inc.",
    )
    first_timeout_seconds: float = Field(
        default=120.0,
        gt=0,
        le=3600,
        description="How long an answer may take after a pause: GP first starts a program that reads (10 to 60 s).",
    )
    sales: SbaSales = SbaSales()
    resources: SbaResources = SbaResources()

    @property
    def is_used(self) -> bool:
        """Whether anything at all goes by SBA."""
        return bool(self.entities) or self.sales.enabled

    @model_validator(mode="after")
    def _whole(self) -> SbaConfig:
        if self.is_used and not (self.address and self.company):
            raise ValueError("what goes by SBA needs an address and a company")
        for entity in self.entities:
            resource = self.resources.of(entity)
            if not (resource.list_path and resource.record_path):
                raise ValueError(
                    f"to read {entity} by SBA, [gp.sba.resources.{entity}] needs list_path and record_path"
                    f"{'' if type(resource)().list_path else _NOTHING_SHIPS}"
                )
        return self
