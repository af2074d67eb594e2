"""kill -9 in the tagging of deals: what a person chooses meanwhile stays, and is not told as ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from kills import die

from systems import World, assert_settled, gp_options, opened

DEALS = 120  # more than one call takes


@dataclass
class Deals:
    """A synced world, and deals that people make in it."""

    world: World
    account: str  #: an Account with a default
    default: str  #: that default: the id of a GL account
    other: str  #: another one
    numbers: Iterator[int]

    def make(self) -> list[str]:
        """The ids of new deals without a GL account."""
        of = next(self.numbers)
        made = [
            {"Deal_Name": f"Deal {of}.{n}", "Stage": "Qualification", "Account_Name": {"id": self.account}}
            for n in range(DEALS)
        ]
        ids = [
            one for n in range(0, DEALS, 100) for one in self.world.seed(*made[n : n + 100], module="Deals")
        ]
        self.world.forget()
        return ids

    def told(self, ids: list[str]) -> Counter[str]:
        """Id -> how often the audit trail tells that it was tagged."""
        query = "SELECT source_key FROM audit WHERE action = 'record:updated' AND module = 'Deals'"
        return Counter(key for (key,) in self.world.rows(query) if key in ids)

    def tags(self, ids: list[str]) -> Counter[str]:
        """GL account -> deals that have it."""
        found = {deal["id"]: deal["GP_GL_Account"] for deal in self.world.records("Deals")}
        return Counter(found[one] and found[one]["id"] for one in ids)

    def assert_done(self, ids: list[str]) -> None:
        assert self.tags(ids) == {self.default: DEALS}
        assert self.told(ids) == dict.fromkeys(ids, 1)
        assert_settled(self.world)
        self.world.forget()
        self.world.sync("deal_tagging")
        assert self.world.writes("Deals") == {}


@pytest.fixture(scope="module")
def deals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deals]:
    with opened(tmp_path_factory.mktemp("deals"), gp=gp_options(0), provisioned=False) as world:
        world.write_settings(
            flows_vendors__enabled="false",
            flows_gl_accounts__enabled="true",
            flows_deal_tagging__enabled="true",
        )
        world.here("provision", "--yes")
        world.first()
        account = world.account("AARONFIT0001")
        others = [row["id"] for row in world.records("GL_Accounts") if row["GP_Account"] == "000-4180-01"]
        yield Deals(world, account["id"], account["GP_Sales_GL_Account"]["id"], others[0], count(1))


def test_what_a_person_chooses_while_it_is_dead_stays_and_is_not_told_as_ours(deals: Deals) -> None:
    ids = deals.make()
    die(deals.world, "before", 1, module="Deals", flow="deal_tagging")
    deals.world.edit(ids[0], module="Deals", GP_GL_Account={"id": deals.other})
    deals.world.sync("deal_tagging")
    assert deals.tags(ids) == {deals.default: DEALS - 1, deals.other: 1}
    assert deals.told(ids) == dict.fromkeys(ids[1:], 1)
    assert_settled(deals.world)
