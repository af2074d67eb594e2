"""What stands in the target beside what we last left there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from datetime import datetime

from ml_connector.core.change import Page
from ml_connector.core.mapping import carried_key
from ml_connector.core.ports import Standing
from ml_connector.core.reconcile import Difference, compare_fields, compare_key, owned
from ml_connector.flows.planning import reserved
from ml_connector.flows.work import Work
from ml_connector.store import links, outcomes
from ml_connector.store.database import Connection
from ml_connector.store.links import Link
from ml_connector.store.outcomes import Outcome

Compared = tuple[Standing, Link, list[Difference]]  #: a record, its link, where it is not as we left it


def fields_of(work: Work, module: str) -> list[str]:
    """Every field that our mappings write there for good and that is there (still)."""
    mappings = work.flow.of_module(module)
    wanted = {rule.target for mapping in mappings for rule in mapping.rules if rule.owner == "gp"}
    wanted |= {name for mapping in mappings for name in mapping.marks.values()}
    wanted.add(work.flow.key_field(module))
    return sorted(wanted & work.target.describe(module).keys())


def pages(work: Work, module: str, since: datetime | None) -> Iterator[Page[Standing]]:
    """The module's records, changed at or after ``since``, with these fields."""
    names, after = fields_of(work, module), None
    while True:
        page = work.target.list_values(module, names, since, after)
        yield page
        after = page.next_after
        if after is None:
            return


def compare(tx: Connection, work: Work, module: str, rows: Sequence[Standing]) -> list[Compared]:
    """Those of these records that are linked and there, beside what we left there."""
    company, names = work.flow.company, [mapping.name for mapping in work.flow.of_module(module)]
    found = links.on(tx, work.pair(module), [row.target_id for row in rows])
    there = {target_id: link for target_id, link in found.items() if not link.gone}
    left = outcomes.find(tx, company, names, [link.source_key for link in there.values()])
    withheld = reserved(work, module, links.entities_on(tx, company, module, list(there)))
    return [
        (row, link, _differences(work, module, link, left.get(link.ident, {}), withheld[row.target_id], row))
        for row in rows
        if (link := there.get(row.target_id))
    ]


def _differences(
    work: Work,
    module: str,
    link: Link,
    left: MappingOf[str, Outcome],
    withheld: frozenset[str],
    row: Standing,
) -> list[Difference]:
    """Those of one record: of two mappings of the flow that write one field, the last one wrote it."""
    found: dict[str, Difference] = {}
    for mapping in work.flow.of_module(module):
        outcome = left.get(mapping.name)
        if outcome is None:
            continue
        absent = outcome.result in ("absent", "former")
        ours = owned(mapping, outcome.fields, withheld, absent=absent)
        found = {name: one for name, one in found.items() if name not in ours}
        found |= {one.field: one for one in compare_fields(mapping.name, ours, row.values)}
        if mapping.creates and not absent and mapping.key_field not in outcome.fields:
            key = carried_key(link.source_key, work.context(), link.part)
            found |= {one.field: one for one in compare_key(mapping.name, mapping.key_field, key, row.values)}
    return list(found.values())
