"""The only file that sends to Zoho: one method for each thing that we ask."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
import stamina
import truststore

from ml_connector.connectors.zoho_crm import bulk, calls, codes, errors, limits, wire
from ml_connector.connectors.zoho_crm.allowance import Standing
from ml_connector.connectors.zoho_crm.auth import AccessToken, TokenShelf, ZohoAuth
from ml_connector.connectors.zoho_crm.calls import Call
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.connectors.zoho_crm.guard import CallGuard
from ml_connector.connectors.zoho_crm.schema import FieldMeta, ModuleMeta, NamedModule
from ml_connector.connectors.zoho_crm.wire import Item, Reply
from ml_connector.core.errors import ConnectorError, RetryableError, of_system
from ml_connector.core.needs import FieldNeed, ModuleNeed
from ml_connector.core.ports import BulkFile, Clock, Cost, JobState, Write, WriteResult
from ml_connector.core.waits import ZOHO

Answer = TypeVar("Answer")

_PATIENCE_SECONDS = 5.0  #: a wait that Zoho needs for longer than this is the caller's to make
_ATTEMPTS = 3
_BUSY_ATTEMPTS = 5  #: of a call that Zoho refuses as one too many at once
_CONNECT_SECONDS = 15.0
_IDLE_SECONDS = (
    20.0  #: an idle connection is not used again after this: something on the way may have dropped it
)


class ZohoConnection:
    """Pooled HTTP connections; every failure to get an answer is one of our errors."""

    def __init__(self, config: ZohoConfig) -> None:
        size = limits.concurrency(config)
        self._http = httpx2.Client(
            verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(
                config.timeout_seconds, connect=min(_CONNECT_SECONDS, config.timeout_seconds)
            ),
            limits=httpx2.Limits(
                max_connections=size + 1, max_keepalive_connections=size + 1, keepalive_expiry=_IDLE_SECONDS
            ),
            headers={"User-Agent": "ml-connector", "Accept": "application/json"},
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """The answer to one request, whatever its status."""
        try:
            answer = self._http.request(method, url, params=params or None, headers=headers, content=body)
        except httpx2.RequestError as error:
            raise errors.transport_error(error, urlsplit(url).hostname or url) from error
        return Reply(answer.status_code, answer.headers, answer.content)

    def post_form(self, url: str, form: Mapping[str, str]) -> Reply:
        """The answer of the token endpoint."""
        encoded = httpx2.QueryParams(form)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", url, headers=headers, body=str(encoded).encode())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class ZohoClient:
    """What we ask of Zoho. Thread-safe; RetryableError and ConfigurationError, a record's fault is in its item."""

    def __init__(
        self,
        config: ZohoConfig,
        auth: ZohoAuth,
        connection: ZohoConnection,
        guard: CallGuard,
        clock: Clock,
    ) -> None:
        self.config = config
        self.auth = auth
        self._connection = connection
        self._guard = guard
        self._clock = clock

    def close(self) -> None:
        """Close the connections, and write down what was spent."""
        self._connection.close()
        self._guard.allowance.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cost(self) -> Cost:
        """What was asked so far."""
        return self._guard.meter.cost()

    def credits(self) -> Standing:
        """How many of the organisation's credits are left, as far as we know without a call."""
        return self._guard.allowance.standing()

    def credits_left(self) -> int:
        """So many may be spent above the reserve, as far as we know without a call."""
        return self._guard.allowance.left()

    def require_credits(self, wanted: int) -> None:
        """AllowanceError if so many credits may not be spent now; where news may be due, Zoho is asked first."""
        self._look_for_credits(wanted)
        with of_system(ZOHO):
            self._guard.allowance.require(wanted)

    # -- reading

    def get_org(self) -> dict[str, Any]:
        """The organisation: id, company_name, iso_code, type, ..."""
        org = next(iter(wire.rows(self._read(calls.ORG, wire.decode), "org")), {})
        if (users := _licences(org)) is not None:
            self._guard.allowance.note_users(users)
        return org

    def measure_clock(self) -> float:
        """Zoho's clock minus ours, in seconds, good to about half a second: its Date has whole seconds."""
        self.auth.token()  # so that asking for one is not in the time measured

        def measured() -> float:
            before = self._clock.now()
            date = wire.http_date(self._send(calls.ORG))
            return (date - before).total_seconds() + 0.5 - (self._clock.now() - before).total_seconds() / 2

        return _patiently(measured)

    def list_fields(self, module: str) -> list[FieldMeta]:
        """The fields of a module as they are now; ConfigurationError if there is no such module."""
        return wire.field_metas(self._read(calls.fields(module), wire.decode))

    def list_modules(self) -> list[NamedModule]:
        """Every module of the organisation."""
        return wire.named_modules(self._read(calls.MODULES, wire.decode))

    def list_profiles(self) -> list[str]:
        """The ids of the profiles that people have."""
        found = wire.rows(self._read(calls.PROFILES, wire.decode), "profiles")
        return [str(profile["id"]) for profile in found if profile.get("id")]

    def list_layouts(self, module: str) -> dict[str, str]:
        """The page layouts of a module: name, and the label where it is another -> id."""
        found = wire.rows(self._read(calls.layouts(module), wire.decode), "layouts")
        names = ((row.get(key), row.get("id")) for key in ("name", "display_label") for row in found)
        return {str(name): str(layout_id) for name, layout_id in names if name and layout_id}

    def list_users(self, page: int) -> tuple[list[dict[str, Any]], bool]:
        """A page (from 1) of the active users, and whether there are more."""
        body = self._read(calls.users(page), wire.decode)
        return wire.rows(body, "users"), wire.more_records(body)

    def current_user(self) -> dict[str, Any]:
        """The user whom our token is of: id, full_name, email, ..."""
        return next(iter(wire.rows(self._read(calls.CURRENT_USER, wire.decode), "users")), {})

    def list_records(self, module: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, object]]:
        """These fields (at most 50) of these records (at most 100); those it no longer has are left out."""
        return self._read(calls.records(module, ids, fields), wire.exact_rows)

    def get_record(self, module: str, record_id: str) -> dict[str, Any] | None:
        """The record with everything that it has, line items too; None: it is not there (any more)."""
        return next(iter(self._read(calls.record(module, record_id), wire.whole_rows)), None)

    def list_whole(self, module: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """``list_records`` as it stands there: a lookup is {"id", "name"}."""
        return self._read(calls.records(module, ids, fields), wire.whole_rows)

    def query_whole(self, module: str, query: str, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """``query`` with every fraction as a Decimal."""
        return self._read(calls.query(module, query, limit), wire.whole_page)

    def query(self, module: str, query: str, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """The rows of a COQL query of at most ``limit`` rows, and whether there are more."""
        body = self._read(calls.query(module, query, limit), wire.decode)
        return wire.rows(body), wire.more_records(body)

    def query_exactly(
        self, module: str, query: str, limit: int
    ) -> tuple[list[dict[str, object]], bool, datetime | None]:
        """The same with lookups as ids and fractions as Decimal, as it stands there; and Zoho's clock, if it says."""
        return self._read(calls.query(module, query, limit), wire.exact_page)

    def list_deleted(self, module: str, since: datetime, page: int) -> tuple[list[dict[str, Any]], bool]:
        """A page (from 1) of what was deleted at or after ``since``, and whether there are more."""
        body = self._read(calls.deleted(module, since, page), wire.decode)
        return wire.rows(body), wire.more_records(body)

    # -- writing

    def write(
        self,
        module: str,
        meta: ModuleMeta,
        batch: Sequence[Write],
        trigger: Sequence[str],
        unmodified_since: datetime | None = None,
    ) -> list[Item]:
        """One call that inserts or updates up to 100 records, one item each in order.

        ``trigger``: automations that it may start, beside the configured ones. An insert is sent once: whether a
        lost one arrived is for the caller to find out. An update is repeated, unless it depends on what the record
        was: the first one, whose answer was lost, would make the second one fail.
        """
        triggers = list(dict.fromkeys((*self.config.trigger, *trigger)))
        return self._items(calls.write(module, meta, batch, triggers, unmodified_since), "data", len(batch))

    # -- notification channels

    def watch(self, method: str, channel: Mapping[str, object]) -> Item:
        """Enable (POST) or change (PATCH) a channel."""
        return self._items(calls.watch(method, channel), "watch", 1)[0]

    def list_watched(self, which: Mapping[str, str]) -> tuple[list[dict[str, Any]], bool]:
        """Channels, those of other applications of our user among them, and whether there are more."""
        body = self._read(calls.watched(which), wire.decode)
        return wire.rows(body, "watch"), wire.more_records(body)

    def unwatch(self, channel_id: str) -> Item:
        """Disable a channel of one module."""
        return self._items(calls.unwatch(channel_id), "watch", 1)[0]

    # -- writing in bulk

    def upload(self, org_id: str, name: str, content: bytes) -> str:
        """Hand over the zipped file of a bulk job; its id. Nothing is written by that."""
        call = calls.upload(self.config, org_id, name, content)
        return bulk.detail(self._read(call, wire.decode), "file_id", "took a file")

    def start_job(self, meta: ModuleMeta, file: BulkFile) -> str:
        """Make a job of an uploaded file; its id. It is asked once: whether a lost one began cannot be found out.

        NotDoneError: Zoho was busy or the credits are gone, and there is no job.
        """
        call = calls.start_job(meta, file)
        reply = self._send(call)
        if reply.status not in (200, 201):
            raise _refused(reply, call)
        return bulk.detail(wire.decode(reply), "id", "made a bulk job")

    def get_job(self, job_id: str) -> JobState:
        """How far a bulk job is."""
        return bulk.job_state(self._read(calls.job(job_id), wire.decode))

    def get_results(self, file: BulkFile, url: str) -> dict[str, WriteResult | None]:
        """The results of a bulk job, by what tells its rows apart.

        ConfigurationError where ``url`` leads to a host that may not have our token.
        """
        return self._read(calls.results(self.config, url), lambda reply: bulk.read_results(reply, file))

    # -- fields

    def create_fields(self, module: str, needs: Sequence[FieldNeed]) -> list[Item]:
        """Create up to five custom fields, one item each in order."""
        return self._items(calls.create_fields(module, needs), "fields", len(needs))

    def relabel_field(self, module: str, field_id: str, label: str) -> Item:
        """Give a field another label; its API name stays."""
        return self._items(calls.relabel_field(module, field_id, label), "fields", 1)[0]

    def create_module(self, need: ModuleNeed, profiles: Sequence[str]) -> Item:
        """Create a custom module for people of these profiles; a refusal of the request as a whole is an item, too.

        It is sent once: whether a lost one arrived is for the caller to find out.
        """
        call = calls.create_module(need, profiles)
        reply = self._send(call)
        items = wire.read_items(reply, "modules", 1) if reply.status in wire.ITEM_STATUSES else None
        if items is not None:
            return items[0]
        if reply.status == 400 or (reply.status == 403 and codes.is_of_edition(wire.whole_item(reply).code)):
            return wire.whole_item(reply)
        raise _refused(reply, call)

    # -- trying

    def try_writing(self, module: str, right: str) -> None:
        """See whether we may "CREATE" or "UPDATE" records: a write of no records, which changes nothing."""
        self._try(calls.write_nothing(module, right, self.config.trigger))

    def try_creating_fields(self, module: str) -> None:
        """See whether we may create custom fields: a request for none, which changes nothing."""
        self._try(calls.create_no_fields(module))

    def try_relabelling(self, module: str, label: str) -> None:
        """See whether we may relabel fields: it is tried with a field that there is not."""
        self._try(calls.relabel_no_field(module, label))

    def try_creating_modules(self) -> None:
        """See whether we may create custom modules: a request for none, which changes nothing."""
        self._try(calls.create_module(None, ()))

    def _try(self, call: Call) -> None:
        """ConfigurationError when scope, permission or module is missing; what else Zoho finds is no matter."""
        reply = self._send(call)
        if reply.status == 400 and b"INVALID_MODULE" not in reply.content:
            return
        if reply.status >= 300:
            raise _refused(reply, call)

    # -- sending

    def _items(self, call: Call, key: str, asked: int) -> list[Item]:
        def answered() -> list[Item]:
            reply = self._send(call)
            items = wire.read_items(reply, key, asked) if reply.status in wire.ITEM_STATUSES else None
            if items is None:
                raise _refused(reply, call)
            return items

        return _patiently(answered) if call.repeatable else answered()

    def _read(self, call: Call, parse: Callable[[Reply], Answer]) -> Answer:
        def answered() -> Answer:
            reply = self._send(call)
            if reply.status not in (200, 204, 304):
                raise _refused(reply, call)
            return parse(reply)

        return _patiently(answered)

    def _send(self, call: Call) -> Reply:
        """The answer, whatever it is but 429: a call that is one too many at once did nothing, and is made again."""
        if not call.vital:
            self._look_for_credits(call.credits)
        for attempt in stamina.retry_context(
            on=errors.BusyError, attempts=_BUSY_ATTEMPTS, timeout=60, wait_initial=0.5, wait_max=8
        ):
            with attempt, of_system(ZOHO):
                return self._signed(call)
        raise AssertionError("stamina ends by an answer or by the last error")

    def _look_for_credits(self, wanted: int) -> None:
        """Before we give up for want of credits, look whether Zoho has more than we think: any answer tells."""
        if self._guard.allowance.wants_news(wanted):
            self._send(calls.ORG)

    def _signed(self, call: Call) -> Reply:
        """Through the gate, with a token; a refused token is renewed and the call made once more (it did nothing)."""
        with errors.nothing_sent():
            token = self.auth.token()
        reply = self._send_once(call, token)
        if reply.status == 401 and b"OAUTH_SCOPE_MISMATCH" not in reply.content:
            with errors.nothing_sent():
                token = self.auth.refresh(token)
            reply = self._send_once(call, token)
        return reply

    def _send_once(self, call: Call, token: AccessToken) -> Reply:
        headers = {"Authorization": f"Zoho-oauthtoken {token.value}", **call.headers}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        url = f"{call.base or token.api_domain}{call.root}{call.path}"
        guarded = self._guard.call(call.operation, call.credits, heavy=call.heavy, vital=call.vital)
        with guarded as sent:
            reply = self._connection.send(
                call.method, url, params=call.params, headers=headers, body=call.body
            )
            sent.answered = reply.status < 400
            sent.remaining = errors.credits_remaining(reply)
            sent.too_many = errors.too_many(reply, call.credits)
        if sent.too_many is codes.CREDITS_USED_UP:
            raise self._guard.allowance.used_up(call.credits)
        if sent.too_many is not None:
            raise _refused(reply, call)
        return reply


def _licences(org: Mapping[str, Any]) -> int | None:
    """The licences that the organisation has bought, where it tells."""
    details = org.get("license_details")
    bought = details.get("users_license_purchased") if isinstance(details, dict) else None
    return bought if isinstance(bought, int) and bought >= 0 else None


def _refused(reply: Reply, call: Call) -> ConnectorError:
    error = errors.request_error(reply, call.does, call.scope, call.credits)
    error.system = ZOHO
    return error


def _patiently(ask: Callable[[], Answer]) -> Answer:
    for attempt in stamina.retry_context(
        on=_is_brief, attempts=_ATTEMPTS, timeout=30, wait_initial=0.2, wait_max=2
    ):
        with attempt, of_system(ZOHO):
            return ask()
    raise AssertionError("stamina ends by an answer or by the last error")


def _is_brief(error: Exception) -> bool:
    return isinstance(error, RetryableError) and (error.after_seconds or 0.0) <= _PATIENCE_SECONDS


def open_client(
    config: ZohoConfig,
    client_secret: Callable[[], str],
    refresh_token: Callable[[], str],
    shelf: TokenShelf,
    guard: CallGuard,
    clock: Clock,
) -> ZohoClient:
    """A client with connections of its own; close it. ``guard`` is one for all of them in a process."""
    connection = ZohoConnection(config)
    auth = ZohoAuth(config, client_secret, refresh_token, shelf, clock, connection.post_form)
    return ZohoClient(config, auth, connection, guard, clock)
