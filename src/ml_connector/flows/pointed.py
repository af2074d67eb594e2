"""What people call the records that lookups point to: an id tells nobody anything."""

from __future__ import annotations

from collections.abc import Iterable

from ml_connector.core.ports import Wanted
from ml_connector.core.reconcile import Difference
from ml_connector.flows.work import CHUNK, Work, chunked
from ml_connector.store import match_index


def find_names(work: Work, module: str, differences: Iterable[Difference]) -> dict[tuple[str, str], str]:
    """(Field, id) -> the name of the record that either value of a lookup points to; of one that is gone, nothing.

    What the index knows costs nothing, of the rest the target is asked. RetryableError while it is away.
    """
    points_to = {r.target: r.lookup for m in work.flow.of_module(module) for r in m.rules if r.lookup}
    of_lookups = [one for one in differences if one.field in points_to]
    wanted = {(d.field, str(value)) for d in of_lookups for value in (d.ours, d.theirs) if value}
    ids: dict[str, set[str]] = {}
    for field, target_id in wanted:
        ids.setdefault(points_to[field], set()).add(target_id)
    names = {there: _names(work, there, of_module) for there, of_module in ids.items()}
    found = {(field, one): names[points_to[field]].get(one, "") for field, one in wanted}
    return {which: name for which, name in found.items() if name}


def _names(work: Work, module: str, ids: set[str]) -> dict[str, str]:
    with work.database.read() as tx:
        known = match_index.candidates(tx, module, ids)
    found = {target_id: one.name for target_id, one in known.items()}
    for some in chunked(sorted(ids - found.keys()), CHUNK):
        page = work.target.list_wanted(module, [], Wanted(some), None)
        found |= {row.target_id: row.name for row in page.rows}
    return found
