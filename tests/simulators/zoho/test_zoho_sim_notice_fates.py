"""Notifications that are lost, doubled, late, out of order or forged, that nobody waits for, and their counts."""

import threading
from collections import Counter

import pytest

from zoho_listener import LONG


@pytest.fixture
def watching(start, listener):
    """A simulator with a channel for accounts, which tells of every record by itself."""

    def begin(url=None, **options):
        zoho = start(notice_ids_per_call=1, **options)
        asked = {"channel_id": "1", "events": ["Accounts.all"], "token": "secret"}
        asked["notify_url"] = url or listener.url("/hooks")
        zoho.call("POST", "actions/watch", {"watch": [asked]})
        return zoho

    return begin


def insert(zoho, many):
    return [
        made for _ in range(0, many, 100) for made in zoho.insert("Accounts", *accounts(min(many, 100))).ids
    ]


def accounts(many):
    return [{"Account_Name": str(number)} for number in range(many)]


def waited(zoho):
    counts = zoho.control("POST", "notices/wait", {"seconds": LONG})
    assert counts.pop("idle")
    return counts


def test_each_in_its_order_when_nothing_goes_wrong(watching, listener):
    zoho = watching()
    made = insert(zoho, 200)
    assert waited(zoho) == {
        "made": 200,
        "dropped": 0,
        "wrong_token": 0,
        "sent": 200,
        "statuses": {"204": 200},
        "under_way": 0,
    }
    assert [body["ids"] for body in listener.bodies()] == [[one] for one in made]


@pytest.mark.parametrize(("size", "calls"), [(1, 5), (2, 3), (100, 1)])
def test_how_many_records_of_a_call_one_tells_of(watching, listener, size, calls):
    zoho = watching()
    zoho.control("POST", "settings", {"notice_ids_per_call": size})
    made = insert(zoho, 5)
    waited(zoho)
    bodies = listener.bodies()
    assert len(bodies) == calls
    assert [one for body in bodies for one in body["ids"]] == made


def test_lost_doubled_and_shuffled_by_chance_and_the_same_again(watching, listener):
    fate = {
        "notice_drop_share": 0.1,
        "notice_copies": [1, 5],
        "notice_shuffle_seconds": 500,
        "notice_seed": 7,
    }

    def run():
        zoho = watching(**fate)
        made = insert(zoho, 300)
        assert zoho.control("GET", "notices")["under_way"] > 0
        zoho.control("POST", "settings", {"clock_offset_seconds": 1_000})
        counts = waited(zoho)
        places = [made.index(body["ids"][0]) for body in listener.bodies()]
        return counts, places

    counts, places = run()
    often = Counter(places)
    assert 10 <= counts["dropped"] <= 60
    assert len(often) == 300 - counts["dropped"]
    assert set(often.values()) == {1, 2, 3, 4, 5}
    assert counts["sent"] == len(places)
    assert places != sorted(places)
    again, other_places = run()
    assert again == counts
    assert Counter(other_places) == often


def test_late_ones_stay_in_order_and_come_when_the_clock_says(watching, listener):
    zoho = watching(notice_delay_seconds=(1_000, 2_000))
    made = insert(zoho, 20)
    assert zoho.control("POST", "notices/wait", {"seconds": 0})["idle"] is False
    assert listener.bodies() == []
    zoho.control("POST", "settings", {"clock_offset_seconds": 2_100})
    waited(zoho)
    assert [body["ids"][0] for body in listener.bodies()] == made


def test_a_share_with_another_token(watching, listener):
    zoho = watching(notice_wrong_token_share=0.5)
    insert(zoho, 100)
    counts = waited(zoho)
    tokens = [body["token"] for body in listener.bodies()]
    assert 20 <= counts["wrong_token"] <= 80
    assert len([token for token in tokens if token != "secret"]) == counts["wrong_token"]


def test_what_is_answered_is_counted_and_nothing_is_sent_again(watching, listener):
    listener.status = 503
    zoho = watching()
    [made] = insert(zoho, 1)
    counts = waited(zoho)
    assert (counts["sent"], counts["statuses"]) == (1, {"503": 1})
    assert len(listener.bodies()) == 1
    assert zoho.control("GET", "notices/sent") == [
        {
            "number": 1,
            "channel_id": "1",
            "ids": [made],
            "module": "Accounts",
            "operation": "insert",
            "url": listener.url("/hooks"),
            "status": 503,
            "said": "",
        }
    ]
    zoho.control("DELETE", "notices")
    assert zoho.control("GET", "notices")["sent"] == 0
    assert zoho.control("GET", "notices/sent") == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://connector.example/hooks", "not an address of this machine"),
        ("http://127.0.0.1:1/hooks", "ConnectionRefusedError"),
    ],
)
def test_what_cannot_be_delivered_is_told(watching, url, said):
    zoho = watching(url)
    insert(zoho, 1)
    assert waited(zoho)["statuses"] == {"0": 1}
    assert [one["said"] for one in zoho.control("GET", "notices/sent")] == [said]


def test_one_who_does_not_answer_holds_no_writer_up(watching, listener):
    listener.answers.clear()
    zoho = watching(notice_timeout_seconds=LONG)
    insert(zoho, 3)
    listener.next()
    assert zoho.control("GET", "notices")["under_way"] == 3
    assert insert(zoho, 1), "calls are answered meanwhile"
    listener.answers.set()
    assert waited(zoho)["sent"] == 4


def test_one_who_is_too_slow_is_given_up(watching, listener):
    listener.answers.clear()
    zoho = watching(notice_timeout_seconds=0.05)
    insert(zoho, 1)
    assert waited(zoho)["statuses"] == {"0": 1}
    assert zoho.control("GET", "notices/sent")[0]["said"] == "TimeoutError"


def test_several_are_posted_at_once_when_there_are_several_senders(watching, listener):
    listener.answers.clear()
    zoho = watching(notice_senders=3, notice_timeout_seconds=LONG)
    insert(zoho, 3)
    assert len([listener.next() for _ in range(3)]) == 3, "though none of them was answered"
    listener.answers.set()
    waited(zoho)


def test_a_simulator_that_stops_leaves_the_rest_to_the_next_one(watching, listener):
    zoho = watching(notice_delay_seconds=(1_000, 1_000))
    insert(zoho, 2)
    org = zoho.simulator.org
    zoho.simulator.stop()
    assert org.notices.counts()["under_way"] == 2
    with type(zoho.simulator)(org=org):
        org.change({"clock_offset_seconds": 2_000})
        assert org.notices.wait_until_idle(LONG)
    assert len(listener.bodies()) == 2


def test_many_writers_at_once_are_all_told_of(watching, listener):
    zoho = watching(notice_senders=2)
    zoho.sign_in()
    made = []

    def write():
        wire = type(zoho)(zoho.simulator)
        wire.token = zoho.token
        made.extend(insert(wire, 50))
        wire.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waited(zoho)
    assert sorted(body["ids"][0] for body in listener.bodies()) == sorted(made)
    assert len(made) == 200
