"""Signing in, against answers of the token endpoint: one token for all, refusals asked for once only."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from ml_connector.connectors.zoho_crm import AccessToken, ZohoConfig
from ml_connector.connectors.zoho_crm.auth import ZohoAuth
from ml_connector.connectors.zoho_crm.wire import Reply
from ml_connector.core.errors import ConfigurationError, RetryableError

CONFIG = ZohoConfig(data_centre="eu", client_id="1000.X")
API = "https://www.zohoapis.eu"


@dataclass
class TokenServer:
    """Gives out token-1, token-2, ... or the answer that a test puts in its place."""

    answer: dict | bytes | None = None
    status: int = 200
    forms: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, url, form):
        assert url == "https://accounts.zoho.eu/oauth/v2/token"
        with self.lock:
            self.forms.append(dict(form))
            number = len(self.forms)
        good = {"access_token": f"token-{number}", "api_domain": API, "expires_in": 3600}
        answer = self.answer if self.answer is not None else good
        return Reply(self.status, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode())


@pytest.fixture
def server():
    return TokenServer()


@pytest.fixture
def sign_in(server, shelf, clock):
    def made(refresh_token=lambda: "1000.refresh", config=CONFIG):
        return ZohoAuth(config, lambda: "secret", refresh_token, shelf, clock, server)

    return made


def test_the_form_has_exactly_the_four_keys(server, sign_in):
    assert sign_in().token().value == "token-1"
    assert server.forms == [
        {
            "client_id": "1000.X",
            "client_secret": "secret",
            "grant_type": "refresh_token",
            "refresh_token": "1000.refresh",
        }
    ]


def test_one_token_serves_many_calls_threads_and_processes(server, sign_in):
    first, second = sign_in(), sign_in()
    with ThreadPoolExecutor(10) as threads:
        values = set(threads.map(lambda n: (first if n % 2 else second).token().value, range(200)))
    assert values == {"token-1"}
    assert len(server.forms) == 1


def test_a_token_is_renewed_a_minute_early(server, sign_in, clock):
    auth = sign_in()
    auth.token()
    clock.ahead = timedelta(seconds=3500)
    assert auth.token().value == "token-1"
    clock.ahead = timedelta(seconds=3545)
    assert auth.token().value == "token-2"
    assert len(server.forms) == 2


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        ({"expires_in": 1800}, 1800),
        ({"expires_in": 3_600_000, "expires_in_sec": 3600}, 3600),
        ({"expires_in": 3_600_000}, 3600),
        ({}, 3600),
    ],
)
def test_lifetimes_old_and_new(server, sign_in, clock, lifetime, seconds):
    server.answer = {"access_token": "t", "api_domain": API, **lifetime}
    left = (sign_in().token().expires_at - clock.now()).total_seconds()
    assert abs(left - seconds) < 30


def test_a_failed_token_is_renewed_once_whoever_noticed(server, sign_in):
    first, second = sign_in(), sign_in()
    failed = first.token()
    second.token()
    with ThreadPoolExecutor(10) as threads:
        fresh = set(threads.map(lambda n: (first if n % 2 else second).refresh(failed).value, range(20)))
    assert fresh == {"token-2"}
    assert len(server.forms) == 2


def test_a_revoked_refresh_token_is_tried_once_until_it_is_replaced(server, sign_in):
    refresh_tokens = ["1000.old"]
    auth = sign_in(lambda: refresh_tokens[-1])
    server.answer = {"error": "invalid_code"}
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="authorize"):
            auth.token()
    assert len(server.forms) == 1
    refresh_tokens.append("1000.new")
    server.answer = None
    assert auth.token().value == "token-2"


def test_a_refused_client_secret_is_tried_once_until_it_is_replaced(server, shelf, clock):
    secrets = ["old"]
    auth = ZohoAuth(CONFIG, lambda: secrets[-1], lambda: "1000.refresh", shelf, clock, server)
    server.answer = {"error": "invalid_client_secret"}
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="refuses our client secret") as caught:
            auth.token()
        assert caught.value.reason == "refused"
    assert len(server.forms) == 1
    secrets.append("new")
    server.answer = None
    assert auth.token().value == "token-2"


def test_the_throttle_is_waited_out(server, sign_in, clock):
    auth = sign_in()
    server.answer = {"error": "Access Denied", "error_description": "too many requests"}
    server.status = 400
    with pytest.raises(RetryableError) as caught:
        auth.token()
    assert caught.value.after_seconds == 600
    server.answer, server.status = None, 200
    clock.ahead = timedelta(seconds=300)
    with pytest.raises(RetryableError) as caught:
        auth.token()
    assert 290 < caught.value.after_seconds <= 300
    assert len(server.forms) == 1
    clock.ahead = timedelta(hours=-1)  # set back: that makes it no longer
    with pytest.raises(RetryableError) as caught:
        auth.token()
    assert caught.value.after_seconds == 600
    clock.ahead = timedelta(seconds=601)
    assert auth.token().value == "token-2"


def test_a_fault_of_the_token_server_is_retried_later(server, sign_in):
    server.answer, server.status = b"<html>", 503
    with pytest.raises(RetryableError):
        sign_in().token()


@pytest.mark.parametrize(
    "api", ["https://www.zohoapis.com", "https://example.com", "", "http://www.zohoapis.eu"]
)
def test_a_strange_api_address_is_refused_and_not_kept(server, sign_in, shelf, api):
    server.answer = {"access_token": "t", "api_domain": api, "expires_in": 3600}
    with pytest.raises(ConfigurationError, match="nothing was sent there"):
        sign_in().token()
    assert shelf.token is None


def test_a_shelved_token_for_a_strange_address_is_not_used(sign_in, shelf, clock):
    shelf.token = AccessToken("t", "https://example.com", clock.now() + timedelta(hours=1))
    with pytest.raises(ConfigurationError):
        sign_in().token()


def test_a_grant_code_becomes_a_refresh_token(server, sign_in, shelf):
    server.answer = {
        "access_token": "a",
        "refresh_token": "1000.r",
        "api_domain": API,
        "expires_in": 3600,
    }
    auth = sign_in()
    grant = auth.exchange_grant(" 1000.code\n", "https://example.org/back")
    assert grant.refresh_token == "1000.r"
    assert shelf.token == grant.access_token == auth.token()
    assert server.forms[0]["code"] == "1000.code"
    assert server.forms[0]["redirect_uri"] == "https://example.org/back"
    assert "1000.r" not in repr(grant)


def test_a_used_grant_code_and_one_without_offline_access(server, sign_in):
    server.answer = {"error": "invalid_code"}
    with pytest.raises(ConfigurationError, match="grant code"):
        sign_in().exchange_grant("1000.code")
    server.answer = {"access_token": "a", "api_domain": API, "expires_in": 3600}
    with pytest.raises(ConfigurationError, match="access_type=offline"):
        sign_in().exchange_grant("1000.code")


def test_a_token_does_not_show_itself(sign_in):
    assert "token-1" not in repr(sign_in().token())
