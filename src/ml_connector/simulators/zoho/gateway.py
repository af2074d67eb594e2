"""What happens to a request: faults first, then accounts server, API or control; and a line in the journal."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

from ml_connector.simulators.zoho import api, control
from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.examples import VARIABLE, examples_at
from ml_connector.simulators.zoho.faults import INSTEAD_OF_ANSWER, INSTEAD_OF_WORK, Fault, FaultKind
from ml_connector.simulators.zoho.journal import Asked
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.replies import Reply, RequestRefusedError, json_reply
from ml_connector.simulators.zoho.route import Route

_TOKEN_PATH = "/oauth/v2/token"  # noqa: S105 -- a path
_REVOKE_PATH = "/oauth/v2/token/revoke"
_WRITES = frozenset({"POST", "PUT"})
_CUTS = {FaultKind.CUT_AFTER_WORK: 0.0, FaultKind.CUT_MID_ANSWER: 0.5}


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, complete."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def path(self) -> str:
        """Decoded, without the query."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """Decoded parameters; of several with one name the last."""
        text = self.target.partition("?")[2]
        return dict(parse_qsl(text, keep_blank_values=True)) if text else {}


@dataclass(slots=True)
class _Work:
    """What the journal is to say of a request."""

    kind: str = "unknown"
    credits: int = 0


class Gateway:
    """Answers requests for one organisation, from any number of threads."""

    def __init__(self, org: Org, base_url: str, stopping: threading.Event) -> None:
        """`stopping`: when it is set, every pause ends."""
        self._org = org
        self._stopping = stopping
        self._base_url = base_url
        self._control = control.Control(org)
        examples_file = org.options.examples_file or os.environ.get(VARIABLE)
        self._examples = examples_at(examples_file) if examples_file else None

    def answer(self, request: Request) -> Reply:
        """The answer; its `sent_share` says whether the connection is cut."""
        path = request.path
        if path.startswith(control.PREFIX):
            rest = path.removeprefix(control.PREFIX)
            self._org.settle_jobs()
            return self._control.answer(request.method, rest, request.query, request.body)
        if self._examples and path.startswith("/crm/"):  # never the accounts server: there are secrets
            self._examples.note(request.method, request.target, request.headers, request.body)
        started = time.perf_counter()
        work = _Work()
        reply = self._with_faults(request, work)
        spent = (time.perf_counter() - started) * 1_000
        status = reply.status if reply.sent_share else 0
        asked = Asked(request.method, path, work.kind, status, reply.records, work.credits, round(spent, 3))
        self._org.journal.note(asked)
        return reply

    def _with_faults(self, request: Request, work: _Work) -> Reply:
        released = self._org.faults.released  # before it is taken: who sees that it was may end its delay
        fault = self._org.faults.take(request.method, request.target)
        if fault is None:
            return self._work(request, work)
        self._org.journal.note_fault(fault.kind.value)
        return self._faulty(request, work, fault, released)

    def _faulty(self, request: Request, work: _Work, fault: Fault, released: threading.Event) -> Reply:
        if fault.kind == FaultKind.DROP:
            return Reply(0, sent_share=0.0)
        if fault.kind in INSTEAD_OF_WORK:
            return INSTEAD_OF_WORK[fault.kind]
        if fault.kind == FaultKind.DELAY:
            self._delay(fault, released)
        elif fault.kind == FaultKind.DUPLICATE:
            self._work(request, work)
        reply = self._work(request, work)
        if fault.kind == FaultKind.DELAY_AFTER_WORK:
            self._delay(fault, released)
        reply = INSTEAD_OF_ANSWER.get(fault.kind, reply)
        return replace(reply, sent_share=_CUTS.get(fault.kind, 1.0))

    def _delay(self, fault: Fault, released: threading.Event) -> None:
        if not self._stopping.is_set():  # it is set before all are released
            released.wait(fault.seconds)

    def _work(self, request: Request, work: _Work) -> Reply:
        try:
            if api.is_api(request.path):
                return self._call(request, work)
            return self._accounts(request, work)
        except RequestRefusedError as error:
            return error.reply()

    def _accounts(self, request: Request, work: _Work) -> Reply:
        """The accounts server: parameters in the form body or in the query."""
        answers: dict[str, Callable[[dict[str, str]], object]] = {
            _TOKEN_PATH: lambda form: self._org.accounts.token(form, self._base_url),
            _REVOKE_PATH: lambda form: {
                "status": "success" if self._org.accounts.revoke(form.get("token", "")) else "failure"
            },
        }
        answer = answers.get(request.path)
        if answer is None:
            message = "Please check if the URL trying to access is a correct one"
            raise RequestRefusedError(404, "INVALID_URL_PATTERN", message)
        if request.method != "POST":
            raise RequestRefusedError(
                400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one"
            )
        work.kind = "oauth.token" if request.path == _TOKEN_PATH else "oauth.revoke"
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        return json_reply(200, answer({**request.query, **form}))

    def _call(self, request: Request, work: _Work) -> Reply:
        route, module, record = api.find_route(request.path, request.method)
        work.kind = route.kind
        org = self._org
        call = Call(org, request.method, request.query, request.headers, request.body, module, record)
        call.base_url = self._base_url
        call.scopes = api.authorise(org, request.headers.get("authorization"))
        api.check_scopes(call, route)
        if route.has_body:
            call.read_body()
        try:
            reply = self._admitted(call, route, work)
        except RequestRefusedError as error:
            reply = error.reply()  # that refusals tell what remains, too, is inferred
        return replace(reply, headers=(*reply.headers, *org.limits.header()))

    def _admitted(self, call: Call, route: Route, work: _Work) -> Reply:
        org, needed = self._org, route.cost(call)
        with org.limits.admit(needed, heavy=route.is_heavy(call)):
            work.credits = needed
            self._wait(call)
            org.settle_jobs()
            return route.handle(call)

    def _wait(self, call: Call) -> None:
        """The time that the real service takes; nothing is locked meanwhile."""
        options = self._org.options
        data = call.body.get("data") if call.method in _WRITES else None
        each = options.latency_per_record_seconds * len(data) if isinstance(data, list) else 0.0
        if options.latency_seconds or each:
            self._stopping.wait(options.latency_seconds + each)
