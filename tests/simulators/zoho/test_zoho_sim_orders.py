"""Quotes, sales orders, deals and products as another system reads them: lines, sums, numbers, many at once."""

import pytest


@pytest.fixture
def shop(zoho):
    """A simulator with two products, and how to order them."""
    phone = {"Product_Name": "Phone", "Product_Code": "PHON-ATT-53BL", "Unit_Price": 59.95}
    made = zoho.insert("Products", phone, {"Product_Name": "Cable"}).ids
    zoho.products = dict(zip(("phone", "cable"), made, strict=True))
    return zoho


def line(shop, product, **more):
    return {"Product_Name": {"id": shop.products[product]}, "Quantity": 1, **more}


def order(shop, *lines, module="Sales_Orders", **more):
    subform = {"Sales_Orders": "Ordered_Items", "Quotes": "Quoted_Items"}[module]
    answer = shop.insert(module, {"Subject": "S", subform: list(lines), **more})
    assert answer.status == 201, answer.body
    return answer.ids[0]


def sums(shown):
    return [shown[name] for name in ("Sub_Total", "Discount", "Tax", "Adjustment", "Grand_Total")]


@pytest.mark.parametrize(("module", "lines"), [("Sales_Orders", "Ordered_Items"), ("Quotes", "Quoted_Items")])
def test_a_line_with_its_product_and_what_is_computed(shop, module, lines):
    taxes = [{"percentage": 10, "name": "Sales Tax"}, {"percentage": 2.5, "name": "City", "value": 99}]
    made = order(
        shop, line(shop, "phone", Quantity=3, Discount=9.85, Line_Tax=taxes), line(shop, "cable", List_Price=5),
        module=module,
    )  # fmt: skip
    phone, cable = shop.get(module, made)[lines]
    code = "PHON-ATT-53BL"
    assert phone["Product_Name"] == {"name": "Phone", "id": shop.products["phone"], "Product_Code": code}
    assert (phone["Unit_Price"], phone["List_Price"]) == (59.95, 59.95), "without a price the product's"
    computed = ("Total", "Total_After_Discount", "Tax", "Net_Total")
    assert [phone[name] for name in computed] == [179.85, 170, 21.25, 191.25]
    assert [tax["value"] for tax in phone["Line_Tax"]] == [17, 4.25]
    assert cable["Product_Name"]["Product_Code"] is None
    assert [cable[name] for name in ("List_Price", "Unit_Price", "Net_Total", "Line_Tax")] == [5, None, 5, []]
    assert [one["Sequence_Number"] for one in (phone, cable)] == [1, 2]
    assert phone["Parent_Id"] == {"name": "S", "id": made}


def test_the_sums_of_a_document(shop):
    taxes = [{"percentage": 8, "name": "Sales Tax"}]
    made = order(
        shop, line(shop, "cable", List_Price=100), line(shop, "cable", List_Price=50),
        Discount=25, Adjustment=-0.5, **{"$line_tax": taxes},
    )  # fmt: skip
    shown = shop.get("Sales_Orders", made)
    assert sums(shown) == [150, 25, 10, -0.5, 134.5]
    assert shown["$line_tax"] == [{"percentage": 8, "name": "Sales Tax", "value": 10}]
    shop.update("Sales_Orders", {"id": made, "Discount": None, "Sub_Total": 5, "Tax": 5, "Grand_Total": 5})
    assert sums(shop.get("Sales_Orders", made)) == [150, None, 12, -0.5, 161.5], "sums are not written"
    shop.update("Sales_Orders", {"id": made, "$line_tax": None, "Adjustment": 0})
    assert sums(shop.get("Sales_Orders", made)) == [150, None, 0, 0, 150]


@pytest.mark.parametrize("wrong", [5, ["8 %"], [{"percentage": "8", "name": "T"}], [{"percentage": 8}]])
def test_taxes_that_are_none(shop, wrong):
    made = line(shop, "cable", List_Price=1)
    for spec in (
        {"$line_tax": wrong, "Ordered_Items": [made]},
        {"Ordered_Items": [{**made, "Line_Tax": wrong}]},
    ):
        answer = shop.insert("Sales_Orders", {"Subject": "S", **spec})
        assert (answer.status, answer.codes) == (400, ["INVALID_DATA"])


def test_lines_stay_change_come_and_go(shop):
    made = order(shop, line(shop, "phone"), line(shop, "cable", List_Price=2))
    phone, cable = shop.get("Sales_Orders", made)["Ordered_Items"]
    shop.update("Sales_Orders", {"id": made, "Ordered_Items": [{"id": cable["id"], "Quantity": 4}]})
    shown = shop.get("Sales_Orders", made)
    assert [one["id"] for one in shown["Ordered_Items"]] == [phone["id"], cable["id"]], (
        "what is left out stays"
    )
    assert shown["Ordered_Items"][1]["Net_Total"] == 8
    without_id = shop.update(
        "Sales_Orders", {"id": made, "Ordered_Items": [line(shop, "cable", List_Price=1)]}
    )
    assert without_id.status == 200
    assert len(shop.get("Sales_Orders", made)["Ordered_Items"]) == 3, "a line without an id is one more"
    gone = [{"id": one["id"], "_delete": None} for one in (phone, cable)]
    shop.update("Sales_Orders", {"id": made, "Ordered_Items": gone})
    [left] = shop.get("Sales_Orders", made)["Ordered_Items"]
    assert left["id"] not in (phone["id"], cable["id"])
    emptied = shop.update("Sales_Orders", {"id": made, "Ordered_Items": []})
    assert emptied.codes == ["MANDATORY_NOT_FOUND"], "an order keeps a line"
    other = order(shop, line(shop, "cable"))
    stolen = shop.update("Sales_Orders", {"id": other, "Ordered_Items": [{"id": left["id"], "Quantity": 2}]})
    assert stolen.codes == ["INVALID_DATA"], "a line of another order"


def test_an_upsert_adds_its_lines_once_more(shop):
    spec = {"Subject": "S", "Ordered_Items": [line(shop, "cable", List_Price=1)]}
    [made] = shop.upsert("Sales_Orders", spec).ids
    shop.upsert("Sales_Orders", spec)
    assert len(shop.get("Sales_Orders", made)["Ordered_Items"]) == 2


def test_documents_are_numbered_by_zoho(shop):
    orders = [order(shop, line(shop, "cable"), SO_Number="mine") for _ in range(2)]
    quote = order(shop, line(shop, "cable"), module="Quotes")
    assert [shop.get("Sales_Orders", one)["SO_Number"] for one in orders] == ["1", "2"]
    assert shop.get("Quotes", quote)["Quote_Number"] == "1"
    shop.update("Sales_Orders", {"id": orders[0], "SO_Number": "9"})
    assert shop.get("Sales_Orders", orders[0])["SO_Number"] == "1"
    shop.call("DELETE", f"Sales_Orders/{orders[1]}")
    assert shop.get("Sales_Orders", order(shop, line(shop, "cable")))["SO_Number"] == "3"


def test_many_orders_in_one_call_without_their_lines(shop):
    made = [order(shop, line(shop, "cable", List_Price=n)) for n in range(3)]
    shop.call("DELETE", f"Sales_Orders/{made[1]}")
    asked = f"Sales_Orders?ids={','.join(made)},1&fields=Subject,Ordered_Items,Grand_Total,Nothing"
    found = shop.call("GET", asked)
    assert [set(one) for one in found.items] == [{"id", "Subject", "Grand_Total"}] * 2
    assert {one["id"] for one in found.items} == {made[0], made[2]}
    assert shop.call("GET", f"Sales_Orders?ids={made[1]}&fields=Subject").status == 204
    assert shop.call("GET", f"Sales_Orders?ids={made[0]}").body["code"] == "REQUIRED_PARAM_MISSING"
    deleted = shop.call("GET", "Sales_Orders/deleted?type=all").items
    assert [one["id"] for one in deleted] == [made[1]]


def test_the_lines_of_many_orders_in_one_query(shop):
    made = [order(shop, line(shop, "phone"), line(shop, "cable", List_Price=n)) for n in range(3)]
    wanted = ",".join(f"'{one}'" for one in made[:2])
    columns = "Parent_Id, Quantity, Net_Total, Product_Name, Product_Name.Product_Code, Sequence_Number"
    found = shop.coql(
        f"select {columns} from Ordered_Items where Parent_Id in ({wanted}) order by id asc"
    ).items
    assert [one["Parent_Id"]["id"] for one in found] == [made[0], made[0], made[1], made[1]]
    assert [one["Product_Name.Product_Code"] for one in found] == ["PHON-ATT-53BL", None] * 2
    assert found[0]["Product_Name"] == {"id": shop.products["phone"]}
    shop.call("DELETE", f"Sales_Orders/{made[0]}")
    left = shop.coql(f"select Parent_Id from Ordered_Items where Parent_Id in ({wanted})").items
    assert {one["Parent_Id"]["id"] for one in left} == {made[1]}
    assert shop.call("GET", "Ordered_Items?fields=Quantity").body["code"] == "INVALID_MODULE"


def test_a_changed_line_is_a_changed_order(shop, instant):
    made = order(shop, line(shop, "cable", List_Price=1))
    before = instant(shop.get("Sales_Orders", made)["Modified_Time"])
    shop.control("POST", "settings", {"clock_offset_seconds": 60})
    shop.update("Sales_Orders", {"id": made, "Ordered_Items": [line(shop, "phone")]})
    shown = shop.get("Sales_Orders", made)
    assert instant(shown["Modified_Time"]) >= before + 60
    assert instant(shown["Ordered_Items"][1]["Modified_Time"]) == instant(shown["Modified_Time"])


def test_quote_order_and_deal_point_to_each_other(shop):
    account = shop.insert("Accounts", {"Account_Name": "Aaron Fitz"}).ids[0]
    deal = shop.insert(
        "Deals", {"Deal_Name": "D", "Stage": "Closed Won", "Account_Name": {"id": account}}
    ).ids[0]
    quote = order(shop, line(shop, "cable"), module="Quotes", Deal_Name={"id": deal})
    made = order(shop, line(shop, "cable"), Deal_Name={"id": deal}, Quote_Name={"id": quote})
    shown = shop.get("Sales_Orders", made)
    assert (shown["Deal_Name"], shown["Quote_Name"]) == (
        {"name": "D", "id": deal},
        {"name": "S", "id": quote},
    )
    found = shop.coql(f"select Subject from Sales_Orders where Deal_Name = '{deal}'").items
    assert [one["id"] for one in found] == [made]


def test_what_a_deal_is_expected_to_bring(zoho):
    deal = zoho.insert("Deals", {"Deal_Name": "D", "Stage": "Closed Won", "Amount": 200}).ids[0]
    assert zoho.get("Deals", deal)["Expected_Revenue"] is None
    zoho.update("Deals", {"id": deal, "Probability": 75, "Expected_Revenue": 1})
    assert zoho.get("Deals", deal)["Expected_Revenue"] == 150
    zoho.update("Deals", {"id": deal, "Amount": None})
    assert zoho.get("Deals", deal)["Expected_Revenue"] is None


def test_the_fields_of_lines_are_told(zoho):
    fields = zoho.call("GET", "settings/fields?module=Ordered_Items").body["fields"]
    told = {one["api_name"]: (one["data_type"], one["json_type"], one["read_only"]) for one in fields}
    assert told["Line_Tax"] == ("linetax", "jsonarray", False)
    assert told["Tax"] == ("currency", "double", True)
