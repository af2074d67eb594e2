"""Settings and tables: what is accepted, and above all where a token may be sent."""

import pytest
from pydantic import ValidationError

from ml_connector.connectors.zoho_crm import ZohoConfig, schema


def config(**more) -> ZohoConfig:
    return ZohoConfig(**{"data_centre": "eu", "client_id": "1000.X", **more})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "https://127.0.0.1:8443/"]
)
def test_a_simulator_is_on_this_machine(url):
    assert config(simulator_url=url).simulator_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:80",
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "http://user:pw@localhost:1",
        "ftp://localhost",
        "localhost:8080",
        "http://localhost:1/path",
        "http://localhost:1?x=1",
    ],
)
def test_a_simulator_elsewhere_is_refused(url):
    with pytest.raises(ValidationError, match="a simulator is given as"):
        config(simulator_url=url)


@pytest.mark.parametrize(
    "wrong",
    [
        {"data_centre": "mars"},
        {"client_id": ""},
        {"heavy_requests": 11},
        {"max_requests": 0},
        {"trigger": ["everything"]},
        {"colour": "red"},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        config(**wrong)


def test_every_setting_is_described():
    assert all(field.description for field in ZohoConfig.model_fields.values())


ENDINGS = {  # of Zoho's multi-DC page: data centre -> ending of its API's hosts
    "us": "com",
    "eu": "eu",
    "in": "in",
    "au": "com.au",
    "jp": "jp",
    "cn": "com.cn",
    "ca": "ca",
    "sa": "sa",
    "uk": "uk",
}
KINDS = ("www", "sandbox", "developer")


def look_alikes(host):
    """Addresses that a careless comparison takes for ``https://host``."""
    name, _, rest = host.partition(".")
    return [
        "",
        host,
        f"http://{host}",
        f"ftp://{host}",
        f"//{host}",
        f"https:{host}",
        f"https://{host}:8443",
        f"https://{host}:443",
        f"https://{host}:port",
        f"https://{host}.",
        f"https://{host}/",
        f"https://{host}/crm",
        f"https://{host}?x=1",
        f"https://{host}#",
        f"https://{host}\\@evil.test",
        f"https://{host}\n",
        f" https://{host}",
        f"https://{host.upper()}",
        f"HTTPS://{host}",
        f"https://{host}.evil.test",
        f"https://{host}@evil.test",
        f"https://evil.test/{host}",
        f"https://evil.test#{host}",
        f"https://x@{host}",
        f"https://x:y@{host}",
        f"https://{rest}",
        f"https://x.{host}",
        f"https://{name}-{rest}",
        f"https://{name}{rest}",
        f"https://accounts.{rest}",
        f"https://{host.replace('o', 'о')}",  # a Cyrillic letter
        f"https://{host.replace('z', 'ｚ')}",  # a wide one, which IDNA folds into z
        f"https://{host.replace('.', '。')}",  # a dot to IDNA
        "https://xn--zhoapis-4ya.com",
        "http://127.0.0.1:8080",
    ]


@pytest.mark.parametrize(("data_centre", "ending"), ENDINGS.items())
def test_only_hosts_of_the_consented_data_centre_get_the_token(data_centre, ending):
    consented = config(data_centre=data_centre)
    ours = [f"{kind}.zohoapis.{ending}" for kind in KINDS]
    assert [schema.is_trusted_api(consented, f"https://{host}") for host in ours] == [True] * 3
    others = [f"{kind}.zohoapis.{other}" for other in ENDINGS.values() if other != ending for kind in KINDS]
    refused = [f"https://{host}" for host in others] + [one for host in ours for one in look_alikes(host)]
    assert [address for address in refused if schema.is_trusted_api(consented, address)] == []


def test_with_a_simulator_only_the_simulator_gets_the_token():
    simulated = config(simulator_url="http://127.0.0.1:8080")
    assert schema.accounts_url(simulated) == "http://127.0.0.1:8080"
    assert schema.is_trusted_api(simulated, "http://127.0.0.1:8080")
    assert not schema.is_trusted_api(simulated, "http://127.0.0.1:8081")
    assert not schema.is_trusted_api(simulated, "https://www.zohoapis.eu")


def test_every_data_centre_of_the_settings_is_on_the_table():
    names = ZohoConfig.model_fields["data_centre"].annotation.__args__
    assert set(names) == set(schema.DATA_CENTRES) == set(ENDINGS)
    assert schema.accounts_url(config(data_centre="ca")) == "https://accounts.zohocloud.ca"


def test_scopes_name_modules_as_zoho_does():
    assert schema.module_scope("Sales_Orders", "READ") == "ZohoCRM.modules.salesorders.READ"
    assert schema.module_scope("GL_Accounts", "CREATE") == "ZohoCRM.modules.custom.CREATE"
    assert "ZohoCRM.settings.fields.CREATE" in schema.scopes_needed(["Accounts"], create_fields=True)
    assert "ZohoCRM.settings.fields.CREATE" not in schema.scopes_needed(["Accounts"], create_fields=False)
    few = schema.scopes_needed(["Accounts"], create_fields=True)
    more = schema.scopes_needed(["Accounts"], create_fields=True, users=True, layouts=True)
    assert set(more) - set(few) == {"ZohoCRM.users.READ", "ZohoCRM.settings.layouts.READ"}


@pytest.mark.parametrize(
    ("told", "edition"),
    [
        ("enterprise", "enterprise"),
        ("Standard", "standard"),
        ("Zoho One", "enterprise"),
        ("crm_plus", "ultimate"),
        ("starter", "standard"),
        ("free", "free"),
        ("bigin", None),
        (None, None),
        ("", None),
    ],
)
def test_the_edition_as_a_licence_names_it(told, edition):
    assert schema.edition_named(told) == edition
