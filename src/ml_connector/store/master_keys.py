"""The master keys, which wrap the data key of every secret: read from a file, a variable or a command; made, added."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.core.errors import ConfigurationError
from ml_connector.store.disk import sync_folder
from ml_connector.store.sealing import KEY_BYTES, Secret, UnknownKeyError, seal, setting_command, unseal

_COMMAND_SECONDS = 30


@dataclass(frozen=True, slots=True)
class _Ring:
    """The master keys that are known, by id."""

    current: str
    keys: Mapping[str, AESGCM] = field(repr=False)


class MasterKeys:
    """The master keys: 32 bytes each, base64, one a line; the first is the current one.

    They are read when first needed, and once more when a row names a key that is not known: so a key that another
    process put in during a rotation is found without a restart.
    """

    def __init__(self, read: Callable[[], str], where: str) -> None:
        self._read = read
        self._where = where
        self._ring: _Ring | None = None

    @classmethod
    def from_file(cls, path: Path) -> MasterKeys:
        """Keys of a file that nobody but its owner may read."""
        return cls(lambda: _read_key_file(path), f"the key file {path}")

    @classmethod
    def from_environment(cls, variable: str) -> MasterKeys:
        """Keys of an environment variable."""
        return cls(lambda: _read_variable(variable), f"the environment variable {variable}")

    @classmethod
    def from_command(cls, command: Sequence[str]) -> MasterKeys:
        """Keys that a program prints, such as a vault's; it is started without a shell."""
        return cls(lambda: _read_command(command), f"the command {command[0]}")

    @property
    def current_id(self) -> str:
        """The id of the key that new secrets are sealed with."""
        return self._known().current

    @property
    def ids(self) -> list[str]:
        """The ids of all keys that are known, in their order: the current one first."""
        return list(self._known().keys)

    def wrap(self, name: str, data_key: bytes) -> tuple[str, bytes]:
        """The id of the key that is current by now, and ``data_key`` sealed by it."""
        self._ring = None  # another process may have put a new one in
        ring = self._known()
        return ring.current, seal(ring.keys[ring.current], name, data_key)

    def unwrap(self, name: str, key_id: str, wrapped: bytes) -> bytes:
        """The data key again. SealedError: no such master key, or the row was changed."""
        if key_id not in self._known().keys:
            self._ring = None
        key = self._known().keys.get(key_id)
        if key is None:
            raise UnknownKeyError(
                f"The secret {name} is sealed under another master key ({key_id}) than {self._where} holds.",
                f"Add that key as a line of its own there, or set the secret anew: {setting_command(name)}",
            )
        return unseal(key, name, wrapped)

    def _known(self) -> _Ring:
        if self._ring is None:
            self._ring = _parse_keys(self._read(), self._where)
        return self._ring


def load_master_keys(
    *, key_file: Path | None = None, key_env: str | None = None, key_command: Sequence[str] | None = None
) -> MasterKeys:
    """The master keys from the one place that is given."""
    if key_env is not None:
        return MasterKeys.from_environment(key_env)
    if key_command:
        return MasterKeys.from_command(key_command)
    if key_file is None:
        raise ConfigurationError("No place for the master key is set.", "Set key_file under [secrets].")
    return MasterKeys.from_file(key_file)


def writers_of(path: Path) -> str:
    """Who else than its owner could put another file in the place of this one: "" nobody, "a group" or "everybody"."""
    mode = path.parent.stat().st_mode
    if mode & stat.S_ISVTX:  # only its owner removes a file there
        return ""
    return "everybody" if mode & stat.S_IWOTH else "a group" if mode & stat.S_IWGRP else ""


def new_master_key() -> Secret:
    """A master key from the system's randomness, as a line of a key file."""
    return Secret(base64.b64encode(os.urandom(KEY_BYTES)).decode())


def make_key_file(path: Path) -> bool:
    """Write a first master key there, readable by its owner alone; False when the file is there already."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, new_master_key().reveal())
        sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def add_key(path: Path) -> None:
    """Put a new master key before those of the file, which stay known; the file is replaced in one step.

    It keeps its owner, and is on the disk before anything is sealed under its new key. Two who do this at once do it
    one after the other: else the second would put back a file without the first one's key.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        with _alone_in(path.parent):
            text = _read_key_file(path)
            owner = path.stat()
            fresh.unlink(missing_ok=True)
            _write_new(fresh, f"{new_master_key().reveal()}\n{text.strip()}")
            os.chown(fresh, owner.st_uid, owner.st_gid)
            fresh.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_new(path: Path, text: str) -> None:
    """A file that is not there yet, for its owner's eyes, whole and on the disk; or none, and OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The key file {path} cannot be written: {error.strerror}.",
        "Check the disk and the rights of its folder, or set another key_file under [secrets].",
    )


def _parse_keys(text: str, where: str) -> _Ring:
    keys = {}
    for line in text.split():
        key = _decode_key(line)
        if key is None:
            raise ConfigurationError(
                f"A line of {where} is not a master key.",
                "A master key is 32 bytes in base64 (44 characters); ml-connector init makes one.",
            )
        # An id that says nothing of the key: it is random, and 64 bits of a hash do not lead back to it.
        keys[hashlib.sha256(b"ml-connector master key" + key).hexdigest()[:16]] = AESGCM(key)
    if not keys:
        raise ConfigurationError(f"There is no master key in {where}.", "ml-connector init makes one.")
    return _Ring(next(iter(keys)), keys)


def _decode_key(line: str) -> bytes | None:
    try:
        key = base64.b64decode(line, validate=True)
    except ValueError:  # binascii.Error is one
        return None
    return key if len(key) == KEY_BYTES else None


def _read_key_file(path: Path) -> str:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"The key file {path} does not exist.",
            "Put it back from its backup; if there are no secrets yet, ml-connector init makes one.",
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The key file {path} cannot be read: {error.strerror}.",
            "Let the user who runs ml-connector own it.",
        ) from error
    if mode & 0o077:
        raise ConfigurationError(f"Others may read the key file {path}.", f"Run: chmod 600 {path}")
    return text


def _read_variable(variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise ConfigurationError(
            f"The environment variable {variable}, which holds the master key, is not set.",
            "Set it where ml-connector is started.",
        ) from None


def _read_command(command: Sequence[str]) -> str:
    """What the command prints. Its own words are not repeated: there may be a key among them."""
    remedy = "Run it by hand to see why; it has to print the master key and nothing else."
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_COMMAND_SECONDS)  # noqa: S603 -- the operator's own
    except OSError as error:
        raise ConfigurationError(
            f"The command for the master key cannot be started: {error.strerror}.", remedy
        ) from error
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"The command for the master key said nothing for {_COMMAND_SECONDS} s.", remedy
        ) from None
    if done.returncode != 0:
        raise ConfigurationError(f"The command for the master key ended with {done.returncode}.", remedy)
    return done.stdout.decode("ascii", errors="replace")
