"""Types of columns that both databases keep alike: instants, prose, amounts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, DateTime, Dialect, Text, TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it naive, PostgreSQL as timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Prose(TypeDecorator[str]):
    """Text in somebody else's words: a null character in it, which PostgreSQL refuses, stops no record."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and without_nulls(value)


def without_nulls(text: str) -> str:
    """The text as ``Prose`` keeps it."""
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
