"""What is known of the row limit of the list of sales documents, so that a short answer is proved by one question.

Most questions are about few documents: those of one number of the customer's, of one chain, of the last minutes. To
prove that an answer of few rows is whole one longer answer does, which a number somewhat up the list brings.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.connectors.dynamics_gp.listing import Ask, Lister, RowLimit
from ml_connector.connectors.dynamics_gp.sales_trees import DOCUMENTS
from ml_connector.connectors.dynamics_gp.schema import key_of
from ml_connector.connectors.dynamics_gp.soap import Where
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.ports import KeptLimits, KnownLimit
from ml_connector.core.record import fold_key

_HINTS = (2, 10, 100, 900)  # answers shorter than these are proved with one question
_ORDERS: Where = {"Type": {"Items": ("Order",)}}  # of one type, for how the list is ordered is not known


class DocumentLimit:
    """Begins listings with what was learned, and keeps what they teach."""

    def __init__(self, ask: Ask, limits: KeptLimits | None) -> None:
        self._ask = ask
        self._limits = limits
        self._known = limits.find(DOCUMENTS.operation) if limits else KnownLimit()
        self._asked = False

    def begin(self, where: Where) -> Lister:
        """A listing of the documents to which this applies."""
        longest = 0 if self._known.hints or self._asked else self._learn()
        limit = RowLimit(longest, self._known.limit)
        return Lister(DOCUMENTS, self._ask, limit, where, hints=self._known.hints, hint_where=_ORDERS)

    def keep(self, lister: Lister) -> None:
        """A listing came to its end: a limit that it found, or disproved by a longer answer, is news."""
        limit, known = lister.limit, self._known
        still = known.limit if limit.longest <= (known.limit or 0) else None
        if (learned := limit.limit or still) != known.limit:
            self._remember(KnownLimit(limit.longest, learned, known.hints))

    def _learn(self) -> int:
        """Ask for the first orders; how many came. Once a process: where there are few, there is nothing to learn."""
        self._asked = True
        rows = self._ask(DOCUMENTS, _ORDERS)
        self._remember(KnownLimit(len(rows), self._known.limit, _hints(rows)))
        return len(rows)

    def _remember(self, known: KnownLimit) -> None:
        self._known = known
        if self._limits is not None:
            self._limits.keep(DOCUMENTS.operation, known)


def _hints(rows: Sequence[Tree]) -> tuple[tuple[int, str], ...]:
    """About so many rows lie before these keys; GP's own order may differ a little."""
    keys = sorted((key_of(DOCUMENTS.levels[0], row) for row in rows), key=fold_key)
    return tuple((size, keys[size]) for size in _HINTS if size < len(keys))
