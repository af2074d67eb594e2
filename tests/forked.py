"""Runs our command in processes of their own that need not import it first: one process has, and is forked for each.

As a program it is that process: a JSON line on its standard input names a command, or a script and its words, and its
answer is the exit code.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from select import select
from typing import NoReturn

LONGEST_SECONDS = 300


class Forked:
    """Commands, one after the other."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], stdin: str, script: Path | None
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of ``ml-connector WORDS`` (or ``script``) in ``folder``.

        A signal that ended it is a negative exit code.
        """
        server = self._server = self._server or self._start()
        assert server.stdin is not None
        assert server.stdout is not None
        with tempfile.TemporaryDirectory() as place:
            streams = [Path(place) / name for name in ("in", "out", "err")]
            streams[0].write_text(stdin)
            asked = {
                "words": list(words),
                "folder": str(folder),
                "env": dict(env),
                "streams": [*map(str, streams)],
                "script": str(script or ""),
            }
            server.stdin.write(f"{json.dumps(asked)}\n")
            server.stdin.flush()
            if not select([server.stdout], [], [], LONGEST_SECONDS)[0]:
                self.close()
                raise TimeoutError(f"{words} did not end within {LONGEST_SECONDS} s")
            code = int(server.stdout.readline())
            return code, streams[1].read_text(), streams[2].read_text()

    def _start(self) -> subprocess.Popen[str]:
        atexit.register(self.close)
        return subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def close(self) -> None:
        """End the process, and a command that is still under way."""
        if self._server is not None:
            os.killpg(self._server.pid, 9)
            self._server.communicate()
            self._server = None


def serve() -> None:
    """Fork for each command that standard input names, and tell its exit code."""
    from ml_connector import bootstrap, cli
    from ml_connector.flows import engine, plan

    assert bootstrap
    assert engine
    assert plan
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            script = asked.pop("script")
            _become(**asked)
            if script:
                _run_script(script)
            cli.main()  # raises SystemExit
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _become(words: list[str], folder: str, env: Mapping[str, str], streams: Sequence[str]) -> None:
    """This process is the command from now on."""
    for number, (path, flags) in enumerate(
        zip(streams, (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT), strict=True)
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, closefd=False)  # what the old one has read ahead is not the command's
    os.chdir(folder)
    os.environ.update(env)
    sys.argv = ["ml-connector", *words]


def _run_script(path: str) -> NoReturn:
    """As ``python PATH``, with this process's words."""
    sys.argv[0] = path
    sys.path.insert(0, str(Path(path).parent))
    runpy.run_path(path, run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve()
