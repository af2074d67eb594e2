"""Rows of notification channels, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from memory import START
from ml_connector.core.channels import Channel, Step
from ml_connector.store import channels

NEW = Channel("Deals", "123456789012345678", "p1")
FULL = Channel(
    "Quotes",
    "223456789012345678",
    "p2",
    "https://example.com/webhooks/zoho/p2",
    token_hash="a" * 64,
    is_taken=True,
    old_token_hash="b" * 64,
    old_until=START + timedelta(days=1),
    expires_at=START + timedelta(days=6),
    enabled_at=START,
    renewed_at=START,
    verified_at=START,
    todo=Step.RENEW,
    tries=3,
    failing_since=START,
    next_try_at=START,
    reason="Zoho is away.",
)


def test_a_channel_is_found_by_its_module_and_by_its_path(tx):
    for channel in (FULL, NEW):
        channels.put(tx, channel)
    assert channels.find_all(tx) == [NEW, FULL]
    assert channels.find(tx, "Quotes") == FULL
    assert channels.find_by_path(tx, "p2") == FULL
    assert channels.find_by_path(tx, "P2") is None
    assert channels.find(tx, "Leads") is None
    channels.put(tx, replace(FULL, todo=Step.NOTHING, reason=""))
    assert channels.find(tx, "Quotes") == replace(FULL, todo=Step.NOTHING, reason="")
    channels.forget(tx, "Quotes")
    assert channels.find_by_path(tx, "p2") is None
    assert channels.find_all(tx) == [NEW]


def test_no_two_have_one_path(tx):
    channels.put(tx, NEW)
    with pytest.raises(sa.exc.IntegrityError), tx.begin_nested():
        channels.put(tx, replace(FULL, path=NEW.path))


def test_after_a_restore_all_are_looked_at(tx):
    for channel in (FULL, NEW):
        channels.put(tx, channel)
    channels.look_again(tx)
    assert channels.find_all(tx) == [
        replace(NEW, todo=Step.LOOK),
        replace(FULL, todo=Step.LOOK, next_try_at=None),
    ]
