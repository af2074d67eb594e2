"""The settings: one frozen tree, read once from ``ml-connector.toml`` (by ``settings_file``).

Everything a person can set is a field here, in ``flow_settings``, ``serve_settings``, ``sales_settings`` or a
connector's config, with its description, its default and its bounds; ``commented_settings`` writes the file that
``init`` makes of them.
No secret is among them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

import ml_connector
from ml_connector.connectors.dynamics_gp.config import AnotherCompany, GpConfig
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.core.companies import Company
from ml_connector.core.schedule import Schedule
from ml_connector.core.similar import AUTOMATIC
from ml_connector.flow_settings import DealsSettings, FlowsSettings, ProfitabilitySettings, Section
from ml_connector.sales_settings import SalesSettings
from ml_connector.serve_settings import (
    AlertsSettings,
    LogSettings,
    ServeSettings,
    WebhooksSettings,
    WorkerSettings,
)

_YEAR_SECONDS = 31_536_000
_SHIPPED = Path(ml_connector.__file__).parent / "mappings"


class StoreSettings(Section):
    """Where ml-connector keeps what it knows."""

    folder: Path = Field(
        default=Path("data"), description="Folder for the database, locks and logs; relative to this file."
    )
    url: str = Field(
        default="",
        description="Database: postgresql+psycopg://USER@HOST/NAME (the password in ~/.pgpass or PGPASSWORD);"
        " empty: SQLite in the folder.",
    )

    @field_validator("url")
    @classmethod
    def _without_password(cls, url: str) -> str:
        if urlsplit(url).password is not None:
            raise ValueError("a password is not written here: put it into ~/.pgpass or PGPASSWORD")
        return url


class SecretsSettings(Section):
    """Where the master key is that the secrets in the database are sealed with; one of the three."""

    key_file: Path | None = Field(
        default=None,
        description="File with the master key, readable by its owner alone; left out: master.key in the data folder.",
    )
    key_env: str | None = Field(
        default=None, min_length=1, description="Or: name of the environment variable that has it."
    )
    key_command: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Or: program and arguments that print it, for example of a vault.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> SecretsSettings:
        given = [name for name in ("key_file", "key_env", "key_command") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"only one of {' and '.join(given)} may be set")
        return self


class AuditSettings(Section):
    """How the audit trail is guarded and how long it is kept."""

    checkpoint_file: Path | None = Field(
        default=None,
        description="File outside the database in which the end of the trail is noted, for “audit verify”; best where"
        " who can change the database cannot write. Left out: audit.checkpoints in the data folder.",
    )
    checkpoint_minutes: float = Field(
        default=15,
        gt=0,
        le=1440,
        description="How often a long run notes it; every run does at its end.",
    )
    keep_days: int | None = Field(
        default=None,
        ge=30,
        le=36_525,
        description="For how many days rows are kept; “audit trim” removes older ones. Left out: for ever.",
    )


class SyncSettings(Section):
    """How changes are read."""

    overlap_seconds: float = Field(
        default=1800,
        ge=0,
        le=604_800,
        description="How far behind the last reading the next begins: clocks differ and commits are late.",
    )
    window_size: int = Field(
        default=1000,
        ge=1,
        le=10_000,
        description="Most changes that are read, decided and written as one step.",
    )
    addresses_every_seconds: float = Field(
        default=86_400,
        ge=0,
        le=_YEAR_SECONDS,
        description="How often all addresses are compared (GP stamps them apart from the record); 0: every run.",
    )
    balances_every_seconds: float = Field(
        default=0,
        ge=0,
        le=_YEAR_SECONDS,
        description="How often balances are read (GP does not stamp them); 0: every run. Customers' are read whole,"
        " vendors' where a payables document changed.",
    )
    payables_whole_every_seconds: float = Field(
        default=86_400,
        ge=0,
        le=_YEAR_SECONDS,
        description="How often what is owed to vendors is read whole all the same; 0: every time.",
    )
    email_sweep_nights: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="In so many nights every record is read anew for its e-mail addresses, where GP keeps no track of"
        " them (ping says); 0: never.",
    )
    max_wait_seconds: float = Field(
        default=900,
        gt=0,
        le=_YEAR_SECONDS,
        description="How long a run waits for a system that is away before it leaves the rest to the next.",
    )
    max_change_ratio: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the linked records that one run may create, empty or give up before it waits for a"
        " person; 20 are always allowed, ordinary updates are not counted.",
    )
    automatic_score: float = Field(
        default=AUTOMATIC,
        ge=AUTOMATIC,
        le=100,
        description="From this score on (of 100) a record with a similar name is taken for the same; 100: never.",
    )
    recreate_deleted: bool = Field(
        default=False,
        description="Whether a record that a person deleted in Zoho is made anew; otherwise it is held.",
    )
    changed_in_zoho: Literal["let_be", "put_back"] = Field(
        default="let_be",
        description="What “reconcile fields” does with fields of GP's that a person changed in Zoho: show them and let"
        " them be (whoever typed them may know better, and GP can be corrected), or put back what GP says.",
    )


class MappingsSettings(Section):
    """Which field goes where."""

    folder: Path | None = Field(
        default=None,
        description="Folder of your own mapping files (*.toml); left out: those that come with ml-connector. Those of"
        " documents are in a folder “documents” in it; where that is missing, those that come with ml-connector.",
    )

    @property
    def files(self) -> Path:
        """The folder that mappings are read from."""
        return self.folder or _SHIPPED

    @property
    def of_documents(self) -> Path:
        """The folder that mappings of documents are read from: “documents” in that folder, where there is one."""
        own = self.files / "documents"
        return own if own.is_dir() else _SHIPPED / "documents"


class OwnersSettings(Section):
    """Who owns the records in Zoho: users, by e-mail address or id."""

    default: str = Field(
        default="",
        description="The user who owns records without one of their own; empty: owners are not written.",
    )
    salespeople: dict[str, str] = Field(
        default={},
        description="GP's salesperson id = the user, for example { 'PAUL W.' = 'paul@example.com' }.",
    )

    @model_validator(mode="after")
    def _has_default(self) -> OwnersSettings:
        if self.salespeople and not self.default:
            raise ValueError(
                "salespeople need a “default” beside them, for everybody who is not in the table"
            )
        return self


class CompanySettings(Section):
    """The company whose records these are."""

    name: str = Field(default="", description="What the company is called in reports.")
    key_prefix: str = Field(
        default="",
        max_length=16,
        description="Put before every key in Zoho, to tell companies apart; fixed once provision has run.",
    )


class Settings(Section):
    """All settings. Paths are absolute, ``store.url`` is set, and so is the one place of the master key."""

    gp: GpConfig = Field(description="Microsoft Dynamics GP.")
    zoho: ZohoConfig = Field(description="Zoho CRM.")
    company: CompanySettings = Field(default=CompanySettings(), description="The company.")
    companies: dict[str, AnotherCompany] = Field(
        default={}, description="Further companies of the same GP, each under a name of its own."
    )
    store: StoreSettings = Field(default=StoreSettings(), description="What ml-connector keeps.")
    secrets: SecretsSettings = Field(
        default=SecretsSettings(), description="The master key of the secrets: at most one of these."
    )
    audit: AuditSettings = Field(
        default=AuditSettings(), description="How the audit trail is guarded and how long it is kept."
    )
    sync: SyncSettings = Field(default=SyncSettings(), description="How changes are read.")
    serve: ServeSettings = Field(
        default=ServeSettings(), description="The process that runs the flows by itself (ml-connector serve)."
    )
    worker: WorkerSettings = Field(
        default=WorkerSettings(), description="One more process that shares its work (ml-connector worker)."
    )
    webhooks: WebhooksSettings = Field(
        default=WebhooksSettings(),
        description="How Zoho tells serve of changes (ml-connector channels list).",
    )
    log: LogSettings = Field(default=LogSettings(), description="What serve writes to standard error.")
    alerts: AlertsSettings = Field(
        default=AlertsSettings(), description="Whom serve tells, and of what (ml-connector alerts test)."
    )
    mappings: MappingsSettings = Field(default=MappingsSettings(), description="Which field goes where.")
    owners: OwnersSettings = Field(default=OwnersSettings(), description="Who owns the records in Zoho.")
    flows: FlowsSettings = FlowsSettings()
    deals: DealsSettings = Field(default=DealsSettings(), description="What deals are like.")
    sales: SalesSettings = Field(
        default=SalesSettings(), description="What becomes of orders, quotes and won deals of Zoho in GP."
    )
    profitability: ProfitabilitySettings = Field(
        default=ProfitabilitySettings(),
        description="Which GL accounts are revenue and which are cost.",
    )

    @property
    def as_served(self) -> Settings:
        """The same with runs that do not wait long by themselves: the process that serves waits for systems."""
        wait = self.serve.wait_seconds
        sync = self.sync.model_copy(update={"max_wait_seconds": wait})
        zoho = self.zoho.model_copy(update={"credits_wait_seconds": wait})
        return self.model_copy(update={"sync": sync, "zoho": zoho})

    def schedule_of(self, flow: str) -> Schedule:
        """When the flow of this name, of any company, runs as far as the settings say."""
        section = getattr(
            self.flows, flow.rpartition("/")[2], None
        )  # those of [sales] have none of their own
        own: str = getattr(section, "schedule", "")
        return Schedule.read(own or self.serve.schedule, self.serve.time_zone)

    @property
    def every_company(self) -> tuple[Company, ...]:
        """The company of [gp], then the further ones."""
        first = Company("", self.gp.company_id, self.company.key_prefix)
        further = (
            Company(name, c.company_id, c.key_prefix, c.leave_out) for name, c in self.companies.items()
        )
        return (first, *further)

    def gp_of(self, company: Company) -> GpConfig:
        """How this company is reached: as the one of [gp], under its own number."""
        if not company.name:
            return self.gp
        sba = self.gp.sba.model_copy(update={"company": self.companies[company.name].sba_company})
        return self.gp.model_copy(update={"company_id": company.number, "sba": sba})

    def company_without_sba_name(self) -> tuple[str, str] | None:
        """(Name, what is wrong) of a further company that SBA could not be asked for."""
        fault = "needs an sba_company, its name as GP shows it, because something goes by [gp.sba]"
        unnamed = [name for name, company in self.companies.items() if not company.sba_company]
        return (unnamed[0], fault) if self.gp.sba.is_used and unnamed else None
