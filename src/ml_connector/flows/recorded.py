"""What the store knows of source records: of each, what its last reading came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from ml_connector.core.reconcile import Recorded
from ml_connector.core.record import fold_key
from ml_connector.flows.work import Work
from ml_connector.store import links, outcomes
from ml_connector.store.database import Connection
from ml_connector.store.outcomes import Outcome


def find_recorded(tx: Connection, work: Work, keys: Sequence[str]) -> dict[str, Recorded]:
    """Folded key -> what its last reading came to.

    A person or line that the record had before, and that it was gone once, says nothing of it any more.
    """
    meanings = work.flow.meanings
    found: defaultdict[str, list[Outcome]] = defaultdict(list)
    for (key, _mapping), told in outcomes.by_key(tx, work.flow.company, list(meanings), keys).items():
        found[key] += told
    return {key: _of_last_reading(told, meanings.values()) for key, told in found.items()}


def _of_last_reading(told: Sequence[Outcome], fingerprints: Collection[str]) -> Recorded:
    read_at = max(outcome.fetched_at for outcome in told)
    last = [outcome for outcome in told if outcome.fetched_at == read_at]
    return Recorded(
        {outcome.at for outcome in last},
        absent=any(outcome.result == "absent" for outcome in last),
        final=all(outcome.final for outcome in last),
        outdated=any(outcome.fingerprint not in fingerprints for outcome in last),
    )


def find_absent(tx: Connection, work: Work, keys: Sequence[str]) -> set[str]:
    """Those of these keys, folded, that the source had no more when they were read last."""
    return {key for key, recorded in find_recorded(tx, work, keys).items() if recorded.absent}


def find_linked(tx: Connection, work: Work, keys: Collection[str]) -> set[str]:
    """Those of these keys, folded, that have a counterpart in some module of the flow."""
    found = [links.find(tx, work.pair(module), keys) for module in work.flow.modules]
    return {fold_key(link.source_key) for of_module in found for link in of_module.values() if not link.gone}
