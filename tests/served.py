"""``serve`` and ``worker`` as real processes beside a test, which waits for what they say and do."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from forked import Forked
from systems import SECRETS, World, unreachable

LONGEST_SECONDS = 300
_open = build_opener(ProxyHandler({})).open


@dataclass
class Served:
    """One such process."""

    world: World
    process: Forked
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """What ``holds`` gives once it gives something."""
        end = time.monotonic() + LONGEST_SECONDS
        while not (found := holds()):
            if self.process.poll() is not None or time.monotonic() > end:
                unreachable(f"{what} did not come; it said: {self.lines}, {self.process.returncode}")
            time.sleep(0.05)
        return found

    def said(self, text: str, times: int = 1) -> str:
        """The line with this text, once it has said it so often."""

        def found() -> list[str]:
            lines = [line for line in self.lines if re.search(text, line)]
            return lines if len(lines) >= times else []

        return str(self.until(found, f"{text} (x {times})")[-1])

    @property
    def url(self) -> str:
        """Where its pages are."""
        return re.split('[;"]|\\."', self.said("pages are at").partition("pages are at ")[2])[0]

    def metrics(self) -> str:
        """The page that Prometheus reads."""
        with _open(f"{self.url}/metrics") as answer:
            return str(answer.read().decode())

    def health(self, path: str) -> tuple[int, Any]:
        """Status and document of one of the pages of health."""
        try:
            with _open(f"{self.url}/health/{path}") as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """It does nothing meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            self.until(self._stands_still, "an end of all that it does")
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _stands_still(self) -> bool:
        """Whether all its threads were told by now."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return {(one / "stat").read_text().rpartition(")")[2].split()[0] for one in threads} == {"T"}

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send this signal and give the exit code; it never said a secret or showed a traceback."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(LONGEST_SECONDS)
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        said = "\n".join(self.lines)
        assert not [secret for secret in SECRETS if secret in said]
        assert "Traceback" not in said, said
        return code


@contextmanager
def serving(world: World) -> Iterator[Served]:
    """It has begun; at the end of the block it is ended, if the test has not done so."""
    served = Served(world, world.start("serve"))
    try:
        served.said("pages are at")
        served.until(lambda: world.rows("SELECT 1 FROM schedules"), "its first turn")
        yield served
    finally:
        if served.process.poll() is None:
            assert served.end() == 0, served.lines
        elif not served.process.stderr.closed:
            served.end()


@contextmanager
def working(world: World, *options: str) -> Iterator[Served]:
    """A worker that has begun; at the end of the block it is ended, if the test has not done so."""
    worker = Served(world, world.start("worker", *options))
    try:
        worker.said("Working: ")
        yield worker
    finally:
        if worker.process.poll() is None:
            assert worker.end() == 0, worker.lines
        elif not worker.process.stderr.closed:
            worker.end()
