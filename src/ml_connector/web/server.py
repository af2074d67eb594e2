"""Serving the web application on a thread of its own, beside the work."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from fastapi import FastAPI

from ml_connector.core.errors import ConfigurationError

_GRACE_SECONDS = 2


@contextmanager
def served(app: FastAPI, address: str, port: int, section: str = "serve") -> Iterator[str]:
    """Its URL, for the length of the block. ConfigurationError: the port is taken, or may not be had.

    ``section``: of the settings, where a person sets another one.
    """
    with closing(_listening(address, port, section)) as listening:
        config = uvicorn.Config(
            app,
            log_config=None,  # its lines are the process' lines
            log_level="warning",
            access_log=False,
            lifespan="on",  # a router may have something to set up
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="web", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        host, number = listening.getsockname()[:2]
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{number}"
        finally:
            server.should_exit = True
            thread.join()


def _listening(address: str, port: int, section: str) -> socket.socket:
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address, port), family=family, backlog=128)
    except OSError as error:
        # Python adds the address to the system's words; where a name has none, the resolver has words of its own
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ConfigurationError(
            f"The pages cannot be served on {address}, port {port}: {why}.",
            f"Set another address or port under [{section}], or end the program that has it.",
        ) from error
