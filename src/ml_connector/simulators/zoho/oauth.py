"""Zoho's accounts server: grant codes, refresh tokens, access tokens and their limits.

Errors are answered with HTTP 200 and an `error` key, as the real one does.
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.replies import JsonObject
from ml_connector.simulators.zoho.scopes import split_scopes

ACCESS_TOKEN_SECONDS = 3600
GRANT_CODE_SECONDS = 180
LIVE_ACCESS_TOKENS = 15
LIVE_REFRESH_TOKENS = 20
THROTTLE_TOKENS = 10
THROTTLE_SECONDS = 600

ACCESS_DENIED = {
    "error": "Access Denied",
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "status": "failure",
}


@dataclass(slots=True)
class Grant:
    """A refresh token with what belongs to it."""

    refresh_token: str
    scopes: frozenset[str]
    live: deque[str] = field(default_factory=deque)
    """Access tokens, oldest first."""
    made_at: deque[float] = field(default_factory=deque)
    """When access tokens were made within the throttle's window."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a bearer may do, and until when."""

    grant: Grant
    expires_at: float


@dataclass(frozen=True, slots=True)
class _Code:
    scopes: frozenset[str]
    expires_at: float


class AccountsServer:
    """Makes and checks tokens; safe to use from several threads."""

    def __init__(self, options: ZohoOptions, now: Callable[[], float]) -> None:
        self._client = (options.client_id, options.client_secret)
        self._now = now
        self._lock = threading.Lock()
        self._grants = {options.refresh_token: Grant(options.refresh_token, split_scopes(options.scopes))}
        self._tokens: dict[str, AccessToken] = {}
        self._codes: dict[str, _Code] = {}
        self.issued = 0
        for ready in options.grant_codes:
            self.add_code(ready.code, ready.scopes)

    def add_code(self, code: str, scopes: str) -> None:
        """A grant code for one use within three minutes."""
        self._codes[code] = _Code(split_scopes(scopes), self._now() + GRANT_CODE_SECONDS)

    def token(self, form: Mapping[str, str], api_domain: str) -> JsonObject:
        """The answer to POST /oauth/v2/token."""
        if form.get("client_id") != self._client[0]:
            return {"error": "invalid_client"}
        if form.get("client_secret") != self._client[1]:
            return {"error": "invalid_client_secret"}
        with self._lock:
            match form.get("grant_type"):
                case "refresh_token":
                    return self._refresh(form.get("refresh_token", ""), api_domain)
                case "authorization_code":
                    return self._exchange(form.get("code", ""), api_domain)
                case _:
                    return {"error": "unsupported_grant_type"}

    def check(self, access_token: str) -> Grant | None:
        """Whose token it is; None when it is unknown or expired."""
        token = self._tokens.get(access_token)
        return token.grant if token and self._now() < token.expires_at else None

    def revoke(self, token: str) -> bool:
        """Ends a refresh token with all its access tokens, or one access token."""
        with self._lock:
            if token in self._tokens:
                self._tokens.pop(token).grant.live.remove(token)
                return True
            return self._end(token)

    def expire_access_tokens(self) -> int:
        """Every access token is refused from now on; the refresh tokens stay."""
        with self._lock:
            count = len(self._tokens)
            self._tokens.clear()
            for grant in self._grants.values():
                grant.live.clear()
            return count

    def _end(self, refresh_token: str) -> bool:
        grant = self._grants.pop(refresh_token, None)
        if grant is None:
            return False
        for access_token in grant.live:
            del self._tokens[access_token]
        return True

    def _exchange(self, code: str, api_domain: str) -> JsonObject:
        found = self._codes.pop(code, None)
        if found is None or self._now() >= found.expires_at:
            return {"error": "invalid_code"}
        grant = Grant(_new_token(), found.scopes)
        if len(self._grants) >= LIVE_REFRESH_TOKENS:
            self._end(next(iter(self._grants)))
        self._grants[grant.refresh_token] = grant
        return {**self._issue(grant, api_domain), "refresh_token": grant.refresh_token}

    def _refresh(self, refresh_token: str, api_domain: str) -> JsonObject:
        grant = self._grants.get(refresh_token)
        return self._issue(grant, api_domain) if grant else {"error": "invalid_code"}

    def _issue(self, grant: Grant, api_domain: str) -> JsonObject:
        now = self._now()
        while grant.made_at and grant.made_at[0] <= now - THROTTLE_SECONDS:
            grant.made_at.popleft()
        if len(grant.made_at) >= THROTTLE_TOKENS:
            return ACCESS_DENIED
        grant.made_at.append(now)
        if len(grant.live) >= LIVE_ACCESS_TOKENS:
            del self._tokens[grant.live.popleft()]
        access_token = _new_token()
        grant.live.append(access_token)
        self._tokens[access_token] = AccessToken(grant, now + ACCESS_TOKEN_SECONDS)
        self.issued += 1
        return {
            "access_token": access_token,
            "scope": " ".join(sorted(grant.scopes)),
            "api_domain": api_domain,
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_SECONDS,
        }


def _new_token() -> str:
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
