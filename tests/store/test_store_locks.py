"""One holder at a time; who waits says so."""

from queue import SimpleQueue
from threading import Thread

from ml_connector.store.locks import Locks


def test_who_waits_says_for_what(database, tmp_path):
    told = SimpleQueue()

    def second():
        with Locks(database, tmp_path, told.put).held(["create-Accounts"]):
            told.put("held")

    waiting = Thread(target=second)
    with Locks(database, tmp_path, told.put).held(["create-Contacts", "create-Accounts"]):
        waiting.start()
        said = told.get()
        assert "working at Accounts. Waiting until it has finished." in said
        assert told.empty()
    assert told.get() == "held"
    waiting.join()


def test_who_need_not_wait_says_nothing(database, tmp_path):
    told = []
    for name in ("create-Accounts", "create-Accounts", "create-Contacts"):
        with Locks(database, tmp_path, told.append).held([name]):
            pass
    assert told == []
