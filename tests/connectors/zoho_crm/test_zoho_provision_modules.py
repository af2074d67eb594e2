"""Custom modules: what is there, what an edition has, making one once, and the fields that come with it."""

import pytest

from ml_connector.connectors.zoho_crm import wire
from ml_connector.connectors.zoho_crm.labels import give_labels
from ml_connector.connectors.zoho_crm.places import Module
from ml_connector.connectors.zoho_crm.schema import FieldMeta
from ml_connector.connectors.zoho_crm.wire import Reply
from ml_connector.core.errors import NotPermittedError, RetryableError
from ml_connector.core.needs import FieldNeed, ModuleNeed

CHART = ModuleNeed("GL_Accounts", "GL Account", "GL Accounts", "GL Account Name")
LINES = ModuleNeed("GL_Journal_Lines", "GL Journal Line", "GL Journal Lines", "GL Line Name")
MODULES = "/crm/v8/settings/modules"
KEY = FieldNeed("GL_Accounts", "GP_Account", "GP Account", "text", 160, unique=True, module_is_ours=True)
NAME = FieldNeed("GL_Accounts", "Name", module_is_ours=True)
LOOKUP = FieldNeed("Deals", "GP_GL_Account", "GP GL Account", "lookup", lookup="GL_Accounts", related="Deals")


def segment(number, shown_as):
    name = f"GP_Segment_{number}"
    return FieldNeed(
        "GL_Accounts", name, name.replace("_", " "), "text", 66, shown_as=shown_as, module_is_ours=True
    )


@pytest.fixture
def target(org):
    return org.target()


def asked(org, method, path):
    return [a for a in org.control("GET", "requests") if (a["method"], a["path"]) == (method, path)]


def labels_of(target):
    return {meta.name: meta.label for meta in target.client.list_fields("GL_Accounts")}


# -- modules


def test_what_is_missing_is_told_then_made_and_a_second_run_changes_nothing(org, target):
    before = target.check_modules([CHART, LINES])
    assert [(s.exists, s.left_out, s.problem) for s in before] == [(False, False, "")] * 2
    assert "500 API credits" in before[0].note
    made = target.create_modules([CHART, LINES])
    assert [(s.exists, s.problem, s.note) for s in made] == [(True, "", "")] * 2
    assert target.client.cost().credits >= 1000
    assert target.create_modules([CHART, LINES]) == target.check_modules([CHART, LINES]) == made
    assert len(asked(org, "POST", MODULES)) == 2
    assert len(asked(org, "GET", "/crm/v8/settings/profiles")) == 1
    [chart] = [m for m in target.client.list_modules() if m.name == "GL_Accounts"]
    assert (chart.singular, chart.plural) == ("GL Account", "GL Accounts")
    [name] = [f for f in target.client.list_fields("GL_Accounts") if f.name == "Name"]
    assert name.label == "GL Account Name"


def test_nothing_is_asked_where_no_module_is_needed(org, target):
    assert target.check_modules([]) == target.create_modules([]) == []
    assert asked(org, "GET", MODULES) == []


@pytest.mark.parametrize("edition", ["free", "standard", "professional"])
def test_an_edition_without_modules_of_ones_own_leaves_them_out_and_says_so(start, edition):
    org = start(edition=edition)
    (state,) = org.target(edition="enterprise").create_modules([CHART])  # what the organisation tells counts
    assert (state.exists, state.left_out, state.problem) == (False, True, "")
    assert f"the {edition} edition" in state.note
    assert asked(org, "POST", MODULES) == []


def test_what_the_api_answers_counts_more_than_our_table(start):
    """The organisation has its custom modules already, as many as it may have."""
    org = start(edition="enterprise", custom_module_limit=1)
    target = org.target()
    made, refused = target.create_modules([CHART, LINES])
    assert made.exists
    assert (refused.exists, refused.left_out, refused.problem) == (False, True, "")
    assert "LIMIT_EXCEEDED" in refused.note
    assert len(asked(org, "POST", MODULES)) == 2


REFUSALS = [
    (400, b'{"code":"NOT_SUPPORTED","details":{},"message":"no","status":"error"}', "NOT_SUPPORTED"),
    (
        400,
        b'{"modules":[{"code":"LIMIT_EXCEEDED","details":{"limit":10},"message":"m","status":"error"}]}',
        "LIMIT_EXCEEDED",
    ),
]


@pytest.mark.parametrize(("status", "body", "code"), REFUSALS)
def test_a_refusal_is_read_whether_it_is_of_the_request_or_of_its_item(status, body, code):
    reply = Reply(status, {}, body)
    items = wire.read_items(reply, "modules", 1)
    item = items[0] if items else wire.whole_item(reply)
    assert item.code == code
    assert not item.ok


@pytest.mark.parametrize("kind", ["cut_after_work", "http_500_after_work", "cut_mid_answer"])
def test_a_lost_answer_leaves_one_module_that_a_second_run_sees(org, target, kind):
    org.faults({"match": f"POST {MODULES}", "kind": kind})
    with pytest.raises(RetryableError):
        target.create_modules([CHART])
    (state,) = target.create_modules([CHART])
    assert (state.exists, state.problem) == (True, "")
    assert len(asked(org, "POST", MODULES)) == 1


def test_what_was_made_meanwhile_is_there_and_no_trouble(org, target):
    """Sent twice on the way, the second one is refused as a duplicate: it is read back."""
    org.faults({"match": f"POST {MODULES}", "kind": "duplicate"})
    (state,) = target.create_modules([CHART])
    assert (state.exists, state.left_out, state.problem) == (True, False, "")


def test_a_label_that_another_module_has_is_told_and_nothing_is_sent(org, target):
    theirs = ModuleNeed("Ledger", "GL account", "Ledger accounts", "Name")
    target.create_modules([theirs])
    (state,) = target.create_modules([CHART])
    assert not state.exists
    assert "Ledger" in state.problem
    assert "[module]" in state.remedy
    assert len(asked(org, "POST", MODULES)) == 1


def test_a_name_that_zoho_keeps_for_itself_is_told_in_its_words(start):
    (state,) = start(reserved_module_names=("GL_Accounts",)).target().create_modules([CHART])
    assert (state.exists, state.left_out) == (False, False)
    assert "RESERVED_KEYWORD_NOT_ALLOWED" in state.problem
    assert state.remedy.endswith("run `ml-connector provision`.")


def test_without_the_right_nothing_is_made_and_it_is_said(org, target):
    org.control("POST", "settings", {"may_customise": False})
    with pytest.raises(NotPermittedError, match="create modules"):
        target.create_modules([CHART])
    assert not target.check_modules([CHART])[0].exists


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("ZohoCRM.org.READ", r"settings\.modules\.READ"),
        ("ZohoCRM.org.READ,ZohoCRM.settings.modules.READ", r"settings\.profiles\.READ"),
        (
            "ZohoCRM.org.READ,ZohoCRM.settings.modules.READ,ZohoCRM.settings.profiles.READ",
            r"settings\.modules\.CREATE",
        ),
    ],
)
def test_without_a_scope_it_is_said_which_is_missing(start, granted, missing):
    with pytest.raises(NotPermittedError, match=missing):
        start(scopes=granted).target().create_modules([CHART])


# -- fields of a module that is ours


def test_fields_of_a_module_that_is_ours_are_made_with_it(org, target):
    key, name = target.check_fields([KEY, NAME])
    assert (key.exists, name.exists) == (False, False)
    assert "does not exist in Zoho yet" in name.problem
    assert "ml-connector provision" in name.remedy
    assert "mapping" not in name.remedy
    untouched = target.create_fields([KEY, NAME])  # before the module is there
    assert [state.exists for state in untouched] == [False, False]
    assert asked(org, "POST", "/crm/v8/settings/fields") == []
    target.create_modules([CHART])
    made = target.create_fields([KEY, NAME, LOOKUP])
    assert [(state.exists, state.problem) for state in made] == [(True, "")] * 3


def test_a_lookup_is_made_to_its_module_and_one_that_points_elsewhere_does_not_fit(target):
    target.create_modules([CHART])
    (made,) = target.create_fields([LOOKUP])
    assert (made.exists, made.problem) == (True, "")
    [meta] = [f for f in target.client.list_fields("Deals") if f.name == "GP_GL_Account"]
    assert (meta.type, meta.lookup) == ("lookup", "GL_Accounts")
    elsewhere = FieldNeed("Deals", "GP_GL_Account", "GP GL Account", "lookup", lookup="Accounts")
    assert "points to GL_Accounts, not to Accounts" in target.check_fields([elsewhere])[0].problem


def test_a_picklist_begins_with_its_choices_and_a_lookup_cannot_take_its_place(target):
    picks = FieldNeed(
        "Deals", "GP_GL_Account", "GP GL Account", "picklist", choices=("000-1100-00", "000-4110-01")
    )
    (made,) = target.create_fields([picks])
    assert (made.exists, made.problem) == (True, "")
    target.create_modules([CHART])
    (state,) = target.check_fields([LOOKUP])
    assert "of the type picklist, not lookup" in state.problem
    assert "another API name than GP_GL_Account" in state.remedy


# -- labels


def test_a_field_keeps_its_api_name_and_people_see_the_sources_own_name(org, target):
    target.create_modules([CHART])
    wanted = [KEY, segment(1, "Division"), segment(2, "Account")]
    made = target.create_fields(wanted)
    assert [(s.exists, s.relabel, s.problem) for s in made] == [(True, False, "")] * 3
    assert labels_of(target)["GP_Segment_1"] == "Division"
    renamed = [segment(1, "Business Unit"), segment(2, "Account")]
    assert [s.relabel for s in target.check_fields(renamed)] == [True, False]
    target.create_fields(renamed)
    assert labels_of(target)["GP_Segment_1"] == "Business Unit"


def test_names_that_change_places_do_so(target):
    target.create_modules([CHART])
    target.create_fields([segment(1, "Division"), segment(2, "Account")])
    swapped = target.create_fields([segment(1, "Account"), segment(2, "Division")])
    assert [(s.relabel, s.problem) for s in swapped] == [(False, "")] * 2
    labels = labels_of(target)
    assert (labels["GP_Segment_1"], labels["GP_Segment_2"]) == ("Account", "Division")


def test_a_crash_between_making_and_labelling_is_finished_by_the_next_run(org, target):
    target.create_modules([CHART])
    org.faults({"match": "PATCH /crm/v8/settings/fields", "kind": "drop", "count": 9})
    wanted = [segment(1, "Division"), segment(2, "Account")]
    with pytest.raises(RetryableError):
        target.create_fields(wanted)
    assert labels_of(target)["GP_Segment_1"] == "GP Segment 1"
    org.faults()
    assert [s.relabel for s in target.check_fields(wanted)] == [True, True]
    target.create_fields(wanted)
    assert labels_of(target)["GP_Segment_2"] == "Account"
    assert len(asked(org, "POST", "/crm/v8/settings/fields")) == 1


def test_a_label_that_another_field_has_is_a_problem_told(target):
    target.create_modules([CHART])
    alias = FieldNeed("GL_Accounts", "GP_Alias", "GP Alias", "text", 30)
    states = target.create_fields([alias, segment(1, "gp alias"), segment(2, "Site"), segment(3, "Site")])
    assert [s.exists for s in states] == [True] * 4
    assert [bool(s.problem) for s in states] == [False, True, False, True]
    assert "GP_Alias has that label" in states[1].problem
    assert "GP_Segment_2 has that label" in states[3].problem
    assert all("Rename one of the two" in s.remedy for s in states if s.problem)
    assert labels_of(target)["GP_Segment_2"] == "Site"


def test_without_the_right_to_relabel_it_is_said(start):
    granted = (
        "ZohoCRM.org.READ,ZohoCRM.settings.modules.ALL,ZohoCRM.settings.profiles.READ,"
        "ZohoCRM.settings.fields.READ,ZohoCRM.settings.fields.CREATE"
    )
    target = start(scopes=granted).target()
    target.create_modules([CHART])
    with pytest.raises(NotPermittedError, match=r"settings\.fields\.UPDATE"):
        target.create_fields([segment(1, "Division")])


def test_labels_are_given_in_the_order_of_the_needs_whatever_case_they_have():
    fields = {name: FieldMeta(name, name.replace("_", " "), "text") for name in ("GP_Segment_1", "Site")}
    modules = {"GL_Accounts": Module("GL_Accounts", fields)}
    labels = give_labels(modules, [segment(1, "SITE"), segment(2, "site")])
    assert labels.change == {}
    assert labels.taken == {("GL_Accounts", "GP_Segment_1"): "Site", ("GL_Accounts", "GP_Segment_2"): "Site"}


# -- ping


def checks_of(target, needs=(), **more):
    return {check.name: check for check in target.checks(["GL_Accounts"], needs, own=[CHART], **more)}


def test_ping_says_of_a_module_that_is_not_made_yet_what_to_do_and_tries_the_rights_to_make_it(target):
    found = checks_of(target, [KEY])
    assert not found["modules"].ok
    assert "GL_Accounts does not exist in Zoho yet" in found["modules"].detail
    assert "ml-connector provision" in found["modules"].remedy
    assert found["create modules"].ok
    assert found["read profiles"].ok
    assert "read GL_Accounts" not in found
    target.create_modules([CHART])
    target.create_fields([KEY, segment(1, "Division")])
    found = checks_of(target, [KEY, segment(1, "Division")])
    assert [name for name, check in found.items() if not check.ok] == []
    assert "create modules" not in found  # trying it may cost what it costs
    assert "relabel fields" in found


def test_ping_names_the_scopes_that_are_missing(start):
    granted = "ZohoCRM.org.READ,ZohoCRM.settings.modules.READ"
    found = checks_of(start(scopes=granted).target(), [KEY])
    assert "ZohoCRM.settings.modules.CREATE" in found["create modules"].detail
    assert "ZohoCRM.settings.profiles.READ" in found["read profiles"].detail


@pytest.mark.parametrize("configured", ["standard", "enterprise"])
def test_ping_says_where_the_organisation_has_another_edition_than_the_settings(start, configured):
    """The settings' edition decides how much is asked at once and in a day."""
    org = start(edition="standard")
    [told] = [c.detail for c in org.target(edition=configured).checks([], []) if c.name == "organisation"]
    assert told.startswith("Fabrikam, Inc. (id ")
    assert ('its edition is standard, not enterprise: set edition = "standard" below [zoho]' in told) is (
        configured == "enterprise"
    )
