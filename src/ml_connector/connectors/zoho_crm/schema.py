"""Tables of Zoho CRM: its data centres, the scopes that each ability needs, what its metadata says of a field.

Sources: Zoho's multi-DC, scopes and fields metadata pages (API v8) and the data centre classes of its Python SDK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.core.needs import FieldShape

API_PATH = "/crm/v8"
BULK_PATH = "/crm/bulk/v8"


@dataclass(frozen=True, slots=True)
class DataCentre:
    """One of Zoho's separate installations; tokens and data never cross."""

    accounts_url: str  #: where tokens are given out
    api_domain: str  #: the ending of the API's hosts
    upload_url: str = ""  #: where files of bulk jobs are handed over; empty: not known

    @property
    def download_urls(self) -> frozenset[str]:
        """Bases that the results of bulk jobs may be fetched from with our token (seen: download-accl.zoho.com)."""
        own = self.accounts_url.removeprefix("https://accounts.")
        return self.api_urls | frozenset(filter(None, (f"https://download-accl.{own}", self.upload_url)))

    @property
    def api_urls(self) -> frozenset[str]:
        """Bases of the API that may be sent our token: production, sandbox, developer edition."""
        return frozenset(f"https://{kind}.{self.api_domain}" for kind in ("www", "sandbox", "developer"))


DATA_CENTRES: Mapping[str, DataCentre] = {
    "us": DataCentre("https://accounts.zoho.com", "zohoapis.com", "https://content.zohoapis.com"),
    "eu": DataCentre("https://accounts.zoho.eu", "zohoapis.eu", "https://content.zohoapis.eu"),
    "in": DataCentre("https://accounts.zoho.in", "zohoapis.in", "https://content.zohoapis.in"),
    "au": DataCentre("https://accounts.zoho.com.au", "zohoapis.com.au", "https://content.zohoapis.com.au"),
    "jp": DataCentre("https://accounts.zoho.jp", "zohoapis.jp", "https://content.zohoapis.jp"),
    "cn": DataCentre("https://accounts.zoho.com.cn", "zohoapis.com.cn", "https://content.zohoapis.com.cn"),
    "ca": DataCentre(  # the only one with two endings
        "https://accounts.zohocloud.ca", "zohoapis.ca", "https://upload.zohocloud.ca"
    ),
    "sa": DataCentre("https://accounts.zoho.sa", "zohoapis.sa", "https://files.zoho.sa"),
    # Not in the SDK; from Zoho's multi-DC page, which names no host for uploads.
    "uk": DataCentre("https://accounts.zoho.uk", "zohoapis.uk"),
}


def accounts_url(config: ZohoConfig) -> str:
    """The server that gives out tokens for this configuration."""
    return config.simulator_url or DATA_CENTRES[config.data_centre].accounts_url


def is_trusted_api(config: ZohoConfig, api_domain: str) -> bool:
    """Whether our token may be sent to ``api_domain``, which a token answer named as the base of the API.

    Letter by letter as Zoho writes it: a port, another case, a final dot or anything before the host is not Zoho's.
    """
    if config.simulator_url is not None:
        return api_domain == config.simulator_url
    return api_domain in DATA_CENTRES[config.data_centre].api_urls


def upload_url(config: ZohoConfig) -> str:
    """Where files of bulk jobs are handed over; empty: not known of this data centre."""
    return config.simulator_url or DATA_CENTRES[config.data_centre].upload_url


def is_trusted_download(config: ZohoConfig, base: str) -> bool:
    """Whether our token may be sent to ``base``, from which an answer says that the results of a job are fetched."""
    if config.simulator_url is not None:
        return base == config.simulator_url
    return base in DATA_CENTRES[config.data_centre].download_urls


#: What a record is called in each standard module; every custom module has ``Name``.
NAME_FIELDS: Mapping[str, str] = {
    "Accounts": "Account_Name",
    "Contacts": "Full_Name",
    "Leads": "Full_Name",
    "Deals": "Deal_Name",
    "Vendors": "Vendor_Name",
    "Products": "Product_Name",
    "Quotes": "Subject",
    "Sales_Orders": "Subject",
    "Purchase_Orders": "Subject",
    "Invoices": "Subject",
}


#: Line items are modules of their own, read with the rights of the module that they belong to (facts 2.9).
LINE_MODULES: Mapping[str, str] = {"Ordered_Items": "Sales_Orders", "Quoted_Items": "Quotes"}


def name_field(module: str) -> str:
    """The API name of the field that names a record of ``module``."""
    return NAME_FIELDS.get(module, "Name")


# Scopes. A module's own scope has no underscore; all custom modules share "custom".

ORG_SCOPE = "ZohoCRM.org.READ"
COQL_SCOPE = "ZohoCRM.coql.READ"
CHANNELS_SCOPE = "ZohoCRM.notifications.ALL"
USERS_SCOPE = "ZohoCRM.users.READ"
LAYOUTS_SCOPE = "ZohoCRM.settings.layouts.READ"
BULK_SCOPE = "ZohoCRM.bulk.CREATE"
FILES_SCOPE = "ZohoFiles.files.CREATE"
FIELDS_READ_SCOPE = "ZohoCRM.settings.fields.READ"
FIELDS_CREATE_SCOPE = "ZohoCRM.settings.fields.CREATE"
FIELDS_UPDATE_SCOPE = "ZohoCRM.settings.fields.UPDATE"
MODULES_READ_SCOPE = "ZohoCRM.settings.modules.READ"
MODULES_CREATE_SCOPE = "ZohoCRM.settings.modules.CREATE"
PROFILES_SCOPE = "ZohoCRM.settings.profiles.READ"
#: What making a custom module takes: which there are, who may use it, making it.
MODULE_SCOPES = (MODULES_READ_SCOPE, MODULES_CREATE_SCOPE, PROFILES_SCOPE)


def module_scope(module: str, operation: str) -> str:
    """The scope for ``operation`` ("READ", "CREATE", "UPDATE") on ``module``: "ZohoCRM.modules.accounts.READ"."""
    module = LINE_MODULES.get(module, module)
    name = module.replace("_", "").lower() if module in NAME_FIELDS else "custom"
    return f"ZohoCRM.modules.{name}.{operation}"


def scopes_needed(
    modules: Sequence[str],
    *,
    create_fields: bool,
    users: bool = False,
    layouts: bool = False,
    create_modules: bool = False,
    relabel: bool = False,
) -> list[str]:
    """What an operator grants so that these modules can be read and written.

    If asked: also given fields, records given owners (``users``), layouts named by their names (``layouts``), modules
    made (``create_modules``), fields labelled anew (``relabel``).
    """
    wanted = (
        (create_fields, FIELDS_CREATE_SCOPE),
        (users, USERS_SCOPE),
        (layouts, LAYOUTS_SCOPE),
        *((create_modules, scope) for scope in MODULE_SCOPES),
        (relabel, FIELDS_UPDATE_SCOPE),
    )
    always = (ORG_SCOPE, COQL_SCOPE, FIELDS_READ_SCOPE, BULK_SCOPE, FILES_SCOPE)
    scopes = [*always, *(scope for asked, scope in wanted if asked)]
    for module in modules:
        scopes += [module_scope(module, operation) for operation in ("READ", "CREATE", "UPDATE")]
    return list(dict.fromkeys(scopes))


def edit_scopes(modules: Sequence[str]) -> list[str]:
    """What an operator grants beside these for modules in which nothing is created."""
    return [module_scope(module, operation) for module in modules for operation in ("READ", "UPDATE")]


# Editions

#: Custom fields that a module may have (Zoho, "Create Custom Fields"); none can be made in the free edition.
CUSTOM_FIELDS: Mapping[str, int] = {
    "free": 0,
    "standard": 10,
    "professional": 155,
    "enterprise": 300,
    "ultimate": 500,
}
#: Editions with modules of one's own (Zoho, "Create Custom Module").
WITH_MODULES = frozenset({"enterprise", "ultimate"})
#: Other names of these editions, as bundles and licences have them, in small letters without blanks.
_BUNDLES: Mapping[str, str] = {
    "starter": "standard",
    "zohoone": "enterprise",
    "crmplus": "ultimate",
}


def edition_named(paid_type: object) -> str | None:
    """The edition that ``license_details.paid_type`` of /org names; None when it names none that we know."""
    name = "".join(filter(str.isalnum, str(paid_type or ""))).lower()
    name = _BUNDLES.get(name, name)
    return name if name in CUSTOM_FIELDS else None


# Metadata

#: The field that says which page layout a record has: an id on the wire, a name where people write.
LAYOUT = "Layout"
#: Fields of these types take {"id": "..."}; a name alone is not enough (Zoho, "Insert Records", sample attributes).
LOOKUP_TYPES = frozenset({"lookup", "ownerlookup", "userlookup"})
#: The standard modules that bulk jobs write (Zoho, "Create Bulk Write Job"); so they do all custom modules.
_BULK_MODULES = frozenset({"Accounts", "Contacts", "Leads", "Deals", "Vendors", "Products"})


def takes_bulk_jobs(module: str) -> bool:
    """Whether bulk jobs write this module: not the modules that have line items."""
    return module in _BULK_MODULES or module not in NAME_FIELDS


#: Fields of these types are JSON strings although they hold a number.
DIGIT_TEXT_TYPES = frozenset({"bigint"})


@dataclass(frozen=True, slots=True)
class FieldMeta:
    """One field of a module, as /settings/fields describes it."""

    name: str  #: API name
    label: str
    type: str  #: Zoho's data_type: "text", "currency", "lookup", ...
    length: int | None = None
    decimal_places: int | None = None
    unique: bool = False
    external: bool = False
    custom: bool = False
    read_only: bool = False
    mandatory: bool = False
    choices: frozenset[str] | None = None  #: None: any value
    id: str = ""
    lookup: str = ""  #: of a lookup: the module that it points to

    @property
    def is_key(self) -> bool:
        """Whether no two records may share a value, which takes one of the module's few places for that."""
        return self.unique or self.external

    def shape(self) -> FieldShape:
        """What may be written into it, in the port's words."""
        return FieldShape(
            self.name,
            self.type,
            writable=not self.read_only,
            length=self.length,
            mandatory=self.mandatory,
            choices=self.choices,
            unique=self.is_key,
        )


@dataclass(frozen=True, slots=True)
class NamedModule:
    """A module, as /settings/modules lists it."""

    name: str  #: API name
    singular: str
    plural: str
    id: str
    by_api: bool  #: whether the API reaches it


@dataclass(frozen=True, slots=True)
class ModuleMeta:
    """The fields of a module, and those whose values need another shape on the wire."""

    fields: Mapping[str, FieldMeta]  #: by API name
    lookups: frozenset[str]
    digit_texts: frozenset[str]
    shaped: frozenset[str]  #: both of them

    @classmethod
    def of(cls, fields: Sequence[FieldMeta]) -> ModuleMeta:
        """The same fields, ready for look-ups."""
        lookups = frozenset(meta.name for meta in fields if meta.type in LOOKUP_TYPES) | {LAYOUT}
        digit_texts = frozenset(meta.name for meta in fields if meta.type in DIGIT_TEXT_TYPES)
        return cls({meta.name: meta for meta in fields}, lookups, digit_texts, lookups | digit_texts)
