"""Dynamics GP as a target of sales documents, by SBA; implements ``core.sales_ports.Documents``. Thread-safe.

A list is one of each kind of document, one after the other; what it cannot be asked for is sorted out here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from functools import partial

from ml_connector.connectors.dynamics_gp import (
    sales_trees,
    sba,
    sba_changes,
    sba_meanings,
    sba_sales,
    write_meanings,
)
from ml_connector.connectors.dynamics_gp.checks import NOBODY, tried
from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.documents import changeable, differing, may_be_newer
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.sba_caller import SbaCaller, about_one
from ml_connector.connectors.dynamics_gp.sba_sales_config import SbaSales
from ml_connector.connectors.dynamics_gp.soap import AnswerError
from ml_connector.connectors.dynamics_gp.undone import nothing_done
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.change import DAY_OVERLAP, Page
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError
from ml_connector.core.ports import Check, Refused
from ml_connector.core.record import fold_key
from ml_connector.core.sales import Document, Kind, Listed, Standing, require_same
from ml_connector.core.sales_ports import Accepted, Outcome, Sought

_SECOND = timedelta(seconds=1)


class SbaDocuments:
    """The quotes, orders and invoices of one company."""

    def __init__(self, names: SbaSales, client: GpClient, caller: SbaCaller) -> None:
        self._names = names
        self._client = client
        self._sba = caller

    def find(self, kind: Kind, number: str) -> Standing | None:
        """The document as it stands in GP; see the port."""
        row = self._row(kind, number)
        return None if row is None else self._standing(kind, row)

    def list_documents(self, sought: Sought, after: str | None) -> Page[Listed]:
        """One page of the list of one kind; ``after``: which kind, and the number behind which it goes on."""
        kinds = [kind for kind in Kind if kind in sought.kinds]
        if not kinds:
            return Page([], None)
        kind, _, number = (after or kinds[0].value).partition("/")
        rows, last = self._page(Kind(kind), sought, number)
        behind = kinds[kinds.index(Kind(kind)) + 1 :]
        following = f"{kind}/{last}" if last else behind[0].value if behind else None
        return Page([one for one in rows if _is_sought(one, sought)], following)

    def create(self, document: Document) -> Outcome:
        """Have GP make it; the answer is the document, and tells the number where GP gave one."""
        changeable(document.kind)
        try:
            body = sba_sales.new(document, self._names)
        except RecordRejectedError as error:
            return Refused(error)
        template = self._of_kind(self._names.create_path, document.kind)
        target, operation = self._sba.target(template), f"POST {sba.resource_name(template)}"
        answer = self._sba.change("POST", target, body, operation=operation)
        is_there = partial(self._is_there, document.kind, document.number)
        told = self._outcome(answer, document.number, (operation, target), is_there)
        if told == Accepted("") and (number := self._number_in(answer)):
            return Accepted(number)
        return told

    def update(self, before: Standing, after: Document) -> Outcome:
        """Send the difference; see the port."""
        require_same(before.document, after)
        kind, number = changeable(after.kind), before.document.number
        try:
            with nothing_done():
                row = self._row(kind, number)
            now = None if row is None else self._standing(kind, row).document
        except RecordRejectedError as error:
            return Refused(error)
        if row is None or now is None:
            return Refused(write_meanings.NOT_THERE.rejection(said=number), gone=True)
        if now != before.document:
            what = ", ".join(differing(now, before.document))
            return Refused(write_meanings.OVERTAKEN.rejection(what=what), overtaken=True)
        return self._changed("PATCH", kind, number, partial(sba_sales.changed, row, now, after, self._names))

    def void(self, kind: Kind, number: str) -> Outcome:
        """Have it void, by the custom action that the settings name."""
        return self._changed("POST", changeable(kind), number, bytes, self._names.void_action)

    def checks(self, kinds: Sequence[Kind]) -> list[Check]:
        """What ``ping`` tries: the list of each kind, and one document that there is not."""
        found = []
        for kind in kinds:
            name = f"{kind}s by SBA"
            listed = partial(
                self.list_documents, Sought(frozenset({kind}), since=self._client.clock.now()), None
            )
            found += [tried(f"list of {name}", listed), tried(name, partial(self._row, kind, NOBODY))]
        return found

    def _changed(
        self, method: str, kind: Kind, number: str, made: Callable[[], bytes], action: str = ""
    ) -> Outcome:
        try:
            body = made()
        except RecordRejectedError as error:
            return Refused(error)
        template = self._of_kind(self._names.record_path, kind)
        target, operation = self._sba.target(template, key=number), f"{method} {sba.resource_name(template)}"
        answer = self._sba.change(method, target, body, operation=operation, action=action)
        return self._outcome(answer, number, (operation, target))

    def _outcome(
        self,
        answer: Answer,
        number: str,
        asked: tuple[str, str],
        is_there: Callable[[], bool] | None = None,
    ) -> Outcome:
        there = None if is_there is None else partial(_asked_without_doubt, is_there)
        return sba_changes.outcome(answer, number, self._names.reasons_at, asked, there)

    def _number_in(self, answer: Answer) -> str:
        """The number in the answer to a create; empty where none is told."""
        try:
            row = sba.read_object(answer.body, self._names.record_at, "the answer to a create")
        except (AnswerError, ConnectorError):
            return ""  # it was made, whatever is said of it
        return (sba.value(row, self._names.document_names["number"]) or "").rstrip()  # type: ignore[union-attr]

    def _is_there(self, kind: Kind, number: str) -> bool:
        try:
            return bool(number) and self._row(kind, number) is not None
        except RecordRejectedError:
            return False  # what cannot be read leaves the refusal as it is

    def _row(self, kind: Kind, number: str) -> Tree | None:
        wait = self._client.config.timeout_seconds
        question = self._sba.question(self._of_kind(self._names.record_path, kind), wait, key=number)
        self._sba.prove_company()
        parse = partial(sba.read_object, places=self._names.record_at, operation=question.operation)
        row = self._sba.ask_twice(about_one(question), parse)
        if row is not None:
            found = sba.value(row, self._names.document_names["number"])
            if not isinstance(found, str) or fold_key(found) != fold_key(number):
                raise sba_meanings.OTHER_RECORD.error(
                    operation=question.operation, found=repr(found), asked=repr(number)
                )
        return row

    def _standing(self, kind: Kind, row: Tree) -> Standing:
        return sales_trees.standing(kind, sba_sales.tree(kind, row, self._names))

    def _page(self, kind: Kind, sought: Sought, after: str) -> tuple[list[Listed], str]:
        """The rows of one answer, and the number that the next is asked for by; empty: that was all of this kind."""
        names = self._names
        since = sought.since if names.changed_path else None
        template = self._of_kind(names.list_path if since is None else names.changed_path, kind)
        told = (
            ""
            if since is None
            else (since - DAY_OVERLAP - _SECOND).astimezone(UTC).strftime(names.since_form)
        )
        wait = self._client.config.list_timeout_seconds
        question = self._sba.question(template, wait, since=told, after=after)
        parse = partial(self._listed, kind, question.operation)
        rows = self._sba.ask(question, parse) or []
        last = rows[-1].number if rows and "{after}" in template else ""
        if last and fold_key(last) == fold_key(after):
            raise sba_meanings.OTHER_RECORD.error(
                operation=question.operation, found=f"{last!r} again", asked="what comes after it"
            )
        return rows, last

    def _listed(self, kind: Kind, operation: str, body: bytes) -> list[Listed]:
        try:
            return [
                sales_trees.listed(sba_sales.row_of_list(kind, row, self._names, operation))
                for row in sba.read_rows(body, self._names.rows_at, operation)
            ]
        except RecordRejectedError as error:
            raise ConfigurationError(f"{operation}: {error.happened}", error.remedy) from error

    def _of_kind(self, template: str, kind: Kind) -> str:
        """A path, for one kind of document."""
        return template.replace("{kind}", getattr(self._names.kinds, kind.value))


def _asked_without_doubt(is_there: Callable[[], bool]) -> bool:
    with nothing_done():  # the create was refused
        return is_there()


def _is_sought(one: Listed, sought: Sought) -> bool:
    pairs = ((sought.customer, one.customer), (sought.customer_po, one.customer_po))
    return (
        all(not wanted or fold_key(wanted) == fold_key(there) for wanted, there in pairs)
        and sought.master_number in (0, one.master_number)
        and may_be_newer(one, sought.since)
    )
