"""Which keys are written into which organisation: what must stay as it was when the first record was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.core.companies import Company, clash
from ml_connector.core.errors import ConfigurationError
from ml_connector.store import frozen
from ml_connector.store.database import Connection, Database

ORG = "zoho_org"  #: under this name the organisation is frozen
_COMPANY, _PREFIX = "company", "key_prefix"  #: of the first company; of a further one with its number behind


def _kept(company: Company) -> dict[str, str]:
    """What is kept of it. Of the first it is its number, of a further one its name: its flows are called by it."""
    if not company.name:
        return {_COMPANY: company.key, _PREFIX: company.key_prefix}
    return {f"{_COMPANY} {company.key}": company.name, f"{_PREFIX} {company.key}": company.key_prefix}


class Identity:
    """Compares the settings with what was kept at the first use, company by company."""

    def __init__(self, database: Database, companies: Sequence[Company]) -> None:
        self._database = database
        self._companies = {company.key: company for company in companies}

    def check(self, org: str, key: str) -> tuple[str, ...]:
        """The prefixes of the other companies, former ones too. ConfigurationError if it was otherwise before."""
        with self._database.read() as tx:
            return self._check(tx, org, self._companies[key])

    def keep(self, org: str, key: str) -> None:
        """From now on it is as it is. ConfigurationError if it was otherwise before."""
        company = self._companies[key]
        with self._database.begin() as tx:
            self._check(tx, org, company)
            for name, value in {ORG: org, **_kept(company)}.items():
                frozen.freeze(tx, name, value)

    def _check(self, tx: Connection, org: str, company: Company) -> tuple[str, ...]:
        kept = frozen.find_all(tx)
        _check_org(kept, org)
        _check_company(kept, company)
        mine, *_ = (name for name in _kept(company) if name.startswith(_PREFIX))
        former = {value for name, value in kept.items() if name.startswith(_PREFIX) and name != mine}
        if pair := clash([*former, company.key_prefix]):
            raise ConfigurationError(
                f"The key prefix “{company.key_prefix}” cannot be told from one that was used before: “{pair[1]}”"
                f" begins with “{pair[0]}”.",
                "Give this company another key_prefix: records with the other one are in Zoho.",
            )
        beside = {one.key_prefix for one in self._companies.values() if one.key != company.key}
        return tuple(sorted(former | beside))


def _check_org(kept: Mapping[str, str], org: str) -> None:
    if kept.get(ORG, org) != org:
        raise ConfigurationError(
            f"Zoho's organisation {org} answers, but records were written into the organisation {kept[ORG]}.",
            "Authorise for that one again (ml-connector zoho authorize), or set another data folder or database"
            " under [store] for this one.",
        )


def _check_company(kept: Mapping[str, str], company: Company) -> None:
    (about, now), (prefix_name, prefix) = _kept(company).items()
    before = kept.get(prefix_name, prefix)
    if before != prefix:
        raise ConfigurationError(
            f"The key prefix is “{prefix}” in the settings, but records were written with “{before}”.",
            f"Set key_prefix back to “{before}”: with another one every record would be created once more.",
        )
    was = kept.get(about, now)
    if was != now and company.name:
        raise ConfigurationError(
            f"Company {company.number} is called {now} in the settings, but its flows were called {was} before.",
            f"Call it [companies.{was}] again.",
        )
    if was != now:
        raise ConfigurationError(
            f"[gp] names company {now}, but records were written for company {was}.",
            f"Set company_id back to {was}, and put company {now} under [companies.NAME] beside it.",
        )
