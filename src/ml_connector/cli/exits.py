"""What the program says with its exit code."""

from __future__ import annotations

from enum import IntEnum

from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError, RetryableError


class Exit(IntEnum):
    """The exit codes; each has its meaning in ``MEANINGS``."""

    DONE = 0
    NEEDS_A_PERSON = 1
    WRONG_USE = 2
    WAITS_FOR_APPROVAL = 3
    SYSTEM_AWAY = 4
    BUG = 5
    INTERRUPTED = 130


MEANINGS: dict[Exit, str] = {
    Exit.DONE: "done",
    Exit.NEEDS_A_PERSON: "something needs a person: held records, a disagreement, a check that failed",
    Exit.WRONG_USE: "wrong use, or a setting, right or password that has to be changed",
    Exit.WAITS_FOR_APPROVAL: "waits for approval",
    Exit.SYSTEM_AWAY: "a system is away or busy, or another process is working; the same again later",
    Exit.BUG: "a bug of ml-connector",
    Exit.INTERRUPTED: "interrupted; the same command goes on from there",
}

EPILOGUE = "\b\nExit codes:\n" + "\n".join(
    f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()
)


class LeftRunningError(ConnectorError):
    """A person does not wait for the end of what another process does."""


_BY_ERROR: dict[type[ConnectorError], Exit] = {
    LeftRunningError: Exit.INTERRUPTED,
    RetryableError: Exit.SYSTEM_AWAY,
    RecordRejectedError: Exit.NEEDS_A_PERSON,
    ConfigurationError: Exit.WRONG_USE,
}


def exit_of(error: ConnectorError) -> Exit:
    """The exit code that an expected error ends with."""
    return next((code for kind, code in _BY_ERROR.items() if isinstance(error, kind)), Exit.NEEDS_A_PERSON)
