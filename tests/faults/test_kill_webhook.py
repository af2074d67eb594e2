"""The process that takes notifications is killed: what it acknowledged is kept, and what it did not may come again."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from killed_webhook import MODULE, TOKEN

from forked import Forked
from ml_connector.bootstrap import SystemClock
from ml_connector.store import inbox
from ml_connector.store.database import Database
from postgres import database_of_test

LONGEST_SECONDS = 120
NEVER = 0
_SCRIPT = Path(__file__).with_name("killed_webhook.py")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path, postgres: Callable[[str], str]) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    with database_of_test(postgres) as url:
        yield url


@contextmanager
def receiving(folder: Path, address: str, when: str, number: int) -> Iterator[tuple[str, Forked]]:
    """Where it takes notifications, and the process that does."""
    process = Forked((address, when, str(number)), folder, {}, _SCRIPT)
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.communicate(timeout=LONGEST_SECONDS)


def post(url: str, record: str) -> int:
    """The status of the answer; 0: there was none."""
    parts = urlsplit(url)
    body = json.dumps({"module": MODULE, "ids": [record], "operation": "insert", "token": TOKEN})
    with closing(
        http.client.HTTPConnection(parts.hostname, parts.port, timeout=LONGEST_SECONDS)
    ) as connection:
        try:
            connection.request("POST", parts.path, body.encode())
            return connection.getresponse().status
        except (http.client.HTTPException, OSError):
            return 0


def kept(address: str) -> dict[str, int]:
    """Id of each record that waits -> how often it was told of."""
    database = Database(address)
    with database.read() as tx:
        rows = inbox.due(tx, SystemClock().now() + timedelta(days=1), 0, 10_000)
    database.close()
    return {row.record_id: row.times_told for row in rows}


@pytest.mark.parametrize(("when", "there"), [("before", {}), ("after", {"1": 1})])
def test_before_the_commit_nothing_was_acknowledged_and_after_it_a_copy_is_one_row(
    tmp_path: Path, address: str, when: str, there: dict[str, int]
) -> None:
    with receiving(tmp_path, address, when, 1) as (url, process):
        assert post(url, "1") == 0
        assert process.wait(LONGEST_SECONDS) == -signal.SIGKILL
    assert kept(address) == there
    with receiving(tmp_path, address, when, NEVER) as (url, _):
        assert post(url, "1") == 200
    assert kept(address) == {"1": there.get("1", 0) + 1}


@pytest.mark.parametrize("when", ["before", "after"])
def test_in_a_burst_all_that_was_acknowledged_is_kept(tmp_path: Path, address: str, when: str) -> None:
    records = [str(number) for number in range(1, 201)]
    with receiving(tmp_path, address, when, 20) as (url, process), ThreadPoolExecutor(8) as senders:
        answers = dict(zip(records, senders.map(lambda record: post(url, record), records), strict=True))
        assert process.wait(LONGEST_SECONDS) == -signal.SIGKILL
    acknowledged = {record for record, status in answers.items() if status == 200}
    assert set(answers.values()) == {0, 200}
    assert acknowledged <= kept(address).keys()
