"""The callbacks of bulk jobs: posted when a job ends, once, and lost, late or doubled where that is planned."""

import threading

import pytest

from zoho_listener import LONG

HEAD = ["Account_Name", "GP_Customer_ID"]
MAPPED = [{"api_name": name, "index": index} for index, name in enumerate(HEAD)]
PATH = "/done?of=jobs"


@pytest.fixture
def slow(start, bulk_of):
    """Jobs that end only when they are told to, or when the clock is moved."""
    return bulk_of(start(bulk_wait_seconds=0, bulk_seconds=1_000))


def started(bulk, url, *rows):
    body = {"operation": "upsert", "callback": {"url": url, "method": "post"}}
    file = bulk.file(HEAD, *rows)
    resource = {"type": "data", "module": {"api_name": "Accounts"}, "file_id": file, "field_mappings": MAPPED}
    body["resource"] = [resource | {"find_by": "GP_Customer_ID"}]
    return bulk.ask("POST", "/crm/bulk/v8/write", body).body["details"]["id"]


def told(listener):
    path, body = listener.next()
    assert path == PATH
    return body


def sent(bulk, many):
    """What became of so many callbacks."""
    ever = threading.Event()
    for _ in range(LONG * 50):
        found = bulk.wire.control("GET", "callbacks")
        if len(found) >= many:
            return found
        ever.wait(0.02)
    raise AssertionError(f"{found} are not {many}")


def test_a_job_tells_its_details_when_it_ends_though_nobody_asks(slow, listener):
    job_id = started(slow, listener.url(PATH), ["Aaron", "A1"], ["Berta", "B1"])
    assert slow.job(job_id)["status"] == "INPROGRESS"
    assert listener.posted.empty()
    slow.forward(2_000)
    body = told(listener)
    assert body == slow.job(job_id)
    assert (body["status"], body["resource"][0]["file"]["added_count"]) == ("COMPLETED", 2)
    assert body["result"]["download_url"]
    assert sent(slow, 1) == [{"job": job_id, "url": listener.url(PATH), "status": 204, "said": ""}]
    assert listener.posted.empty(), "once"


def test_a_job_that_fails_tells_it_too(slow, listener):
    job_id = started(slow, listener.url(PATH), ["Aaron", "A1"])
    slow.end(job_id, ending="failed")
    assert told(listener)["status"] == "FAILED"


def test_a_bulk_read_has_callbacks_as_well(slow, listener):
    query = {"module": {"api_name": "Accounts"}, "fields": ["Account_Name"]}
    body = {"callback": {"url": listener.url(PATH), "method": "post"}, "query": query}
    made = slow.ask("POST", "/crm/bulk/v8/read", body).body["data"][0]["details"]["id"]
    slow.end(made)
    body = told(listener)
    assert body["data"] == [slow.read_job(made)]
    assert body["data"][0]["state"] == "COMPLETED"


def test_a_callback_may_be_lost_doubled_or_late(slow, listener):
    plan = [{"kind": "drop"}, {"kind": "duplicate"}, {"kind": "delay", "seconds": 500}]
    assert len(slow.wire.control("POST", "callbacks/fates", plan)) == 3
    lost, doubled, late, last = (
        started(slow, listener.url(PATH), [name, name]) for name in ("A", "B", "C", "D")
    )
    for job_id in (lost, doubled, late, last):
        slow.end(job_id)
    assert [told(listener)["id"] for _ in range(3)] == [doubled, doubled, last], "the late one is overtaken"
    assert listener.posted.empty()
    slow.forward(600)
    assert told(listener)["id"] == late
    assert [(one["job"], one["status"]) for one in sent(slow, 5)] == [
        (lost, 0), (doubled, 204), (doubled, 204), (last, 204), (late, 204),
    ]  # fmt: skip


def test_one_who_does_not_answer_holds_nobody_up(slow, listener):
    listener.answers.clear()
    job_id = started(slow, listener.url(PATH), ["Aaron", "A1"])
    slow.end(job_id)
    told(listener)
    assert slow.insert("Berta"), "calls are answered meanwhile"
    assert slow.done(HEAD, ["Carla", "C1"], field_mappings=MAPPED)[0]["STATUS"] == "ADDED"
    assert slow.wire.control("GET", "callbacks") == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://connector.example/done", "not an address of this machine"),
        ("http://127.0.0.1:1/done", "ConnectionRefusedError"),
        ("http://127.0.0.1:99999/done", "ValueError"),
    ],
)
def test_what_cannot_be_delivered_is_told(slow, url, said):
    job_id = started(slow, url, ["Aaron", "A1"])
    slow.end(job_id)
    assert sent(slow, 1) == [{"job": job_id, "url": url, "status": 0, "said": said}]
    assert slow.job(job_id)["status"] == "COMPLETED"
