"""The general ledger as tables: accounts with their segments, journal entries and their lines. Pure.

What names an entry is what stays when it is posted and when its year is closed: journal id, date, and the recurring
sequence where it has one. The fiscal year does not belong to it; an entry in Work has none (facts.md 2.7, 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector.connectors.dynamics_gp import values
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.connectors.dynamics_gp.schema import (
    DAYS,
    NUMBERS,
    GpEntity,
    GpField,
    Level,
    Listing,
    describe,
    fields_of,
)
from ml_connector.connectors.dynamics_gp.soap import KIND, Wanted, Where, day_text
from ml_connector.connectors.dynamics_gp.values import Node, Tree
from ml_connector.core.entity import Entity, PostingFields
from ml_connector.core.record import Fields, Value, fold_key

SEGMENTS = 10  # the most that GP's account format has (facts.md 3.2, ACTNUMBR_1 to 10)

_ACCOUNT_FIELDS = fields_of("", """
    account_id       text     Key/Id
    description      text     Description                carried
    alias            text     Alias
    type             text     Type
    category         text     GLAccountCategoryKey/Id    carried
    posting_type     text     PostingType                carried
    typical_balance  text     TypicalBalance             carried
    is_active        boolean  IsActive
    allows_entry     boolean  AllowAccountEntry
    decimal_places   text     DecimalPlaces
    user_defined1    text     UserDefined1
    user_defined2    text     UserDefined2
    user_defined3    text     UserDefined3
    user_defined4    text     UserDefined4
    created_at       instant  CreatedDate
    modified_at      instant  ModifiedDate
    segment.main     text     Segments/main
""")  # fmt: skip
_SEGMENT_FIELDS = fields_of("segment.", "\n".join(
    f"{number}{part} text Segments/{number}{part}" for number in range(1, SEGMENTS + 1) for part in ("", ".name")
))  # fmt: skip
#: The type of the object that GP answers with -> what it is called in the list (facts.md 2.5, GLAccountSummaryType).
_ACCOUNT_TYPES = {
    "GLPostingAccount": "Posting",
    "GLUnitAccount": "Unit",
    "GLFixedAllocationAccount": "Fixed Allocation",
    "GLVariableAllocationAccount": "Variable Allocation",
}
_POSTING_TYPES = {"BalanceSheet": "Balance Sheet", "ProfitLoss": "Profit and Loss"}

ACCOUNTS = GpEntity(
    name="gl_accounts",
    listing=Listing(
        "GetGLAccountList",
        "GLAccountSummary",
        (Level("GLAccountId", ("Key", "Id")),),
        name=("Description",),
        wanted=Wanted.of([("Key", "Id"), ("Description",), ("ModifiedDate",)]),
    ),
    read_operation="GetGLAccountByKey",
    fields=(*_ACCOUNT_FIELDS, *_SEGMENT_FIELDS),
)
POSTING_ACCOUNT = "GetGLPostingAccountByKey"
ACCOUNT_OPERATIONS = (ACCOUNTS.read_operation, POSTING_ACCOUNT)
FORMAT = Listing("GetGLAccountFormatList", "GLAccountFormat", ())
ACCOUNT_WANTED = Wanted.of(path for item in _ACCOUNT_FIELDS for path in item.paths)
SEGMENTS_AT = "Segments"  #: in a tree: the segments, where they came with the account; SOAP never brings them

_ENTRY_FIELDS = fields_of("", """
    entry_key           text     -
    journal_id          integer  Key/JournalId
    date                date     Key/Date
    recurring_sequence  integer  Key/RecurringTransactionSequence
    fiscal_year         integer  Key/FiscalYear
    state               text     TransactionState
    is_posted           boolean  -
    is_voided           boolean  IsVoided
    reference           text     Reference
    source_document     text     SourceDocumentKey/Id
    series              text     OriginatingDocument/Series
    ledger              text     LedgerType
    currency_code       text     CurrencyKey/ISOCode
    exchange_rate       decimal  ExchangeRate
    batch_id            text     BatchKey/Id
    audit_trail_code    text     AuditTrailCode
    posted_on           date     OriginatingDocument/PostedDate
    posted_by           text     PostedBy
    modified_by         text     ModifiedBy
    modified_at         instant  ModifiedDate
    line_count          integer  -
""")  # fmt: skip
#: Amounts of unit accounts are quantities: they are no money, and so they are told apart from it.
_LINE_FIELDS = fields_of("line.", """
    number                   integer  Key/SequenceNumber
    account                  text     GLAccountKey/Id
    debit                    money    DebitAmount/Value
    credit                   money    CreditAmount/Value
    currency                 text     DebitAmount/Currency|CreditAmount/Currency
    is_unit                  boolean  -
    quantity                 decimal  -
    description              text     Description
    document_id              text     OriginatingDocument/Id
    document_control_id      text     OriginatingDocument/ControlId
    document_description     text     OriginatingDocument/Description
    document_type            integer  OriginatingDocument/Type
    master_id                text     OriginatingDocument/MasterId
    master_name              text     OriginatingDocument/MasterName
    customer_id              text     -
    vendor_id                text     -
    sales_document_id        text     -
    exchange_rate            decimal  ExchangeRate
    intercompany_id          integer  IntercompanyKey/Id
""")  # fmt: skip
#: What of an entry and its lines makes a posting.
_POSTINGS = PostingFields(
    {
        "on": "date",
        "account": "line.account",
        "debit": "line.debit",
        "credit": "line.credit",
        "currency": "line.currency",
        "is_posted": "is_posted",
        "is_voided": "is_voided",
        "customer_id": "line.customer_id",
        "vendor_id": "line.vendor_id",
        "document_id": "line.document_id",
        "document_control_id": "line.document_control_id",
        "source_document": "source_document",
        "series": "series",
    },
    accounts=ACCOUNTS.name,
)
LINES = ("Lines", "GLTransactionLine")
WORK = "Work"
POSTED = ("Open", "History")
STATES = (WORK, *POSTED)
QUANTITY = "Quantity"  #: the type of an amount that is no money (facts.md 2.7)
WORK_OPERATION, POSTED_OPERATION = "GetGLTransactionByKey", "GetGLPostedTransactionByKey"

JOURNALS = GpEntity(
    name="journal_entries",
    # A date lies in one fiscal year, so the year splits nothing that the date does not: decision 0018.
    listing=Listing(
        "GetGLTransactionList",
        "GLTransactionSummary",
        (
            Level("Date", ("Key", "Date"), order=DAYS),
            Level("JournalId", ("Key", "JournalId")),
            Level(
                "TransactionState", ("TransactionState",), STATES, single=WORK
            ),  # there a journal id is one
            Level(
                "RecurringTransactionSequence",
                ("Key", "RecurringTransactionSequence"),
                order=NUMBERS,
                missing="0",
            ),
        ),
        name=("Reference",),
        nobody=("JournalId", "0"),
        wanted=Wanted.of([("Key",), ("Reference",), ("ModifiedDate",), ("TransactionState",)]),
    ),
    read_operation=POSTED_OPERATION,
    fields=_ENTRY_FIELDS,
    each="lines",
    each_fields=_LINE_FIELDS,
    final="is_posted",
    postings=_POSTINGS,
)
ENTRY_WANTED = Wanted.of(
    [
        *(path for item in _ENTRY_FIELDS for path in item.paths),
        *((*LINES, *path) for item in _LINE_FIELDS for path in item.paths),
        *((*LINES, name) for name in ("DebitAmount", "CreditAmount")),
    ]
)

LEDGER: dict[str, GpEntity] = {entity.name: entity for entity in (ACCOUNTS, JOURNALS)}
EVERY: dict[str, GpEntity] = {**MASTERS, **LEDGER}  #: every kind of record that is read
ENTITIES: dict[str, Entity] = {name: describe(entity) for name, entity in LEDGER.items()}


# ---- accounts


@dataclass(frozen=True, slots=True)
class AccountFormat:
    """How a company's account numbers are made up: its segments in order, and what stands between them."""

    names: tuple[str, ...]
    lengths: tuple[int, ...]
    main: int  #: place of the main segment; -1: none
    separator: str

    def split(self, account: str) -> list[str]:
        """The segments of an account number; by the separator, or by length where a segment has it in itself."""
        if self.separator:
            parts = account.split(self.separator)
            if len(parts) == len(self.names):
                return [part.rstrip() for part in parts]
        apart = bool(self.separator) or len(account) > sum(
            self.lengths
        )  # the length tells it where GP does not
        parts, place = [], 0
        for length in self.lengths:
            parts.append(account[place : place + length].rstrip())
            place += length + apart
        return parts


def account_format(rows: Sequence[Tree], separator: str) -> AccountFormat:
    """The format in the rows of GetGLAccountFormatList, one for each segment (facts.md 2.7)."""
    ordered = sorted(rows, key=lambda row: values.to_integer(values.find(row, ("Key", "Id"))) or 0)[:SEGMENTS]
    mains = [n for n, row in enumerate(ordered) if values.to_boolean(row.get("IsMainSegment"))]
    return AccountFormat(
        names=tuple(values.to_text(row.get("SegmentName")) or "" for row in ordered),
        lengths=tuple(values.to_integer(row.get("SegmentLength")) or 0 for row in ordered),
        main=mains[0] if mains else -1,
        separator=separator,
    )


def flatten_account(tree: Tree, format_: AccountFormat | None) -> dict[str, Value]:
    """All fields of an account; those that its type does not have are None. No format: its segments came with it."""
    flat = _read(ACCOUNTS.fields, tree)
    kind = tree.get(KIND)
    flat["type"] = _ACCOUNT_TYPES.get(kind if isinstance(kind, str) else "", flat["type"])
    flat["posting_type"] = _POSTING_TYPES.get(str(flat["posting_type"]), flat["posting_type"])
    return flat if format_ is None else flat | _segments(format_, str(flat["account_id"] or ""))


def _segments(format_: AccountFormat, account: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for number, (name, segment) in enumerate(zip(format_.names, format_.split(account), strict=True), 1):
        found[f"segment.{number}"] = segment or None
        found[f"segment.{number}.name"] = name or None
    if format_.main >= 0:
        found["segment.main"] = found[f"segment.{format_.main + 1}"]
    return found


def is_whole_account(tree: Tree) -> bool:
    """Whether GP answered with the object of the account's own type; of the common one it has no category."""
    return values.to_text(tree.get("Type")) != "Posting" or "TypicalBalance" in tree


# ---- journal entries


@dataclass(frozen=True, slots=True)
class EntryKey:
    """What names a journal entry, whatever becomes of it."""

    journal_id: int
    on: date
    sequence: int

    def __str__(self) -> str:
        """Such as 3327/2027-04-21, with /2 behind it where it was posted again."""
        return f"{self.journal_id}/{self.on}" + (f"/{self.sequence}" if self.sequence else "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stood when it was listed: its state, and the year in the key of what is posted."""

    state: str
    fiscal_year: int | None = None

    @property
    def rank(self) -> int:
        """Later is further on: an entry that moves while it is listed may be in both places."""
        return STATES.index(self.state) if self.state in STATES else len(STATES)


_KEY = re.compile(r"(\d{1,10})/(\d{4}-\d{2}-\d{2})(?:/(\d{1,10}))?")


def read_key(key: str) -> EntryKey | None:
    """The entry key in a text; None for what is none, such as a slip of somebody's pen.

    Another spelling of a key is none either: what is written under it would be written twice.
    """
    found = _KEY.fullmatch(key.rstrip())
    try:
        read = found and EntryKey(int(found[1]), date.fromisoformat(found[2]), int(found[3] or 0))
    except ValueError:
        return None
    return read if str(read) == key.rstrip() else None


def day_of(entity: str, key: str) -> date | None:
    """The date of a record that its key tells: a journal entry's."""
    read = read_key(key) if entity == JOURNALS.name else None
    return None if read is None else read.on


def key_of_row(row: Tree) -> str:
    """The key of a row of the list; RecordRejectedError where it cannot be read."""
    key = row.get("Key")
    on = values.to_date(values.find(key, ("Date",))) or date.min
    journal_id = values.to_integer(values.find(key, ("JournalId",))) or 0
    return str(
        EntryKey(journal_id, on, values.to_integer(values.find(key, ("RecurringTransactionSequence",))) or 0)
    )


def place_of_row(row: Tree) -> Place:
    """Where a row of the list says that its entry stands."""
    year = values.to_integer(values.find(row, ("Key", "FiscalYear")))
    return Place(values.to_text(row.get("TransactionState")) or "", year)


def wanted_states(*, unposted: bool) -> Where:
    """The entries that are read."""
    return {} if unposted else {"TransactionState": {"Items": POSTED}}


def of_key(key: EntryKey) -> Where:
    """The entries of a journal id and date, and of the sequence where there is one, whatever their state."""
    where = {"Date": {"EqualValue": day_text(key.on)}, "JournalId": {"EqualValue": str(key.journal_id)}}
    if key.sequence:
        where["RecurringTransactionSequence"] = {"EqualValue": str(key.sequence)}
    return where


def flatten_entry(tree: Tree, key: EntryKey) -> tuple[dict[str, Value], dict[str, Fields]]:
    """The fields of an entry, and of each of its lines by the part that names it."""
    flat = _read(_ENTRY_FIELDS, tree)
    flat["entry_key"] = str(key)
    flat["recurring_sequence"] = key.sequence
    flat["is_posted"] = flat["state"] in POSTED
    series = str(flat["series"] or "")
    lines = _numbered([_line(line, series) for line in values.children(tree, LINES)])
    flat["line_count"] = len(lines)
    return flat, lines


def _line(tree: Tree, series: str) -> dict[str, Value]:
    flat = _read(_LINE_FIELDS, tree)
    sides = (tree.get("DebitAmount"), tree.get("CreditAmount"))
    debit, credit = map(_value, sides)
    is_unit = any(isinstance(side, dict) and side.get(KIND) == QUANTITY for side in sides)
    flat["line.is_unit"] = is_unit
    flat["line.quantity"] = debit - credit if is_unit else None
    flat["line.debit"], flat["line.credit"] = (None, None) if is_unit else (debit, credit)
    master = flat["line.master_id"]
    flat["line.customer_id"] = master if series == "Sales" else None
    flat["line.vendor_id"] = master if series == "Purchasing" else None
    flat["line.sales_document_id"] = flat["line.document_id"] if series == "Sales" else None
    return flat


def _value(amount: Node) -> Decimal:
    return values.to_money(values.find(amount, ("Value",))) or Decimal(0)


def _numbered(lines: Sequence[dict[str, Value]]) -> dict[str, Fields]:
    """The lines by their sequence number, which posting and closing leave as it is.

    Where GP gives several lines one number, they are told apart by what they say, whatever order they come in.
    """
    parts: dict[str, Fields] = {}
    taken: dict[str, int] = {}
    for line in sorted(lines, key=_what_it_says):
        number = str(line["line.number"] if line["line.number"] is not None else 0)
        taken[number] = taken.get(number, 0) + 1
        parts[number if taken[number] == 1 else f"{number}.{taken[number]}"] = line
    return dict(sorted(parts.items(), key=lambda item: [int(piece) for piece in item[0].split(".")]))


def _what_it_says(line: Mapping[str, Value]) -> list[str]:
    first = ("account", "debit", "credit", "quantity", "description")
    return [*(str(line.get(f"line.{name}")) for name in first), *map(str, line.values())]


def same_entry(row: Tree, key: EntryKey) -> bool:
    """Whether a row is of this entry; one in Work has no sequence of its own."""
    return fold_key(key_of_row(row)) == fold_key(str(key))


def _read(fields: Sequence[GpField], tree: Tree) -> dict[str, Value]:
    return {item.name: item.read(tree) for item in fields}
