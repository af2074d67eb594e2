"""Queries, and that no value, name or id can carry one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connectors.zoho_crm import coql
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Wanted


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", "'plain'"),
        ("O'Brien", "'O''Brien'"),
        ("back\\", "'back\\'"),
        ("' or id is not null --", "''' or id is not null --'"),
        ("", "''"),
    ],
)
def test_quoting(text, literal):
    assert coql.quote(text) == literal


@given(st.text())
def test_no_value_ends_its_own_literal(text):
    inside = coql.quote(text)[1:-1]
    assert "'" not in inside.replace("''", "")
    assert inside.replace("''", "'") == text


@pytest.mark.parametrize("name", ["Accounts where", "a;b", "1st", "", "A'", "a.b.c.d", "ä", "id\n"])
def test_names_cannot_carry_a_query(name):
    with pytest.raises(ConfigurationError):
        coql.checked_name(name)
    with pytest.raises(ConfigurationError):
        coql.candidates_query("Accounts", [name], None, None, 10)


@pytest.mark.parametrize("record_id", ["1 or 1", "", "x", "1,2", "١"])
def test_ids_cannot_carry_a_query(record_id):
    with pytest.raises(ConfigurationError):
        coql.checked_id(record_id)


def test_candidates_are_asked_by_id():
    since = datetime(2026, 1, 31, tzinfo=UTC)
    assert coql.candidates_query("Accounts", ["id", "Account_Name"], None, None, 2000) == (
        "select id, Account_Name from Accounts where id is not null order by id asc limit 2000"
    )
    assert coql.candidates_query("Accounts", ["id"], since, "55", 10) == (
        "select id from Accounts where id > 55 and Modified_Time >= '2026-01-31T00:00:00+00:00'"
        " order by id asc limit 10"
    )
    assert coql.values_query("Accounts", ["id"], "GP_ID", ["A", "B'"], 5) == (
        "select id from Accounts where GP_ID in ('A', 'B''') order by id asc limit 5"
    )


def test_wanted_records_are_asked_by_id_with_criteria_in_pairs():
    since = datetime(2026, 1, 31, tzinfo=UTC)
    stamp = "'2026-01-31T00:00:00+00:00'"
    asked = {
        "id is not null": Wanted(),
        "(id is not null and Tag is null)": Wanted(empty="Tag"),
        "((id is not null and id in (7, 55)) and Tag is null)": Wanted(ids=["7", "55"], empty="Tag"),
        f"(id is not null and Modified_Time >= {stamp})": Wanted(since=since),
        f"((id is not null and Tag is null) and (Modified_Time >= {stamp} or Account.Modified_Time >= {stamp}))": (
            Wanted(empty="Tag", since=since, parent="Account")
        ),
    }
    for criteria, wanted in asked.items():
        assert coql.wanted_query("Deals", ["id", "Account.Name"], wanted, None, 200) == (
            f"select id, Account.Name from Deals where {criteria} order by id asc limit 200"
        )
    assert "where (id > 9 and Tag is null) order" in coql.wanted_query(
        "Deals", ["id"], Wanted(empty="Tag"), "9", 5
    )


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(ids=["1) or (1"]),
        Wanted(empty="a is null or b"),
        Wanted(since=datetime(2026, 1, 31, tzinfo=UTC), parent="a.b.c.d e"),
    ],
)
def test_nothing_that_is_wanted_can_carry_a_query(wanted):
    with pytest.raises(ConfigurationError):
        coql.wanted_query("Deals", ["id"], wanted, None, 5)
