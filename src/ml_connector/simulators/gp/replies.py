"""What goes back over HTTP: whole, in half, or not at all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; `cut` ends the connection in its middle, `drop` before it."""

    status: int
    body: bytes
    content_type: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    cut: bool = False
    drop: bool = False


def page(title: str) -> bytes:
    """A page of the web server."""
    return f"<HTML><HEAD><TITLE>{title}</TITLE></HEAD><BODY><h2>{title}</h2></BODY></HTML>".encode()


def xml(status: int, text: str) -> Reply:
    """An answer of the SOAP service."""
    return Reply(status, text.encode(), content_type="text/xml; charset=utf-8")


def spoiled(reply: Reply, kind: str) -> Reply:
    """Return a reply to work that was done, as the planned fault lets it arrive."""
    if kind == "cut_after_work":
        return Reply(reply.status, reply.body, reply.content_type, cut=True)
    if kind == "garbage_xml":
        return Reply(reply.status, reply.body[: len(reply.body) * 2 // 3], reply.content_type)
    return reply
