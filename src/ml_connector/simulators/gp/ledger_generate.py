"""Journal entries: Fabrikam's own few, and any number more, the same for the same seed and balanced to the cent.

A third of all entries stand on the last day of a month, and one in twenty-five on one single day, so that one date
alone passes a row limit. Sales carry their cost, so that there is a margin. Closed years carry the one stamp of their
year-end close, without the entries that closing made; the present year the stamps of its postings; a few entries wait
in Work. Journal ids go up with the time of entering, not quite with the date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import islice
from random import Random

from ml_connector.simulators.gp import chart
from ml_connector.simulators.gp.company import EXCHANGE_RATES, Company
from ml_connector.simulators.gp.ledger import SEQUENCE_STEP, Entry, Line, Origin, State
from ml_connector.simulators.gp.options import GpOptions

FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2026, 6, 30)
HEAVY_DAY = date(2025, 12, 31)
CLOSED = {
    2024: datetime(2025, 1, 21, 3, 2, 1, tzinfo=UTC),
    2025: datetime(2026, 1, 20, 3, 2, 1, tzinfo=UTC),
}  # year -> the stamp of its close
FIRST_JOURNAL = 3300

_DAYS = (LAST_DAY - FIRST_DAY).days
_FOREIGN = ("CAD", "EUR", "GBP", "AUD")
_WORDS = ("Monthly accrual", "Bank fees", "Office supplies", "Rent", "Depreciation", "Payroll", "Travel & meals",
          "Consulting <Q2>", "Insurance", "Reclassification")  # fmt: skip
_DOCUMENTS = {  # series -> (source document, kind of number, type, accounts)
    "Purchasing": ("PMTRX", "INV-", 1, ("000-6500-01", "000-6620-00", "000-6630-00", "000-2100-00")),
    "Sales": ("SJ", "STDINV", 3, ()),
}
_RECEIVABLES = "000-1200-00"
_SOLD_BY = ("01", "02")  # the departments that have sales, cost of goods sold and inventory


def entries(options: GpOptions, company: Company) -> Iterator[Entry]:
    """Yield the entries of company -1; `options.journal_entries` in all, Fabrikam's own included."""
    own = list(_own(company))
    yield from own
    made = _generated(options.seed, company, options.journal_entries)
    yield from islice(made, max(0, options.journal_entries - len(own)))


def _line(
    number: int, account: str, debit: int = 0, credit: int = 0, text: str = "", *, unit: bool = False
) -> Line:
    return Line(number * SEQUENCE_STEP, account, debit, credit, debit, credit, text, None, unit)


def _own(company: Company) -> Iterator[Entry]:
    """One of each kind that a client has to know."""
    two = (_line(1, "000-1100-00", 125_000, 0, "Deposit"), _line(2, "000-4000-00", 0, 125_000))
    at = datetime(2026, 5, 6, 14, 30, 5, tzinfo=UTC)
    open_ = Entry(3001, date(2026, 5, 6), two, fiscal_year=2026, reference="Deposit", modified_at=at)
    yield open_
    accrual = (_line(1, "000-6100-01", 990_000), _line(2, "000-2111-00", 0, 990_000))
    yield replace(open_, journal_id=3002, on=date(2026, 4, 30), lines=accrual, reference="Accrued wages")
    back = _turned(accrual)
    yield replace(open_, journal_id=3002, on=date(2026, 5, 1), lines=back, reference="Accrued wages")
    rent = (_line(1, "000-6500-01", 210_000, 0, "Rent"), _line(2, "000-1100-00", 0, 210_000, "Rent"))
    for number in (1, 2, 3):
        yield replace(
            open_, journal_id=3003, on=date(2026, number, 1), sequence=number, lines=rent, reference="Rent"
        )
    next_rent = replace(open_, journal_id=3003, on=date(2026, 4, 1), sequence=3, lines=rent, reference="Rent")
    yield replace(next_rent, state="Work", is_recurring=True, batch="RENT", posted_by="")
    units = (_line(1, "000-9045-00", 14_00, unit=True), *two)
    numbered = tuple(line._replace(sequence=(n + 1) * SEQUENCE_STEP) for n, line in enumerate(units))
    yield replace(open_, journal_id=3004, lines=numbered, reference="Sold by unit")
    yield replace(open_, journal_id=3005, is_voided=True, reference="Voided")
    yield replace(open_, journal_id=3006, state="Work", batch="WAITING", reference="Not posted", posted_by="")
    closed = replace(open_, on=date(2025, 3, 31), fiscal_year=2025, state="History", modified_at=CLOSED[2025])
    yield replace(closed, journal_id=3007, reference="Of a closed year")
    yield replace(
        open_, journal_id=3008, lines=_in_currency(two, "EUR"), currency="EUR", reference="In euros"
    )
    yield from _from_documents(open_, company)


def _from_documents(like: Entry, company: Company) -> Iterator[Entry]:
    document = next(company.documents.rows())
    vendor = company.vendors.get(document.vendor_id)
    customer = company.customers.get("AARONFIT0001")
    assert vendor is not None
    assert customer is not None
    bought = Origin(document.id, document.number, vendor.id, vendor.name, 1)
    sold = Origin("STDINV2261", "STDINV2261", customer.id, customer.name, 3)
    cents = 45_010
    for journal_id, origin, series, debit, credit in (
        (3009, bought, "Purchasing", "000-6500-00", "000-2100-00"),
        (3010, sold, "Sales", "000-1200-00", "000-4000-00"),
    ):
        lines = (_line(1, debit, cents), _line(2, credit, 0, cents))
        yield replace(
            like,
            journal_id=journal_id,
            lines=tuple(line._replace(origin=origin) for line in lines),
            series=series,
            source_document=_DOCUMENTS[series][0],
            reference=f"{series} document",
        )


def _generated(seed: int, company: Company, count: int) -> Iterator[Entry]:
    """Yield entries without end; `count` is over how many the two and a half years are spread."""
    random = Random(seed * 3 + 5)
    masters = {
        "Purchasing": [(vendor.id, vendor.name) for vendor in islice(company.vendors.rows(), 500)],
        "Sales": [(customer.id, customer.name) for customer in islice(company.customers.rows(), 500)],
    }
    number = 0
    while True:
        entry = _entry(random, number, count, masters)
        yield entry
        if number % 40 == 7 and entry.state != "Work" and entry.on < HEAVY_DAY:
            yield _moved(replace(entry, lines=_turned(entry.lines)), entry.on + timedelta(days=1))
        if number % 90 == 11 and entry.state != "Work":
            yield _moved(replace(entry, sequence=2), _dated(entry.on + timedelta(days=31)))
        number += 1


def _entry(random: Random, number: int, count: int, masters: dict[str, list[tuple[str, str]]]) -> Entry:
    on = _day(random, number, count)
    draw = random.random()
    series = "Purchasing" if draw < 0.3 else "Sales" if draw < 0.6 else "Financial"
    currency = _FOREIGN[int(draw * 9973) % len(_FOREIGN)] if number % 12 == 5 else "USD"
    in_work = number % 60 == 59 and on.year == LAST_DAY.year
    source, kind, type_, accounts = _DOCUMENTS.get(series, ("GJ", "", 0, ()))
    lines = _sold(random) if series == "Sales" else _lines(random, accounts or _ACCOUNTS)
    if kind:
        master_id, name = masters[series][int(random.random() * len(masters[series]))]
        origin = Origin(f"{number:017d}", f"{kind}{number:06d}", master_id, name, type_)
        lines = tuple(line._replace(origin=origin) for line in lines)
    if currency != "USD":
        lines = _in_currency(lines, currency)
    state: State = "Work" if in_work else "History" if on.year in CLOSED else "Open"
    return Entry(
        journal_id=FIRST_JOURNAL + number,
        on=on,
        lines=lines,
        state=state,
        sequence=1 if number % 90 == 11 and not in_work else 0,
        fiscal_year=on.year,
        reference=_WORDS[number % len(_WORDS)],
        source_document=source,
        series=series,
        currency=currency,
        batch="WORK" if in_work else "",
        is_voided=number % 150 == 3 and not in_work,
        posted_by="" if in_work else "sa",
        modified_at=CLOSED.get(on.year) or _stamp(on, number),
    )


def _day(random: Random, number: int, count: int) -> date:
    """The date: as far through the time as the number through the count, but many at a month's end."""
    if number % 25 == 1:
        return HEAVY_DAY
    day = FIRST_DAY + timedelta(days=min(_DAYS, number * _DAYS // max(count, 1)))
    if random.random() < 0.33:
        month = day.replace(day=28) + timedelta(days=4)
        return _dated(month - timedelta(days=month.day))
    if number % 33 == 4:  # entered late
        return max(FIRST_DAY, day - timedelta(days=40))
    return day


def _dated(day: date) -> date:
    return min(day, LAST_DAY)


def _stamp(on: date, number: int) -> datetime:
    """When it was posted: in the evening of its day, in no order with other entries."""
    return datetime.combine(on, time(17, 0), UTC) + timedelta(seconds=number * 37 % 3600)


def _moved(entry: Entry, on: date) -> Entry:
    """The same journal id on another date."""
    state: State = "History" if on.year in CLOSED else "Open"
    stamp = CLOSED.get(on.year) or entry.modified_at
    return replace(entry, on=on, state=state, fiscal_year=on.year, modified_at=stamp)


def _turned(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The other way round: what a reversing entry posts on its second date."""
    return tuple(
        line._replace(
            debit=line.credit,
            credit=line.debit,
            original_debit=line.original_credit,
            original_credit=line.original_debit,
        )
        for line in lines
    )


def _accounts() -> tuple[str, ...]:
    return tuple(a.id for a in chart.accounts() if a.type == "Posting" and a.is_active)


_ACCOUNTS = _accounts()


def _lines(random: Random, accounts: Sequence[str]) -> tuple[Line, ...]:
    """Two to ten lines that balance."""
    many = 1 + int(random.random() * 5)
    others = 1 + int(random.random() * 5)
    total = 1_000 + int(random.random() * 2_000_000)
    start = int(random.random() * len(accounts))
    sides = [(part, 0) for part in _parts(random, total, many)] + [
        (0, part) for part in _parts(random, total, others)
    ]
    made = tuple(
        _line(number + 1, accounts[(start + number) % len(accounts)], debit, credit)
        for number, (debit, credit) in enumerate(sides)
    )
    return _with_units(made, total)


def _sold(random: Random) -> tuple[Line, ...]:
    """What posting an invoice of goods makes: receivables to sales, and beside it cost of goods sold to inventory.

    Sales Order Processing posts the cost with the invoice where the item is of the inventory; a tenth is not.
    """
    revenue = 1_000 + int(random.random() * 2_000_000)
    cost = 0 if random.random() < 0.1 else revenue * (45 + int(random.random() * 45)) // 100
    department = _SOLD_BY[int(random.random() * len(_SOLD_BY))]
    sold = _parts(random, revenue, 1 + int(random.random() * 3))
    sides = [(_RECEIVABLES, revenue, 0), *((f"000-4110-{department}", 0, part) for part in sold)]
    if cost:
        sides += [(f"000-4510-{department}", cost, 0), (f"000-1300-{department}", 0, cost)]
    made = tuple(_line(number, *side) for number, side in enumerate(sides, 1))
    return _with_units(made, revenue)


def _with_units(made: tuple[Line, ...], total: int) -> tuple[Line, ...]:
    """The lines; now and then one of a unit account more."""
    if total % 50 or len(made) == 10:
        return made
    return (
        *made,
        _line(len(made) + 1, chart.UNIT_ACCOUNTS[total // 50 % 2], 100 + total % 10_000, unit=True),
    )


def _parts(random: Random, total: int, count: int) -> list[int]:
    """A sum in parts of at least a cent."""
    cuts = sorted({1 + int(random.random() * (total - 1)) for _ in range(count - 1)})
    return [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]


def _in_currency(lines: Sequence[Line], currency: str) -> tuple[Line, ...]:
    """Take the amounts as the currency's; in the company's own the greatest credit takes what rounding leaves."""
    rate = EXCHANGE_RATES[currency]
    made = [
        line if line.is_unit else line._replace(debit=_at(line.debit, rate), credit=_at(line.credit, rate))
        for line in lines
    ]
    left = sum(line.debit - line.credit for line in made if not line.is_unit)
    greatest = max(range(len(made)), key=lambda n: made[n].credit)
    made[greatest] = made[greatest]._replace(credit=made[greatest].credit + left)
    return tuple(made)


def _at(cents: int, rate: Decimal) -> int:
    return int((cents * rate).quantize(Decimal(1), ROUND_HALF_EVEN))
