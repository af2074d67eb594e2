"""What the next run has to look at, and the fields that the mappings do without."""

from __future__ import annotations

from ml_connector.store import asked, left_out


def keys(tx, entity: str = "customers") -> list[str]:
    return asked.keys(tx, "-1", entity)


def test_what_is_asked_for_is_told_until_it_was_looked_at(tx):
    for reason in ("released", "moved \x00"):
        asked.put(tx, "-1", "customers", ["Aaron", "B"], reason)
    asked.put(tx, "-1", "customers", ["aaron "], "reviewed")
    asked.put(tx, "-1", "customers", [], "nothing")
    assert keys(tx) == ["aaron ", "B"]
    for _ in range(2):
        asked.remove(tx, "-1", "customers", ["AARON", "nobody"])
        assert keys(tx) == ["B"]


def test_companies_and_entities_ask_apart(tx):
    asked.put(tx, "-1", "customers", ["A"], "released")
    asked.put(tx, "2", "customers", ["X"], "released")
    asked.put(tx, "-1", "vendors", ["V"], "released")
    assert (keys(tx), keys(tx, "vendors")) == (["A"], ["V"])
    asked.remove(tx, "-1", "vendors", ["A", "V", "X"])
    assert (keys(tx), keys(tx, "vendors"), asked.keys(tx, "2", "customers")) == (["A"], [], ["X"])


def test_as_many_as_there_are_can_be_asked_for(tx):
    many = [f"KEY{n:05}" for n in range(12_000)]
    asked.put(tx, "-1", "customers", many, "moved")
    assert keys(tx) == many
    asked.remove(tx, "-1", "customers", many)
    assert keys(tx) == []


def test_the_fields_left_out_are_those_of_the_last_provisioning(tx):
    assert left_out.find(tx) == set()
    fields = {("Accounts", "GP_Class"), ("Contacts", "GP_Class")}
    for _ in range(2):
        left_out.put(tx, fields)
        assert left_out.find(tx) == fields
    left_out.put(tx, [("Accounts", "GP_Terms")])
    assert left_out.find(tx) == {("Accounts", "GP_Terms")}
    left_out.put(tx, [])
    assert left_out.find(tx) == set()
