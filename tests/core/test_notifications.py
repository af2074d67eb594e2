"""Zoho's notifications: what is read of one, and which are believed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import START
from ml_connector.core.notifications import OPERATIONS, Notification, Refusal, hash_of, judge, read
from notified import Channel

HOUR = timedelta(hours=1)
#: Zoho's own example (facts 4), with the ids that a mass update has.
BODY = {
    "server_time": 1718115953625,
    "affected_values": [{"record_id": "5725767000003000010", "values": {"Mobile": "123456789"}}],
    "query_params": {},
    "module": "Deals",
    "resource_uri": "https://www.zohoapis.com/crm/v2/Leads",
    "ids": ["5725767000003000010", "5725767000003000011", "5725767000003000010"],
    "affected_fields": [{"5725767000003000010": ["Mobile"]}],
    "operation": "update",
    "channel_id": "1000000068001",
    "token": "the token",
}
TOLD = Notification("Deals", ("5725767000003000010", "5725767000003000011"), "update", hash_of("the token"))
CHANNEL = Channel("Deals", hash_of("the token"))
LEFT_OUT = object()


def with_(**changed):
    return {name: value for name, value in (BODY | changed).items() if value is not LEFT_OUT}


def test_module_ids_and_operation_are_read_and_nothing_else():
    assert read(json.dumps(BODY).encode()) == TOLD
    others = dict.fromkeys(set(BODY) - {"module", "ids", "operation", "token"}, LEFT_OUT)
    assert read(json.dumps(with_(**others)).encode()) == TOLD


@pytest.mark.parametrize(
    "changed",
    [
        {"module": LEFT_OUT},
        {"module": None},
        {"module": ["Deals"]},
        {"ids": LEFT_OUT},
        {"ids": []},
        {"ids": "5725767000003000010"},
        {"ids": {"5725767000003000010": 1}},
        {"ids": [5725767000003000010]},
        {"ids": ["5725767000003000010", ""]},
        {"ids": ["5725767000003000010", None]},
        {"ids": ["5725767000003000010\n"]},
        {"ids": ["1" * 21]},
        {"ids": ["٣"]},
        {"ids": ["1' OR '1'='1"]},
        {"ids": ["../settings"]},
        {"operation": LEFT_OUT},
        {"operation": "create"},
        {"operation": ["update"]},
        {"operation": {}},
    ],
    ids=str,
)
def test_another_shape_is_garbage(changed):
    assert read(json.dumps(with_(**changed)).encode()) is Refusal.GARBAGE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"module"',
        b"<html></html>",
        b"\xff\xfe",
        b"\x00" * 9,
        b"module=Deals&ids=1",
        b"[" * 100_000,
        b'{"ids":' * 50_000,
        b"9" * 100_000,
        json.dumps(BODY).encode()[:-1],
        json.dumps(BODY).encode() * 2,
    ],
    ids=lambda body: str(body[:20]),
)
def test_what_is_no_such_document_is_garbage(body):
    assert read(body) is Refusal.GARBAGE


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_is_taken(operation):
    told = read(json.dumps(with_(operation=operation)).encode())
    assert isinstance(told, Notification)
    assert judge(told, CHANNEL, START) is None


@pytest.mark.parametrize(
    "token", [LEFT_OUT, None, "", "another", "the token ", 7, ["the token"], "\ud800"], ids=str
)
def test_without_the_token_it_is_refused(token):
    told = read(json.dumps(with_(token=token)).encode())
    assert isinstance(told, Notification)
    assert judge(told, CHANNEL, START) is Refusal.TOKEN


@pytest.mark.parametrize(
    ("token", "old_until", "expected"),
    [
        ("new", None, None),
        ("new", START - HOUR, None),
        ("old", START + HOUR, None),
        ("old", START, Refusal.TOKEN),
        ("old", START - HOUR, Refusal.TOKEN),
        ("old", None, Refusal.TOKEN),
        ("older", START + HOUR, Refusal.TOKEN),
        ("", START + HOUR, Refusal.TOKEN),
    ],
)
def test_an_old_token_is_good_until_its_end(token, old_until, expected):
    channel = Channel("Deals", hash_of("new"), hash_of("old"), old_until)
    assert judge(read(json.dumps(with_(token=token)).encode()), channel, START) == expected


def test_it_has_to_be_of_the_module_of_its_channel():
    told = read(json.dumps(with_(module="Quotes")).encode())
    assert judge(told, CHANNEL, START) is Refusal.MODULE
    assert judge(TOLD, None, START) is Refusal.PATH


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
near = st.fixed_dictionaries(
    {},
    optional={
        "module": st.sampled_from(["Deals", ""]) | anything,
        "ids": st.lists(st.from_regex(r"[0-9]{1,20}", fullmatch=True)) | anything,
        "operation": st.sampled_from(sorted(OPERATIONS)) | anything,
        "token": st.text() | anything,
    },
)


@given(
    st.binary()
    | anything.map(lambda it: json.dumps(it).encode())
    | near.map(lambda it: json.dumps(it).encode())
)
def test_no_body_raises_and_only_what_has_the_token_is_believed(body):
    told = read(body)
    if told is Refusal.GARBAGE:
        return
    assert isinstance(told, Notification)
    assert told.ids
    assert all(one.isascii() and one.isdecimal() for one in told.ids)
    assert judge(told, CHANNEL, START) in (
        [None] if told.token_hash == hash_of("the token") else [Refusal.TOKEN]
    )
