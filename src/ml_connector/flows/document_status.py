"""What becomes of documents in the ERP, for the CRM: allocated, invoiced, voided, moved to history.

The ERP lists what was changed since it was last asked. An invoice is one of a chain whose order we know. What a list
does not show (lines that change without the document's stamp) is seen once a day: every document that may change still
is read then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from ml_connector.core.change import advance
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Clock, Source, Target
from ml_connector.core.sales_ports import Documents, Sought
from ml_connector.flows.documents_look import chain_of, listed
from ml_connector.flows.documents_tell import keep_told, tell
from ml_connector.flows.module_locks import Locked, ModuleLocks, unlocked
from ml_connector.flows.steps import Result, Steps, StoppedError, do, ended, load_of, open_run
from ml_connector.flows.work import Options
from ml_connector.store import cursors, documents
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Database
from ml_connector.store.documents import Became

NAME = "document_status"
#: A document that may change still is read at least so often, and so many of these in a run.
_READ_EVERY, _READS = timedelta(hours=24), 200


@dataclass(frozen=True, slots=True)
class StatusFlow:
    """The flow, of which there is one for all companies."""

    company: str  #: under which it is recorded
    modules: tuple[str, ...]  #: of the CRM, that are told
    name: str = NAME
    entity: str = "sales_orders"
    after: frozenset[str] = frozenset()  #: whatever it tells of was made, so nothing has to come before


@dataclass(frozen=True, slots=True)
class StatusWork:
    """The flow and everything it touches."""

    flow: StatusFlow
    erps: Mapping[str, Documents]  #: by company
    source: Source  #: whose load the run counts
    target: Target
    database: Database
    clock: Clock
    options: Options = field(default_factory=Options)
    locked: Locked = unlocked
    locks: ModuleLocks = field(default_factory=ModuleLocks)


def follow(steps: Steps, work: StatusWork, run: str) -> Result:
    """One run; it ends as ``flows.pull.pull`` does. Counts: "listed" documents, "read" ones of ours, "crm_told".

    "unreadable": documents of ours that the ERP cannot show, which are read again with the next run.
    """
    counts: Counter[str] = Counter()
    open_run(work, run, work.flow.company, work.flow.name)
    try:
        for company in work.erps:
            told = do(steps, work, run, f"follow {company}", partial(_follow, work, run, company))
            counts.update(told["counts"])
    except StoppedError as stopped:
        with work.database.begin() as tx:
            cursors.close_run(tx, run, work.clock.now(), stopped.state, stopped.error.happened, counts)
        return ended(stopped.state, counts, stopped.error) | load_of(work, run)
    with work.database.begin() as tx:
        cursors.close_run(tx, run, work.clock.now(), "done", "", counts)
    return ended("done", counts) | load_of(work, run)


def _follow(work: StatusWork, run: str, company: str) -> Result:
    """Read what changed, tell the CRM, and move the cursor; done twice, it tells nothing twice."""
    began_at = work.clock.now()
    with work.database.read() as tx:
        known = cursors.find(tx, company, _cursor(work))
    since = known.cursor.since(work.options.overlap) if known and known.cursor else began_at
    unseen = began_at - _READ_EVERY if known else began_at  # nobody looked before the first run
    numbers, chains, seen = _changed(work.erps[company], since)
    with work.database.read() as tx:
        ours = documents.of_documents(tx, company, numbers, chains)
        ours += documents.not_read_since(tx, company, unseen, _READS)
    counts = Counter(listed=len(numbers))
    for became in {(one.module, one.key): one for one in ours}.values():
        counts[_read(work, company, became)] += 1
    counts += tell(work, run)
    with work.database.begin() as tx:
        # Without any document since, the next run looks back as far as this one did.
        cursor = advance(known.cursor if known else None, [since, *seen], began_at)
        cursors.put(tx, company, _cursor(work), Progress(cursor, ""))
    return {"counts": dict(counts)}


def _cursor(work: StatusWork) -> str:
    return f"{work.flow.name} changes"


def _changed(erp: Documents, since: datetime) -> tuple[Collection[str], Collection[int], Sequence[datetime]]:
    """(Numbers, chains, stamps) of all documents that were changed since then."""
    rows = list(listed(erp, Sought(since=since)))
    stamps = [row.modified_at for row in rows if row.modified_at is not None]
    return {row.number for row in rows}, {row.master_number for row in rows}, stamps


def _read(work: StatusWork, company: str, became: Became) -> str:
    """Keep what its document tells now; the word under which it is counted."""
    assert became.linked is not None
    erp, read_at = work.erps[company], work.clock.now()
    try:
        standing = erp.find(became.linked.kind, became.linked.number)
        chain = chain_of(erp, standing) if standing is not None else None
    except RecordRejectedError:
        return "unreadable"
    if chain is None:
        return "gone"  # the next change of the record in the CRM says so to a person
    with work.database.begin() as tx:
        keep_told(tx, became, chain, read_at)
    return "read"
