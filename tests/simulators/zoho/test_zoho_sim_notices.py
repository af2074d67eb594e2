"""What channels are told of writes: by whomever, of which records, in Zoho's words."""

import itertools

import pytest

from zoho_bulk import Bulk
from zoho_listener import LONG

PATH = "/hooks/4f1c?from=zoho&empty="
CHANNEL = "1000000068001"
ALL = ("Accounts.all",)


@pytest.fixture
def watching(start, listener):
    """A simulator with a channel."""
    numbers = itertools.count(int(CHANNEL))

    def begin(*events, options=(), zoho=None, **more):
        wire = zoho or start(**dict(options))
        asked = {"channel_id": str(next(numbers)), "events": list(events or ALL), "token": "secret"}
        asked |= {"notify_url": listener.url(PATH), **more}
        assert wire.call("POST", "actions/watch", {"watch": [asked]}).status == 201
        return wire

    return begin


def heard(zoho, listener):
    """Every notification of what was done so far, without what differs each time."""
    assert zoho.control("POST", "notices/wait", {"seconds": LONG})["idle"]
    return listener.bodies()


def outline(bodies):
    return [(body["module"], body["operation"], body["ids"], body["affected_fields"]) for body in bodies]


# -- the shape


def test_an_insert_in_zohos_words(watching, listener):
    zoho = watching(return_affected_field_values=True)
    before = zoho.simulator.org.clock.now()
    made = zoho.insert("Accounts", {"Account_Name": "Aaron Fitz"}).ids
    path, body = listener.next()
    assert path == PATH
    assert before * 1_000 - 1 <= body.pop("server_time") <= zoho.simulator.org.clock.now() * 1_000
    assert body == {
        "query_params": {"from": "zoho", "empty": ""},
        "module": "Accounts",
        "resource_uri": f"{zoho.simulator.url}/crm/v2/Accounts",
        "ids": made,
        "affected_fields": [],
        "operation": "insert",
        "channel_id": CHANNEL,
        "token": "secret",
    }


def test_an_update_names_the_fields_that_changed(watching, listener):
    zoho = watching("Accounts.edit", "Contacts.edit")
    one, two = zoho.insert("Accounts", {"Account_Name": "A", "Fax": "1"}, {"Account_Name": "B"}).ids
    rows = [{"id": one, "Fax": "1", "Phone": "312"}, {"id": two, "Account_Name": "C", "Fax": "2"}]
    zoho.update("Accounts", *rows)
    [body] = heard(zoho, listener)
    assert body["ids"] == [one, two]
    assert body["affected_fields"] == [{one: ["Phone"]}, {two: ["Account_Name", "Fax"]}]
    assert "affected_values" not in body


def test_the_values_come_along_when_they_were_asked_for(watching, listener):
    zoho = watching("Deals.edit", return_affected_field_values=True)
    account = zoho.insert("Accounts", {"Account_Name": "Aaron Fitz"}).ids[0]
    deal = zoho.insert("Deals", {"Deal_Name": "D", "Stage": "Qualification", "Next_Step": "call"}).ids[0]
    change = {"id": deal, "Amount": 12.5, "Account_Name": {"id": account}, "Next_Step": None}
    zoho.update("Deals", change)
    [body] = heard(zoho, listener)
    reference = {"name": "Aaron Fitz", "id": account}
    assert body["affected_values"] == [
        {"record_id": deal, "values": {"Amount": 12.5, "Next_Step": None, "Account_Name": reference}}
    ]


def test_an_update_that_changes_nothing_is_told_too(watching, listener):
    zoho = watching("Accounts.edit")
    one = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    zoho.update("Accounts", {"id": one, "Account_Name": "A"})
    assert outline(heard(zoho, listener)) == [("Accounts", "update", [one], [{one: []}])]


def test_blanks_in_the_url_as_in_zohos_own_example(watching, listener):
    zoho = watching(notify_url=listener.url("/hooks für?authorization=Zoho-oauthtoken 1000.x&a=%20"))
    zoho.insert("Accounts", {"Account_Name": "A"})
    path, body = listener.next()
    assert path == "/hooks%20f%C3%BCr?authorization=Zoho-oauthtoken%201000.x&a=%20"
    assert body["query_params"] == {"authorization": "Zoho-oauthtoken 1000.x", "a": " "}


def test_without_a_token_there_is_none(watching, listener):
    zoho = watching(token=None)
    zoho.insert("Accounts", {"Account_Name": "A"})
    assert heard(zoho, listener)[0]["token"] is None


# -- what is told


def test_only_the_events_that_were_asked_for(watching, listener):
    zoho = watching("Accounts.delete", "Accounts.create")
    one = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    zoho.update("Accounts", {"id": one, "Fax": "1"})
    zoho.insert("Vendors", {"Vendor_Name": "V"})
    zoho.call("DELETE", f"Accounts/{one}")
    assert outline(heard(zoho, listener)) == [
        ("Accounts", "insert", [one], []),
        ("Accounts", "delete", [one], []),
    ]


def test_an_upsert_tells_inserts_and_updates_apart_and_what_is_refused_not_at_all(watching, listener):
    zoho = watching()
    [old] = zoho.insert("Accounts", {"Account_Name": "A"}).ids
    answer = zoho.upsert("Accounts", {"Account_Name": "A", "Fax": "1"}, {"Account_Name": "B"}, {"Fax": "2"})
    new = answer.ids[1]
    assert answer.status == 207
    assert outline(heard(zoho, listener))[1:] == [
        ("Accounts", "insert", [new], []),
        ("Accounts", "update", [old], [{old: ["Fax"]}]),
    ]


def test_a_person_makes_edits_deletes_restores_and_merges(watching, listener):
    zoho = watching()
    made = zoho.control("POST", "create/Accounts", {"records": [{"Account_Name": n} for n in "ABC"]})["ids"]
    one, two, three = made
    assert zoho.get("Accounts", one)["Created_By"]["name"] == "Sally Sales"
    edits = [{"id": one, "Fax": "1"}, {"id": two, "Fax": "2"}]
    zoho.control("POST", "edit/Accounts", {"records": edits})
    zoho.control("POST", "delete/Accounts", {"ids": [one, three]})
    zoho.control("POST", "restore/Accounts", {"ids": [three]})
    zoho.control("POST", "merge/Accounts", {"master": two, "children": [three]})
    assert outline(heard(zoho, listener)) == [
        ("Accounts", "insert", made, []),
        ("Accounts", "update", [one, two], [{one: ["Fax"]}, {two: ["Fax"]}]),
        ("Accounts", "delete", [one, three], []),
        ("Accounts", "insert", [three], []),
        ("Accounts", "update", [two], [{two: []}]),
        ("Accounts", "delete", [three], []),
    ]


def test_a_merge_by_the_api_tells_of_master_and_children(watching, listener):
    zoho = watching("Accounts.edit", "Accounts.delete")
    one, two = zoho.insert("Accounts", {"Account_Name": "A"}, {"Account_Name": "B", "Fax": "2"}).ids
    chosen = {"id": two, "_fields": [{"api_name": "Fax"}]}
    zoho.call("POST", f"Accounts/{one}/actions/merge", {"merge": [{"data": [chosen]}]})
    assert outline(heard(zoho, listener)) == [
        ("Accounts", "update", [one], [{one: ["Fax"]}]),
        ("Accounts", "delete", [two], []),
    ]


def test_a_bulk_write_is_told_when_it_is_done(watching, listener):
    zoho = watching(options={"bulk_wait_seconds": 0, "bulk_seconds": 1_000})
    zoho.add_key()
    bulk = Bulk(zoho)
    mapped = [
        {"api_name": name, "index": index} for index, name in enumerate(("Account_Name", "GP_Customer_ID"))
    ]
    head = ["Account_Name", "GP_Customer_ID"]
    job = bulk.start(head, ["A", "K1"], ["B", "K2"], field_mappings=mapped)
    assert heard(zoho, listener) == []
    zoho.control("POST", "bulk/end", {"id": job})
    [body] = heard(zoho, listener)
    assert (body["operation"], len(body["ids"])) == ("insert", 2)


def test_seeds_are_told_to_nobody(watching, listener):
    zoho = watching()
    zoho.control("POST", "records/Accounts", {"records": [{"Account_Name": "A"}]})
    assert heard(zoho, listener) == []


def test_lines_that_were_sent_are_among_the_fields_of_an_order(watching, listener):
    zoho = watching("Sales_Orders.edit")
    product, _ = zoho.product_and_account()
    line = {"Product_Name": {"id": product}, "Quantity": 2, "List_Price": 10}
    order = zoho.insert("Sales_Orders", {"Subject": "S", "Ordered_Items": [line]}).ids[0]
    line_id = zoho.get("Sales_Orders", order)["Ordered_Items"][0]["id"]
    zoho.update("Sales_Orders", {"id": order, "Ordered_Items": [{"id": line_id, "Quantity": 3}]})
    zoho.update("Sales_Orders", {"id": order, "Status": "Approved"})
    assert [body["affected_fields"] for body in heard(zoho, listener)] == [
        [{order: ["Ordered_Items", "Sub_Total", "Grand_Total"]}],
        [{order: ["Status"]}],
    ]


# -- who is told


def test_each_channel_is_told_in_its_own_way(watching, listener):
    zoho = watching("Accounts.create")
    watching("Accounts.create", "Deals.all", zoho=zoho, token="other", notify_url=listener.url("/second"))
    zoho.insert("Accounts", {"Account_Name": "A"})
    (first, one), (second, two) = listener.next(), listener.next()
    assert (first, one["token"], one["channel_id"]) == (PATH, "secret", CHANNEL)
    assert (second, two["token"], two["query_params"]) == ("/second", "other", {})


def test_an_expired_or_disabled_channel_is_told_nothing(watching, listener):
    zoho = watching("Accounts.all")
    watching("Deals.all", zoho=zoho)
    zoho.call("DELETE", f"actions/watch?channel_ids={int(CHANNEL) + 1}")
    zoho.insert("Deals", {"Deal_Name": "D", "Stage": "Qualification"})
    zoho.control("POST", "settings", {"clock_offset_seconds": 3_700})
    zoho.sign_in()
    zoho.insert("Accounts", {"Account_Name": "A"})
    assert heard(zoho, listener) == []
    watching("Accounts.all", zoho=zoho)
    zoho.insert("Accounts", {"Account_Name": "B"})
    assert len(heard(zoho, listener)) == 1, "what happened meanwhile is never told"


def test_a_record_is_told_of_when_one_that_points_to_it_is_written(watching, listener):
    zoho = watching("Accounts.edit", zoho=None)
    account = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    contact = zoho.insert("Contacts", {"Last_Name": "L", "Account_Name": {"id": account}}).ids[0]
    zoho.update("Contacts", {"id": contact, "Phone": "1"})
    zoho.call("DELETE", f"Contacts/{contact}")
    zoho.insert("Contacts", {"Last_Name": "alone"})
    assert outline(heard(zoho, listener)) == [("Accounts", "update", [account], [])] * 3


def test_unless_that_was_declined(watching, listener):
    zoho = watching("Accounts.all", notify_on_related_action=False)
    account = zoho.insert("Accounts", {"Account_Name": "A"}).ids[0]
    zoho.insert("Contacts", {"Last_Name": "L", "Account_Name": {"id": account}})
    assert [body["operation"] for body in heard(zoho, listener)] == ["insert"]


def test_a_condition_on_fields(watching, listener):
    fields = [{"field": {"api_name": name}} for name in ("Stage", "Amount")]
    condition = {"type": "field_selection", "module": {"api_name": "Deals"}}
    condition["field_selection"] = {"group_operator": "or", "group": fields}
    zoho = watching("Deals.all", notification_condition=[condition])
    deal = zoho.insert("Deals", {"Deal_Name": "D", "Stage": "Qualification"}).ids[0]
    zoho.update("Deals", {"id": deal, "Next_Step": "call"})
    zoho.update("Deals", {"id": deal, "Amount": 5})
    zoho.insert("Quotes", {"Subject": "Q", "Deal_Name": {"id": deal}})
    zoho.call("DELETE", f"Deals/{deal}")
    assert [body["operation"] for body in heard(zoho, listener)] == ["insert", "update", "delete"]
