"""``held``: which records wait, chosen by flow, code, kind and field; when each is tried again; what is retried."""

from datetime import datetime, timedelta

import pytest

from systems import gp_options, opened

FITZ, ADAM, ASTOR = "AARONFIT0001", "ADAMPARK0001", "ASTORSUI0001"
READ = "GetCustomerByKey"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory):
    """Three customers wait: one for a decision, one for a value, one because GP hides why it cannot give it."""
    with opened(tmp_path_factory.mktemp("held"), gp=gp_options(0)) as world:
        world.seed({"Account_Name": "Adam Park Resort"}, {"Account_Name": "Adam Park Resort"})
        world.first("customers", code=1)
        world.change(FITZ, email={"to": "no address"})
        world.sync("customers", "--key", FITZ, code=1)
        world.gp_faults({"kind": "soap_system_fault", "operation": READ, "count": 2})
        world.sync("customers", "--key", ASTOR, code=1)
        world.gp_faults()
        yield world


def listed(world, *words):
    return {hold["key"] for hold in world.here("held", "list", *words, "--json").json["held"]}


def test_each_says_when_it_is_tried_again(waiting):
    """The first of all: the five minutes have just begun."""
    held = waiting.held()
    assert held[FITZ]["next_at"] is None
    assert "only a person can mend it" in held[FITZ]["again"]
    last, following = (datetime.fromisoformat(held[ASTOR][name]) for name in ("last_at", "next_at"))
    assert following - last == timedelta(minutes=5)
    text = waiting.here("held", "list").out
    [fitz], [astor] = ([row for row in text.splitlines() if key in row] for key in (FITZ, ASTOR))
    assert "by a person" in fitz
    assert f"{following:%Y-%m-%d %H:%M}" in astor
    shown = waiting.here("held", "show", ASTOR).text
    assert f"tried again: by itself, with the first run after {following:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert "tried again: not by itself: only a person can mend it" in waiting.here("held", "show", ADAM).text


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ((), {FITZ, ADAM, ASTOR}),
        (("--flow", "customers"), {FITZ, ADAM, ASTOR}),
        (("--flow", "vendors"), set()),
        (("--kind", "match"), {ADAM}),
        (("--kind", "data"), {FITZ, ASTOR}),
        (("--code", "system_fault"), {ASTOR}),
        (("--code", "SYSTEM_FAULT", "--code", "AMBIGUOUS_MATCH"), {ASTOR, ADAM}),
        (("--field", "gp_email"), {FITZ}),
        (("--kind", "match", "--code", "SYSTEM_FAULT"), set()),
        (("--flow", "customers", "--kind", "data", "--field", "GP_Email"), {FITZ}),
    ],
)
def test_the_list_is_chosen(waiting, words, keys):
    assert listed(waiting, *words) == keys


def test_a_choice_of_nothing_says_so(waiting):
    assert "No such record waits." in waiting.here("held", "list", "--code", "RECORD_LOCKED").out
    assert "There is no code “NOPE”." in waiting.ok("held", "list", "--code", "NOPE", code=2).text
    unknown = waiting.ok("held", "list", "--flow", "nope", code=2)
    assert "There is no flow “nope”." in unknown.text
    assert "customers, vendors" in unknown.text
    assert "“nope”" in waiting.ok("held", "retry", "--flow", "nope", code=2).text
    assert "match" in waiting.ok("held", "list", "--kind", "nope", code=2).text
    assert (
        "None of these records waits." in waiting.ok("held", "retry", "--code", "RECORD_LOCKED", code=2).text
    )


def test_what_is_due_says_so_and_goes_through_with_the_next_run(tmp_path):
    with opened(tmp_path, gp=gp_options(3)) as world:
        key = world.customers()[0]["id"].rstrip()
        world.first("customers")
        world.gp_faults({"kind": "soap_system_fault", "operation": READ, "count": 2})
        world.sync("customers", "--key", key, code=1)
        world.gp_faults()
        world.rewrite("UPDATE holds SET next_at = last_at")
        assert "tried again: by itself, with the flow's next run" in world.here("held", "show", key).text
        world.sync("customers")
        assert world.held() == {}


def test_a_code_that_there_is_not_is_no_empty_list(tmp_path):
    with opened(tmp_path, gp=gp_options(6)) as world:
        said = world.run("held", "list", "--code", "RECORD_LOCKD")
        assert (said.code, "Did you mean RECORD_LOCKED?" in said.err) == (2, True), said
        assert "No such record waits." in world.ok("held", "list", "--code", "record_locked").out
        assert "Did you mean" in world.run("held", "retry", "--code", "PARENT_WAIT").err


def test_a_choice_is_retried_and_the_command_says_what(tmp_path):
    with opened(tmp_path, gp=gp_options(6)) as world:
        world.first("customers")
        keys = sorted(customer["id"].rstrip() for customer in world.customers())
        for key in keys[:3]:
            world.change(key, email={"to": "no address"})
        world.sync("customers", *(word for key in keys[:3] for word in ("--key", key)), code=1)
        world.gp_faults({"kind": "soap_system_fault", "operation": READ, "count": 4})
        world.sync("customers", "--key", keys[3], "--key", keys[4], code=1)
        world.gp_faults()
        world.forget()
        said = world.ok("held", "retry", "--code", "SYSTEM_FAULT", "--json", code=1)  # others wait
        assert "Trying 2 records again, which wait: 2 as SYSTEM_FAULT." in said.err
        assert said.json["flows"]["customers"]["state"] == "done"
        assert world.operations()[READ] == 2
        assert world.held().keys() == set(keys[:3])
        world.change(keys[0], email={"to": "sales@example.com"})
        said = world.ok("held", "retry", keys[0], keys[1], "--kind", "data", code=1)
        assert "Trying 2 records again, which wait: 2 as INVALID_EMAIL." in said.err
        assert world.held().keys() == set(keys[1:3])
        world.change(keys[1], email={"to": "sales@example.com"})
        world.change(keys[2], email={"to": "sales@example.com"})
        assert "Trying 2 records again, which wait: 2 as INVALID_EMAIL." in world.ok("held", "retry").err
        written = world.writes()
        assert world.ok("held", "retry").err.startswith("No record waits.")
        assert (world.held(), world.writes()) == ({}, written)
