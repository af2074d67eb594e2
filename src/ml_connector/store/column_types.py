"""Types of columns that both databases keep alike: instants, prose, amounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Text, TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it naive, PostgreSQL as timestamptz.

    Most of what the store keeps has several, so what SQLite wants and gives is made in one go each way, in the form of
    SQLAlchemy's own type.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], object]:
        return _as_text if dialect.name == "sqlite" else _as_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _of_text if dialect.name == "sqlite" else _as_utc


_WITHOUT_OFFSET = len("2026-11-02 08:30:15.000000")


def _as_utc(value: datetime | None) -> datetime | None:
    return value and value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:_WITHOUT_OFFSET] if value else None


def _of_text(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None


class Prose(TypeDecorator[str]):
    """Text in somebody else's words: a null character in it, which PostgreSQL refuses, stops no record."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and prose(value)


def prose(text: str) -> str:
    """This text as it is kept."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


class Amount(TypeDecorator[Decimal]):
    """An amount of at most five decimals, kept as a whole number of its finest unit: its sums are exact."""

    impl = BigInteger
    cache_ok = True
    PARTS = 100_000  #: of one

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        units = value * self.PARTS
        if units != int(units):
            raise ValueError("an amount has at most five decimals")
        return int(units)

    def process_result_value(self, value: int | Decimal | None, dialect: Dialect) -> Decimal | None:
        # PostgreSQL gives a sum of whole numbers as a decimal one.
        return None if value is None else Decimal(int(value)) / self.PARTS
