"""The locks of the modules that a run may create in: held while it works, let go while it waits long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol


class Locked(Protocol):
    """Holds named locks for the length of a block; ``tell`` is given a sentence before one is waited for."""

    def __call__(
        self, names: Iterable[str], tell: Callable[[str], None] = ..., /
    ) -> AbstractContextManager[None]: ...


def unlocked(
    _names: Iterable[str], _tell: Callable[[str], None] = lambda _: None
) -> AbstractContextManager[None]:
    """No locks: for whoever is alone."""
    return nullcontext()


@dataclass(slots=True)
class ModuleLocks:
    """One run's; while they are let go, other runs may write into the modules."""

    outdated: bool = False  #: they were let go, and what the run knows of the modules is of before
    renew: Callable[[], None] = lambda: None  #: brings that up to date; it may have to let them go again
    _take: Callable[[], AbstractContextManager[None]] | None = None
    _taken: ExitStack = field(default_factory=ExitStack)
    _renewing: bool = False

    @contextmanager
    def held(self, take: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
        """Hold what ``take`` takes for the length of the block, except while it is let go."""
        with self._taken:
            self._taken.enter_context(take())
            self._take = take
            try:
                yield
            finally:
                self._take, self.outdated, self.renew = None, False, lambda: None

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """Let them go for the length of the block; without locks nothing happens."""
        self._taken.close()
        yield
        if self._take is not None:
            self._taken.enter_context(self._take())
            self.outdated = True

    def bring_up_to_date(self) -> None:
        """Renew what the run knows of the modules, until they were not let go meanwhile."""
        if self._renewing:
            return  # whoever renews sees that they were let go again
        self._renewing = True
        try:
            while self.outdated:
                self.outdated = False
                self.renew()
        finally:
            self._renewing = False
