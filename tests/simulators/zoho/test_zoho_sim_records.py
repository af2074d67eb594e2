import re
import threading

import pytest


def test_insert_answers_201_with_stamps_in_the_users_zone(start):
    zoho = start(time_zone_offset="+05:30")
    answer = zoho.insert("Accounts", {"Account_Name": "A"})
    assert answer.status == 201
    item = answer.items[0]
    assert (item["code"], item["message"], item["status"]) == ("SUCCESS", "record added", "success")
    assert re.fullmatch(r"\d{18,19}", item["details"]["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30", item["details"]["Created_Time"])
    assert item["details"]["Created_By"] == {"name": "Integration User", "id": "5725767000000411001"}


def test_mixed_is_207_in_the_order_of_the_request_and_all_refused_is_400(zoho):
    zoho.add_key()
    records = [
        {"Account_Name": "A", "GP_Customer_ID": "ONE"},
        {"Phone": "1"},
        {"Account_Name": "B", "GP_Customer_ID": "one"},
        {"Account_Name": "C"},
    ]
    mixed = zoho.insert("Accounts", *records)
    assert mixed.status == 207
    assert mixed.codes == ["SUCCESS", "MANDATORY_NOT_FOUND", "DUPLICATE_DATA", "SUCCESS"]
    assert mixed.items[1]["details"] == {"api_name": "Account_Name", "json_path": "$.data[1].Account_Name"}
    duplicate = mixed.items[2]["details"]
    assert duplicate["id"] == mixed.ids[0] == duplicate["duplicate_record"]["id"]
    assert duplicate["json_path"] == "$.data[2].GP_Customer_ID"
    assert duplicate["duplicate_record"]["module"]["api_name"] == "Accounts"
    assert zoho.insert("Accounts", {"Phone": "1"}).status == 400


def test_several_errors_of_one_record_come_together(zoho):
    item = zoho.insert("Accounts", {"Phone": 5, "Employees": "many"}).items[0]
    assert item["code"] == "MULTIPLE_OR_MULTI_ERRORS"
    assert sorted(error["code"] for error in item["details"]["errors"]) == [
        "INVALID_DATA",
        "INVALID_DATA",
        "MANDATORY_NOT_FOUND",
    ]


@pytest.mark.parametrize(
    ("field", "value", "details"),
    [
        ("Account_Name", "x" * 201, {"maximum_length": 200}),
        ("Account_Name", 5, {"expected_data_type": "text"}),
        ("Account_Number", "AARONFIT0001", {"expected_data_type": "bigint"}),
        ("Account_Number", "1" * 19, {"maximum_length": 18}),
        ("Employees", 1_000_000_000, {"maximum_length": 9}),
        ("Employees", "5", {"expected_data_type": "integer"}),
        ("Employees", True, {"expected_data_type": "integer"}),
        ("Annual_Revenue", "5.00", {"expected_data_type": "double"}),
        ("Annual_Revenue", 10**16, {"maximum_length": 16}),
        ("Phone", "31255501000000          ", {"expected_data_type": "phone"}),
        ("Phone", "1" * 31, {"maximum_length": 30}),
        ("Website", "not a page", {"expected_data_type": "website"}),
        ("Account_Type", "x" * 121, {"maximum_length": 120}),
        ("Parent_Account", "A", {"expected_data_type": "jsonobject"}),
        ("Parent_Account", {"name": "A"}, {}),
    ],
)
def test_values_that_do_not_fit_are_refused_never_cut(zoho, field, value, details):
    item = zoho.insert("Accounts", {"Account_Name": "A", field: value}).items[0]
    assert item["code"] == "INVALID_DATA"
    assert item["details"] == {"api_name": field, "json_path": f"$.data[0].{field}", **details}


@pytest.mark.parametrize(
    ("module", "base", "field", "sent", "returned"),
    [
        ("Accounts", {"Account_Name": "A"}, "Account_Number", "10023", "10023"),
        ("Accounts", {"Account_Name": "A"}, "Annual_Revenue", 12.349, 12.34),
        ("Accounts", {"Account_Name": "A"}, "Annual_Revenue", -1.15, -1.15),
        ("Accounts", {"Account_Name": "A"}, "Account_Type", "Not in the list", "Not in the list"),
        ("Accounts", {"Account_Name": "A"}, "Phone", "+1 (312) 555-0100 #12", "+1 (312) 555-0100 #12"),
        ("Accounts", {"Account_Name": "A"}, "Phone", "00000000000000", "00000000000000"),
        ("Accounts", {"Account_Name": "A"}, "Website", "www.fabrikam.com/a?b=c", "www.fabrikam.com/a?b=c"),
        ("Accounts", {"Account_Name": "A"}, "Fax", "", None),
        ("Accounts", {"Account_Name": "A"}, "Nothing_Like_It", "x", None),
        ("Contacts", {"Last_Name": "L"}, "Date_of_Birth", "1969-07-21", "1969-07-21"),
        ("Contacts", {"Last_Name": "L"}, "Email_Opt_Out", True, True),
        (
            "Contacts",
            {"Last_Name": "L"},
            "Email",
            "o'neil.x+y@mail.example.com",
            "o'neil.x+y@mail.example.com",
        ),
        ("Products", {"Product_Name": "P"}, "Tax", ["Sales", "County"], ["Sales", "County"]),
    ],
)
def test_values_that_are_taken(zoho, module, base, field, sent, returned):
    created = zoho.insert(module, {**base, field: sent})
    assert created.status == 201, created.body
    assert zoho.get(module, created.ids[0]).get(field) == returned


@pytest.mark.parametrize(
    ("field", "value"),
    [("Email", "a@b"), ("Email", "a@b.com "), ("Date_of_Birth", "21/07/1969"), ("Email_Opt_Out", "true")],
)
def test_contact_values_that_are_refused(zoho, field, value):
    assert zoho.insert("Contacts", {"Last_Name": "L", field: value}).codes == ["INVALID_DATA"]


def test_instants_need_an_offset_and_come_back_in_the_users_zone(zoho):
    zoho.add_field(label="Synced At", kind="datetime")
    good = zoho.insert("Accounts", {"Account_Name": "A", "Synced_At": "2026-11-22T12:00:00+00:00"})
    assert zoho.get("Accounts", good.ids[0])["Synced_At"] == "2026-11-22T07:00:00-05:00"
    assert zoho.insert("Accounts", {"Account_Name": "A", "Synced_At": "2026-11-22T12:00:00"}).status == 400


def test_unknown_fields_are_refused_when_the_setting_says_so(start):
    zoho = start(unknown_fields="error")
    item = zoho.insert("Accounts", {"Account_Name": "A", "Nothing": 1, "Modified_Time": "x"}).items[0]
    assert item["message"] == "the field api name given seems to be invalid"
    assert item["details"]["api_name"] == "Nothing"


def test_requests_that_are_refused_as_a_whole(zoho):
    many = zoho.insert("Accounts", *[{"Account_Name": str(n)} for n in range(101)])
    assert (many.status, many.body["code"], many.body["details"]["maximum_length"]) == (
        400,
        "LIMIT_EXCEEDED",
        100,
    )
    assert zoho.call("POST", "Accounts", {}).body["code"] == "MANDATORY_NOT_FOUND"
    assert zoho.call("POST", "Accounts", {"data": {}}).body["code"] == "INVALID_DATA"
    assert zoho.call("POST", "Accounts", "{").body["details"] == {"expected_data_type": "jsonobject"}
    assert zoho.insert("Accounts", {"Account_Name": "A"}, trigger=["nothing"]).body["code"] == "INVALID_DATA"
    assert zoho.insert("Accounts", "A").body["details"]["json_path"] == "$.data"


def test_update_many_and_one(zoho):
    one, two = zoho.insert("Accounts", {"Account_Name": "A", "Fax": "1"}, {"Account_Name": "B"}).ids
    answer = zoho.update(
        "Accounts", {"id": one, "Phone": "2", "Fax": None}, {"id": "5725767000000000001"}, {"Fax": "1"}
    )
    assert answer.status == 207
    assert answer.codes == ["SUCCESS", "INVALID_DATA", "MANDATORY_NOT_FOUND"]
    assert answer.items[0]["message"] == "record updated"
    assert answer.items[1]["message"] == "the id given seems to be invalid"
    changed = zoho.get("Accounts", one)
    assert (changed["Account_Name"], changed["Phone"], changed["Fax"]) == ("A", "2", None)
    assert zoho.call("PUT", f"Accounts/{two}", {"data": [{"Phone": "3"}]}).status == 200
    assert zoho.update("Accounts", {"id": two, "Account_Name": None}).codes == ["MANDATORY_NOT_FOUND"]


def test_lookups_need_the_id_of_a_record_that_exists(zoho):
    account = zoho.insert("Accounts", {"Account_Name": "Aaron"}).ids[0]
    contact = zoho.insert(
        "Contacts", {"Last_Name": "Fitz", "First_Name": "A", "Account_Name": {"id": account}}
    ).ids[0]
    shown = zoho.get("Contacts", contact)
    assert shown["Account_Name"] == {"name": "Aaron", "id": account}
    assert shown["Full_Name"] == "A Fitz"
    for wrong in ("5725767000000000001", contact):
        item = zoho.insert("Contacts", {"Last_Name": "X", "Account_Name": {"id": wrong}}).items[0]
        assert (item["code"], item["details"]["api_name"]) == ("INVALID_DATA", "Account_Name")
    assert zoho.insert("Contacts", {"Last_Name": "X", "Owner": {"id": "1"}}).codes == ["INVALID_DATA"]
    zoho.call("DELETE", f"Accounts/{account}")
    assert zoho.get("Contacts", contact)["Account_Name"] is None


def test_unmodified_since_refuses_what_changed_meanwhile(zoho):
    account = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    stale = zoho.update(
        "Accounts", {"id": account, "Fax": "1"}, If_Unmodified_Since="2020-01-01T00:00:00+00:00"
    )
    assert (stale.status, stale.codes) == (412, ["ALREADY_MODIFIED"])
    assert stale.items[0]["details"]["id"] == account
    fresh = stale.items[0]["details"]["Modified_Time"]
    assert zoho.update("Accounts", {"id": account, "Fax": "1"}, If_Unmodified_Since=fresh).status == 200


def test_records_of_a_call_are_measured_one_by_one(start, instant):
    zoho = start()
    first, second = zoho.insert("Accounts", {"Account_Name": "A"}, {"Account_Name": "B"}).ids
    seen = zoho.get("Accounts", second)["Modified_Time"]
    zoho.control("POST", "settings", {"clock_offset_seconds": 10})
    zoho.control("POST", "edit/Accounts", {"records": [{"id": second, "Fax": "9"}]})
    answer = zoho.update(
        "Accounts", {"id": first, "Fax": "1"}, {"id": second, "Fax": "1"}, If_Unmodified_Since=seen
    )
    assert (answer.status, answer.codes) == (207, ["SUCCESS", "ALREADY_MODIFIED"])
    told = answer.items[1]["details"]
    assert {"id", "Modified_Time", "Modified_By", "Created_Time", "Created_By"} <= told.keys()
    assert (told["id"], told["Modified_By"]["name"]) == (second, "Sally Sales")
    assert instant(told["Modified_Time"]) > instant(seen)
    assert zoho.get("Accounts", second)["Fax"] == "9"


def test_one_record_and_upserts_are_measured_too(zoho):
    zoho.add_key()
    account = zoho.insert("Accounts", {"Account_Name": "A", "GP_Customer_ID": "A1"}).ids[0]
    long_ago = {"If_Unmodified_Since": "2020-01-01T00:00:00+00:00"}
    one = zoho.call("PUT", f"Accounts/{account}", {"data": [{"Fax": "1"}]}, **long_ago)
    assert (one.status, one.codes) == (412, ["ALREADY_MODIFIED"])
    rows = [
        {"Account_Name": "A", "GP_Customer_ID": "A1", "Fax": "1"},
        {"Account_Name": "B", "GP_Customer_ID": "B1"},
    ]
    both = zoho.call("POST", "Accounts/upsert", {"data": rows}, **long_ago)
    assert (both.status, both.codes) == (207, ["ALREADY_MODIFIED", "SUCCESS"])
    stale = zoho.call("POST", "Accounts/upsert", {"data": rows[:1]}, **long_ago)
    assert (stale.status, stale.ids) == (412, [account])
    wrong = zoho.call("PUT", f"Accounts/{account}", {"data": [{"Fax": "1"}]}, If_Unmodified_Since="yesterday")
    assert (wrong.status, wrong.body["code"]) == (400, "INVALID_DATA")


def test_delete_many_and_one_and_what_is_gone(zoho):
    ids = zoho.insert("Accounts", *[{"Account_Name": str(n)} for n in range(3)]).ids
    answer = zoho.call("DELETE", f"Accounts?ids={ids[0]},{ids[1]},5725767000000000001")
    assert (answer.status, answer.codes) == (207, ["SUCCESS", "SUCCESS", "INVALID_DATA"])
    assert answer.items[2]["message"] == "record not deleted"
    assert zoho.call("GET", f"Accounts/{ids[0]}").status == 204
    assert zoho.call("DELETE", f"Accounts/{ids[2]}").items[0]["message"] == "record deleted"
    assert zoho.call("DELETE", "Accounts").body["code"] == "REQUIRED_PARAM_MISSING"
    deleted = zoho.call("GET", "Accounts/deleted?type=all").items
    assert {one["id"] for one in deleted} == set(ids)
    assert deleted[0]["type"] == "recycle"
    assert zoho.call("GET", "Accounts/deleted?type=permanent").status == 204
    later = {"If_Modified_Since": "2099-01-01T00:00:00+00:00"}
    assert zoho.call("GET", "Accounts/deleted?type=all", **later).status == 304
    zoho.control("POST", "settings", {"clock_offset_seconds": 61 * 86_400})
    zoho.sign_in()
    assert zoho.call("GET", "Accounts/deleted?type=all").status == 204


def test_a_deleted_key_is_free_again(zoho):
    zoho.add_key()
    first = zoho.insert("Accounts", {"Account_Name": "A", "GP_Customer_ID": "K"}).ids[0]
    zoho.call("DELETE", f"Accounts/{first}")
    second = zoho.insert("Accounts", {"Account_Name": "A", "GP_Customer_ID": "K"})
    assert second.status == 201
    zoho.update("Accounts", {"id": second.ids[0], "GP_Customer_ID": None})
    assert zoho.insert("Accounts", {"Account_Name": "A", "GP_Customer_ID": "K"}).status == 201


def test_triggers_are_counted_and_an_empty_list_runs_none(zoho):
    zoho.insert("Accounts", {"Account_Name": "A"})
    assert zoho.control("GET", "counts")["triggered"] == {}
    zoho.insert("Accounts", {"Account_Name": "B"}, trigger=["workflow"])
    zoho.call("POST", "Accounts", {"data": [{"Account_Name": "C"}]})
    triggered = zoho.control("GET", "counts")["triggered"]
    assert (triggered["workflow"], triggered["approval"]) == (2, 1)


def test_external_ids_address_records_and_lookups(zoho):
    zoho.add_key(external={"type": "org", "show": False})
    header = {"X_EXTERNAL": "Accounts.GP_Customer_ID"}
    account = zoho.insert("Accounts", {"Account_Name": "A", "GP_Customer_ID": "AARON"}).ids[0]
    assert zoho.call("GET", "Accounts/aaron", **header).items[0]["id"] == account
    assert zoho.call("GET", "Accounts/nobody", **header).status == 204
    assert (
        zoho.call("GET", "Accounts?fields=Account_Name&ids=AARON,NOBODY", **header).items[0]["id"] == account
    )
    changed = zoho.call("PUT", "Accounts/AARON", {"data": [{"Fax": "1"}]}, **header)
    assert changed.ids == [account]
    linked = zoho.call(
        "POST",
        "Contacts",
        {
            "data": [
                {"Last_Name": "L", "Account_Name": {"GP_Customer_ID": "AARON"}},
                {"Last_Name": "L", "Account_Name": {"GP_Customer_ID": "NOBODY"}},
            ]
        },
        X_EXTERNAL="Contacts.Account_Name.GP_Customer_ID",
    )
    assert linked.codes == ["SUCCESS", "INVALID_DATA"]
    assert zoho.get("Contacts", linked.ids[0])["Account_Name"]["id"] == account
    assert zoho.call("GET", "Accounts/A", X_EXTERNAL="Accounts.Phone").body["code"] == "INVALID_DATA"
    assert zoho.call("DELETE", "Accounts/AARON", **header).ids == [account]


def test_one_key_is_created_once_by_many_writers_at_once(start):
    zoho = start(edition="ultimate")
    zoho.add_key()
    zoho.sign_in()
    token, codes = zoho.token, []

    def write(wire):
        wire.token = token
        for n in range(20):
            records = [{"Account_Name": "A", "GP_Customer_ID": f"K{n}-{m}"} for m in range(5)]
            codes.extend(wire.insert("Accounts", *records).codes)

    wires = [type(zoho)(zoho.simulator) for _ in range(6)]
    threads = [threading.Thread(target=write, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for wire in wires:
        wire.close()
    assert codes.count("SUCCESS") == 100
    assert codes.count("DUPLICATE_DATA") == 500
    assert zoho.control("GET", "counts")["records"]["Accounts"] == 100


def test_line_items_live_with_their_order(zoho):
    product, account = zoho.product_and_account()
    line = {"Product_Name": {"id": product}, "Quantity": 2, "List_Price": 10.5}
    assert zoho.insert("Sales_Orders", {"Subject": "S"}).items[0]["details"]["api_name"] == "Ordered_Items"
    order = zoho.insert(
        "Sales_Orders",
        {"Subject": "S", "Account_Name": {"id": account}, "Ordered_Items": [line, {**line, "Discount": 1}]},
    ).ids[0]
    shown = zoho.get("Sales_Orders", order)
    assert [row["Net_Total"] for row in shown["Ordered_Items"]] == [21, 20]
    assert (shown["Sub_Total"], shown["Grand_Total"], shown["SO_Number"]) == (41, 41, "1")
    assert "Ordered_Items" not in zoho.call("GET", "Sales_Orders?fields=Subject,Ordered_Items").items[0]
    rows = zoho.coql(f"select Quantity, Parent_Id from Ordered_Items where Parent_Id = '{order}'").items
    assert [row["Parent_Id"] for row in rows] == [{"id": order}] * 2
    first, second = (row["id"] for row in shown["Ordered_Items"])
    changes = [{"id": first, "_delete": None}, {"id": second, "Quantity": 3}, line]
    assert zoho.update("Sales_Orders", {"id": order, "Ordered_Items": changes}).status == 200
    after = zoho.get("Sales_Orders", order)["Ordered_Items"]
    assert [row["Quantity"] for row in after] == [3, 2]
    zoho.call("DELETE", f"Sales_Orders/{order}")
    assert zoho.control("GET", "counts")["records"]["Ordered_Items"] == 0


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"Quantity": None}, "$.data[0].Ordered_Items[0].Quantity"),
        ({"Quantity": "2"}, "$.data[0].Ordered_Items[0].Quantity"),
        ({"Product_Name": {"id": "1"}}, "$.data[0].Ordered_Items[0].Product_Name"),
        ({"id": "1"}, "$.data[0].Ordered_Items[0].id"),
    ],
)
def test_errors_of_lines_name_the_line(zoho, change, path):
    product, _ = zoho.product_and_account()
    line = {"Product_Name": {"id": product}, "Quantity": 2, **change}
    item = zoho.insert("Sales_Orders", {"Subject": "S", "Ordered_Items": [line]}).items[0]
    assert item["details"]["json_path"] == path


def test_an_empty_list_of_lines_is_a_missing_mandatory_field(zoho):
    assert zoho.insert("Sales_Orders", {"Subject": "S", "Ordered_Items": []}).codes == ["MANDATORY_NOT_FOUND"]
    assert zoho.insert("Sales_Orders", {"Subject": "S", "Ordered_Items": 5}).status == 400
