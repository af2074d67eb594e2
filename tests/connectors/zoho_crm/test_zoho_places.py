"""Who gets the few places that a module has, on metadata made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connectors.zoho_crm.places import (
    MAX_UNIQUE,
    SUITABLE,
    Edition,
    Module,
    give_places,
    name_of,
    state_of,
)
from ml_connector.connectors.zoho_crm.schema import FieldMeta
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.needs import FieldNeed

PLENTY = Edition("enterprise", 300)


def module(*fields, name="Accounts"):
    return Module(name, {field.name: field for field in fields})


def field(name, kind="text", length=255, **more):
    return FieldMeta(name, name.replace("_", " "), kind, length, custom=True, **more)


def need(name, kind="text", length=30, module_name="Accounts", **more):
    return FieldNeed(module_name, name, name.replace("_", " "), kind, length, **more)


def states(known, needs, edition=PLENTY):
    modules = {known.name: known}
    places = give_places(modules, needs, edition)
    return [state_of(known, one, places) for one in needs], places


def test_two_keys_one_place_first_come_first_served():
    _, places = states(module(field("Theirs", unique=True)), [need("A", unique=True), need("B", unique=True)])
    assert [(one.name, one.unique) for one in places.make] == [("A", True), ("B", False)]


def test_an_external_field_takes_a_unique_place_too():
    known = module(field("X", external=True), field("Y", unique=True))
    _, places = states(known, [need("A", unique=True, external=True)])
    assert [(one.unique, one.external) for one in places.make] == [(False, False)]


def test_a_plain_key_that_could_be_unique_claims_the_last_place():
    known = module(field("Theirs", unique=True), field("A"))
    (first, second), places = states(known, [need("A", unique=True), need("B", unique=True)])
    assert "not unique" in first.problem
    assert not places.make[0].unique
    assert "A, Theirs" in second.note


def test_a_key_of_another_type_is_a_problem_even_where_it_would_be_plain():
    known = module(field("X", unique=True), field("Y", unique=True), field("A", "textarea", 2000))
    (state,), _ = states(known, [need("A", unique=True)])
    assert "of the type textarea, not text" in state.problem


@pytest.mark.parametrize("needed", [*SUITABLE, "date", "datetime", "boolean", "lookup", "textarea"])
@pytest.mark.parametrize(
    "there", [*SUITABLE, "date", "datetime", "boolean", "lookup", "textarea", "picklist"]
)
def test_types_in_which_our_values_are_kept(needed, there):
    (state,), _ = states(module(field("A", there)), [need("A", needed, None)])
    if needed == there:
        assert (state.problem, state.note) == ("", "")
    elif there in SUITABLE.get(needed, ()):
        assert state.problem == ""
        assert f"type {there}, not {needed}" in state.note
    else:
        assert state.exists
        assert f"of the type {there}, not {needed}" in state.problem


def test_a_suitable_type_still_has_to_be_long_enough():
    (state,), _ = states(module(field("A", "text", 20)), [need("A", "phone", 30)])
    assert "takes 20 characters, not 30" in state.problem


def test_the_essential_one_of_two_mappings_makes_the_field_essential():
    needs = [need("A"), need("B"), need("B", essential=True)]
    told, places = states(module(), needs, Edition("tiny", 1))
    assert [one.name for one in places.make] == ["B"]
    assert [state.left_out for state in told] == [True, False, False]


def test_a_module_that_is_not_there_takes_no_place():
    unknown = Module("Nowhere", {}, ConfigurationError("no such module", "make it"))
    (state,), places = states(unknown, [need("A", module_name="Nowhere", unique=True)])
    assert (state.problem, state.remedy, places.make) == ("no such module", "make it", [])


FIELDS = st.lists(
    st.builds(field, st.sampled_from("ABCDEF"), unique=st.booleans(), external=st.booleans()),
    max_size=6,
    unique_by=lambda one: one.name,
)
NEEDS = st.lists(
    st.builds(need, st.sampled_from("ABCDEFGH"), unique=st.booleans(), essential=st.booleans()), max_size=8
)


@given(FIELDS, NEEDS, st.integers(0, 12))
def test_what_is_made_fits_and_doing_it_again_makes_nothing(fields, needs, limit):
    known, edition = module(*fields), Edition("some", limit)
    told, places = states(known, needs, edition)
    names = [name_of(one) for one in places.make]
    assert len(names) == len(set(names)) <= max(0, limit - len(fields))
    new_keys = sum(one.unique for one in places.make)
    assert new_keys == 0 or len(known.keys) + new_keys <= MAX_UNIQUE
    made = [field(one.name, unique=one.unique) for one in places.make]
    again, later = states(module(*fields, *made), needs, edition)
    assert later.make == [] or places.no_room
    for before, after in zip(told, again, strict=True):
        assert before.left_out == after.left_out
        if name_of(before.need) in names:
            assert (after.exists, after.problem) == (True, "")
            assert before.note == after.note
