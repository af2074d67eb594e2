"""What differs from one organisation to the next: automations, layouts, owners, lookups, fields as they are now."""

import pytest

from ml_connector.core.errors import ConfigurationError, NotPermittedError
from ml_connector.core.needs import FieldNeed, FieldShape
from ml_connector.core.ports import Refused, Write, Written


def account(number, **more):
    return Write({"Account_Name": f"Account {number:05d}", "GP_Customer_ID": f"C{number:05d}", **more})


def ids_of(results):
    assert all(isinstance(result, Written) for result in results), results
    return [result.target_id for result in results]


# ---- automations


@pytest.mark.parametrize(
    ("configured", "asked", "started"),
    [
        ((), (), {}),
        (("workflow",), (), {"workflow": 1}),
        ((), ("approval",), {"approval": 1}),
        (("workflow",), ("approval", "workflow"), {"workflow": 1, "approval": 1}),
    ],
)
def test_a_write_starts_what_is_configured_and_what_it_asks_for(org, target, configured, asked, started):
    org.target(trigger=configured).write("Accounts", [account(1)], asked)
    assert org.counts()["triggered"] == started


# ---- lookups


def test_lookups_are_ids_wherever_they_are_read(target):
    (parent,) = ids_of(target.write("Accounts", [account(1)]))
    (child,) = ids_of(target.write("Accounts", [account(2, Parent_Account=parent)]))
    (person,) = ids_of(target.write("Contacts", [Write({"Last_Name": "Public", "Account_Name": child})]))
    assert target.read("Accounts", [child], ["Parent_Account"]) == {child: {"Parent_Account": parent}}
    owner = target.read("Accounts", [child], ["Owner"])[child]["Owner"]
    assert owner in target.users().values()
    rows = target.list_candidates("Accounts", ["Parent_Account"], None, None).rows
    assert {row.target_id: row.values for row in rows} == {parent: {}, child: {"Parent_Account": parent}}
    (found,) = target.find_candidates("Contacts", "", ["Public"], ["Account_Name", "Owner"]).found
    assert (found.target_id, found.name, found.values) == (
        person,
        "Public",
        {"Account_Name": child, "Owner": owner},
    )
    found = target.find_candidates("Contacts", "Account_Name", [child, parent], ["Account_Name"]).found
    assert [(one.target_id, one.values) for one in found] == [(person, {"Account_Name": child})]


# ---- finding


def test_finding_is_cheap_where_few_are_found(org, target):
    target.write("Accounts", [account(number) for number in range(100)])
    before = target.client.cost()
    names = [f"account {number:05d}" for number in range(300)]
    assert len(target.find_candidates("Accounts", "", names, ["GP_Customer_ID"]).found) == 100
    after = target.client.cost()
    assert after.calls["query"] - before.calls.get("query", 0) == 3
    assert after.credits - before.credits == 3
    assert after.credits == org.counts()["credits_used"]


def test_finding_more_than_a_cheap_query_has_costs_a_second_one(org, target):
    rows = [{"Account_Name": "Twin", "GP_Customer_ID": f"C{number}"} for number in range(450)]
    org.control("POST", "records/Accounts", {"records": rows})
    before = target.client.cost().credits
    found = target.find_candidates("Accounts", "", ["twin"], []).found
    assert len({one.target_id for one in found}) == 450
    assert target.client.cost().credits - before == 1 + 3


def test_a_value_that_thousands_share_is_told_and_the_others_are_found(org, target):
    org.control("POST", "records/Accounts", {"records": [{"Account_Name": "Twin"} for _ in range(2001)]})
    target.write("Accounts", [account(number) for number in range(99)])
    names = [*(f"Account {number:05d}" for number in range(60)), "twin", "Account 00077", "Nobody"]
    told = target.find_candidates("Accounts", "", names, ["GP_Customer_ID"])
    assert told.crowded == {"twin"}
    assert [one.values["GP_Customer_ID"] for one in told.found] == [f"C{n:05d}" for n in (*range(60), 77)]


# ---- users


def test_users_are_the_active_ones_of_all_pages(org, target):
    few = target.users()
    assert few["sandra.martinez@fabrikam.example"]
    assert "greg.erickson@fabrikam.example" not in few
    many = [
        {"id": f"57257670000009{n:05d}", "first_name": "A", "last_name": f"{n}", "email": f"P{n}@x.example"}
        for n in range(450)
    ]
    org.control("POST", "users", {"users": many})
    assert len(target.users()) == len(few) + 450
    assert target.users()["p449@x.example"] == many[449]["id"]


def test_users_need_their_scope(start):
    org = start(scopes="ZohoCRM.org.READ")
    with pytest.raises(NotPermittedError, match=r"ZohoCRM\.users\.READ"):
        org.target().users()


def test_a_record_is_given_to_a_user(target):
    sandra = target.users()["sandra.martinez@fabrikam.example"]
    (made,) = ids_of(target.write("Accounts", [account(1, Owner=sandra)]))
    assert target.read("Accounts", [made], ["Owner"]) == {made: {"Owner": sandra}}
    (refused,) = target.write("Accounts", [account(2, Owner="5725767000000999999")])
    assert isinstance(refused, Refused)
    assert refused.error.field == "Owner"


# ---- layouts


def test_a_layout_is_given_by_name_or_id_and_read_once(org, target):
    added = org.control("POST", "layouts/Accounts", {"name": "Wholesale"})["id"]
    asked = [account(1, Layout="Wholesale"), account(2, Layout="wholesale "), account(3, Layout=added)]
    made = ids_of(
        [*target.write("Accounts", asked), *target.write("Accounts", [account(4, Layout="Standard")])]
    )
    read = target.read("Accounts", made, ["Layout"])
    assert [read[one]["Layout"] == added for one in made] == [True, True, True, False]
    assert target.client.cost().calls["layouts"] == 1


def test_an_unknown_layout_names_the_known_ones(org, target):
    org.control("POST", "layouts/Accounts", {"name": "Wholesale"})
    with pytest.raises(
        ConfigurationError, match=r"no layout 'Retail' in Zoho; it has: Standard, Wholesale\."
    ):
        target.write("Accounts", [account(1, Layout="Retail")])
    assert org.counts()["writes"] == {}


# ---- fields as they are now


def change(org, **changed):
    org.control("POST", "fields/Accounts", {"changes": [changed]})


def test_a_field_is_described_as_it_is(org, target):
    fields = target.describe("Accounts")
    assert fields["GP_Customer_ID"] == FieldShape("GP_Customer_ID", "text", length=30, unique=True)
    assert fields["Account_Name"].mandatory
    assert not fields["Created_Time"].writable
    assert fields["Account_Type"].choices is None


def test_drift_is_seen_after_the_next_check_and_not_before(org, target):
    need = FieldNeed("Accounts", "GP_Customer_ID")
    target.check_fields([need, FieldNeed("Accounts", "Industry")])
    change(org, api_name="GP_Customer_ID", length=10, mandatory=True)
    change(org, api_name="Industry", pick_list=["Retail", "Wholesale"], restricted=True)
    change(org, api_name="Website", remove=True)
    before = target.describe("Accounts")
    assert (before["GP_Customer_ID"].length, before["GP_Customer_ID"].mandatory) == (30, False)
    target.check_fields([need])
    after = target.describe("Accounts")
    assert (after["GP_Customer_ID"].length, after["GP_Customer_ID"].mandatory) == (10, True)
    assert after["Industry"].choices == {"Retail", "Wholesale"}
    assert "Website" not in after


def test_what_drifted_unseen_is_refused_record_by_record_not_lost(org, target):
    target.describe("Accounts")
    change(org, api_name="Industry", pick_list=["Retail"], restricted=True)
    change(org, api_name="Phone", mandatory=True)
    good, bad, nameless = target.write(
        "Accounts",
        [
            account(1, Industry="Retail", Phone="1"),
            account(2, Industry="Mining", Phone="1"),
            account(3, Industry="Retail"),
        ],
    )
    assert isinstance(good, Written)
    assert (bad.error.code, bad.error.field) == ("INVALID_DATA", "Industry")
    assert (nameless.error.code, nameless.error.field) == ("MANDATORY_NOT_FOUND", "Phone")


def test_a_module_that_nobody_has_cannot_be_described(target):
    with pytest.raises(ConfigurationError, match="no such module"):
        target.describe("Acounts")
