"""The cheapest way to write: held against every way that there is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.write_plan import Cheapest, JobPrice, Way, WritePrices, cheapest, joining_saves

ZOHO = WritePrices(100, 10, JobPrice(rows=25_000, credits=504, calls=5))
SMALL = st.builds(
    WritePrices,
    st.just(6),
    st.sampled_from([1, 2, 3]),
    st.none() | st.builds(JobPrice, st.sampled_from([6, 12]), st.integers(1, 9), st.integers(1, 5)),
    st.integers(0, 2),
)


def ways(prices: WritePrices, records: int, *, creates: bool) -> set[tuple[int, int, int]]:
    """Every (waits, credits, calls) of one kind: so many jobs of so many rows each, so many by call."""
    job = prices.job
    found = set()
    most = 0 if job is None else -(-records // job.rows)
    for jobs in range(most + 1):
        for rows in product(range(1, min(records, job.rows) + 1 if job else 1), repeat=jobs):
            if sum(rows) > records or list(rows) != sorted(rows):
                continue
            spent = sum(job.credits + looking(prices, one) * creates for one in rows) if job else 0
            calls = jobs * job.calls if job else 0
            for by_call in range(records - sum(rows) + 1):
                price = -(-by_call // prices.records_a_credit) + looking(prices, by_call) * creates
                found.add(
                    (
                        records - sum(rows) - by_call,
                        spent + price,
                        calls + -(-by_call // prices.records_a_call),
                    )
                )
    return found


def looking(prices: WritePrices, records: int) -> int:
    return prices.look * -(-records // prices.records_a_call)


def every_price(
    prices: WritePrices, creates: int, updates: int, left: int | None
) -> Iterator[tuple[int, ...]]:
    kinds = ways(prices, creates, creates=True), ways(prices, updates, creates=False)
    for one, other in product(*kinds):
        waits, spent, calls = (sum(both) for both in zip(one, other, strict=True))
        if left is None or spent <= left:
            yield waits, spent, calls


@given(SMALL, st.integers(0, 22), st.integers(0, 22), st.none() | st.integers(0, 20))
def test_nothing_is_cheaper(prices: WritePrices, creates: int, updates: int, left: int | None) -> None:
    found = cheapest(prices, creates, updates, left)
    best = min(every_price(prices, creates, updates, left))
    assert (found.waits, found.credits) == best[:2]
    assert found.waits or found.calls == best[2]
    assert found.credits == paid(prices, found)
    for way, records in ((found.creates, creates), (found.updates, updates)):
        assert sum(way.jobs) + way.by_call + way.waits == records
        assert all(0 < rows <= prices.job.rows for rows in way.jobs if prices.job)
        assert list(way.jobs) == sorted(way.jobs, reverse=True)
    assert left is None or found.credits <= left
    assert left is not None or found.waits == 0


def paid(prices: WritePrices, found: Cheapest) -> int:
    """What these ways cost, looking again before every create included."""
    jobs = len(found.creates.jobs) + len(found.updates.jobs)
    looked = sum(looking(prices, rows) for rows in (*found.creates.jobs, found.creates.by_call))
    by_call = (-(-way.by_call // prices.records_a_credit) for way in (found.creates, found.updates))
    return jobs * (prices.job.credits if prices.job else 0) + looked + sum(by_call)


@given(SMALL, st.integers(1, 40))
def test_the_break_even_is_where_a_job_becomes_cheaper(prices: WritePrices, records: int) -> None:
    even = prices.break_even
    if prices.job is None or records > prices.job.rows:
        return
    uses_a_job = bool(cheapest(prices, records, 0).creates.jobs)
    by_call = (prices.credits(records, creates=True), prices.calls(records))
    job_is_cheaper = (prices.job.credits + prices.looking(records), prices.job.calls) < by_call
    assert uses_a_job or not job_is_cheaper
    assert (even is not None and records >= even) == job_is_cheaper


@pytest.mark.parametrize(
    ("records", "jobs", "by_call", "credit", "calls"),
    [
        (1, (), 1, 1, 1),
        (7, (), 7, 1, 1),
        (100, (), 100, 10, 1),
        (1000, (), 1000, 100, 10),
        (5000, (), 5000, 500, 50),
        (5040, (5040,), 0, 504, 5),  # as many credits, fewer calls
        (5100, (5100,), 0, 504, 5),
        (25_000, (25_000,), 0, 504, 5),
        (25_001, (25_000,), 1, 505, 6),
        (100_000, (25_000,) * 4, 0, 2016, 20),
    ],
)
def test_what_zoho_asks(records: int, jobs: tuple[int, ...], by_call: int, credit: int, calls: int) -> None:
    assert cheapest(ZOHO, 0, records) == Cheapest(Way(), Way(jobs, by_call, 0), credit, calls)
    assert ZOHO.break_even == 5031  # the first that costs as many credits as a job, in more calls


def test_what_the_credits_pay_for_is_written_and_the_rest_waits() -> None:
    found = cheapest(ZOHO, 100_000, 0, 2000)
    assert found == Cheapest(Way((25_000,) * 3, 4880, 20_120), Way(), 2000, 64)
    assert cheapest(ZOHO, 0, 100_000, 0).updates == Way(waits=100_000)
    assert cheapest(ZOHO, 10, 10, -5).waits == 20  # the reserve is gone, too


def test_a_shortage_starts_no_job_of_creates_that_looking_again_leaves_unpaid() -> None:
    looked = WritePrices(100, 10, ZOHO.job, look=1)
    assert cheapest(ZOHO, 25_000, 0, 600).creates == Way((25_000,), 0, 0)
    assert cheapest(looked, 25_000, 0, 600).creates == Way((9600,), 0, 15_400)
    assert cheapest(looked, 25_000, 0, 754) == Cheapest(Way((25_000,), 0, 0), Way(), 754, 5)
    assert cheapest(looked, 5100, 0, 530).creates == Way((), 4810, 290)  # a job would pay for 2,600
    assert cheapest(looked, 200, 200, 20) == Cheapest(Way((), 0, 200), Way((), 200, 0), 20, 2)


def test_creates_and_updates_in_one_job_would_save_at_most_that_job() -> None:
    assert joining_saves(ZOHO, 3000, 3000) == 600 - 504
    assert joining_saves(ZOHO, 12_500, 12_500) == 504
    assert joining_saves(ZOHO, 100, 100) == 0
