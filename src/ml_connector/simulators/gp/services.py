"""The two services behind the sign-in, SOAP and SBA: a planned fault is met, or the work is done and answered."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ml_connector.simulators.gp import faults, sba
from ml_connector.simulators.gp.answers import envelope
from ml_connector.simulators.gp.criteria import describe
from ml_connector.simulators.gp.operations import SIGNATURES, perform
from ml_connector.simulators.gp.options import Account
from ml_connector.simulators.gp.replies import Reply, page, spoiled, xml
from ml_connector.simulators.gp.requests import Call, MalformedError, read_call
from ml_connector.simulators.gp.sba_request import RefusedError, Request
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.windows_auth import Identity

#: What the faults of SOAP's names are in SBA.
_SBA_FAULTS = {
    "soap_system_fault": (500, faults.SYSTEM),
    "soap_validation_fault": (400, "The object does not meet a rule of this company."),
    "soap_foreign_fault": (500, faults.FOREIGN),
}
_PLANNED_REASONS = (
    faults.ValidationError(
        "The business object does not meet a rule of this company.", "5432", "Customer", ("Name",)
    ),
)


@dataclass(slots=True)
class Work:
    """What is known of a request of a service so far; becomes its line in the log."""

    identity: Identity
    began: float
    operation: str = ""
    asked: str = ""
    company_id: int | None = None
    rows: int = 0
    fault: str = ""


class Services:
    """Both services of one simulation; headers are by names in lower case."""

    def __init__(self, simulation: Simulation) -> None:
        options = simulation.options
        self.simulation = simulation
        self.runtimes = sba.Runtimes(options.sba_instances, options.cold_start_seconds, options.idle_seconds)

    def sba(self, method: str, target: str, headers: Mapping[str, str], body: bytes, work: Work) -> Reply:
        """Answer SBA: start a program where none runs, meet a planned fault, do the work on one of them."""
        simulation, runtimes = self.simulation, self.runtimes
        if target.partition("?")[0].lower().endswith(f"/tenants({sba.TENANT.lower()})/help"):
            return Reply(200, sba.DISCOVERY.encode())
        try:
            request = sba.read_request(method, target, headers, body)
            work.operation, work.asked = request.operation, target
            planned = simulation.faults.strike(work.operation)
            cold = runtimes.cold_seconds(refuse=simulation.settings.sba_starting == "503")
            with runtimes:
                simulation.wait(cold + simulation.settings.latency_seconds)
                return self._perform_sba(request, work, planned)
        except RefusedError as error:
            work.fault = error.said
            said, media_type = sba.refusal(error)
            return Reply(error.status, said, content_type=media_type)

    def _perform_sba(self, request: Request, work: Work, planned: faults.PlannedFault | None) -> Reply:
        simulation = self.simulation
        if planned is not None:
            work.fault = planned.kind
            simulation.delay(planned)
            if planned.kind == "late":
                put_off = partial(_unheard, simulation, request, work.identity.account)
                simulation.late.put_off(request.operation, put_off, planned.seconds)
            if planned.kind in _SBA_FAULTS:
                raise RefusedError(*_SBA_FAULTS[planned.kind])
            if (instead := self._instead(planned, work)) is not None:
                return instead
        found = sba.perform(simulation, request, work.identity.account)
        work.rows, work.company_id = found.rows, found.company_id
        said = sba.body(found, simulation.settings.sba_envelope)
        reply = Reply(found.status, said, content_type="application/json")
        return reply if planned is None else spoiled(reply, planned.kind)

    def soap(self, headers: Mapping[str, str], body: bytes, work: Work) -> Reply:
        """Answer the SOAP service."""
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            work.fault = "the content type is not text/xml"
            return Reply(415, b"")
        try:
            call = read_call(body, headers.get("soapaction", ""), SIGNATURES)
        except MalformedError as error:
            work.fault = str(error)
            return Reply(400, b"")
        except faults.SoapFaultError as fault:
            return self._fault(fault, work)
        work.operation, work.company_id = call.operation, call.context.company_id
        work.asked = " ".join(filter(None, map(describe, call.arguments.values())))
        return self._carry_out(call, work)

    def _carry_out(self, call: Call, work: Work) -> Reply:
        simulation = self.simulation
        planned = simulation.faults.strike(call.operation)
        simulation.wait(simulation.cold_seconds() + simulation.settings.latency_seconds)
        if planned is None:
            return self._perform(call, work)
        work.fault = planned.kind
        if planned.kind == "late":
            simulation.late.put_off(call.operation, partial(self._perform, call, work), planned.seconds)
        simulation.delay(planned)
        instead = self._instead(planned, work)
        return instead or spoiled(self._perform(call, work), planned.kind)

    def _perform(self, call: Call, work: Work) -> Reply:
        try:
            answer = perform(self.simulation, call, work.identity.account)
        except faults.SoapFaultError as fault:
            return self._fault(fault, work)
        work.rows = answer.rows
        return xml(200, envelope(call.operation, answer.result, answer.kind))

    def _instead(self, planned: faults.PlannedFault, work: Work) -> Reply | None:
        """Return what a planned fault answers instead of doing the work; None where the work is done."""
        retry = (("Retry-After", f"{planned.seconds:.0f}"),) if planned.seconds else ()
        replies = {
            "drop": Reply(0, b"", drop=True),
            "late": Reply(0, b"", drop=True),
            "http_500": Reply(500, page("Server Error in Application")),
            "http_503": Reply(503, page("Service Unavailable"), headers=retry),
            "html_200": Reply(200, page("Scheduled maintenance")),
        }
        planned_faults = {
            "soap_system_fault": faults.SystemFaultError(),
            "soap_validation_fault": faults.SoapFaultError(faults.VALIDATION, _PLANNED_REASONS),
            "soap_foreign_fault": faults.SoapFaultError(faults.FOREIGN),
        }
        if planned.kind in planned_faults:
            return self._fault(planned_faults[planned.kind], work)
        return replies.get(planned.kind)

    def _fault(self, fault: faults.SoapFaultError, work: Work) -> Reply:
        work.fault = work.fault or fault.text
        log_id = self.simulation.exceptions.record(fault) if fault.logged else None
        return xml(500, faults.fault_envelope(fault, log_id))


def _unheard(simulation: Simulation, request: Request, account: Account) -> None:
    """Do the work of a request whose client is gone; what it is refused for, nobody hears."""
    with contextlib.suppress(RefusedError):
        sba.perform(simulation, request, account)
