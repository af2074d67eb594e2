"""The part of the settings that is about the processes which run by themselves: what they run, say and tell."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from ml_connector.core.alerts import is_alert_address
from ml_connector.core.listening import Pace
from ml_connector.core.schedule import Schedule
from ml_connector.flow_settings import Section

_YEAR_SECONDS = 31_536_000
_YEAR_MINUTES = _YEAR_SECONDS / 60
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class ServeSettings(Section):
    """The process that runs the flows by itself (ml-connector serve)."""

    schedule: str = Field(
        default="*/15 * * * *",
        description="When flows run that have no schedule of their own: minute, hour, day, month and weekday, as cron"
        " has them.",
    )
    time_zone: str = Field(
        default="UTC",
        description="On whose wall clock that is, for example Europe/Berlin or America/Chicago.",
    )
    runs_at_once: int = Field(
        default=2,
        ge=1,
        le=20,
        description="How many flows run beside each other, so that a long first load keeps back no other flow. One run"
        " of a flow at a time, and one that writes into a module. Counted over all processes; on PostgreSQL each of"
        " them does one at a time.",
    )
    wait_seconds: float = Field(
        default=60,
        ge=0,
        le=_YEAR_SECONDS,
        description="How long a run itself waits for a system that is away; then it ends, the system is looked for, and"
        " its flows run as soon as it is there.",
    )
    address: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address on which the pages and /health are; 0.0.0.0: every one of this machine.",
    )
    port: int = Field(default=8080, ge=0, le=65_535, description="Their port; 0: any free one.")

    @model_validator(mode="after")
    def _is_schedule(self) -> ServeSettings:
        Schedule.read(self.schedule, self.time_zone)
        return self


class WorkerSettings(Section):
    """One more process that shares the work of serve (ml-connector worker, on PostgreSQL)."""

    address: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address on which its /health and /metrics are; 0.0.0.0: every one of this machine.",
    )
    port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="Their port; 0: any free one. Left out: there are none. Several workers on one machine need each"
        " its own, by “ml-connector worker --port”.",
    )


class WebhooksSettings(Section):
    """How Zoho tells serve of changes (ml-connector channels list)."""

    url: str = Field(
        default="",
        max_length=180,
        description="The address at which Zoho reaches this process, as it is from outside: https://HOST or"
        " https://HOST/PATH; http for a simulator on this machine alone. Empty: Zoho tells of nothing.",
    )
    modules: tuple[str, ...] = Field(
        default=("Deals", "Quotes", "Sales_Orders"),
        description="The modules of whose changes Zoho tells, by API name. What it tells of one that no flow into GP"
        " reads is kept for safety_poll_seconds and then forgotten.",
    )
    body_bytes: int = Field(
        default=262_144,
        ge=1024,
        le=16_777_216,
        description="The longest notification that is read; one that is longer is refused.",
    )
    rate_per_second: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="So many of them are taken in a second; more are refused, and polling finds what they told of.",
    )
    coalesce_seconds: float = Field(
        default=3,
        ge=0,
        le=600,
        description="How long after its first notification a record is fetched, so that a burst on it is one fetch.",
    )
    poll_seconds: float = Field(
        default=300,
        ge=30,
        le=86_400,
        description="How often a module is polled of whose changes Zoho does not tell at present; each time costs two"
        " credits, with or without changes.",
    )
    safety_poll_seconds: float = Field(
        default=3600,
        ge=60,
        le=604_800,
        description="How often a module is polled although Zoho tells of its changes: what was lost on the way is found"
        " then.",
    )

    @property
    def pace(self) -> Pace:
        """How often a module is polled."""
        return Pace(timedelta(seconds=self.poll_seconds), timedelta(seconds=self.safety_poll_seconds))

    @field_validator("url")
    @classmethod
    def _can_be_reached(cls, url: str) -> str:
        parts = urlsplit(url)
        bare = not (parts.query or parts.fragment or parts.username or parts.password)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
        if url and not (safe and bare and parts.hostname and url.isascii() and " " not in url):
            raise ValueError("an address is https://HOST or https://HOST/PATH, and nothing more")
        return url.rstrip("/")

    @field_validator("modules")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in names if _API_NAME.fullmatch(name) is None]:
            raise ValueError(f"{wrong[0]!r} is no API name of a module, such as Sales_Orders")
        return tuple(dict.fromkeys(names))


class LogSettings(Section):
    """What serve writes to standard error."""

    format: Literal["text", "json"] = Field(
        default="text",
        description="Lines of name=value for people and grep, or a JSON object a line for programs.",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="From which level on lines are written; info has a line for every run and every record that is"
        " held, debug one for everything that happens to a record.",
    )


class AlertsSettings(Section):
    """Whom serve tells, and of what; each alert is sent once, and once more when it has passed."""

    to: tuple[str, ...] = Field(
        default=(),
        description="The addresses, each the name of a secret (alerts.NAME) that holds an Apprise URL: an address may"
        " have a password in it. None: nothing is sent, “alerts list” shows what is open.",
    )
    about: tuple[Literal["waiting", "failed", "late", "drift", "held", "channel", "database"], ...] = Field(
        default=("waiting", "failed", "late", "drift", "held", "channel", "database"),
        description="What alerts there are: a system that is waited for, a flow that failed, one that did not run to"
        " its end although it was due, fields of Zoho that changed, records that are held for long, a channel of"
        " Zoho's that could not be kept, a database that"
        " cannot be used.",
    )
    waiting_minutes: float = Field(
        default=30,
        ge=0,
        le=_YEAR_MINUTES,
        description="So long a system may be waited for; quiet hours are no matter, and for a password or token that is"
        " refused failed_minutes counts.",
    )
    failed_minutes: float = Field(
        default=0,
        ge=0,
        le=_YEAR_MINUTES,
        description="So long all runs of a flow may fail; 0: one is enough.",
    )
    late_minutes: float = Field(
        default=60,
        ge=0,
        le=_YEAR_MINUTES,
        description="So long after it was due a flow may not have run to its end.",
    )
    held_days: float = Field(default=7, ge=0, le=3650, description="So long a record may be held.")
    database_minutes: float = Field(
        default=5,
        ge=0,
        le=_YEAR_MINUTES,
        description="So long the database may be away, locked or full.",
    )

    @field_validator("to")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_alert_address, names)):
            raise ValueError(
                "an address is a secret: keep it with “ml-connector secrets set alerts.NAME”, and write only its name"
                " here, alerts.NAME in small letters"
            )
        return names
