"""The matrix sees what it is there to see: a record or a row too few, too many or another one."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from remains import Remains

WHOLE = Remains(
    Counter({"Accounts C0": 1, "Accounts C1": 1}), Counter({"created C0": 1}), Counter(), Counter(), ()
)
TOLD = json.dumps({"mapping": "customer_accounts", "before": '{"City": "%s"}', "after": '{"City": "Delft"}'})


def with_(**changed: Counter[str]) -> Remains:
    return Remains(**(vars(WHOLE) | changed))


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"records": Counter({"Accounts C0": 1})}, "lost"),
        ({"records": Counter({"Accounts C0": 2, "Accounts C1": 1})}, "doubled"),
        ({"audit": Counter()}, "untold"),
        ({"audit": Counter({"created C0": 2})}, "told_twice"),
        ({"store": Counter({"intents C0": 1})}, "store"),
        ({"faults": ("changed at row 2",)}, "store"),
        ({"before": Counter({TOLD % "Leiden": 1})}, "before"),
    ],
)
def test_what_differs_is_named(changed, name: str) -> None:
    difference = with_(**changed).against(WHOLE)
    assert [what for what, rows in vars(difference).items() if rows] == [name]


def test_the_same_does_not_differ_and_neither_does_our_own_write() -> None:
    assert not WHOLE.against(WHOLE)
    assert not with_(before=Counter({TOLD % "Delft": 1})).against(WHOLE)
