"""Recognising a record: link before key before name, and never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import AT, KEY_FIELD, texts

from ml_connector.core.catalogue import (
    AMBIGUOUS,
    AMBIGUOUS_KEY,
    DECLINED,
    DELETED,
    RENAMED,
    SIMILAR,
    TARGET_GONE,
)
from ml_connector.core.match import (
    Evidence,
    Found,
    Linked,
    Nothing,
    Similar,
    Unclear,
    Verdict,
    find_match,
    normalise_name,
)
from ml_connector.core.ports import Candidate


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Aaron Fitz Electrical", "AARON  FITZ ELECTRICAL "),
        ("Smith & Sons", "Smith and Sons"),
        ("Smith&Sons", "smith AND sons"),
        ("O'Neil's", "ONeils"),
        ("O’Neil", "o'neil"),
        ("Smith-Jones, Inc.", "Smith Jones Inc"),
        ("Café Zürich", "CAFE ZURICH"),
        ("Straße 1", "STRASSE 1"),
        ("Ｆａｂｒｉｋａｍ", "Fabrikam"),
        ("ﬁnance", "Finance"),
        ("Cafe\u0301", "Café"),
        ("Acme™", "ACME TM".replace(" ", "")),
    ],
)
def test_names_that_are_the_same(one, other):
    assert normalise_name(one) == normalise_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Smith", "Smyth"), ("Acme Inc", "Acme Ltd"), ("Acme 1", "Acme 2"), ("東京", "京都"), ("A B", "AB")],
)
def test_names_that_are_not(one, other):
    assert normalise_name(one) != normalise_name(other)


@given(texts)
def test_normalising_twice_is_normalising_once(name):
    once = normalise_name(name)
    assert normalise_name(once) == once


@given(st.text(st.sampled_from("™№ᴬ℡㎏'&-_ ÅİßſK"), max_size=8))
def test_normalising_letters_that_are_signs_twice_is_normalising_once(name):
    once = normalise_name(name)
    assert normalise_name(once) == once


@pytest.mark.parametrize("name", ["", " ", ".", "--", "’"])
def test_a_name_without_a_letter_is_empty(name):
    assert normalise_name(name) == ""


def candidate(target_id: str, **keys: str) -> Candidate:
    return Candidate(target_id, "Acme", keys, AT)


FREE, OTHER = candidate("1"), candidate("2")
TAKEN = candidate("3", **{KEY_FIELD: "SOMEONE"})
ELSE = candidate("4", GP_Vendor_ID="ACME")
OURS, OURS_TOO = candidate("5", **{KEY_FIELD: "ACME"}), candidate("6", **{KEY_FIELD: "ACME"})


AUTOMATIC = 90.0


def match(**known: object):
    return find_match(KEY_FIELD, Evidence(**known), AUTOMATIC)


@pytest.mark.parametrize(
    ("link", "by_key", "by_name", "namesakes", "expected"),
    [
        ("9", [OURS, OURS_TOO], [FREE], 5, Linked("9")),
        ("", [OURS], [FREE, OTHER], 5, Found("5", "key")),
        ("", [OURS], [], 1, Found("5", "key")),
        ("", [], [], 1, Nothing()),
        ("", [], [], 7, Nothing()),
        ("", [], [FREE], 1, Found("1", "name")),
        ("", [], [FREE, TAKEN], 1, Found("1", "name")),
        ("", [], [ELSE], 1, Found("4", "name")),  # a vendor's record may be our customer's too
        ("", [], [TAKEN], 1, Nothing()),
        ("", [], [TAKEN], 3, Nothing()),
    ],
)
def test_who_is_recognised(link, by_key, by_name, namesakes, expected):
    assert match(link=link, by_key=by_key, by_name=by_name, namesakes=namesakes) == expected


@pytest.mark.parametrize(
    ("code", "by_key", "by_name", "namesakes", "ids"),
    [
        (AMBIGUOUS_KEY, [OURS, OURS_TOO], [], 1, ("5", "6")),
        (AMBIGUOUS, [], [FREE, OTHER], 1, ("1", "2")),
        (AMBIGUOUS, [], [FREE], 2, ("1",)),
        (AMBIGUOUS, [], [FREE, OTHER, TAKEN], 2, ("1", "2")),
    ],
)
def test_who_cannot_be_told(code, by_key, by_name, namesakes, ids):
    found = match(by_key=by_key, by_name=by_name, namesakes=namesakes)
    assert isinstance(found, Unclear)
    assert (found.code, found.candidates) == (code, ids)
    assert found.reason


def test_an_e_mail_address_comes_before_the_name():
    assert match(by_email=[OTHER], by_name=[FREE]) == Found("2", "email")
    assert match(by_email=[TAKEN], by_name=[FREE]) == Found("1", "name")
    assert match(by_email=[FREE, OTHER]).code == AMBIGUOUS


NEAR, NEARER = Similar("1", "Acme", 80.0), Similar("2", "Acne", 95.0)


@pytest.mark.parametrize(
    ("similar", "namesakes", "expected"),
    [
        ([NEARER], 1, Found("2", "similar", 95.0)),
        ([Similar("2", "Acne", AUTOMATIC)], 1, Found("2", "similar", AUTOMATIC)),
        ([NEAR], 1, SIMILAR),
        ([NEARER, NEAR], 1, SIMILAR),  # the nearest is not alone
        ([NEARER], 2, SIMILAR),
    ],
)
def test_a_similar_one_is_taken_only_where_it_is_alone_and_certain(similar, namesakes, expected):
    found = match(similar=similar, namesakes=namesakes)
    assert (found.code if isinstance(found, Unclear) else found) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"verdict": Verdict(chosen="4"), "by_key": [OURS]}, Found("4", "review")),
        ({"verdict": Verdict(chosen="4", replaces="OLD")}, Found("4", "review", replaces="OLD")),
        ({"verdict": Verdict(chosen="9"), "link": "9"}, Linked("9")),
        ({"verdict": Verdict(chosen="4"), "link": "9"}, Found("4", "review")),
        ({"verdict": Verdict(rejected=frozenset("1")), "by_name": [FREE]}, Nothing()),
        ({"verdict": Verdict(rejected=frozenset("1")), "by_name": [FREE, OTHER]}, Found("2", "name")),
        ({"verdict": Verdict(rejected=frozenset("1")), "similar": [NEAR]}, Nothing()),
        ({"verdict": Verdict(released=frozenset([AMBIGUOUS])), "by_name": [FREE, OTHER]}, Nothing()),
        ({"verdict": Verdict(declined=True)}, DECLINED),
        ({"verdict": Verdict(declined=True, released=frozenset([DECLINED]))}, Nothing()),
        ({"verdict": Verdict(declined=True), "by_name": [FREE]}, Found("1", "name")),
        ({"vanished": {"3": "OLD"}, "by_name": [TAKEN]}, RENAMED),
        ({"vanished": {"3": "OLD"}, "verdict": Verdict(released=frozenset([RENAMED]))}, Nothing()),
        ({"vanished": {"3": "OLD"}, "by_key": [OURS]}, Found("5", "key")),
        ({"link": "9", "gone": "deleted"}, DELETED),
        ({"link": "9", "gone": "lost"}, TARGET_GONE),
        ({"link": "9", "gone": "deleted", "by_key": [OURS]}, Found("5", "key")),
        ({"link": "9", "gone": "lost", "by_name": [FREE]}, Found("1", "name")),
        ({"link": "9", "gone": "deleted", "verdict": Verdict(released=frozenset([DELETED]))}, Nothing()),
    ],
)
def test_what_a_person_decided_and_what_went_away(known, expected):
    found = match(**known)
    assert (found.code if isinstance(found, Unclear) else found) == expected


def test_what_a_person_deleted_is_made_anew_where_it_is_wanted():
    gone = Evidence(link="9", gone="deleted")
    assert find_match(KEY_FIELD, gone, AUTOMATIC, recreate=True) == Nothing()
    lost = find_match(KEY_FIELD, Evidence(link="9", gone="lost"), AUTOMATIC, recreate=True)
    assert isinstance(lost, Unclear)
