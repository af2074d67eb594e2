"""Two companies in one target: what is one company's, the other one never takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_review import SIMILAR

from memory import MemorySource
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.match import Verdict
from ml_connector.core.transform import MapContext
from ml_connector.flows.proposals import proposals
from ml_connector.flows.review import Line, read_review
from world import World, done


@pytest.fixture
def both(world: World) -> tuple[World, World]:
    """The first company, whose keys have no prefix, and a further one, in the same store and target."""
    world.context = MapContext("USD", "", ("EU-",))
    eu = replace(
        world,
        source=MemorySource(world.clock),
        context=MapContext("USD", "EU-", ("",)),
        company="2",
        called="EU/",
    )
    return world, eu


def key_of(world: World, target_id: str) -> object:
    return world.target.records[target_id].get("GP_Customer_ID")


def test_the_same_id_and_name_are_two_records(both: tuple[World, World]) -> None:
    us, eu = both
    for company in both:
        company.customer("C1", name="Acme")
        company.first("customers")
    assert sorted(row["GP_Customer_ID"] for row in us.target.of()) == ["C1", "EU-C1"]
    assert (us.sync()["counts"], eu.sync()["counts"]) != ({}, {})
    assert len(us.target.of()) == 2


def test_what_looks_renamed_in_one_company_is_not_asked_of_the_other(both: tuple[World, World]) -> None:
    us, eu = both
    eu.customer("C1", name="Acme")
    eu.first("customers")
    us.customer("C2", name="Acme")  # GP's first company has no “EU-C1”, and that says nothing
    us.approve("customers")
    assert done(us.sync()) == {"created": 1}


def test_a_vendor_does_not_join_the_other_company_s_customer(both: tuple[World, World]) -> None:
    us, eu = both
    us.customer("C1", name="Acme")
    us.first("customers")
    for company, key in ((us, "V1"), (eu, "V2")):
        company.clock.sleep(60)
        company.source.put(key, "vendors", vendor_id=key, name="Acme", city="Chicago")
        company.approve("vendors")
    assert done(us.sync("vendors")) == {"matched": 1}
    assert done(eu.sync("vendors")) == {"created": 1}
    assert len(us.target.of()) == 2


def test_a_similar_name_of_the_other_company_is_no_candidate(both: tuple[World, World]) -> None:
    us, eu = both
    for company in both:
        company.texts = {"customers": [SIMILAR]}
    us.source.put("C1", customer_id="C1", name="Northwind Traders", city="Chicago")
    us.first("customers")
    us.target.edit(us.target.by_key("C1")[0], GP_Customer_ID=None)  # even without its key it is linked
    eu.source.put("C1", customer_id="C1", name="Northwind Trader", city="Chicago")
    eu.approve("customers")
    assert done(eu.sync()) == {"created": 1}


def test_what_the_other_company_made_meanwhile_is_not_taken(both: tuple[World, World]) -> None:
    us, eu = both
    eu.customer("C0")
    eu.first("customers")
    eu.customer("C1", name="Acme")
    eu.target.meanwhile.append(lambda: us.target.seed("Acme", GP_Vendor_ID="V1"))
    assert done(eu.sync()) == {"created": 1}


def test_a_key_that_begins_as_the_other_company_s_waits(both: tuple[World, World]) -> None:
    us, eu = both
    eu.customer("C1", name="Acme")
    eu.first("customers")
    us.customer("EU-C1", name="Another")
    us.approve("customers")
    assert done(us.sync()) == {"held": 1}
    assert us.waits() == {(m, "EU-C1", "OTHER_COMPANY") for m in ("customer_accounts", "customer_financials")}
    assert len(us.target.of()) == 1


def test_a_record_of_the_other_company_cannot_be_chosen(both: tuple[World, World]) -> None:
    us, eu = both
    eu.customer("C1", name="Acme")
    eu.first("customers")
    [target_id] = eu.target.by_key("EU-C1")
    us.customer("C7", name="Somebody")
    us.approve("customers")
    flow = us.work().flow
    [row] = list(proposals(us.database, [flow]))
    line = Line(2, "customers", "Accounts", "C7", "", row.proposal.outcome, "", "", "choose", target_id)
    with pytest.raises(ConfigurationError, match="belongs to C1 of another company"):
        read_review(us.database, {"customers": flow}, [line], "sally", us.clock)
    us.decided("C7", Verdict(chosen=target_id))  # and one that was decided before it was linked
    us.sync()
    assert {code for _, _, code in us.waits()} <= {"OTHER_COMPANY", "CHANGED_SINCE_APPROVAL"}
    assert us.waits()
    assert key_of(us, target_id) == "EU-C1"


def test_a_namesake_in_the_other_company_makes_a_typed_record_ambiguous(both: tuple[World, World]) -> None:
    us, eu = both
    for company in both:
        company.customer("C0")
        company.first("customers")
        company.customer("C1", name="Acme")
    assert done(eu.sync()) == {"created": 1}
    us.target.seed("Acme")
    assert done(us.sync()) == {"held": 1}
    assert {code for _, _, code in us.waits()} == {"AMBIGUOUS_MATCH"}


def test_whichever_company_looks_first_the_other_one_knows_what_was_deleted(
    both: tuple[World, World],
) -> None:
    us, eu = both
    for company in both:
        company.customer("C1", name="Acme")
        company.first("customers")
    us.target.gone.add(us.target.by_key("EU-C1")[0])
    us.customer("C2", name="New")
    us.sync()
    assert done(eu.sync())["held"]
    assert {code for _, _, code in eu.waits()} == {"DELETED_IN_TARGET"}
    assert us.waits() == set()
