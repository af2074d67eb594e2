"""Somebody's web server, to which a simulator posts: it writes down what comes, and answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

LONG = 120  # seconds; no test waits as long


class Listener:
    """One of them, on a port of its own; several requests at once."""

    def __init__(self) -> None:
        self.posted: Queue[tuple[str, dict]] = Queue()
        self.answers = threading.Event()  # it answers nothing before this is set
        self.answers.set()
        self.status = 204
        listener = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posted.put((self.path, json.loads(body)))
                listener.answers.wait(LONG)
                self.send_response(listener.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def next(self) -> tuple[str, dict]:
        """Path and body of the next one."""
        return self.posted.get(timeout=LONG)

    def bodies(self) -> list[dict]:
        """Of those that have come and were not asked for yet, in their order."""
        found = []
        while True:
            try:
                found.append(self.posted.get_nowait()[1])
            except Empty:
                return found

    def close(self) -> None:
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()
