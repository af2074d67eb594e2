"""What a person types or sets wrongly: refused with a sentence before it does anything, or done without and told."""

import shutil

import pytest

from ml_connector.bootstrap import open_app
from ml_connector.core.errors import ConfigurationError
from ml_connector.settings_file import load_settings
from systems import gp_options, opened

FITZ, ADAM = "AARONFIT0001", "ADAMPARK0001"
PAUL, SALLY = "5725767000000411003", "5725767000000411002"
GREG = "greg.erickson@fabrikam.example"  #: no active user
VENDORS_TOO = '["vendor_accounts", "vendor_financials"]'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Fabrikam's customers and three vendors, all of them in Zoho."""
    with opened(tmp_path_factory.mktemp("bad"), gp=gp_options(0, 3)) as world:
        world.first("customers", "vendors")
        yield world


def kept(world):
    """Everything that a run would have left."""
    tables = ("runs", "outcomes", "audit", "source_names", "holds")
    return {name: world.rows(f"SELECT COUNT(*) FROM {name}") for name in tables}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--key", "TYPO"), "GP has no TYPO in customers, vendors."),
        (("customers", "--key", FITZ, "--key", "TYPO", "--key", "TIPO"), "GP has no TYPO and no TIPO in customers."),
        (("vendors", "--key", FITZ), f"GP has no {FITZ} in vendors."),
        (("--key", ""), "GP has no"),
    ],
)  # fmt: skip
def test_a_key_that_nobody_has_is_refused_before_anything_is_done(world, words, told):
    before = kept(world)
    said = world.ok("sync", *words, "--json", code=2)
    assert told in said.json["happened"]
    assert said.json["remedy"] == "Check the key, or name the flow."
    assert kept(world) == before


def test_a_key_that_gp_has_or_had_is_taken(world):
    world.change(FITZ, set={"class_id": "CHANGED"})
    assert world.sync("customers", "--key", FITZ.lower()) == {"customers": {"updated": 1}}
    world.customer("FRESH", "Listed by no run yet")
    assert world.sync("customers", "--key", "FRESH") == {"customers": {"created": 1}}
    world.gp.control("DELETE", "customers/FRESH")
    assert world.sync("customers", "--key", "FRESH") == {"customers": {"absent": 1, "marked": 1}}


def test_a_key_is_asked_for_only_in_the_flow_that_has_it(world):
    before = kept(world)
    assert world.sync("--key", ADAM).keys() == {"customers"}
    assert "vendors" not in {row["flow"] for row in world.story(ADAM)}
    assert kept(world)["outcomes"] == before["outcomes"]


def test_a_known_key_costs_no_request_more(world):
    world.sync("customers", "--key", ADAM)
    world.forget()
    world.sync("customers", "--key", ADAM)
    assert world.operations().get("GetCustomerByKey", 0) == 1


def context(world):
    with open_app(load_settings(world.settings)) as app:
        return app.works.work(app.roster.flows["customers"], preview=True).context()


def test_a_salesperson_who_left_goes_to_the_default(world):
    world.write_settings(
        owners__default="'sally@fabrikam.example'",
        owners__salespeople=f"{{ 'PAUL W.' = 'paul.west@fabrikam.example', 'GREG E.' = '{GREG}' }}",
    )
    found = context(world)
    assert (list(found.owners.values()), found.default_owner) == ([PAUL], SALLY)
    [note] = found.notes
    assert f"{GREG} for GREG E." in note
    assert "go to sally@fabrikam.example" in note
    said = world.ok("plan", "customers", "--key", FITZ)
    assert "Owner" in said.out


def test_a_default_owner_who_left_stops_everything(world):
    world.write_settings(owners__default=f"'{GREG}'", owners__salespeople="{}")
    with pytest.raises(ConfigurationError, match=r"greg\.erickson.*no active user") as caught:
        context(world)
    assert "sally@fabrikam.example" in caught.value.remedy
    world.write_settings(owners__default="''")
    assert context(world).notes == ()


def test_ping_tries_what_owners_and_layouts_by_name_take(tmp_path):
    with opened(tmp_path, gp=gp_options(0)) as world:
        before = pinged(world)
        folder = tmp_path / "mappings"
        shutil.copytree(load_settings(world.settings).mappings.files, folder)
        mapping = folder / "customer_accounts.toml"
        mapping.write_text(f'layout = "Standard"\n{mapping.read_text()}')
        world.write_settings(owners__default="'sally@fabrikam.example'", mappings__folder="'mappings'")
        assert pinged(world) - before == {"read users", "read layouts of Accounts"}


def pinged(world):
    """What ping tried of Zoho, all of it well."""
    return {check["name"] for check in world.ok("ping", "--json").json["systems"]["Zoho CRM"]}


def test_two_flows_of_one_entity_are_refused(world):
    world.write_settings(flows_customers__mappings=VENDORS_TOO)
    said = world.ok("plan", code=2)
    assert "The flows “customers” and “vendors” both read vendors" in said.err
    assert "enabled = false" in said.err
    world.write_settings(flows_vendors__enabled="false")
    with open_app(load_settings(world.settings)) as app:
        assert app.roster.flows["customers"].entity.name == "vendors"


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ("0", "1 is the least"),
        ("87601", "87600 is the most"),
        ("99999999999999999999", "87600 is the most"),
        ("1.5", "a whole number is wanted"),
        ("a day", "a whole number is wanted"),
    ],
)
def test_a_report_reaches_back_ten_years_at_most(world, hours, told):
    assert f"Invalid value for '--hours': {told}" in world.ok("report", "--hours", hours, code=2).err
