"""READ FIRST of what goes from the CRM into the ERP: sales orders, quotes and won deals become documents, each once.

    handed over -> map -> look in the ERP -> plan -> commit the intent -> create or change -> read back -> record
                                                                                      -> tell the CRM what became of it

``receive`` hands over each record as it is now, however often. What stands in the ERP counts, not what we believe: so
everything here may run twice, and die anywhere. A record is worked on by one thread at a time, several of them at once
within what the ERP allows; each is recorded by itself, as soon as it is done (``documents_carry``,
``documents_record``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from ml_connector.core.catalogue import CUSTOMER_MISSING
from ml_connector.core.change import Change, is_settled
from ml_connector.core.deal_fields import DEALS
from ml_connector.core.errors import ConnectorError
from ml_connector.core.record import fold_key
from ml_connector.flows.document_work import LOCK, Case, DocumentWork, cases_of, note_won
from ml_connector.flows.documents_carry import carry
from ml_connector.flows.documents_record import record
from ml_connector.flows.documents_tell import tell
from ml_connector.flows.receive import Handed
from ml_connector.flows.work import CHUNK
from ml_connector.store import asked, documents, holds, links, outcomes
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold
from ml_connector.store.links import Pair
from ml_connector.store.outcomes import FROM_TARGET


@dataclass(frozen=True, slots=True)
class DocumentMaker:
    """Takes what a module of the CRM brings; implements ``flows.receive.Consumer``."""

    work: DocumentWork

    def begin(self) -> None:
        """Of deals, keep which are won already, before any is looked at."""
        note_won(self.work)

    def unsettled(self, changes: Sequence[Change], doubt: timedelta) -> list[Change]:
        """Of these changes those that no outcome deals with."""
        flow, keys = self.work.flow, [change.key for change in changes]
        with self.work.database.read() as tx:
            known = outcomes.find(tx, flow.company, [flow.mapping.name], keys, FROM_TARGET)

        def is_done(change: Change) -> bool:
            one = known.get((fold_key(change.key), ""), {}).get(flow.mapping.name)
            return one is not None and is_settled(change.at, one.at, one.fetched_at, doubt)

        return [change for change in changes if not is_done(change)]

    def waiting(self, tx: Connection) -> Collection[str]:
        """The records whose time has come, that a person asked for, whose customer is there, or that were not told."""
        flow, now = self.work.flow, self.work.clock.now()
        due = holds.due(tx, flow.company, flow.name, now)
        missing = holds.find(tx, flow.company, flow=flow.name, codes=[CUSTOMER_MISSING])
        found = [
            *documents.waiting(tx, flow.module, now),
            *asked.keys(tx, flow.company, flow.module),
            *(hold.source_key for hold in due),
            *(hold.source_key for hold in self._with_customer(tx, missing)),
            *self._untold(tx),
        ]
        return list(dict.fromkeys(found))

    def _untold(self, tx: Connection) -> list[str]:
        """Records with which something comes by that the CRM was not told: whoever should have done it, died."""
        flow = self.work.flow
        own = [one.key for one in documents.untold(tx, flow.module, CHUNK)]
        deals = [one.key for one in documents.untold(tx, DEALS, CHUNK)] if flow.module != DEALS else []
        rows = [one for deal in deals for one in documents.of_deal(tx, deal)]
        return [*own, *(one.key for one in rows if one.module == flow.module and one.linked)]

    def _with_customer(self, tx: Connection, missing: Sequence[Hold]) -> list[Hold]:
        """Those whose Account is a customer of one company; or of none, and one is made of it."""
        accounts = {str(hold.detail.get("Account", "")) for hold in missing} - {""}
        entity = self.work.flow.pointed["Accounts"]
        companies = Counter(
            account
            for company in self.work.erps
            for account, link in links.on(tx, Pair(company, entity, "Accounts"), accounts).items()
            if not link.gone
        )

        def may_pass(hold: Hold) -> bool:
            account, maker = str(hold.detail.get("Account", "")), self.work.customers
            # What waits since before customers were made is tried once; held again, it has a time of its own.
            is_new = maker is not None and not hold.heals and bool(maker.key_of(account))
            return companies[account] == 1 or (companies[account] == 0 and is_new)

        return [hold for hold in missing if may_pass(hold)]

    def take(self, run: str, handed: Sequence[Handed]) -> Mapping[str, int]:
        """Make documents of these, and tell the CRM; how many were created, updated, matched, held, waiting, ..."""
        with self.work.locked([LOCK]):
            counts = self._carry_all(run, cases_of(self.work, handed))
            return counts + tell(self.work, run)

    def _carry_all(self, run: str, cases: Sequence[Case]) -> Counter[str]:
        """Each by itself, some at once. If one fails, those under way are still recorded, then the error is raised."""
        counts: Counter[str] = Counter()
        under_way: set[Future[str]] = set()
        error: ConnectorError | None = None
        with ThreadPoolExecutor(self.work.at_once, thread_name_prefix="documents") as pool:
            for case in cases:
                if len(under_way) >= self.work.at_once:
                    under_way, error = _collect(under_way, counts, error)
                if error is not None:
                    break
                under_way.add(pool.submit(self._carry_one, run, case))
            while under_way:
                under_way, error = _collect(under_way, counts, error)
        if error is not None:
            raise error
        return counts

    def _carry_one(self, run: str, case: Case) -> str:
        return record(self.work, run, carry(self.work.in_run(run), case))


def _collect(
    under_way: set[Future[str]], counts: Counter[str], error: ConnectorError | None
) -> tuple[set[Future[str]], ConnectorError | None]:
    """Take in the first that are done: what is still under way, and the first error."""
    finished, others = wait(under_way, return_when=FIRST_COMPLETED)
    for future in finished:
        try:
            counts[future.result()] += 1
        except ConnectorError as failed:
            error = error or failed
    return others, error
