"""What can go wrong, sorted by what happens next.

    ConnectorError
    ├── RetryableError        the system is away or busy: wait, then the same again
    │   └── NotDoneError      it did nothing, for certain
    │       └── AllowanceError what a day allows is used up: wait, for hours if need be
    ├── RecordRejectedError   this record is held with its reason; the others go on
    └── ConfigurationError    stop; a person has to change something
        └── NotPermittedError our user may not do this; someone with more rights may

Everything else is a bug and is allowed to surface as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ConnectorError(Exception):
    """What happened in one sentence, and what to do about it in another.

    ``happened`` and ``remedy`` are shown to the operator as they stand, so neither ever holds a secret.
    """

    system = ""  #: whose fault it is, as ``core.waits`` calls it; empty: nobody's, or it is not known
    reason = ""  #: why that system is to be waited for, where the kind of error does not say

    def __init__(self, happened: str, remedy: str = "") -> None:
        super().__init__(happened)
        self.happened = happened
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.happened} {self.remedy}".strip()


class RetryableError(ConnectorError):
    """The system is away or busy; ``after_seconds`` says when to ask again (None: our own back-off)."""

    def __init__(self, happened: str, remedy: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(happened, remedy)
        self.after_seconds = after_seconds


class NotDoneError(RetryableError):
    """The system is busy and did nothing of what was asked, for certain."""


class AllowanceError(NotDoneError):
    """So much was asked of the system that it, or we, allow no more for now; ``wanted`` credits have to be free.

    ``waiting``: what waits for them, in a sentence that comes before the others.
    """

    def __init__(
        self, happened: str, remedy: str, *, after_seconds: float, wanted: int, waiting: str = ""
    ) -> None:
        super().__init__(f"{waiting} {happened}".lstrip(), remedy, after_seconds=after_seconds)
        self.wanted = wanted
        self.waiting = waiting

    def say_what_waits(self, waiting: str) -> None:
        """Unless it says so already."""
        if not self.waiting:
            self.waiting, self.happened = waiting, f"{waiting} {self.happened}"


class RecordRejectedError(ConnectorError):
    """One record is at fault: ``code`` names why, ``field`` where, ``answer`` the system's own words.

    ``heals``: it may pass without anybody changing the record, so that it is tried again by itself.
    """

    def __init__(
        self,
        happened: str,
        remedy: str = "",
        *,
        code: str = "REJECTED",
        field: str = "",
        answer: str = "",
        heals: bool = False,
    ) -> None:
        super().__init__(happened, remedy)
        self.code = code
        self.field = field
        self.answer = answer
        self.heals = heals


class ConfigurationError(ConnectorError):
    """A setting, a right or a password has to be changed by a person before anything can go on."""


class NotPermittedError(ConfigurationError):
    """The system does not let our user do this: a right is to be granted, or someone who has it does it instead."""


@contextmanager
def of_system(system: str) -> Iterator[None]:
    """What goes wrong in this block is that system's, unless it is known as another's."""
    try:
        yield
    except ConnectorError as error:
        error.system = error.system or system
        raise
