"""Complete lists from a service that silently cuts them off at a row limit nobody tells. Pure but for ``ask``.

The limit is learned, never assumed (1,000 by default, facts.md 2.12; a site may have set another):

* an answer shorter than one seen before is complete, for the limit is at least that;
* any other is compared with its parts: what is below its last key, at it, and above it. If the parts add up, it was
  complete; if not, its length is the limit, and every answer of that length is cut off from then on;
* what is cut off is asked for in those parts.

What an earlier run learned is kept, and never taken as proof: a limit may have been lowered since, and then an answer
that looks complete is not. A kept limit only makes an answer of that length be asked for in parts. Kept keys only say
what to ask so that a short answer is proved with one question instead of two.

Keys are never ordered here: the order is the collation of GP's database, so only GP is asked what is greater. Days and
whole numbers are: a range of them is halved, at the value where an answer's rows are halved, or behind most of them
where the rows seem to come in that order. Of one value alone, what is cut off is split by the next level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from ml_connector.connectors.dynamics_gp import meanings
from ml_connector.connectors.dynamics_gp.schema import Level, Listing, Order, key_of
from ml_connector.connectors.dynamics_gp.soap import Restriction, Where
from ml_connector.connectors.dynamics_gp.values import Tree
from ml_connector.core.errors import ConnectorError
from ml_connector.core.record import fold_key

Ask = Callable[[Listing, Where], list[Tree]]
Begin = Callable[[Listing, Where], "Future[list[Tree]]"]  #: the same, asked in the background


@dataclass(slots=True)
class RowLimit:
    """What is known of a list operation's row limit."""

    longest: int = 0  #: longest answer seen: the limit is at least this
    limit: int | None = None  #: proved

    def judge(self, length: int) -> bool | None:
        """Whether an answer of this length is complete; None: not known yet."""
        if length == 0 or length < self.longest:
            return True
        return False if length == self.limit else None

    def see(self, length: int) -> None:
        """An answer of this length came: a limit below it is none (any more)."""
        self.longest = max(self.longest, length)
        if self.limit is not None and self.limit < length:
            self.limit = None


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a list: the outer levels are fixed, this level lies between two keys, both excluded."""

    fixed: tuple[str, ...] = ()
    above: str | None = None
    below: str | None = None

    def split(self, key: str) -> tuple[Span, Span]:
        """What is below ``key``, and what is above it."""
        return Span(self.fixed, self.above, key), Span(self.fixed, key, self.below)

    def inside(self, key: str) -> Span:
        """The next level, all of it, at ``key``."""
        return Span((*self.fixed, key))

    def upto(self, key: str, following: str) -> tuple[Span, Span]:
        """What is not greater than ``key``, which ``following`` comes next to, and what is."""
        return Span(self.fixed, self.above, following), Span(self.fixed, key, self.below)


@dataclass(slots=True)
class Lister:
    """Reads parts of one listing, page by page."""

    listing: Listing
    ask: Ask
    limit: RowLimit
    where: Where = field(default_factory=dict)  #: holds for all of the listing
    begin: Begin | None = None  #: set: the next page's first answer is asked for while this one is read
    marks: Sequence[
        str
    ] = ()  #: keys about a page apart, from another listing of the same records in GP's order
    hints: Sequence[tuple[int, str]] = ()  #: (n, key): about n rows lay before this key in an earlier run
    hint_where: Where = field(default_factory=dict)  #: what these rows had in common
    _begun: dict[Span, Future[list[Tree]]] = field(
        default_factory=dict
    )  #: the next page's first answer, under way
    _ahead: dict[Span, list[Tree]] = field(default_factory=dict)  #: answers that a comparison already brought
    _whole: dict[Span, list[Tree]] = field(
        default_factory=dict
    )  #: complete ones, which say nothing of the limit
    _ends: list[str] = field(
        default_factory=list
    )  #: where pages to come end, as far as known; the nearest last

    def page(self, after: str | None) -> tuple[list[Tree], str | None]:
        """The rows of one key range behind ``after``, and its last key; None: that was the last range.

        All rows of one first key are in the same page.
        """
        if self.listing.levels[0].order is not None:
            return self._narrowed(after, self.listing.levels[0].order)
        mark = self._mark_behind(after)
        if mark is not None:
            self._ask_ahead(mark)
            return self._complete(Span(above=after, below=mark)) + self._named(mark), mark
        span = Span(above=after)
        rows = self._rows(span)
        if self._is_whole(span, rows):
            return rows, None
        key = self._key(span, rows[-1])
        self._ask_ahead(key)
        return self._complete(span.split(key)[0]) + self._at(span, rows[-1]), key

    def _narrowed(self, after: str | None, order: Order) -> tuple[list[Tree], str | None]:
        """A page of a list whose first level can be halved: until one answer holds what is left of the range."""
        while (
            self._ends and after is not None and self._rank(order, self._ends[-1]) <= self._rank(order, after)
        ):
            self._ends.pop()
        span = Span(above=after, below=order.beside(self._ends[-1], 1) if self._ends else None)
        rows = self._rows(span)
        while not self._is_whole(span, rows):
            row, several = self._pivot(span, rows)
            key = self._key(span, row)
            if several:
                self._ends.append(key)
            elif after is not None and order.beside(after, 1) == key:
                self._ends = [end for end in self._ends if end != key]
                return self._at(span, row), key  # this one key alone may be more than an answer
            else:
                self._ends += [key, order.beside(key, -1)]
            span = Span(above=after, below=order.beside(self._ends[-1], 1))
            rows = self._rows(span)
        return rows, self._ends.pop() if self._ends else None

    def _mark_behind(self, after: str | None) -> str | None:
        """Where the range behind ``after`` is known to end about a page further: one answer then suffices for it."""
        here = self.marks.index(after) + 1 if after in self.marks else len(self.marks)
        return self.marks[here] if here < len(self.marks) else None

    def _ask_ahead(self, key: str) -> None:
        """Ask for the next page's first answer, which ``key`` will be the beginning of, in the background."""
        span = Span(above=key, below=self._mark_behind(key))
        if self.begin and span not in self._ahead:
            self._begun[span] = self.begin(self.listing, self._all_where(span))

    def _named(self, key: str) -> list[Tree]:
        """All rows of one first key, which no row in hand shows."""
        if len(self.listing.levels) > 1:
            return self.at(key)
        return self.ask(self.listing, {**self.where, self.listing.levels[0].member: {"EqualValue": key}})

    def between(self, above: str | None, below: str | None) -> list[Tree]:
        """All rows whose first key lies between the two, both excluded."""
        return self._complete(Span(above=above, below=below))

    def at(self, key: str) -> list[Tree]:
        """All rows of one first key."""
        return self._complete(Span((key,)))

    def _complete(self, span: Span) -> list[Tree]:
        if self._level(span).values:
            return self._by_value(span)
        rows: list[Tree] = []
        pending = [span]
        while pending:
            part = pending.pop()
            answer = self._rows(part)
            if self._is_whole(part, answer):
                rows += answer
            else:
                at, parts = self._split(part, answer)
                rows += at
                pending += parts
        return rows

    def _split(self, span: Span, rows: Sequence[Tree]) -> tuple[list[Tree], tuple[Span, Span]]:
        """All rows of the key at which a span is split, and what is left of it on both sides."""
        row, several = self._pivot(span, rows)
        key, order = self._key(span, row), self._level(span).order
        if several and order is not None:
            return [], span.upto(key, order.beside(key, 1))
        return self._at(span, row), span.split(key)

    def _pivot(self, span: Span, rows: Sequence[Tree]) -> tuple[Tree, bool]:
        """The row at whose key a span is split; and whether rows are known on both sides, so that halves will do.

        Then neither half can hold all there is, which a comparison of halves relies on.
        """
        order = self._level(span).order
        if (
            order is None
        ):  # within one outer key GP may list in another order than it compares: the middle is safer
            return rows[len(rows) // 2 if span.fixed else -1], False
        ranked = sorted(rows, key=lambda row: self._rank(order, self._key(span, row)))
        ranks = [self._rank(order, self._key(span, row)) for row in ranked]
        along = self._rank(order, self._key(span, rows[-1])) >= ranks[len(ranks) // 2]
        place = len(ranks) * 9 // 10 if along else len(ranks) // 2
        while place and ranks[place] == ranks[-1]:
            place -= 1
        return ranked[place], ranks[place] != ranks[-1]

    def _by_value(self, span: Span) -> list[Tree]:
        """A level that is a closed choice: one question, or one for each value where that may be cut off."""
        rows = self._rows(span)
        known = self.limit.judge(len(rows))
        self.limit.see(len(rows))
        if known:
            return rows
        rows = []
        level, is_last = self._level(span), len(span.fixed) + 1 == len(self.listing.levels)
        wanted = self.where.get(level.member, {}).get("Items", level.values)
        for value in (value for value in level.values if value in wanted):
            read = self._rows if is_last or value == level.single else self._complete
            rows = [*rows, *read(span.inside(value))]
        return rows

    def _at(self, span: Span, row: Tree) -> list[Tree]:
        """All rows with the same key as this one; where the key names a row, it is in hand."""
        if len(span.fixed) + 1 == len(self.listing.levels):
            return [row]
        inside = span.inside(self._key(span, row))
        if inside not in self._whole:  # asked for by the comparison first, then by who collects the parts
            self._whole[inside] = self._complete(inside)
        return self._whole[inside]

    def _is_whole(self, span: Span, rows: list[Tree]) -> bool:
        known = self.limit.judge(len(rows))
        self.limit.see(len(rows))
        if known is None and not span.fixed:
            known = self.prove(len(rows))
        if known is not None:
            return known
        at, parts = self._split(span, rows)
        answers = [self._rows(part) for part in parts]
        self._ahead.update(zip(parts, answers, strict=True))
        if len(at) + sum(map(len, answers)) == len(rows):
            return True
        self.limit.limit = len(rows)
        return False

    def prove(self, length: int) -> bool | None:
        """One question for a few rows more than ``length``: so many in one answer prove today that it was not cut off.

        Which key to ask below is known from an earlier run; that is a hint: only what comes now counts. None: no proof.
        """
        key = next((key for size, key in sorted(self.hints) if size > length), None)
        if key is None:
            return None
        below: Where = {**self.hint_where, self.listing.levels[0].member: {"LessThan": key}}
        self.limit.see(len(self.ask(self.listing, below)))
        return self.limit.judge(length)

    def _rows(self, span: Span) -> list[Tree]:
        if span in self._ahead:
            return self._ahead.pop(span)
        begun = self._begun.pop(span, None)
        rows = begun.result() if begun else self.ask(self.listing, self._all_where(span))
        self._check(span, rows)
        return rows

    def _all_where(self, span: Span) -> Where:
        """One value, which is within what holds for all, stands alone: how GP takes it beside others is not known."""
        asked = self._where(span)
        alone = {name: asked[name] for name in asked if "EqualValue" in asked[name]}
        return {
            **self.where,
            **{name: {**self.where.get(name, {}), **asked[name]} for name in asked},
            **alone,
        }

    def _where(self, span: Span) -> Where:
        fixed: dict[str, Restriction] = {
            level.member: {"EqualValue": key}
            for level, key in zip(self.listing.levels, span.fixed, strict=False)
        }
        bounds = {"GreaterThan": span.above, "LessThan": span.below}
        asked = {name: key for name, key in bounds.items() if key is not None}
        return {**fixed, self._level(span).member: asked} if asked else fixed

    def _check(self, span: Span, rows: Sequence[Tree]) -> None:
        """Rows outside what was asked would be read twice or for ever: that is an error of the service."""
        for level, key in zip(self.listing.levels, span.fixed, strict=False):
            if any(fold_key(key_of(level, row)) != fold_key(key) for row in rows):
                raise self._outside(
                    f"rows whose {level.member} is not {key!r}, though only that was asked for"
                )
        keys = [tuple(key_of(level, row) for level in self.listing.levels) for row in rows]
        if len(set(keys)) < len(keys) and not self.listing.repeats:
            raise self._outside("the same row twice in one answer")
        for bound in (span.above, span.below):
            if bound is not None and any(key[len(span.fixed)] == bound for key in keys):
                raise self._outside(f"the row {bound!r}, though only rows before or behind it were asked for")
        if len(span.fixed) < len(self.listing.levels) and (order := self._level(span).order) is not None:
            self._check_range(span, order, [key[len(span.fixed)] for key in keys])

    def _check_range(self, span: Span, order: Order, keys: Sequence[str]) -> None:
        ranks = [self._rank(order, key) for key in keys]
        low = self._rank(order, span.above) if span.above is not None else None
        high = self._rank(order, span.below) if span.below is not None else None
        if any((low is not None and rank < low) or (high is not None and rank > high) for rank in ranks):
            raise self._outside(f"rows that are not between {span.above} and {span.below}")

    def _rank(self, order: Order, key: str) -> int:
        try:
            return order.rank(key)
        except ValueError:
            raise self._outside(f"{key!r} where a day or a whole number belongs") from None

    def _outside(self, what: str) -> ConnectorError:
        return meanings.ROWS_NOT_ASKED.error(operation=self.listing.operation, rows=what)

    def _level(self, span: Span) -> Level:
        return self.listing.levels[len(span.fixed)]

    def _key(self, span: Span, row: Tree) -> str:
        return key_of(self._level(span), row)
