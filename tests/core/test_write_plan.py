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
    st.none() | st.builds(JobPrice, st.integers(4, 15), st.integers(1, 9), st.integers(1, 5)),
)


def ways(records: int, job: JobPrice | None) -> Iterator[tuple[int, int, int]]:
    """Every (jobs, by call, waits) of one kind; a job is as full as it can be, whatever goes by call."""
    most = 0 if job is None else -(-records // job.rows)
    for jobs in range(most + 1):
        rest = records - min(records, jobs * (job.rows if job else 0))
        for by_call in range(rest + 1):
            yield jobs, by_call, rest - by_call


def every_price(
    prices: WritePrices, creates: int, updates: int, left: int | None
) -> Iterator[tuple[int, ...]]:
    for one, other in product(ways(creates, prices.job), ways(updates, prices.job)):
        jobs = one[0] + other[0]
        spent = jobs * prices.job.credits if prices.job else 0
        spent += prices.credits(one[1]) + prices.credits(other[1])
        calls = jobs * prices.job.calls if prices.job else 0
        calls += prices.calls(one[1]) + prices.calls(other[1])
        if left is None or spent <= left:
            yield one[2] + other[2], spent, calls


@given(SMALL, st.integers(0, 22), st.integers(0, 22), st.none() | st.integers(0, 20))
def test_nothing_is_cheaper(prices: WritePrices, creates: int, updates: int, left: int | None) -> None:
    found = cheapest(prices, creates, updates, left)
    best = min(every_price(prices, creates, updates, left))
    assert (found.waits, found.credits) == best[:2]
    assert found.waits or found.calls == best[2]
    for way, records in ((found.creates, creates), (found.updates, updates)):
        assert sum(way.jobs) + way.by_call + way.waits == records
        assert all(0 < rows <= prices.job.rows for rows in way.jobs if prices.job)
        assert list(way.jobs) == sorted(way.jobs, reverse=True)
    assert left is None or found.credits <= left
    assert left is not None or found.waits == 0


@given(SMALL, st.integers(1, 40))
def test_the_break_even_is_where_a_job_becomes_cheaper(prices: WritePrices, records: int) -> None:
    even = prices.break_even
    if prices.job is None or records > prices.job.rows:
        return
    uses_a_job = bool(cheapest(prices, records, 0).creates.jobs)
    by_call = (prices.credits(records), prices.calls(records))
    job_is_cheaper = (prices.job.credits, prices.job.calls) < by_call
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


def test_creates_and_updates_in_one_job_would_save_at_most_that_job() -> None:
    assert joining_saves(ZOHO, 3000, 3000) == 600 - 504
    assert joining_saves(ZOHO, 12_500, 12_500) == 504
    assert joining_saves(ZOHO, 100, 100) == 0
