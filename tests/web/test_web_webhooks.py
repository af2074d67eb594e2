"""Zoho's notifications over HTTP: what is answered, what is kept by then, what is counted."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest

from memory import START, FakeClock
from ml_connector.core.errors import RetryableError
from ml_connector.core.notifications import Refusal, hash_of
from ml_connector.serve_settings import WebhooksSettings
from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.group_commit import FullError, GroupCommit
from ml_connector.web.app import create_app
from ml_connector.web.server import served
from ml_connector.web.webhooks import ACCEPTED, AT_MOST_WAITING, KnownChannels, Receiving, webhooks
from notified import Channel

PATH, ID = "a-path_that-nobody-guesses", "5725767000003000010"
CHANNEL = Channel("Deals", hash_of("right"))
BODY = {
    "module": "Deals",
    "ids": [ID],
    "operation": "update",
    "token": "right",
    "resource_uri": "http://127.0.0.1:1/",
}
LIMITS = WebhooksSettings(body_bytes=1024)
LONGEST_SECONDS = 60
opened = build_opener(ProxyHandler({})).open


def get(url):
    with opened(url, timeout=LONGEST_SECONDS) as answer:
        return answer.status, json.load(answer)


@dataclass
class Hooks:
    """An application that takes notifications, with its database."""

    url: str
    database: Database
    receiving: Receiving
    clock: FakeClock
    channels: dict[str, Channel]
    asked: list[str] = field(default_factory=list)

    def post(self, body=BODY, path=PATH) -> int:
        """The status of the answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        parts = urlsplit(self.url)
        with closing(
            http.client.HTTPConnection(parts.hostname, parts.port, timeout=LONGEST_SECONDS)
        ) as connection:
            connection.request("POST", f"/webhooks/zoho/{quote(path)}", content)
            return connection.getresponse().status

    def kept(self):
        """(Module, id) of each record that waits -> how often it was told of."""
        with self.database.read() as tx:
            rows = inbox.due(tx, self.clock.now(), 0, 1000)
        return {(row.module, row.record_id): row.times_told for row in rows}

    def counted(self):
        """Without what did not happen."""
        return {outcome: number for outcome, number in self.receiving.counted().items() if number}


@contextmanager
def hooks_on(url, put=None, limits=LIMITS, **more):
    """``put``: of the rows, given the real one."""
    database, clock, channels, asked = Database(url), FakeClock(), {PATH: CHANNEL}, []
    database.upgrade()

    def find(path):
        asked.append(path)
        return channels.get(path)

    def faultless(error):
        raise AssertionError(error)

    with GroupCommit(database, inbox.put, faultless, AT_MOST_WAITING) as commit:
        given = (lambda rows: put(commit.put, rows)) if put else commit.put
        receiving = Receiving(KnownChannels(find, clock), given, clock, limits, **more)
        with served(create_app(list, bytes, webhooks(receiving)), "127.0.0.1", 0) as there:
            yield Hooks(there, database, receiving, clock, channels, asked)
    database.close()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def hooks(url):
    with hooks_on(url) as there:
        yield there


def test_all_ids_of_a_notification_are_kept_when_it_is_answered(hooks):
    assert hooks.post(BODY | {"ids": [ID, "7", ID, "8"]}) == 200
    assert hooks.post() == 200
    assert hooks.kept() == {("Deals", ID): 2, ("Deals", "7"): 1, ("Deals", "8"): 1}
    assert hooks.counted() == {ACCEPTED: 2}


@pytest.mark.parametrize(
    ("path", "body", "status", "refusal"),
    [
        ("another", BODY, 404, Refusal.PATH),
        ("another", b"", 404, Refusal.PATH),
        ("nul\0", BODY, 404, Refusal.PATH),
        ("\ufffd", BODY, 404, Refusal.PATH),
        ("a" * 5000, BODY, 404, Refusal.PATH),
        (PATH, BODY | {"token": "wrong"}, 403, Refusal.TOKEN),
        (PATH, {name: BODY[name] for name in ("module", "ids", "operation")}, 403, Refusal.TOKEN),
        (PATH, BODY | {"module": "Quotes"}, 422, Refusal.MODULE),
        (PATH, BODY | {"ids": []}, 400, Refusal.GARBAGE),
        (PATH, b"\xff<html>", 400, Refusal.GARBAGE),
        (PATH, b"", 400, Refusal.GARBAGE),
        (PATH, json.dumps(BODY).encode().ljust(1025), 413, Refusal.SIZE),
        ("another", b" " * 2_000_000, 413, Refusal.SIZE),
    ],
)
def test_anything_else_is_refused_and_counted_and_nothing_of_it_kept(hooks, path, body, status, refusal):
    try:
        assert hooks.post(body, path) == status
    except (BrokenPipeError, ConnectionResetError):
        assert len(body) > 1_000_000, "only who was still sending may miss the answer"
    assert hooks.counted() == {refusal: 1}
    assert hooks.kept() == {}
    assert hooks.post(json.dumps(BODY).encode().ljust(1024)) == 200


def test_every_refusal_is_counted_from_the_beginning(hooks):
    assert hooks.receiving.counted() == dict.fromkeys((ACCEPTED, *Refusal), 0)


def test_a_body_without_a_length_is_counted_as_it_comes(hooks):
    parts = urlsplit(hooks.url)
    with closing(
        http.client.HTTPConnection(parts.hostname, parts.port, timeout=LONGEST_SECONDS)
    ) as connection:
        chunks = (json.dumps(BODY).encode(), b" " * 512, b" " * 512)
        connection.request("POST", f"/webhooks/zoho/{PATH}", iter(chunks), encode_chunked=True)
        assert connection.getresponse().status == 413


def test_one_that_breaks_off_or_comes_too_slowly_is_incomplete(url):
    with hooks_on(url, body_seconds=0.1) as hooks:
        parts = urlsplit(hooks.url)
        head = f"POST /webhooks/zoho/{PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n".encode()
        with socket.create_connection((parts.hostname, parts.port), LONGEST_SECONDS) as slow:
            slow.sendall(head + b"{")
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        assert hooks.counted() == {Refusal.INCOMPLETE: 1}
        assert hooks.post() == 200


def test_a_channel_is_asked_for_once_in_a_few_seconds_and_an_unknown_path_each_time(hooks):
    for _ in range(3):
        hooks.post()
        hooks.post(path="another")
    assert hooks.asked == [PATH, "another", "another", "another"]
    hooks.clock.sleep(6)
    hooks.channels.clear()
    assert hooks.post() == 404, "it is gone by now"
    assert hooks.asked[4:] == [PATH]


def test_a_clock_that_was_set_back_keeps_no_channel_for_longer(hooks):
    assert hooks.post() == 200
    hooks.clock.sleep(-3600)
    hooks.channels.clear()
    assert hooks.post() == 404


def test_a_token_that_is_new_since_the_channel_was_kept_is_known(hooks):
    assert hooks.post() == 200
    hooks.channels[PATH] = replace(
        CHANNEL,
        token_hash=hash_of("new"),
        old_token_hash=CHANNEL.token_hash,
        old_until=START + timedelta(hours=1),
    )
    assert hooks.post(BODY | {"token": "new"}) == 200
    assert hooks.post() == 200, "the old one is good still"
    hooks.clock.sleep(3600)
    assert hooks.post() == 403
    assert hooks.post(BODY | {"token": "new"}) == 200


def test_more_than_so_many_in_a_second_are_refused(url):
    with hooks_on(url, limits=WebhooksSettings(rate_per_second=3)) as hooks:
        assert hooks.post() == 200, "the first of a channel counts as a stranger's"
        assert [hooks.post() for _ in range(5)] == [200, 200, 200, 429, 429]
        hooks.clock.sleep(1)
        assert hooks.post() == 200
        assert hooks.counted() == {ACCEPTED: 5, Refusal.RATE: 2}


def test_who_knows_no_path_uses_up_nothing_of_what_zoho_may_send(hooks):
    assert hooks.post() == 200
    assert [hooks.post(path="another") for _ in range(60)] == [404] * 49 + [429] * 11
    assert hooks.post() == 200
    assert len(hooks.asked) == 50, "and asks the database no more than that"


@pytest.mark.parametrize(
    ("error", "refusal"),
    [(FullError("Too much waits."), Refusal.FULL), (RetryableError("It is locked."), Refusal.STORE)],
)
def test_what_cannot_be_kept_is_not_acknowledged(url, error, refusal):
    errors = [error]

    def put(real, rows):
        if errors:
            raise errors.pop()
        real(rows)

    with hooks_on(url, put) as hooks:
        assert hooks.post() == 503
        assert hooks.counted() == {refusal: 1}
        assert hooks.kept() == {}
        assert hooks.post() == 200


def test_a_database_that_is_away_is_no_unknown_path(url):
    def away(path):
        raise RetryableError("The database does not answer.")

    with hooks_on(url) as hooks:
        hooks.receiving.channels.find = away
        assert hooks.post() == 503
        assert hooks.counted() == {Refusal.STORE: 1}


def test_nobody_is_answered_before_the_commit_and_the_other_pages_are_meanwhile(url):
    """As many wait as may: one more is refused, the pages answer, and in the end each is kept and answered."""
    with hooks_on(url) as hooks, ThreadPoolExecutor(AT_MOST_WAITING + 1) as senders:
        assert hooks.post() == 200
        with hooks.database.begin():  # the one writer, so that no commit can be made
            sent = [
                senders.submit(hooks.post, BODY | {"ids": [str(number)]})
                for number in range(AT_MOST_WAITING + 1)
            ]
            done, waiting = wait(sent, LONGEST_SECONDS, FIRST_COMPLETED)
            assert [one.result() for one in done] == [503]
            assert hooks.kept() == {("Deals", ID): 1}
            assert get(f"{hooks.url}/health/live") == (200, {"ok": True})
            assert not any(one.done() for one in waiting)
        assert [one.result(LONGEST_SECONDS) for one in waiting] == [200] * AT_MOST_WAITING
        assert len(hooks.kept()) == 1 + AT_MOST_WAITING
        assert hooks.counted() == {ACCEPTED: 1 + AT_MOST_WAITING, Refusal.FULL: 1}


def test_what_is_refused_on_a_channels_path_may_have_been_zohos(hooks):
    assert hooks.post() == 200
    assert hooks.receiving.missed() == {}
    hooks.post(path="nobody-knows-it")
    assert hooks.receiving.missed() == {}
    for body in (b"{", b"x" * 2000, BODY | {"token": "wrong"}, BODY | {"module": "Leads"}):
        hooks.clock.sleep(60)
        assert hooks.post(body) >= 400
        assert hooks.receiving.missed() == {"Deals": hooks.clock.now()}
    last = hooks.clock.now()
    hooks.clock.sleep(60)
    assert hooks.post() == 200
    assert hooks.receiving.missed() == {"Deals": last}
