"""``reconcile fields``: what a person changed in fields of ours is found, let be or put back, and never lost unseen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ml_connector.core.errors import RecordRejectedError, RetryableError
from ml_connector.core.reconcile import Difference
from ml_connector.core.transform import MapContext
from ml_connector.flows import reconcile_fields
from ml_connector.flows.pointed import find_names
from ml_connector.flows.reconcile_fields import Compared, hand_over
from ml_connector.store import bulk_jobs, cursors, differences
from ml_connector.store.bulk_jobs import BulkJob
from ml_connector.store.differences import Place
from world import CONTACT, CUSTOMER, FAMILY, FINANCIALS, PLAIN, VENDOR, World, done

MARKED = CUSTOMER.replace("match =", 'marks = { vanished = "Gone" }\nmatch =')


@pytest.fixture
def loaded(world: World) -> World:
    """Five customers in step, compared once."""
    world.texts["customers"] = [MARKED, FINANCIALS]
    world.change(facet_every={"addresses": timedelta(days=999)})
    for n in range(5):
        world.customer(f"C{n}", email=f"c{n}@example.com", limit=Decimal("100.00"))
    world.first("customers")
    assert compare(world).news == 0
    return world


def compare(world: World, flow: str = "customers", *, everything: bool = False) -> Compared:
    world.clock.sleep(3600)
    return reconcile_fields.compare(world.work(flow), f"fields-{world.clock.now()}", everything=everything)


def found(
    world: World, flow: str = "customers", module: str = "Accounts"
) -> dict[tuple[str, str], tuple[object, object]]:
    """(Key, field) -> what we left, and what stands there."""
    with world.database.read() as tx:
        rows = differences.standing(tx, Place(world.company, world.work(flow).flow.name, module))
    return {
        (row.source_key, row.difference.field): (row.difference.ours, row.difference.theirs) for row in rows
    }


def put_back(world: World, flow: str = "customers") -> dict[str, int]:
    """Hand everything over, and run what is asked for."""
    keys = hand_over(world.work(flow))
    return done(world.sync(flow, tuple(keys))) if keys else {}


def person(world: World, key: str, **values: object) -> str:
    """Somebody changes the record of this key, an hour later."""
    world.clock.sleep(3600)
    (target_id,) = world.target.by_key(key)
    world.target.edit(target_id, **values)
    return target_id


def account(world: World, key: str) -> dict[str, object]:
    (target_id,) = world.target.by_key(key)
    return world.target.records[target_id]


def story(world: World, key: str, action: str) -> list[tuple[str, str]]:
    return [(row["before"], row["after"]) for row in world.rows(key) if row["action"] == action]


def test_a_changed_field_is_found_with_both_values_and_let_be(loaded):
    person(loaded, "C1", City="Elgin", Limit=Decimal(5), Website="c1.example")
    told = compare(loaded)
    assert (told.records, told.news) == (1, 2)
    assert found(loaded) == {
        ("C1", "City"): ("Chicago", "Elgin"),
        ("C1", "Limit"): (Decimal(100), Decimal(5)),
    }
    assert story(loaded, "C1", "record:found_changed") == [
        ('{"City":"Chicago"}', '{"City":"Elgin"}'),
        ('{"Limit":"100"}', '{"Limit":"5"}'),
    ]
    assert account(loaded, "C1")["City"] == "Elgin"
    assert done(loaded.sync()) == {}, "let be"
    assert account(loaded, "C1")["City"] == "Elgin"


def test_what_is_known_is_no_news_and_stays_on_the_list(loaded):
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    before = found(loaded)
    for everything in (False, True):
        assert compare(loaded, everything=everything).news == 0
        assert found(loaded) == before
    assert len(story(loaded, "C1", "record:found_changed")) == 1
    person(loaded, "C1", City="Joliet")
    assert compare(loaded).news == 1
    assert found(loaded) == {("C1", "City"): ("Chicago", "Joliet")}


def test_only_what_changed_there_is_read_and_then_everything_if_asked(loaded):
    assert compare(loaded).records == 0
    person(loaded, "C1", City="Elgin")
    assert compare(loaded).records == 1
    assert compare(loaded).records == 0
    assert compare(loaded, everything=True).records == 5


def at_once(world: World) -> int:
    """Compare without any time between; how many records were read."""
    return reconcile_fields.compare(world.work("customers"), f"fields-{world.runs}", everything=False).records


@pytest.mark.parametrize("behind", [timedelta(hours=-7), timedelta(hours=7)])
def test_what_was_settled_by_the_targets_clock_is_not_read_again(world, behind):
    """However far that is from ours."""
    world.texts["customers"] = [MARKED]
    world.change(facet_every={"addresses": timedelta(days=999)})
    for n in range(5):
        world.customer(f"C{n}")
    world.first("customers")
    world.target.behind = behind
    for target_id in world.target.stamps:
        world.target.stamps[target_id] = world.clock.now() - behind
    world.clock.sleep(61)
    assert at_once(world) == 5
    assert at_once(world) == 0
    (target_id,) = world.target.by_key("C1")
    world.target.edit(target_id, City="Elgin")
    world.target.stamps[target_id] = world.clock.now() - behind
    assert at_once(world) == 1
    assert found(world) == {("C1", "City"): ("Chicago", "Elgin")}


def test_what_was_written_a_moment_before_the_answer_is_read_again(loaded):
    """It may not have been in it yet."""
    (target_id,) = loaded.target.by_key("C1")
    loaded.target.edit(target_id, Website="c1.example")
    assert at_once(loaded) == 1
    loaded.clock.sleep(59)
    assert at_once(loaded) == 1, "of the comparison before, it was a moment ago"
    loaded.clock.sleep(2)
    assert at_once(loaded) == 1, "of the one before, it was 59 seconds ago"
    assert at_once(loaded) == 0


def test_a_target_that_does_not_tell_its_clock_is_read_from_its_last_stamp(loaded):
    loaded.target.behind = None
    assert compare(loaded, everything=True).records == 5
    person(loaded, "C1", City="Elgin")
    assert compare(loaded).records == 1
    assert compare(loaded).records == 1, "as long as nothing later is known"


def test_a_change_while_the_rest_is_read_is_found_by_the_next(loaded):
    """The first page was answered before it: its clock counts, not that of the last."""
    loaded.target.page_size = 2
    (target_id,) = loaded.target.by_key("C0")

    def meanwhile(_read: int) -> None:
        loaded.clock.sleep(400)
        if account(loaded, "C0")["City"] == "Chicago":
            loaded.target.edit(target_id, City="Elgin")

    loaded.clock.sleep(3600)
    reconcile_fields.compare(loaded.work("customers"), "fields-1", everything=True, tell=meanwhile)
    assert found(loaded) == {}
    assert at_once(loaded) == 1
    assert found(loaded) == {("C0", "City"): ("Chicago", "Elgin")}


def test_a_change_before_our_own_last_write_is_found(loaded):
    """The record's stamp is our own by then: it says nothing of the person."""
    person(loaded, "C1", City="Elgin")
    loaded.customer("C1", name="C one")
    assert done(loaded.sync()) == {"updated": 1}
    assert compare(loaded).news == 1
    assert found(loaded) == {("C1", "City"): ("Chicago", "Elgin")}


def test_put_back_writes_what_differs_and_tells_what_stood_there(loaded):
    person(loaded, "C1", City="Elgin", Website="c1.example")
    person(loaded, "C3", Email=None)
    compare(loaded)
    loaded.target.writes.clear()
    assert put_back(loaded) == {"updated": 2}
    assert [(how, set(what)) for how, what in loaded.target.writes] == [
        ("update", {"City", "As_Of"}),
        ("update", {"Email", "As_Of"}),
    ]
    assert (account(loaded, "C1")["City"], account(loaded, "C1")["Website"]) == ("Chicago", "c1.example")
    before, after = story(loaded, "C1", "record:updated")[-1]
    assert ('"City":"Elgin"' in before, '"City":"Chicago"' in after) == (True, True)
    assert found(loaded) == {}
    assert compare(loaded).news == 0
    assert found(loaded) == {}
    assert put_back(loaded) == {}


def test_what_gp_says_by_now_is_put_back(loaded):
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    loaded.customer("C1", city="Joliet")
    assert put_back(loaded) == {"updated": 1}
    assert account(loaded, "C1")["City"] == "Joliet"


def test_a_person_who_is_of_gps_opinion_by_now_is_left_alone(loaded):
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    loaded.customer("C1", city="Elgin")
    assert put_back(loaded) == {"unchanged": 1}
    assert compare(loaded).news == 0


def test_a_change_after_the_comparison_is_kept_as_before(loaded):
    """Between our read and our write."""
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    person(loaded, "C1", City="Joliet")
    assert put_back(loaded) == {"updated": 1}
    assert '"City":"Joliet"' in story(loaded, "C1", "record:updated")[-1][0]
    assert account(loaded, "C1")["City"] == "Chicago"


def test_whatever_was_handed_over_is_put_back_by_the_next_run(loaded):
    """The process dies before its run."""
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    assert hand_over(loaded.work()) == ["C1"]
    assert hand_over(loaded.work()) == ["C1"], "the same command again goes on from there"
    assert done(loaded.sync()) == {"updated": 1}
    assert account(loaded, "C1")["City"] == "Chicago"
    assert hand_over(loaded.work()) == []


@pytest.mark.parametrize("lost", ["before_write", "after_write"])
def test_a_lost_answer_loses_nothing_and_tells_once(loaded, lost):
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    keys = tuple(hand_over(loaded.work()))
    getattr(loaded.target, lost).append(RetryableError("The line is cut."))
    loaded.change(max_wait=timedelta(0))
    assert loaded.sync(keys=keys)["state"] == "away"
    with pytest.raises(RetryableError, match="did not come to its end"):
        compare(loaded)
    assert done(loaded.sync()) == {"updated": 1}
    assert account(loaded, "C1")["City"] == "Chicago"
    assert len([one for one in story(loaded, "C1", "record:updated") if "City" in one[1]]) == 1
    assert compare(loaded).news == 0


def test_a_refused_one_waits_and_is_put_back_when_it_is_tried_again(loaded):
    loaded.target.locked.add(person(loaded, "C1", City="Elgin"))
    compare(loaded)
    assert put_back(loaded) == {"held": 1}
    assert ("customer_accounts", "C1", "LOCKED") in loaded.waits()
    loaded.target.locked.clear()
    assert done(loaded.sync(keys=("C1",))) == {"updated": 1}
    assert account(loaded, "C1")["City"] == "Chicago"
    assert loaded.waits() == set()


def test_the_key_is_found_and_put_back(loaded):
    target_id = person(loaded, "C1", GP_Customer_ID="typo")
    person(loaded, "C2", GP_Customer_ID="c2 ")
    assert compare(loaded).news == 1
    assert found(loaded) == {("C1", "GP_Customer_ID"): ("C1", "typo")}
    assert done(loaded.sync()) == {}
    assert loaded.target.records[target_id]["GP_Customer_ID"] == "typo", "let be"
    assert put_back(loaded) == {"updated": 1}
    assert loaded.target.records[target_id]["GP_Customer_ID"] == "C1"
    assert '"GP_Customer_ID":"typo"' in story(loaded, "C1", "record:updated")[-1][0]
    assert compare(loaded).news == 0
    assert put_back(loaded) == {}


def test_a_key_that_another_record_carries_now_waits_for_a_person(loaded):
    target_id = person(loaded, "C1", GP_Customer_ID=None)
    other = loaded.target.seed("Another", GP_Customer_ID="C1")
    compare(loaded)
    assert put_back(loaded) == {"held": 1}
    assert loaded.target.records[other]["GP_Customer_ID"] == "C1"
    assert loaded.target.records[target_id]["GP_Customer_ID"] is None


def test_the_prefix_of_the_company_is_part_of_the_key(world):
    world.context = MapContext("USD", "A-")
    world.customer("C1")
    world.first("customers")
    assert compare(world, everything=True).news == 0
    assert world.target.only()["GP_Customer_ID"] == "A-C1"


def test_a_mark_is_put_back_and_the_rest_of_what_vanished_is_anybodys(loaded):
    del loaded.source.rows["customers"]["C1"]
    loaded.sync(keys=("C1",))
    assert account(loaded, "C1")["Gone"] is True
    assert compare(loaded).news == 0
    person(loaded, "C1", Gone=False, City="Elgin")
    assert compare(loaded).news == 1
    assert found(loaded) == {("C1", "Gone"): (True, False)}
    assert put_back(loaded) == {"absent": 1, "marked": 1}
    assert (account(loaded, "C1")["Gone"], account(loaded, "C1")["City"]) == (True, "Elgin")
    assert compare(loaded).news == 0


def test_a_former_persons_mark_is_put_back(world):
    world.texts["customers"] = [PLAIN, CONTACT]
    world.customer("C1", contact_person="Bob Fitz", email="bob@fitz.example")
    world.first("customers")
    world.customer("C1", contact_person="Eve Adams", email="eve@adams.example")
    world.sync()
    assert compare(world).news == 0
    former = next(i for i, r in world.target.records.items() if r.get("Former") is True)
    world.clock.sleep(3600)
    world.target.edit(former, Former=False, First_Name="Robert")
    assert compare(world).news == 1
    assert found(world, module="Contacts") == {("C1", "Former"): (True, False)}
    put_back(world)
    assert world.target.records[former]["Former"] is True
    assert compare(world).news == 0


def test_a_field_that_is_only_filled_at_first_is_anybodys(world):
    world.texts["customers"] = [PLAIN, CONTACT]
    world.customer("C1", contact_person="Mr Bob Fitz", email="bob@fitz.example")
    world.first("customers")
    (contact,) = [i for i, module in world.target.modules.items() if module == "Contacts"]
    world.clock.sleep(3600)
    world.target.edit(contact, Salutation="Dr.", First_Name="Robert")
    compare(world)
    assert found(world, module="Contacts") == {("C1", "First_Name"): ("Bob", "Robert")}


def test_a_lookup_that_points_elsewhere_is_found_and_put_back(world):
    world.texts["customers"] = [FAMILY]
    world.customer("PARENT")
    world.customer("CHILD", corporate_id="PARENT")
    other = world.target.seed("Somebody else")
    world.first("customers")
    (parent,) = world.target.by_key("PARENT")
    assert compare(world).news == 0
    person(world, "CHILD", Parent_Account=other)
    compare(world)
    assert found(world) == {("CHILD", "Parent_Account"): (parent, other)}
    assert put_back(world) == {"updated": 1}
    assert account(world, "CHILD")["Parent_Account"] == parent


def test_a_field_of_the_higher_ranked_mapping_is_found_once_by_its_own_flow(world):
    world.texts = {"customers": [PLAIN], "vendors": [VENDOR]}
    world.customer("C1", name="Both Ltd")
    world.source.put("V1", "vendors", vendor_id="V1", name="Both Ltd", city="Boston")
    world.first("customers", "vendors")
    record = world.target.only()
    assert (record["GP_Customer_ID"], record["GP_Vendor_ID"], record["City"]) == ("C1", "V1", "Chicago")
    person(world, "C1", City="Elgin", Is_Vendor=False)
    compare(world, "customers")
    compare(world, "vendors")
    assert found(world, "customers") == {("C1", "City"): ("Chicago", "Elgin")}
    assert found(world, "vendors") == {("V1", "Is_Vendor"): (True, False)}
    assert put_back(world, "vendors") == {"updated": 1}
    assert put_back(world, "customers") == {"updated": 1}
    assert (record["City"], record["Is_Vendor"]) == ("Chicago", True)


def test_what_is_gone_is_told_and_not_compared(loaded):
    person(loaded, "C2", City="Elgin")
    compare(loaded)
    assert ("C2", "City") in found(loaded)
    (deleted,), (known,) = loaded.target.by_key("C1"), loaded.target.by_key("C2")
    loaded.target.gone.add(known)
    loaded.customer("C3", city="Joliet")
    loaded.sync()  # which sees that C2 is gone
    loaded.target.gone.add(deleted)
    told = compare(loaded, everything=True)
    assert sorted(link.source_key for link in told.gone) == ["C1", "C2"]
    assert (told.records, told.notes) == (3, [])
    assert found(loaded) == {}


def test_what_our_user_may_not_see_is_told(loaded):
    loaded.target.hidden.update(loaded.target.by_key("C1"))
    told = compare(loaded, everything=True)
    assert told.gone == []
    assert "1 linked records of Accounts are not in its list" in told.notes[0]


def test_what_was_set_right_by_itself_is_no_difference_any_more(loaded):
    person(loaded, "C1", City="Elgin")
    person(loaded, "C2", City="Elgin")
    compare(loaded)
    person(loaded, "C1", City="Chicago")
    loaded.customer("C2", city="Joliet")
    loaded.sync()
    assert compare(loaded).news == 0
    assert found(loaded) == {}


def test_a_field_that_a_run_wrote_since_is_not_taken_for_the_persons(loaded):
    """Between the comparison and the handing over."""
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    loaded.customer("C1", city="Joliet")
    loaded.sync()
    loaded.target.writes.clear()
    assert put_back(loaded) == {"unchanged": 1}
    assert loaded.target.writes == []
    assert account(loaded, "C1")["City"] == "Joliet"


def test_other_mappings_are_compared_whole_and_forget_what_they_do_not_own(loaded):
    person(loaded, "C1", City="Elgin", Email="other@example.com")
    compare(loaded)
    loaded.texts["customers"] = [
        MARKED.replace('City = "city"', 'City = { from = "city", owner = "zoho" }'),
        FINANCIALS,
    ]
    loaded.sync()
    assert compare(loaded).records == 5
    assert found(loaded) == {("C1", "Email"): ("c1@example.com", "other@example.com")}


def test_a_removed_field_is_told_and_the_others_are_compared(loaded):
    person(loaded, "C1", City="Elgin", Email="other@example.com")
    loaded.target.drift["Email"] = None
    told = compare(loaded)
    assert "Accounts.Email" in told.notes[0]
    assert found(loaded) == {("C1", "City"): ("Chicago", "Elgin")}


def test_pages_are_compared_one_by_one(loaded):
    loaded.target.page_size = 2
    for n in range(5):
        person(loaded, f"C{n}", City=f"City {n}")
    assert compare(loaded).news == 5
    assert len(found(loaded)) == 5


def test_more_than_a_portion_is_handed_over_whole(loaded):
    for n in range(340):
        loaded.source.put(
            f"M{n}", customer_id=f"M{n}", name=f"Many {n}", city="Chicago", email=f"m{n}@example.com"
        )
    loaded.sync(over_limit=True)
    loaded.clock.sleep(3600)
    changed = {"City": "Elgin", "Email": "other@example.com", "Limit": Decimal(1)}
    for n in range(340):
        loaded.target.edit(*loaded.target.by_key(f"M{n}"), **changed)
    assert compare(loaded).news == 1020
    keys = hand_over(loaded.work())
    assert len(keys) == 340
    assert found(loaded) == {}
    loaded.sync(keys=tuple(keys), over_limit=True)
    assert {account(loaded, f"M{n}")["City"] for n in range(340)} == {"Chicago"}
    assert compare(loaded).news == 0


def test_a_bad_record_of_gp_waits_and_its_field_is_put_back_with_it(loaded):
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    loaded.source.unreadable["C1"] = RecordRejectedError("GP refuses it.", code="GP")
    assert put_back(loaded) == {"held": 1}
    loaded.source.unreadable.clear()
    assert done(loaded.sync(keys=("C1",))) == {"updated": 1}
    assert account(loaded, "C1")["City"] == "Chicago"


def test_emptying_many_is_for_a_person(loaded):
    """The safety limit holds for what is put back, too."""
    for n in range(30):
        loaded.customer(f"D{n}", email=None)
    loaded.sync(over_limit=True)
    for n in range(30):
        person(loaded, f"D{n}", Email=f"d{n}@example.com")
    compare(loaded)
    told = loaded.sync(keys=tuple(hand_over(loaded.work())))
    assert told["state"] == "limit"
    assert account(loaded, "D1")["Email"] == "d1@example.com"
    assert loaded.sync(over_limit=True)["counts"]["updated"] == 30
    assert not account(loaded, "D1")["Email"]


def test_what_a_bulk_job_of_a_stopped_run_wrote_is_not_taken_for_a_persons_change(loaded):
    """The safety limit stopped the run while its job was under way, and nobody has read what that did."""
    with loaded.database.begin() as tx:
        last = cursors.last_run(tx, loaded.company, "customers")
        cursors.close_run(tx, last.run, loaded.clock.now(), "limit", "", {})
    person(loaded, "C1", City="Denver")
    job = BulkJob("Accounts", "file-0", "update", last.run, 1, loaded.clock.now(), "job-0")
    with loaded.database.begin() as tx:
        bulk_jobs.put(tx, job)
    with pytest.raises(RetryableError, match="may not be recorded"):
        compare(loaded)
    with loaded.database.begin() as tx:
        bulk_jobs.remove(tx, job)
    assert compare(loaded).news == 1


# ---- what lookups point to


def test_a_lookup_is_told_by_the_names_of_both_records(world):
    world.texts["customers"] = [FAMILY]
    world.customer("C1", name="Mother Ltd")
    world.customer("C2", name="Daughter Ltd", corporate_id="C1")
    world.first("customers")
    stranger = world.target.seed("Stranger Ltd")
    mother, _ = world.target.by_key("C1"), compare(world)
    person(world, "C2", Parent_Account=stranger)
    compare(world)
    assert found(world) == {("C2", "Parent_Account"): (mother[0], stranger)}
    with world.database.read() as tx:
        rows = differences.standing(tx, Place(world.company, "customers", "Accounts"))
    names = find_names(world.work(), "Accounts", [row.difference for row in rows])
    assert names == {
        ("Parent_Account", mother[0]): "Mother Ltd",
        ("Parent_Account", stranger): "Stranger Ltd",
    }


def test_nobody_is_asked_for_names_where_no_lookup_differs(loaded):
    person(loaded, "C1", City="Elgin")
    compare(loaded)
    before = loaded.target.queries
    city = Difference("City", "customer_accounts", "Chicago", "Elgin")
    assert find_names(loaded.work(), "Accounts", [city]) == {}
    assert loaded.target.queries == before
