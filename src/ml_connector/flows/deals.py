"""What the flows over deals have in common: what they work with, a run of theirs, and the reading of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ml_connector.core.companies import Company
from ml_connector.core.deal_fields import ACCOUNTS
from ml_connector.core.deals import CUSTOMERS, DealFlow, DealTerms
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import (
    Candidate,
    Clock,
    Source,
    Target,
    Wanted,
)
from ml_connector.flows.module_locks import Locked, ModuleLocks, unlocked
from ml_connector.flows.range import EVERYTHING, Asked
from ml_connector.flows.steps import (
    Result,
    Steps,
    StoppedError,
    broken_off,
    do,
    ended,
    load_of,
    locked_modules,
    open_run,
)
from ml_connector.flows.work import CHUNK, Options, chunked
from ml_connector.store import cursors, holds, links
from ml_connector.store.database import Database
from ml_connector.store.links import Pair

Do = Callable[[str, Callable[[], Result]], Result]  #: one durable step
Body = Callable[
    [Do, Counter[str]], Sequence[str]
]  #: what a run does, adding to its counts; what there is to say


@dataclass(frozen=True, slots=True)
class DealWork:
    """A flow over deals and everything it touches."""

    flow: DealFlow
    source: Source
    target: Target
    database: Database
    clock: Clock
    terms: DealTerms
    companies: Sequence[Company]  #: all companies of the source
    currency: Callable[[], str]  #: the target's; asked within a step, and stops a run in another organisation
    options: Options = field(default_factory=Options)
    locked: Locked = unlocked
    asked: Asked = EVERYTHING
    sources: Mapping[str, Source] = field(default_factory=dict)  #: of the further companies, by their key
    locks: ModuleLocks = field(default_factory=ModuleLocks)  #: those of the run

    def source_of(self, company: Company) -> Source:
        """Where this company is read."""
        return self.source if company.key == self.flow.company else self.sources[company.key]

    def companies_of(self, parents: Collection[str]) -> dict[str, str]:
        """Account -> the company whose customer it is; of one that is nobody's, the flow's own."""
        found = dict.fromkeys(parents, self.flow.company)
        if len(self.companies) == 1:
            return found
        whose: dict[str, list[str]] = {}
        with self.database.read() as tx:
            for company in self.companies:
                for parent in links.on(tx, Pair(company.key, CUSTOMERS, ACCOUNTS), parents):
                    whose.setdefault(parent, []).append(company.key)
        return found | {parent: keys[0] for parent, keys in whose.items() if len(keys) == 1}

    def intended(self, module: str) -> Pair:
        """What the intents of this flow's edits are kept under."""
        return Pair(self.flow.company, self.flow.name, module)

    def require_fields(self, module: str, names: Collection[str]) -> None:
        """Raises ConfigurationError if the module has one of them not."""
        if missing := sorted(set(names) - self.target.describe(module).keys()):
            raise ConfigurationError(
                f"{module} has no field {', '.join(missing)} in the CRM.", "Run “ml-connector provision”."
            )


def run_over_deals(steps: Steps, work: DealWork, run: str, body: Body) -> Result:
    """One run of a flow over deals; it ends as ``pull`` does."""
    counts: Counter[str] = Counter()
    work.source.take_load()
    open_run(work, run, work.flow.company, work.flow.name)
    try:
        with locked_modules(work, run, work.flow.modules):
            notes = body(partial(do, steps, work, run), counts)
    except StoppedError as stopped:
        with work.database.begin() as tx:
            counts |= broken_off(tx, run, counts)
            cursors.close_run(tx, run, work.clock.now(), stopped.state, stopped.error.happened, counts)
        return ended(stopped.state, counts, stopped.error) | load_of(work, run)
    with work.database.begin() as tx:
        cursors.close_run(tx, run, work.clock.now(), "done", "", counts)
    return ended("done", counts, notes=notes) | load_of(work, run)


def waiting(work: DealWork) -> list[str]:
    """The ids of the records that wait in this flow."""
    with work.database.read() as tx:
        return [hold.source_key for hold in holds.find(tx, work.flow.company, flow=work.flow.name)]


def list_all(work: DealWork, module: str, fields: Sequence[str], wanted: Wanted) -> list[Candidate]:
    """Every wanted record, page after page."""
    rows: list[Candidate] = []
    after: str | None = None
    while True:
        page = work.target.list_wanted(module, fields, wanted, after)
        rows += page.rows
        if (after := page.next_after) is None:
            return rows


def read_now(
    work: DealWork, module: str, fields: Sequence[str], ids: Iterable[str], *, empty: str = ""
) -> dict[str, Candidate]:
    """These records as they are now, by id; ``empty``: only those in which this field is."""
    some_ids = chunked(list(dict.fromkeys(ids)), CHUNK)
    rows = [row for some in some_ids for row in list_all(work, module, fields, Wanted(some, empty))]
    return {row.target_id: row for row in rows}
