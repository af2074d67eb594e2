"""One POST to somebody's web server, as Zoho's callbacks and notifications are sent.

Only addresses of this machine are called: a simulator asks nothing of the world, and what it did not send it says.
"""

import contextlib
import http.client
from urllib.parse import urlsplit

HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def posted(url: str, content: bytes, timeout_seconds: float) -> tuple[int, str]:
    """The status of the answer (0: there is none), and why there is none."""
    parts = urlsplit(url)
    if parts.hostname not in HERE:
        return 0, "not an address of this machine"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = parts.path or "/"
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    with contextlib.closing(kind(parts.hostname, parts.port, timeout=timeout_seconds)) as connection:
        try:
            connection.request("POST", f"{path}?{parts.query}" if parts.query else path, content, headers)
            return connection.getresponse().status, ""
        except (OSError, http.client.HTTPException) as error:
            return 0, type(error).__name__
