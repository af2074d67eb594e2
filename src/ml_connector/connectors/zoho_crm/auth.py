"""How we sign in to Zoho: one access token for all threads and processes, refreshed by one of them at a time.

Zoho gives out ten access tokens in ten minutes for a refresh token and keeps fifteen alive, so workers that
refresh on their own lock each other out (Zoho CRM, "Token Validity"). Errors of the token endpoint come as HTTP
200; the body is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from ml_connector.connectors.zoho_crm import codes, errors, schema, wire
from ml_connector.connectors.zoho_crm.config import ZohoConfig
from ml_connector.connectors.zoho_crm.wire import Reply
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.ports import Clock
from ml_connector.core.waits import Reason

_EARLY = timedelta(seconds=60)  #: a token is refreshed this long before its end
_LIFETIME_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What opens the API for an hour."""

    value: str = field(repr=False)
    api_domain: str  #: base of the API: scheme and host
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What an operator's consent was exchanged for."""

    refresh_token: str = field(repr=False)  #: to be kept as a secret; lives until it is revoked
    access_token: AccessToken


class TokenShelf(Protocol):
    """Where all processes find the access token."""

    def load(self) -> AccessToken | None:
        """The token that was saved last."""

    def save(self, token: AccessToken) -> None:
        """Put this one in place of the last."""

    def lock(self) -> AbstractContextManager[object]:
        """Held by the one thread of all processes that may ask for a new token."""


class FormPost(Protocol):
    """How the token endpoint is asked; the client sends."""

    def __call__(self, url: str, form: Mapping[str, str]) -> Reply:
        """The answer to the form, whatever its status; RetryableError or ConfigurationError when there is none."""


class ZohoAuth:
    """Keeps one valid access token. Thread-safe."""

    def __init__(
        self,
        config: ZohoConfig,
        client_secret: Callable[[], str],
        refresh_token: Callable[[], str],
        shelf: TokenShelf,
        clock: Clock,
        post: FormPost,
    ) -> None:
        self._config = config
        self._client_secret = client_secret
        self._refresh_token = refresh_token
        self._shelf = shelf
        self._clock = clock
        self._post = post
        self._lock = threading.Lock()
        self._held: AccessToken | None = None
        #: The refresh token and client secret that were refused, and how.
        self._refused: tuple[tuple[str, str], ConfigurationError] | None = None
        self._told_to_wait: tuple[datetime, timedelta] | None = None  # when, and how long

    def token(self) -> AccessToken:
        """A token that is good for a minute at least."""
        held = self._held
        if held is not None and self._is_good(held):
            return held
        return self._renewed(None)

    def refresh(self, failed: AccessToken) -> AccessToken:
        """Another token than ``failed``: what someone else put on the shelf meanwhile, or a new one."""
        held = self._held
        if held is not None and held.value != failed.value and self._is_good(held):
            return held
        return self._renewed(failed)

    def exchange_grant(self, code: str, redirect_uri: str = "") -> Grant:
        """Change a grant code (one use, three minutes) for a refresh token and the first access token."""
        form = self._form(grant_type="authorization_code", code=code.strip())
        if redirect_uri:
            form["redirect_uri"] = redirect_uri
        with self._lock, self._shelf.lock():
            body = self._ask(form, "grant code")
            refresh_token = body.get("refresh_token")
            if not isinstance(refresh_token, str):
                raise ConfigurationError(
                    "Zoho gave an access token but no refresh token.",
                    "Make the grant code anew with access_type=offline (and prompt=consent).",
                )
            self._refused = None
            return Grant(refresh_token, self._keep(body))

    def sign_in_anew(self) -> None:
        """The refresh token or the client secret was set anew: no token of before is used that is not on the shelf."""
        self._held = None

    def _renewed(self, failed: AccessToken | None) -> AccessToken:
        with self._lock, self._shelf.lock():
            shelved = self._shelf.load()
            if shelved is not None and self._is_good(shelved) and not _same(shelved, failed):
                self._require_trusted(shelved.api_domain)
                self._held = shelved
                return shelved
            return self._obtain()

    def _obtain(self) -> AccessToken:
        """Ask for a new token, once; a refusal is remembered for as long as what we sign in with stays the same."""
        refresh_token = self._refresh_token()
        signing = refresh_token, self._client_secret()
        if self._refused is not None and self._refused[0] == signing:
            raise self._refused[1]
        self._require_turn()
        form = self._form(grant_type="refresh_token", refresh_token=refresh_token)
        try:
            return self._keep(self._ask(form, "refresh token"))
        except ConfigurationError as error:
            error.reason = Reason.REFUSED
            self._refused = (signing, error)
            raise
        except RetryableError as error:
            if error.after_seconds is not None:
                self._told_to_wait = self._clock.now(), timedelta(seconds=error.after_seconds)
            raise

    def _require_turn(self) -> None:
        """Whoever asks on while Zoho's token server says "too many" is shut out for longer."""
        if self._told_to_wait is None:
            return
        told_at, pause = self._told_to_wait
        # A clock that was set back does not make it longer.
        left = (pause - max(self._clock.now() - told_at, timedelta(0))).total_seconds()
        if left > 0:
            raise RetryableError("Zoho's token server asked us to wait.", after_seconds=left)

    def _ask(self, form: Mapping[str, str], grant: str) -> dict[str, Any]:
        reply = self._post(f"{schema.accounts_url(self._config)}/oauth/v2/token", form)
        body = wire.decode(reply) if reply.status < 500 else {}
        if not isinstance(body.get("access_token"), str):
            raise errors.token_error(reply, grant)
        return body

    def _keep(self, body: Mapping[str, Any]) -> AccessToken:
        api_domain = str(body.get("api_domain", "")).rstrip("/")
        self._require_trusted(api_domain)
        lifetime = timedelta(seconds=_lifetime_seconds(body))
        token = AccessToken(str(body["access_token"]), api_domain, self._clock.now() + lifetime)
        self._shelf.save(token)
        self._held = token
        return token

    def _require_trusted(self, api_domain: str) -> None:
        if not schema.is_trusted_api(self._config, api_domain):
            raise ConfigurationError(
                f"The token's API address {api_domain!r} is not one of Zoho's"
                f" for the data centre {self._config.data_centre!r}; nothing was sent there.",
                f"Correct data_centre in the settings. {codes.AUTHORISE}",
            )

    def _form(self, **fields: str) -> dict[str, str]:
        return {"client_id": self._config.client_id, "client_secret": self._client_secret(), **fields}

    def _is_good(self, token: AccessToken) -> bool:
        return self._clock.now() < token.expires_at - _EARLY


def _same(token: AccessToken, failed: AccessToken | None) -> bool:
    return failed is not None and token.value == failed.value


def _lifetime_seconds(body: Mapping[str, Any]) -> float:
    """Seconds of life; an older shape of the answer has milliseconds in expires_in and seconds beside it."""
    for name in ("expires_in_sec", "expires_in"):
        value = body.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return min(float(value), _LIFETIME_SECONDS)
    return _LIFETIME_SECONDS
