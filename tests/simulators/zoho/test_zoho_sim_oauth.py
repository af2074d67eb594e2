import http.client

import pytest

from ml_connector.simulators.zoho import GrantCode
from ml_connector.simulators.zoho.scopes import Operation, covers, split_scopes


def test_refresh_gives_a_token_for_an_hour_and_the_simulator_as_api_domain(zoho):
    answer = zoho.sign_in()
    assert answer.status == 200
    assert answer.body["expires_in"] == 3600
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["api_domain"] == zoho.simulator.url
    assert zoho.call("GET", "org").body["org"][0]["zgid"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "x"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
        ({"refresh_token": "x"}, "invalid_code"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_code"),
    ],
)
def test_token_errors_come_as_http_200(zoho, change, error):
    answer = zoho.sign_in(**change)
    assert (answer.status, answer.body) == (200, {"error": error})


def test_grant_code_serves_once_and_for_three_minutes(start):
    zoho = start(grant_codes=(GrantCode("once", "ZohoCRM.org.READ"), GrantCode("late")))
    first = zoho.sign_in(grant_type="authorization_code", code="once").body
    assert first["refresh_token"] != zoho.options.refresh_token
    assert zoho.sign_in(grant_type="authorization_code", code="once").body == {"error": "invalid_code"}
    zoho.control("POST", "settings", {"clock_offset_seconds": 181})
    assert zoho.sign_in(grant_type="authorization_code", code="late").body == {"error": "invalid_code"}
    zoho.token = first["access_token"]
    assert zoho.call("GET", "org").status == 200
    refused = zoho.call("GET", "users?type=CurrentUser")
    assert (refused.status, refused.body["code"]) == (401, "OAUTH_SCOPE_MISMATCH")
    assert zoho.sign_in(refresh_token=first["refresh_token"]).body["access_token"]
    assert zoho.control("POST", "grant_codes", {})["code"]


def test_the_eleventh_token_within_ten_minutes_is_denied(zoho):
    for _ in range(10):
        assert "access_token" in zoho.sign_in().body
    denied = zoho.sign_in()
    assert (denied.status, denied.body["error"]) == (200, "Access Denied")
    zoho.control("POST", "settings", {"clock_offset_seconds": 601})
    assert "access_token" in zoho.sign_in().body


def test_the_sixteenth_token_kills_the_oldest(zoho):
    zoho.sign_in()
    oldest = zoho.token
    for number in range(15):
        zoho.control("POST", "settings", {"clock_offset_seconds": 61 * (number + 1)})
        zoho.sign_in()
    newest, zoho.token = zoho.token, oldest
    assert zoho.call("GET", "org").status == 401
    zoho.token = newest
    assert zoho.call("GET", "org").status == 200


def test_access_token_ends_after_an_hour_or_when_told(zoho):
    zoho.sign_in()
    zoho.control("POST", "settings", {"clock_offset_seconds": 3601})
    expired = zoho.call("GET", "org")
    assert expired.status == 401
    assert expired.body == {
        "code": "INVALID_TOKEN",
        "details": {},
        "message": "invalid oauth token",
        "status": "error",
    }
    zoho.sign_in()
    assert zoho.control("POST", "tokens/expire")["expired"] >= 1
    assert zoho.call("GET", "org").body["code"] == "INVALID_TOKEN"


def test_revoking_the_refresh_token_ends_everything(zoho):
    zoho.sign_in()
    answer = zoho.ask("POST", f"/oauth/v2/token/revoke?token={zoho.options.refresh_token}")
    assert answer.body == {"status": "success"}
    assert zoho.call("GET", "org").status == 401
    assert zoho.sign_in().body == {"error": "invalid_code"}


def test_control_revokes_the_ready_refresh_token(zoho):
    assert zoho.control("POST", "tokens/revoke") == {"revoked": True}
    assert zoho.sign_in().body == {"error": "invalid_code"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "settings/nothing/at/all", 404, "INVALID_URL_PATTERN"),
        ("PATCH", "Accounts", 400, "INVALID_REQUEST_METHOD"),
        ("GET", "Nothing?fields=id", 400, "INVALID_MODULE"),
        ("GET", "settings/modules/Nothing", 400, "INVALID_MODULE"),
        ("GET", "Ordered_Items?fields=id", 400, "INVALID_MODULE"),
    ],
)
def test_wrong_paths(zoho, method, path, status, code):
    answer = zoho.call(method, path)
    assert (answer.status, answer.body["code"]) == (status, code)


def test_a_module_that_the_profile_hides_is_403(start):
    answer = start(hidden_modules=("Deals",)).call("GET", "Deals?fields=id")
    assert (answer.status, answer.body["code"]) == (403, "NO_PERMISSION")
    assert answer.body["details"] == {"permissions": ["Crm_Implied_View_Deals"]}


def test_no_authorization_header(zoho):
    answer = zoho.ask("GET", "/crm/v8/org")
    assert (answer.status, answer.body["code"]) == (401, "AUTHENTICATION_FAILURE")


@pytest.mark.parametrize(
    ("scopes", "calls"),
    [
        (
            "ZohoCRM.modules.accounts.READ,ZohoCRM.coql.READ",
            {"list": 204, "insert": 401, "search": 401, "coql": 204},
        ),
        (
            "ZohoCRM.modules.READ,ZohoSearch.securesearch.READ",
            {"list": 204, "insert": 401, "search": 204, "coql": 401},
        ),
        (
            "ZohoCRM.modules.contacts.ALL,ZohoCRM.coql.ALL",
            {"list": 401, "insert": 401, "search": 401, "coql": 401},
        ),
        ("ZohoCRM.modules.accounts.WRITE", {"list": 401, "insert": 201, "search": 401, "coql": 401}),
    ],
)
def test_scopes_decide_call_by_call(start, scopes, calls):
    zoho = start(scopes=scopes)
    answers = {
        "list": zoho.call("GET", "Accounts?fields=id"),
        "search": zoho.call("GET", "Accounts/search?word=x"),
        "coql": zoho.coql("select id from Accounts where id is not null"),
        "insert": zoho.insert("Accounts", {"Account_Name": "A"}),
    }
    assert {name: answer.status for name, answer in answers.items()} == calls


def test_scopes_of_groups_and_spelling():
    granted = split_scopes("ZohoCRM.settings.ALL, zohocrm.modules.Salesorders.CREATE")
    assert covers(granted, "zohocrm.settings.fields", Operation.CREATE)
    assert covers(granted, "zohocrm.modules.salesorders", Operation.CREATE)
    assert not covers(granted, "zohocrm.modules.salesorders", Operation.UPDATE)


def test_a_request_that_is_no_http_is_refused(zoho):
    connection = http.client.HTTPConnection(zoho.simulator.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/crm/v8/Accounts")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()
