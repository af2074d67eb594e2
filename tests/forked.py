"""Our command in processes of their own that need not import it first: one process has, and is forked for each.

That process is the fork server of the standard library, which begins with ``warm``.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO

from ml_connector import cli

LONGEST_SECONDS = 600
_WARM = "warm"
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__, _WARM])


def begun(work: Callable[..., None], *given: object) -> ForkServerProcess:
    """A process of its own that does it; all tests have one server, which the first of them starts."""
    process = _SERVER.Process(target=work, args=given, daemon=True)
    with _finding_tests():
        process.start()
    return process


class Forked:
    """``ml-connector WORDS`` (or ``script``) in ``folder``, with what tests need of ``subprocess.Popen``, as there.

    The exit code of one that a signal ended is negative.
    """

    def __init__(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], script: Path | None = None
    ) -> None:
        their_stdin, stdin = _SERVER.Pipe(duplex=False)
        stdout, their_stdout = _SERVER.Pipe(duplex=False)
        stderr, their_stderr = _SERVER.Pipe(duplex=False)
        theirs = (their_stdin, their_stdout, their_stderr)
        given = (words, folder, os.environ | env, theirs, script)
        self._it = begun(_become, *given)
        for end in theirs:
            end.close()
        self.stdin, self.stdout, self.stderr = _file(stdin, "w"), _file(stdout, "r"), _file(stderr, "r")

    @property
    def pid(self) -> int:
        assert self._it.pid is not None
        return self._it.pid

    @property
    def returncode(self) -> int | None:
        return self._it.exitcode

    def poll(self) -> int | None:
        return self._it.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._it.join(timeout)
        if self._it.exitcode is None:
            raise subprocess.TimeoutExpired(self._it.name, timeout or 0)
        return self._it.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, stdin: str = "", timeout: float = LONGEST_SECONDS) -> tuple[str, str]:
        """What it said on standard output and standard error until it ended; it is killed if that takes too long."""
        with ThreadPoolExecutor(2) as readers, self.stdout, self.stderr:
            said = [readers.submit(stream.read) for stream in (self.stdout, self.stderr)]
            try:
                with self.stdin:
                    self.stdin.write(stdin)
                self.wait(timeout)
            except BaseException:
                self.kill()
                raise
            return said[0].result(), said[1].result()


def _file(end: Connection, mode: str) -> IO[str]:
    with end:
        return os.fdopen(os.dup(end.fileno()), mode)


@contextmanager
def _finding_tests() -> Iterator[None]:
    """For the server, which finds its first module by the environment alone."""
    kept = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{Path(__file__).parent}{os.pathsep}{kept}"
    try:
        yield
    finally:
        os.environ["PYTHONPATH"] = kept


def _become(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    streams: Sequence[Connection],
    script: Path | None,
) -> None:
    """This process is the command from now on."""
    assert _WARM in sys.modules, "the server did not begin with it, and each process would import everything"
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 -- open to the end
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 -- the same
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    sys.argv = ["ml-connector", *words]
    if script is None:
        cli.main()
        return
    sys.argv[0] = str(script)
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")
