"""What a simulator is started with; everything here that can change later is changed through the control endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StampGranularity = Literal["second", "day"]
Envelope = Literal["bare", "resource", "payload"]

ROW_LIMITED = (
    "vendors",
    "customers",
    "addresses",
    "receivables",
    "payables",
    "accounts",
    "journals",
    "changed_keys",
    "sales_documents",
    "items",
    "batches",
    "sales_setup",
)
"""The entities that have a row limit of their own."""

DEFAULT_ROW_LIMIT = 1000
"""Dynamics GP Web Services return the first 1000 matching items unless configured otherwise (PR-cc508732)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Windows account that may sign in; `companies` are the company ids it has rights in."""

    domain: str
    user: str
    password: str
    companies: tuple[int, ...] = (-1, 2)

    @property
    def name(self) -> str:
        r"""The account as Windows shows it, `DOMAIN\user`."""
        return f"{self.domain}\\{self.user}"


@dataclass(frozen=True, slots=True)
class MoreCompany:
    """A company beside Fabrikam (-1), with Fabrikam's own records and as many more as are asked for."""

    id: int
    customers: int = 0  # in all; smaller than Fabrikam's own: only those
    vendors: int = 0
    seed: int = 2
    name: str = ""  # "" : after its number


@dataclass(frozen=True, slots=True)
class GpOptions:
    """Settings of one simulator; the defaults give Fabrikam as it is shipped, with one account."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free port
    tls: tuple[str, str] | None = None  # certificate file, key file
    accounts: tuple[Account, ...] = (Account("FABRIKAM", "connector", "Sample-Pa55word"),)

    customers: int = 0  # in all, Fabrikam's own included; smaller than Fabrikam's own: only those
    vendors: int = 0
    journal_entries: int = 0
    seed: int = 1
    companies: tuple[MoreCompany, ...] = ()  # company 2 is there without, and empty
    same_second: bool = False  # every master of the company carries one and the same stamp
    stamp_granularity: StampGranularity = "second"

    action_tracking: bool = False  # GetChanged...KeyList tells what was done from the moment it is turned on

    row_limit: int = DEFAULT_ROW_LIMIT
    row_limits: Mapping[str, int] = field(default_factory=dict)  # by entity of ROW_LIMITED, over row_limit

    auth_per_request: bool = False  # as self-hosted WCF does: a connection never stays signed in
    #: A web server in front has signed in already and names the account in X-Remote-User; only on a loopback host.
    trusted_proxy: bool = False
    lockout_after: int = 5  # wrong passwords until the account is locked
    denied_operations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by DOMAIN\user

    latency_seconds: float = 0.0  # added to every operation
    cold_start_seconds: float = 0.0  # added to the first operation after idle_seconds without one
    idle_seconds: float = 600.0
    sba_envelope: Envelope = "resource"  # what SBA's JSON stands in
    sba_instances: int = 8  # programs that work for SBA, each on one request at a time
    sba_starting: Literal["slow", "503"] = "slow"  # what a request meets while a program starts
    clock_offset_seconds: float = 0.0  # of the simulator's clock against this machine's
    log_size: int = 100_000  # requests kept in the log; the counts are exact beyond it
