"""Rows and records of the ledger as SBA may send them: moving, foreign, damaged; what each of it comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.connectors.dynamics_gp import (
    GpClient,
    GpConfig,
    GpSource,
    RequestGate,
    SbaReader,
    ledger,
    sba,
    sba_trees,
)
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.sba_config import SbaEntries
from ml_connector.connectors.dynamics_gp.sba_names import RECORD
from ml_connector.core.change import Change
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError
from ml_connector.core.ports import Unreadable
from ml_connector.core.record import Record

ACCOUNTS, JOURNALS = "gl_accounts", "journal_entries"
NOW = datetime(2031, 1, 31, 12, 0, 0, tzinfo=UTC)


def listed(source: GpSource, since: datetime | None = None) -> list[Change]:
    return list(source.list_changes(JOURNALS, since, None).rows)


def one(source: GpSource, entity: str, key: str) -> Record:
    (found,) = source.fetch(entity, [key])
    assert isinstance(found, Record), found
    return found


class Answering:
    """Stands in for the transport: answers a list or a record with what it is told."""

    reader: SbaReader
    mechanism = "none"
    downgrade = ""

    def __init__(self, rows: object, record: object = None) -> None:
        self.rows, self.record = rows, record
        self.asked: list[str] = []

    def get(self, target: str, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
        self.asked.append(target)
        said = self.record if "(KEY" in target else self.rows
        return Answer(200, {}, (), said if isinstance(said, bytes) else json.dumps(said).encode())

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def answering(opened, tmp_path, clock):
    """A source that is answered like this, and what it asked for."""

    def start(rows: object = (), record: object = None, entity: str = JOURNALS, **resource: object):
        paths = {"list_path": "/List", "record_path": "/One(KEY{key})"}
        sba = {"entities": [entity], "address": "http://gp/GPService", "company": "C"}
        config = GpConfig.model_validate(
            {"endpoint": "http://gp/DynamicsGPService.asmx", "company_id": -1, "user": "D\\u"}
            | {"sba": {**sba, "resources": {entity: {**paths, **resource}}}}
        )
        gate = opened.enter_context(closing(RequestGate(tmp_path / "gate", 2, 0.0, clock)))
        transport = Answering(rows, record)
        client = GpClient(config, lambda: "", gate, clock, transport)
        transport.reader = SbaReader(config.sba, client, transport)
        return opened.enter_context(closing(GpSource(client, transport.reader))), transport

    return start


def row(
    journal_id: object = 7, state: object = "Open", at: str = "2026-01-01T10:00:00", **more: object
) -> dict:
    key = {"JournalId": journal_id, "Date": "2026-01-01T00:00:00", "RecurringTransactionSequence": 0}
    return {**key, "TransactionState": state, "ModifiedDate": at, **more}


def line(**more: object) -> dict:
    own = {"SequenceNumber": 16384, "AccountNumber": "000-1100-00", "DebitAmount": 5, "CreditAmount": 0}
    return {**own, "IsUnitAccount": False, **more}


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("whole", [False, True])
def test_an_entry_that_moves_while_it_is_listed_is_one_change(answering, turn, whole):
    """For a moment GP shows it in both tables."""
    rows = [
        row(state="Open", Lines=[line(DebitAmount=1)]),
        row(state="History", at="2027-01-15T00:00:07", Lines=[line(DebitAmount=2)]),
    ][::turn]
    source, _ = answering(rows, whole=whole)
    at = datetime(2027, 1, 15, 0, 0, 7, tzinfo=UTC)
    assert listed(source) == [Change("7/2026-01-01", "", at, date(2026, 1, 1))]
    if whole:
        assert one(source, JOURNALS, "7/2026-01-01").parts["16384"]["line.debit"] == 2


def test_an_entry_that_is_listed_while_it_is_posted_is_a_change(answering):
    source, _ = answering([row(state="Work"), row(state="Open")])
    assert [change.key for change in listed(source)] == ["7/2026-01-01"]


def test_a_list_of_lines_is_no_list_of_entries(answering):
    """GL20000 has a row for each line; a service that joins without grouping lists each entry so often."""
    source, _ = answering([row(), row()])
    with pytest.raises(ConfigurationError, match="'7/2026-01-01' twice"):
        listed(source)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"JournalId": "x"}, "'x' where a whole number"),
        ({"JournalId": -7}, "'-7' where a journal id"),
        ({"JournalId": 99999999999}, "'99999999999' where a journal id"),
        ({"Date": "yesterday"}, "'yesterday' where a date"),
        ({"Date": None}, r"no key where the settings look for it \(Date\)"),
        ({"JournalId": None}, r"no key where the settings look for it \(JournalId\)"),
        ({"RecurringTransactionSequence": ...}, r"no key where .* \(RecurringTransactionSequence\)"),
        ({"RecurringTransactionSequence": "many"}, "'many' where a whole number"),
    ],
)
def test_a_row_without_a_key_ends_the_listing(answering, said, words):
    there = {name: value for name, value in (row() | said).items() if value is not ...}
    source, _ = answering([there])
    with pytest.raises(ConfigurationError, match=words):
        listed(source)


def test_a_site_without_recurring_entries_may_say_so(answering):
    plain = row()
    del plain["RecurringTransactionSequence"]
    source, _ = answering([plain], fields={"recurring_sequence": ""})
    assert [change.key for change in listed(source)] == ["7/2026-01-01"]


def test_stamps_and_days_come_in_the_forms_of_net_too(answering):
    day = "/Date(1767222000000+0100)/"
    said = row(at="/Date(1492128000000+0200)/", Date=day, PostedDate=day, Lines=[line()])
    source, transport = answering([said], said)
    assert listed(source) == [Change("7/2026-01-01", "", datetime(2017, 4, 14, tzinfo=UTC), date(2026, 1, 1))]
    fields = one(source, JOURNALS, "7/2026-01-01").fields
    assert (fields["date"], fields["posted_on"]) == (date(2026, 1, 1), date(2026, 1, 1))
    assert transport.asked[-1].endswith("/One(KEY7;2026-01-01;0)")


@pytest.mark.parametrize(
    "day",
    ["/Date(1767222000000)/", "2025-12-31T23:00:00Z", "2026-01-01T05:00:00", "2026-01-01 00:00:01"],
)
def test_a_day_that_was_moved_into_another_zone_is_not_guessed(answering, day):
    """Midnight in Berlin is the evening before in UTC: another key, and another month."""
    said = row(Date=day, Lines=[line()])
    source, _ = answering([said], said)
    for attempt in (lambda: listed(source), lambda: one(source, JOURNALS, "7/2025-12-31")):
        with pytest.raises(ConfigurationError, match="at an hour of the day"):
            attempt()


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00.000",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00-0500",
    ],
)
def test_a_day_may_be_written_as_midnight(answering, day):
    source, _ = answering([row(Date=day)])
    assert [change.key for change in listed(source)] == ["7/2026-01-01"]


def test_a_reference_that_is_no_text_holds_its_entry_alone(answering):
    """The list goes on: the name of a change is only for recognising namesakes."""
    bad = row(7, Reference="a\x0bb", Lines=[line()])
    source, _ = answering([bad, row(8, Reference="Rent")], bad)
    assert [(change.key, change.name) for change in listed(source)] == [
        ("7/2026-01-01", ""), ("8/2026-01-01", "Rent"),
    ]  # fmt: skip
    assert isinstance(next(source.fetch(JOURNALS, ["7/2026-01-01"])), Unreadable)


def test_an_empty_date_is_nothing_and_an_unreadable_stamp_is_read(answering):
    source, _ = answering([row(1, at="1900-01-01T00:00:00"), row(2, at="soon"), row(3)])
    assert [change.at for change in listed(source)][:2] == [None, None]
    assert [change.key for change in listed(source, NOW)] == ["2/2026-01-01"]
    record, _ = answering([], row(PostedDate="1900-01-01T00:00:00", Lines=[line()]))
    assert one(record, JOURNALS, "7/2026-01-01").fields["posted_on"] is None


def test_money_is_never_a_float(answering):
    body = json.dumps(row(Lines=[line(DebitAmount=0)])).replace(
        '"DebitAmount": 0', '"DebitAmount": 12345678901234.56789'
    )
    source, _ = answering([], body.encode())
    (found,) = one(source, JOURNALS, "7/2026-01-01").parts.values()
    assert found["line.debit"] == Decimal("12345678901234.56789")


def test_amounts_may_be_texts_and_zeros_may_be_left_out(answering):
    debit, credit = (
        line(DebitAmount="12.50000 ", SequenceNumber=1),
        line(CreditAmount="12.5", SequenceNumber=2),
    )
    del debit["CreditAmount"], credit["DebitAmount"]
    nothing = line(SequenceNumber=3, CreditAmount=None)
    source, _ = answering([], row(Lines=[debit, credit, nothing]))
    found = one(source, JOURNALS, "7/2026-01-01").parts
    assert [(each["line.debit"], each["line.credit"]) for each in found.values()] == [
        (Decimal("12.5"), 0), (0, Decimal("12.5")), (5, 0),
    ]  # fmt: skip


def test_a_unit_account_has_a_quantity_and_no_money(answering):
    units = line(IsUnitAccount="1", DebitAmount="2.5", CreditAmount="1", CurrencyCode="USD")
    source, _ = answering([], row(Lines=[units]))
    (found,) = one(source, JOURNALS, "7/2026-01-01").parts.values()
    assert (found["line.is_unit"], found["line.quantity"]) == (True, Decimal("1.5"))
    assert (found["line.debit"], found["line.credit"], found["line.currency"]) == (None, None, None)


def test_one_line_may_stand_alone_and_an_entry_may_have_none(answering):
    source, _ = answering([], row(Lines=line()))
    assert list(one(source, JOURNALS, "7/2026-01-01").parts) == ["16384"]
    for nothing in ([], None):
        source, _ = answering([], row(Lines=nothing))
        assert one(source, JOURNALS, "7/2026-01-01").fields["line_count"] == 0


@pytest.mark.parametrize(
    "said",
    [
        {"TransactionState": "3"},
        {"TransactionState": None},
        {"TransactionState": {"Id": 1}},
        {"TransactionState": "open"},
        {"IsVoided": "perhaps"},
        {"FiscalYear": "MMXXVI"},
        {"ExchangeRate": "1,25"},
        {"Reference": "a\0b"},
        {"ModifiedDate": "/Date(999999999999999)/"},
        {"PostedDate": "yesterday"},
        {"Lines": "none"},
        {"Lines": [None]},
        {"Lines": [line(), "x"]},
        {"Lines": [[line()]]},
        {"Lines": [line(DebitAmount="1,250.00")]},
        {"Lines": [line(DebitAmount={"Value": 5})]},
        {"Lines": [line(DebitAmount=[5])]},
        {"Lines": [line(DebitAmount=None, CreditAmount=None)]},
        {"Lines": [line(DebitAmount=" ", CreditAmount="")]},
        {"Lines": [line(DebitAmount="NaN")]},
        {"Lines": [line(DebitAmount="1e400")]},
        {"Lines": [line(SequenceNumber="first")]},
        {"Lines": [line(IsUnitAccount="perhaps")]},
        {"Lines": [line(AccountNumber="\ud800")]},
        {"Lines": [line(DocumentType="invoice")]},
    ],
)  # fmt: skip
def test_a_value_that_is_none_holds_its_entry_alone(answering, said):
    source, _ = answering([], row(Lines=[line()]) | said)
    (found,) = source.fetch(JOURNALS, ["7/2026-01-01"])
    assert isinstance(found, Unreadable), found
    assert found.error.code == "UNREADABLE_VALUE"
    assert len(found.error.happened) < 500
    found.error.happened.encode()


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"fields": {"state": "Posted"}}, r"GET One brought has no state .*\(Posted\)"),
        ({"fields": {"state": ""}}, "has no state"),
        ({"lines_at": "Distributions/Lines"}, r"has no lines .*\(Distributions/Lines\)"),
        ({"line_fields": {"number": "Number"}}, r"has no number of a line .*\(Number\)"),
        ({"line_fields": {"account": "ACTNUMST"}}, r"has no account of a line .*\(ACTNUMST\)"),
        ({"line_fields": {"debit": "Dr"}}, r"has no debit of a line .*\(Dr\)"),
        ({"line_fields": {"credit": ""}}, "has no credit of a line"),
        ({"line_fields": {"is_unit": "Unit"}}, r"has no is_unit of a line .*\(Unit\)"),
    ],
)
def test_what_is_elsewhere_stops_the_run_and_names_the_setting(answering, resource, words):
    """It would else be an entry without lines, lines without amounts, quantities as money, or keys that do not stay."""
    source, transport = answering([row()], row(Lines=[line()]), **resource)
    with pytest.raises(ConfigurationError, match=words) as told:
        one(source, JOURNALS, "7/2026-01-01")
    assert "line_fields" in told.value.remedy
    failed = [check for check in transport.reader.checks(JOURNALS) if not check.ok]
    assert [check.name for check in failed] == ["one of journal_entries by SBA"]


def test_a_list_of_summaries_that_is_taken_for_whole_records_is_told_as_what_it_is(answering):
    source, _ = answering([row()], whole=True)
    keys = [change.key for change in listed(source)]
    with pytest.raises(
        ConfigurationError, match="that the list of journal_entries brought has no lines"
    ) as told:
        list(source.fetch(JOURNALS, keys))
    assert "whole = false" in told.value.remedy


def test_ping_tells_what_it_could_not_prove(answering):
    """A site whose states are numbers would else learn it when every entry is held."""
    numbered = row(state=3, Lines=[line()])
    _, transport = answering([numbered], numbered)
    *_, one_of = transport.reader.checks(JOURNALS)
    assert (one_of.ok, "7/2026-01-01 would be held" in one_of.detail) == (True, True)
    assert "'3' where Work, Open or History belongs" in one_of.detail
    _, transport = answering([row(state="Work")])
    *_, one_of = transport.reader.checks(JOURNALS)
    assert (one_of.ok, "was not tried" in one_of.detail) == (True, True)


def test_fields_may_stand_deeper(answering):
    inside = {"Acct": {"No": "000-1100-00"}, "Dr": {"Amount": 5}, "Cr": {"Amount": 0}, "SequenceNumber": 1}
    said = {"Header": row(), "Dist": {"Row": [inside]}}
    fields = {name: f"Header/{place}" for name, place in RECORD[JOURNALS].items()}
    line_fields = {"account": "Acct/No", "debit": "Dr/Amount", "credit": "Cr/Amount", "is_unit": ""}
    source, _ = answering([], said, fields=fields, lines_at="Dist/Row", line_fields=line_fields)
    (found,) = one(source, JOURNALS, "7/2026-01-01").parts.values()
    assert (found["line.account"], found["line.debit"], found["line.credit"]) == ("000-1100-00", 5, 0)


@pytest.mark.parametrize(
    "record",
    [row(8), row() | {"Date": "2026-01-02"}, row() | {"RecurringTransactionSequence": 2}],
    ids=["id", "date", "sequence"],
)
def test_another_entry_than_the_one_asked_for_stops_the_run(answering, record):
    source, _ = answering([], record | {"Lines": [line()]})
    with pytest.raises(ConfigurationError, match="though '7/2026-01-01' was asked for"):
        one(source, JOURNALS, "7/2026-01-01")


def test_another_account_than_the_one_asked_for_stops_the_run(answering):
    source, _ = answering([], {"AccountNumber": "000-2100-00"}, ACCOUNTS)
    with pytest.raises(ConfigurationError, match="though '000-1100-00' was asked for"):
        one(source, ACCOUNTS, "000-1100-00")


def test_a_service_that_ignores_the_page_is_an_error_and_no_loop(answering):
    source, _ = answering([row(7), row(8)], list_path="/List({after})")
    page = source.list_changes(JOURNALS, None, None)
    assert page.next_after == "8/2026-01-01"
    with pytest.raises(ConfigurationError, match="'8/2026-01-01' again"):
        source.list_changes(JOURNALS, None, page.next_after)


def test_a_service_that_comes_back_to_a_page_is_an_error_and_no_loop(answering):
    source, transport = answering([row(7)], list_path="/List({after})")
    after = source.list_changes(JOURNALS, None, None).next_after
    for number in (8, 9):
        transport.rows = [row(number)]
        after = source.list_changes(JOURNALS, None, after).next_after
    transport.rows = [row(7)]
    with pytest.raises(ConfigurationError, match="'7/2026-01-01' again"):
        source.list_changes(JOURNALS, None, after)


def test_a_page_that_is_asked_for_twice_is_no_loop(answering):
    """By a step that is done again, and by another flow that lists the same records meanwhile."""
    source, transport = answering([row(7)], list_path="/List({after})")
    first = source.list_changes(JOURNALS, None, None)
    assert source.list_changes(JOURNALS, None, None) == first
    transport.rows = [row(8)]
    second = source.list_changes(JOURNALS, None, first.next_after)
    assert source.list_changes(JOURNALS, None, first.next_after) == second


def test_a_page_is_asked_for_by_the_key_that_its_last_row_says(answering):
    """A recurring entry in Work says how often it was posted; it is the service that knows how its keys follow."""
    source, transport = answering(
        [row(state="Work", RecurringTransactionSequence=3)], list_path="/List({after})"
    )
    page = source.list_changes(JOURNALS, None, None)
    transport.rows = []
    source.list_changes(JOURNALS, None, page.next_after)
    assert transport.asked == ["/GPService/List()", "/GPService/List(7;2026-01-01;3)"]


def test_what_waits_to_be_read_is_bounded(answering):
    """Beyond eight million characters a whole record is asked for once more."""
    big = [line(Description="x" * 1000) for _ in range(1000)]
    source, transport = answering([row(number, Lines=big) for number in range(1, 12)], whole=True)
    keys = [change.key for change in listed(source)]
    transport.record = row(11, Lines=big)
    asked = len(transport.asked)
    assert len(list(source.fetch(JOURNALS, keys[:7]))) == 7
    assert len(transport.asked) == asked
    assert one(source, JOURNALS, keys[10]).fields["line_count"] == 1000
    assert len(transport.asked) > asked


def test_what_no_longer_fits_is_not_read_from_an_older_list(answering):
    """Nothing that an earlier list brought may stand in for what the last one had no room for."""
    source, transport = answering([row(number, Lines=[line()]) for number in (1, 2, 3)], whole=True)
    keys = [change.key for change in listed(source)]
    big = [line(Description="x" * 1000) for _ in range(4000)]
    transport.rows = [row(number, Lines=big) for number in (1, 2, 3)]
    listed(source)
    transport.record = row(3, Reference="new", Lines=[line()])
    assert one(source, JOURNALS, keys[2]).fields["reference"] == "new"


def test_hostile_rows_are_a_record_or_a_typed_error():
    resource, names = (
        SbaEntries(list_path="/L", record_path="/R({key})"),
        [*RECORD[JOURNALS].values(), "Lines"],
    )
    junk: Sequence[object] = [
        None,
        True,
        0,
        -1,
        1e300,
        "",
        "x",
        [],
        [[]],
        {},
        {"a": 1},
        "9" * 60,
        "\0",
        "2026-13-01",
    ]
    for name in names:
        for said in junk:
            body = json.dumps([row(Lines=[line()]) | {name: said}]).encode()
            (one,) = sba.read_rows(body, (".",), "GET One")
            try:
                sba_trees.listed(resource, one, "GET One")
                tree = sba_trees.record_tree(resource, one, "GET One")
                key = ledger.read_key(ledger.key_of_row(tree))
                assert key is not None
                ledger.flatten_entry(tree, key)
            except ConnectorError as error:
                error.happened.encode()


def test_a_record_rejected_is_not_a_setting(answering):
    """The first record of ping's may be a bad one; what was asked was understood."""
    _, transport = answering([row()], row(Lines=[line(DebitAmount={})]))
    assert all(check.ok for check in transport.reader.checks(JOURNALS))
    with pytest.raises(RecordRejectedError):
        transport.reader.read(JOURNALS, "7/2026-01-01")
