"""How modules are listened to, on both databases: each instant is noted by itself, and the channel stands beside it."""

from __future__ import annotations

from datetime import timedelta

from memory import START
from ml_connector.core.channels import Channel
from ml_connector.core.listening import Listening
from ml_connector.store import channels, inbox, listening, staging
from ml_connector.store.inbox import Told

MINUTE = timedelta(minutes=1)


def test_of_a_module_that_nobody_listened_to_nothing_is_known(tx):
    assert listening.find(tx, "Deals") == Listening("Deals")


def test_each_instant_is_noted_by_itself(tx):
    listening.begin(tx, ["Deals", "Quotes"], START)
    listening.note_poll(tx, "Deals", START + MINUTE)
    listening.miss(tx, {"Deals": START + 2 * MINUTE})
    assert listening.find(tx, "Deals") == Listening("Deals", None, START + MINUTE, START, START + 2 * MINUTE)
    assert listening.find(tx, "Quotes") == Listening("Quotes", up_since=START)
    listening.begin(tx, ["Deals"], START + 3 * MINUTE)
    listening.note_poll(tx, "Deals", START + 4 * MINUTE)
    known = listening.find(tx, "Deals")
    assert (known.up_since, known.polled_at, known.missed_at) == (
        START + 3 * MINUTE,
        START + 4 * MINUTE,
        START + 2 * MINUTE,
    )
    listening.end(tx)
    assert listening.find(tx, "Deals").up_since is None
    assert listening.find(tx, "Deals").polled_at == START + 4 * MINUTE
    listening.begin(tx, [], START)
    listening.miss(tx, {})


def test_its_channel_stands_beside_it(tx):
    channel = Channel("Deals", "1", "path")
    channels.put(tx, channel)
    assert listening.find(tx, "Deals").channel == channel
    assert listening.find(tx, "Quotes").channel is None


def test_what_waits_is_found_by_module_and_record(tx):
    at = [START + n * MINUTE for n in range(4)]
    told = [("Deals", "1"), ("Quotes", "1"), ("Deals", "2"), ("Deals", "3")]
    inbox.put(tx, [Told(*one, "update", when) for one, when in zip(told, at, strict=True)])
    assert [row.record_id for row in inbox.due(tx, START + 9 * MINUTE, 0, 2, "Deals")] == ["1", "2"]
    assert {row.record_id for row in inbox.find(tx, "Deals", ["2", "3", "4"])} == {"2", "3"}
    assert inbox.find(tx, "Deals", []) == []
    assert inbox.waiting_since(tx, "Deals") == START
    assert inbox.waiting_since(tx, "Quotes") == START + MINUTE
    assert inbox.waiting_since(tx, "Leads") is None
    inbox.settle(tx, inbox.find(tx, "Deals", ["1"]))
    assert inbox.waiting_since(tx, "Deals") == START + 2 * MINUTE


def test_what_was_asked_for_comes_first_and_what_is_worked_off_is_gone(tx):
    staging.put_changes(tx, "run", [staging.Change(key, "", START) for key in ("1", "2", "3")])
    staging.put_keys(tx, "run", "-1", "Deals", ["3", "9"])
    staging.put_keys(tx, "other", "-1", "Deals", ["3"])
    (three, nine) = staging.first(tx, "run", 2)
    assert (three.source_key, three.at, three.why) == ("3", START, "asked")
    assert (nine.source_key, nine.at, nine.why) == ("9", None, "asked")
    staging.remove(tx, "run", [three, nine])
    assert [row.source_key for row in staging.first(tx, "run", 9)] == ["1", "2"]
    assert staging.count(tx, "other") == 1
