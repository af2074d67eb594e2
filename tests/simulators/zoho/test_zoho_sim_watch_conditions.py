"""`notification_condition`: how it is read, shown and refused, and when it holds."""

import pytest

from ml_connector.simulators.zoho.watch_conditions import Selection

URL = "http://127.0.0.1:1/hooks"
PATH = "$.watch[0].notification_condition[0]"


def field(name):
    return {"field": {"api_name": name}}


def selection(operator, *parts):
    return {"group_operator": operator, "group": list(parts)}


def condition(**changes):
    given = {
        "type": "field_selection",
        "module": {"api_name": "Deals"},
        "field_selection": selection("or", field("Stage"), selection("and", field("Amount"), field("Type"))),
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def enable(zoho, *conditions):
    asked = {"channel_id": "1", "events": ["Deals.all", "Quotes.all"], "notify_url": URL}
    return zoho.call(
        "POST", "actions/watch", {"watch": [asked | {"notification_condition": list(conditions)}]}
    )


def shown(zoho):
    return {
        one["resource_name"]: one["notification_condition"]
        for one in zoho.call("GET", "actions/watch").body["watch"]
    }


def test_it_is_shown_as_zoho_shows_it(zoho):
    assert enable(zoho, condition()).status == 201
    ids = zoho.simulator.org.tables["Deals"].module.fields
    ends = {"group_operator": None, "group": None}
    stage, amount, kind = (
        {"field": {"api_name": name, "id": ids[name].id}, **ends} for name in ("Stage", "Amount", "Type")
    )
    module = {"api_name": "Deals", "id": zoho.simulator.org.tables["Deals"].module.id}
    group = selection("or", stage, selection("and", amount, kind))
    assert shown(zoho) == {
        "Deals": [{"field_selection": group, "module": module, "type": "field_selection"}],
        "Quotes": None,
    }


def test_patch_keeps_replaces_and_removes_it(zoho):
    enable(zoho, condition())
    change = {"channel_id": "1", "events": ["Deals.all"], "notify_url": URL}
    before = shown(zoho)["Deals"]
    zoho.call("PATCH", "actions/watch", {"watch": [change]})
    assert shown(zoho)["Deals"] == before
    other = condition(field_selection=selection("and", field("Amount")))
    zoho.call("PATCH", "actions/watch", {"watch": [change | {"notification_condition": [other]}]})
    assert shown(zoho)["Deals"][0]["field_selection"]["group_operator"] == "and"
    zoho.call("PATCH", "actions/watch", {"watch": [change | {"notification_condition": None}]})
    assert shown(zoho)["Deals"] is None


def test_a_module_may_be_named_by_its_id(zoho):
    module = {"id": zoho.simulator.org.tables["Deals"].module.id}
    assert enable(zoho, condition(module=module)).status == 201
    assert enable(zoho, condition(module={"api_name": "Deals", **module})).status == 201


def expected(name, place, code="INVALID_DATA", **more):
    return code, {"api_name": name, "json_path": f"{PATH}{place}", **more}


WRONG = {
    "type is missing": ({"type": None}, expected("type", ".type", "MANDATORY_NOT_FOUND")),
    "type is no text": ({"type": 5}, expected("type", ".type", expected_data_type="text")),
    "type is another": ({"type": "x"}, expected("type", ".type", supported_values=["field_selection"])),
    "module is missing": ({"module": None}, expected("module", ".module")),
    "module is a text": ({"module": "Deals"}, expected("module", ".module", expected_data_type="jsonobject")),
    "module is unknown": ({"module": {"api_name": "Dreams"}}, expected("module", ".module")),
    "module is not watched": ({"module": {"api_name": "Contacts"}}, expected("module", ".module")),
    "module's id is unknown": ({"module": {"id": "1"}}, expected("module", ".module")),
    "module's name is a number": (
        {"module": {"api_name": 5}},
        expected("api_name", ".module.api_name", expected_data_type="string"),
    ),
    "selection is a list": (
        {"field_selection": []},
        expected("field_selection", ".field_selection", expected_data_type="jsonobject"),
    ),
    "operator is missing": (
        {"field_selection": {"group": [field("Stage")]}},
        expected("group_operator", ".field_selection.group_operator", "MANDATORY_NOT_FOUND"),
    ),
    "operator is another": (
        {"field_selection": selection("xor", field("Stage"))},
        expected("group_operator", ".field_selection.group_operator", supported_values=["or", "and"]),
    ),
    "group is missing": (
        {"field_selection": {"group_operator": "or"}},
        expected("group", ".field_selection.group", "MANDATORY_NOT_FOUND"),
    ),
    "field is missing": (
        {"field_selection": selection("or", {"api_name": "Stage"})},
        expected("field", ".field_selection.group[0].field", "MANDATORY_NOT_FOUND"),
    ),
    "field is unknown": (
        {"field_selection": selection("or", field("Stage"), field("Dream"))},
        expected("api_name", ".field_selection.group[1].field.api_name"),
    ),
    "eleven fields": (
        {"field_selection": selection("or", *[field("Stage")] * 11)},
        expected("field_selection", ".field_selection", maximum_length=10),
    ),
    "three groups": (
        {"field_selection": selection("or", *[selection("and", field("Stage"))] * 2)},
        expected("field_selection", ".field_selection", maximum_length=2),
    ),
}


@pytest.mark.parametrize(("change", "answer"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_it(zoho, change, answer):
    refused = enable(zoho, condition(**change))
    item = refused.body["watch"][0]
    assert (refused.status, (item["code"], item["details"])) == (400, answer)


def test_the_three_errors_with_details_of_their_own(zoho):
    item = enable(zoho, condition(field_selection=None)).body["watch"][0]
    assert (item["code"], item["details"]["dependee"]["api_name"]) == ("DEPENDENT_FIELD_MISSING", "type")
    item = enable(zoho, condition(module={})).body["watch"][0]
    assert (item["code"], len(item["details"]["expected_fields"])) == ("EXPECTED_FIELD_MISSING", 2)
    item = enable(zoho, condition(module={"api_name": "Deals", "id": "1"})).body["watch"][0]
    assert (item["code"], len(item["details"]["ambiguity_due_to"])) == ("AMBIGUITY_DURING_PROCESSING", 2)
    asked = {"channel_id": "1", "events": ["Deals.all"], "notify_url": URL, "notification_condition": "Stage"}
    item = zoho.call("POST", "actions/watch", {"watch": [asked]}).body["watch"][0]
    assert item["details"] == {"api_name": "notification_condition", "json_path": PATH.removesuffix("[0]")}


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ((), False),
        (("Stage",), True),
        (("Amount",), False),
        (("Amount", "Type"), True),
        (("Next_Step", "Type"), False),
    ],
)
def test_when_it_holds(changed, holds):
    chosen = Selection("or", ("Stage", Selection("and", ("Amount", "Type"))))
    assert chosen.holds(frozenset(changed)) is holds
