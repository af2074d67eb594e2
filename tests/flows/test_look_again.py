"""Just before creates the target is asked once more: for what people typed meanwhile, and for creates of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ml_connector.core.errors import RetryableError
from ml_connector.core.match import Verdict
from world import CONTACT, PLAIN, World, done


def typed(world: World, name: str, **fields: object) -> None:
    """A person types this Account between our reading of the index and our create."""
    world.target.meanwhile.append(lambda: world.target.seed(name, **fields))


def begun(world: World) -> None:
    """A first load lies behind, and C1 is new."""
    world.customer("C0")
    world.first("customers")
    world.customer("C1", name="Acme")


def test_what_a_person_typed_meanwhile_is_joined_where_it_is_free(world: World) -> None:
    begun(world)
    typed(world, "ACME")
    assert done(world.sync()) == {"matched": 1}
    assert len(world.target.of()) == 2
    assert world.target.records[world.target.by_key("C1")[0]]["City"] == "Chicago"
    assert ("customer_accounts", "record:matched") in world.told("C1")


def test_two_that_people_typed_meanwhile_are_held(world: World) -> None:
    begun(world)
    typed(world, "Acme")
    world.target.meanwhile.insert(0, lambda: world.target.seed("ACME"))
    world.target.meanwhile = [lambda: (world.target.seed("Acme"), world.target.seed("ACME"))]
    assert done(world.sync()) == {"held": 1}
    assert {hold.code for hold in world.held()} == {"AMBIGUOUS_MATCH"}
    assert world.target.by_key("C1") == []


def test_another_customer_s_account_of_that_name_is_not_taken(world: World) -> None:
    begun(world)
    typed(world, "Acme", GP_Customer_ID="C77")
    assert done(world.sync()) == {"created": 1}
    assert len(world.target.by_key("C77")) == 1


def test_what_was_typed_during_a_first_load_waits_for_a_new_approval(world: World) -> None:
    world.customer("C1", name="Acme")
    world.approve("customers")
    typed(world, "Acme")
    assert done(world.sync()) == {"held": 1}
    assert {hold.code for hold in world.held()} == {"CHANGED_SINCE_APPROVAL"}
    assert world.target.writes == []
    world.approve("customers")
    world.sync()
    assert (world.held(), len(world.target.of())) == ([], 1)


@pytest.mark.parametrize("key", ["C1", "c1"])
def test_a_plain_key_that_somebody_wrote_meanwhile_is_found(world: World, key: str) -> None:
    world.target.unique = ()
    begun(world)
    typed(world, "Somebody else's words", GP_Customer_ID=key)
    assert done(world.sync()) == {"matched": 1}
    assert len(world.target.by_key("C1")) == 1


def test_a_plain_key_on_two_is_held(world: World) -> None:
    world.target.unique = ()
    begun(world)
    seed = world.target.seed
    world.target.meanwhile = [lambda: (seed("One", GP_Customer_ID="C1"), seed("Two", GP_Customer_ID="C1"))]
    assert done(world.sync()) == {"held": 1}
    assert {hold.code for hold in world.held()} == {"AMBIGUOUS_KEY"}


def test_a_lost_create_with_a_plain_key_waits_for_the_target_and_is_found(world: World) -> None:
    world.target.unique = ()
    begun(world)
    world.target.after_write.append(RetryableError("The answer was lost.", after_seconds=1))
    began_at = world.clock.now()
    assert done(world.sync()) == {"created": 1}
    assert len(world.target.by_key("C1")) == 1
    assert world.clock.now() - began_at >= timedelta(seconds=300)


def test_a_clock_that_is_set_back_makes_the_wait_for_a_lost_create_no_longer(world: World) -> None:
    world.target.unique = ()
    begun(world)
    world.target.before_write.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        world.sync()
    began_at = world.clock.at = world.clock.at - timedelta(hours=1)
    assert world.sync()["state"] == "done"
    assert len(world.target.by_key("C1")) == 1
    assert timedelta(seconds=300) <= world.clock.now() - began_at < timedelta(seconds=900)


def test_a_create_that_was_lost_on_its_way_is_sent_again_once_it_cannot_arrive_any_more(world: World) -> None:
    world.target.unique = ()
    begun(world)
    world.target.before_write.append(RetryableError("Cut.", after_seconds=1))
    assert done(world.sync()) == {"created": 1}
    assert len(world.target.by_key("C1")) == 1


def test_a_create_that_arrives_late_is_found_and_not_made_again(world: World) -> None:
    """The call was cut and is carried out while we wait: what waiting is for."""
    world.target.unique = ()
    begun(world)
    write = world.target.write

    def slow(module, batch, trigger=()):
        world.target.write = write
        world.target.meanwhile.append(lambda: write(module, batch, trigger))
        raise RetryableError("Cut.", after_seconds=1)

    world.target.write = slow
    assert done(world.sync()) == {"created": 1}
    assert len(world.target.by_key("C1")) == 1


def test_a_unique_key_needs_no_waiting(world: World) -> None:
    begun(world)
    world.target.after_write.append(RetryableError("The answer was lost.", after_seconds=1))
    began_at = world.clock.now()
    assert done(world.sync()) == {"created": 1}
    assert world.clock.now() - began_at < timedelta(seconds=60)
    assert len(world.target.by_key("C1")) == 1


def test_namesakes_of_the_source_join_nothing_that_appears_meanwhile(world: World) -> None:
    """Which of the two it is cannot be told, whether they come together or one after the other."""
    begun(world)
    world.sync()
    world.customer("C2", name="Acme Inc")
    world.customer("C3", name="Acme, Inc.")
    typed(world, "ACME INC")
    world.sync()
    assert world.waits() >= {
        ("customer_accounts", "C2", "AMBIGUOUS_MATCH"),
        ("customer_accounts", "C3", "AMBIGUOUS_MATCH"),
    }
    assert not any(r.get("GP_Customer_ID") for r in world.target.of() if r["Account_Name"] == "ACME INC")


def test_a_namesake_that_comes_later_joins_nothing_that_appears_meanwhile(world: World) -> None:
    begun(world)
    world.sync()
    world.customer("C2", name="ACME")
    typed(world, "Acme")
    world.sync()
    assert ("customer_accounts", "C2", "AMBIGUOUS_MATCH") in world.waits()


def test_what_a_person_rejected_is_not_joined_by_looking_again(world: World) -> None:
    seeded = [world.target.seed("Acme"), world.target.seed("Acme")]
    begun(world)
    world.sync()
    world.decided("C1", Verdict(rejected=frozenset(seeded)))
    assert done(world.sync()) == {"created": 1}
    assert len(world.target.of()) == 4
    assert world.held() == []


def test_a_released_ambiguity_is_not_asked_again(world: World) -> None:
    for _ in range(2):
        world.target.seed("Acme")
    begun(world)
    world.sync()
    assert {hold.code for hold in world.held()} == {"AMBIGUOUS_MATCH"}
    world.decided("C1", Verdict(released=frozenset({"AMBIGUOUS_MATCH"})))
    assert done(world.sync()) == {"created": 1}
    assert (world.held(), world.verdict("C1")) == ([], {})


def test_the_target_is_asked_once_for_each_batch_of_creates(world: World) -> None:
    begun(world)
    world.sync()
    for n in range(200, 350):
        world.source.put(f"C{n}", name=f"New {n}", customer_id=f"C{n}")
    world.clock.sleep(3600)
    before = world.target.queries
    world.sync(over_limit=True)
    assert world.target.queries - before == 3  # the index, and the names of a hundred and of fifty
    before = world.target.queries
    world.customer("C400")
    world.sync()
    assert world.target.queries - before == 2  # the index, and the names


# ---- values that thousands share

PLACEHOLDER = "none@none.example"


def test_a_placeholder_that_thousands_have_stops_nobody_where_the_parent_has_few(world: World) -> None:
    """The Contacts of one Account are few, whatever address thousands of others have."""
    world.texts["customers"] = [PLAIN, CONTACT]
    begun(world)
    world.target.crowd = 3
    for n in range(4):
        world.target.seed(f"Person {n}", "Contacts", Email=PLACEHOLDER)
    world.sync()
    (acme,) = world.target.by_key("C1")
    lee = {"Last_Name": "Lee", "Email": PLACEHOLDER.upper(), "Account_Name": acme}
    world.target.meanwhile = [lambda: world.target.seed("Lee", "Contacts", **lee)]
    world.customer("C1", contact_person="Ann Lee", email=PLACEHOLDER)
    world.customer("C2", contact_person="Bob Ray", email=PLACEHOLDER)
    world.customer("C3", contact_person="Cy Fox", email="cy@fox.example")
    assert "held" not in done(world.sync())
    made = {str(r["GP_Contact_Key"]) for r in world.target.of("Contacts") if r.get("GP_Contact_Key")}
    assert made == {"C1:ann lee", "C2:bob ray", "C3:cy fox"}
    assert len(world.target.of("Contacts")) == 4 + 3  # the one that was typed meanwhile was joined


def test_a_name_that_thousands_have_holds_the_one_record_and_names_it(world: World) -> None:
    for n in range(4):
        world.customer(f"C{n}", name="Cash sale")
    world.first("customers")
    world.target.crowd = 3
    for key, name in (("C5", "Cash Sale"), ("C6", "Good Company")):
        world.customer(key, name=name)
    assert done(world.sync()) == {"created": 1, "held": 1}
    assert world.waits() >= {("customer_accounts", "C5", "AMBIGUOUS_MATCH")}
    hold = next(hold for hold in world.held() if hold.mapping == "customer_accounts")
    assert "have the name Cash Sale" in hold.happened
    world.decided("C5", Verdict(released=frozenset({"AMBIGUOUS_MATCH"})))
    assert done(world.sync()) == {"created": 1}
    assert world.held() == []


def test_a_plain_key_that_thousands_have_holds_the_one_record(world: World) -> None:
    world.target.unique = ()
    begun(world)
    world.target.crowd = 1
    seed = world.target.seed
    world.target.meanwhile = [lambda: (seed("One", GP_Customer_ID="C1"), seed("Two", GP_Customer_ID="C1"))]
    assert done(world.sync()) == {"held": 1}
    holds = world.held()
    assert {hold.code for hold in holds} == {"AMBIGUOUS_KEY"}
    assert all("have the key C1" in hold.happened for hold in holds)
