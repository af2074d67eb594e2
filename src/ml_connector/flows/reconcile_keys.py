"""Comparing the source's whole list of keys with what was recorded: changes that no list showed, and what vanished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ml_connector.core.audit import AuditAction
from ml_connector.core.change import Change
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.reconcile import TO_READ, Finding, Recorded, judge
from ml_connector.core.record import fold_key
from ml_connector.flows import limit
from ml_connector.flows.range import Range
from ml_connector.flows.recorded import find_recorded
from ml_connector.flows.work import Work
from ml_connector.store import asked, audit, cursors, links, staging
from ml_connector.store.audit import AuditRow

_ACTIONS = {
    Finding.MISSED: AuditAction.MISSED,
    Finding.UNRECORDED: AuditAction.MISSED,
    Finding.REAPPEARED: AuditAction.REAPPEARED,
}


def nothing_recorded(flow: str) -> ConfigurationError:
    """There is nothing yet that a list could be compared with."""
    return ConfigurationError(
        f"Nothing of {flow} is recorded yet: its first load is not done.",
        f"Run “ml-connector plan {flow}”, approve it and sync; then compare.",
    )


def compare(work: Work, run: str, rows: Sequence[Change]) -> Counter[str]:
    """Judge one page of the whole list, and ask for what has to be read; done twice, it asks for the same.

    What is asked for stays asked until it was looked at: a run that ends here loses nothing.
    """
    company, flow = work.flow.company, work.flow
    with work.database.begin() as tx:
        found = cursors.find(tx, company, flow.name)
        since = found.cursor.since(work.options.overlap) if found and found.cursor else None
        known = find_recorded(tx, work, [change.key for change in rows])
        judged = [(change, judge(change, known.get(fold_key(change.key)), since)) for change in rows]
        to_read = [(change, finding) for change, finding in judged if finding in TO_READ]
        asked.put(tx, company, flow.entity.name, [change.key for change, _ in to_read], "reconcile keys")
        audit.append(tx, [_row(work, run, change, finding, known) for change, finding in to_read])
    return Counter(finding.value for _, finding in to_read) + Counter(compared=len(rows))


def _row(work: Work, run: str, change: Change, finding: Finding, known: Mapping[str, Recorded]) -> AuditRow:
    recorded = known.get(fold_key(change.key))
    stood = ", ".join(sorted(str(at) for at in recorded.instants)) if recorded else "nothing"
    return AuditRow(
        company=work.flow.company,
        flow=work.flow.name,
        run=run,
        mapping=work.flow.first_meaning,
        source_key=change.key,
        entity=work.flow.entity.name,
        module=work.flow.first_module,
        target_id="",
        action=_ACTIONS[finding],
        at=change.at,
        happened_at=work.clock.now(),
        reason=f"reconcile: recorded was {stood}; the whole list says {change.at}.",
    )


def find_vanished(work: Work, span: Range) -> dict[str, Any]:
    """After the whole list: ask for every recorded key that it did not name.

    All of them are counted before the first is asked for: LimitError where there are too many, and none is. Whether
    the source really lost them is asked record by record when they are read: a list alone never marks anything.
    """
    company, entity = work.flow.company, work.flow.entity.name
    with work.database.begin() as tx:
        linked = {
            fold_key(key): key for module in work.flow.modules for key in links.keys(tx, work.pair(module))
        }
        unnamed = dict(staging.not_listed_since(tx, company, entity, span.began_at))
        named = staging.listed_since(tx, company, entity, list(linked), span.began_at)
        missing = {key: shown for key, shown in (unnamed | linked).items() if key not in named}
        known = find_recorded(tx, work, list(missing))
        absent = {key for key, recorded in known.items() if recorded.absent}
        # One that was told before has no mark yet if the mapping had no field for it.
        old = {key for key in absent if known[key].outdated and key in linked}
        news = {key: shown for key, shown in missing.items() if key not in absent or key in old}
        limit.check_vanished(work, len((news.keys() - old) & linked.keys()), of=len(linked))
        asked.put(tx, company, entity, list(news.values()), "reconcile keys: the list does not name it")
    return {"vanished": len(news)}
