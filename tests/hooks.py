"""A web hook on this machine that takes messages, for whoever sends alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "rohrdommel-4k"  #: in every part of the address that may be one


@dataclass
class Hook:
    """Takes what is posted, and answers with this status."""

    status: int = 200
    took: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """As Apprise writes it."""
        return f"json://anna:{SECRET}@127.0.0.1:{self.port}/{SECRET}-path/"

    @property
    def titles(self) -> list[str]:
        return [one["title"].removeprefix("ml-connector: ") for one in self.took]


@contextmanager
def hooked() -> Iterator[Hook]:
    """Listening, for the length of the block."""
    state = Hook()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if state.status == 200:
                state.took.append(given)
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        state.port = server.server_port
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
