"""Accounts and journal entries as XML (facts 2.6 and 2.7)."""

from __future__ import annotations

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.ledger import Account, Entry, Line, Segment
from ml_connector.simulators.gp.requests import CurrencyType

_KINDS = {
    "Posting": ("GLPostingAccount", "Posting"),
    "Unit": ("GLUnitAccount", "Unit"),
    "Fixed Allocation": ("GLFixedAllocationAccount", "Posting Allocation"),
    "Variable Allocation": ("GLVariableAllocationAccount", "Posting Allocation"),
}
_POST_IN = "".join(
    f"<Post{series}In>Detail</Post{series}In>" for series in ("Inventory", "Payroll", "Purchasing", "Sales")
)


def account_class(account: Account) -> str:
    """Return the name of the type that an account is an object of."""
    return _KINDS[account.type][0]


def account_summary(account: Account) -> str:
    """Return a GLAccountSummary; what a list gives."""
    return (
        f"<GLAccountSummary>{xml.account_key('Key', xml.escape(account.id))}{xml.string('Alias', account.alias)}"
        f"{xml.boolean('IsActive', value=account.is_active)}{xml.string('Description', account.description)}"
        f"{xml.day('CreatedDate', account.created_on)}{xml.instant('ModifiedDate', account.modified_at)}"
        f"<AccountType>{account.type}</AccountType></GLAccountSummary>"
    )


def account(account: Account) -> str:
    """Return the members of an account, those of its own type last."""
    own = {
        "Posting": _posting,
        "Unit": lambda a: f"<DecimalPlaces>{a.decimal_places}</DecimalPlaces>",
        "Fixed Allocation": _fixed,
        "Variable Allocation": _variable,
    }
    return (
        f"{xml.account_key('Key', xml.escape(account.id))}{xml.string('Alias', account.alias)}"
        f"<Type>{_KINDS[account.type][1]}</Type>{xml.boolean('IsActive', value=account.is_active)}"
        f"{xml.string('Description', account.description)}{xml.day('CreatedDate', account.created_on)}"
        f"{xml.instant('ModifiedDate', account.modified_at)}{own[account.type](account)}"
    )


def _posting(account: Account) -> str:
    return (
        f"{_POST_IN}{xml.key('GLAccountCategoryKey', account.category)}<AllowAccountEntry>true</AllowAccountEntry>"
        f"<IsRevalued>false</IsRevalued>{xml.nil('PostRevaluationResultsTo')}"
        f"<PostingType>{account.posting_type}</PostingType>{xml.nil('RevaluationMethod')}"
        f"<TypicalBalance>{account.typical_balance}</TypicalBalance>"
        f"{xml.string('UserDefined1', account.user_defined1)}{xml.string('UserDefined2', account.user_defined2)}"
        "<UserDefined3 /><UserDefined4 />"
    )


def _shared_key(account: Account, to: str) -> str:
    own = xml.account_key("AccountKey", xml.escape(account.id))
    return f"<Key>{own}{xml.account_key('DistributionAccountKey', xml.escape(to))}</Key>"


def _fixed(account: Account) -> str:
    element = "GLFixedAllocationDistributionAccount"
    shares = "".join(
        f"<{element}>{_shared_key(account, to)}<Percentage><Value>{percent}.00</Value>"
        f"<DecimalDigits>2</DecimalDigits></Percentage></{element}>"
        for to, percent in account.distributions
    )
    return f"{_POST_IN}<Distributions>{shares}</Distributions>"


def _variable(account: Account) -> str:
    element = "GLVariableAllocationDistributionAccount"
    shares = "".join(f"<{element}>{_shared_key(account, to)}</{element}>" for to, _ in account.distributions)
    by = "<BalanceForCalculation>Year To Date</BalanceForCalculation>"
    return f"{_POST_IN}{by}<Distributions>{shares}</Distributions>"


def category(name: str) -> str:
    """Return a GLAccountCategory, which is a key and nothing else."""
    return f"<GLAccountCategory>{xml.key('Key', name)}</GLAccountCategory>"


def segment(part: Segment) -> str:
    """Return a GLAccountFormat: one segment."""
    return (
        f"<GLAccountFormat><Key><Id>{part.number}</Id></Key>{xml.string('SegmentName', part.name)}"
        f"<MaximumSegmentLength>{part.length + 2}</MaximumSegmentLength><SegmentLength>{part.length}</SegmentLength>"
        f"{xml.boolean('IsMainSegment', value=part.is_main)}{xml.nil('UserDefinedSegment')}</GLAccountFormat>"
    )


def _key(name: str, entry: Entry) -> str:
    """Return the key; of what is posted the derived one, with sequence and year (facts 2.6)."""
    day = f"<JournalId>{entry.journal_id}</JournalId>{xml.day('Date', entry.on)}"
    if entry.state == "Work":
        return f"<{name}>{day}</{name}>"
    return (
        f'<{name} xsi:type="GLTransactionPostedKey">{day}<RecurringTransactionSequence>{entry.sequence}'
        f"</RecurringTransactionSequence><FiscalYear>{entry.fiscal_year}</FiscalYear></{name}>"
    )


def _batch(entry: Entry) -> str:
    if not entry.batch:
        return ""
    return (
        f"<BatchKey><Source>GL_Normal</Source>{xml.string('Id', entry.batch)}{xml.day('CreatedDateTime', entry.on)}"
        "</BatchKey>"
    )


def entry_summary(entry: Entry) -> str:
    """Return a GLTransactionSummary: no lines, no amounts."""
    return (
        f"<GLTransactionSummary>{_key('Key', entry)}{_batch(entry)}{xml.currency_key('CurrencyKey', entry.currency)}"
        f"{xml.instant('ModifiedDate', entry.modified_at)}{xml.string('Reference', entry.reference)}"
        f"{xml.key('SourceDocumentKey', entry.source_document)}<TransactionState>{entry.state}</TransactionState>"
        f"<LedgerType>{entry.ledger}</LedgerType></GLTransactionSummary>"
    )


def entry(entry: Entry, currency_type: CurrencyType) -> str:
    """Return the members of a GLTransaction with its lines."""
    lines = "".join(_line(entry, line, currency_type) for line in entry.lines)
    posted = entry.state != "Work"
    audit_trail = f"GLTRX{entry.journal_id:08d}" if posted else ""
    return "".join(
        (
            _key("Key", entry),
            _batch(entry),
            xml.currency_key("CurrencyKey", entry.currency),
            f"<Lines>{lines}</Lines>",
            xml.string("Reference", entry.reference),
            xml.key("SourceDocumentKey", entry.source_document),
            xml.nil("ExchangeRate"),
            xml.nil("ExchangeDate"),
            f"<LedgerType>{entry.ledger}</LedgerType>",
            xml.string("AuditTrailCode", audit_trail),
            xml.boolean("IsVoided", value=entry.is_voided),
            "<ModifiedBy>sa</ModifiedBy>",
            xml.instant("ModifiedDate", entry.modified_at),
            "<OriginatingDocument>",
            xml.string("AuditTrailCode", audit_trail),
            xml.day("PostedDate", entry.on if posted else None),
            f"<Series>{entry.series}</Series></OriginatingDocument>",
            xml.string("PostedBy", entry.posted_by),
            f"<TransactionState>{entry.state}</TransactionState>",
        )
    )


def _line(entry: Entry, line: Line, currency_type: CurrencyType) -> str:
    local = currency_type == "Local"
    currency = "USD" if local else entry.currency
    debit, credit = (line.debit, line.credit) if local else (line.original_debit, line.original_credit)
    return (
        f"<GLTransactionLine><Key>{_key('TransactionKey', entry)}<SequenceNumber>{line.sequence}</SequenceNumber></Key>"
        f"{_amount('CreditAmount', credit, currency, line)}{_amount('DebitAmount', debit, currency, line)}"
        f"{xml.string('Description', line.description)}{xml.account_key('GLAccountKey', xml.escape(line.account))}"
        f"{xml.nil('ExchangeRate')}{xml.nil('ExchangeDate')}{_origin(line)}</GLTransactionLine>"
    )


def _amount(name: str, cents: int, currency: str, line: Line) -> str:
    """Return an Amount as one of its two kinds: money, or the quantity of a unit account."""
    value = f"<Value>{cents // 100}.{cents % 100:02d}000</Value><DecimalDigits>2</DecimalDigits>"
    if line.is_unit:
        return f'<{name} xsi:type="Quantity">{value}</{name}>'
    return f'<{name} xsi:type="MoneyAmount"><Currency>{currency}</Currency>{value}</{name}>'


def _origin(line: Line) -> str:
    if line.origin is None:
        return ""
    control_id, document, master_id, master_name, type_ = line.origin
    return (
        f"<OriginatingDocument>{xml.string('ControlId', control_id)}<Description />{xml.string('Id', document)}"
        f"{xml.string('MasterId', master_id)}{xml.string('MasterName', master_name)}{xml.nil('SequenceNumber')}"
        f"<Type>{type_}</Type></OriginatingDocument>"
    )
