"""What a person has to say so that we can reach their Zoho CRM."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

DataCentreName = Literal["us", "eu", "in", "au", "jp", "cn", "ca", "sa", "uk"]
Edition = Literal["free", "standard", "professional", "enterprise", "ultimate"]
Automation = Literal["workflow", "approval", "blueprint", "pathfinder", "orchestration"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ZohoConfig(BaseModel):
    """The Zoho side of the settings; the client secret and the refresh token are handed in apart, as callables."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data_centre: DataCentreName = Field(
        description="Where the organisation lives: the ending of its Zoho address (us is zoho.com, eu is zoho.eu, ...)."
    )
    client_id: str = Field(
        min_length=1, description="The id of the client that was registered in Zoho's API console."
    )
    edition: Edition = Field(
        "enterprise", description="The edition of Zoho CRM; it says how much Zoho takes at once and in a day."
    )
    max_requests: int | None = Field(
        None, ge=1, le=25, description="Most requests at once; leave it out to use what the edition allows."
    )
    heavy_requests: int = Field(
        10, ge=1, le=10, description="Most requests at once of the heavy kinds (more than 10 records, COQL)."
    )
    credits_per_day: int | None = Field(
        None,
        ge=200,
        le=1_000_000_000,
        description="API credits of 24 hours; leave it out to use what the edition and the licences come to.",
    )
    credits_reserve: float = Field(
        0.1,
        ge=0,
        le=0.9,
        description="Share of them that is left to people and other programs: ours never take the last of it.",
    )
    credits_wait_seconds: float = Field(
        90_000,
        ge=0,
        le=604_800,
        description="How long a run waits for credits to be free again before it leaves the rest to the next.",
    )
    timeout_seconds: float = Field(
        60.0, gt=0, le=600, description="How long one request may take before it is given up, in seconds."
    )
    trigger: tuple[Automation, ...] = Field(
        (), description="Which of the organisation's automations our writes may start; empty: none of them."
    )
    bulk_write: bool = Field(
        default=True,
        description="Whether many changes are written by bulk jobs where that costs fewer credits.",
    )
    bulk_poll_seconds: float = Field(
        10.0,
        gt=0,
        le=600,
        description="How long after its start a bulk job is looked at first; then after twice as long, and so on.",
    )
    bulk_timeout_seconds: float = Field(
        3600.0,
        gt=0,
        le=86_400,
        description="How long a bulk job whose start lost its answer, or of which Zoho cannot tell any more, keeps its"
        " module from being written; then everything is read again. One of which Zoho says that it is under way is"
        " waited for however long that is.",
    )
    simulator_url: str | None = Field(
        None,
        description="Address of a simulator on this machine, used in place of Zoho for tests and the demo.",
    )

    @field_validator("simulator_url")
    @classmethod
    def _on_this_machine(cls, url: str | None) -> str | None:
        """A simulator gets our tokens in the clear, so it has to be on this machine."""
        if url is None:
            return None
        parts = urlsplit(url)
        bare = not (
            parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
        )
        if parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK or not bare:
            raise ValueError(
                "a simulator is given as http://127.0.0.1:PORT, localhost or [::1], and nothing more"
            )
        return url.rstrip("/")
