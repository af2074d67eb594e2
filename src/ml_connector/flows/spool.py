"""A long list that is kept on disk: what a wide window has at hand is too much for memory.

The file has no name, so only this process can read it, and it is gone when the process is: nothing is ever unpickled
that this process did not pickle itself.
"""

from __future__ import annotations

import errno
import pickle
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import IO, Generic, TypeVar

from ml_connector.core.errors import ConfigurationError, ConnectorError, RetryableError
from ml_connector.core.mapping import Mapping

Item = TypeVar("Item")

_IN_MEMORY = 1 << 20  #: bytes, before anything is written to disk
_AT_ONCE = 100  #: items that are in memory together


#: A disk without room may have some in a while; whatever else is wrong with it, a person has to mend.
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Spool(Generic[Item]):
    """Items in their order, to be gone through any number of times; mappings in them stay the very same objects.

    Putting and reading raise RetryableError while the disk of the temporary folder is full, and ConfigurationError
    where nothing can be written there.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 -- closed when the spool is forgotten
        weakref.finalize(self, _forget, self._file)
        self._length = 0
        self._mappings: list[Mapping] = []

    def __len__(self) -> int:
        return self._length

    def extend(self, items: Iterable[Item]) -> None:
        """Put these at the end."""
        waiting = iter(items)
        while some := list(islice(waiting, _AT_ONCE)):
            with _told():
                self._file.seek(0, 2)
                _Pickler(self._file, self._mappings).dump(some)
            self._length += len(some)

    def append(self, item: Item) -> None:
        """Put this at the end."""
        self.extend([item])

    def __iter__(self) -> Iterator[Item]:
        with _told():  # seeking writes what is in the buffer
            position, end = 0, self._file.seek(0, 2)
        while position < end:
            with _told():
                self._file.seek(position)
                some: list[Item] = _Unpickler(self._file, self._mappings).load()
                position = self._file.tell()
            yield from some


def split(items: Spool[Item], sizes: Sequence[int]) -> list[Spool[Item]]:
    """The items in portions of these sizes, and the rest; a portion that is everything is not copied."""
    if len(items) in sizes:
        return [items if size == len(items) else Spool() for size in sizes] + [Spool()]
    portions: list[Spool[Item]] = []
    waiting = iter(items)
    for size in [*sizes, len(items) - sum(sizes)]:
        portion: Spool[Item] = Spool()
        portion.extend(item for _, item in zip(range(size), waiting, strict=False))
        portions.append(portion)
    return portions


def _forget(file: IO[bytes]) -> None:
    with suppress(OSError):  # what the disk did not take is wanted no more
        file.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


def disk_error(error: OSError) -> ConnectorError:
    """What to say of a temporary folder that takes nothing."""
    happened = f"The temporary folder {_place()} takes no more files: {error.strerror or error}."
    if error.errno in _FULL:
        return RetryableError(happened, "Make room there, or set TMPDIR to a folder on another disk.")
    return ConfigurationError(
        happened, "Let ml-connector's user write there, or set TMPDIR to another folder."
    )


def _place() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # it found none of those that it looks for
        return "(TMPDIR)"


class _Pickler(pickle.Pickler):
    """Leaves a number in place of a mapping, which every plan refers to."""

    def __init__(self, file: IO[bytes], mappings: list[Mapping]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._mappings = mappings

    def persistent_id(self, value: object) -> int | None:
        if not isinstance(value, Mapping):
            return None
        for number, mapping in enumerate(self._mappings):
            if mapping is value:
                return number
        self._mappings.append(value)
        return len(self._mappings) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], mappings: list[Mapping]) -> None:
        super().__init__(file)
        self._mappings = mappings

    def persistent_load(self, number: int) -> Mapping:
        return self._mappings[number]
