"""Dynamics GP as a target of sales documents, by SOAP; implements ``core.sales_ports.Documents``. Thread-safe.

GP itself keeps a number to one document of its type, so that a create which is done again makes no second one: it is
told as taken. An update is what was read a moment before, with the difference in it: GP compares nothing, so of two
that change one document in the same moment the later has the last word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from lxml import etree

from ml_connector.connectors.dynamics_gp import sales_xml, soap, write_meanings
from ml_connector.connectors.dynamics_gp.changes import Changes
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.document_limit import DocumentLimit
from ml_connector.connectors.dynamics_gp.listing import Lister
from ml_connector.connectors.dynamics_gp.sales_fields import OPERATIONS, TYPES
from ml_connector.connectors.dynamics_gp.sales_trees import DOCUMENTS, listed, standing
from ml_connector.connectors.dynamics_gp.soap import Where
from ml_connector.connectors.dynamics_gp.undone import nothing_done
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.change import DAY_OVERLAP, Page, is_midnight
from ml_connector.core.errors import ConfigurationError, RecordRejectedError
from ml_connector.core.ports import KeptLimits, Refused
from ml_connector.core.sales import Document, Kind, Listed, Standing, require_same
from ml_connector.core.sales_ports import Outcome, Sought


class GpDocuments:
    """The quotes, orders and invoices of one company."""

    def __init__(self, client: GpClient, changes: Changes, limits: KeptLimits | None = None) -> None:
        """``limits``: where what is learned of the row limit is kept for later runs."""
        self._client = client
        self._changes = changes
        self._limit = DocumentLimit(client.list_rows, limits)
        self._lister: Lister | None = None
        self._turn = threading.Lock()

    def find(self, kind: Kind, number: str) -> Standing | None:
        """The document as it stands in GP, in its own currency; see the port."""
        read = self._read(kind, number)
        return None if read is None else _standing(kind, read)

    def list_documents(self, sought: Sought, after: str | None) -> Page[Listed]:
        """One page, by number; complete in spite of GP's row limit."""
        with self._turn:  # of two listings at once, neither disturbs the other
            rows, next_after = self._page(_where(sought), after)
        found = (_listed(row) for row in rows)
        return Page([one for one in found if may_be_newer(one, sought.since)], next_after)

    def _page(self, where: Where, after: str | None) -> tuple[list[Tree], str | None]:
        lister = self._lister
        if after is None or lister is None or lister.where != where:
            lister = self._lister = self._limit.begin(where)
        rows, next_after = lister.page(after)
        if next_after is None:
            self._limit.keep(lister)
        return rows, next_after

    def create(self, document: Document) -> Outcome:
        """Have GP make it. Its answer is empty (facts.md 2.9): a number that it gave itself is not known by that."""
        kind, number = changeable(document.kind), document.number
        is_there = partial(self._is_there, kind, number) if number else None
        return self._sent(OPERATIONS[kind].create, number, partial(sales_xml.new, document), is_there)

    def update(self, before: Standing, after: Document) -> Outcome:
        """Change what differs; see the port. What nothing here knows of the document stays as it was read."""
        require_same(before.document, after)
        kind, number = changeable(after.kind), before.document.number
        try:
            with nothing_done():
                read = self._read(kind, number)
            now = None if read is None else _standing(kind, read).document
        except RecordRejectedError as error:
            return Refused(error)
        if read is None or now is None:
            return Refused(write_meanings.NOT_THERE.rejection(said=number), gone=True)
        if now != before.document:
            what = ", ".join(differing(now, before.document))
            return Refused(write_meanings.OVERTAKEN.rejection(what=what), overtaken=True)
        made = partial(sales_xml.changed, read, before.document, after)
        return self._sent(OPERATIONS[kind].update, number, made)

    def void(self, kind: Kind, number: str) -> Outcome:
        """Have it void."""
        return self._sent(OPERATIONS[changeable(kind)].void, number, partial(soap.key, number))

    def _sent(
        self, operation: str, number: str, made: Callable[[], str], is_there: Callable[[], bool] | None = None
    ) -> Outcome:
        try:
            argument = made()
        except RecordRejectedError as error:
            return Refused(error)
        return self._changes.send(operation, argument, number, is_there)

    def _is_there(self, kind: Kind, number: str) -> bool:
        try:
            return self._read(kind, number) is not None
        except RecordRejectedError:
            return False  # what cannot be read leaves the refusal as it is

    def _read(self, kind: Kind, number: str) -> etree._Element | None:
        return self._client.read_element(OPERATIONS[kind].read, soap.key(number))


def changeable(kind: Kind) -> Kind:
    """The kind, if it is made and changed from outside."""
    if kind is Kind.INVOICE:
        raise ValueError("invoices are made in GP alone")
    return kind


def _standing(kind: Kind, read: etree._Element) -> Standing:
    tree = soap.tree_of(read)
    return standing(kind, tree if isinstance(tree, dict) else {})


def _where(sought: Sought) -> Where:
    """GP has no "greater or equal" without an upper end; a stamp may be a local day (facts.md 2.5, 3.1)."""
    where: dict[str, soap.Restriction] = {
        "Type": {"Items": tuple(name for kind, name in TYPES.items() if kind in sought.kinds)}
    }
    if sought.customer:
        where["CustomerId"] = {"EqualValue": sought.customer}
    if sought.customer_po:
        where["CustomerPONumber"] = {"EqualValue": sought.customer_po}
    if sought.master_number:
        where["MasterNumber"] = {"EqualValue": str(sought.master_number)}
    if sought.since is not None:
        where["ModifiedDate"] = {"GreaterThan": soap.instant_text(sought.since - DAY_OVERLAP)}
    return where


def _listed(row: Tree) -> Listed:
    try:
        return listed(row)
    except RecordRejectedError as error:
        raise ConfigurationError(f"{DOCUMENTS.operation}: {error.happened}", error.remedy) from error


def may_be_newer(one: Listed, since: datetime | None) -> bool:
    """Whether it changed at or after an instant; a stamp that is a day only does not say that it did not."""
    at = one.modified_at
    return since is None or at is None or at >= since or is_midnight(at)


def differing(now: Document, before: Document) -> list[str]:
    """What of a document is not as it was."""
    return [
        name.replace("_", " ")
        for name in Document.__dataclass_fields__
        if getattr(now, name) != getattr(before, name)
    ]
