"""Secrets at rest: every value under a data key of its own (AES-256-GCM), every data key wrapped by the master key.

The secret's name is the associated data of both, so that a row moved under another name does not open. The master
key is never in the database; several may be known at once, the first is the one that new rows are sealed with, and
``rewrap`` brings the others' rows under it while everything runs.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Clock
from ml_connector.store import tables
from ml_connector.store.database import Database, upsert

_KEY_BYTES = 32
_NONCE_BYTES = 12  # what GCM is defined for (NIST SP 800-38D, 8.2)
_COMMAND_SECONDS = 30
#: What nobody sets: one that does not open is thrown away and fetched anew.
_FETCHED = frozenset({"zoho.access_token"})
#: Secrets that have a command of their own; every other one is typed in.
_COMMANDS = {"zoho.refresh_token": "ml-connector zoho authorize"}


class SealedError(ConfigurationError):
    """The secret is there, and cannot be opened."""


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


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """That a secret is there, and since when; never what it is."""

    name: str
    changed_at: datetime
    key_id: str  #: the master key it is sealed under
    is_current: bool  #: that is the master key which new secrets are sealed with


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

    def wrap(self, name: str, data_key: bytes) -> tuple[str, bytes]:
        """The current key's id and ``data_key`` sealed by it."""
        ring = self._known()
        return ring.current, _seal(ring.keys[ring.current], name, data_key)

    def unwrap(self, name: str, key_id: str, wrapped: bytes) -> bytes:
        """The data key again. SealedError: no such master key, or the row was changed."""
        if key_id not in self._known().keys:
            self._ring = None
        key = self._known().keys.get(key_id)
        if key is None:
            raise SealedError(
                f"The secret {name} is sealed under another master key ({key_id}) than {self._where} holds.",
                f"Add that key as a line of its own there, or set the secret anew: {setting_command(name)}",
            )
        return _open(key, name, wrapped)

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


def new_master_key() -> Secret:
    """A master key from the system's randomness, as a line of a key file."""
    return Secret(base64.b64encode(os.urandom(_KEY_BYTES)).decode())


def make_key_file(path: Path) -> bool:
    """Write a first master key there, readable by its owner alone; False when the file is there already."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, new_master_key().reveal())
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def add_key(path: Path) -> None:
    """Put a new master key before those of the file, which stay known; the file is replaced in one step."""
    text = _read_key_file(path)
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        _write_new(fresh, f"{new_master_key().reveal()}\n{text.strip()}")
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


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


class Secrets:
    """The secrets of the store, by name."""

    def __init__(self, database: Database, keys: MasterKeys, clock: Clock) -> None:
        self.database = database
        self._keys = keys
        self._clock = clock

    def put(self, name: str, value: Secret | str) -> None:
        """Keep ``value`` under ``name``, in place of what was there."""
        plain = value.reveal() if isinstance(value, Secret) else value
        data_key = AESGCM.generate_key(bit_length=8 * _KEY_BYTES)
        key_id, wrapped = self._keys.wrap(name, data_key)
        row = {
            "name": name,
            "key_id": key_id,
            "wrapped_key": wrapped,
            "sealed": _seal(AESGCM(data_key), name, plain.encode()),
            "changed_at": self._clock.now(),
        }
        with self.database.begin() as tx:
            upsert(tx, tables.secrets, [row])

    def get(self, name: str) -> str:
        """The value. ConfigurationError: it was never set, the master key is another, or the row was changed."""
        with self.database.read() as tx:
            row = tx.execute(sa.select(tables.secrets).where(tables.secrets.c.name == name)).one_or_none()
        if row is None:
            raise ConfigurationError(f"The secret {name} is not set.", f"Run: {setting_command(name)}")
        data_key = self._keys.unwrap(name, row.key_id, row.wrapped_key)
        return _open(AESGCM(data_key), name, row.sealed).decode()

    def reader(self, name: str) -> Callable[[], str]:
        """What asks for the secret when it is needed; connectors are given this."""
        return lambda: self.get(name)

    def has(self, name: str) -> bool:
        """Whether it was set."""
        with self.database.read() as tx:
            return (
                tx.execute(sa.select(tables.secrets.c.name).where(tables.secrets.c.name == name)).first()
                is not None
            )

    def names(self) -> list[StoredSecret]:
        """What is kept, in the order of names."""
        current = self._keys.current_id
        columns = (tables.secrets.c.name, tables.secrets.c.changed_at, tables.secrets.c.key_id)
        with self.database.read() as tx:
            rows = tx.execute(sa.select(*columns).order_by(tables.secrets.c.name)).all()
        return [StoredSecret(r.name, r.changed_at, r.key_id, r.key_id == current) for r in rows]

    def delete(self, name: str) -> bool:
        """Forget it; False when there was nothing."""
        with self.database.begin() as tx:
            return bool(tx.execute(sa.delete(tables.secrets).where(tables.secrets.c.name == name)).rowcount)

    def rewrap(self) -> int:
        """Bring every row under the current master key, in one transaction; how many there were to do.

        Only the data keys are sealed anew: values and ``changed_at`` stay, and who reads meanwhile is served.
        SealedError when one does not open; of what is fetched by itself, the row is thrown away.
        """
        table = tables.secrets
        with self.database.begin() as tx:
            old = sa.select(table).where(table.c.key_id != self._keys.current_id).with_for_update()
            rows = tx.execute(old).all()
            for row in rows:
                try:
                    data_key = self._keys.unwrap(row.name, row.key_id, row.wrapped_key)
                except SealedError:
                    if row.name not in _FETCHED:
                        raise
                    tx.execute(sa.delete(table).where(table.c.name == row.name))
                    continue
                key_id, wrapped = self._keys.wrap(row.name, data_key)
                change = sa.update(table).where(table.c.name == row.name)
                tx.execute(change.values(key_id=key_id, wrapped_key=wrapped))
        return len(rows)


class Token(Protocol):
    """What an access token has, whichever class it is of."""

    @property
    def value(self) -> str: ...
    @property
    def api_domain(self) -> str: ...
    @property
    def expires_at(self) -> datetime: ...


TokenT = TypeVar("TokenT", bound=Token)


class TokenShelf(Generic[TokenT]):
    """Where all workers find the one access token, and the lock for who renews it."""

    def __init__(
        self,
        secrets: Secrets,
        folder: Path,
        make: Callable[[str, str, datetime], TokenT],
        name: str = "zoho.access_token",
    ) -> None:
        self._secrets = secrets
        self._folder = folder
        self._make = make
        self._name = name

    def load(self) -> TokenT | None:
        """The token that was saved last; None when there is none yet, or none that opens: it is fetched anew."""
        if not self._secrets.has(self._name):
            return None
        try:
            kept = json.loads(self._secrets.get(self._name))
        except SealedError:
            return None
        return self._make(kept["value"], kept["api_domain"], datetime.fromisoformat(kept["expires_at"]))

    def save(self, token: TokenT) -> None:
        """Put this one in place of the last."""
        content = {
            "value": token.value,
            "api_domain": token.api_domain,
            "expires_at": token.expires_at.isoformat(),
        }
        self._secrets.put(self._name, Secret(json.dumps(content)))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held by one thread of all processes at a time; it frees itself when its process dies."""
        database = self._secrets.database
        if database.engine.dialect.name == "postgresql":
            with database.begin() as tx:  # a lock of the transaction: gone with it, however it ends
                tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock_number(self._name))))
                yield
        else:
            with (self._folder / f"{self._name}.lock").open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield


def _lock_number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _seal(key: AESGCM, name: str, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, name.encode())


def _open(key: AESGCM, name: str, sealed: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise SealedError(
            f"The row of the secret {name} was changed outside ml-connector and is not used.",
            f"Find out who changed it, then set the secret anew: {setting_command(name)}",
        ) from error


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
    return key if len(key) == _KEY_BYTES else None


def _read_key_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii", errors="replace")
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
