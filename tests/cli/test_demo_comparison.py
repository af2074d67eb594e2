"""The demo's own comparison: it finds whatever is not as GP says, so that its last sentence is true."""

import json
from dataclasses import dataclass

import pytest

from ml_connector.demo import deals
from ml_connector.demo.comparison import disagreements
from systems import gp_options, opened


@dataclass
class Dumps:
    """The dumps of a world, as the demo reads them."""

    world: object

    @property
    def gp(self):
        return self

    zoho = gp

    def rows(self, path, _key):
        if path.startswith("records/"):
            return iter(self.world.records(path.removeprefix("records/")))
        return iter(self.world.gp.control("GET", f"{path}?limit=1000000")["rows"])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("demo"), gp=gp_options(60, 10), mappings=()) as world:
        world.first()
        yield world


def test_after_a_sync_both_agree(world):
    assert list(disagreements(Dumps(world))) == []


@pytest.mark.parametrize(
    ("side", "field", "value"),
    [
        ("GP_Customer_ID", "Billing_Street", "Elsewhere 1"),
        ("GP_Customer_ID", "Shipping_Street", None),
        ("GP_Customer_ID", "Phone", "1"),
        ("GP_Customer_ID", "GP_Aging_Period_4", 1.5),
        ("GP_Customer_ID", "GP_Receivables_Account", "000-0000-00"),
        ("GP_Customer_ID", "Account_Type", "Vendor"),
        ("GP_Customer_ID", "GP_Credit_Type", "None"),
        ("GP_Customer_ID", "GP_Available_Credit", 1.5),
        ("GP_Customer_ID", "GP_Last_Aged", None),
        ("GP_Customer_ID", "GP_Average_Days_To_Pay", 31),
        ("GP_Customer_ID", "GP_High_Balance", 1.5),
        ("GP_Vendor_ID", "Account_Type", "Customer"),
        ("GP_Vendor_ID", "GP_Payables_Basis", None),
        ("GP_Vendor_ID", "GP_Open_Documents", 99),
        ("GP_Vendor_ID", "GP_Oldest_Due", "2001-01-01"),
        ("GP_Vendor_ID", "GP_Last_Vendor_Payment", 1.5),
        ("GP_Vendor_ID", "GP_Last_Vendor_Payment_On", "2001-01-01"),
        ("GP_Vendor_ID", "GP_Payables", 1.5),
        ("GP_Vendor_ID", "Billing_Street", "Elsewhere 1"),
        ("GP_Vendor_ID", "Phone", "1"),
        ("GP_Vendor_ID", "GP_Payables_Account", None),
    ],
)
def test_every_figure_is_compared(world, side, field, value):
    other = {"GP_Customer_ID": "GP_Vendor_ID", "GP_Vendor_ID": "GP_Customer_ID"}[side]
    account = next(a for a in world.accounts() if a.get(side) and not a.get(other))
    world.edit(account["id"], **{field: value})
    [told] = disagreements(Dumps(world))
    world.edit(account["id"], **{field: account.get(field)})
    assert told.startswith(f"{account[side]}")
    assert f": {field} is {value!r} in Zoho" in told


def test_a_twin_without_a_key_is_found_unless_it_was_there_before(world):
    [twin] = world.seed({"Account_Name": "aaron fitz  ELECTRICAL"})
    world.seed({"Account_Name": "Nobody of ours"})
    assert list(disagreements(Dumps(world))) == [
        "aaron fitz  ELECTRICAL: Zoho has it once more, without a key."
    ]
    assert list(disagreements(Dumps(world), [twin])) == []
    world.zoho_call("POST", "delete/Accounts", {"ids": [twin]})


def contact_of(world, key):
    [contact] = world.contacts(key)
    return contact


@pytest.mark.parametrize(
    ("field", "value"),
    [("Last_Name", "Somebody"), ("Email", "somebody@example.com"), ("Mailing_Zip", None), ("Phone", "1")],
)
def test_every_field_of_a_person_is_compared(world, field, value):
    contact = contact_of(world, "AARONFIT0001")
    world.edit(contact["id"], module="Contacts", **{field: value})
    [told] = disagreements(Dumps(world))
    world.edit(contact["id"], module="Contacts", **{field: contact[field]})
    assert told.startswith("AARONFIT0001: ")


def test_a_person_below_another_account_twice_or_missing_is_found(world):
    contact = contact_of(world, "AARONFIT0001")
    own, other = contact["Account_Name"]["id"], world.account("ADAMPARK0001")["id"]
    world.edit(contact["id"], module="Contacts", Account_Name={"id": other})
    assert list(disagreements(Dumps(world))) == [
        f"{contact['GP_Contact_Key']}: the Contact is below the Account of ADAMPARK0001.",
        "AARONFIT0001: GP names Bob Fitz, and Zoho has 0 Contacts of it.",
    ]
    world.edit(contact["id"], module="Contacts", Account_Name={"id": own}, GP_Former_Contact=True)
    assert list(disagreements(Dumps(world))) == [
        "AARONFIT0001: GP names Bob Fitz, and Zoho has 0 Contacts of it."
    ]
    world.edit(contact["id"], module="Contacts", GP_Former_Contact=False)
    below = {"Account_Name": {"id": own}, "Last_Name": "Fitz", "First_Name": "BOB"}
    [again] = world.seed(below, module="Contacts")
    assert list(disagreements(Dumps(world))) == ["AARONFIT0001: Zoho has Bob Fitz once more, without a key."]
    assert list(disagreements(Dumps(world), [again])) == []
    world.edit(again, module="Contacts", GP_Contact_Key="AARONFIT0001:bobby fitz")
    assert list(disagreements(Dumps(world))) == [
        "AARONFIT0001: GP names Bob Fitz, and Zoho has 2 Contacts of it."
    ]
    world.zoho_call("POST", "delete/Contacts", {"ids": [again]})


# ---- the deal


@dataclass
class Both:
    """The control endpoints of a world, as the demo's deal uses them."""

    world: object
    of_zoho: bool = False

    @property
    def zoho(self):
        return Both(self.world, of_zoho=True)

    @property
    def gp(self):
        return Both(self.world)

    def rows(self, path, key):
        return Dumps(self.world).rows(path, key)

    def post(self, path, body):
        return (
            self.world.zoho_call("POST", path, body)
            if self.of_zoho
            else self.world.gp.control("POST", path, body)
        )


@pytest.fixture(scope="module")
def won(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("deal"), gp=gp_options(), provisioned=False) as world:
        for section, values in deals.SETTINGS.items():
            name = section.replace(".", "_")
            world.write_settings(**{f"{name}__{key}": json.dumps(value) for key, value in values.items()})
        world.here("provision", "--yes")
        world.first()
        account = world.account("AARONFIT0001")
        deals.win(Both(world), account["id"])
        deals.bill(Both(world), "AARONFIT0001", account["GP_Sales_Account"])
        world.sync(*deals.FLOWS)
        yield world


def test_the_chart_and_the_deal_agree(won):
    assert list(deals.disagreements(Both(won))) == []


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("GP_Revenue", 1.5, "has the revenue 1.5, and GP's invoice 18450.00"),
        ("GP_Cost", 1.5, "has the cost 1.5"),
        ("GP_Margin", 1.5, "has the margin 1.5"),
        ("GP_GL_Account", None, "has no GL account"),
    ],
)
def test_every_figure_of_the_deal_is_compared(won, field, value, told):
    deal = deals.find(Both(won))
    won.edit(deal["id"], module="Deals", **{field: value})
    [found] = deals.disagreements(Both(won))
    won.edit(deal["id"], module="Deals", **{field: deal[field]})
    assert told in found


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"GP_Description": "Elsewhere"}, ["is called Elsewhere"]),
        ({"GP_Account": "000-9"}, ["0 times", "GP does not have"]),
    ],
)
def test_the_chart_is_compared_account_by_account(won, changed, told):
    [account] = [row for row in won.records("GL_Accounts") if row["GP_Account"] == "000-4110-01"]
    won.edit(account["id"], module="GL_Accounts", **changed)
    found = list(deals.disagreements(Both(won)))
    won.edit(account["id"], module="GL_Accounts", **{name: account[name] for name in changed})
    assert len(found) == len(told)
    assert all(part in sentence for part, sentence in zip(told, found, strict=True))
