"""The error catalogue: every documented code of Zoho's, each with its kind, its meaning and what to do."""

import json
import re
from pathlib import Path

import pytest

from ml_connector.connectors.zoho_crm import codes, errors
from ml_connector.connectors.zoho_crm.wire import Item
from ml_connector.core.catalogue import Again, Kind

ZOHO = Path(__file__).parents[4] / "shared" / "reference" / "zoho"
BY_CODE = {entry.code: entry for entry in errors.CATALOGUE}

#: Words in the documents that look like codes and are none, or tell of a success.
NO_ERRORS = {
    "SUCCESS",
    "FILE_UPLOAD_SUCCESS",
    "ADDED_SUCCESSFULLY",
    "SCHEDULED",
    "NO_CONTENT",
    "No Content",
    "Not Modified",
    "NO_RECORDS_FOUND",
    "RECORD_ID",
    "TCP_NODELAY",
}


def codes_in(part, name="") -> set[str]:
    """What stands in the place of a ``code`` in an OpenAPI file: in schemas and in examples."""
    if isinstance(part, list):
        return {code for one in part for code in codes_in(one)}
    if not isinstance(part, dict):
        return {str(part)} if name == "code" else set()
    inside = {code for key, value in part.items() for code in codes_in(value, key)}
    if name != "code":
        return inside
    return inside | {
        str(one) for one in (*part.get("enum", ()), part.get("const"), part.get("example")) if one
    }


def documented() -> set[str]:
    """Codes in the error bodies of Zoho's OpenAPI files, and those that our facts name."""
    facts = (ZOHO / "facts.md").read_text()
    words = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", facts))
    near = {word for word in words if re.search(rf"(?:\b400|Errors?:?|→ )[^|]*{word}", facts)}
    files = (json.loads(path.read_text()) for path in sorted((ZOHO / "oas").glob("*/*.json")))
    return set().union(*map(codes_in, files), near) - NO_ERRORS


def test_every_documented_code_is_in_the_catalogue():
    if not ZOHO.is_dir():
        pytest.skip(f"no Zoho reference at {ZOHO}")
    found = documented()
    assert len(found) > 100
    assert sorted(found - BY_CODE.keys()) == []


def test_each_code_is_there_once_with_whole_sentences():
    assert len(BY_CODE) == len(errors.CATALOGUE)
    for entry in errors.CATALOGUE:
        assert entry.system == "Zoho CRM"
        for text in (entry.meaning, entry.remedy):
            assert text.endswith("."), entry
            assert text[0].isupper(), entry
            assert "{" not in text, entry


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_DATA", Kind.DATA),
        ("MANDATORY_NOT_FOUND", Kind.DATA),
        ("DUPLICATE_DATA", Kind.MATCH),
        ("RECORD_LOCKED", Kind.TARGET),
        ("INVALID_LAYOUT", Kind.SCHEMA),
        ("TOO_MANY_REQUESTS", Kind.WAIT),
        ("OAUTH_SCOPE_MISMATCH", Kind.STOP),
        ("invalid_code", Kind.STOP),
        ("Access Denied", Kind.WAIT),
    ],
)
def test_kinds(code, kind):
    assert BY_CODE[code].kind is kind


def test_what_the_code_uses_is_what_the_catalogue_says():
    for code, meaning in codes.ITEM_CODES.items():
        error = errors.item_error(Item(code, "", {"api_name": "Phone"}, "{}"))
        assert error.remedy == meaning.remedy
        assert meaning.remedy in BY_CODE[code].remedy
        assert BY_CODE[code].kind is meaning.kind


@pytest.mark.parametrize(
    ("code", "heals"),
    [
        ("RECORD_LOCKED", True),
        ("RECORD_IN_BLUEPRINT", True),
        ("NOT_APPROVED", True),
        ("NOT_REVIEWED", True),
        ("BLOCKED_RECORD", True),
        ("ALREADY_MODIFIED", True),
        ("INTERNAL_ERROR", True),
        ("SERVICE_UNAVAILABLE", True),
        ("INVALID_DATA", False),
        ("MANDATORY_NOT_FOUND", False),
        ("DUPLICATE_DATA", False),
        ("NO_PERMISSION", False),
        ("CONVERTED_RECORD", False),
        ("A_CODE_OF_TOMORROW", False),
    ],
)
def test_what_may_heal_by_itself(code, heals):
    assert errors.item_error(Item(code, "", {"api_name": "Phone"}, "{}")).heals is heals
    if code in BY_CODE:
        assert (BY_CODE[code].again is Again.LATER) is heals


@pytest.mark.parametrize("path", ["$.data[0].Account_Name", "$.data[0].Account_Name.id"])
def test_a_record_that_a_field_names_and_that_is_gone_may_come_back(path):
    details = {"api_name": "Account_Name", "json_path": path}
    error = errors.item_error(Item("INVALID_DATA", "the id given seems to be invalid", details, "{}"))
    assert (error.code, error.field, error.heals) == ("INVALID_DATA", "Account_Name", True)
    assert error.happened.startswith("The record that Account_Name names does not exist")
    assert errors.item_error(Item("INVALID_DATA", "invalid data", details, "{}")).heals is False


def test_of_several_faults_all_have_to_heal():
    def several(*some: str) -> bool:
        listed = [{"code": one, "details": {}, "message": "", "status": "error"} for one in some]
        return errors.item_error(Item("MULTIPLE_OR_MULTI_ERRORS", "", {"errors": listed}, "{}")).heals

    assert several("RECORD_LOCKED", "NOT_APPROVED")
    assert not several("RECORD_LOCKED", "INVALID_DATA")


def test_a_code_of_records_and_requests_tells_of_both():
    entry = BY_CODE["NO_PERMISSION"]
    assert "this record" in entry.meaning
    assert "profile lacks a permission" in entry.meaning
    assert "credits" in BY_CODE["TOO_MANY_REQUESTS"].meaning


def test_an_alias_has_a_row():
    rows = {*codes.ITEM_CODES, *codes.REQUEST_CODES, *codes.TOKEN_ERRORS}
    assert set(codes.SAME.values()) <= rows
    assert not codes.SAME.keys() & rows
