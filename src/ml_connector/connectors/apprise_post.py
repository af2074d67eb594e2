"""Messages to people, by mail, chat or web hook: whatever Apprise knows. The only module that imports it.

An address is an Apprise URL, and any part of it may be a password: nothing of it is logged or given back.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.waits import DATABASE

if TYPE_CHECKING:
    from apprise import NotifyBase

#: What these say below that level has whole addresses in it.
_TALKATIVE = ("urllib3", "requests_oauthlib", "oauthlib")
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 10.0
_SILENT = "it did not take the message, and did not say why."
_HINT = "Set it anew: ml-connector secrets set {}. How addresses are written: docs/how-to/watch-it.md."


class ApprisePost:
    """Sends by Apprise. ``reveal``: the address of this name. Thread-safe: one message at a time."""

    def __init__(self, reveal: Callable[[str], str]) -> None:
        self._reveal = reveal
        self._remembered: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()

    def remember(self, addresses: Sequence[str]) -> None:
        """Have these at hand for when the database is away. RetryableError, ConfigurationError: it is."""
        for name in addresses:
            try:
                self._remembered[name] = self._reveal(name)
            except ConfigurationError as error:
                if error.system == DATABASE:
                    raise
                self._remembered.pop(name, None)  # who sends to it is told why

    def _url(self, address: str) -> str:
        try:
            return self._reveal(address)
        except ConnectorError as error:
            if error.system != DATABASE or address not in self._remembered:
                raise
            return self._remembered[address]

    def send(self, address: str, title: str, text: str) -> str:
        """Why the message did not get through; empty: it did. ConfigurationError: the secret is no address."""
        url = self._url(address)
        with self._one_at_a_time, _listening() as said:
            there = _opened(address, url)
            try:
                if there.notify(body=text, title=title):
                    return ""
            except Exception as error:  # noqa: BLE001 -- 150 plug-ins of others: whatever one raises, it did not send
                said.append(f"{type(error).__name__}.")
            return _struck(" ".join(said), url) or _SILENT


def _opened(address: str, url: str) -> NotifyBase:
    from apprise import Apprise, AppriseAsset, PersistentStoreMode

    asset = AppriseAsset(
        app_id="ml-connector",
        app_desc="ml-connector",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=PersistentStoreMode.MEMORY,
    )
    there = Apprise.instantiate(url, asset=asset)
    if there is None:
        raise ConfigurationError(
            f"The secret {address} is no address that Apprise knows.", _HINT.format(address)
        )
    if not there.verify_certificate:
        raise ConfigurationError(
            f"The secret {address} says that certificates are not to be verified, and they always are.",
            "Take verify=no out of it; a certificate of your own authority is found by REQUESTS_CA_BUNDLE.",
        )
    there.socket_connect_timeout, there.socket_read_timeout = _CONNECT_SECONDS, _READ_SECONDS
    return there


class _Listener(logging.Handler):
    """Keeps what Apprise warns of, which is all that it says of why."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What Apprise says meanwhile comes here and nowhere else, with whatever level the process logs."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    log, listener = logging.getLogger("apprise"), _Listener()
    log.setLevel(logging.WARNING)
    log.propagate = False
    log.addHandler(listener)
    try:
        yield listener.said
    finally:
        log.removeHandler(listener)


def _struck(said: str, url: str) -> str:
    """The same without anything that stands in the address, but its first word."""
    _, _, rest = url.partition("://")
    pieces = {piece for text in (rest, unquote(rest)) for piece in re.split(r"[/:@?&=,;#\s]+", text)}
    for piece in sorted((p for p in pieces if len(p) > 2), key=len, reverse=True):
        said = re.sub(re.escape(piece), "…", said, flags=re.IGNORECASE)
    return " ".join(said.split())
