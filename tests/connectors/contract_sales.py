"""Every promise of ``core/sales_ports.py`` as tests: a subclass with a ``world`` is held to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest
from contract import walk

from ml_connector.core.errors import NotDoneError, RetryableError
from ml_connector.core.ports import Refused
from ml_connector.core.sales import Document, Kind, Line, ShipTo, Standing
from ml_connector.core.sales_ports import (
    Accepted,
    Documents,
    Edit,
    MasterEdits,
    Need,
    SetUp,
    Sought,
    Taken,
    Thing,
    Unsure,
)

CUSTOMER, OTHER = "AARONFIT0001", "ADAMPARK0001"
SECOND = timedelta(seconds=1)


def line(item: str = "100XLG", quantity: int = 2, price: str = "40.00", **more: Any) -> Line:
    return Line(item, Decimal(quantity), unit_price=Decimal(price), **more)


def document(number: str = "ZO1", *lines: Line, kind: Kind = Kind.ORDER, **more: Any) -> Document:
    given = {"customer": CUSTOMER, "batch": "ZOHO", "on": date(2026, 5, 4), "comment": "Ring twice"}
    return Document(kind, number, lines=lines or (line(),), **given | more)


class DocumentWorld(Protocol):
    """An ERP that takes our prices as they are, and what a test does to it."""

    documents: Documents

    def now(self) -> datetime: ...

    def pass_time(self, by: timedelta) -> None: ...

    def person_changes(self, number: str, comment: str) -> None:
        """A person changes an order."""

    def invoices(self, number: str) -> str:
        """An order is invoiced whole, and that is posted; the invoice's number."""

    def limit_rows(self, rows: int) -> None:
        """The most rows that one call lists."""

    def lose_next_create(self, *, done: bool) -> None:
        """The answer to the next create of an order is lost; with the work done before, or never."""

    def break_next_create(self) -> None:
        """The next create of an order fails in the ERP, which hides why."""

    def stop(self) -> None:
        """The ERP cannot be reached any more."""


class DocumentContract:
    """What ``Documents`` promises."""

    def found(self, world: DocumentWorld, number: str, kind: Kind = Kind.ORDER) -> Standing:
        found = world.documents.find(kind, number)
        assert found is not None
        return found

    # -- create and find

    def test_what_is_created_is_found_as_it_was_sent(self, world: DocumentWorld) -> None:
        sent = document(
            "ZO1",
            line(discount=Decimal("1.50"), reference="L1", unit="Each", comment="red", tax=Decimal("2.10")),
            line("24X IDE", 1, "139.95", description="Drive", requested_on=date(2026, 6, 2)),
            line("FREE TEXT", 1, "10.00", description="Work", is_non_inventory=True),
            type_id="STDORD",
            requested_on=date(2026, 6, 1),
            customer_po="PO & 7",
            reference="5550000000123456",
            texts={1: "own", 5: "<five>"},
            freight=Decimal("12.50"),
            miscellaneous=Decimal("1.00"),
            tax=Decimal("3.10"),
            trade_discount=Decimal("5.00"),
            ship_to_key="WAREHOUSE",
            ship_to=ShipTo("Annex", "Ann", "1 Elm", "", "", "Elgin", "IL", "60120", "USA", "3125550199"),
            shipping_method="OVERNIGHT",
            price_level="RETAIL",
            site="WAREHOUSE",
        )
        assert world.documents.create(sent) == Accepted("ZO1")
        found = self.found(world, "ZO1")
        for name in Document.__dataclass_fields__:
            if name not in ("lines", "currency"):
                assert getattr(found.document, name) == getattr(sent, name), name
        for was, now in zip(sent.lines, found.document.lines, strict=True):
            for name in Line.__dataclass_fields__:
                if getattr(was, name) not in (None, "", 0):
                    assert getattr(now, name) == getattr(was, name), name
        assert found.line_total == Decimal("226.95")
        assert found.total == found.line_total + Decimal("11.60")
        assert [one.sequence for one in found.progress] == [one.sequence for one in found.document.lines]
        assert len({one.sequence for one in found.progress} - {0}) == 3
        assert not found.is_in_history
        assert not found.is_voided
        assert found.master_number > 0
        assert found.modified_at is not None

    def test_what_is_left_out_is_filled_in(self, world: DocumentWorld) -> None:
        sent = Document(Kind.ORDER, "ZO1", CUSTOMER, (Line("100XLG", Decimal(1)),), batch="ZOHO")
        world.documents.create(sent)
        found = self.found(world, "ZO1").document
        assert found.on is not None
        assert found.type_id == "STDORD"
        assert found.currency == "USD"
        (own,) = found.lines
        assert (own.unit, own.unit_price, own.site) == ("Each", Decimal("59.95"), "WAREHOUSE")
        assert own.description
        assert own.sequence

    def test_what_costs_nothing_is_sold_for_nothing(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1", line(price="0"), line("24X IDE", 1, "1.00")))
        before = self.found(world, "ZO1")
        assert before.total == Decimal("1.00")
        first, second = before.document.lines
        wanted = replace(before.document, lines=(first, replace(second, unit_price=Decimal(0))))
        assert world.documents.update(before, wanted) == Accepted("ZO1")
        assert self.found(world, "ZO1").total == 0

    def test_of_one_number_there_is_one(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        before = self.found(world, "ZO1")
        for number in ("ZO1", "zo1", "ZO1 "):
            assert isinstance(world.documents.create(document(number, line("24X IDE", 9))), Taken)
        assert self.found(world, "ZO1") == before
        assert world.documents.create(document("ZO1", kind=Kind.QUOTE)) == Accepted("ZO1")

    def test_it_is_found_however_it_is_written(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        assert self.found(world, "zo1 ") == self.found(world, "ZO1")

    def test_what_is_not_there_is_none(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        for kind, number in ((Kind.ORDER, "ZO2"), (Kind.QUOTE, "ZO1"), (Kind.INVOICE, "ZO1")):
            assert world.documents.find(kind, number) is None

    def test_a_quote_expires(self, world: DocumentWorld) -> None:
        sent = document("ZQ1", kind=Kind.QUOTE, batch="", expires_on=date(2026, 7, 1))
        assert world.documents.create(sent) == Accepted("ZQ1")
        assert self.found(world, "ZQ1", Kind.QUOTE).document.expires_on == date(2026, 7, 1)

    def test_without_a_number_each_call_makes_one(self, world: DocumentWorld) -> None:
        sent = document("", customer_po="PO 9")
        told = [world.documents.create(sent) for _ in range(2)]
        rows = walk(lambda after: world.documents.list_documents(Sought(customer_po="PO 9"), after))
        assert len({row.number for row in rows}) == 2
        for outcome in told:
            assert isinstance(outcome, Accepted)
            assert outcome.number in ("", *(row.number for row in rows))

    def test_invoices_are_not_created(self, world: DocumentWorld) -> None:
        with pytest.raises(ValueError, match="invoices"):
            world.documents.create(document("ZI1", kind=Kind.INVOICE))

    # -- refused

    @pytest.mark.parametrize(
        ("sent", "code", "said"),
        [
            (document(customer="NOBODY"), "CUSTOMER_UNKNOWN", "NOBODY"),
            (document("ZO1", line(), line("NO SUCH")), "ITEM_UNKNOWN", "NO SUCH"),
        ],
    )
    def test_a_refusal_says_why(self, world: DocumentWorld, sent: Document, code: str, said: str) -> None:
        outcome = world.documents.create(sent)
        assert isinstance(outcome, Refused)
        assert outcome.error.code == code
        assert said in outcome.error.happened
        assert outcome.error.remedy
        assert (outcome.gone, outcome.overtaken) == (False, False)
        assert world.documents.find(Kind.ORDER, "ZO1") is None

    def test_a_text_that_cannot_be_carried_is_refused(self, world: DocumentWorld) -> None:
        outcome = world.documents.create(document(comment="a\x0bb"))
        assert isinstance(outcome, Refused)
        assert world.documents.find(Kind.ORDER, "ZO1") is None

    # -- trouble

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_answer_may_have_been_done(self, world: DocumentWorld, done: bool) -> None:
        world.lose_next_create(done=done)
        with pytest.raises(RetryableError) as lost:
            world.documents.create(document("ZO1"))
        assert not isinstance(lost.value, NotDoneError)
        assert (world.documents.find(Kind.ORDER, "ZO1") is not None) == done
        again = world.documents.create(document("ZO1"))
        assert isinstance(again, Taken if done else Accepted)
        assert len(walk(lambda after: world.documents.list_documents(Sought(customer_po=""), after))) >= 1

    def test_a_hidden_failure_is_told_of_this_one(self, world: DocumentWorld) -> None:
        world.break_next_create()
        outcome = world.documents.create(document("ZO1"))
        assert isinstance(outcome, Unsure)
        assert outcome.error.heals
        assert world.documents.create(document("ZO2")) == Accepted("ZO2")

    def test_who_is_away_has_done_nothing(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        before = self.found(world, "ZO1")
        world.stop()
        calls = (
            lambda: world.documents.create(document("ZO2")),
            lambda: world.documents.void(Kind.ORDER, "ZO1"),
            lambda: world.documents.update(before, replace(before.document, comment="new")),
        )
        for call in calls:
            with pytest.raises(NotDoneError):
                call()
        with pytest.raises(RetryableError):
            world.documents.find(Kind.ORDER, "ZO1")

    # -- update

    def test_an_update_changes_what_differs_alone(self, world: DocumentWorld) -> None:
        sent = document(
            "ZO1",
            line(reference="L1"),
            line("24X IDE", 1),
            customer_po="PO 7",
            texts={1: "own", 2: "b"},
            requested_on=date(2026, 6, 1),
        )
        world.documents.create(sent)
        before = self.found(world, "ZO1")
        first, second = before.document.lines
        wanted = replace(
            before.document,
            customer_po="PO 8",
            comment="",
            texts={2: "b", 3: "c"},
            freight=Decimal("7.50"),
            requested_on=date(2026, 8, 1),
            lines=(replace(first, quantity=Decimal(5), discount=Decimal("0.50")), second),
        )
        assert world.documents.update(before, wanted) == Accepted("ZO1")
        after = self.found(world, "ZO1")
        assert after.document == wanted
        assert after.master_number == before.master_number
        assert after.line_total == Decimal("237.50")
        assert after.total == Decimal("245.00")

    def test_lines_come_and_go(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1", line(), line("24X IDE", 1), line("128 SDRAM", 3)))
        before = self.found(world, "ZO1")
        first, _, third = before.document.lines
        other = replace(third, item="24X IDE", description="", unit_price=Decimal("1.00"))
        wanted = replace(before.document, lines=(first, other, line("128 SDRAM", 1, reference="new")))
        assert world.documents.update(before, wanted) == Accepted("ZO1")
        after = self.found(world, "ZO1").document.lines
        assert {(one.item, one.quantity) for one in after} == {
            ("100XLG", Decimal(2)), ("24X IDE", Decimal(3)), ("128 SDRAM", Decimal(1))}  # fmt: skip
        assert after[0] == first
        assert len({one.sequence for one in after} - {0}) == 3
        new = next(one for one in after if one.item == "128 SDRAM")
        assert new.reference == "new"
        assert new.sequence != third.sequence

    def test_a_quote_is_updated(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZQ1", kind=Kind.QUOTE, expires_on=date(2026, 7, 1)))
        before = self.found(world, "ZQ1", Kind.QUOTE)
        (own,) = before.document.lines
        wanted = replace(
            before.document, expires_on=date(2026, 9, 1), lines=(replace(own, quantity=Decimal(7)),)
        )
        assert world.documents.update(before, wanted) == Accepted("ZQ1")
        assert self.found(world, "ZQ1", Kind.QUOTE).document == wanted

    def test_who_was_overtaken_changes_nothing(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        before = self.found(world, "ZO1")
        world.person_changes("ZO1", "Ring thrice")
        outcome = world.documents.update(before, replace(before.document, customer_po="PO 8"))
        assert isinstance(outcome, Refused)
        assert outcome.overtaken
        after = self.found(world, "ZO1").document
        assert (after.comment, after.customer_po) == ("Ring thrice", "")

    def test_what_went_is_not_updated(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        before = self.found(world, "ZO1")
        other = replace(before, document=replace(before.document, number="ZO2"))
        outcome = world.documents.update(other, replace(other.document, comment="new"))
        assert isinstance(outcome, Refused)
        assert outcome.gone
        assert world.documents.find(Kind.ORDER, "ZO2") is None

    def test_an_update_may_be_refused(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        before = self.found(world, "ZO1")
        outcome = world.documents.update(before, replace(before.document, lines=(line("NO SUCH"),)))
        assert isinstance(outcome, Refused)
        assert outcome.error.code == "ITEM_UNKNOWN"
        assert self.found(world, "ZO1").document == before.document

    @pytest.mark.parametrize("other", [{"customer": OTHER}, {"number": "ZO9"}, {"kind": Kind.QUOTE}])
    def test_it_stays_the_same_document(self, world: DocumentWorld, other: dict[str, Any]) -> None:
        world.documents.create(document("ZO1"))
        before = self.found(world, "ZO1")
        with pytest.raises(ValueError, match="keeps"):
            world.documents.update(before, replace(before.document, **other))

    # -- what becomes of it

    def test_a_void_one_keeps_its_number(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1"))
        assert world.documents.void(Kind.ORDER, "ZO1") == Accepted("ZO1")
        found = self.found(world, "ZO1")
        assert (found.is_in_history, found.is_voided) == (True, True)
        assert isinstance(world.documents.create(document("ZO1")), Taken)
        again = world.documents.void(Kind.ORDER, "ZO1")
        assert isinstance(again, Refused)
        assert again.error.code == "IN_HISTORY"
        nobody = world.documents.void(Kind.ORDER, "ZO2")
        assert isinstance(nobody, Refused)
        assert nobody.gone

    def test_an_invoiced_order_is_in_history_and_its_invoice_of_the_same_chain(
        self, world: DocumentWorld
    ) -> None:
        world.documents.create(document("ZO1", line(), line("24X IDE", 1)))
        number = world.invoices("ZO1")
        order, invoice = self.found(world, "ZO1"), self.found(world, number, Kind.INVOICE)
        assert (order.is_in_history, order.is_voided) == (True, False)
        assert [one.invoiced for one in order.progress] == [Decimal(2), Decimal(1)]
        assert invoice.is_in_history
        assert (invoice.master_number, invoice.came_from) == (order.master_number, "ZO1")
        assert invoice.total == order.total
        refused = world.documents.update(order, replace(order.document, comment="new"))
        assert isinstance(refused, Refused)
        assert refused.error.code == "IN_HISTORY"
        sought = Sought(master_number=order.master_number)
        rows = walk(lambda after: world.documents.list_documents(sought, after))
        assert {(row.kind, row.number) for row in rows} == {(Kind.ORDER, "ZO1"), (Kind.INVOICE, number)}
        assert all(row.is_in_history for row in rows)

    # -- lists

    def test_lists_are_restricted(self, world: DocumentWorld) -> None:
        world.documents.create(document("ZO1", customer_po="PO 7"))
        world.documents.create(document("ZO2", customer_po="PO 7", customer=OTHER))
        world.documents.create(document("ZQ1", customer_po="PO 7", kind=Kind.QUOTE))

        def numbers(**sought: Any) -> set[str]:
            rows = walk(lambda after: world.documents.list_documents(Sought(**sought), after))
            assert len({(row.kind, row.number) for row in rows}) == len(rows)
            return {row.number for row in rows}

        assert numbers(customer_po="PO 7") == {"ZO1", "ZO2", "ZQ1"}
        assert numbers(customer_po="po 7 ", customer=CUSTOMER.lower()) == {"ZO1", "ZQ1"}
        assert numbers(customer_po="PO 7", kinds=frozenset({Kind.ORDER})) == {"ZO1", "ZO2"}
        assert numbers(customer_po="PO") == set()
        assert numbers() >= {"ZO1", "ZO2", "ZQ1"}
        (row,) = walk(
            lambda after: world.documents.list_documents(Sought(customer=OTHER, customer_po="PO 7"), after)
        )
        found = self.found(world, "ZO2")
        assert (row.kind, row.customer, row.customer_po) == (Kind.ORDER, OTHER, "PO 7")
        assert (row.is_in_history, row.modified_at) == (False, found.modified_at)

    def test_what_changed_since_is_listed(self, world: DocumentWorld) -> None:
        for number in ("ZO1", "ZO2"):
            world.documents.create(document(number))
        world.pass_time(timedelta(days=9))
        since = world.now().replace(microsecond=0)
        world.person_changes("ZO2", "new")
        world.documents.create(document("ZO3"))
        rows = walk(lambda after: world.documents.list_documents(Sought(since=since), after))
        assert [row.number for row in rows] == ["ZO2", "ZO3"]

    @pytest.mark.parametrize("limit", [1, 2, 5, 7])
    def test_a_list_is_whole_whatever_the_limit(self, world: DocumentWorld, limit: int) -> None:
        for number in range(7):
            world.documents.create(document(f"ZO{number}", customer_po="PO 7"))
        world.documents.create(document("ZO3", customer_po="PO 7", kind=Kind.QUOTE))
        world.limit_rows(limit)
        rows = walk(lambda after: world.documents.list_documents(Sought(customer_po="PO 7"), after))
        assert sorted((row.number, row.kind) for row in rows) == sorted(
            [(f"ZO{number}", Kind.ORDER) for number in range(7)] + [("ZO3", Kind.QUOTE)]
        )


class MasterWorld(Protocol):
    """An ERP with the customer AARONFIT0001 and the vendor ACETRAVE0001."""

    edits: MasterEdits

    def now(self) -> datetime: ...

    def pass_time(self, by: timedelta) -> None: ...

    def person_changes(self, entity: str, key: str, **fields: str) -> None:
        """A person changes the name, or the city of the default address."""


RECORDS = (("customers", CUSTOMER), ("vendors", "ACETRAVE0001"))


class MasterContract:
    """What ``MasterEdits`` promises."""

    def edit(self, world: MasterWorld, entity: str, key: str, fields: dict[str, Any], **more: Any) -> Any:
        found = world.edits.read(entity, key)
        assert found is not None
        expected = {name: found.fields[name] for name in fields} | more.pop("expected", {})
        return world.edits.edit(Edit(entity, key, fields, expected, **more))

    @pytest.mark.parametrize(("entity", "key"), RECORDS)
    def test_these_fields_change_and_no_others(self, world: MasterWorld, entity: str, key: str) -> None:
        before = world.edits.read(entity, f"{key.lower()} ")
        assert before is not None
        assert before.key == key
        fields = {
            "default.contact_person": "Ann Other",
            "default.line1": "1 Elm & Oak",
            "default.phone1": "3125550199",
            "default.email": "ann@example.com",
        }
        world.pass_time(timedelta(minutes=1))
        outcome = self.edit(world, entity, key, fields, unmodified_since=world.now())
        assert outcome == Accepted(key)
        after = world.edits.read(entity, key)
        assert after is not None
        assert {name: after.fields[name] for name in fields} == fields
        same = set(before.fields) - set(fields) - {"modified_at"} - _shared(before.fields, set(fields))
        assert {n: after.fields[n] for n in same} == {n: before.fields[n] for n in same}

    @pytest.mark.parametrize(("entity", "key"), RECORDS)
    @pytest.mark.parametrize("nothing", [None, ""])
    def test_a_field_is_emptied(self, world: MasterWorld, entity: str, key: str, nothing: str | None) -> None:
        fields = {"default.contact_person": nothing, "default.phone1": nothing, "default.email": nothing}
        assert self.edit(world, entity, key, fields) == Accepted(key)
        after = world.edits.read(entity, key)
        assert after is not None
        assert [after.fields[name] or None for name in fields] == [None] * 3

    @pytest.mark.parametrize(("entity", "key"), RECORDS)
    def test_what_stands_there_already_is_not_written(
        self, world: MasterWorld, entity: str, key: str
    ) -> None:
        before = world.edits.read(entity, key)
        assert before is not None
        world.pass_time(timedelta(days=2))
        fields = {name: before.fields[name] for name in ("name", "default.city", "default.phone1")}
        assert self.edit(world, entity, key, fields) == Accepted(key)
        after = world.edits.read(entity, key)
        assert after is not None
        assert after.fields == before.fields

    @pytest.mark.parametrize(("entity", "key"), RECORDS)
    @pytest.mark.parametrize("theirs", [{"name": "Another"}, {"city": "Elsewhere"}])
    def test_who_was_overtaken_changes_nothing(
        self, world: MasterWorld, entity: str, key: str, theirs: dict[str, str]
    ) -> None:
        read_at = world.now().replace(microsecond=0)
        world.pass_time(timedelta(minutes=1))
        world.person_changes(entity, key, **theirs)
        outcome = self.edit(world, entity, key, {"default.line1": "9 Oak"}, unmodified_since=read_at)
        assert isinstance(outcome, Refused)
        assert outcome.overtaken
        outcome = self.edit(world, entity, key, {"default.line1": "9 Oak"}, expected={"default.city": "Old"})
        assert isinstance(outcome, Refused)
        assert outcome.overtaken
        after = world.edits.read(entity, key)
        assert after is not None
        assert after.fields["default.line1"] != "9 Oak"

    def test_who_is_not_there_is_not_edited(self, world: MasterWorld) -> None:
        assert world.edits.read("customers", "NOBODY") is None
        outcome = world.edits.edit(Edit("customers", "NOBODY", {"name": "N"}, {}))
        assert isinstance(outcome, Refused)
        assert outcome.gone

    def test_only_what_is_editable_is_edited(self, world: MasterWorld) -> None:
        assert {"name", "default.phone1", "default.email"} <= world.edits.editable("customers")
        with pytest.raises(ValueError, match="modified_at"):
            world.edits.edit(Edit("customers", CUSTOMER, {"modified_at": world.now()}, {}))

    def test_a_customer_is_created_once(self, world: MasterWorld) -> None:
        fields = {
            "name": "Elm & Co",
            "class_id": "USA-ILMO-T1",
            "default.address_id": "PRIMARY",
            "default.line1": "1 Elm",
            "default.email": "a@elm.example",
        }
        assert world.edits.create("customers", "ZC1", fields) == Accepted("ZC1")
        found = world.edits.read("customers", "ZC1")
        assert found is not None
        assert {name: found.fields[name] for name in fields} == fields
        for key in ("ZC1", "zc1 "):
            assert isinstance(world.edits.create("customers", key, {**fields, "name": "Another"}), Taken)
        again = world.edits.read("customers", "ZC1")
        assert again is not None
        assert again.fields == found.fields

    def test_what_can_be_set_is_told(self, world: MasterWorld) -> None:
        assert {"class_id", "default.address_id"} <= world.edits.settable("customers")
        assert not world.edits.settable("vendors")
        for fields in ({"created_at": "x"}, {"name": "N", "default.city": "Elgin"}):
            with pytest.raises(ValueError, match=r"written|address_id"):
                world.edits.create("customers", "ZC1", fields)


def _shared(fields: Any, changed: set[str]) -> set[str]:
    """The fields of other roles that the same address plays."""
    ids = {name.partition(".")[0]: fields[name] for name in fields if name.endswith(".address_id")}
    shares = {role for role, own in ids.items() if own == ids.get("default")}
    return {f"{role}.{name.partition('.')[2]}" for role in shares for name in changed}


class SetUpContract:
    """What ``SetUp`` promises, of an ERP that has the item 100XLG in Each at WAREHOUSE, and a batch ZOHO."""

    @pytest.mark.parametrize(
        ("thing", "there", "item"),
        [
            (Thing.ITEM, "100xlg", ""),
            (Thing.UNIT, "Each", "100XLG"),
            (Thing.SITE, "WAREHOUSE", "100XLG"),
            (Thing.SITE, "warehouse ", ""),
            (Thing.BATCH, "ZOHO", ""),
            (Thing.PRICE_LEVEL, "RETAIL", ""),
            (Thing.SHIPPING_METHOD, "OVERNIGHT", ""),
        ],
    )
    def test_what_is_missing_is_told(self, world: SetUp, thing: Thing, there: str, item: str) -> None:
        missing = world.missing([Need(thing, there, item), Need(thing, "NO SUCH", item)])
        assert list(missing) == [Need(thing, "NO SUCH", item)]
        assert "NO SUCH" in missing[Need(thing, "NO SUCH", item)]
