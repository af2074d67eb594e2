"""Several companies in one target: which prefixes can stand side by side, and whose a key is."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml_connector.core.companies import Company, clash, owner, wrong_company

FLOWS = ("customers", "vendors")
FIRST = Company("", -1, "")


@pytest.mark.parametrize(
    ("prefixes", "pair"),
    [
        (["", "EU-"], None),
        (["US-", "EU-", ""], None),
        (["E-", "EU-"], None),
        (["E", "EU-"], ("E", "EU-")),
        (["eu", "EU-"], ("eu", "EU-")),
        (["EU-", "eu-"], ("EU-", "eu-")),
        (["", ""], ("", "")),
        (["", "EU-", ""], ("", "")),
        (["EU-1", "EU-", "US-"], ("EU-", "EU-1")),
    ],
)
def test_which_prefixes_cannot_stand_side_by_side(prefixes, pair):
    assert clash(prefixes) == pair


@pytest.mark.parametrize(
    ("key", "whose"),
    [("AARON", ""), ("EU-AARON", "EU-"), ("eu-aaron", "EU-"), ("EUAARON", ""), ("US-", "US-"), ("", "")],
)
def test_whose_a_key_is(key, whose):
    assert owner(key, ("", "EU-", "US-")) == whose
    assert owner("XX-1", ("EU-", "US-")) is None


@given(st.lists(st.text("EU-eu1", max_size=4), min_size=2, max_size=4), st.text("EU-1x", max_size=5))
def test_a_key_is_its_company_s_whatever_it_is_unless_no_prefix_is_before_it(prefixes, key):
    assume(clash(prefixes) is None)
    for prefix in filter(None, prefixes):
        assert owner(prefix + key, prefixes) == prefix


@pytest.mark.parametrize(
    ("company", "said"),
    [
        (Company("EU", 5, "EU-"), ""),
        (Company("EU", 5, "EU-", ("vendors",)), ""),
        (Company("E U", 5, "EU-"), "is no name"),
        (Company("a/b", 5, "EU-"), "is no name"),
        (Company("x" * 25, 5, "EU-"), "is no name"),
        (Company("customers", 5, "EU-"), "no name of a flow"),
        (Company("EU", -1, "EU-"), "which [gp] has already"),
        (Company("EU", 5, "EU-", ("items",)), "leaves out items, which is no flow"),
        (Company("EU", 5, ""), "one company alone may have none"),
    ],
)
def test_a_further_company_has_to_be_told_from_the_others(company, said):
    wrong = wrong_company([FIRST, company], FLOWS)
    assert (wrong is None) == (said == "")
    if wrong:
        assert wrong[0] == company.name
        assert said in wrong[1]


def test_flows_are_called_by_their_company():
    assert (FIRST.flow("customers"), Company("EU", 5, "EU-").flow("customers")) == (
        "customers",
        "EU/customers",
    )
