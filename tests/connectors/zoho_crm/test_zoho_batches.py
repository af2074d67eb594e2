"""Partial success: of a hundred records in one call the bad ones are told, at every place, and the others written."""

import pytest

from ml_connector.core.errors import RetryableError
from ml_connector.core.needs import FieldNeed
from ml_connector.core.ports import Duplicate, Refused, Write, Written

CREATE = "POST /crm/v8/Accounts"
#: What is wrong with a record -> code, field and a word of the reason that Zoho gives.
FAULTS = {
    "too long": ("INVALID_DATA", "Account_Name", "200"),
    "bad e-mail": ("INVALID_DATA", "GP_Email", "email"),
    "nameless": ("MANDATORY_NOT_FOUND", "Account_Name", "asks for a value"),
}


@pytest.fixture
def target(target):
    (state,) = target.create_fields([FieldNeed("Accounts", "GP_Email", "GP Email", "email", 100)])
    assert not state.problem
    return target


def record(key, fault=None):
    fields = {"Account_Name": f"Name of {key}", "GP_Customer_ID": key, "GP_Email": "a@fabrikam.example"}
    if fault == "too long":
        fields["Account_Name"] = "x" * 201
    elif fault == "bad e-mail":
        fields["GP_Email"] = "nobody at nowhere"
    elif fault == "nameless":
        del fields["Account_Name"]
    return Write(fields)


def batch_of(offset, name):
    """A hundred records, three of them bad, spread over the call from ``offset`` on; and which is which."""
    bad = dict(zip([(offset + step) % 100 for step in (0, 1, 50)], FAULTS, strict=True))
    return [record(f"{name}-{place:02d}", bad.get(place)) for place in range(100)], bad


def check(results, bad, target, name):
    refused = {place: result for place, result in enumerate(results) if isinstance(result, Refused)}
    assert refused.keys() == bad.keys()
    for place, fault in bad.items():
        code, field, word = FAULTS[fault]
        error = refused[place].error
        assert (error.code, error.field) == (code, field)
        assert word in error.happened, error.happened
        assert not refused[place].gone
    written = {place: one.target_id for place, one in enumerate(results) if place not in bad}
    assert len(set(written.values())) == 97
    stands = target.read("Accounts", list(written.values()), ["GP_Customer_ID"])
    assert {place: stands[target_id]["GP_Customer_ID"] for place, target_id in written.items()} == {
        place: f"{name}-{place:02d}" for place in written
    }


def test_three_bad_of_a_hundred_at_every_place_while_zoho_stumbles(org, target):
    for offset in range(100):
        batch, bad = batch_of(offset, f"K{offset}")
        if offset % 10 in (3, 7):
            org.faults({"match": CREATE, "kind": "http_429" if offset % 10 == 3 else "http_500"})
        if offset % 10 == 7:
            with pytest.raises(RetryableError):
                target.write("Accounts", batch)
        results = target.write("Accounts", batch)
        assert sum(isinstance(result, Written) for result in results) == 97
        check(results, bad, target, f"K{offset}")
    assert org.counts()["records"]["Accounts"] == 9700


@pytest.mark.parametrize("offset", [0, 49, 99])
def test_the_same_after_a_lost_answer(org, target, offset):
    batch, bad = batch_of(offset, "K")
    org.faults({"match": CREATE, "kind": "cut_after_work"})
    with pytest.raises(RetryableError):
        target.write("Accounts", batch)
    results = target.write("Accounts", batch)
    assert sum(isinstance(result, Duplicate) for result in results) == 97
    check(results, bad, target, "K")


def test_the_bad_ones_are_written_when_they_are_corrected(target):
    batch, bad = batch_of(10, "K")
    target.write("Accounts", batch)
    again = target.write("Accounts", [record(f"K-{place:02d}") for place in bad])
    assert all(isinstance(result, Written) for result in again)
