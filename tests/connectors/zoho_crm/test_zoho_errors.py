"""Every row of the error tables, and what becomes of one record of a batch."""

import json
import socket
import ssl

import httpx2
import pytest

from ml_connector.connectors.zoho_crm import codes, errors
from ml_connector.connectors.zoho_crm.wire import Item, Reply
from ml_connector.core.catalogue import Kind
from ml_connector.core.errors import (
    ConfigurationError,
    NotDoneError,
    NotPermittedError,
    RecordRejectedError,
    RetryableError,
)
from ml_connector.core.ports import Duplicate, Refused, Written


def reply(status, body, headers=None):
    return Reply(status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def flat(code, details=None):
    return {"code": code, "details": details or {}, "message": "said", "status": "error"}


def request_error(status, body, headers=None):
    return errors.request_error(
        reply(status, body, headers), "read Accounts", "ZohoCRM.modules.accounts.READ"
    )


SAID_OTHERWISE = {"INVALID_TOKEN", "TOO_MANY_REQUESTS"}  #: told by their statuses, 401 and 429


@pytest.mark.parametrize("code", sorted({*codes.REQUEST_CODES, *codes.SAME} - SAID_OTHERWISE))
def test_every_known_code_has_its_kind_and_a_remedy(code):
    error = request_error(400, flat(code))
    meaning = codes.meaning_in(codes.REQUEST_CODES, code) or codes.REQUEST_CODES["INVALID_REQUEST"]
    assert type(error) is (RetryableError if meaning.kind is Kind.WAIT else meaning.error)
    assert "{" not in error.happened.split("it said")[0]
    assert error.remedy


@pytest.mark.parametrize("code", ["NO_PERMISSION", "AUTHORIZATION_FAILED", "OAUTH_SCOPE_MISMATCH"])
def test_what_another_person_may_do_is_told_apart(code):
    assert isinstance(request_error(403, flat(code)), NotPermittedError)


def test_a_fault_of_the_whole_request_may_come_as_that_of_the_first_record():
    fault = flat("AUTHORIZATION_FAILED", {"resource_path_index": 0})
    assert isinstance(request_error(400, {"data": [fault]}), NotPermittedError)


def test_a_missing_scope_is_named():
    error = request_error(401, flat("OAUTH_SCOPE_MISMATCH"))
    assert isinstance(error, ConfigurationError)
    assert "ZohoCRM.modules.accounts.READ" in error.happened


def test_a_missing_permission_is_named():
    error = request_error(403, flat("NO_PERMISSION", {"permissions": ["Crm_Implied_View_Accounts"]}))
    assert isinstance(error, ConfigurationError)
    assert "Crm_Implied_View_Accounts" in error.happened


@pytest.mark.parametrize("code", ["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"])
def test_a_token_refused_even_when_new_is_for_a_person(code):
    assert isinstance(request_error(401, flat(code)), ConfigurationError)


@pytest.mark.parametrize(
    ("body", "headers", "after_seconds"),
    [
        (flat("TOO_MANY_REQUESTS"), {}, 10.0),
        (flat("RATE_LIMIT_EXCEEDED"), {"X-API-CREDITS-REMAINING": "12"}, 10.0),
        (flat("TOO_MANY_REQUESTS"), {"x-api-credits-remaining": "0"}, 3600.0),
        ({"code": 429, "error_info": "Many requests ... for the past 24 hours."}, {}, 3600.0),
        ({"message": "The number of API requests for the 24 hour period is exceeded"}, {}, 3600.0),
        ({"message": "... the 24 hour period is exceeded or the concurrency limit ..."}, {}, 10.0),
        (b"<html>busy</html>", {}, 10.0),
    ],
)
def test_too_many_requests(body, headers, after_seconds):
    error = request_error(429, body, headers)
    assert isinstance(error, RetryableError)
    assert error.after_seconds == after_seconds


def test_too_few_credits_for_this_call_are_as_good_as_none():
    answer = reply(429, flat("TOO_MANY_REQUESTS"), {"X-API-CREDITS-REMAINING": "9"})
    assert errors.request_error(answer, "write", "scope", 10).after_seconds == 3600
    assert errors.request_error(answer, "write", "scope", 9).after_seconds == 10


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", [flat("INTERNAL_ERROR"), b"<html>"])
def test_zoho_away(status, body):
    assert isinstance(request_error(status, body), RetryableError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, ConfigurationError), (404, ConfigurationError), (408, RetryableError), (413, ConfigurationError)],
)
def test_statuses_without_a_known_code(status, kind):
    assert isinstance(request_error(status, flat("")), kind)


def test_what_is_not_understood_is_shown_as_it_came_without_secrets():
    error = request_error(400, flat("BRAND_NEW", {"token": "1000.abcdef123456"}))
    assert isinstance(error, ConfigurationError)
    assert "BRAND_NEW" in error.happened
    assert "abcdef" not in error.happened


def test_html_in_place_of_an_error_is_retried():
    with pytest.raises(RetryableError, match="is not the JSON"):
        request_error(400, b"<html>proxy</html>")


# ---- the token endpoint


@pytest.mark.parametrize("name", [*codes.TOKEN_ERRORS, "access_denied"])
@pytest.mark.parametrize("status", [200, 400])
def test_token_errors_are_read_from_the_body(name, status):
    error = errors.token_error(reply(status, {"error": name}), "refresh token")
    meaning = codes.meaning_in(codes.TOKEN_ERRORS, name)
    assert isinstance(error, RetryableError if meaning.kind is Kind.WAIT else ConfigurationError)
    assert "{" not in error.happened
    assert error.remedy


def test_the_token_throttle_takes_ten_minutes():
    assert errors.token_error(reply(200, {"error": "Access Denied"}), "refresh token").after_seconds == 600


def test_an_unknown_token_error_is_for_a_person():
    assert isinstance(errors.token_error(reply(200, {"error": "new"}), "grant code"), ConfigurationError)
    assert isinstance(errors.token_error(reply(503, b"<html>"), "grant code"), RetryableError)
    assert isinstance(errors.token_error(reply(302, b""), "grant code"), ConfigurationError)


# ---- no answer


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (caused(httpx2.ConnectError("x"), socket.gaierror(-2, "unknown")), NotDoneError, "not known"),
        (caused(httpx2.ConnectError("x"), ConnectionRefusedError()), NotDoneError, "refuses"),
        (
            caused(httpx2.ConnectError("x"), ssl.SSLCertVerificationError("x")),
            ConfigurationError,
            "not trusted",
        ),
        (httpx2.ConnectTimeout("x"), NotDoneError, "cannot be reached"),
        (httpx2.ReadTimeout("x"), RetryableError, "in time"),
        (httpx2.ReadError("x"), RetryableError, "broke off"),
        (httpx2.RemoteProtocolError("x"), RetryableError, "broke off"),
    ],
)
def test_no_answer(error, kind, says):
    told = errors.transport_error(error, "www.zohoapis.eu")
    assert type(told) is kind
    assert says in told.happened
    assert "www.zohoapis.eu" in told.happened
    assert told.remedy


# ---- one record


def item(code, message="invalid data", **details):
    return Item(code, message, details, json.dumps({"code": code}))


def test_written():
    good = Item("SUCCESS", "record added", {"id": "7", "Modified_Time": "2026-01-31T10:00:00+05:30"})
    written = errors.write_result(good, None)
    assert isinstance(written, Written)
    assert (written.target_id, written.modified_at.isoformat()) == ("7", "2026-01-31T04:30:00+00:00")
    assert errors.write_result(Item("SUCCESS", "", {}), "9") == Written("9", None)
    with pytest.raises(RetryableError, match="did not name"):
        errors.write_result(Item("SUCCESS", "", {}), None)


@pytest.mark.parametrize("code", [*codes.ITEM_CODES, "AUTHORIZATION_FAILED", "ID_ALREADY_DELETED"])
def test_every_item_code_has_a_sentence_and_a_remedy(code):
    error = errors.item_error(item(code, api_name="Phone"))
    assert isinstance(error, RecordRejectedError)
    assert (error.code, error.field) == (code, "Phone")
    assert "{" not in error.happened
    assert error.remedy
    assert error.answer


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ({"maximum_length": 2}, "at most 2 characters"),
        ({"minimum_length": 2}, "at least 2 characters"),
        ({"expected_data_type": "integer"}, "of the type integer"),
        ({"supported_values": ["a", "b"]}, "only a, b"),
        ({"range": {"from": 1, "to": 9}}, "within 1 to 9"),
        ({"dependee": {"api_name": "Country"}}, "Country"),
        ({"layout_rule": {"name": "Big ones", "id": "7"}}, "the layout rule Big ones"),
    ],
)
def test_the_limit_is_told(details, says):
    assert says in errors.item_error(item("INVALID_DATA", api_name="F", **details)).happened


def test_an_unknown_code_carries_what_zoho_said():
    error = errors.item_error(item("BRAND_NEW", message="no, by 1000.abcdef123456"))
    assert error.code == "BRAND_NEW"
    assert "no, by [struck out]" in error.happened
    assert error.answer == '{"code": "BRAND_NEW"}'
    assert errors.item_error(Item("", "", {}, "{}")).code == "UNKNOWN"


def test_a_duplicate_names_the_other_record():
    result = errors.write_result(item("DUPLICATE_DATA", api_name="GP_ID", id="42"), None)
    assert isinstance(result, Duplicate)
    assert (result.target_id, result.field) == ("42", "GP_ID")
    nested = errors.write_result(item("DUPLICATE_DATA", api_name="GP_ID", duplicate_record={"id": "43"}), "1")
    assert nested.target_id == "43"
    assert errors.write_result(item("DUPLICATE_DATA", api_name="GP_ID"), None).target_id == ""


def several(*single):
    return item("MULTIPLE_OR_MULTI_ERRORS", errors=list(single))


def single(code, **details):
    return {"code": code, "details": details, "message": "m", "status": "error"}


def test_several_errors_are_all_told():
    both = several(
        single("MANDATORY_NOT_FOUND", api_name="Last_Name"), single("INVALID_DATA", api_name="Phone")
    )
    result = errors.write_result(both, None)
    assert isinstance(result, Refused)
    assert not result.gone
    assert result.error.field == "Last_Name, Phone"
    assert result.error.code == "MULTIPLE_OR_MULTI_ERRORS"
    assert "Last_Name" in result.error.happened
    assert "Phone" in result.error.happened


def test_duplicates_of_one_record_are_a_duplicate_and_of_two_are_refused():
    same = several(
        single("DUPLICATE_DATA", api_name="A", id="1"), single("DUPLICATE_DATA", api_name="B", id="1")
    )
    assert isinstance(errors.write_result(same, None), Duplicate)
    two = several(
        single("DUPLICATE_DATA", api_name="A", id="1"), single("DUPLICATE_DATA", api_name="B", id="2")
    )
    refused = errors.write_result(two, None)
    assert isinstance(refused, Refused)
    assert "1" in refused.error.happened
    assert "2" in refused.error.happened
    other = several(single("DUPLICATE_DATA", api_name="A", id="1"), single("INVALID_DATA", api_name="B"))
    assert isinstance(errors.write_result(other, None), Refused)


@pytest.mark.parametrize(
    ("answer", "target_id", "gone"),
    [
        (
            item("INVALID_DATA", "the id given seems to be invalid", api_name="id", json_path="$.data[3].id"),
            "1",
            True,
        ),
        (item("INVALID_DATA", "invalid data", api_name="id", json_path="$.data[0].id"), "1", True),
        (item("INVALID_DATA", "the id given seems to be invalid"), "1", True),
        (item("RECORD_NOT_FOUND"), "1", True),
        (item("INVALID_DATA", "the id given seems to be invalid", api_name="Account_Name"), "1", False),
        (
            item("INVALID_DATA", "invalid data", api_name="id", json_path="$.data[0].Account_Name.id"),
            "1",
            False,
        ),
        (item("INVALID_DATA", "invalid data", api_name="id", json_path="$.data[0].id"), None, False),
        (item("INVALID_DATA", "invalid data", api_name="Phone", json_path="$.data[0].Phone"), "1", False),
        (item("RECORD_LOCKED"), "1", False),
    ],
)
def test_gone_is_told_from_a_wrong_lookup(answer, target_id, gone):
    result = errors.write_result(answer, target_id)
    assert isinstance(result, Refused)
    assert result.gone is gone
