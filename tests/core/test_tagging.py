"""Which GL account a deal without one gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.tagging import Rule, Tag, UntaggedDeal, find_tag, fingerprint

PUMPS = Rule("pumps", "000-4110-01", product="Pump P-1")
EXPORT = Rule("export", "000-4120-00", pipeline="Export")
EXPORT_SERVICE = Rule("export service", "000-4130-00", pipeline="export ", type="Service")
ANY = Rule("all else", "000-4100-00")
VALUES = {"pumps": "1", "export": "2", "export service": "3", "all else": "4"}


@pytest.mark.parametrize(
    ("deal", "rules", "value"),
    [
        (UntaggedDeal(product="Pump P-1"), [PUMPS], "1"),
        (UntaggedDeal(product=" pump p-1 "), [PUMPS], "1"),
        (UntaggedDeal(product="Pump P-10"), [PUMPS], None),
        (UntaggedDeal(), [PUMPS], None),
        (UntaggedDeal(), [ANY], "4"),
        (
            UntaggedDeal(pipeline="EXPORT", type="Service"),
            [EXPORT, EXPORT_SERVICE],
            "2",
        ),  # the first that fits
        (UntaggedDeal(pipeline="EXPORT", type="Service"), [EXPORT_SERVICE, EXPORT], "3"),
        (UntaggedDeal(pipeline="Export", type="New"), [EXPORT_SERVICE, EXPORT], "2"),
        (UntaggedDeal(type="Service"), [EXPORT_SERVICE], None),  # both have to be so
        (
            UntaggedDeal(pipeline="Export", default="9"),
            [PUMPS, EXPORT],
            "2",
        ),  # a rule comes before the default
        (UntaggedDeal(pipeline="Home", default="9"), [PUMPS, EXPORT], "9"),
        (UntaggedDeal(default="9"), [], "9"),
        (UntaggedDeal(), [], None),
    ],
)
def test_the_first_rule_that_fits_then_the_default(deal, rules, value):
    tag = find_tag(deal, rules, VALUES)
    assert (tag.value if tag else None) == value


def test_the_reason_names_the_rule_or_the_account():
    by_rule = find_tag(UntaggedDeal(product="Pump P-1"), [PUMPS], VALUES)
    assert by_rule == Tag("1", "Rule “pumps”: GL account 000-4110-01.")
    by_default = find_tag(UntaggedDeal(account_name="Aaron Fitz Electrical", default="9"), [PUMPS], VALUES)
    assert by_default == Tag("9", "Default GL account of the Account “Aaron Fitz Electrical”.")


def test_a_rule_whose_account_is_not_there_is_not_replaced_by_another():
    deal = UntaggedDeal(product="Pump P-1", default="9")
    assert find_tag(deal, [PUMPS, ANY], {"all else": "4"}) is None


@given(
    st.sampled_from([PUMPS, EXPORT, EXPORT_SERVICE, ANY]),
    st.dictionaries(st.sampled_from(list(VALUES)), st.text()),
)
def test_the_fingerprint_follows_rules_and_accounts(rule, values):
    assert fingerprint([rule], values) == fingerprint([rule], dict(values))
    assert fingerprint([rule, ANY], values) != fingerprint([rule], values)
    assert fingerprint([rule], values | {rule.name: "x"}) != fingerprint([rule], values | {rule.name: "y"})
    assert fingerprint([EXPORT, ANY], values) != fingerprint([ANY, EXPORT], values)  # their order decides
