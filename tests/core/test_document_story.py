"""One record and its document through whatever can happen: people on both sides, answers that are lost, late or both.

The connector here is the least that the plan asks for: it looks, decides, commits what it is about to do, sends, and
keeps what came of it; and it dies between any two of these. The ERP does what was sent at once, later, or never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from documents import ORDER, TERMS, standing, wanted
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import START
from ml_connector.core.catalogue import CHANGED_ON_BOTH_SIDES
from ml_connector.core.document_decisions import (
    Adopt,
    Create,
    Decision,
    Hold,
    Intent,
    Linked,
    Rules,
    Situation,
    Skip,
    Update,
    Wait,
)
from ml_connector.core.document_mapping import Numbering, Wanted
from ml_connector.core.document_plan import linked_after, plan_document
from ml_connector.core.document_values import changed, values_of, wants_of
from ml_connector.core.sales import Document, Standing

TIMEOUT = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
TYPED = ("PO 7", "PO 8")  #: what a person types, and the CRM never says


class Died(Exception):  # noqa: N818 -- no error: the process was killed here
    """The process is no more."""


@dataclass
class Erp:
    """Keeps documents by number; gives numbers; refuses a second one of a number; compares nothing on an update."""

    documents: dict[str, Standing] = field(default_factory=dict)
    under_way: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    given: int = 0

    def create(self, document: Document) -> None:
        number = document.number
        if not number:
            self.given += 1
            number = f"ORDST{self.given}"
        if number not in self.documents:
            self.documents[number] = standing(Wanted(document, None), number)

    def update(self, before: Standing, after: Document) -> None:
        top = max((line.sequence for line in before.document.lines), default=0)
        lines = tuple(
            line if line.sequence else replace(line, sequence=top + 16384 * n)
            for n, line in enumerate(after.lines, 1)
        )
        self.documents[after.number] = replace(before, document=replace(after, lines=lines))

    @property
    def is_typed(self) -> bool:
        """Whether the customer's number is a person's."""
        return any(one.document.customer_po in TYPED for one in self.documents.values())

    def type(self, **values: str) -> None:
        """A person changes every document."""
        for number, there in self.documents.items():
            self.documents[number] = replace(there, document=replace(there.document, **values))

    def later(self, at: datetime, done: Callable[[], None]) -> None:
        self.under_way.append((at, done))

    def work(self, now: datetime) -> None:
        """Do what is due."""
        due = [one for one in self.under_way if one[0] <= now]
        self.under_way = [one for one in self.under_way if one[0] > now]
        for _, done in sorted(due, key=lambda one: one[0]):
            done()

    def found(self, linked: Linked | None, wanted_: Wanted) -> list[Standing]:
        if linked is not None:
            return [self.documents[linked.number]] if linked.number in self.documents else []
        return [
            one for one in self.documents.values() if wanted_.document.reference == one.document.reference
        ]


@dataclass
class Store:
    """What outlives the process."""

    linked: Linked | None = None
    intent: Intent | None = None


#: How a call ends: (minutes until the ERP does it; None: never, whether we hear of it, where we die).
CALLS = st.tuples(
    st.sampled_from([0, 0, 0, 1, 4, 9, None]), st.booleans(), st.sampled_from([None, None, "before", "after"])
)
ROW = st.fixed_dictionaries({"Quantity": st.integers(1, 3).map(Decimal)})
STEPS = st.one_of(
    st.tuples(st.just("run"), CALLS),
    st.tuples(st.just("crm"), st.tuples(st.lists(ROW, min_size=1, max_size=2), st.sampled_from(["PO 1", "PO 2"]))),
    # Nobody can tell a value that a person puts back from an update that was never done: they type other ones.
    st.tuples(st.just("erp"), st.sampled_from([{"comment": "seen"}, *({"customer_po": typed} for typed in TYPED)])),
    st.tuples(st.just("pass"), st.integers(1, 11)),
)  # fmt: skip


class World:
    """The CRM, the ERP, the store, and the time."""

    def __init__(self, numbering: Numbering) -> None:
        self.terms = replace(TERMS, numbering=numbering)
        self.rules = Rules(numbering, TIMEOUT)
        self.erp, self.store, self.now = Erp(), Store(), START
        self.rows: list[dict[str, Decimal]] = [{}]
        self.po = "PO 1"
        self.sent = 0

    @property
    def wanted(self) -> Wanted:
        return wanted(*self.rows, terms=self.terms, Purchase_Order=self.po)

    def take(self, step: tuple[str, object]) -> None:
        what, how = step
        if what == "pass":
            assert isinstance(how, int)
            self.pass_time(how)
        elif what == "crm":
            self.rows, self.po = how  # type: ignore[misc]
        elif what == "erp":
            self.erp.type(**how)  # type: ignore[arg-type]
        else:
            self.run(how)  # type: ignore[arg-type]

    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.now += MINUTE
            self.erp.work(self.now)

    def run(self, call: tuple[int | None, bool, str | None] = (0, True, None)) -> Decision:
        """One look of the connector, and what follows from it."""
        self.erp.work(self.now)
        known, looked_at = self.wanted, self.now
        decision = self._plan(known, looked_at)
        try:
            if isinstance(decision, Adopt):
                self.store.linked, self.store.intent = decision.linked, None
            elif isinstance(decision, Skip) and decision.left and self.store.linked:
                self.store.linked = replace(self.store.linked, left=decision.left)
            elif isinstance(decision, Create | Update):
                self._send(decision, known, call)
        except Died:
            pass
        return decision

    def _plan(self, known: Wanted, looked_at: datetime) -> Decision:
        found = self.erp.found(self.store.linked, known)
        situation = Situation(ORDER, known, self.store.linked, found, looked_at, self.store.intent)
        return plan_document(situation, self.rules)

    def _send(
        self, decision: Create | Update, known: Wanted, call: tuple[int | None, bool, str | None]
    ) -> None:
        minutes, is_heard, dies = call
        if isinstance(decision, Update) and "customer_po" in {one.path for one in decision.differences}:
            assert not self.erp.is_typed, "a person's value would be written over unseen"
        self.store.intent = Intent(self.now, wants_of(known))
        if dies == "before":
            raise Died
        self.sent += 1
        done = self._done(decision)
        if minutes is not None:
            self.erp.later(self.now + minutes * MINUTE, done)
        self.erp.work(self.now)
        if minutes != 0 or not is_heard or dies == "after":
            raise Died  # no answer is as good as none
        self._keep(known)

    def _done(self, decision: Create | Update) -> Callable[[], None]:
        if isinstance(decision, Create):
            return lambda: self.erp.create(decision.document)
        return lambda: self.erp.update(decision.before, decision.document)

    def _keep(self, known: Wanted) -> None:
        """Read back, and keep what stands there now; a number that the ERP gave is found by the next look."""
        found = self.erp.found(self.store.linked, known)
        if len(found) != 1:
            return
        (there,) = found
        self.store.linked, self.store.intent = linked_after(self.store.linked, known, there), None


@pytest.mark.parametrize("numbering", list(Numbering))
@given(steps=st.lists(STEPS, max_size=14))
@settings(max_examples=200)
def test_one_record_is_one_document_and_both_sides_agree_in_the_end(numbering, steps):
    world = World(numbering)
    for step in steps:
        world.take(step)
        assert len(world.erp.documents) <= 1
    world.pass_time(10)  # whatever was sent is done by now, or never
    decisions = [world.run() for _ in range(6)]
    ((there),) = world.erp.documents.values()
    if isinstance(decisions[-1], Hold):
        assert decisions[-1].code == CHANGED_ON_BOTH_SIDES
        assert world.erp.is_typed
    else:
        assert isinstance(decisions[-1], Skip), decisions[-1]
        stands, wants = values_of(there.document), values_of(world.wanted.document)
        differ = [path for path in changed(stands, wants) if path in wants]
        assert differ == (["customer_po"] if world.erp.is_typed else [])
        references = [line.reference for line in there.document.lines]
        assert sorted(references) == [line.reference for line in world.wanted.document.lines]
    sent = world.sent
    world.pass_time(60)
    world.run()
    assert world.sent == sent  # quiet


@pytest.mark.parametrize("numbering", list(Numbering))
def test_a_person_s_comment_in_the_erp_outlives_every_change_of_the_crm(numbering):
    world = World(numbering)
    for _ in range(3):
        world.run()
    world.take(("erp", {"comment": "call first"}))
    world.take(("crm", ([{"Quantity": Decimal(3)}, {}], "PO 2")))
    for _ in range(3):
        world.run()
    (there,) = world.erp.documents.values()
    assert there.document.comment == "call first"
    assert there.document.reference == ORDER
    assert len(there.document.lines) == 2


def test_where_gp_numbers_nothing_is_sent_while_a_create_may_still_be_done():
    world = World(Numbering.GP)
    world.run((9, False, None))
    for _ in range(8):
        world.pass_time(1)
        assert isinstance(world.run(), Wait)
    world.pass_time(1)
    assert isinstance(world.run(), Adopt)
    assert world.sent == 1


def test_a_hold_is_not_the_end_of_it():
    """Both sides changed the customer's number: a person decides; then it goes on."""
    world = World(Numbering.OWN)
    for _ in range(3):
        world.run()
    (there,) = world.erp.documents.values()
    world.erp.documents[there.document.number] = replace(
        there, document=replace(there.document, customer_po="PO 9")
    )
    world.po = "PO 2"
    assert isinstance(world.run(), Hold)
    world.po = "PO 9"
    assert isinstance(world.run(), Skip)
    world.po = "PO 3"
    assert isinstance(world.run(), Update)
    assert isinstance(world.run(), Skip)
