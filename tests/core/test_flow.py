"""A flow's facets and fingerprint, and the order in which flows run."""

from dataclasses import replace
from itertools import pairwise

import pytest
from shapes import mapping

from memory import CUSTOMERS
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.flow import Flow, in_order


def flow(name: str, *after: str) -> Flow:
    return Flow(name, "-1", CUSTOMERS, (mapping(),), after)


def flows(**after: str) -> dict[str, Flow]:
    return {name: flow(name, *others.split()) for name, others in after.items()}


@pytest.mark.parametrize(
    ("known", "wanted", "order"),
    [
        (flows(a="", b="", c=""), [], ["a", "b", "c"]),
        (flows(a="b", b="c", c=""), [], ["c", "b", "a"]),
        (flows(a="b", b="c", c=""), ["a", "c"], ["c", "a"]),
        (flows(a="b", b="c", c=""), ["a"], ["a"]),
        (flows(a="b c", b="", c="b"), [], ["b", "c", "a"]),
        (flows(a="absent"), [], ["a"]),
        ({}, [], []),
    ],
)
def test_each_comes_after_what_it_waits_for(known, wanted, order):
    assert [one.name for one in in_order(known, wanted)] == order


def test_an_unknown_flow_is_told_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"“x”.*Known are: a, b"):
        in_order(flows(b="", a=""), ["a", "x"])
    with pytest.raises(ConfigurationError, match=r"“x”.*Known are: a, ab, b\."):
        in_order(flows(b="", a=""), ["x"], ["ab"])


@pytest.mark.parametrize("known", [flows(a="a"), flows(a="b", b="a"), flows(a="b", b="c", c="a", d="")])
def test_flows_that_wait_for_each_other_are_told_in_their_order(known):
    with pytest.raises(ConfigurationError, match="wait for each other") as caught:
        in_order(known)
    told = caught.value.happened.removesuffix(".").split(": ")[1].split(" after ")
    assert told[0] == told[-1]
    for one, other in pairwise(told):
        assert other in known[one].after, f"{one} does not come after {other}"


def made(*mappings) -> Flow:
    return Flow("customers", "-1", CUSTOMERS, mappings)


def test_modules_stand_in_the_order_of_their_mappings():
    one = made(mapping("a"), mapping("b", target="Contacts"), mapping("c"))
    assert one.modules == ("Accounts", "Contacts")
    assert [m.name for m in one.of_module("Accounts")] == ["a", "c"]


def test_the_fingerprint_follows_the_mappings():
    one, other = replace(mapping("a"), fingerprint="1"), replace(mapping("b"), fingerprint="2")
    assert made(one, other).fingerprint == made(other, one).fingerprint
    assert made(one).fingerprint != made(one, other).fingerprint
    assert made(one).fingerprint != made(other).fingerprint


@pytest.mark.parametrize(
    ("rules", "watched"),
    [
        ({"City": "city"}, {"addresses": True}),
        ({"Balance": "balance"}, {"addresses": True, "receivables": False}),
        ({"Balance": "balance", "Limit": "limit"}, {"addresses": True, "receivables": False}),
        ({"Balance": "balance", "City": "city"}, {"addresses": True, "receivables": True}),
    ],
)
def test_which_facets_concern_a_flow(rules, watched):
    assert made(mapping(rules=rules)).watched_facets() == watched


def test_what_is_at_hand_without_a_reading():
    assert made(mapping()).at_hand() == {"limit", "balance", "paid", "paid_on"}
