"""What becomes of documents in the ERP, for the CRM: allocated, invoiced, voided, moved to history.

The ERP lists what was changed since it was last asked. An invoice is one of a chain whose order we know. What a list
does not show (lines that change without the document's stamp) is seen once a day: every document that may change still
is read then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from ml_connector.core.change import advance, is_midnight
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.ports import Clock, Source, Target
from ml_connector.core.sales import Listed
from ml_connector.core.sales_ports import Documents, Sought
from ml_connector.flows.documents_look import came_of, chain_of, listed
from ml_connector.flows.documents_tell import tell
from ml_connector.flows.documents_told import keep_removed, keep_told
from ml_connector.flows.module_locks import Locked, ModuleLocks, unlocked
from ml_connector.flows.steps import Result, Steps, StoppedError, do, ended, load_of, open_run
from ml_connector.flows.work import Options
from ml_connector.store import cursors, documents
from ml_connector.store.cursors import Progress
from ml_connector.store.database import Connection, Database
from ml_connector.store.documents import Became, Told

NAME = "document_status"
#: A document that may change still is read at least so often, and so many of these in a run.
_READ_EVERY, _READS = timedelta(hours=24), 200
#: So much later than the ERP's stamp a reading has to be by our clock, to have seen what was stamped.
_CLOCKS_DIFFER = timedelta(minutes=5)


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
    rows = list(listed(work.erps[company], Sought(since=since)))
    counts = Counter(listed=len(rows))
    for became in _to_read(work, company, rows, unseen):
        counts[_read(work, company, became)] += 1
    counts += tell(work, run)
    seen = [row.modified_at for row in rows]
    with work.database.begin() as tx:
        # Without any document since, the next run looks back as far as this one did.
        cursor = advance(known.cursor if known else None, [since, *seen], began_at)
        cursors.put(tx, company, _cursor(work), Progress(cursor, ""))
    return {"counts": dict(counts)}


def _cursor(work: StatusWork) -> str:
    return f"{work.flow.name} changes"


def _to_read(work: StatusWork, company: str, rows: Sequence[Listed], unseen: datetime) -> Collection[Became]:
    """The records of which something among these changed since they were read, and those whose turn it is.

    ``unseen``: what was read last before it is read.
    """
    numbers = {row.number: row.modified_at for row in rows}
    chains: dict[int, list[datetime | None]] = {}
    for row in rows:
        chains.setdefault(row.master_number, []).append(row.modified_at)
    with work.database.read() as tx:
        ours = documents.of_documents(tx, company, numbers, chains)
        known = {
            (module, key): told
            for module in {one.module for one in ours}
            for key, told in documents.find_told(
                tx, module, [o.key for o in ours if o.module == module]
            ).items()
        }
        turn = documents.not_read_since(tx, company, unseen, _READS)
    found = {(one.module, one.key): one for one in turn}
    for one in ours:
        told = known[one.module, one.key]
        stamps = [numbers.get(_number(one)), *chains.get(told.master_number, ())]
        if not _is_settled(told, [at for at in stamps if at is not None]):
            found[one.module, one.key] = one
    return found.values()


def _is_settled(told: Told, stamps: Sequence[datetime]) -> bool:
    """Whether it was read since all of these, for certain: clocks differ, and a stamp may be no more than a day."""
    if told.as_of is None or not stamps or any(map(is_midnight, stamps)):
        return False
    return told.as_of > max(stamps) + _CLOCKS_DIFFER


def _read(work: StatusWork, company: str, became: Became) -> str:
    """Keep what its document tells now; the word under which it is counted."""
    assert became.linked is not None
    erp, read_at = work.erps[company], work.clock.now()
    try:
        standing = erp.find(became.linked.kind, became.linked.number)
        if standing is None:
            return _keep_gone(work, erp, became, read_at)
        chain = chain_of(erp, standing)
    except RecordRejectedError:
        return "unreadable"
    with work.database.begin() as tx:
        if now := _unmoved(tx, became):
            keep_told(tx, now, chain, read_at)
    return "read"


def _unmoved(tx: Connection, became: Became) -> Became | None:
    """The record as it is known by now, which may be another deal's; None: it has another document, or none."""
    now = documents.find(tx, became.module, [became.key]).get(became.key)
    is_same = now is not None and now.linked is not None and now.linked.number == _number(became)
    return now if is_same else None


def _number(became: Became) -> str:
    return became.linked.number if became.linked else ""


def _keep_gone(work: StatusWork, erp: Documents, became: Became, read_at: datetime) -> str:
    """What nothing came from was deleted: nothing of it is to be read any more, and its flow is to tell a person.

    An ERP that keeps no history removes what was transferred or posted.
    """
    assert became.linked is not None
    with work.database.read() as tx:
        known = documents.find_told(tx, became.module, [became.key])[became.key]
    came = came_of(erp, became.linked.kind, became.linked.number, known.master_number)
    with work.database.begin() as tx:
        if came.numbers:
            keep_removed(tx, became, came, read_at)
            return "read"
        documents.put_told(tx, became, replace(known, is_open=False))
        if not known.own.get("GP_Invoices"):
            documents.look_again(tx, became, work.clock.now())
    return "gone"
