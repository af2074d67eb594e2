"""Sealing one value under one key (AES-256-GCM), its name being the associated data; and values that do not show."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.core.errors import ConfigurationError

KEY_BYTES = 32
_NONCE_BYTES = 12  # what GCM is defined for (NIST SP 800-38D, 8.2)
#: Secrets that have a command of their own; every other one is typed in.
_COMMANDS = {"zoho.refresh_token": "ml-connector zoho authorize"}


class SealedError(ConfigurationError):
    """The secret is there, and cannot be opened."""


class UnknownKeyError(SealedError):
    """It is sealed under a master key that is not known."""


def setting_command(name: str) -> str:
    """The command that sets this secret."""
    return _COMMANDS.get(name, f"ml-connector secrets set {name}")


class Secret:
    """A value that shows itself only to who asks for it by ``reveal()``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("A secret is not pickled.")


def new_key() -> bytes:
    """A key from the system's randomness."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def seal(key: AESGCM, name: str, plain: bytes) -> bytes:
    """``plain`` under this key, bound to the name."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, name.encode())


def unseal(key: AESGCM, name: str, sealed: bytes) -> bytes:
    """The plain bytes again. SealedError: the row was changed, or is of another name."""
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise SealedError(
            f"The row of the secret {name} was changed outside ml-connector and is not used.",
            f"Find out who changed it, then set the secret anew: {setting_command(name)}",
        ) from error
