"""What a flow of documents works with, and what is known of a record before anything is asked of the ERP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ml_connector.core.catalogue import COMPANY_GONE, CUSTOMER_MISSING, OWN_CODES
from ml_connector.core.deal_fields import DEALS
from ml_connector.core.document_apply import map_document, pointed_by, stage_columns, stage_of
from ml_connector.core.document_decisions import Answer, Choice
from ml_connector.core.document_fields import QUOTES, SALES_ORDERS
from ml_connector.core.document_flow import DocumentFlow
from ml_connector.core.document_mapping import Around, Pointed, Wanted
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.match import Verdict
from ml_connector.core.ports import Clock, Target, Unreadable
from ml_connector.core.record import Record, digest, fold_key
from ml_connector.core.sales_ports import Documents
from ml_connector.flows.module_locks import Locked, unlocked
from ml_connector.flows.new_customers import ACCOUNTS, NewCustomers
from ml_connector.flows.receive import Handed
from ml_connector.store import documents, frozen, holds, links, verdicts
from ml_connector.store.database import Connection, Database
from ml_connector.store.documents import Became
from ml_connector.store.links import Pair

#: One run at a time makes documents: a deal and its sales order would otherwise not see each other.
LOCK = "documents"
STAMP, MADE = "Modified_Time", "Created_Time"
#: Of a deal that was won when its flow began: nobody knows since when.
_WON_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DocumentWork:
    """One flow and everything it touches."""

    flow: DocumentFlow
    erps: Mapping[str, Documents]  #: by company
    target: Target  #: the CRM, which is told what became of its records
    database: Database
    clock: Clock
    currency: Callable[[], str]  #: the CRM's home currency; asked within a step
    today: Callable[[], date]  #: where the company is
    locked: Locked = unlocked
    at_once: int = 1  #: records that are worked on at the same time
    send_within: timedelta = timedelta(0)  #: so long after it was begun a call may still be sent
    orders_of: Callable[[str], Sequence[str]] = lambda _deal: ()  #: ids of a deal's sales orders in the CRM
    since: datetime | None = (
        None  #: what was made, or won, before it does not go to the ERP; None: everything may
    )
    customers: NewCustomers | None = (
        None  #: makes the customer of an Account that has none; None: nobody does
    )
    #: every record of the module with these texts and when it was made, in the order of their ids
    texts: Callable[[Sequence[str]], Iterable[Record]] = lambda _columns: ()

    @property
    def pair(self) -> Pair:
        """Under which a person's decisions about its records are kept."""
        return self.pair_of(self.flow.company)

    def erp_of(self, company: str) -> Documents:
        """Where the company's documents are. RecordRejectedError: it left the settings."""
        if company in self.erps:
            return self.erps[company]
        raise RecordRejectedError(
            f"It, or its deal or quote, has a document in the company {company}, which is no more in the settings.",
            OWN_CODES[COMPANY_GONE].remedy,
            code=COMPANY_GONE,
        )

    def in_run(self, run: str) -> DocumentWork:
        """The same, customers that are made on the way told of this run."""
        return replace(self, customers=replace(self.customers, run=run)) if self.customers else self

    def pair_of(self, company: str) -> Pair:
        """Under which the links to this company's documents are kept."""
        return Pair(company, self.flow.entity, self.flow.module)


@dataclass(frozen=True, slots=True)
class Case:
    """A record that was handed over, and all that is kept of it."""

    handed: Handed
    before: Became  #: as it was known
    became: Became
    wanted: Wanted | None  #: None: it is no more in the CRM, or it is at fault
    fault: RecordRejectedError | None = None  #: why nothing can be said of it
    codes: frozenset[str] = frozenset()  #: for which it waits
    released: frozenset[str] = frozenset()  #: those that a person let through
    answer: Answer | None = None  #: which document of the ERP a person says is meant
    account: str = ""  #: the id of its Account
    sales_orders: tuple[str, ...] = ()  #: of a deal: the ids of its sales orders, as far as they were seen

    @property
    def key(self) -> str:
        """The record's id."""
        return self.handed.key

    @property
    def at(self) -> datetime | None:
        """The record's own instant, or that of its deletion; None: it is not known."""
        record = self.handed.result
        return (_instant(record, STAMP) if isinstance(record, Record) else None) or self.handed.at

    def is_older(self, since: datetime | None) -> bool:
        """Whether it was made before, or as a deal won, and nobody asked for it."""
        record, became = self.handed.result, self.became
        if since is None or not isinstance(record, Record) or self.codes or became.next_at:
            return False
        if became.linked or became.intent:
            return False
        at = became.won_at if became.module == DEALS else _instant(record, MADE)
        return at is not None and at < since


def _instant(record: Record, name: str) -> datetime | None:
    value = record.fields.get(name)
    return value if isinstance(value, datetime) else None


def cases_of(work: DocumentWork, handed: Sequence[Handed]) -> list[Case]:
    """What is known of each of these."""
    keys = [one.key for one in handed]
    mapping, records = work.flow.mapping, [one.result for one in handed if isinstance(one.result, Record)]
    with work.database.read() as tx:
        known = documents.find(tx, work.flow.module, keys)
        pointed = {pointed for record in records for pointed in pointed_by(record, mapping)}
        names = _with_new(work, _names(tx, work, pointed), pointed)
        opened = holds.find(tx, work.flow.company, flow=work.flow.name, keys=keys)
        decided = verdicts.find(tx, work.pair, keys)
        orders = _sales_orders(tx, keys) if work.flow.module == DEALS else {}
    terms = replace(work.flow.terms, currency=work.currency()) if records else work.flow.terms
    found = []
    for one in handed:
        became = known.get(one.key) or Became(work.flow.company, work.flow.module, one.key)
        verdict = decided.get((fold_key(one.key), ""))
        case = Case(
            one,
            became,
            became,
            None,
            codes=frozenset(hold.code for hold in opened if hold.source_key == one.key),
            released=verdict.released if verdict else frozenset(),
            answer=_answer_of(verdict),
            sales_orders=orders.get(one.key, ()),
        )
        in_terms = replace(work, flow=replace(work.flow, terms=terms))
        found.append(_mapped(in_terms, case, names))
    return _with_deals_of_quotes(work, found)


def _with_deals_of_quotes(work: DocumentWork, cases: Sequence[Case]) -> list[Case]:
    """What names no deal belongs to that of its quote."""
    quotes = {case.became.quote for case in cases if case.became.quote and not case.became.deal}
    with work.database.read() as tx:
        known = documents.find(tx, QUOTES, quotes)
    deals = {quote: row.deal for quote, row in known.items()}
    return [
        replace(case, became=replace(case.became, deal=case.became.deal or deals.get(case.became.quote, "")))
        for case in cases
    ]


def _answer_of(verdict: Verdict | None) -> Answer | None:
    """The answer that is kept as a verdict."""
    if verdict is None or not verdict.chosen:
        return None
    return Answer(Choice.REPLACE if verdict.replaces else Choice.LINK, verdict.chosen)


def _sales_orders(tx: Connection, deals: Collection[str]) -> dict[str, tuple[str, ...]]:
    found = {deal: documents.of_deal(tx, deal) for deal in deals}
    return {
        deal: tuple(one.key for one in rows if one.module == SALES_ORDERS) for deal, rows in found.items()
    }


def _names(tx: Connection, work: DocumentWork, pointed: Collection[Pointed]) -> dict[str, dict[Pointed, str]]:
    """Company -> what these records of the CRM are called in it."""
    by_module: dict[str, list[str]] = {}
    for one in pointed:
        by_module.setdefault(one.module, []).append(one.record_id)
    return {
        company: {
            Pointed(module, target_id): link.source_key
            for module, ids in by_module.items()
            if (entity := work.flow.pointed.get(module))
            for target_id, link in links.on(tx, Pair(company, entity, module), ids).items()
            if not link.gone
        }
        for company in work.erps
    }


def _with_new(
    work: DocumentWork, names: Mapping[str, Mapping[Pointed, str]], pointed: Collection[Pointed]
) -> Mapping[str, Mapping[Pointed, str]]:
    """The same with the keys of customers that are made as soon as a document needs them."""
    maker = work.customers
    if maker is None:
        return names
    known = {one for of_company in names.values() for one in of_company}
    none = [one for one in pointed if one.module == ACCOUNTS and one not in known]
    new = {one: key for one in none if (key := maker.key_of(one.record_id))}
    return {**names, maker.company: {**names.get(maker.company, {}), **new}}


def _mapped(work: DocumentWork, case: Case, names: Mapping[str, Mapping[Pointed, str]]) -> Case:
    """The case with what the record wants, or with its fault; nothing is wanted of what does not go to the ERP."""
    record, flow = case.handed.result, work.flow
    if isinstance(record, Unreadable):
        return replace(case, fault=record.error)
    if not isinstance(record, Record):
        return case
    accounts = [one for one in pointed_by(record, flow.mapping) if one.module == "Accounts"]
    case = replace(case, account=accounts[0].record_id if len(accounts) == 1 else "")
    try:
        case = replace(case, became=_won(work, case.became, record))
        if case.is_older(work.since) or _is_open(work, case.became):
            return case
        if case.became.linked or case.became.intent:
            work.erp_of(case.became.company)  # before its customer is looked for there
        became = _in_company(case.became, accounts, names)
        around = Around(work.today(), names.get(became.company, {}))
        wanted = map_document(record, flow.mapping, flow.terms, around)
    except RecordRejectedError as error:
        return replace(case, fault=error)
    return replace(case, wanted=wanted, became=replace(became, deal=wanted.deal, quote=wanted.quote))


def _in_company(
    became: Became, accounts: Sequence[Pointed], names: Mapping[str, Mapping[Pointed, str]]
) -> Became:
    """In the company whose customer its Account is; what has a document, or may have one, stays where it is."""
    if became.linked or became.intent:
        return became
    whose = [company for company, known in names.items() if any(one in known for one in accounts)]
    if len(whose) > 1:
        raise RecordRejectedError(
            f"Its Account is a customer of several companies of the ERP: {', '.join(whose)}.",
            "Leave it a customer of one, or enter the document in the ERP.",
            code=CUSTOMER_MISSING,
            field="customer",
        )
    return replace(became, company=whose[0]) if whose else became


# -- deals


def note_won(work: DocumentWork) -> None:
    """Before the first run over deals: keep which of those that were made before are won already.

    Zoho does not say when a deal was won. What is won and is not among these was won since. Done once more for a stage
    that is among those of won deals only since later.
    """
    since, flow = work.since, work.flow
    if flow.settle is None or since is None:
        return
    names = {stage: frozen.WON_BEFORE + digest({"stage": stage}) for stage in flow.rules.stages}
    with work.database.read() as tx:
        new = {stage: name for stage, name in names.items() if frozen.find(tx, name) is None}
    if not new:
        return
    old = (one for one in work.texts(stage_columns(flow.mapping)) if _is_before(one, since))
    won = [one.key for one in old if _may_be_in(work, one, new)]
    with work.database.begin() as tx:
        documents.put_won(tx, flow.company, flow.module, won, _WON_BEFORE)
        for name in new.values():
            frozen.freeze(tx, name, work.clock.now().isoformat())


def _is_before(record: Record, since: datetime) -> bool:
    made_at = _instant(record, MADE)
    return made_at is None or made_at < since


def _may_be_in(work: DocumentWork, record: Record, stages: Collection[str]) -> bool:
    """Whether it is in one of these stages; what cannot be told is not taken for won since."""
    try:
        return _stage(work, record) in stages
    except RecordRejectedError:
        return True


def _stage(work: DocumentWork, record: Record) -> str:
    return stage_of(record, work.flow.mapping, work.flow.terms)


def _won(work: DocumentWork, became: Became, record: Record) -> Became:
    """Of a deal: since when it is known to be won."""
    if work.flow.settle is None:
        return became
    if _stage(work, record) not in work.flow.rules.stages:
        is_known = became.won_at is None or became.linked is not None
        return became if is_known else replace(became, won_at=None, wanted="")  # which is to be recorded
    return replace(became, won_at=became.won_at or work.clock.now())


def _is_open(work: DocumentWork, became: Became) -> bool:
    """Whether it is a deal that is not won, so that nothing it lacks is of interest yet."""
    is_begun = became.linked is not None or became.intent is not None
    return work.flow.settle is not None and became.won_at is None and not is_begun
