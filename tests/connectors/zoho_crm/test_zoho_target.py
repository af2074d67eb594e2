"""Writing, reading and recognising, against the simulator."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.core.errors import AllowanceError, ConfigurationError, RetryableError
from ml_connector.core.needs import FieldNeed
from ml_connector.core.ports import Duplicate, Refused, Write, Written

GOOD_PHONE, BAD_PHONE = "555-0100", "x" * 31


def account(number, **more):
    return Write({"Account_Name": f"Account {number:05d}", "GP_Customer_ID": f"C{number:05d}", **more})


def accounts(first, count):
    return [account(number) for number in range(first, first + count)]


def test_creates_come_back_in_order_with_ids_and_stamps(org, target):
    results = target.write("Accounts", accounts(0, 100))
    assert all(isinstance(result, Written) for result in results)
    ids = [result.target_id for result in results]
    assert len(set(ids)) == 100
    assert all(abs(result.modified_at - org.clock.now()) < timedelta(minutes=1) for result in results)
    read = target.read("Accounts", ids, ["GP_Customer_ID"])
    assert [read[record_id]["GP_Customer_ID"] for record_id in ids] == [f"C{n:05d}" for n in range(100)]
    assert org.counts()["triggered"] == {}


def test_no_batch_no_call(org, target):
    before = org.counts()["calls"]
    assert target.write("Accounts", []) == []
    assert target.read("Accounts", [], ["Account_Name"]) == {}
    assert org.counts()["calls"] == before


@pytest.mark.parametrize("batch", [accounts(0, 101), [account(1), Write({"Account_Name": "A"}, "1")]])
def test_a_batch_that_cannot_be_one_call_is_a_bug(target, batch):
    with pytest.raises(ValueError, match="a batch is"):
        target.write("Accounts", batch)


def test_every_type_of_value_arrives_as_it_was(target):
    needs = [
        FieldNeed("Accounts", "Limit", "Limit", "currency", 16, 2),
        FieldNeed("Accounts", "Sold_On", "Sold On", "date"),
        FieldNeed("Accounts", "As_Of", "As Of", "datetime"),
        FieldNeed("Accounts", "On_Hold", "On Hold", "boolean"),
    ]
    assert [state.problem for state in target.create_fields(needs)] == [""] * 4
    values = {
        "Limit": Decimal("12345678901234.25"),
        "Sold_On": date(2026, 1, 31),
        "As_Of": datetime(2026, 1, 31, 23, 59, 58, 5, tzinfo=UTC),
        "On_Hold": True,
        "Employees": 12,
        "Account_Number": 10023,
        "Billing_Street": "1 Main St\nSuite 2",
    }
    (parent,) = target.write("Accounts", [account(1)])
    (child,) = target.write("Accounts", [account(2, **values, Parent_Account=parent.target_id)])
    read = target.read("Accounts", [child.target_id], [*values, "Parent_Account"])[child.target_id]
    assert datetime.fromisoformat(read.pop("As_Of")) == values["As_Of"].replace(microsecond=0)
    assert read.pop("Parent_Account") == parent.target_id
    assert read == {
        "Limit": Decimal("12345678901234.25"),
        "Sold_On": "2026-01-31",
        "On_Hold": True,
        "Employees": 12,
        "Account_Number": "10023",
        "Billing_Street": "1 Main St\nSuite 2",
    }
    target.write("Accounts", [Write({"Parent_Account": None, "Limit": None}, child.target_id)])
    assert target.read("Accounts", [child.target_id], ["Parent_Account", "Limit"])[child.target_id] == {
        "Parent_Account": None,
        "Limit": None,
    }


@pytest.mark.parametrize("bad", [{0}, {1}, {2}, {3}, {4}, {0, 4}, {1, 2, 3}, {0, 1, 2, 3, 4}, set()])
def test_a_bad_record_at_any_place_is_told_at_that_place(target, bad):
    batch = [account(n, Phone=BAD_PHONE if n in bad else GOOD_PHONE) for n in range(5)]
    results = target.write("Accounts", batch)
    assert {n for n, result in enumerate(results) if isinstance(result, Refused)} == bad
    for n in bad:
        assert (results[n].error.code, results[n].error.field) == ("INVALID_DATA", "Phone")
    written = [result.target_id for result in results if isinstance(result, Written)]
    assert len(target.read("Accounts", written, ["Phone"])) == 5 - len(bad)
    updates = [Write({"Phone": BAD_PHONE if n in bad else "555-0199"}, w) for n, w in enumerate(written)]
    again = target.write("Accounts", updates)
    assert [isinstance(result, Refused) for result in again] == [n in bad for n in range(len(written))]


def test_all_faults_of_a_record_are_told(target):
    (result,) = target.write(
        "Accounts", [Write({"GP_Customer_ID": "C", "Phone": BAD_PHONE, "Employees": 10**12})]
    )
    assert isinstance(result, Refused)
    for name in ("Phone", "Employees", "Account_Name"):
        assert name in result.error.happened


def test_a_key_that_is_taken_names_the_record_that_has_it(target):
    (first,) = target.write("Accounts", [account(1)])
    other, taken = target.write("Accounts", [account(2), account(1)])
    assert isinstance(other, Written)
    assert isinstance(taken, Duplicate)
    assert (taken.target_id, taken.field) == (first.target_id, "GP_Customer_ID")
    assert taken.error.code == "DUPLICATE_DATA"
    (update,) = target.write("Accounts", [Write({"GP_Customer_ID": "c00001"}, other.target_id)])
    assert isinstance(update, Duplicate)
    assert update.target_id == first.target_id


def test_an_update_of_a_record_that_is_gone(org, target):
    stays, goes = target.write("Accounts", accounts(1, 2))
    org.control("POST", "delete/Accounts", {"ids": [goes.target_id]})
    results = target.write(
        "Accounts",
        [Write({"Phone": "555-0101"}, goes.target_id), Write({"Phone": "555-0102"}, stays.target_id)],
    )
    assert isinstance(results[0], Refused)
    assert results[0].gone
    assert isinstance(results[1], Written)
    assert target.read("Accounts", [goes.target_id, stays.target_id], ["Phone"]) == {
        stays.target_id: {"Phone": "555-0102"}
    }


def test_a_lookup_to_nowhere_is_not_taken_for_a_record_that_is_gone(target):
    (made,) = target.write("Accounts", [account(1)])
    (result,) = target.write("Accounts", [Write({"Parent_Account": "5725767000000000001"}, made.target_id)])
    assert isinstance(result, Refused)
    assert not result.gone


def test_a_field_that_does_not_exist_is_not_dropped_in_silence(org, target):
    with pytest.raises(ConfigurationError, match="GP_Color"):
        target.write("Accounts", [account(1, GP_Color="red")])
    assert target.list_candidates("Accounts", [], None, None).rows == []
    org.target().create_fields([FieldNeed("Accounts", "GP_Color", "GP Color", "text", 20)])
    assert isinstance(target.write("Accounts", [account(1, GP_Color="red")])[0], Written)


def test_a_module_that_does_not_exist(target):
    with pytest.raises(ConfigurationError, match="no such module"):
        target.write("Acounts", [account(1)])


def test_the_configured_automations_are_started_and_no_others(org, target):
    with_workflow = org.target(trigger=["workflow"])
    with_workflow.write("Accounts", accounts(0, 3))
    target.write("Accounts", accounts(3, 4))
    assert org.counts()["triggered"] == {"workflow": 3}


def test_reading_more_ids_and_fields_than_one_call_takes(org, target):
    needs = [FieldNeed("Accounts", f"Extra_{n}", f"Extra {n}", "text", 50) for n in range(60)]
    assert not any(state.problem for state in target.create_fields(needs))
    extra = {need.name: need.name.lower() for need in needs}
    ids = [
        result.target_id
        for start in (0, 100)
        for result in target.write("Accounts", [account(n, **extra) for n in range(start, start + 75)])
    ]
    before = org.counts()["calls"]
    read = target.read("Accounts", [*ids, ids[0], "5725767000000000001"], ["id", "Account_Name", *extra])
    assert list(read) == ids
    assert all(values == {**values, **extra} for values in read.values())
    assert len(read[ids[0]]) == 61
    assert org.counts()["calls"] == before + 4


def test_candidates_are_paged_to_the_end_by_id(org, target):
    rows = [{"Account_Name": f"N {n}", "GP_Customer_ID": f"C{n}" if n % 2 else None} for n in range(5100)]
    org.control("POST", "records/Accounts", {"records": rows})
    pages, after = [], None
    while True:
        page = target.list_candidates("Accounts", ["GP_Customer_ID"], None, after)
        pages.append(page.rows)
        after = page.next_after
        if after is None:
            break
    assert [len(page) for page in pages] == [2000, 2000, 1100]
    candidates = [candidate for page in pages for candidate in page]
    assert [candidate.name for candidate in candidates] == [row["Account_Name"] for row in rows]
    assert candidates[0].values == {}
    assert candidates[1].values == {"GP_Customer_ID": "C1"}
    assert candidates[0].modified_at.utcoffset() == timedelta(0)


def test_values_stand_as_they_are_and_not_nearly(org, target):
    needs = [
        FieldNeed("Accounts", "Amount", "Amount", "currency", 16, 2),
        FieldNeed("Accounts", "Day", "Day", "date"),
        FieldNeed("Accounts", "Ticked", "Ticked", "boolean"),
    ]
    assert not any(state.problem for state in target.create_fields(needs))
    stands = {"Amount": Decimal("1234567890123.45"), "Day": date(2026, 2, 28), "Ticked": True}
    street = "Line 1\nLine 2 " + "x" * 200
    (made,) = target.write("Accounts", [account(1, **stands, Billing_Street=street)])
    fields = [*stands, "Billing_Street", "Layout", "Phone"]
    (row,) = target.list_values("Accounts", fields, None, None).rows
    assert row.values == {
        "Amount": Decimal("1234567890123.45"),
        "Day": "2026-02-28",
        "Ticked": True,
        "Billing_Street": street,
        "Phone": None,
    }
    assert (row.target_id, row.modified_at) == (made.target_id, made.modified_at)


def test_values_of_what_changed_cost_one_credit_until_there_are_many(org, target):
    rows = [{"Account_Name": f"N {n}"} for n in range(2300)]
    ids = org.control("POST", "records/Accounts", {"records": rows})["ids"]
    long_ago, before = datetime(2020, 1, 1, tzinfo=UTC), target.client.cost().credits
    first = target.list_values("Accounts", ["Phone"], long_ago, None)
    assert (len(first.rows), target.client.cost().credits - before) == (200, 1)
    second = target.list_values("Accounts", ["Phone"], long_ago, first.next_after)
    assert (len(second.rows), target.client.cost().credits - before) == (2000, 4)
    third = target.list_values("Accounts", ["Phone"], long_ago, second.next_after)
    assert third.next_after is None
    assert [row.target_id for page in (first, second, third) for row in page.rows] == ids
    before = target.client.cost().credits
    whole = target.list_values("Accounts", ["Phone"], None, None)
    assert (len(whole.rows), target.client.cost().credits - before) == (2000, 3)


def test_only_what_changed_since_is_listed(org, target):
    old, edited, mine = target.write("Accounts", accounts(1, 3))
    org.control("POST", "settings", {"clock_offset_seconds": 7200})
    since = org.clock.now() + timedelta(hours=1)
    org.control("POST", "edit/Accounts", {"records": [{"id": edited.target_id, "Phone": "555-0142"}]})
    target.write("Accounts", [Write({"Phone": "555-0143"}, mine.target_id)])
    page = target.list_candidates("Accounts", ["GP_Customer_ID"], since, None)
    assert {candidate.target_id for candidate in page.rows} == {edited.target_id, mine.target_id}
    assert page.next_after is None
    later = since + timedelta(days=1)
    assert target.list_candidates("Accounts", [], later, None).rows == []
    assert target.read("Accounts", [edited.target_id], ["Phone"])[edited.target_id] == {"Phone": "555-0142"}
    assert old.target_id not in {candidate.target_id for candidate in page.rows}


@pytest.mark.parametrize(
    "name",
    [
        "O'Brien",
        "back\\slash",
        "'; --",
        "\\'",
        '100% (very) [odd], "quoted"',
        "Grün & Söhne",
        "a''b",
        "x or y",
    ],
)
def test_awkward_values_are_found_exactly(target, name):
    target.write("Accounts", [Write({"Account_Name": name, "GP_Customer_ID": "1"}), account(2)])
    found = target.find_candidates("Accounts", "Account_Name", [name], ["GP_Customer_ID"]).found
    assert [(candidate.name, candidate.values["GP_Customer_ID"]) for candidate in found] == [(name, "1")]


def test_more_values_than_one_query_takes(org, target):
    for start in (0, 100):
        target.write("Accounts", accounts(start, 100))
    values = [f"c{n:05d}" for n in range(250)]
    found = target.find_candidates("Accounts", "GP_Customer_ID", values, ["GP_Customer_ID"]).found
    assert [candidate.values["GP_Customer_ID"] for candidate in found] == [f"C{n:05d}" for n in range(200)]


def test_a_field_that_cannot_be_queried_is_for_a_person(target):
    with pytest.raises(ConfigurationError):
        target.list_candidates("Accounts", ["No_Such_Field"], None, None)


def test_deleted_records_are_listed_to_the_last_page(org, target):
    since = org.clock.now() - timedelta(minutes=1)
    assert target.list_deleted("Accounts", since) == []
    ids = [w.target_id for start in (0, 100, 200) for w in target.write("Accounts", accounts(start, 90))]
    org.control("POST", "delete/Accounts", {"ids": ids[:250]})
    assert sorted(target.list_deleted("Accounts", since)) == ids[:250]
    assert target.list_deleted("Accounts", org.clock.now() + timedelta(hours=1)) == []


def test_the_currency_and_the_clock(org, target):
    assert target.currency() == "USD"
    assert abs(target.clock_difference()) < 5
    org.control("POST", "settings", {"clock_offset_seconds": 100})
    assert 95 < target.clock_difference() < 105


# ---- while things go wrong


CREATE, UPDATE, READ = "POST /crm/v8/Accounts", "PUT /crm/v8/Accounts", "GET /crm/v8/Accounts"


@pytest.mark.parametrize("kind", ["cut_after_work", "garbage_json", "http_500_after_work", "cut_mid_answer"])
def test_a_create_whose_answer_is_lost_is_sent_once_and_stands_there(org, target, kind):
    org.faults({"match": CREATE, "kind": kind})
    with pytest.raises(RetryableError):
        target.write("Accounts", accounts(0, 20))
    assert org.counts()["writes"]["Accounts"] == {"insert": 20}
    again = target.write("Accounts", accounts(0, 20))
    assert all(isinstance(result, Duplicate) for result in again)
    ids = [result.target_id for result in again]
    assert len(target.read("Accounts", ids, ["GP_Customer_ID"])) == 20


@pytest.mark.parametrize("kind", ["drop", "http_500", "html_503", "html_200"])
def test_a_create_that_was_not_done_is_left_to_the_caller(org, target, kind):
    org.faults({"match": CREATE, "kind": kind})
    with pytest.raises(RetryableError):
        target.write("Accounts", accounts(0, 20))
    assert "Accounts" not in org.counts()["writes"]
    assert all(isinstance(result, Written) for result in target.write("Accounts", accounts(0, 20)))


@pytest.mark.parametrize("kind", ["cut_after_work", "drop", "http_500", "html_200", "garbage_json"])
def test_an_update_is_repeated(org, target, kind):
    (made,) = target.write("Accounts", [account(1)])
    org.faults({"match": UPDATE, "kind": kind})
    (result,) = target.write("Accounts", [Write({"Phone": "555-0101"}, made.target_id)])
    assert isinstance(result, Written)
    assert target.read("Accounts", [made.target_id], ["Phone"])[made.target_id] == {"Phone": "555-0101"}


@pytest.mark.parametrize(
    "kind", ["drop", "http_500", "html_200", "garbage_json", "http_429", "cut_mid_answer"]
)
def test_a_read_is_repeated_a_few_times(org, target, kind):
    (made,) = target.write("Accounts", [account(1)])
    org.faults({"match": READ, "kind": kind, "count": 2})
    assert target.read("Accounts", [made.target_id], ["Phone"])
    org.faults({"match": READ, "kind": kind, "count": 3})
    with pytest.raises(RetryableError):
        target.read("Accounts", [made.target_id], ["Phone"])
    assert target.read("Accounts", [made.target_id], ["Phone"])


def test_used_up_credits_take_long_and_are_seldom_asked_for_again(org, target, clock):
    target.currency()
    org.control("POST", "settings", {"credit_limit": 1})
    calls = org.counts()["calls"]
    for asked in (1, 1, 2, 2, 2):
        with pytest.raises(AllowanceError, match="0 are left and 5,500 are kept for people"):
            target.list_candidates("Accounts", [], None, None)
        assert org.counts()["calls"] == calls + asked
        clock.sleep(450)


def test_the_cost_is_what_the_simulator_counted(org, target):
    for start in (0, 100):
        target.write("Accounts", accounts(start, 100))
    target.list_candidates("Accounts", [], None, None)
    cost = target.client.cost()
    assert cost.credits == org.counts()["credits_used"]
    assert cost.calls == {"fields": 2, "org": 1, "create fields": 1, "insert": 2, "query": 1}
    assert cost.seconds > 0


# ---- ping


def test_all_is_well(org, target):
    checks = target.checks(
        ["Accounts", "Vendors"], [FieldNeed("Accounts", "GP_Customer_ID", "GP Customer ID")]
    )
    assert [check for check in checks if not check.ok] == []
    assert len(checks) == 3 + 2 * 5 + 2
    assert target.list_candidates("Accounts", [], None, None).rows == []
    assert org.counts()["writes"] == {}


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("ZohoCRM.coql.READ", "query Accounts"),
        ("ZohoCRM.modules.accounts.READ", "read Accounts"),
        ("ZohoCRM.modules.accounts.CREATE", "create Accounts"),
        ("ZohoCRM.modules.accounts.UPDATE", "update Accounts"),
        ("ZohoCRM.settings.fields.READ", "read fields of Accounts"),
        ("ZohoCRM.settings.fields.CREATE", "create fields"),
        ("ZohoCRM.org.READ", "organisation"),
        ("ZohoCRM.users.READ", "read users"),
        ("ZohoCRM.settings.layouts.READ", "read layouts of Accounts"),
    ],
)
def test_a_missing_scope_is_named_with_the_way_to_grant_it(start, missing, name):
    scopes = [
        "ZohoCRM.modules.accounts.READ",
        "ZohoCRM.modules.accounts.CREATE",
        "ZohoCRM.modules.accounts.UPDATE",
        "ZohoCRM.settings.fields.READ",
        "ZohoCRM.settings.fields.CREATE",
        "ZohoCRM.coql.READ",
        "ZohoCRM.org.READ",
        "ZohoCRM.users.READ",
        "ZohoCRM.settings.layouts.READ",
    ]
    org = start(scopes=",".join(scope for scope in scopes if scope != missing))
    needs = [FieldNeed("Accounts", "A", "A", "text")]
    checks = org.target().checks(["Accounts"], needs, users=True, layouts=["Accounts"])
    bad = {check.name: check for check in checks if not check.ok}
    assert missing in bad[name].detail
    assert "authorize" in bad[name].remedy
    allowed = [check.name for check in checks if check.ok]
    assert len(allowed) >= 4


def test_ping_ends_where_signing_in_fails(org):
    org.refresh_token = "1000.wrong"
    checks = org.target().checks(["Accounts"], [])
    assert [(check.name, check.ok) for check in checks] == [("sign in", False)]


def test_ping_tells_a_wrong_clock_and_a_missing_field_and_module(org, target):
    org.control("POST", "settings", {"clock_offset_seconds": 300})
    needs = [FieldNeed("Accounts", "Nothing", "Nothing", "text", 10)]
    bad = {check.name: check for check in target.checks(["Acounts"], needs) if not check.ok}
    assert "differ" in bad["clock"].detail
    assert "Accounts.Nothing" in bad["fields"].detail
    assert "no such module" in bad["read fields of Acounts"].detail
