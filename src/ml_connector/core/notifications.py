"""Zoho's notifications: what one says, and whether it is believed. Pure: body, channel and instant are handed in.

A notification is a hint to fetch records, never their content: of its body only the module, the ids and the operation
are used, and the token, which is all the proof there is that Zoho sent it. ``resource_uri`` is never followed. The
shape is in the facts on Zoho, section 4.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

OPERATIONS = frozenset({"insert", "update", "delete"})  #: what Zoho calls them here, not create, edit, delete

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)  # a 64 bit number, as text


class Refusal(StrEnum):
    """Why a notification is not taken."""

    PATH = "unknown path"
    TOKEN = "wrong token"  # noqa: S105 -- a reason, no token
    MODULE = "wrong module"  #: not the one that the channel is for
    GARBAGE = "garbage"  #: no notification of the shape that Zoho's have
    INCOMPLETE = "incomplete"  #: the body broke off, or came too slowly
    SIZE = "too large"
    RATE = "too many"  #: in this second
    FULL = "full"  #: so many wait for their commit already
    STORE = "not kept"  #: the database could not be written


class Channel(Protocol):
    """What a notification has to fit that comes by the path of a channel."""

    @property
    def module(self) -> str:
        """That it is for."""

    @property
    def token_hash(self) -> str:
        """SHA-256 of its token, in hexadecimal digits."""

    @property
    def old_token_hash(self) -> str:
        """Of the token before; empty: there was none."""

    @property
    def old_until(self) -> datetime | None:
        """Up to then that one is good, too: what was under way comes with it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What one says."""

    module: str
    ids: tuple[str, ...]  #: each once: a mass update or an import tells of many records at once
    operation: str  #: one of ``OPERATIONS``
    token_hash: str


def hash_of(token: str) -> str:
    """A token as it is kept and compared."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read(body: bytes) -> Notification | Refusal:
    """What the body says; GARBAGE: it is no notification. No body raises."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Refusal.GARBAGE
    if not isinstance(document, dict) or not all(fits(document.get(name)) for name, fits in _SHAPE.items()):
        return Refusal.GARBAGE
    token = document.get("token")
    return Notification(
        document["module"],
        tuple(dict.fromkeys(document["ids"])),
        document["operation"],
        hash_of(token if isinstance(token, str) else ""),
    )


def judge(told: Notification, channel: Channel | None, now: datetime) -> Refusal | None:
    """Why what came by this channel's path is not taken; None: it is. ``channel``: None: no channel has the path."""
    if channel is None:
        return Refusal.PATH
    if not _knows(channel, told.token_hash, now):
        return Refusal.TOKEN
    return None if told.module == channel.module else Refusal.MODULE


def _knows(channel: Channel, token_hash: str, now: datetime) -> bool:
    """Whether this is the channel's token, compared in constant time."""
    present = hmac.compare_digest(token_hash, channel.token_hash)
    former = hmac.compare_digest(token_hash, channel.old_token_hash)
    return present or (former and channel.old_until is not None and now < channel.old_until)


def _is_text(value: Any) -> bool:  # noqa: ANN401 -- whatever JSON can hold
    return isinstance(value, str)


def _is_operation(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and value in OPERATIONS


def _are_ids(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, list) and bool(value) and all(map(_is_id, value))


def _is_id(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and _ID.fullmatch(value) is not None


_SHAPE = {"module": _is_text, "operation": _is_operation, "ids": _are_ids}
