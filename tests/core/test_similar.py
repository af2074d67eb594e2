"""Similar names: measured with labelled pairs, of which no different one may pass the automatic threshold."""

import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_pairs import COMPANIES, Pair, labelled_pairs
from shapes import texts

from ml_connector.core.match import normalise_name
from ml_connector.core.similar import AUTOMATIC, REVIEW, Facts, NameIndex, Similar, bare_name, best, score

PAIRS = labelled_pairs()
SCORED = [(pair, score(pair.ours, pair.theirs)) for pair in PAIRS]

words = st.sampled_from([
    "The", "Smith", "Smyth", "smith's", "&", "and", "Sons", "Inc.", "Corp", "GmbH", "Co.", "KG", "S.A.", "de", "C.V.",
    "Ltd", "LLC", "Store", "12", "No.", "014", "II", "2nd", "North", "North-West", "St.", "Saint", "A", "B.C.", "Intl",
    "Müller", "東京", "ООО",
])  # fmt: skip
phrases = st.lists(words, max_size=6).map(" ".join)
names = st.one_of(texts, phrases)
some_facts = st.builds(
    Facts,
    name=names,
    city=st.sampled_from(["", "New York", "New York City", "St. Louis", "Saint Louis", "?"]) | texts,
    postal_code=st.sampled_from(["", "02139", "2139-1234", "CH-8001", "K1A 0B1", "00000"]) | texts,
    phone=st.sampled_from(["", "312-555-0101 x7", "+1 312 555 0101", "555-0101", "5555555555"]) | texts,
    email=st.sampled_from(["", "a@b.co.uk", "x@y.b.co.uk;q@gmail.com", "Q@Gmail.com", "none@none.com"])
    | texts,
)


# --- the labelled pairs


def test_no_wrong_merge_above_the_automatic_threshold():
    assert [(pair, points) for pair, points in SCORED if not pair.same and points >= AUTOMATIC] == []


def _share(part: int, whole: int) -> str:
    return f"{part:5} of {whole:5} = {part / whole:.3f}"


def _at(threshold: float) -> tuple[int, int, int]:
    """The right ones, all that pass, all that should."""
    passed = [pair for pair, points in SCORED if points >= threshold]
    return sum(pair.same for pair in passed), len(passed), sum(pair.same for pair in PAIRS)


def test_precision_and_recall_are_shown(capsys):
    assert len(PAIRS) >= 1_000
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(PAIRS)} labelled pairs, {sum(p.same for p in PAIRS)} of them the same company\n"
        )
        for label, threshold in (("automatic", AUTOMATIC), ("review", REVIEW)):
            right, passed, same = _at(threshold)
            shares = f"precision {_share(right, passed)}, recall {_share(right, same)}"
            sys.stdout.write(f"{label:>9} {threshold:.0f}: {shares}\n")
    right, _, same = _at(REVIEW)
    assert right / same > 0.97
    right, passed, same = _at(AUTOMATIC)
    assert right == passed
    assert (
        right / same > 0.45
    )  # half of them are known too little, or have a fact that differs, or another word


def test_what_only_a_person_can_tell_is_shown_to_one():
    """The sister at one phone and the shortened name look alike: both are asked about."""
    of_kind = {kind: [s for p, s in SCORED if p.kind == kind] for kind in {pair.kind for pair in PAIRS}}
    assert all(REVIEW <= points < AUTOMATIC for points in of_kind["different, sister"])
    assert all(REVIEW <= points < AUTOMATIC for points in of_kind["different, branch"])
    assert all(points < REVIEW for points in of_kind["different, numbered"])
    assert all(points < REVIEW for points in of_kind["different, homonym"])


# --- bare names


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("The Smith Co., Ltd.", "smith"),
        ("Smith Company, The", "smith"),
        ("Smith & Co", "smith"),
        ("Smith & Sons, Inc.", "smith and sons"),
        ("Müller GmbH & Co. KG", "muller"),
        ("Tacos S.A. de C.V.", "tacos"),
        ("Acme Pty Ltd", "acme"),
        ("Acme Sp. z o.o.", "acme"),
        ("Acme L.L.C.", "acme"),
        ("Acme, P.C.", "acme"),
        ("The Boeing Company", "boeing"),
        ("Acme Group", "acme group"),
        ("Acme Holdings LLC", "acme holdings"),
        ("Y.M.C.A.", "y m c a"),
        ("Acme U.S.A.", "acme u s a"),
        ("Acme UK", "acme uk"),
        ("Acme NV", "acme nv"),
        ("Day Spa", "day spa"),
        ("Farmers Coop", "farmers coop"),
        ("Inc.", "inc"),
        ("Company", "company"),
        ("The", "the"),
        ("", ""),
        ("--", ""),
    ],
)
def test_a_bare_name_has_no_legal_form(name, bare):
    assert bare_name(name) == bare


@given(names)
def test_a_bare_name_is_never_empty_and_stays_bare(name):
    once = bare_name(name)
    assert bool(once) == bool(normalise_name(name))
    assert bare_name(once) == once


# --- the score


@given(some_facts, some_facts)
def test_the_score_is_symmetric_and_bounded(one, other):
    points = score(one, other)
    assert 0.0 <= points <= 100.0
    assert points == score(other, one) == round(points, 1)


@given(some_facts, st.sampled_from(COMPANIES), st.sampled_from(["city", "postal_code", "phone", "email"]))
def test_a_company_is_itself_when_a_fact_says_so(facts, known, field):
    facts = replace(facts, **{field: getattr(known, field)})
    assert score(facts, facts) == (100.0 if normalise_name(facts.name) else 0.0)


@given(names)
def test_a_name_alone_is_never_automatic(name):
    assert score(Facts(name), Facts(name)) < AUTOMATIC


@given(some_facts, some_facts, st.sampled_from(["city", "postal_code", "phone", "email"]))
def test_a_missing_fact_neither_helps_nor_harms(one, other, field):
    without = replace(one, **{field: ""})
    assert score(without, other) == score(without, replace(other, **{field: ""}))


ACME = Facts("Acme Widgets", "Springfield", "62701", "217-555-0122", "info@acmewidgets.com")


@pytest.mark.parametrize(
    "other",
    [
        replace(ACME, name="ACME WIDGETS, INC."),
        Facts("Acme Widgets Inc", phone="+1 (217) 555-0122 ext. 9"),
        Facts("Acme Widgets Inc", phone="5550122"),
        Facts("Acme Widgets Inc", postal_code="62701-4321"),
        Facts("Acme Widgets Inc", email="x@gmail.com; INFO@acmewidgets.com"),
        Facts("Acme Widgets Inc", "Springfield", email="mary@mail.acmewidgets.com"),
        replace(ACME, name="Acme Widgest"),
        replace(ACME, name="AcmeWidgets Inc"),
        replace(ACME, name="Widgets, Acme"),
    ],
)
def test_these_are_taken_for_the_same(other):
    assert score(ACME, other) >= AUTOMATIC


@pytest.mark.parametrize(
    "other",
    [
        Facts("Acme Widgets Inc"),
        Facts("Acme Widgets Inc", "Springfield"),  # there are dozens of Springfields
        Facts("Acme Widgets Inc", email="mary@acmewidgets.com"),  # a group has one domain
        replace(ACME, name="Acme Widgets Inc", postal_code="62704", phone="217-555-0199"),
        replace(ACME, name="Acme Widgets Inc", city="Peoria", postal_code="61602"),
        replace(ACME, name="Acme Widgets North"),
        replace(ACME, name="Acme Widgets 2"),
        replace(ACME, name="Acme Gadgets"),
        replace(ACME, name="Acme Midgets"),
        replace(ACME, name="Acme Widget Works"),
        Facts("Acme Widgest", "Springfield", "62701"),  # a slip, and no phone or e-mail to vouch for it
    ],
)
def test_these_are_left_to_a_person(other):
    assert score(ACME, other) < AUTOMATIC


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Facts("Acme", phone="000-000-0000"), Facts("Acme Inc", phone="000-000-0000")),
        (Facts("Acme", phone="1234567890"), Facts("Acme Inc", phone="123-456-7890")),
        (Facts("Acme", phone="555"), Facts("Acme Inc", phone="555")),
        (Facts("Acme", email="none@none.com"), Facts("Acme Inc", email="none@none.com")),
        (Facts("Acme", email="a@gmail.com"), Facts("Acme Inc", email="b@gmail.com")),
        (Facts("Acme", email="a@yahoo.co.uk"), Facts("Acme Inc", email="b@yahoo.co.uk")),
        (Facts("Acme", email="nothing"), Facts("Acme Inc", email="nothing")),
        (Facts("Acme", postal_code="00000"), Facts("Acme Inc", postal_code="00000")),
        (Facts("Acme", city="New York"), Facts("Acme Inc", city="New York City")),
    ],
)
def test_facts_that_say_nothing_leave_the_score_of_the_names(ours, theirs):
    assert score(ours, theirs) == score(Facts(ours.name), Facts(theirs.name))


def test_one_inc_and_one_llc_are_two_companies():
    assert score(replace(ACME, name="Acme Inc"), replace(ACME, name="Acme LLC")) < AUTOMATIC
    assert score(replace(ACME, name="Acme Inc"), replace(ACME, name="Acme Corporation")) >= AUTOMATIC


# --- the best candidates


def test_the_best_come_first_and_the_rest_is_left_out():
    candidates = [
        ("9", Facts("Zebra Foods")),
        ("3", Facts("Acme Widgets Ltd")),
        ("2", Facts("Acme Widgets Co")),
        ("1", replace(ACME, name="Acme Widgets Inc")),
    ]
    assert best(ACME, candidates) == [
        Similar("1", "Acme Widgets Inc", 99.0),
        Similar("2", "Acme Widgets Co", 84.0),
        Similar("3", "Acme Widgets Ltd", 84.0),
    ]


def test_nothing_similar_is_an_empty_list():
    assert best(ACME, []) == []
    assert best(Facts(""), [("1", ACME)]) == []


# --- the index


@pytest.fixture(scope="module")
def index():
    return NameIndex((str(number), company.name) for number, company in enumerate(COMPANIES))


def _written_alike(pair: Pair) -> bool:
    return pair.same and pair.ours in COMPANIES


def test_whatever_is_worth_a_look_is_found(index):
    asked = [pair for pair, points in SCORED if _written_alike(pair) and points >= REVIEW]
    missed = [p for p in asked if str(COMPANIES.index(p.ours)) not in index.near(p.theirs.name)]
    assert len(asked) > 700
    assert missed == []


def test_names_that_are_one_are_given_together():
    index = NameIndex(
        [*((str(n), f"Acme {form}") for n, form in enumerate(["Inc", "Ltd", "", "LLC"])), ("9", "Acmes")]
    )
    assert index.near("ACME", limit=1) == ["0", "1", "2", "3"]
    assert index.near("Acmes", limit=2) == ["9", "0", "1", "2", "3"]


MANY = [company.name.split()[0] for company in COMPANIES] + ["Mercer", "Keystone"]


def test_a_slip_in_the_first_letter_is_found_among_many():
    index = NameIndex((f"{one} {two}", f"{one} {two} Supply") for one in MANY for two in MANY)
    assert "Mercer Keystone" in index.near("Nercer Keystone Supply")
    assert "Mercer Keystone" in index.near("eystone Mercer Supply")


@pytest.mark.parametrize("name", ["", "?!", "Zzyzx"])
def test_a_name_unlike_all_finds_nothing(index, name):
    assert index.near(name) == []


def test_an_empty_index_and_empty_names_are_no_error():
    assert NameIndex([]).near("Acme") == []
    assert NameIndex([("1", ""), ("2", "--")]).near("--") == []
