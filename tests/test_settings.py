"""The settings file: what init writes can be filled in and read; every fault is a sentence."""

import re
import tomllib
from datetime import date
from itertools import pairwise

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.line_limits import NO_LIMITS, Within, limits_of
from ml_connector.settings import Settings
from ml_connector.settings_file import commented_settings, load_settings

REQUIRED = {
    "endpoint": "'http://gp.example.com:48620/DynamicsGPWebServices/DynamicsGPService.asmx'",
    "company_id": "-1",
    "user": r"'FABRIKAM\connector'",
    "data_centre": '"eu"',
    "client_id": '"1000.ABC"',
}
GP = f"[gp]\nendpoint = {REQUIRED['endpoint']}\ncompany_id = -1\nuser = {REQUIRED['user']}\n"
ZOHO = '[zoho]\ndata_centre = "eu"\nclient_id = "1000.ABC"\n'
CANARY = "steinadler"


def filled_in(text: str) -> str:
    for name, value in REQUIRED.items():
        text = re.sub(rf"(?m)^#{name} = .*REQUIRED.*$", lambda _, n=name, v=value: f"{n} = {v}", text)
    return text


@pytest.fixture
def load(tmp_path):
    def write_and_load(text: str) -> Settings:
        path = tmp_path / "ml-connector.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path)

    return write_and_load


@pytest.fixture
def fault(load):
    def of(text: str) -> ConfigurationError:
        with pytest.raises(ConfigurationError) as caught:
            load(text)
        assert "pydantic" not in str(caught.value)
        assert "\n" not in str(caught.value)
        return caught.value

    return of


def test_the_new_file_is_toml_and_asks_for_what_is_required(fault):
    assert "gp" in tomllib.loads(commented_settings())
    error = fault(commented_settings())
    assert "[gp] has no “endpoint”" in error.happened


def test_the_new_file_filled_in_is_read(load, tmp_path):
    settings = load(filled_in(commented_settings()))
    assert settings.gp.user == r"FABRIKAM\connector"
    assert settings == load(GP + ZOHO)
    assert settings.store.folder == tmp_path / "data"
    assert settings.store.url == f"sqlite:///{tmp_path / 'data' / 'ml-connector.db'}"
    assert settings.secrets.key_file == tmp_path / "data" / "master.key"
    assert settings.sync.overlap_seconds == 1800
    assert settings.flows.customers.mappings == (
        "customer_accounts",
        "customer_financials",
        "customer_gl_accounts",
        "customer_contacts",
    )
    assert (settings.mappings.files / "customer_accounts.toml").is_file()


def test_every_default_that_the_new_file_shows_is_the_default(load):
    text = filled_in(commented_settings())
    with_defaults = re.sub(r"(?m)^#(\w+ = )(?!  # not set)", r"\1", text)
    assert with_defaults.count("\n#") < text.count("\n#")
    assert load(with_defaults) == load(text)


def test_every_setting_has_a_description():
    lines = commented_settings().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"#\w+ =", line):
            assert before.startswith("# "), line


def test_settings_are_frozen(load):
    with pytest.raises(ValueError, match="frozen"):
        load(GP + ZOHO).sync.window_size = 1


def test_paths_are_relative_to_the_file(load, tmp_path):
    settings = load(
        GP + 'ca_file = "ca.pem"\n' + ZOHO + '[store]\nfolder = "kept"\n[secrets]\nkey_file = "/etc/key"\n'
        '[mappings]\nfolder = "mine"\n'
    )
    assert settings.gp.ca_file == tmp_path / "ca.pem"
    assert settings.store.url.endswith("/kept/ml-connector.db")
    assert str(settings.secrets.key_file) == "/etc/key"
    assert settings.mappings.files == tmp_path / "mine"


def test_a_file_of_one_company_is_as_it_was_and_further_ones_stand_beside_it(load):
    [first] = load(GP + ZOHO).every_company
    assert (first.name, first.number, first.key_prefix) == ("", -1, "")
    settings = load(
        GP + ZOHO + "[companies.EU]\ncompany_id = 5\nkey_prefix = 'EU-'\nleave_out = ['vendors']\n"
        "[companies.UK]\ncompany_id = 6\nkey_prefix = 'UK-'\n"
    )
    assert [(c.name, c.number, c.key_prefix, c.leave_out) for c in settings.every_company] == [
        ("", -1, "", ()),
        ("EU", 5, "EU-", ("vendors",)),
        ("UK", 6, "UK-", ()),
    ]


def test_what_no_service_of_gps_own_lists_has_to_be_named(load, fault):
    sba = "[gp.sba]\nentities = ['journal_entries']\naddress = 'https://gp.example.com/GPService'\ncompany = 'One'\n"
    told = fault(GP + sba + ZOHO)
    assert (
        "[gp.sba.resources.journal_entries] needs list_path and record_path: nothing that ships"
        in told.happened
    )
    assert "line 5" in told.happened
    paths = "[gp.sba.resources.journal_entries]\nlist_path = '/L'\nrecord_path = '/R({key})'\n"
    assert load(GP + sba + paths + ZOHO).gp.sba.entities == ("journal_entries",)


def test_a_further_company_has_a_name_of_its_own_for_sba(load, fault):
    sba = "[gp.sba]\nentities = ['vendors']\naddress = 'https://gp.example.com/GPService'\ncompany = 'One'\n"
    further = "[companies.EU]\ncompany_id = 5\nkey_prefix = 'EU-'\n"
    assert "[companies.EU] needs an sba_company" in fault(GP + sba + ZOHO + further).happened
    settings = load(GP + sba + ZOHO + further + "sba_company = 'Two'\n")
    of_each = [settings.gp_of(company) for company in settings.every_company]
    assert [(gp.company_id, gp.sba.company) for gp in of_each] == [(-1, "One"), (5, "Two")]


def test_rules_of_deals_stand_in_the_order_of_the_file(load):
    rules = '[deals]\nproduct_field = "Product"\n[deals.rules.b]\naccount = "2"\nproduct = "P"\n'
    settings = load(f'{GP}{ZOHO}{rules}[deals.rules."a c"]\naccount = "1"\n')
    assert list(settings.deals.rules) == ["b", "a c"]
    assert settings.deals.rules["b"].product == "P"
    assert settings.deals.won_stages == ("Closed Won",)


def test_what_is_revenue_is_told_by_category_or_by_number(load):
    given = "[profitability]\nrevenue_accounts = ['000-4000-00..000-4999-99']\ncost_categories = []\n"
    earned = load(GP + ZOHO + given).profitability
    assert earned.revenue.of_account("000-4100-00", None) is Within.YES
    assert earned.revenue.of_account("1", "SALES") is Within.YES
    assert earned.cost == NO_LIMITS


@pytest.mark.parametrize(
    ("text", "happened"),
    [
        ("[deals.rules.a]\ntype = 'New'", "[deals.rules.a] has no “account”"),
        ("[deals.rules.a]\naccount = '1'\nstage = 'Won'", "“stage” is not a setting of [deals.rules.a]"),
        ("[deals.rules.a]\naccount = '1'\nproduct = 'Lamp'", "product_field does not say where"),
        ("[profitability]\nrevenue_accounts = ['9..1']", "is no account and no range"),
        ("[profitability]\ncost_categories = ['sales']", "cannot be both revenue and cost"),
        ("[flows.profitability]\nenabled = true", "profitability is made from journal_entries"),
    ],
)
def test_a_fault_about_deals_is_a_sentence(fault, text, happened):
    assert happened in fault(f"{GP}{ZOHO}{text}\n").happened


def test_another_place_for_the_master_key_leaves_no_file(load):
    assert load(GP + ZOHO + '[secrets]\nkey_env = "MASTER"\n').secrets.key_file is None
    assert load(GP + ZOHO + '[secrets]\nkey_command = ["vault", "read"]\n').secrets.key_command == (
        "vault",
        "read",
    )


@pytest.mark.parametrize(
    ("text", "line", "happened", "remedy"),
    [
        (
            GP + ZOHO + "[sync]\nwindow_sise = 3\n",
            9,
            "“window_sise” is not a setting of [sync]",
            "“window_size”",
        ),
        (GP + ZOHO + "[synch]\n", 8, "“synch” is not a setting of the settings", "“sync”"),
        (GP + ZOHO + "user = 'x'\n", 8, "“user” is not a setting of [zoho]", "It belongs below [gp]"),
        (GP + ZOHO + "[flows.customers]\nenable = true\n", 9, "of [flows.customers]", "“enabled”"),
        (GP + ZOHO + "[flows]\nvendors.afer = []\n", 9, "of [flows.vendors]", "“after”"),
        (GP + ZOHO + "[sync]\nqqq = 1\n", 9, "“qqq” is not", "Known are: overlap_seconds"),
        (
            GP + "max_requests = 9\n" + ZOHO,
            5,
            "“max_requests” of [gp]: GP takes 2 to 5 requests at once.",
            "",
        ),
        (GP + "max_requests = 1\n" + ZOHO, 5, "a single long list would hold up everything else", ""),
        (
            GP + "[gp.quiet_hours]\ntime_zone = 'UTC'\nwindows = ['mon 7-9']\n" + ZOHO,
            5,
            "of [gp]: “mon 7-9” is no window",
            "",
        ),
        (GP + "[gp.quiet_hours]\nwindows = ['mon 07:00-09:00']\n" + ZOHO, 5, "need a time_zone", ""),
        (
            GP + "[gp.quiet_hours]\ntime_zone = 'Berlin'\nwindows = ['mon 07:00-09:00']\n" + ZOHO,
            5,
            "there is no time zone “Berlin”",
            "",
        ),
        (
            GP + "[gp.quiet_hours]\ntime_zone = 'UTC'\nwindows = ['daily 00:00-24:00']\n" + ZOHO,
            5,
            "leave no minute",
            "",
        ),
        (GP + "[gp.quiet_hours]\nwindow = []\n" + ZOHO, 6, "of [gp.quiet_hours]", "“windows”"),
        (GP + ZOHO + "[companies.EU]\nkey_prefix = 'EU-'\n", 8, "has no “company_id”", "[companies.EU]"),
        (
            GP + ZOHO + "[companies.EU]\ncompany_id = 5\nprefix = 'E'\n",
            10,
            "of [companies.EU]",
            "“key_prefix”",
        ),
        (GP + ZOHO + "[companies.EU]\ncompany_id = -1\n", 8, "which [gp] has already", ""),
        (GP + ZOHO + "[companies.EU]\ncompany_id = 5\n", 8, "one company alone may have none", ""),
        (GP + ZOHO + "[companies]\nEU = 5\n", 9, "“EU” of [companies]", ""),
        (GP + 'max_requests = "3"\n' + ZOHO, 5, "“max_requests” of [gp] should be a valid integer", ""),
        (GP + ZOHO + "trigger = 'workflow'\n", 8, "“trigger” of [zoho]", ""),
        (GP + ZOHO.replace("eu", "mars"), 6, "“data_centre” of [zoho] should be 'us', 'eu'", ""),
        (GP, 1, "There is no section [zoho]", "data_centre, client_id"),
        (GP + "[zoho]\nclient_id = 'x'\n", 5, "[zoho] has no “data_centre”", "below [zoho]"),
        (GP + ZOHO + "[secrets]\nkey_env = 'A'\nkey_file = 'b'\n", 8, "only one of key_file and key_env", ""),
        (GP + ZOHO + "[flows.vendors]\nafter = ['custmers']\n", 8, "custmers, which is no other flow", ""),
        (
            GP + ZOHO + "[company]\nkey_prefix = 3\n",
            9,
            "“key_prefix” of [company] should be a valid string",
            "",
        ),
        (GP + ZOHO + "simulator_url = 'http://example.com'\n", 8, "“simulator_url” of [zoho]", ""),
        ("gp = 3\n" + ZOHO, 1, "[gp]", ""),
        (
            GP + ZOHO + "[flows.customers]\nfilter = { is_active = true, class_id = [] }\n",
            9,
            "“filter” of [flows.customers]: class_id = [] would let nothing in",
            "",
        ),
        (GP + ZOHO + "[flows.vendors.filter]\nclass_id = []\n", 8, "“filter” of [flows.vendors]", ""),
        (
            GP + ZOHO + "[flows.customers]\nafter = ['journal_entries']\n",
            8,
            "flows wait for each other: ",
            "",
        ),
        (
            GP + ZOHO + "[flows.journal_entries]\naccounts = ['1', '5..4']\n",
            9,
            "“accounts” of [flows.journal_entries]: “5..4” is no account and no range of accounts",
            "",
        ),
        (GP + ZOHO + "[flows.journal_entries]\nfrom_date = 'May'\n", 9, "“from_date” of [flows.journal", ""),
        (
            GP + ZOHO + "[flows.journal_entries]\nenabled = true\ncategories = ['Sales']\n",
            8,
            "journal_entries has categories, which gl_accounts tells: enable that flow, too",
            "",
        ),
        (
            GP + ZOHO + "[flows.account_months]\nenabled = true\n",
            8,
            "account_months is made from journal_entries: enable that flow, too",
            "",
        ),
        (
            GP + ZOHO + "[flows.account_months]\nmappings = []\n",
            9,
            "“mappings” of [flows.account_months]",
            "",
        ),
    ],
)
def test_a_fault_is_a_sentence_with_line_and_the_nearest(fault, tmp_path, text, line, happened, remedy):
    error = fault(text)
    assert happened in error.happened
    assert error.happened.startswith(f"{tmp_path / 'ml-connector.toml'}, line {line}:")
    assert remedy in error.remedy
    assert error.remedy


def test_the_limits_of_journal_entries(load):
    assert load(GP + ZOHO).flows.journal_entries.limits == limits_of(None, (), (), ("BBF", "P/L"))
    settings = load(
        GP + ZOHO + "[flows.journal_entries]\nmappings = []\nfrom_date = 2026-01-01\n"
        "accounts = ['000-4000-00..000-4999-99']\ncategories = ['Sales']\nclosing_documents = []\n"
    )
    limits = limits_of(date(2026, 1, 1), ("000-4000-00..000-4999-99",), ("sales",))
    assert (settings.flows.journal_entries.mappings, settings.flows.journal_entries.limits) == ((), limits)


def test_what_is_new_is_not_run_until_it_is_enabled(load):
    flows = load(GP + ZOHO).flows.by_name
    assert list(flows) == ["customers", "vendors", "gl_accounts", "journal_entries", "account_months"]
    assert [name for name, flow in flows.items() if flow.enabled] == ["customers", "vendors"]


@pytest.mark.parametrize(
    "name", ["overlap_seconds", "addresses_every_seconds", "balances_every_seconds", "max_wait_seconds"]
)
@pytest.mark.parametrize("value", ["1e20", "1e300", "inf", "nan", "-1"])
def test_a_time_is_one_that_can_be_added_to_a_date(fault, name, value):
    assert f"“{name}” of [sync] should be" in fault(f"{GP}{ZOHO}[sync]\n{name} = {value}\n").happened


@pytest.mark.parametrize(
    ("section", "name"), [(GP, "delay_seconds"), (GP, "timeout_seconds"), (ZOHO, "timeout_seconds")]
)
def test_no_time_is_endless_or_no_number(fault, section, name):
    for value in ("inf", "nan"):
        error = fault(section + f"{name} = {value}\n" + (ZOHO if section == GP else GP))
        assert f"“{name}” of [" in error.happened


def test_what_is_not_toml_names_the_line(fault):
    error = fault(GP + "company = \n" + ZOHO)
    assert "not valid TOML" in error.happened
    assert "line 5" in error.happened


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (GP + f"password = '{CANARY}'\n" + ZOHO, "gp.password"),
        (GP + ZOHO + f"client_secret = '{CANARY}'\n", "zoho.client_secret"),
        (GP + ZOHO + f"refresh_token = '{CANARY}'\n", "zoho.refresh_token"),
        (GP + ZOHO + f"[gp.more]\nuser_password = '{CANARY}'\n", "NAME"),
        (f"token = '{CANARY}'\n" + GP + ZOHO, "NAME"),
    ],
)
def test_no_secret_is_written_into_the_settings(fault, text, name):
    error = fault(text)
    assert f"ml-connector secrets set {name}" in error.remedy
    assert CANARY not in str(error)


def test_no_database_password_is_written_into_the_settings(fault):
    error = fault(GP + ZOHO + f"[store]\nurl = 'postgresql+psycopg://me:{CANARY}@db/ml'\n")
    assert "pgpass" in error.happened
    assert CANARY not in str(error)
    assert error.__cause__ is None


def test_a_wrong_value_is_not_repeated(fault):
    """Whatever was put in the wrong place: it may have been meant to be a secret."""
    error = fault(GP + f"mechanism = '{CANARY}'\n" + ZOHO)
    assert CANARY not in str(error)
    assert error.__context__ is None


def test_a_file_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path / "none.toml")
    assert "ml-connector init" in caught.value.remedy


def test_a_file_that_is_not_text_is_a_sentence(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(tmp_path / "x.toml")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/gp?x=1",
        "https://anna:secret@example.com",
        "https://",
        "example.com",
        "https://exämple.com",
        "https://example.com/a b",
        "ftp://127.0.0.1",
    ],
)
def test_an_address_for_notifications_is_https_and_nothing_more(fault, url):
    error = fault(f"{GP}{ZOHO}[webhooks]\nurl = '{url}'\n")
    assert "an address is https://HOST or https://HOST/PATH" in error.happened
    assert "secret" not in str(error)


def test_an_address_for_notifications_is_kept_without_its_last_slash(load):
    assert (
        load(f"{GP}{ZOHO}[webhooks]\nurl = 'https://example.com/gp/'\n").webhooks.url
        == "https://example.com/gp"
    )
    assert (
        load(f"{GP}{ZOHO}[webhooks]\nurl = 'http://127.0.0.1:8080'\n").webhooks.url == "http://127.0.0.1:8080"
    )
    assert load(f"{GP}{ZOHO}").webhooks.url == ""


def test_modules_to_be_told_of_are_api_names(load, fault):
    given = load(f"{GP}{ZOHO}[webhooks]\nmodules = ['Deals', 'Deals', 'CustomModule1']\n")
    assert given.webhooks.modules == ("Deals", "CustomModule1")
    assert (
        "'Sales Orders' is no API name"
        in fault(f"{GP}{ZOHO}[webhooks]\nmodules = ['Sales Orders']\n").happened
    )
