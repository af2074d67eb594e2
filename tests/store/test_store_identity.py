"""What stays as it was at the first use: the organisation, each company's number, name and prefix."""

from __future__ import annotations

import pytest

from ml_connector.core.companies import Company
from ml_connector.core.errors import ConfigurationError
from ml_connector.store import frozen
from ml_connector.store.identity import Identity

US, EU = Company("", -1, ""), Company("EU", 5, "EU-")


def kept(database) -> dict[str, str]:
    with database.read() as tx:
        return frozen.find_all(tx)


def test_a_store_of_before_has_its_prefix_and_learns_its_company(database):
    with database.begin() as tx:
        frozen.freeze(tx, "key_prefix", "")
        frozen.freeze(tx, "zoho_org", "7")
    Identity(database, [US]).keep("7", "-1")
    assert kept(database) == {"key_prefix": "", "zoho_org": "7", "company": "-1"}


def test_a_company_is_fixed_at_its_own_first_use(database):
    identity = Identity(database, [US, EU])
    identity.keep("7", "-1")
    assert identity.check("7", "5") == ("",)
    assert kept(database).keys() == {"company", "key_prefix", "zoho_org"}
    identity = Identity(database, [US, Company("EU", 5, "E-")])
    identity.keep("7", "5")
    assert kept(database)["key_prefix 5"] == "E-"
    assert identity.check("7", "-1") == ("E-",)


@pytest.mark.parametrize(
    ("companies", "used", "said"),
    [
        ([Company("", -1, "A-"), EU], "-1", "The key prefix is “A-” in the settings"),
        ([US, Company("EU", 5, "E-")], "5", "records were written with “EU-”"),
        ([US, Company("Europe", 5, "EU-")], "5", "its flows were called EU before"),
        ([Company("", 5, ""), Company("US", -1, "US-")], "5", "records were written for company -1"),
        ([US, Company("UK", 6, "EU-1")], "6", "“EU-1” begins with “EU-”"),
        ([US, Company("UK", 6, "")], "6", "cannot be told from one that was used before"),
    ],
)
def test_what_was_used_once_stays(database, companies, used, said):
    before = Identity(database, [US, EU])
    for company in ("-1", "5"):
        before.keep("7", company)
    fixed = kept(database)
    for ask in (Identity(database, companies).check, Identity(database, companies).keep):
        with pytest.raises(ConfigurationError, match=said):
            ask("7", used)
    assert kept(database) == fixed


def test_a_company_that_is_gone_from_the_settings_keeps_its_prefix(database):
    for company in ("-1", "5"):
        Identity(database, [US, EU]).keep("7", company)
    alone = Identity(database, [US])
    assert alone.check("7", "-1") == ("EU-",)
    with pytest.raises(ConfigurationError, match="organisation 8 answers"):
        alone.check("8", "-1")
