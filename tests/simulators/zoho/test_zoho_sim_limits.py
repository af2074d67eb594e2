from contextlib import ExitStack

import pytest

from ml_connector.simulators.zoho.limits import Limits, credits_of
from ml_connector.simulators.zoho.options import ZohoOptions
from ml_connector.simulators.zoho.paging import Page, PageTokens
from ml_connector.simulators.zoho.replies import RequestRefusedError


@pytest.mark.parametrize(
    ("edition", "users", "expected"),
    [
        ("free", 9, 5_000),
        ("standard", 5, 51_250),
        ("standard", 1_000, 100_000),
        ("professional", 10, 55_000),
        ("enterprise", 10, 60_000),
        ("ultimate", 10_000, 20_050_000),
    ],
)
def test_credits_of_a_day_by_edition_and_users(edition, users, expected):
    assert credits_of(ZohoOptions(edition=edition, users=users)) == expected


def test_every_call_costs_by_the_table(zoho):
    zoho.sign_in()

    def cost(ask):
        before = zoho.control("GET", "counts")["credits_used"]
        ask()
        return zoho.control("GET", "counts")["credits_used"] - before

    def accounts(number):
        return [{"Account_Name": f"A{n}"} for n in range(number)]

    assert cost(lambda: zoho.insert("Accounts", *accounts(1))) == 1
    assert cost(lambda: zoho.insert("Accounts", *accounts(10))) == 1
    assert cost(lambda: zoho.insert("Accounts", *accounts(11))) == 2
    assert cost(lambda: zoho.upsert("Accounts", *accounts(100))) == 10
    assert cost(lambda: zoho.call("GET", "Accounts?fields=id")) == 1
    assert cost(lambda: zoho.call("GET", "org")) == 1
    assert cost(lambda: zoho.call("DELETE", "Accounts?ids=" + ",".join("1" * 100))) == 1
    assert cost(zoho.sign_in) == 0
    assert cost(lambda: zoho.control("GET", "records/Accounts")) == 0


def test_the_remaining_credits_are_told_from_half_on_and_their_end_is_429(start):
    zoho = start(credit_limit=10)
    for left in range(9, -1, -1):
        answer = zoho.call("GET", "org")
        assert answer.headers.get("X-API-CREDITS-REMAINING") == (str(left) if left <= 5 else None)
    refused = zoho.call("GET", "org")
    assert (refused.status, refused.body["code"]) == (429, "TOO_MANY_REQUESTS")
    assert "Retry-After" not in refused.headers
    assert refused.headers["X-API-CREDITS-REMAINING"] == "0"
    zoho.control("POST", "settings", {"clock_offset_seconds": 86_400 + 61})
    zoho.sign_in()
    assert zoho.call("GET", "org").status == 200


def test_the_balance_can_be_set(zoho):
    zoho.call("GET", "org")
    assert zoho.control("POST", "settings", {"credits_remaining": 1})["credits_remaining"] == 1
    assert zoho.call("GET", "org").headers["X-API-CREDITS-REMAINING"] == "0"
    assert zoho.call("GET", "org").status == 429
    zoho.control("POST", "settings", {"credits_remaining": 5})
    assert zoho.call("GET", "org").status == 200


@pytest.mark.parametrize(
    ("edition", "places"), [("free", 5), ("standard", 10), ("enterprise", 20), ("ultimate", 25)]
)
def test_concurrency_by_edition(edition, places):
    options = ZohoOptions(edition=edition)
    limits = Limits(lambda: options, lambda: 0.0)
    with ExitStack() as held:
        for _ in range(places - 1):
            held.enter_context(limits.admit(1, heavy=False))
        with (
            limits.admit(1, heavy=False),
            pytest.raises(RequestRefusedError) as refused,
            limits.admit(1, heavy=False),
        ):
            pass
        assert refused.value.status == 429
        with limits.admit(1, heavy=False):
            assert limits.peak == places
    assert limits.running == 0


def test_sub_concurrency_counts_heavy_calls_only(zoho):
    zoho.sign_in()
    light = [{"Account_Name": f"A{n}"} for n in range(10)]
    heavy = [*light, {"Account_Name": "A10"}]
    asks = {
        "write of 10": lambda: zoho.insert("Accounts", *light),
        "write of 11": lambda: zoho.insert("Accounts", *heavy),
        "upsert of 11": lambda: zoho.upsert("Accounts", *heavy),
        "coql": lambda: zoho.coql("select id from Accounts where id > 0"),
        "list": lambda: zoho.call("GET", "Accounts?fields=id"),
        "sorted list": lambda: zoho.call("GET", "Accounts?fields=id&sort_by=Modified_Time"),
        "org": lambda: zoho.call("GET", "org"),
    }
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(zoho.simulator.org.limits.admit(1, heavy=True))
        refused = {name for name, ask in asks.items() if ask().status == 429}
    assert refused == {"write of 11", "upsert of 11", "coql", "sorted list"}
    assert {ask().status for ask in asks.values()} == {200, 201}
    counts = zoho.control("GET", "counts")
    assert (counts["peak_sub_concurrency"], counts["peak_concurrency"]) == (10, 11)
    assert counts["refused_by_limits"] == 4


def test_page_tokens_end_after_100000_rows():
    tokens = PageTokens()
    tokens.keep(Page(("a",), "1", 99_900, 501, "token", None, 10.0))
    assert tokens.find("token", ("a",), 9.0).number == 501
    tokens.keep(Page(("a",), "1", 100_000, 501, "last", None, 10.0))
    with pytest.raises(RequestRefusedError) as refused:
        tokens.find("last", ("a",), 9.0)
    assert refused.value.body["code"] == "PAGINATION_LIMIT_EXCEEDED"
