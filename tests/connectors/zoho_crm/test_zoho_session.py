"""Signing in while the work goes on, against the simulator."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.ports import Write, Written
from ml_connector.simulators.zoho.options import GrantCode


def batch(number):
    return [Write({"Account_Name": f"A {number} {n}"}) for n in range(20)]


def test_one_token_for_many_calls_threads_and_clients(org):
    targets = [org.target(), org.target()]
    with ThreadPoolExecutor(10) as threads:
        results = list(threads.map(lambda n: targets[n % 2].write("Accounts", batch(n)), range(60)))
    assert all(isinstance(result, Written) for written in results for result in written)
    counts = org.counts()
    assert counts["tokens_issued"] == 1
    assert counts["writes"]["Accounts"] == {"insert": 1200}
    assert counts["calls_by_status"].keys() <= {"200", "201"}


def test_tokens_that_die_in_the_middle_of_a_run_cost_one_refresh_and_no_record(org):
    target = org.target()
    target.write("Accounts", batch(0))
    org.control("POST", "tokens/expire")
    with ThreadPoolExecutor(10) as threads:
        results = list(threads.map(lambda n: target.write("Accounts", batch(n)), range(1, 41)))
    assert all(isinstance(result, Written) for written in results for result in written)
    counts = org.counts()
    assert counts["tokens_issued"] == 2
    assert counts["writes"]["Accounts"] == {"insert": 41 * 20}


def test_a_sporadic_refusal_is_outlived(org):
    target = org.target()
    org.faults({"match": "POST /crm/v8/Accounts", "kind": "invalid_token"})
    assert all(isinstance(result, Written) for result in target.write("Accounts", batch(0)))
    assert org.counts()["tokens_issued"] == 2


def test_a_token_that_is_refused_even_when_new_is_for_a_person(org):
    target = org.target()
    target.currency()
    org.faults({"match": "GET /crm/v8/org", "kind": "invalid_token", "count": 9})
    with pytest.raises(ConfigurationError, match="even a new access token"):
        target.currency()
    assert org.counts()["tokens_issued"] == 2


def test_a_revoked_refresh_token_stops_everything_after_one_attempt(org):
    target = org.target()
    target.currency()
    org.control("POST", "tokens/revoke")
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="authorize"):
            target.currency()
    log = org.control("GET", "requests")
    assert [asked["path"] for asked in log].count("/oauth/v2/token") == 2


def test_the_token_is_renewed_before_its_end(org, clock):
    target = org.target()
    target.currency()
    clock.ahead = timedelta(seconds=3550)
    target.currency()
    assert org.counts()["tokens_issued"] == 2
    assert org.counts()["calls_by_status"].keys() == {"200"}


def test_the_token_servers_throttle_is_passed_on(org):
    org.faults({"match": "POST /oauth/v2/token", "kind": "token_access_denied"})
    with pytest.raises(RetryableError) as caught:
        org.target().currency()
    assert caught.value.after_seconds == 600


def test_authorising_by_a_grant_code(start):
    org = start(grant_codes=(GrantCode("1000.the.code"),))
    target = org.target()
    grant = target.client.auth.exchange_grant("1000.the.code")
    assert target.currency() == "USD"
    org.refresh_token = grant.refresh_token
    org.control("POST", "tokens/expire")
    assert target.currency() == "USD"
    with pytest.raises(ConfigurationError, match="grant code"):
        target.client.auth.exchange_grant("1000.the.code")


def test_as_many_calls_at_once_as_zoho_takes_and_no_more(start):
    org = start(latency_seconds=0.02)
    target = org.target()
    target.write("Accounts", batch(0))
    with ThreadPoolExecutor(30) as threads:
        list(threads.map(lambda n: target.write("Accounts", batch(n)), range(60)))
    counts = org.counts()
    assert "429" not in counts["calls_by_status"]
    assert counts["peak_concurrency"] <= 20
