"""Looking up a code in the error catalogue of all systems."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ml_connector.core.catalogue import Entry, Kind

_UNKNOWN = "This code is not in our catalogue; the answer is the system's own."
_REMEDY = "Correct what the answer names, then retry the hold."


@cache
def catalogue() -> tuple[Entry, ...]:
    """Every code: our own, then those of the connectors."""
    from ml_connector.connectors.dynamics_gp.errors import CATALOGUE as DYNAMICS_GP
    from ml_connector.connectors.zoho_crm.errors import CATALOGUE as ZOHO_CRM
    from ml_connector.core.catalogue import own_entries

    return (*own_entries(), *ZOHO_CRM, *DYNAMICS_GP)


@cache
def _by_code() -> Mapping[str, Entry]:
    """Code -> entry; of a code that two systems have, the one that a record can wait with."""
    waits = sorted(catalogue(), key=lambda entry: entry.kind in (Kind.WAIT, Kind.STOP))
    return {entry.code: entry for entry in reversed(waits)}


def entry_of(code: str) -> Entry:
    """What a code means; an unknown one is a matter of data."""
    return _by_code().get(code) or Entry("unknown", code, Kind.DATA, _UNKNOWN, _REMEDY)
