"""A refusal stands for one account with one sealed secret, over all processes."""

from datetime import UTC, datetime

import pytest

from ml_connector.store.master_keys import MasterKeys, new_master_key
from ml_connector.store.refusals import Refusals
from ml_connector.store.secrets import Secrets


class Clock:
    def now(self):
        return datetime(2026, 11, 23, tzinfo=UTC)

    def sleep(self, seconds): ...


@pytest.fixture
def secrets(database):
    key = new_master_key().reveal()
    secrets = Secrets(database, MasterKeys(lambda: key, "the test"), Clock())
    secrets.put("gp.password", "kanarienvogel")
    return secrets


def known(secrets, account="u at e"):
    return Refusals(secrets.database, "gp.password", account, Clock())


def test_a_refusal_is_known_to_every_process(secrets):
    assert known(secrets).find() == ""
    known(secrets).keep("Refused.")
    known(secrets).keep("Refused again.")
    assert known(secrets).find() == "Refused again."


def test_another_account_or_a_new_secret_is_tried(secrets):
    known(secrets).keep("Refused.")
    assert known(secrets, "another at e").find() == ""
    secrets.put("gp.password", "kanarienvogel")
    assert known(secrets).find() == ""


def test_a_new_master_key_changes_nothing(secrets):
    known(secrets).keep("Refused.")
    keys = f"{new_master_key().reveal()}\n{secrets._keys._read()}"
    assert Secrets(secrets.database, MasterKeys(lambda: keys, "the test"), Clock()).rewrap() == 1
    assert known(secrets).find() == "Refused."


def test_who_overlooks_it_tries_and_clears_or_renews(secrets):
    known(secrets).keep("Refused.")
    trying = known(secrets)
    trying.overlook()
    assert trying.find() == ""
    trying.clear()
    trying.clear()
    assert known(secrets).find() == ""
    trying.keep("Refused once more.")
    assert known(secrets).find() == "Refused once more."


def test_without_a_secret_there_is_still_one_account(database):
    refusals = Refusals(database, "gp.password", "u", Clock())
    refusals.keep("Refused.")
    assert refusals.find() == "Refused."
