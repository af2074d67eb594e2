"""An ERP in memory that sales documents and master edits are written to: fakes at the ports, for what flows decide.

It has GP's ways as far as the ports promise them: a number is one document's, a line's number goes up by 16384, what is
left out is filled in, prices may be reckoned anew, an order that is invoiced whole is in history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from memory import FakeClock
from ml_connector.core.change import Page
from ml_connector.core.errors import ConnectorError, NotDoneError, RecordRejectedError, RetryableError
from ml_connector.core.ports import Refused
from ml_connector.core.record import Record, Value, fold_key
from ml_connector.core.sales import Document, Kind, Line, Listed, Progress, ShipTo, Standing, require_same
from ml_connector.core.sales_ports import Accepted, Edit, Need, Outcome, Sought, Taken, Thing, Unsure

ZERO, STEP = Decimal(0), 16384
Answer = TypeVar("Answer")


class KilledError(BaseException):
    """The process dies here."""


@dataclass
class Fault:
    """What goes wrong with a call: before the work, after it when the answer is lost, or with the work done later."""

    error: BaseException
    after: bool = False
    late: bool = False


def away() -> Fault:
    """Nothing was sent."""
    return Fault(NotDoneError("The ERP cannot be reached."))


def lost() -> Fault:
    """It was done, and the answer was lost."""
    return Fault(RetryableError("The ERP did not answer in time."), after=True)


def unsure() -> Fault:
    """It was not done, which nobody can tell."""
    return Fault(RetryableError("The ERP did not answer in time."))


def late() -> Fault:
    """It is done some time after the answer was lost: when ``do_late`` is called."""
    return Fault(RetryableError("The ERP did not answer in time."), late=True)


@dataclass
class Calls:
    """What was called, and what goes wrong with the next calls, in order."""

    faults: list[Fault | None] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    _late: list[Callable[[], object]] = field(default_factory=list)

    def run(self, name: str, work: Callable[[], Answer]) -> Answer:
        self.made.append(name)
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return work()
        if fault.after:
            work()
        if fault.late:
            self._late.append(work)
        raise _anew(fault.error)

    def do_late(self) -> int:
        """Do what was put off; how much that was."""
        waiting, self._late = self._late, []
        for work in waiting:
            work()
        return len(waiting)


def _anew(error: BaseException) -> BaseException:
    """The same error: one that was raised before carries its traceback."""
    return type(error)(error.happened) if isinstance(error, ConnectorError) else type(error)()


def rejected(code: str, happened: str, *, heals: bool = False) -> RecordRejectedError:
    return RecordRejectedError(happened, "Mend it in the ERP.", code=code, heals=heals)


@dataclass
class MemoryDocuments:
    """Implements the port ``Documents``."""

    clock: FakeClock
    customers: dict[str, str] = field(
        default_factory=lambda: {"AARONFIT0001": "", "ADAMPARK0001": ""}
    )  #: with the code of what is against it; empty: nothing
    items: dict[str, Decimal] = field(
        default_factory=lambda: {
            "100XLG": Decimal("59.95"), "128 SDRAM": Decimal("189.95"), "24X IDE": Decimal("139.95")
        }
    )  #: with their prices  # fmt: skip
    reckons_prices: bool = False  #: the ERP's price takes the place of ours
    tells_numbers: bool = False  #: a create without a number tells which it got
    page_rows: int = 1000
    breaks_on: frozenset[str] = frozenset()  #: numbers on which the ERP fails and hides why; nothing is done
    calls: Calls = field(default_factory=Calls)
    _kept: dict[tuple[Kind, str], Standing] = field(default_factory=dict)
    _next: int = 1000

    # -- the port

    def find(self, kind: Kind, number: str) -> Standing | None:
        return self.calls.run("find", lambda: self._kept.get((kind, fold_key(number))))

    def list_documents(self, sought: Sought, after: str | None) -> Page[Listed]:
        return self.calls.run("list_documents", lambda: self._page(sought, after))

    def create(self, document: Document) -> Outcome:
        if document.kind is Kind.INVOICE:
            raise ValueError("invoices are made in the ERP alone")
        return self.calls.run("create", lambda: self._create(document))

    def update(self, before: Standing, after: Document) -> Outcome:
        require_same(before.document, after)
        return self.calls.run("update", lambda: self._update(before, after))

    def void(self, kind: Kind, number: str) -> Outcome:
        return self.calls.run("void", lambda: self._void(kind, number))

    # -- behind the flow's back

    def put(self, document: Document, **more: object) -> Standing:
        """A person enters it; its number is taken as it stands."""
        return self._keep(self._filled(document), self._master(), **more)

    def change(self, kind: Kind, number: str, **changes: object) -> Standing:
        """A person changes fields of it."""
        was = self._kept[kind, fold_key(number)]
        return self._keep(replace(was.document, **changes), was.master_number, progress=was.progress)

    def advance(self, number: str, sequence: int, **progress: Decimal) -> Standing:
        """A line of an order goes on: allocated, fulfilled, cancelled, cost."""
        was = self._kept[Kind.ORDER, fold_key(number)]
        told = tuple(replace(one, **progress) if one.sequence == sequence else one for one in was.progress)
        return self._keep(was.document, was.master_number, progress=told)

    def invoice(self, number: str, parts: Mapping[int, Decimal] | None = None) -> str:
        """Invoice an order and post that: all that remains, or so many of these lines; the invoice's number."""
        was = self._kept[Kind.ORDER, fold_key(number)]
        lines = {line.sequence: line for line in was.document.lines}
        left = {p.sequence: lines[p.sequence].quantity - p.cancelled - p.invoiced for p in was.progress}
        taken = dict(left if parts is None else parts)
        self._next += 1
        made = replace(
            was.document,
            kind=Kind.INVOICE,
            number=f"INV{self._next}",
            lines=tuple(replace(lines[sequence], quantity=many) for sequence, many in taken.items()),
        )
        told = tuple(replace(p, invoiced=p.invoiced + taken.get(p.sequence, ZERO)) for p in was.progress)
        whole = all(left[sequence] == taken.get(sequence, ZERO) for sequence in left)
        self._keep(was.document, was.master_number, progress=told, is_in_history=whole)
        self._keep(made, was.master_number, came_from=number, is_in_history=True)
        return made.number

    def transfer(self, number: str) -> str:
        """Make an order of a quote, which goes to history; the order's number. Done again, it makes another."""
        was = self._kept[Kind.QUOTE, fold_key(number)]
        self._keep(was.document, was.master_number, progress=was.progress, is_in_history=True)
        made = replace(was.document, kind=Kind.ORDER, number=self._number(), reference="", customer_po="")
        self._keep(made, was.master_number, came_from=number)
        return made.number

    def remove(self, kind: Kind, number: str) -> None:
        del self._kept[kind, fold_key(number)]

    def every(self) -> list[Standing]:
        return list(self._kept.values())

    # -- the work

    def _create(self, document: Document) -> Outcome:
        if document.number and (document.kind, fold_key(document.number)) in self._kept:
            return Taken(rejected("NUMBER_TAKEN", f"There is {document.number} already."))
        if (against := self._against(document)) is not None:
            return against
        number = document.number.rstrip() or self._number()
        self._keep(self._filled(replace(document, number=number)), self._master())
        return Accepted(number if document.number or self.tells_numbers else "")

    def _update(self, before: Standing, after: Document) -> Outcome:
        key = after.kind, fold_key(after.number)
        now = self._kept.get(key)
        if now is None:
            return Refused(rejected("GP_NOT_THERE", "It is not there any more."), gone=True)
        if now.document != before.document:
            error = rejected("GP_OVERTAKEN", "It was changed meanwhile.", heals=True)
            return Refused(error, overtaken=True)
        if now.is_in_history:
            return Refused(rejected("IN_HISTORY", "It is in history."))
        if (against := self._against(after)) is not None:
            return against
        last = max((line.sequence for line in before.document.lines), default=0)
        was = {line.sequence: line for line in before.document.lines}
        told = {one.sequence: one for one in now.progress}
        lines = [self._renewed(line, was.get(line.sequence)) for line in after.lines]
        document = self._filled(replace(after, lines=tuple(lines)), last)
        progress = (told.get(line.sequence, _nothing_done(line)) for line in document.lines)
        self._keep(document, now.master_number, progress=tuple(progress))
        return Accepted(now.document.number)

    def _renewed(self, line: Line, was: Line | None) -> Line:
        """A line of another item is another line."""
        return line if was is None or was.item == line.item else replace(line, sequence=0)

    def _void(self, kind: Kind, number: str) -> Outcome:
        was = self._kept.get((kind, fold_key(number)))
        if was is None:
            return Refused(rejected("GP_NOT_THERE", "It is not there any more."), gone=True)
        if was.is_in_history:
            return Refused(rejected("IN_HISTORY", "It is in history."))
        if any(one.invoiced for one in was.progress):
            return Refused(rejected("ALREADY_INVOICED", "A part of it is invoiced."))
        self._keep(was.document, was.master_number, progress=was.progress, is_in_history=True, is_voided=True)
        return Accepted(was.document.number)

    def _against(self, document: Document) -> Outcome | None:
        if document.number in self.breaks_on:
            return Unsure(rejected("GP_FAILED_AT_WRITING", "The ERP failed and hides why.", heals=True))
        customers = {fold_key(name): code for name, code in self.customers.items()}
        code = customers.get(fold_key(document.customer), "CUSTOMER_UNKNOWN")
        if code:
            return Refused(
                rejected(code, f"The customer {document.customer} is not taken: {code}.", heals=True)
            )
        items = set(map(fold_key, self.items))
        for line in document.lines:
            if not line.is_non_inventory and fold_key(line.item) not in items:
                return Refused(rejected("ITEM_UNKNOWN", f"There is no item {line.item}.", heals=True))
        if any("\x00" <= letter < " " for letter in document.comment.replace("\n", "")):
            return Refused(rejected("TEXT_NOT_XML", "The comment holds a control character."))
        return None

    def _filled(self, document: Document, last: int = 0) -> Document:
        """What is left out, as the ERP fills it in."""
        lines = []
        for line in document.lines:
            last += 0 if line.sequence else STEP
            lines.append(self._filled_line(line, document, line.sequence or last))
        amounts = ("freight", "trade_discount", "miscellaneous", "tax")
        return replace(
            document,
            **{name: getattr(document, name) or ZERO for name in amounts},
            lines=tuple(lines),
            type_id=document.type_id or {Kind.QUOTE: "STDQTE"}.get(document.kind, "STDORD"),
            on=document.on or self.clock.now().date(),
            currency=document.currency or "USD",
            price_level=document.price_level or "RETAIL",
            shipping_method=document.shipping_method or "LOCAL DELIVERY",
            site=document.site or "WAREHOUSE",
            ship_to_key=document.ship_to_key or "WAREHOUSE",
            ship_to=document.ship_to or ShipTo(name="Warehouse", city="Chicago"),
        )

    def _filled_line(self, line: Line, document: Document, sequence: int) -> Line:
        price = next((p for name, p in self.items.items() if fold_key(name) == fold_key(line.item)), None)
        ours = line.unit_price is not None and (not self.reckons_prices or price is None)
        return replace(
            line,
            sequence=sequence,
            unit=line.unit or ("" if line.is_non_inventory else "Each"),
            unit_price=line.unit_price if ours else price or ZERO,
            discount=line.discount or ZERO,
            tax=line.tax or ZERO,
            site=line.site or document.site or "WAREHOUSE",
            description=line.description or line.item,
            requested_on=line.requested_on or document.requested_on,
            account=line.account or "000-4110-01",
        )

    def _keep(self, document: Document, master_number: int, **more: object) -> Standing:
        lines = sum((_amount(line) for line in document.lines), ZERO)
        added = (document.freight or ZERO) + (document.miscellaneous or ZERO) + (document.tax or ZERO)
        total = lines - (document.trade_discount or ZERO) + added
        told = {"progress": tuple(map(_nothing_done, document.lines)), **more}
        at = self.clock.now().replace(microsecond=0)
        made = Standing(document, total, lines, master_number=master_number, modified_at=at, **told)
        self._kept[document.kind, fold_key(document.number)] = made
        return made

    def _number(self) -> str:
        self._next += 1
        return f"ORDST{self._next}"

    def _master(self) -> int:
        self._next += 1
        return self._next

    def _page(self, sought: Sought, after: str | None) -> Page[Listed]:
        numbers = sorted({number for (_, number), one in self._kept.items() if _is_sought(one, sought)})
        rest = [number for number in numbers if after is None or number > after]
        page = rest[: self.page_rows]
        rows = [one for (_, number), one in self._kept.items() if number in page and _is_sought(one, sought)]
        rows.sort(key=lambda one: (fold_key(one.document.number), one.document.kind))
        return Page([_listed(one) for one in rows], page[-1] if len(rest) > len(page) else None)


def _amount(line: Line) -> Decimal:
    return (line.quantity * ((line.unit_price or ZERO) - (line.discount or ZERO))).quantize(Decimal("0.01"))


def _nothing_done(line: Line) -> Progress:
    return Progress(line.sequence, ZERO, ZERO, ZERO, ZERO)


def _is_sought(one: Standing, sought: Sought) -> bool:
    document = one.document
    return (
        document.kind in sought.kinds
        and fold_key(sought.customer) in ("", fold_key(document.customer))
        and fold_key(sought.customer_po) in ("", fold_key(document.customer_po))
        and sought.master_number in (0, one.master_number)
        and (sought.since is None or one.modified_at is None or one.modified_at >= sought.since)
    )


def _listed(one: Standing) -> Listed:
    document = one.document
    return Listed(
        document.kind,
        document.number,
        document.customer,
        one.master_number,
        document.customer_po,
        one.is_in_history,
        one.modified_at,
    )


@dataclass
class MemoryMasterEdits:
    """Implements the port ``MasterEdits``; a record is its flat fields, and every role has an address of its own."""

    clock: FakeClock
    records: dict[tuple[str, str], dict[str, Value]] = field(default_factory=dict)
    stamps: dict[tuple[str, str], datetime] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)  #: key -> the code it is refused with
    calls: Calls = field(default_factory=Calls)
    fields: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {
            entity: frozenset(
                (
                    "name",
                    *(f"default.{name}" for name in ("contact_person", "line1", "city", "phone1", "email")),
                )
            )
            for entity in ("customers", "vendors")
        }
    )

    def editable(self, entity: str) -> frozenset[str]:
        return self.fields[entity]

    def settable(self, entity: str) -> frozenset[str]:
        if entity != "customers":
            return frozenset()
        return self.fields[entity] | {"class_id", "default.address_id"}

    def read(self, entity: str, key: str) -> Record | None:
        return self.calls.run("read", lambda: self._read(entity, key))

    def edit(self, edit: Edit) -> Outcome:
        _require(edit.fields, self.editable(edit.entity))
        return self.calls.run("edit", lambda: self._edit(edit))

    def create(self, entity: str, key: str, fields: Mapping[str, Value]) -> Outcome:
        _require(fields, self.settable(entity))
        if any(name.startswith("default.") and value for name, value in fields.items()) and not fields.get(
            "default.address_id"
        ):
            raise ValueError("the default address needs an address_id")
        return self.calls.run("create", lambda: self._create(entity, key, fields))

    def put(self, entity: str, key: str, **fields: Value) -> None:
        """A person enters or changes it; a role's field is written with two underscores."""
        own = {name.replace("__", "."): value for name, value in fields.items()}
        self._keep(entity, key, own)

    def _keep(self, entity: str, key: str, fields: Mapping[str, Value]) -> None:
        place = entity, fold_key(key)
        blank = {**dict.fromkeys(self.settable(entity) | self.editable(entity)), f"{entity[:-1]}_id": key}
        self.records[place] = {**blank, **self.records.get(place, {}), **fields}
        self.stamps[place] = self.clock.now().replace(microsecond=0)

    def _read(self, entity: str, key: str) -> Record | None:
        found = self.records.get((entity, fold_key(key)))
        if found is None:
            return None
        stamped = {**found, "modified_at": self.stamps[entity, fold_key(key)]}
        return Record(entity, str(found[f"{entity[:-1]}_id"]), stamped, self.clock.now())

    def _edit(self, edit: Edit) -> Outcome:
        found = self._read(edit.entity, edit.key)
        if found is None:
            return Refused(rejected("GP_NOT_THERE", "It is not there any more."), gone=True)
        moved = any((found.fields[name] or None) != (value or None) for name, value in edit.expected.items())
        stamp = self.stamps[edit.entity, fold_key(edit.key)]
        if moved or (edit.unmodified_since is not None and stamp > edit.unmodified_since):
            return Refused(rejected("GP_OVERTAKEN", "It was changed meanwhile.", heals=True), overtaken=True)
        if (refused := self._refused(edit.key)) is not None:
            return refused
        if any((found.fields[name] or None) != (value or None) for name, value in edit.fields.items()):
            self._keep(edit.entity, edit.key, {name: value or None for name, value in edit.fields.items()})
        return Accepted(edit.key.rstrip())

    def _create(self, entity: str, key: str, fields: Mapping[str, Value]) -> Outcome:
        if (entity, fold_key(key)) in self.records:
            return Taken(rejected("NUMBER_TAKEN", f"There is {key} already."))
        if (refused := self._refused(key)) is not None:
            return refused
        self._keep(entity, key.rstrip(), fields)
        return Accepted(key.rstrip())

    def _refused(self, key: str) -> Outcome | None:
        code = self.refuses.get(key)
        return None if code is None else Refused(rejected(code, f"{key} is refused: {code}."))


def _require(fields: Iterable[str], known: frozenset[str]) -> None:
    if unknown := sorted(set(fields) - known):
        raise ValueError(f"these cannot be written: {', '.join(unknown)}")


@dataclass
class MemorySetUp:
    """Implements the port ``SetUp``: it has what is put into it."""

    there: set[Need] = field(default_factory=set)

    def missing(self, needs: Sequence[Need]) -> Mapping[Need, str]:
        known = {(need.thing, fold_key(need.id), fold_key(need.item)) for need in self.there}
        return {
            need: f"The ERP has no {need.thing} {need.id}."
            for need in needs
            if (need.thing, fold_key(need.id), fold_key(need.item)) not in known
        }

    def put(self, thing: Thing, id_: str, item: str = "") -> None:
        self.there.add(Need(thing, id_, item))
