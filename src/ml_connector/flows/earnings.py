"""What the ledger says that deals and Accounts earned: read from the postings that are kept and from the target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ml_connector.core.companies import Company
from ml_connector.core.deal_fields import ACCOUNTS, CHART, DEALS, TAG
from ml_connector.core.deals import CUSTOMERS, DOCUMENTS, FIGURES, JOURNAL, PARENT, STAGE
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.line_limits import Within
from ml_connector.core.ports import Candidate, Wanted
from ml_connector.core.profitability import (
    NOTHING,
    Assigned,
    Deal,
    Figures,
    Kind,
    Posted,
    assign,
    document_numbers,
    figures_of,
    kind_of,
)
from ml_connector.core.record import fold_key
from ml_connector.flows.deals import DealWork, list_all, read_now
from ml_connector.flows.within import category_of, find_accounts
from ml_connector.store import cursors, document_deals, earned, links, looks, match_index
from ml_connector.store.database import Connection
from ml_connector.store.links import Pair


@dataclass(frozen=True, slots=True)
class Ledger:
    """Revenue and cost of all companies in the currency of the CRM."""

    posted: Sequence[Posted]
    whole: Figures  #: summed apart, however the lines are assigned
    foreign: Mapping[str, Figures]  #: in another currency: not among the figures
    unknown: Sequence[
        str
    ]  #: accounts of which it is not known whether they are revenue or cost: not among them
    read_at: datetime | None  #: when the journal entries were last looked at


@dataclass(frozen=True, slots=True)
class Earnings:
    """Which figures belong to which deal and Account."""

    ledger: Ledger
    assigned: Assigned
    rows: Mapping[str, Candidate]  #: the deals, by id
    deals: Mapping[str, Sequence[Deal]]  #: Account -> its deals

    def of_account(self, parent: str) -> Figures:
        """Everything that belongs to the Account."""
        return self.assigned.of_account(parent, self.deals.get(parent, ()))

    def parent_of(self, deal: str) -> str:
        """The Account of a deal."""
        return self.rows[deal].values.get(PARENT, "")

    def names(self, work: DealWork, parents: Collection[str]) -> dict[str, str]:
        """What these Accounts are called; one that nobody may see any more, by its id."""
        with work.database.read() as tx:
            known = match_index.candidates(tx, ACCOUNTS, parents)
        found = {target_id: one.name for target_id, one in known.items()}
        missing = [one for one in parents if one not in found]
        found |= {one: row.name for one, row in read_now(work, ACCOUNTS, [], missing).items()}
        return {one: found.get(one, one) for one in parents}


def read_earnings(work: DealWork, first: date | None = None, last: date | None = None) -> Earnings:
    """What was posted from the ``first`` to the ``last`` day, both included, given to deals and Accounts.

    Raises ConfigurationError where the journal entries or the GL accounts were never read.
    """
    ledger = read_ledger(work, first, last)
    names = [PARENT, STAGE, TAG, DOCUMENTS]
    figures = FIGURES[DEALS]
    there = work.target.describe(DEALS)
    columns = [n for n in (*names, figures.revenue, figures.cost, figures.margin) if n in there]
    rows = {row.target_id: row for row in list_all(work, DEALS, columns, Wanted())}
    numbers, made = _numbers(work, rows.values()), _made_of(work)
    deals = [_deal(work, row, numbers, made) for row in rows.values()]
    of_account: dict[str, list[Deal]] = {}
    for deal in deals:
        of_account.setdefault(deal.parent, []).append(deal)
    return Earnings(ledger, assign(ledger.posted, deals), rows, of_account)


def _deal(
    work: DealWork, row: Candidate, numbers: Mapping[str, str], made: Mapping[str, frozenset[str]]
) -> Deal:
    told = row.values.get
    is_won = told(STAGE, "").strip().casefold() in work.terms.won_stages
    tag = told(TAG, "")
    documents = document_numbers(told(DOCUMENTS, "")) | made.get(row.target_id, frozenset())
    return Deal(row.target_id, told(PARENT, ""), is_won, numbers.get(tag, tag), documents)


def _made_of(work: DealWork) -> dict[str, frozenset[str]]:
    """Id of a deal -> the folded numbers of the orders that were made of it in the ERP, and of their invoices."""
    with work.database.read() as tx:
        return document_deals.by_deal(tx, [company.key for company in work.companies])


def _numbers(work: DealWork, rows: Iterable[Candidate]) -> dict[str, str]:
    """Id of a GL account's record -> its number, as far as the tags of these deals are records."""
    ids = {row.values[TAG] for row in rows if TAG in row.values}
    with work.database.read() as tx:
        return {
            target_id: link.source_key
            for company in work.companies
            for target_id, link in links.on(tx, Pair(company.key, CHART, work.terms.chart), ids).items()
        }


# ---- the ledger


@dataclass(slots=True)
class _Reading:
    """The ledger as it is read, company by company."""

    currency: str
    posted: list[Posted] = field(default_factory=list)
    whole: Figures = NOTHING
    foreign: dict[str, Figures] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    read_at: list[datetime] = field(default_factory=list)


def read_ledger(work: DealWork, first: date | None, last: date | None) -> Ledger:
    """Revenue and cost of all companies whose journal entries were read."""
    reading = _Reading(work.currency())
    with work.database.read() as tx:
        read = [c for c in work.companies if cursors.find(tx, c.key, c.flow(JOURNAL)) is not None]
        if not read:
            raise ConfigurationError(
                "The journal entries of the ERP were never read, so nothing is known of revenue and cost.",
                "Run “ml-connector sync”; [flows.gl_accounts] and [flows.journal_entries] have to be enabled in the"
                " settings.",
            )
        for company in read:
            _read_company(tx, work, company, (first, last), reading)
    read_at = min(reading.read_at, default=None)
    return Ledger(reading.posted, reading.whole, reading.foreign, reading.unknown, read_at)


def _read_company(
    tx: Connection, work: DealWork, company: Company, span: tuple[date | None, date | None], into: _Reading
) -> None:
    kinds = _kinds(tx, work, company, into)
    sums = list(earned.by_document(tx, company.key, kinds.keys(), *span))
    parents = links.find(tx, Pair(company.key, CUSTOMERS, ACCOUNTS), {one.customer_id for one in sums})
    ids = {key: link.target_id for (key, _part), link in parents.items() if not link.gone}
    for one in sums:
        figures = figures_of(kinds[one.account_key], one.credit_less_debit)
        if one.currency != into.currency:
            into.foreign[one.currency] = into.foreign.get(one.currency, NOTHING) + figures
            continue
        key = fold_key(one.customer_id)
        parent = ids.get(key, "") if key else ""
        into.posted.append(Posted(parent, f"{company.key}/{key}", one.document, one.account_key, figures))
    for kind in (Kind.REVENUE, Kind.COST):
        keys = [key for key, of in kinds.items() if of is kind]
        whole = earned.total(tx, company.key, keys, *span).get(into.currency, Decimal(0))
        into.whole += figures_of(kind, whole)
    looked = looks.find(tx, company.key, company.flow(JOURNAL), looks.RECORD).looked_at
    into.read_at += [looked] if looked else []


def _kinds(tx: Connection, work: DealWork, company: Company, into: _Reading) -> dict[str, Kind]:
    """Folded account -> whether it is revenue or cost; of what is neither, nothing."""
    accounts = earned.accounts(tx, company.key)
    known = find_accounts(tx, company.key, CHART, accounts)
    found: dict[str, Kind] = {}
    unknown = []
    for key, account in accounts.items():
        kind = kind_of(account, category_of(known.get(key)), work.terms.revenue, work.terms.cost)
        if kind is Within.UNKNOWN:
            unknown.append(account)
        elif isinstance(kind, Kind):
            found[key] = kind
    into.unknown += unknown
    if accounts and len(unknown) == len(accounts):
        raise ConfigurationError(
            "The categories of the ERP's GL accounts are not known, so revenue and cost cannot be told from the rest.",
            "Enable [flows.gl_accounts] and run “ml-connector sync”, or name the accounts in [profitability].",
        )
    return found
