"""Ports of this machine for processes that have to be told one before they listen there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """One that nobody else is given for the length of the block; whoever is told of it may listen there.

    It is bound and not listened at: who connects is refused until somebody does.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as whoever listens does
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]
