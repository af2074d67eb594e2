"""Everything one running simulator holds: its companies, its settings, its clock and its records of what was asked."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ml_connector.simulators.gp import fabrikam, fabrikam_sales, generate
from ml_connector.simulators.gp.company import Company, Customer, Vendor
from ml_connector.simulators.gp.faults import ExceptionLog, FaultPlan, PlannedFault
from ml_connector.simulators.gp.late import Late
from ml_connector.simulators.gp.options import ROW_LIMITED, GpOptions
from ml_connector.simulators.gp.policies import Policies
from ml_connector.simulators.gp.sales_documents import Sales
from ml_connector.simulators.gp.tracking import Track
from ml_connector.simulators.gp.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Settings:
    """What may change while the simulator runs; replaced as a whole."""

    latency_seconds: float
    row_limits: dict[str, int]
    auth_per_request: bool
    denied_operations: dict[str, tuple[str, ...]]
    clock_offset_seconds: float
    sba_envelope: str
    sba_starting: str
    action_tracking: bool


class Simulation:
    """The state that operations, sign-in and control share; its parts are safe for many threads."""

    def __init__(self, options: GpOptions) -> None:
        self.options = options
        self.companies: dict[int, Company] = {
            fabrikam.COMPANY_ID: generate.company(options),
            fabrikam.EMPTY_COMPANY_ID: Company(fabrikam.EMPTY_COMPANY_ID, fabrikam.EMPTY_COMPANY_NAME),
        } | {more.id: generate.further_company(options, more) for more in options.companies}
        self.tracks: dict[int, Track] = {company_id: Track() for company_id in self.companies}
        self.sales: dict[int, Sales] = {
            number: fabrikam_sales.sales(company) if len(company.customers) else Sales()
            for number, company in self.companies.items()
        }
        self.policies: dict[int, Policies] = {number: Policies() for number in self.companies}
        self.faults = FaultPlan()
        self.late = Late()
        self.exceptions = ExceptionLog()
        self.traffic = Traffic(options.log_size)
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._warm_at = 0.0  # monotonic; when a cold service will be ready
        self._last_used: float | None = None
        limits = dict.fromkeys(ROW_LIMITED, options.row_limit) | dict(options.row_limits)
        self.settings = Settings(
            latency_seconds=options.latency_seconds,
            row_limits=limits,
            auth_per_request=options.auth_per_request,
            denied_operations={name.casefold(): ops for name, ops in options.denied_operations.items()},
            clock_offset_seconds=options.clock_offset_seconds,
            sba_envelope=options.sba_envelope,
            sba_starting=options.sba_starting,
            action_tracking=options.action_tracking,
        )

    def change_settings(self, **changes: object) -> None:
        """Replace some settings, all at once."""
        with self._lock:
            self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]  # checked by control

    def track(
        self, company: Company, before: Customer | Vendor | None, after: Customer | Vendor | None
    ) -> None:
        """Record a change, where entity action tracking is on."""
        if self.settings.action_tracking:
            self.tracks[company.id].note(before, after, self.now())

    def said(self, at: datetime) -> datetime:
        """Return an instant as ModifiedDate says it: as fine as the site's stamps are."""
        by_day = self.options.stamp_granularity == "day"
        return at.replace(hour=0, minute=0, second=0, microsecond=0) if by_day else at

    def now(self) -> datetime:
        """Return the simulator's clock, to the second."""
        return (datetime.now(UTC) + timedelta(seconds=self.settings.clock_offset_seconds)).replace(
            microsecond=0
        )

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than the simulator runs."""
        if seconds > 0:
            self.stopping.wait(seconds)

    def delay(self, fault: PlannedFault) -> None:
        """Sleep as long as the fault delays, but no longer than its plan counts or the simulator runs."""
        if fault.kind == "delay" and not self.stopping.is_set():  # it is set before all delays end
            fault.over.wait(fault.seconds)

    def cold_seconds(self) -> float:
        """Return how long an operation that begins now waits until the service has started."""
        now = time.monotonic()
        with self._lock:
            idle = self._last_used is None or now - self._last_used > self.options.idle_seconds
            if idle and self.options.cold_start_seconds:
                self._warm_at = now + self.options.cold_start_seconds
            self._last_used = now
            return max(0.0, self._warm_at - now)
