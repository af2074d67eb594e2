"""Custom fields: what is there, what is missing, and making it once."""

import pytest

from ml_connector.core.errors import NotPermittedError, RetryableError
from ml_connector.core.needs import FieldNeed
from ml_connector.core.ports import Write


def need(name, kind="text", length=30, **more):
    return FieldNeed("Accounts", name, name.replace("_", " "), kind, length, **more)


NEEDS = [
    need("GP_Customer_ID", unique=True, external=True),
    need("GP_Balance", "currency", 16, decimal_places=2),
    need("GP_On_Hold", "boolean", None),
    need("GP_As_Of", "datetime", None),
    need("GP_Notes", "textarea", 2000),
    need("GP_Email", "email", 100),
    need("GP_Terms"),
]


@pytest.fixture
def target(org):
    return org.target()


def test_what_is_missing_is_told_then_made_and_a_second_run_changes_nothing(org, target):
    before = target.check_fields(NEEDS)
    assert [state.exists for state in before] == [False] * 7
    assert all(
        "does not exist in Zoho yet" in state.problem and "provision" in state.remedy for state in before
    )
    made = target.create_fields(NEEDS)
    assert [(state.exists, state.problem) for state in made] == [(True, "")] * 7
    assert [state.need for state in made] == NEEDS
    posts = posted(org)
    assert len(posts) == 2
    assert [(state.exists, state.problem) for state in target.create_fields(NEEDS)] == [(True, "")] * 7
    assert posted(org) == posts


def posted(org):
    asked = org.control("GET", "requests")
    return [a for a in asked if a["method"] == "POST" and a["path"].startswith("/crm/v8/settings/fields")]


def test_a_need_of_two_mappings_is_made_once(org, target):
    twice = [NEEDS[0], NEEDS[0], FieldNeed("Accounts", "GP_Customer_ID")]
    assert [(state.exists, state.problem) for state in target.create_fields(twice)] == [(True, "")] * 3
    assert len(posted(org)) == 1


def test_fields_that_are_there_but_do_not_fit(target):
    target.create_fields([need("GP_Terms"), need("GP_Balance", "currency", 16, decimal_places=2)])
    misfits = [
        need("GP_Terms", "currency"),
        need("GP_Terms", length=40),
        need("GP_Terms", unique=True),
        need("GP_Terms", external=True),
        need("GP_Balance", "currency", 16, decimal_places=4),
        FieldNeed("Accounts", "Created_Time"),
    ]
    states = target.check_fields(misfits)
    assert all(state.exists and state.problem and state.remedy for state in states)
    for state, words in zip(
        states,
        ("type text", "30 characters", "not unique", "external", "decimal", "cannot be written"),
        strict=True,
    ):
        assert words in state.problem
    fits = [need("GP_Terms", length=20), FieldNeed("Accounts", "Account_Name"), need("GP_Terms", length=None)]
    assert [state.problem for state in target.check_fields(fits)] == ["", "", ""]


def test_a_field_that_has_to_be_there_is_not_made(org, target):
    (state,) = target.create_fields([FieldNeed("Accounts", "Customers_Own")])
    assert not state.exists
    assert "Customers_Own" in state.problem
    assert state.remedy
    assert posted(org) == []


def test_a_key_without_a_free_unique_place_is_made_plain_and_says_so(org, target):
    target.create_fields([need("Their_Code", unique=True)])
    wanted = [
        need("GP_Customer_ID", unique=True, external=True),
        need("GP_Vendor_ID", unique=True, external=True),
        need("GP_Terms"),
    ]
    checked = target.check_fields(wanted)
    assert [bool(state.note) for state in checked] == [False, True, False]
    assert "GP_Customer_ID, Their_Code" in checked[1].note
    assert all("does not exist in Zoho yet" in state.problem for state in checked)
    made = target.create_fields(wanted)
    assert [(state.exists, state.problem) for state in made] == [(True, "")] * 3
    assert "GP_Customer_ID, Their_Code" in made[1].note
    shapes = target.describe("Accounts")
    assert [shapes[one.name].unique for one in wanted] == [True, False, False]
    posts = posted(org)
    assert target.create_fields(wanted) == made == target.check_fields(wanted)
    assert posted(org) == posts


def test_a_key_that_is_plain_is_a_problem_while_a_place_is_free(org, target):
    target.create_fields([need("GP_Vendor_ID")])
    key = need("GP_Vendor_ID", unique=True)
    (state,) = target.check_fields([key])
    assert "not unique" in state.problem
    assert "Do not allow duplicate values" in state.remedy
    for name in ("Their_Code", "Their_Other"):
        target.create_fields([need(name, unique=True)])
    (state,) = target.check_fields([key])
    assert (state.problem, state.exists) == ("", True)
    assert "Their_Code, Their_Other" in state.note
    org.control("POST", "fields/Accounts", {"changes": [{"api_name": "Their_Code", "remove": True}]})
    (state,) = target.check_fields([key])
    assert "not unique" in state.problem


def test_a_person_makes_the_plain_key_unique_and_all_is_well(org, target):
    target.create_fields([need("GP_Vendor_ID")])
    change = {"api_name": "GP_Vendor_ID", "unique": True}
    org.control("POST", "fields/Accounts", {"changes": [change]})
    (state,) = target.check_fields([need("GP_Vendor_ID", unique=True)])
    assert (state.problem, state.note) == ("", "")


def test_the_label_decides_the_api_name_and_that_is_told(org, target):
    wanted = FieldNeed("Accounts", "GP_Key", "GP Customer Key", "text", 30)
    (state,) = target.create_fields([wanted])
    assert not state.exists
    assert "another API name" in state.problem
    (again,) = target.create_fields([wanted])
    assert "GP_Customer_Key" in again.problem
    assert len(posted(org)) == 1


def test_what_zoho_refuses_is_told_and_the_others_are_made(target):
    states = target.create_fields([need("Good_One"), need("Bad_One", "nonsense"), need("Good_Two")])
    assert [state.exists for state in states] == [True, False, True]
    assert "Zoho did not create Accounts.Bad_One" in states[1].problem
    assert "held retry" not in states[1].remedy  # that is for records
    assert states[1].remedy.endswith("Then run `ml-connector provision`.")


def test_a_module_that_does_not_exist_is_a_problem_of_its_needs(target):
    states = target.create_fields([FieldNeed("Nowhere", "A", "A", "text", 5), need("GP_Terms")])
    assert [state.exists for state in states] == [False, True]
    assert "no such module" in states[0].problem


def test_without_the_scope_it_is_said_which_is_missing(start):
    org = start(scopes="ZohoCRM.settings.fields.READ")
    with pytest.raises(NotPermittedError, match=r"ZohoCRM\.settings\.fields\.CREATE"):
        org.target().create_fields([need("GP_Terms")])


def test_without_the_right_nothing_is_lost_and_an_administrator_can_do_it(org, target):
    target.create_fields([need("GP_Terms")])
    org.control("POST", "settings", {"may_customise": False})
    wanted = [need("GP_Terms"), need("GP_Email", "email", 100), need("GP_Customer_ID", unique=True)]
    with pytest.raises(NotPermittedError, match="lacks a permission"):
        target.create_fields(wanted)
    assert [state.exists for state in target.check_fields(wanted)] == [True, False, False]
    made_by_hand = [
        {"api_name": "GP_Email", "data_type": "email", "length": 100},
        {"api_name": "GP_Customer_ID", "data_type": "text", "length": 30, "unique": True},
    ]
    org.control("POST", "fields/Accounts", {"changes": made_by_hand})
    assert [(s.exists, s.problem) for s in target.create_fields(wanted)] == [(True, "")] * 3


def test_an_edition_with_few_fields_gets_the_essential_ones(start):
    org = start(edition="standard")
    target = org.target(edition="enterprise")  # what the organisation tells counts
    theirs = [need(f"Theirs_{number}") for number in range(6)]
    target.create_fields(theirs)
    wanted = [
        need("GP_Terms"),
        need("GP_Class"),
        need("GP_Customer_ID", unique=True, essential=True),
        need("GP_City"),
        need("GP_As_Of", "datetime", None, essential=True),
        need("GP_Phone"),
    ]
    checked = target.check_fields(wanted)
    assert [state.left_out for state in checked] == [False, False, False, True, False, True]
    assert [bool(state.problem) for state in checked] == [True, True, True, False, True, False]
    made = target.create_fields(wanted)
    assert [state.exists for state in made] == [True, True, True, False, True, False]
    assert all(state.problem == "" for state in made)
    assert all("standard edition has 10 custom fields" in state.note for state in made if state.left_out)
    posts = posted(org)
    assert target.create_fields(wanted) == target.check_fields(wanted) == made
    assert posted(org) == posts


def test_where_not_even_the_essential_ones_fit_nothing_is_made(start):
    org = start(edition="standard")
    target = org.target()
    target.create_fields([need(f"Theirs_{number}") for number in range(9)])
    posts = posted(org)
    wanted = [
        need("GP_Key", essential=True),
        need("GP_As_Of", "datetime", None, essential=True),
        need("GP_C"),
    ]
    made = target.create_fields(wanted)
    assert [(state.exists, state.left_out) for state in made] == [
        (False, False),
        (False, False),
        (False, True),
    ]
    assert all("there is no room" in state.problem and state.remedy for state in made[:2])
    assert posted(org) == posts


def test_the_free_edition_has_none(start):
    target = start(edition="free").target()
    states = target.check_fields([need("GP_Key", essential=True), need("GP_C")])
    assert "there is no room" in states[0].problem
    assert states[1].left_out


def test_one_reading_serves_check_describe_and_writes(org, target):
    target.create_fields(NEEDS)
    before = target.client.cost().calls["fields"]
    target.check_fields(NEEDS)
    target.describe("Accounts")
    target.write("Accounts", [Write({"Account_Name": "A", "GP_Terms": "30"})])
    assert target.client.cost().calls["fields"] == before + 1


def test_a_lost_answer_leaves_nothing_that_a_second_run_does_not_see(org, target):
    org.faults({"match": "POST /crm/v8/settings/fields", "kind": "cut_after_work"})
    with pytest.raises(RetryableError):
        target.create_fields([need("GP_Terms")])
    (state,) = target.create_fields([need("GP_Terms")])
    assert (state.exists, state.problem) == (True, "")
    assert len(posted(org)) == 1


def test_what_another_one_made_at_the_same_moment_is_there_and_no_trouble(org, target):
    """Of two at once, Zoho refuses the second one's fields as duplicates."""
    org.faults({"match": "POST /crm/v8/settings/fields", "kind": "duplicate"})
    made = target.create_fields([need("GP_Terms"), need("GP_Email", "email", 100)])
    assert [(state.exists, state.problem) for state in made] == [(True, ""), (True, "")]
