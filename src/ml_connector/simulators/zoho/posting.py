"""One POST to somebody's web server, as Zoho's callbacks and notifications are sent.

Only addresses of this machine are called: a simulator asks nothing of the world, and what it did not send it says.
"""

import contextlib
import http.client
from urllib.parse import quote, urlsplit

HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_LEFT_AS_IT_IS = "/?&=%:,;+@!$'()*~"


def posted(url: str, content: bytes, timeout_seconds: float) -> tuple[int, str]:
    """The status of the answer (0: there is none), and why there is none."""
    parts = urlsplit(url)
    if parts.hostname not in HERE:
        return 0, "not an address of this machine"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    try:
        with contextlib.closing(kind(parts.hostname, parts.port, timeout=timeout_seconds)) as connection:
            # Zoho's own examples have blanks in the URL.
            connection.request("POST", quote(target, safe=_LEFT_AS_IT_IS), content, headers)
            return connection.getresponse().status, ""
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, type(error).__name__
