"""Where the token goes: to the API of the consented data centre, and nowhere else, whatever an answer says."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ml_connector.connectors.zoho_crm import ZohoConfig, ZohoTarget, open_client
from ml_connector.core.errors import ConfigurationError
from zoho_guards import guarded

ORG = {"org": [{"id": "1", "zgid": "2", "iso_code": "USD", "company_name": "Fabrikam"}]}


@dataclass
class Seen:
    """One request as a server got it."""

    method: str
    path: str
    headers: dict
    body: bytes


@dataclass
class Server:
    """A server of this machine that answers by a table: path -> (status, headers, body)."""

    answers: dict = field(default_factory=dict)
    seen: list = field(default_factory=list)
    url: str = ""


@pytest.fixture
def serve() -> Iterator:
    running = []

    def started() -> Server:
        told = Server()

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told.seen.append(Seen(self.command, self.path, dict(self.headers), body))
                status, headers, answer = told.answers.get(self.path.partition("?")[0], (404, {}, {}))
                content = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _answer  # noqa: N815

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        return told

    yield started
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def zoho(serve):
    server = serve()
    server.answers["/oauth/v2/token"] = token_answer(server.url)
    server.answers["/crm/v8/org"] = (200, {}, ORG)
    return server


@pytest.fixture
def target(zoho, shelf, clock, tmp_path):
    config = ZohoConfig(data_centre="us", client_id="1000.X", simulator_url=zoho.url, timeout_seconds=120)
    gate, guard = guarded(tmp_path, config, clock)
    client = open_client(config, lambda: "the-secret", lambda: "1000.the.refresh", shelf, guard, clock)
    with closing(gate), closing(ZohoTarget(client)) as target:
        yield target


def token_answer(api_domain):
    return 200, {}, {"access_token": "1000.the.token", "api_domain": api_domain, "expires_in": 3600}


def test_the_api_gets_the_access_token_and_the_token_server_only_the_form(target, zoho):
    assert target.currency() == "USD"
    asked, org = zoho.seen
    assert asked.path == "/oauth/v2/token"
    assert "Authorization" not in asked.headers
    assert b"refresh_token=1000.the.refresh" in asked.body
    assert "the-secret" not in asked.path
    assert org.headers["Authorization"] == "Zoho-oauthtoken 1000.the.token"
    assert b"secret" not in org.body
    assert "token" not in org.path


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/crm/v8/org", "/oauth/v2/token"])
def test_a_redirect_to_another_host_is_an_error_and_that_host_hears_nothing(
    target, zoho, serve, status, path
):
    other = serve()
    other.answers = {"/oauth/v2/token": token_answer(other.url), "/crm/v8/org": (200, {}, ORG)}
    zoho.answers[path] = (status, {"Location": other.url + path}, {})
    with pytest.raises(ConfigurationError, match="redirects us away"):
        target.currency()
    assert other.seen == []


@pytest.mark.parametrize("path", ["/crm/v8/org", "/oauth/v2/token"])
def test_a_redirect_to_the_same_host_is_not_followed_either(target, zoho, path):
    zoho.answers[path] = (302, {"Location": "/elsewhere"}, {})
    with pytest.raises(ConfigurationError, match="redirects us away"):
        target.currency()
    assert "/elsewhere" not in [one.path for one in zoho.seen]


def test_an_api_domain_elsewhere_is_an_error_and_that_host_hears_nothing(target, zoho, serve):
    other = serve()
    other.answers["/crm/v8/org"] = (200, {}, ORG)
    zoho.answers["/oauth/v2/token"] = token_answer(other.url)
    with pytest.raises(ConfigurationError, match="nothing was sent there"):
        target.currency()
    assert other.seen == []
    assert [one.path for one in zoho.seen] == ["/oauth/v2/token"]


def test_an_answer_that_names_another_host_is_not_gone_to(target, zoho, serve):
    other = serve()
    zoho.answers["/crm/v8/users"] = (
        200,
        {"Link": f"<{other.url}/next>; rel=next", "Refresh": f"0; url={other.url}"},
        {
            "users": [{"id": "1", "email": "A@b.example"}],
            "info": {"more_records": False, "next_page_url": other.url},
        },
    )
    assert target.users() == {"a@b.example": "1"}
    assert other.seen == []
