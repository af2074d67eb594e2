"""What a code of GP's side is: its words, what happens next, the error that it becomes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ml_connector.core.catalogue import Again, Entry, Kind
from ml_connector.core.errors import (
    ConfigurationError,
    ConnectorError,
    NotDoneError,
    RecordRejectedError,
    RetryableError,
)

SYSTEM = "Dynamics GP"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code of GP's side: ``happened`` and ``remedy`` are sentences, with the names of what is filled in."""

    code: str
    kind: Kind
    happened: str
    remedy: str
    after_seconds: float | None = None  #: of a wait
    again: Again = Again.NEVER  #: of a held record
    unsent: bool = False  #: of a wait: nothing was asked yet, for certain

    def error(self, answer: str = "", **told: object) -> ConnectorError:
        """The error of this kind: Retryable or NotDone for a wait, Configuration for a stop, else RecordRejected."""
        happened, remedy = self.happened.format(**told), self.remedy.format(**told)
        if self.kind is Kind.WAIT:
            away = NotDoneError if self.unsent else RetryableError
            return away(happened, remedy, after_seconds=self.after_seconds)
        if self.kind is Kind.STOP:
            return ConfigurationError(happened, remedy)
        heals = self.again is Again.LATER
        return RecordRejectedError(happened, remedy, code=self.code, answer=answer, heals=heals)

    def rejection(self, answer: str = "", **told: object) -> RecordRejectedError:
        """The error of a code that is about one record."""
        error = self.error(answer, **told)
        assert isinstance(error, RecordRejectedError), error
        return error

    def entry(self) -> Entry:
        """The row of the catalogue; what is filled in stands there in capitals."""
        happened, remedy = _in_capitals(self.happened), _in_capitals(self.remedy)
        return Entry(SYSTEM, self.code, self.kind, happened, remedy, self.again)


class _Capitals(defaultdict[str, str]):
    def __missing__(self, name: str) -> str:
        return name.upper()


def _in_capitals(sentence: str) -> str:
    return sentence.format_map(_Capitals())
