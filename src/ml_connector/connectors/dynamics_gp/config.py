"""What has to be known to reach one Dynamics GP company."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ml_connector.connectors.dynamics_gp.quiet import LONGEST, QuietTable, read_window
from ml_connector.connectors.dynamics_gp.sba_config import SbaConfig

#: No public source gives a limit; a Dexterity runtime works on one request at a time (facts.md 4, "concurrency").
_FEWEST, _MOST = 2, 5
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _soap_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            "give the full address, such as http://gp.example.com:48620/DynamicsGPWebServices/DynamicsGPService.asmx"
        )
    if parts.username or parts.query or parts.fragment:
        raise ValueError("the address carries no user, query or fragment: the user has a setting of its own")
    return text


def _cap(number: int) -> int:
    if not _FEWEST <= number <= _MOST:
        raise ValueError(
            f"GP takes {_FEWEST} to {_MOST} requests at once. Each one keeps a whole runtime of GP or a connection of"
            " its SQL Server busy, beside the people who work there: more would slow them down and bring nothing"
            " sooner, and with one alone a single long list would hold up everything else"
        )
    return number


def _guid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("the id of a policy looks like 4d060bdc-fa1e-4ea1-9e89-e1d19a5cb2ce") from None


class QuietHours(BaseModel):
    """When nothing is asked of GP: the hours that belong to the people who work there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str = Field(
        default="",
        description="The zone whose clock counts, such as Europe/Berlin; required where there are windows.",
    )
    windows: tuple[str, ...] = Field(
        default=(),
        description="When nothing is asked, for example ['mon-fri 07:00-09:30', 'last-3 06:00-20:00']: weekdays (mon"
        " to sun), daily, or the first-N or last-N days of the month; over midnight, too. A run waits, or leaves the"
        " rest to the next.",
    )

    @model_validator(mode="after")
    def _readable(self) -> QuietHours:
        table = self.table()
        if table and (until := table.quiet_until(_SOME_DAY)) and until >= _SOME_DAY + LONGEST:
            raise ValueError("windows leave no minute of a whole month: nothing would ever be asked of GP")
        return self

    def table(self) -> QuietTable | None:
        """The windows as they are looked up; None: there are none. Raises ValueError with a sentence."""
        if not self.windows:
            return None
        if not self.time_zone:
            raise ValueError("windows need a time_zone beside them, such as Europe/Berlin")
        try:
            zone = ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"there is no time zone “{self.time_zone}”; write it as Europe/Berlin or America/Chicago"
            ) from None
        return QuietTable(zone, tuple(map(read_window, self.windows)))


class AnotherCompany(BaseModel):
    """A further company of the same GP, written into the same Zoho by the same flows and mappings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company_id: int = Field(ge=-32768, le=32767, description="Number of this company in GP.")
    key_prefix: str = Field(
        default="",
        max_length=16,
        description="Put before every key of this company in Zoho; no prefix may begin another one.",
    )
    sba_company: str = Field(
        default="", description="Its name as GP shows it; required where [gp.sba] names entities."
    )
    leave_out: tuple[str, ...] = Field(
        default=(), description="Flows that do not run for this company, for example ['vendors']."
    )


class GpConfig(BaseModel):
    """The settings of the Dynamics GP side. The password is not among them: it is handed to the transport."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    endpoint: Annotated[str, AfterValidator(_soap_address)] = Field(
        description="Full address of the legacy web service (DynamicsGPService.asmx), http or https."
    )
    company_id: int = Field(
        ge=-32768, le=32767, description="Number of the company in GP; the sample company Fabrikam is -1."
    )
    user: str = Field(
        min_length=1,
        description="Windows account that may use Web Services for GP: DOMAIN\\user or user@domain.",
    )
    mechanism: Literal["negotiate", "ntlm", "kerberos"] = Field(
        default="negotiate",
        description="How to sign in: negotiate (Kerberos where it can be had, else NTLM), ntlm only, or kerberos only.",
    )
    realm: str = Field(
        default="",
        description="Active Directory domain of the account, for Kerberos, such as CORP.EXAMPLE.COM; empty: the domain"
        " of user@domain, or the machine's own where its first part is DOMAIN.",
    )
    max_requests: Annotated[int, AfterValidator(_cap)] = Field(
        default=3,
        description="Most requests to GP at once, 2 to 5, counted over all processes of this machine; half as many"
        " while GP's answers take three times as long as usual.",
    )
    delay_seconds: float = Field(
        default=0.0,
        ge=0,
        le=60,
        description="Pause between one request and the next on each of these places, whichever process asks.",
    )
    timeout_seconds: float = Field(
        default=60.0, gt=0, le=3600, description="How long one answer may take for a single record."
    )
    list_timeout_seconds: float = Field(
        default=300.0, gt=0, le=3600, description="How long one answer may take for a list."
    )
    change_timeout_seconds: float = Field(
        default=120.0,
        ge=5,
        le=3600,
        description="How long GP may take to create or change something; a longer wait is better than not to know"
        " whether it was done.",
    )
    policies: dict[str, Annotated[str, AfterValidator(_guid)]] = Field(
        default={},
        description="Ids of the policies by which something is created or changed, by operation, for example"
        " {CreateSalesOrder = '4d060bdc-fa1e-4ea1-9e89-e1d19a5cb2ce'}. What is not named is asked of GP.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) to trust besides the system's own, for an https address.",
    )
    culture: str = Field(default="en-US", min_length=2, description="Language of GP's messages.")
    unposted_entries: bool = Field(
        default=False,
        description="Read journal entries that are not posted yet, too: they may still change, or never be posted.",
    )
    payables: Literal["estimated", "exact"] = Field(
        default="estimated",
        description="Vendor balances: estimated from open documents, or exact by a request for each open invoice.",
    )
    sba: SbaConfig = SbaConfig()
    quiet_hours: QuietHours = Field(
        default=QuietHours(),
        description="When nothing is asked of GP: the hours that belong to the people who work there.",
    )
