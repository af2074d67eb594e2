"""Which lines are within the limits: by date, by range of accounts, by category."""

from __future__ import annotations

from datetime import date

import pytest

from ml_connector.core.line_limits import NO_LIMITS, LineLimits, Within, limits_of

DAY = date(2026, 4, 15)
YES, NO, UNKNOWN = Within.YES, Within.NO, Within.UNKNOWN


def limits(*accounts: str, categories: tuple[str, ...] = (), from_date: date | None = None) -> LineLimits:
    return limits_of(from_date, accounts, categories)


@pytest.mark.parametrize(
    ("given", "account", "category", "within"),
    [
        (NO_LIMITS, "000-1100-00", None, YES),
        (NO_LIMITS, "", None, YES),
        (limits("000-4000-00..000-4999-99"), "000-4100-00", None, YES),
        (limits("000-4000-00..000-4999-99"), "000-4000-00", None, YES),
        (limits("000-4000-00..000-4999-99"), "000-4999-99", None, YES),
        (limits("000-4000-00..000-4999-99"), "000-5000-00", "Sales", NO),
        (limits("000-4000-00..000-4999-99"), "000-3999-99", None, NO),
        (limits("000-4000-00 .. 000-4999-99"), "000-4100-00", None, YES),
        (limits("000-1100-00"), "000-1100-00  ", None, YES),
        (limits("000-1100-00"), "000-1100-001", None, NO),
        (limits("aa-1..AC-9"), "Ab-5", None, YES),
        (limits("000-1100-00", "000-4000-00..000-4999-99"), "000-4100-00", None, YES),
        (limits("4..5"), "41", None, YES),
        (limits("4..5"), "51", None, NO),
        (limits(categories=("Sales",)), "000-4100-00", "sales ", YES),
        (limits(categories=("Sales", "Cost of Goods Sold")), "1", "Cost of goods sold", YES),
        (limits(categories=("Sales",)), "000-1100-00", "Cash", NO),
        (limits(categories=("Sales",)), "000-1100-00", "", NO),
        (limits(categories=("Sales",)), "000-1100-00", None, UNKNOWN),
        (limits("000-1100-00", categories=("Sales",)), "000-1100-00", None, YES),
        (limits("000-1100-00", categories=("Sales",)), "000-1100-00", "Cash", YES),
        (limits("000-1100-00", categories=("Sales",)), "000-4100-00", "Sales", YES),
        (limits("000-1100-00", categories=("Sales",)), "000-4100-00", None, UNKNOWN),
    ],
)
def test_accounts(given: LineLimits, account: str, category: str | None, within: Within) -> None:
    assert given.of_account(account, category) is within


@pytest.mark.parametrize(
    ("from_date", "on", "lets_in"),
    [
        (None, DAY, True),
        (None, None, True),
        (DAY, DAY, True),
        (DAY, date(2026, 4, 14), False),
        (DAY, date(2027, 1, 1), True),
        (DAY, None, True),
    ],
)
def test_dates(from_date: date | None, on: date | None, *, lets_in: bool) -> None:
    assert limits(from_date=from_date).lets_in_date(on) is lets_in


def test_what_closes_a_year_is_known_by_its_source_document() -> None:
    given = limits_of(None, (), (), ("BBF", "P/L"))
    assert [given.is_closing(document) for document in ("BBF", "p/l ", "GJ", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert not NO_LIMITS.is_closing("BBF")
    assert (NO_LIMITS.of_postings, limits("1").of_postings) == ("", "")
    assert given.of_postings != limits_of(None, (), (), ("BBF",)).of_postings != ""


@pytest.mark.parametrize(
    ("month", "lets_in"), [("2026-03", False), ("2026-04", True), ("2026-12", True), ("2025-12", False)]
)
def test_months(month: str, *, lets_in: bool) -> None:
    assert limits(from_date=DAY).lets_in_month(month) is lets_in
    assert NO_LIMITS.lets_in_month(month)


@pytest.mark.parametrize("text", ["", "..", "5..4", "..000-4999-99", "000-4000-00..", "b..A"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no account and no range"):
        limits(text)


def test_limits_are_told_alike_whatever_their_order() -> None:
    assert NO_LIMITS.told == ""
    assert limits("1", "2", categories=("a", "b")).told == limits("2", "1", categories=("B ", "a")).told
    told = {
        limits("1").told, limits("2").told, limits(categories=("1",)).told, limits(from_date=DAY).told,
        limits("1..2").told, "",
    }  # fmt: skip
    assert len(told) == 6
