"""What the settings say of orders, quotes and won deals, and which mappings are used for them."""

from __future__ import annotations

import shutil
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import ml_connector
from ml_connector.core.document_decisions import Rules
from ml_connector.core.document_mapping import Numbering, Terms
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.new_customer import CustomerTerms
from ml_connector.loading import load_document_mappings
from ml_connector.settings import Settings
from ml_connector.settings_file import load_settings

MAPPINGS = Path(ml_connector.__file__).parent / "mappings"
REQUIRED = """\
[gp]
endpoint = "https://gp.example/DynamicsGPService.asmx"
company_id = -1
user = 'FABRIKAM\\x'
[zoho]
data_centre = "us"
client_id = "1000.A"
"""


@pytest.fixture
def load(tmp_path):
    def write_and_load(text: str = "") -> Settings:
        path = tmp_path / "ml-connector.toml"
        path.write_text(REQUIRED + text, encoding="utf-8")
        return load_settings(path)

    return write_and_load


@pytest.fixture
def fault(load):
    def of(text: str) -> str:
        with pytest.raises(ConfigurationError) as caught:
            load_document_mappings(load(text))
        return str(caught.value)

    return of


def test_nothing_goes_to_gp_until_it_is_enabled(load):
    settings = load()
    assert settings.sales.enabled == {}
    assert not settings.sales.new_customers.enabled
    assert not settings.sales.master_edits.enabled
    assert settings.sales.numbering == "own"
    assert load_document_mappings(settings) == {}


def test_what_they_say_is_given_to_those_who_decide(load):
    settings = load(
        "[sales]\nnumbering = 'gp'\ntotal_tolerance = 0.05\nsite = 'NORTH'\n"
        "[sales.units]\n' Hours' = 'HR '\n"
        "[sales.orders]\nenabled = true\nstages = ['Approved ']\nbatch = 'ZOHO%y%m%d'\ndocument_type = 'STDORD'\n"
    )
    (documents,) = settings.sales.enabled.values()
    assert settings.sales.terms_of(documents, "USD") == Terms(
        "ZO",
        Numbering.GP,
        "STDORD",
        "ZOHO%y%m%d",
        "NORTH",
        currency="USD",
        total_tolerance=Decimal("0.05"),
        tables={"units": {"hours": "HR"}, "sites": {}, "price_levels": {}, "shipping_methods": {}},
    )
    assert settings.sales.rules_of(documents, ("Closed Won",)) == Rules(
        Numbering.GP,
        timedelta(minutes=10),
        Decimal("0.05"),
        frozenset({"approved"}),
        frozenset({"cancelled"}),
    )


def test_a_deal_goes_while_it_is_won_and_sells_the_item(load):
    settings = load("[sales.deals]\nenabled = true\nitem = 'SERVICE'\n")
    (documents,) = settings.sales.enabled.values()
    assert settings.sales.terms_of(documents, "USD").item == "SERVICE"
    rules = settings.sales.rules_of(documents, ("Closed Won",))
    assert (rules.stages, rules.ends_outside) == (frozenset({"closed won"}), True)


def test_new_customers(load):
    settings = load("[sales.new_customers]\nenabled = true\ncustomer_class = 'USA-ILMO-T1'\n")
    assert settings.sales.new_customers.terms == CustomerTerms("ZC", "USA-ILMO-T1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[sales.orders]\nprefix = 'zo'\n",
            "“prefix” of [sales.orders]: it is 1 to 4 capital letters and digits",
        ),
        ("[sales.orders]\nprefix = 'ZOHO1'\n", "it is 1 to 4 capital letters and digits"),
        ("[sales.new_customers]\nprefix = 'ZCU'\n", "it is 1 or 2 capital letters and digits"),
        ("[sales.orders]\nbatch = 'ZOHO-%A-%d'\n", "a batch of GP has 15 characters at the most"),
        ("[sales.deals]\nenabled = true\n", "won deals need an “item”"),
        ("[sales]\nnumbering = 'zoho'\n", "“numbering” of [sales]"),
        ("[sales.units]\nHours = 'HR'\n'hours ' = 'HOUR'\n", "“units” says twice what hours is"),
        ("[sales]\nunit = {}\n", "Did you mean “units”?"),
        ("[sales.new_customers]\naddress = 'A'\nship_to_address = 'a'\n", "are two ids"),
        ("[sales]\nprice_decimals = 6\n", "“price_decimals” of [sales]"),
    ],
)
def test_a_fault_is_a_sentence_with_its_line(fault, text, told):
    said = fault(text)
    assert told in said
    assert "ml-connector.toml, line " in said
    assert not said.endswith("ml-connector.toml, line 1")


EVERYTHING = """\
[sales.orders]
enabled = true
[sales.quotes]
enabled = true
[sales.deals]
enabled = true
item = 'SERVICE'
"""


def test_the_mappings_are_those_that_come_with_it(load):
    mappings = load_document_mappings(load(EVERYTHING))
    assert {section: mapping.name for section, mapping in mappings.items()} == {
        "orders": "sales_orders",
        "quotes": "quotes",
        "deals": "won_deals",
    }


def test_a_folder_of_ones_own_has_them_in_a_folder_of_theirs(load, tmp_path):
    own = tmp_path / "mine"
    shutil.copytree(MAPPINGS, own)
    settings = "[mappings]\nfolder = 'mine'\n" + EVERYTHING
    path = own / "documents" / "sales_orders.toml"
    path.write_text(path.read_text("utf-8").replace('"Purchase_Order"', '"My_Number"'), "utf-8")
    assert "My_Number" in load_document_mappings(load(settings))["orders"].columns
    shutil.rmtree(own / "documents")
    assert "Purchase_Order" in load_document_mappings(load(settings))["orders"].columns


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[sales.orders]\nenabled = true\nmapping = 'orders'\n", "There is no mapping “orders” in"),
        ("[sales.quotes]\nenabled = true\nmapping = 'sales_orders'\n", "which makes no quote of GP"),
        ("[sales.orders]\nenabled = true\nmapping = 'quotes'\n", 'or write kind = "order" into it'),
    ],
)
def test_a_mapping_that_does_not_fit(fault, text, told):
    assert told in fault(text)


def test_gp_s_own_numbers_need_the_first_text(fault, tmp_path):
    own = tmp_path / "mine"
    shutil.copytree(MAPPINGS, own)
    path = own / "documents" / "sales_orders.toml"
    path.write_text(path.read_text("utf-8").replace("[header]\n", '[header]\ntext_1 = "Subject"\n'), "utf-8")
    text = "[mappings]\nfolder = 'mine'\n[sales.orders]\nenabled = true\n"
    assert "fills text_1" in fault(f"[sales]\nnumbering = 'gp'\n{text}")
