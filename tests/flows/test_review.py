"""Reviewing: what is proposed is shown row by row, and what a person decided is read back, all of it or nothing."""

from __future__ import annotations

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.flows.proposals import Shown, proposals
from ml_connector.flows.review import Line, Reviewed, read_review
from ml_connector.store import asked
from world import World

SIMILAR = """
name = "customer_accounts"
source = "customers"
target = "Accounts"
creates = true
precedence = 1
key = { field = "GP_Customer_ID", from = "customer_id" }
match = { name = "name", facts = { city = "City" } }
fields = { Account_Name = "name", City = "city" }
"""


def customer(world: World, key: str, name: str) -> None:
    world.source.put(key, name=name, city="Chicago", customer_id=key, email="")


@pytest.fixture
def planned(world: World) -> World:
    """One record of each outcome, planned."""
    world.texts["customers"] = [SIMILAR]
    world.target.seed("Alpine Ski House", City="Chicago")  # 7000
    world.target.seed("Astor Suites")  # 7001
    world.target.seed("Astor Suites")  # 7002
    world.target.seed("Northwind Traders", City="Chicago")  # 7003
    world.target.seed("Old Key", GP_Customer_ID="C5")  # 7004
    customer(world, "C1", "Alpine Ski House")
    customer(world, "C2", "Astor Suites")
    customer(world, "C3", "Northwind Trader")
    customer(world, "C4", "Fourth Coffee")
    customer(world, "C5", "Old Key")
    world.plan("customers")
    return world


def shown(world: World, *, everything: bool = False) -> dict[str, Shown]:
    flows = [world.work("customers").flow]
    rows = list(proposals(world.database, flows, everything=everything))
    assert len({row.proposal.place for row in rows}) == len(rows)
    return {row.proposal.decision.source_key: row for row in rows}


def line(row: Shown, decision: str, chosen: str = "", number: int = 2, **changed: str) -> Line:
    """A row as it comes back."""
    decided = row.proposal.decision
    told = {
        "flow": row.proposal.flow.name,
        "module": row.proposal.module,
        "key": decided.source_key,
        "person": decided.part,
        "outcome": row.proposal.outcome,
        "target_id": decided.target_id,
        "candidates": "; ".join(f"{i} {name}" for i, name in row.candidates),
    }
    return Line(number, **(told | changed), decision=decision, chosen=chosen)


def read(world: World, *lines: Line) -> Reviewed:
    flows = {"customers": world.work("customers").flow}
    return read_review(world.database, flows, lines, "sally@desk", world.clock)


def fault(world: World, *lines: Line) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(world, *lines)
    return caught.value.happened


def outcomes(world: World) -> dict[str, tuple[str, str]]:
    """What the next plan says: key -> (outcome, target id)."""
    world.plan("customers")
    rows = shown(world)
    return {key: (row.proposal.outcome, row.proposal.decision.target_id) for key, row in rows.items()}


def test_every_outcome_has_its_word_and_names(planned: World) -> None:
    rows = shown(planned)
    assert {key: row.proposal.outcome for key, row in rows.items()} == {
        "C1": "match by name",
        "C2": "ambiguous",
        "C3": "similar",
        "C4": "create",
        "C5": "match by key",
    }
    assert rows["C1"].target_name == "Alpine Ski House"
    assert list(rows["C2"].candidates) == [("7001", "Astor Suites"), ("7002", "Astor Suites")]
    assert list(rows["C3"].candidates) == [("7003", "Northwind Traders")]
    assert 72 <= rows["C3"].proposal.decision.score < 90


def test_what_is_decided_is_what_the_next_plan_says(planned: World) -> None:
    rows = shown(planned)
    told = read(
        planned,
        line(rows["C1"], "reject"),
        line(rows["C2"], "choose", "7002", 3),
        line(rows["C3"], "approve", "", 4),
        line(rows["C4"], "reject", "", 5),
        line(rows["C5"], "approve", "", 6),
    )
    assert (dict(told.words), told.changed) == ({"reject": 2, "choose": 1, "approve": 2}, 5)
    assert outcomes(planned) == {
        "C1": ("create", ""),
        "C2": ("match by review", "7002"),
        "C3": ("match by review", "7003"),
        "C4": ("held", ""),
        "C5": ("match by review", "7004"),
    }
    planned.first("customers")
    assert planned.target.by_key("C2") == ["7002"]
    assert planned.target.by_key("C3") == ["7003"]
    assert len(planned.target.by_key("C1")) == 1
    assert {hold.code for hold in planned.held()} == {"DECLINED"}
    reviewed = [row for row in planned.rows("C2") if row["action"] == "record:reviewed"]
    assert [(r["actor"], r["reason"], r["target_id"]) for r in reviewed] == [
        ("sally@desk", "Reviewed (choose): 7002 is meant.", "7002")
    ]


def test_a_similar_one_that_is_rejected_is_created(planned: World) -> None:
    rows = shown(planned)
    read(planned, line(rows["C3"], "reject"), line(rows["C2"], "reject", "", 3))
    now = outcomes(planned)
    assert (now["C2"], now["C3"]) == (("create", ""), ("create", ""))


@pytest.mark.parametrize("synced", [False, True])
def test_of_several_that_carry_the_key_one_is_chosen_and_none_rejected(planned: World, synced: bool) -> None:
    planned.target.seed("Old Key, once more", GP_Customer_ID="C5")  # 7005
    planned.plan("customers")
    if synced:
        planned.first("customers")
    row = shown(planned)["C5"]
    assert "7004 and 7005 carry its key: take it off in Zoho" in fault(planned, line(row, "reject"))
    assert "2 records are proposed" in fault(planned, line(row, "approve"))
    read(planned, line(row, "choose", "7005"))
    assert outcomes(planned)["C5"] == ("match by review", "7005")


def test_reading_twice_changes_nothing(planned: World) -> None:
    rows = shown(planned)
    lines = [
        line(rows["C1"], "reject"),
        line(rows["C2"], "choose", "7001", 3),
        line(rows["C3"], "approve", "", 4),
        line(rows["C4"], "reject", "", 5),
    ]
    assert read(planned, *lines).changed == 4
    assert read(planned, *lines).changed == 0
    planned.plan("customers")
    assert read(planned, *lines).changed == 0  # the same file after another plan
    planned.first("customers")
    assert read(planned, *lines).changed == 0  # and after it was carried out
    for key in ("C1", "C2", "C3", "C4"):
        assert sum(action == "record:reviewed" for _, action in planned.told(key)) == 1


def test_what_one_review_chose_is_not_chosen_by_the_next_for_another(planned: World) -> None:
    rows = shown(planned)
    first, second = line(rows["C2"], "choose", "7002"), line(rows["C4"], "choose", "7002", 3)
    read(planned, first)
    assert "Line 3: 7002 was chosen for C2 before" in fault(planned, second)
    assert "Line 3: 7002 was chosen for C2 before" in fault(planned, first, second)
    other = line(rows["C2"], "choose", "7001")
    assert read(planned, other, second).changed == 2  # the one lets it go, in the same review
    now = outcomes(planned)
    assert (now["C2"], now["C4"]) == (("match by review", "7001"), ("match by review", "7002"))


def test_a_rejection_is_taken_back_by_approving_the_create(planned: World) -> None:
    row = shown(planned)["C4"]
    read(planned, line(row, "reject"))
    read(planned, line(row, "approve"))
    assert outcomes(planned)["C4"] == ("create", "")


@pytest.mark.parametrize(
    ("key", "decision", "chosen", "changed", "said"),
    [
        ("C1", "approve", "", {"flow": "orders"}, "Line 2: there is no flow “orders”."),
        ("C1", "approve", "", {"module": "Deals"}, "writes no module “Deals”"),
        (
            "C1",
            "approve",
            "",
            {"key": "C99"},
            "C99 is neither in the last plan nor among the records that wait.",
        ),
        (
            "C1",
            "approve",
            "",
            {"key": "12"},
            "that wait (Excel takes zeros off the front: write ' before a key).",
        ),
        ("C1", "approve", "", {"person": "jane"}, "C1 is neither in the last plan"),
        ("C1", "aprove", "", {}, "“aprove” is none of approve, reject, choose"),
        ("C1", "", "7001", {}, "an id is given with no decision"),
        ("C1", "approve", "7001", {}, "an id is given with approve"),
        ("C2", "choose", "", {}, "choose needs the id"),
        ("C2", "choose", "9999", {}, "9999 is no record of Accounts"),
        ("C2", "choose", "4.15087E+18", {}, "Excel rounds long numbers"),
        ("C2", "approve", "", {}, "2 records are proposed"),
        ("C5", "reject", "", {}, "7004 carries its key: take it off in Zoho"),
        ("C1", "approve", "", {"outcome": "create"}, "the plan has changed since"),
        ("C1", "reject", "", {"target_id": "7009"}, "the plan has changed since"),
        ("C3", "approve", "", {"candidates": "7009 Northwind"}, "the plan has changed since"),
    ],
)
def test_what_is_wrong_names_its_line_and_nothing_is_read(
    planned: World, key: str, decision: str, chosen: str, changed: dict[str, str], said: str
) -> None:
    rows = shown(planned)
    right = line(rows["C4"], "reject", "", 3)
    assert said in fault(planned, line(rows[key], decision, chosen, 2, **changed), right)
    with planned.database.read() as tx:
        assert asked.keys(tx, "-1", "customers") == []
    assert outcomes(planned)["C4"] == ("create", "")


def test_two_rows_for_one_record_and_one_id_for_two_records(planned: World) -> None:
    rows = shown(planned)
    both = line(rows["C1"], "approve"), line(rows["C1"], "reject", "", 3, key="c1")
    assert fault(planned, *both) == "Line 3: c1 stands in line 2 as well."
    both = line(rows["C2"], "choose", "7001"), line(rows["C3"], "choose", "7001", 3)
    assert fault(planned, *both) == "Line 3: 7001 is chosen in line 2 as well."


def test_only_some_of_many_faults_are_told(planned: World) -> None:
    row = shown(planned)["C1"]
    said = fault(planned, *(line(row, "x", "", number) for number in range(2, 12)))
    assert said.startswith("Line 2: ")
    assert said.endswith(" And 5 more lines.")


def test_a_record_that_waits_is_in_the_review_though_the_last_plan_is_empty(planned: World) -> None:
    planned.first("customers")
    planned.plan("customers")
    rows = shown(planned)
    assert {key: row.proposal.outcome for key, row in rows.items()} == {"C2": "ambiguous", "C3": "similar"}
    assert rows["C2"].proposal.decision.name == "Astor Suites"
    read(planned, line(rows["C2"], "choose", "7002"), line(rows["C3"], "approve", "", 3))
    assert outcomes(planned)["C2"] == ("match by review", "7002")
    planned.sync()
    assert planned.held() == []
    assert planned.target.by_key("C3") == ["7003"]


def test_what_was_carried_out_is_no_longer_proposed_and_cannot_be_rejected(planned: World) -> None:
    before = shown(planned)
    planned.first("customers")
    assert shown(planned).keys() == {"C2", "C3"}
    assert "it is linked to 7000 meanwhile" in fault(planned, line(before["C1"], "reject"))
    assert "meanwhile" in fault(planned, line(before["C4"], "reject"))
    assert read(planned, line(before["C1"], "approve")).changed == 0


def test_a_record_of_another_key_cannot_be_chosen(planned: World) -> None:
    planned.first("customers")
    assert "7000 belongs to C1" in fault(planned, line(shown(planned)["C2"], "choose", "7000"))


def test_a_linked_record_can_be_put_on_another(planned: World) -> None:
    planned.first("customers")
    customer(planned, "C1", "Alpine Ski House Ltd")
    planned.plan("customers")
    row = shown(planned)["C1"]
    assert row.proposal.outcome == "update"
    read(planned, line(row, "choose", "7001"))
    assert outcomes(planned)["C1"] == ("match by review", "7001")


def test_a_deleted_one_that_is_rejected_is_created_anew(planned: World) -> None:
    planned.first("customers")
    planned.target.gone.add("7000")
    customer(planned, "C1", "Alpine Ski House Ltd")
    planned.sync()
    row = shown(planned)["C1"]
    assert (row.proposal.outcome, list(row.candidates)) == ("deleted in Zoho", [("7000", "")])
    read(planned, line(row, "reject"))
    planned.sync()
    assert "C1" not in {hold.source_key for hold in planned.held()}
    assert len(planned.target.by_key("C1")) == 1


def both_flows(world: World) -> None:
    world.source.put("V1", "vendors", name="Fourth Coffee", city="Chicago", vendor_id="V1")
    world.plan("vendors", "customers")


def test_a_record_that_the_same_plan_makes_can_only_be_approved(planned: World) -> None:
    both_flows(planned)
    row = shown(planned)["C4"]
    assert row.proposal.decision.target_id == "new:vendors:V1"
    assert "sync its flow first" in fault(planned, line(row, "reject"))
    assert read(planned, line(row, "approve")).changed == 0


def test_skips_are_shown_where_everything_is_asked_for(planned: World) -> None:
    planned.first("customers")
    planned.sync("customers", full=True)
    planned.source.put("C1", city="Chicago")
    planned.plan("customers")
    assert "C1" not in shown(planned)
    assert shown(planned, everything=True)["C1"].proposal.outcome == "skip"
