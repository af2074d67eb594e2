"""/actions/watch: what is granted, what is refused, who sees which channel, and when a channel is gone."""

import json

import pytest

import openapi

URL = "http://127.0.0.1:1/hooks/4f1c?from=zoho"
HOUR, DAY, WEEK = 3_600, 86_400, 604_800
SALES_USER = "5725767000000411002"
GONE = {
    "code": "NOT_SUBSCRIBED",
    "details": {},
    "message": "Not subscribed for actions-watch of the given module/channel",
    "status": "error",
}


@pytest.fixture
def later(zoho):
    """The instant so many seconds from now by the simulator's clock, as Zoho writes it."""
    return lambda seconds: zoho.simulator.org.clock.render(int(zoho.simulator.org.clock.now()) + seconds)


def channel(channel_id="1000000068001", *events, **more):
    asked = {"channel_id": channel_id, "events": list(events) or ["Deals.all"], "notify_url": URL}
    return {name: value for name, value in (asked | more).items() if value is not None}


def watch(zoho, method, *channels):
    return zoho.call(method, "actions/watch", {"watch": list(channels)})


def listed(zoho, query=""):
    answer = zoho.call("GET", f"actions/watch{query}")
    return answer.body["watch"] if answer.status == 200 else answer.status


@pytest.fixture
def lives(zoho, instant):
    """Whether a channel that was made during the test was given so many seconds."""
    clock = zoho.simulator.org.clock
    begun = int(clock.now())

    def check(one, seconds):
        moved = clock.offset_seconds
        return begun + moved + seconds <= instant(one["channel_expiry"]) <= clock.now() + seconds

    return check


def forward(zoho, seconds):
    zoho.control("POST", "settings", {"clock_offset_seconds": seconds})
    zoho.sign_in()


# -- enabling


def test_a_channel_is_enabled_and_listed(zoho, later):
    expiry = later(DAY)
    asked = channel(channel_expiry=expiry, token="secret", return_affected_field_values=True)
    answer = watch(zoho, "POST", asked | {"events": ["Deals.all", "Quotes.edit"]})
    ids = {name: table.module.id for name, table in zoho.simulator.org.tables.items()}
    events = [
        {
            "channel_expiry": expiry,
            "resource_uri": f"{zoho.simulator.url}/crm/v8/{module}",
            "resource_id": ids[module],
            "resource_name": module,
            "channel_id": "1000000068001",
        }
        for module in ("Deals", "Quotes")
    ]
    message = "Successfully subscribed for actions-watch of the given module"
    item = {"code": "SUCCESS", "details": {"events": events}, "message": message, "status": "success"}
    assert (answer.status, answer.body) == (201, {"watch": [item]})
    shown = zoho.call("GET", "actions/watch")
    assert shown.body["info"] == {"per_page": 200, "count": 2, "page": 1, "more_records": False}
    assert shown.body["watch"][0] == events[0] | {
        "notify_on_related_action": True,
        "return_affected_field_values": True,
        "notify_url": URL,
        "fields": None,
        "notification_condition": None,
        "events": ["Deals.edit", "Deals.create", "Deals.delete"],
        "token": "secret",
    }
    assert shown.body["watch"][1]["events"] == ["Quotes.edit"]


def test_no_channel_is_204(zoho):
    assert listed(zoho) == 204
    watch(zoho, "POST", channel())
    assert listed(zoho, "?channel_id=2") == 204
    assert listed(zoho, "?page=2") == 204
    assert listed(zoho, "?per_page=201") == 400


@pytest.mark.parametrize("asked", [None, WEEK + 600, 30 * DAY])
def test_what_is_not_asked_for_or_too_much_is_one_hour(zoho, later, lives, asked):
    answer = watch(zoho, "POST", channel(channel_expiry=later(asked) if asked else None))
    told = answer.body["watch"][0]["details"]["events"][0]
    assert lives(told, HOUR)
    assert listed(zoho)[0]["channel_expiry"] == told["channel_expiry"], "what is granted is what is answered"


@pytest.mark.parametrize("seconds", [WEEK - 600, DAY, 600])
def test_up_to_a_week_is_granted(zoho, later, seconds):
    expiry = later(seconds)
    watch(zoho, "POST", channel(channel_expiry=expiry))
    assert listed(zoho)[0]["channel_expiry"] == expiry


def test_zoho_may_grant_less(zoho, later, lives):
    zoho.control("POST", "settings", {"watch_maximum_seconds": DAY, "watch_default_seconds": 600})
    expiry = later(HOUR)
    watch(zoho, "POST", channel("1", channel_expiry=later(2 * DAY)), channel("2", channel_expiry=expiry))
    first, second = listed(zoho)
    assert lives(first, 600)
    assert second["channel_expiry"] == expiry


@pytest.mark.parametrize(
    ("wrong", "code", "details"),
    [
        ({"channel_id": None}, "MANDATORY_NOT_FOUND", {"api_name": "channel_id"}),
        ({"notify_url": None}, "MANDATORY_NOT_FOUND", {"api_name": "notify_url"}),
        ({"events": None}, "MANDATORY_NOT_FOUND", {"api_name": "events"}),
        ({"events": []}, "MANDATORY_NOT_FOUND", {"api_name": "events"}),
        ({"channel_id": "orders"}, "INVALID_DATA", {"api_name": "channel_id", "expected_data_type": "long"}),
        ({"channel_id": str(2**63)}, "INVALID_DATA", {"api_name": "channel_id", "expected_data_type": "long"}),
        ({"events": "Deals.all"}, "INVALID_DATA", {"api_name": "events", "expected_data_type": "jsonarray"}),
        ({"events": ["Deals.all"] * 51}, "INVALID_DATA", {"api_name": "events", "maximum_length": 50}),
        ({"events": ["Dreams.all"]}, "INVALID_DATA", {"api_name": "events"}),
        ({"events": ["Deals.insert"]}, "INVALID_DATA", {"api_name": "events"}),
        ({"events": ["Deals"]}, "INVALID_DATA", {"api_name": "events"}),
        ({"events": [5]}, "INVALID_DATA", {"api_name": "events"}),
        ({"events": ["Ordered_Items.all"]}, "INVALID_DATA", {"api_name": "events"}),
        ({"token": "t" * 51}, "INVALID_DATA", {"api_name": "token", "maximum_length": 50}),
        ({"token": 5}, "INVALID_DATA", {"api_name": "token", "expected_data_type": "text"}),
        ({"notify_url": "http://a.b/" + "c" * 245}, "INVALID_DATA", {"api_name": "notify_url", "maximum_length": 255}),
        ({"notify_url": "ftp://a.b/c"}, "INVALID_DATA", {"api_name": "notify_url"}),
        ({"notify_url": "http://[a/"}, "INVALID_DATA", {"api_name": "notify_url"}),
        ({"notify_url": "http://127.0.0.1:99999/"}, "INVALID_DATA", {"api_name": "notify_url"}),
        ({"channel_expiry": "2020-01-01T00:00:00+00:00"}, "INVALID_DATA", {"api_name": "channel_expiry"}),
        (
            {"channel_expiry": "tomorrow"},
            "INVALID_DATA",
            {"api_name": "channel_expiry", "expected_data_type": "datetime"},
        ),
        (
            {"notify_on_related_action": "no"},
            "INVALID_DATA",
            {"api_name": "notify_on_related_action", "expected_data_type": "boolean"},
        ),
    ],
)  # fmt: skip
def test_a_wrong_object_is_refused_and_the_others_are_not(zoho, wrong, code, details):
    refused = watch(zoho, "POST", channel(**wrong) if "channel_id" not in wrong else channel() | wrong)
    item = refused.body["watch"][0]
    place = {"json_path": f"$.watch[0].{details['api_name']}"}
    assert (refused.status, item["code"], item["details"]) == (400, code, details | place)
    mixed = watch(zoho, "POST", channel("7"), channel() | wrong)
    assert mixed.status == 207
    assert [one["code"] for one in mixed.body["watch"]] == ["SUCCESS", code]
    assert [one["channel_id"] for one in listed(zoho)] == ["7"]


def test_the_body_as_a_whole(zoho):
    assert watch(zoho, "POST").body["code"] == "MANDATORY_NOT_FOUND"
    assert watch(zoho, "POST", *[channel(str(n)) for n in range(1, 52)]).body["code"] == "LIMIT_EXCEEDED"
    assert watch(zoho, "POST", *[channel(str(n)) for n in range(1, 51)]).status == 201
    page = zoho.call("GET", "actions/watch?page=2&per_page=30")
    assert page.body["info"] == {"per_page": 30, "count": 20, "page": 2, "more_records": False}
    assert zoho.call("GET", "actions/watch?per_page=30").body["info"]["more_records"] is True


def test_another_status_for_what_is_refused(zoho):
    zoho.control("POST", "settings", {"watch_refusal_status": 202})
    assert watch(zoho, "PUT", channel()).status == 202


def test_a_number_is_a_channel_too(zoho):
    assert watch(zoho, "POST", channel(10_000)).status == 201
    assert listed(zoho)[0]["channel_id"] == "10000"


def test_enabling_again_begins_anew_and_leaves_the_other_modules(zoho, later, lives):
    expiry = later(DAY)
    watch(zoho, "POST", channel("1", "Deals.all", "Quotes.all", token="a", channel_expiry=expiry))
    watch(zoho, "POST", channel("1", "Deals.edit", token="b"))
    deals, quotes = listed(zoho)
    assert (deals["events"], deals["token"]) == (["Deals.edit"], "b")
    assert lives(deals, HOUR)
    assert (quotes["events"][1], quotes["token"]) == ("Quotes.create", "a")
    assert quotes["channel_expiry"] == expiry


# -- changing


def test_put_keeps_what_is_given_and_removes_the_rest(zoho, later, lives):
    first = channel("1", "Deals.all", "Quotes.all", token="a", channel_expiry=later(DAY))
    watch(zoho, "POST", first | {"return_affected_field_values": True, "notify_on_related_action": False})
    answer = watch(zoho, "PUT", channel("1", "Deals.edit", "Contacts.create"))
    assert answer.status == 200
    assert answer.body["watch"][0]["message"].startswith("Successfully subscribed")
    deals, contacts = listed(zoho)
    assert (deals["events"], contacts["events"]) == (["Deals.edit"], ["Contacts.create"])
    assert (deals["token"], deals["return_affected_field_values"]) == (None, False)
    assert deals["notify_on_related_action"] is True
    assert lives(deals, HOUR)


def test_patch_changes_only_what_is_given(zoho, later):
    first = channel("1", "Deals.edit", token="a", return_affected_field_values=True)
    watch(zoho, "POST", first | {"notify_on_related_action": False}, channel("2"))
    expiry = later(DAY)
    answer = watch(zoho, "PATCH", channel("1", "Deals.create", channel_expiry=expiry))
    item = answer.body["watch"][0]
    assert (answer.status, item["message"]) == (200, "Successfully updated the subscribe details")
    changed, other = listed(zoho)
    assert item["details"]["events"][0]["channel_expiry"] == changed["channel_expiry"] == expiry
    assert (changed["token"], changed["return_affected_field_values"]) == ("a", True)
    assert changed["notify_on_related_action"] is False
    assert changed["events"] == ["Deals.edit", "Deals.create"], "events are added"
    assert other["channel_id"] == "2"


def test_patch_without_an_expiry_gives_an_hour_or_keeps_it(zoho, later, lives):
    expiry = later(DAY)
    watch(zoho, "POST", channel(channel_expiry=expiry))
    zoho.control("POST", "settings", {"watch_patch_expiry": "kept", "watch_patch_events": "replace"})
    watch(zoho, "PATCH", channel("1000000068001", "Deals.edit"))
    assert listed(zoho)[0]["channel_expiry"] == expiry
    assert listed(zoho)[0]["events"] == ["Deals.edit"]
    zoho.control("POST", "settings", {"watch_patch_expiry": "default"})
    watch(zoho, "PATCH", channel())
    assert lives(listed(zoho)[0], HOUR)


def test_patch_wants_all_that_is_mandatory_unless_told_otherwise(zoho, later):
    watch(zoho, "POST", channel("1", "Deals.edit", "Quotes.edit"))
    renewal = {"channel_id": "1", "channel_expiry": later(DAY)}
    assert watch(zoho, "PATCH", renewal).body["watch"][0]["details"]["api_name"] == "events"
    zoho.control("POST", "settings", {"watch_patch_needs": "channel_id"})
    assert watch(zoho, "PATCH", renewal).status == 200
    assert {one["channel_expiry"] for one in listed(zoho)} == {renewal["channel_expiry"]}


def test_patch_without_the_wrapper_as_the_openapi_file_has_it(zoho):
    watch(zoho, "POST", channel("1", "Deals.edit"))
    assert zoho.call("PATCH", "actions/watch", channel("1", "Quotes.edit", token="b")).status == 200
    deals, quotes = listed(zoho)
    assert (deals["token"], quotes["token"]) == (None, "b")


def test_a_renewal_may_count_from_the_beginning(zoho, later, lives):
    watch(zoho, "POST", *(channel(number, channel_expiry=later(DAY)) for number in "12"))
    forward(zoho, 2 * HOUR)
    zoho.control("POST", "settings", {"watch_renewal": "from_enabling"})
    expiry = later(2 * DAY)
    asked = channel("1", channel_expiry=later(WEEK - 600)), channel("2", channel_expiry=expiry)
    watch(zoho, "PATCH", *asked)
    first, second = listed(zoho)
    assert lives(first, HOUR)
    assert second["channel_expiry"] == expiry


def test_events_are_taken_away_one_by_one(zoho):
    watch(zoho, "POST", channel("1", "Deals.all", "Quotes.edit"))
    less = {"channel_id": "1", "events": ["Deals.delete", "Quotes.all"], "_delete_events": True}
    answer = watch(zoho, "PATCH", less)
    item = answer.body["watch"][0]
    assert (answer.status, item["message"]) == (200, "Successfully removed the subscribe details")
    assert [event["resource_name"] for event in item["details"]["events"]] == ["Deals", "Quotes"]
    assert "channel_expiry" not in item["details"]["events"][0]
    assert [one["events"] for one in listed(zoho)] == [["Deals.edit", "Deals.create"]]
    assert watch(zoho, "PATCH", less | {"events": ["Quotes.edit"]}).body["watch"] == [GONE]
    assert watch(zoho, "PATCH", less | {"_delete_events": "yes"}).body["watch"][0]["code"] == "INVALID_DATA"
    assert watch(zoho, "PATCH", channel("1", "Deals.delete", _delete_events=False)).status == 200
    assert "Deals.delete" in listed(zoho)[0]["events"]


def test_a_channel_is_disabled(zoho):
    watch(zoho, "POST", channel("1", "Deals.all", "Quotes.edit"), channel("2"))
    answer = zoho.call("DELETE", "actions/watch?channel_ids=1")
    assert answer.status == 200
    assert [item["details"].keys() for item in answer.body["watch"]] == [
        {"resource_uri", "resource_id", "channel_id"}
    ] * 2
    assert answer.body["watch"][0]["message"] == "Successfully un-subscribed from actions-watch"
    mixed = zoho.call("DELETE", "actions/watch?channel_ids=1,2")
    assert (mixed.status, mixed.body["watch"][0]) == (207, GONE)
    assert listed(zoho) == 204
    assert zoho.call("DELETE", "actions/watch").body["code"] == "REQUIRED_PARAM_MISSING"


# -- expiry and ownership


def test_an_expired_channel_is_gone(zoho, later):
    watch(zoho, "POST", channel("1", channel_expiry=later(DAY)), channel("2", channel_expiry=later(3 * DAY)))
    forward(zoho, 2 * DAY)
    assert [one["channel_id"] for one in listed(zoho)] == ["2"]
    for method in ("PUT", "PATCH"):
        answer = watch(zoho, method, channel("1", channel_expiry=later(DAY)))
        assert (answer.status, answer.body["watch"]) == (400, [GONE])
    answer = zoho.call("DELETE", "actions/watch?channel_ids=1")
    assert (answer.status, answer.body["watch"]) == (400, [GONE])
    assert watch(zoho, "POST", channel("1")).status == 201, "enabling again is the way back"


def test_a_channel_belongs_to_the_user_who_made_it(zoho):
    mine, theirs = channel("1"), channel("1", "Deals.edit", token="theirs")
    made = zoho.control("POST", "channels", {"user": SALES_USER, "watch": [theirs]})
    assert made[0]["code"] == "SUCCESS"
    assert listed(zoho) == 204
    assert watch(zoho, "PATCH", mine).body["watch"] == [GONE]
    watch(zoho, "POST", mine)
    zoho.call("DELETE", "actions/watch?channel_ids=1")
    left = zoho.control("GET", "channels")
    assert [(one["user"], one["channel_id"], one["module"]) for one in left] == [(SALES_USER, "1", "Deals")]


def test_another_application_of_the_same_user_is_seen(zoho):
    zoho.control("POST", "channels", {"watch": [channel("55", "Quotes.edit")]})
    watch(zoho, "POST", channel("1"))
    assert [one["channel_id"] for one in listed(zoho)] == ["55", "1"]
    assert [one["channel_id"] for one in listed(zoho, "?module=Quotes")] == ["55"]


def test_channels_are_lost_behind_everybodys_back(zoho):
    watch(zoho, "POST", channel("1"), channel("2"), channel("3"))
    zoho.control("POST", "channels/remove", {"channel_ids": ["2"]})
    assert [one["channel_id"] for one in listed(zoho)] == ["1", "3"]
    zoho.control("POST", "channels/remove", {})
    assert listed(zoho) == 204


def test_a_module_that_goes_takes_its_subscriptions_along(zoho):
    made = {"singular_label": "Dream", "plural_label": "Dreams", "api_name": "Dreams"}
    zoho.control("POST", "modules", made)
    watch(zoho, "POST", channel("1", "Deals.edit", "Dreams.all"))
    zoho.control("DELETE", "modules/Dreams")
    assert [one["resource_name"] for one in listed(zoho)] == ["Deals"]


# -- rights


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("READ", {"GET"}),
        ("CREATE", {"POST"}),
        ("UPDATE", {"PUT", "PATCH"}),
        ("WRITE", {"POST", "PUT", "PATCH", "DELETE"}),
        ("DELETE", {"DELETE"}),
        ("ALL", {"GET", "POST", "PUT", "PATCH", "DELETE"}),
    ],
)
def test_scopes(start, scope, allowed):
    zoho = start(scopes=f"ZohoCRM.notifications.{scope},ZohoCRM.modules.ALL")
    permitted = set()
    for method in ("POST", "PUT", "PATCH", "GET", "DELETE"):
        body = {"watch": [channel()]} if method.startswith("P") else None
        answer = zoho.call(method, "actions/watch?channel_ids=1", body)
        if answer.status != 401:
            permitted.add(method)
        else:
            assert answer.body["code"] == "OAUTH_SCOPE_MISMATCH"
    assert permitted == allowed


def test_what_the_profile_hides_cannot_be_watched(start):
    zoho = start(hidden_modules=("Deals",))
    assert watch(zoho, "POST", channel()).body["watch"][0]["details"]["api_name"] == "events"


def test_a_call_costs_one_credit(zoho):
    watch(zoho, "POST", channel("1"), channel("2"))
    counts = zoho.control("GET", "counts")
    assert (counts["credits_used"], counts["calls_by_kind"]["watch.enable"]) == (1, 1)


# -- Zoho's own description


@pytest.mark.skipif(not openapi.FILES.is_dir(), reason=f"there is no {openapi.FILES}")
def test_the_answers_are_as_zohos_openapi_file_has_them(zoho, later):
    """With two exceptions of Zoho's own: its example of GET has null and groups where its schema does not."""
    [path] = openapi.FILES.glob("*notifications*")
    file = json.loads(path.read_text(encoding="utf-8"))

    def check(method, answer):
        responses = file["paths"]["/actions/watch"][method.lower()]["responses"]
        found = responses[str(answer.status)]
        if "$ref" in found:
            found = file["components"]["responses"][found["$ref"].rpartition("/")[2]]
        schema = {"components": file["components"], **found["content"]["application/json"]["schema"]}
        openapi.Draft202012Validator(schema).validate(answer.body)

    good, bad = channel("1", "Deals.all", channel_expiry=later(DAY), token="t"), channel("2", "Dreams.all")
    for method in ("POST", "PUT", "PATCH"):
        for asked in ([good], [good, bad], [bad]):
            check(method, watch(zoho, method, *asked))
    check("GET", zoho.call("GET", "actions/watch"))
    for _ in range(2):
        check("DELETE", zoho.call("DELETE", "actions/watch?channel_ids=1"))
