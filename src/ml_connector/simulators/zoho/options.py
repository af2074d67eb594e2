"""What a simulated Zoho organisation is started with."""

from dataclasses import dataclass, fields
from typing import Literal

ALL_SCOPES = (
    "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.org.ALL,ZohoCRM.users.ALL,ZohoCRM.coql.READ,"
    "ZohoCRM.notifications.ALL,ZohoCRM.bulk.ALL,ZohoFiles.files.ALL,ZohoSearch.securesearch.READ,"
    "ZohoCRM.composite_requests.CUSTOM"
)

Edition = Literal["free", "standard", "professional", "enterprise", "ultimate"]


@dataclass(frozen=True, slots=True)
class GrantCode:
    """A code that the operator copied from the API console: one use, three minutes from the simulator's start."""

    code: str
    scopes: str = ALL_SCOPES


@dataclass(frozen=True, slots=True)
class ZohoOptions:
    """What can be chosen; from `edition` on it can be changed while it runs (`POST /_control/settings`)."""

    host: str = "127.0.0.1"
    port: int = 0
    client_id: str = "1000.SIMULATEDCLIENT"
    client_secret: str = "simulated-client-secret"  # noqa: S105 -- known to everybody
    refresh_token: str = "1000.simulated.refresh"  # noqa: S105
    scopes: str = ALL_SCOPES
    """Of the ready refresh token."""
    grant_codes: tuple[GrantCode, ...] = ()
    time_zone_offset: str = "-05:00"
    """Of the user whose token asks: times are returned in it."""
    request_log_size: int = 100_000
    examples_file: str = ""
    """Where an example of each shape of request goes (see examples.py); empty: as ZOHO_SIMULATOR_JOURNAL says."""
    notice_senders: int = 1
    """How many notifications are posted at once; with one of them, in their order."""

    edition: Edition = "enterprise"
    users: int = 5
    """Licences bought: they raise the credits."""
    credit_limit: int | None = None
    """Instead of what edition and users give."""
    latency_seconds: float = 0.0
    """Of every API call; it is spent before the work, while the call counts as running."""
    latency_per_record_seconds: float = 0.0
    """Of each record written, on top."""
    clock_offset_seconds: float = 0.0
    search_lag_seconds: float = 5.0
    """How long a change stays unseen by /search (the length is not documented)."""
    hidden_modules: tuple[str, ...] = ()
    """Modules that the user's profile does not permit: 403."""
    may_customise: bool = True
    """Whether the user's profile permits to create fields and modules; otherwise 403."""
    custom_module_limit: int = 10
    """Custom modules that can be made (Zoho's example has 10; how many an edition has is not in the API's pages)."""
    reserved_module_names: tuple[str, ...] = (
        "Users",
        "Org",
        "Settings",
        "Modules",
        "Fields",
        "Activities",
        "Tags",
    )
    """API names that no module may have (Zoho has such names and does not list them)."""
    demands_type_keys: bool = False
    """Whether new currency, textarea and autonumber fields need the key of their type (`currency`, `textarea`,
    `auto_number`): Zoho's page calls these mandatory, its OpenAPI file does not."""
    pick_list_update: Literal["merge", "replace"] = "merge"
    """Whether the values of a picklist that a change of the field does not name stay (not documented; that values can
    be deleted one by one, by `_delete`, speaks for it)."""
    closed_picklist_key: str = "restricted"
    """How /settings/fields tells that a picklist is closed; empty: not at all (inferred: no source has such a key)."""
    unknown_fields: Literal["ignore", "error"] = "ignore"
    """What a write does with a field name that the module does not have (reports differ)."""
    bulk_call_credits: int = 1
    """Of an upload, of a look at a job and of a download (not documented; most calls cost 1)."""
    bulk_read_credits: int = 50
    """Of creating a bulk read job (inferred)."""
    bulk_read_rows: int = 200_000
    """Most records that one bulk read gives; fewer make pages of small tables."""
    bulk_wait_seconds: float = 0.5
    """How long a bulk job stays ADDED at least; jobs before it make it wait longer."""
    bulk_seconds: float = 3.5
    """How long a bulk job takes (seen live with bulk read; of bulk write nothing is known)."""
    bulk_seconds_per_row: float = 0.00005
    """On top, for each row."""
    bulk_rows_appear: Literal["at_end", "gradually"] = "at_end"
    """When the rows of a bulk write can be seen: all at its end, or one by one while it runs (not documented)."""
    bulk_progress_word: Literal["INPROGRESS", "IN PROGRESS"] = "INPROGRESS"
    """How a bulk write says that it runs (Zoho's page and SDK have a blank, its newest OpenAPI file has none)."""
    bulk_upsert_matching: Literal["find_by", "all_unique"] = "find_by"
    """What the upsert of a bulk write looks at: `find_by` alone as its page has it, or the module's other unique fields
    after it, as the ordinary upsert does."""
    bulk_missing_reference: Literal["INVALID_DATA", "RESOURCE_NOT_FOUND"] = "INVALID_DATA"
    """The code of a bulk write's cell that names a record or a user who is not there (not documented)."""

    watch_maximum_seconds: int = 604_800
    """The longest life that a notification channel is given; who asks for more gets the default."""
    watch_default_seconds: int = 3_600
    """How long a channel lives when no expiry was asked for, or one too late."""
    watch_renewal: Literal["from_now", "from_enabling"] = "from_now"
    """Where the longest life of a channel counts from when its expiry is changed by PATCH ("from the time they are
    enabled", says Zoho's page; third parties saw renewals by PUT move the expiry)."""
    watch_patch_needs: Literal["all", "channel_id"] = "all"
    """Whether PATCH wants events and notify_url, too: Zoho's page and its OpenAPI file call them mandatory, though it
    is "to update only specific details"."""
    watch_patch_expiry: Literal["default", "kept"] = "default"
    """What PATCH without an expiry does to it: Zoho's page has the default of one hour, and that what is not given
    "will not be removed"."""
    watch_patch_events: Literal["add", "replace"] = "add"
    """Whether events of a PATCH are added to those of the module or replace them (inferred: taking them away needs
    `_delete_events`)."""
    watch_refusal_status: Literal[400, 202] = 400
    """The status when every object of a call to /actions/watch is refused (202 in the OpenAPI file of June 2025)."""

    notice_drop_share: float = 0.0
    """How many notifications are lost, of 1. How Zoho's are delivered is not documented at all; none is sent again."""
    notice_copies: tuple[int, int] = (1, 1)
    """How often each of the others is sent: from so many times to so many times."""
    notice_delay_seconds: tuple[float, float] = (0.0, 0.0)
    """How late they are, by the simulator's clock; they stay in their order."""
    notice_shuffle_seconds: float = 0.0
    """The span within which they come out of order, on top."""
    notice_wrong_token_share: float = 0.0
    """How many of those sent carry another token than the channel's, of 1."""
    notice_ids_per_call: int = 100
    """Most records of one write that one notification tells of (that it may be several was seen live); 1: one each."""
    notice_seed: int = 1
    """Of the chance that decides all this."""
    notice_timeout_seconds: float = 5.0
    """How long the answer to a notification is waited for."""


_NAMES = [field.name for field in fields(ZohoOptions)]
CHANGEABLE = frozenset(_NAMES[_NAMES.index("edition") :])
