"""Backups: one file with every row as it was at one instant, whichever database it came from and will go to.

The file is a SQLite database with our tables and one more, ``backup``, that says what it is. Secrets are in it as they
are in the store, sealed; the master key is not.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from ml_connector.core.errors import ConfigurationError
from ml_connector.store import frozen
from ml_connector.store.copying import Counts, copy_rows
from ml_connector.store.database import Database, NewerStoreError
from ml_connector.store.identity import ORG
from ml_connector.store.verification import chain

_about = sa.Table(
    "backup",
    sa.MetaData(),
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself."""

    made_at: datetime
    version: str  #: of ml-connector
    revision: str  #: of the tables
    organisation: str  #: of Zoho, whose ids the links hold; empty: nothing was written yet
    rows: Counts

    @property
    def total(self) -> int:
        """How many rows it holds."""
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written or put back, and how its audit trail is."""

    header: Header
    audit_rows: int  #: that follow each other unbroken
    broken_at: int | None  #: ``seq`` of the first that does not


# ---- writing one


def write(database: Database, path: Path, made_at: datetime, version: str) -> Copied:
    """Write a backup of the store as it is now, while others work in it; ``path`` appears when all of it was verified.

    ConfigurationError: the place, the disk, or a row that could not be copied.
    """
    with _partial(path) as partial:
        header = _fill(database, partial, made_at, version)
        with _opened(partial) as copy, copy.read() as tx:
            copied = Copied(header, *chain(tx))
        _make_one_file(partial)
        with closing(_read_only(partial)) as file:
            _check(file, header, path)
        _publish(partial, path)
    return copied


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A file beside it that only we may read; gone at the end of the block."""
    if path.exists():
        raise ConfigurationError(f"There is a file {path} already.", "Give the backup another name.")
    try:
        descriptor, name = tempfile.mkstemp(".partial", f"{path.name}.", path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", "Check the folder, its rights and the disk."
        ) from error
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        for end in ("", "-wal", "-shm"):
            Path(name + end).unlink(missing_ok=True)


def _fill(database: Database, partial: Path, made_at: datetime, version: str) -> Header:
    with _opened(partial) as copy, database.read() as source:
        copy.upgrade()
        revision, organisation = copy.revision, frozen.find(source, ORG) or ""
        with copy.begin() as target:
            header = Header(made_at, version, revision, organisation, copy_rows(source, target))
            _about.create(target)
            target.execute(_about.insert(), [{"name": n, "value": v} for n, v in _to_text(header).items()])
    return header


def _to_text(header: Header) -> dict[str, str]:
    told = asdict(header) | {"made_at": header.made_at.isoformat(), "rows": json.dumps(dict(header.rows))}
    return {name: str(value) for name, value in told.items()}


def _from_text(told: Mapping[str, str]) -> Header:
    return Header(
        datetime.fromisoformat(told["made_at"]),
        told["version"],
        told["revision"],
        told["organisation"],
        json.loads(told["rows"]),
    )


def _make_one_file(partial: Path) -> None:
    """Nothing of it stands in a file beside it any more."""
    with closing(sqlite3.connect(partial)) as file:
        file.execute("PRAGMA journal_mode=DELETE")


def _publish(partial: Path, path: Path) -> None:
    """Give it its name once it is on the disk."""
    for place in (partial, partial.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    partial.replace(path)


# ---- reading one


@contextmanager
def opened(path: Path, folder: Path) -> Iterator[tuple[Database, Copied]]:
    """The backup, verified and brought to this version's shape; the file itself stays as it is.

    It is copied into ``folder``, of which the caller is the only one to restore. ConfigurationError: it is none, it is
    damaged, or a newer version wrote it.
    """
    place = folder / "restoring"
    shutil.rmtree(place, ignore_errors=True)  # of one that was killed
    try:
        place.mkdir(mode=0o700)
        copy = place / "copy.db"
        _take(path, copy)
        header = read_header(copy, path)
        with _opened(copy) as database:
            try:
                database.upgrade()
            except NewerStoreError as error:
                raise ConfigurationError(
                    f"{path} was written by a newer version of ml-connector ({header.version}).",
                    "Restore it with that version, or a newer one.",
                ) from error
            with database.read() as tx:
                yield database, Copied(header, *chain(tx))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _take(path: Path, copy: Path) -> None:
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}.", "Check the name, its rights and the disk."
        ) from error
    copy.chmod(0o600)


def read_header(file: Path, path: Path) -> Header:
    """What the backup in ``file`` says of itself, once it was checked; it is called ``path``."""
    try:
        with closing(_read_only(file)) as reader:
            header = _from_text(dict(reader.execute("SELECT name, value FROM backup")))
            _check(reader, header, path)
    except (sqlite3.Error, KeyError, ValueError) as error:
        raise ConfigurationError(
            f"{path} is no backup of ml-connector, or it is damaged.", "Take another one."
        ) from error
    return header


def _check(file: sqlite3.Connection, header: Header, path: Path) -> None:
    """ConfigurationError: it is damaged, or does not hold what it says."""
    damage = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
    rows = {name: file.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in header.rows}
    if damage != "ok" or rows != header.rows:
        why = "it holds other numbers of rows than it says" if damage == "ok" else damage
        raise ConfigurationError(f"{path} is damaged: {why}.", "Take another one.")


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


@contextmanager
def _opened(file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}")
    try:
        yield database
    finally:
        database.close()
