"""/health: whether the process lives, and whether it is ready to work."""

import json
import socket
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.web.app import create_app
from ml_connector.web.server import served

opened = build_opener(ProxyHandler({})).open


def get(url):
    try:
        with opened(url) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_it_lives_whether_or_not_it_is_ready(address):
    problems = []
    with served(create_app(lambda: problems, lambda: b"a_number 1\n"), address, 0) as url:
        assert get(f"{url}/health/live") == (200, {"ok": True})
        assert get(f"{url}/health/ready") == (200, {"ok": True, "problems": []})
        problems.append("The disk is full.")
        assert get(f"{url}/health/ready") == (503, {"ok": False, "problems": ["The disk is full."]})
        assert get(f"{url}/health/live") == (200, {"ok": True})
        with opened(f"{url}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            assert answer.read() == b"a_number 1\n"
        for path in ("docs", "redoc", "openapi.json", ""):
            assert get(f"{url}/{path}")[0] == 404, "nothing that loads from elsewhere"


def test_a_port_that_is_taken_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"port {port}") as caught,
            served(create_app(list, bytes), "127.0.0.1", port, "worker"),
        ):
            pass
    assert caught.value.happened.endswith(f"port {port}: Address already in use."), "no words of Python's"
    assert "[worker]" in caught.value.remedy
