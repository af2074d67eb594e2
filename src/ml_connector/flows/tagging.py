"""A run that gives deals the GL account that they do not have: by a rule, else as their Account has it.

What a person chose is never overwritten: only deals without a GL account are read, each is read once more just
before it is written, and the target refuses what was changed after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from ml_connector.core.change import Cursor
from ml_connector.core.companies import Company
from ml_connector.core.deal_fields import ACCOUNTS, CHART, DEALS, TAG
from ml_connector.core.deals import (
    PARENT,
    PIPELINE,
    PRODUCT_NAME,
    SALES_NUMBER,
    SALES_RECORD,
    TYPE,
)
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import Absent, Candidate, Wanted
from ml_connector.core.record import fold_key
from ml_connector.core.tagging import Rule, Tag, UntaggedDeal, find_tag, fingerprint
from ml_connector.flows.deals import DealWork, Do, list_all, read_now, run_over_deals, waiting
from ml_connector.flows.edits import LOST_ANSWER, Edit, Editor
from ml_connector.flows.steps import Result, Steps
from ml_connector.flows.work import CHUNK, chunked
from ml_connector.store import cursors, links
from ml_connector.store.cursors import Progress
from ml_connector.store.links import Pair

#: What stands in a record's stamp is a whole second: so long after a listing, no change can bear a stamp of it.
_APART_SECONDS = 2.0
_NO_CHART = (
    "No GL account{} is in the CRM yet: rules fit no deal{} before the flow gl_accounts has brought them."
)
Values = Mapping[
    str, Mapping[str, str]
]  #: company -> rule -> what the tag takes for the rule's account there


def tag_deals(steps: Steps, work: DealWork, run: str) -> Result:
    """One run; counts: updated, untagged (nothing says what they are), meanwhile (changed as we looked), held."""

    def body(do: Do, counts: Counter[str]) -> Sequence[str]:
        begun = do("begin", partial(begin, work))
        seen = begun["last"]
        told = do("named", partial(_named, work, run, begun))
        counts.update(told["counts"])
        after: str | None = None
        while not work.asked.keys:
            told = do("deals", partial(_page, work, run, begun, after))
            counts.update(told["counts"])
            if (
                after is None
            ):  # whatever changes after the first listing has a later stamp than all that is in it
                seen = max(filter(None, (seen, told["seen"])), default=None)
            if (after := told["next_after"]) is None:
                do("end", partial(_end, work, begun, seen))
                break
        return [*begun["notes"]]

    return run_over_deals(steps, work, run, body)


def begin(work: DealWork) -> Result:
    """Check what a run needs, and fix which deals it looks at."""
    work.currency()  # another organisation than the records were written to stops the run here
    table = _table(work)
    with work.database.read() as tx:
        found = cursors.find(tx, work.flow.company, work.flow.name)
    same = found is not None and found.fingerprint == table.fingerprint and not work.asked.full
    cursor = found.cursor if found and same else None
    return {
        "since": cursor.since(work.options.overlap).isoformat() if cursor else None,
        "last": cursor.at.isoformat() if cursor else None,
        "values": {company: dict(values) for company, values in table.values.items()},
        "notes": [note for company in work.companies for note in _notes(work, company, table.values)],
    }


def preview(work: DealWork) -> tuple[Sequence[str], Sequence[tuple[Candidate, Tag | None]]]:
    """What there is to say; every deal that a run would look at, and what it would give it. Nothing is written."""
    begun = begin(work)
    table = _table(work, _begun_with(work, begun))
    ids = work.asked.keys or waiting(work)
    rows = read_now(work, DEALS, table.columns, ids, empty=TAG) if ids else {}
    if not work.asked.keys:
        rows |= {row.target_id: row for row in list_all(work, DEALS, table.columns, _wanted(begun))}
    return begun["notes"], table.tags(list(rows.values()))


# ---- the table of rules, and what a deal says


@dataclass(frozen=True, slots=True)
class _Table:
    """The rules with their accounts, and the columns by which a deal tells whether one fits."""

    rules: Sequence[Rule]
    values: Values
    companies_of: Callable[[Collection[str]], Mapping[str, str]]  #: Accounts -> whose customer each is
    default: str  #: the column with the default of the deal's Account; empty: Accounts have none
    choices: frozenset[str] | None  #: the only values of a tag, where it is a closed list
    product: str  #: the column that names the product
    there: frozenset[str]  #: the fields that deals have

    @property
    def columns(self) -> list[str]:
        """What is read of a deal."""
        wanted = (PARENT, f"{PARENT}.{PARENT}", self.default, self.product)
        return [*filter(None, wanted), *(name for name in (TYPE, PIPELINE) if name in self.there)]

    @property
    def fingerprint(self) -> str:
        """Changes when deals that were looked at may get another answer."""
        names = {rule.name for rule in self.rules}
        values = {name: "\x1d".join(of.get(name, "") for of in self.values.values()) for name in names}
        return fingerprint([*self.rules, Rule("(deal)", self.default, self.product)], values)

    def tags(self, rows: Sequence[Candidate]) -> list[tuple[Candidate, Tag | None]]:
        """The tag of each deal as it was read."""
        companies = self.companies_of({row.values[PARENT] for row in rows if PARENT in row.values})
        whose = (companies.get(row.values.get(PARENT, ""), next(iter(self.values))) for row in rows)
        return [(row, self._tag(row, company)) for row, company in zip(rows, whose, strict=True)]

    def _tag(self, row: Candidate, company: str) -> Tag | None:
        told = row.values.get
        default = told(self.default, "")
        if self.choices is not None and default not in self.choices:
            default = ""
        deal = UntaggedDeal(
            told(self.product, ""),
            told(PIPELINE, ""),
            told(TYPE, ""),
            told(f"{PARENT}.{PARENT}", ""),
            default,
            company,
        )
        return find_tag(deal, self.rules, self.values[company])


def _table(work: DealWork, values: Values | None = None) -> _Table:
    """The table as the target's fields have it; ``values``: those that the run began with."""
    work.require_fields(DEALS, [TAG])
    deals, rules = work.target.describe(DEALS), work.terms.rules
    asked = {PIPELINE: any(r.pipeline for r in rules), TYPE: any(r.type for r in rules)}
    product = work.terms.product_field
    for name in (product, *(name for name, is_asked in asked.items() if is_asked)):
        if name and name not in deals:
            raise ConfigurationError(
                f"Deals have no field {name} in the CRM, which [deals] asks for.", "Correct the settings."
            )
    if product and deals[product].type == "lookup":
        product = f"{product}.{PRODUCT_NAME}"
    is_record = deals[TAG].type == "lookup"
    field = SALES_RECORD if is_record else SALES_NUMBER
    default = f"{PARENT}.{field}" if field in work.target.describe(ACCOUNTS) else ""
    choices = None if is_record else deals[TAG].choices
    if values is None:
        values = {
            company.key: _records(work, company) if is_record else _numbers(work, company, choices)
            for company in work.companies
        }
    return _Table(rules, values, work.companies_of, default, choices, product, frozenset(deals))


def _begun_with(work: DealWork, begun: Result) -> Values:
    """The values that the run began with; one of an earlier version, taken up, has the same for every company."""
    values = begun["values"]
    if any(isinstance(of, dict) for of in values.values()):
        return dict(values)
    return {company.key: values for company in work.companies}


def _rules(work: DealWork, company: Company) -> list[Rule]:
    """The rules that may fit a deal of this company."""
    return [rule for rule in work.terms.rules if rule.company in ("", company.key)]


def _records(work: DealWork, company: Company) -> dict[str, str]:
    """Rule -> the id of its GL account's record, where GL accounts are records."""
    rules = _rules(work, company)
    with work.database.read() as tx:
        found = links.find(tx, _chart(work, company), [rule.account for rule in rules])
    ids = {key: link.target_id for (key, _part), link in found.items() if not link.gone}
    return {r.name: ids[fold_key(r.account)] for r in rules if fold_key(r.account) in ids}


def _chart(work: DealWork, company: Company) -> Pair:
    return Pair(company.key, CHART, work.terms.chart)


def _numbers(work: DealWork, company: Company, choices: frozenset[str] | None) -> dict[str, str]:
    """Rule -> the number of its GL account as the source writes it, where a tag is a number."""
    rules = _rules(work, company)
    if choices is not None:
        known = {fold_key(choice): choice for choice in choices}
        return {r.name: known[fold_key(r.account)] for r in rules if fold_key(r.account) in known}
    found = zip(rules, work.source_of(company).fetch(CHART, [rule.account for rule in rules]), strict=True)
    return {rule.name: one.key for rule, one in found if not isinstance(one, Absent)}


def _notes(work: DealWork, company: Company, values: Values) -> list[str]:
    """What to say of rules whose account this company does not have."""
    unknown = [rule for rule in _rules(work, company) if rule.name not in values[company.key]]
    whose = f" of {company.name or 'the company of [gp]'}" if len(work.companies) > 1 else ""
    if unknown and _chart_is_awaited(work, company):
        return [_NO_CHART.format(whose, whose)]
    return [_unknown(work, rule, whose) for rule in unknown]


def _chart_is_awaited(work: DealWork, company: Company) -> bool:
    """Whether GL accounts are to be records and none of them is there yet, as on the first day."""
    if work.target.describe(DEALS)[TAG].type != "lookup":
        return False
    with work.database.read() as tx:
        return links.count(tx, _chart(work, company)) == 0


def _unknown(work: DealWork, rule: Rule, whose: str) -> str:
    is_record = work.target.describe(DEALS)[TAG].type == "lookup"
    which = (
        f"which is not among the GL accounts{whose} in the CRM"
        if is_record
        else "which the ERP does not have"
    )
    which += "" if is_record or not whose else f" for the deals{whose}"
    return (
        f"The rule [deals.rules.{rule.name}] names the GL account {rule.account}, {which}: deals{whose} that it fits"
        " stay without one. Correct the rule, or bring that account over first."
    )


# ---- the steps


def _wanted(begun: Result) -> Wanted:
    since = begun["since"] and datetime.fromisoformat(begun["since"])
    return Wanted(empty=TAG, since=since, parent=PARENT)


def _named(work: DealWork, run: str, begun: Result) -> Result:
    """The deals that were asked for, or those that wait since an earlier run; and what a crash left untold."""
    table, editor = _table(work, _begun_with(work, begun)), Editor(work, run, DEALS)
    counts = editor.settle(partial(_standing, work, table))
    ids = work.asked.keys or waiting(work)
    rows = read_now(work, DEALS, table.columns, ids, empty=TAG) if ids else {}
    editor.release([target_id for target_id in ids if target_id not in rows])  # tagged by somebody, or gone
    return {"counts": dict(counts + _tag(editor, table, list(rows.values())))}


def _page(work: DealWork, run: str, begun: Result, after: str | None) -> Result:
    table, editor = _table(work, _begun_with(work, begun)), Editor(work, run, DEALS)
    counts = editor.settle(partial(_standing, work, table))
    page = work.target.list_wanted(DEALS, table.columns, _wanted(begun), after)
    waits = set(waiting(work))
    counts += _tag(editor, table, [row for row in page.rows if row.target_id not in waits])
    seen = max((row.modified_at for row in page.rows), default=None)
    return {"next_after": page.next_after, "counts": dict(counts), "seen": seen and seen.isoformat()}


def _tag(editor: Editor, table: _Table, rows: Sequence[Candidate]) -> Counter[str]:
    """Tag those of these deals that something is said of."""
    work = editor.work
    due = [row for row, tag in table.tags(rows) if tag]
    counts = Counter(untagged=len(rows) - len(due))
    if due:
        work.clock.sleep(_APART_SECONDS)
    for some in chunked(due, CHUNK):
        now = read_now(work, DEALS, table.columns, [row.target_id for row in some], empty=TAG)
        same = [fresh for row in some if (fresh := now.get(row.target_id)) and _is_same(row, fresh)]
        edits = [_edit(row, tag) for row, tag in table.tags(same) if tag]
        counts["meanwhile"] += len(some) - len(edits)
        if edits:
            counts += editor.send(edits, unmodified_since=max(edit.at for edit in edits))
    return counts


def _is_same(before: Candidate, now: Candidate) -> bool:
    return before.modified_at == now.modified_at


def _edit(row: Candidate, tag: Tag) -> Edit:
    return Edit(row.target_id, row.name, {TAG: tag.value}, {TAG: None}, row.modified_at, tag.reason)


def _standing(work: DealWork, table: _Table, ids: Sequence[str]) -> list[Edit]:
    """Of these deals those that have what we would have given them."""
    found = []
    for row, tag in table.tags(list(read_now(work, DEALS, [*table.columns, TAG], ids).values())):
        if tag and row.values.get(TAG) == tag.value:
            found.append(_edit(row, replace(tag, reason=f"{tag.reason} {LOST_ANSWER}")))
    return found


def _end(work: DealWork, begun: Result, seen: str | None) -> Result:
    """Every deal up to here was looked at: what changes later is looked at by the next run."""
    cursor = Cursor(datetime.fromisoformat(seen), finer_than_day=True) if seen else None
    done = Progress(cursor, _table(work, _begun_with(work, begun)).fingerprint, work.flow.modules)
    with work.database.begin() as tx:
        cursors.put(tx, work.flow.company, work.flow.name, done)
    return {}
