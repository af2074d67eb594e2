"""Which of the records that wait a command is about, and when they are tried again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli.codes import catalogue, entry_of
from ml_connector.core.catalogue import Again, Kind
from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.store.holds import Hold

InFlows = Annotated[
    list[str] | None,
    typer.Option("--flow", metavar="FLOW", help="Only those of this flow; more than once: of any."),
]
WithCodes = Annotated[
    list[str] | None,
    typer.Option("--code", metavar="CODE", help="Only those with this code, such as RECORD_LOCKED."),
]
OfKinds = Annotated[
    list[Kind] | None,
    typer.Option("--kind", metavar="KIND", help="Only those of this kind, such as data or target."),
]
OnFields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="FIELD", help="Only those that wait because of this field."),
]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked for of the records that wait; nothing: all of them."""

    keys: Sequence[str] | None = None
    flows: Collection[str] | None = None
    codes: Collection[str] | None = None
    kinds: Collection[Kind] | None = None
    fields: Collection[str] | None = None

    def __bool__(self) -> bool:
        return any((self.keys, self.flows, self.codes, self.kinds, self.fields))

    def find(self, opened: App) -> list[Hold]:
        """The holds that are meant, oldest first. Raises ConfigurationError for a flow that there is not."""
        from ml_connector.store import holds

        with opened.database.read() as tx:
            found = [
                h for company in opened.companies for h in holds.find(tx, company, keys=self.keys or None)
            ]
        self._require_flows(opened, found)
        self._require_codes(found)
        return [hold for hold in found if self._means(hold)]

    def _require_flows(self, opened: App, found: Sequence[Hold]) -> None:
        known = {*opened.roster.every, *(hold.flow for hold in found)}
        if unknown := sorted(set(self.flows or ()) - known):
            raise ConfigurationError(
                f"There is no flow “{unknown[0]}”.", f"Name one of these: {', '.join(sorted(known))}."
            )

    def _require_codes(self, found: Sequence[Hold]) -> None:
        """A code that nothing can wait with is a slip of the pen; one that is in no catalogue may wait all the same."""
        known = {entry.code.casefold(): entry.code for entry in catalogue()}
        known |= {hold.code.casefold(): hold.code for hold in found}
        for code in self.codes or ():
            if code.casefold() not in known:
                near = get_close_matches(code.casefold(), known, n=1)
                hint = (
                    f"Did you mean {known[near[0]]}?"
                    if near
                    else "The codes are in docs/reference/error-catalogue.md."
                )
                raise ConfigurationError(f"There is no code “{code}”.", hint)

    def _means(self, hold: Hold) -> bool:
        is_asked_for = (
            not self.flows or hold.flow in self.flows,
            not self.codes or hold.code.casefold() in {code.casefold() for code in self.codes},
            not self.kinds or entry_of(hold.code).kind in self.kinds,
            not self.fields or not _fields(hold.field).isdisjoint(*map(_fields, self.fields)),
        )
        return all(is_asked_for)


def _fields(named: str) -> set[str]:
    """The fields that a hold names, folded: Zoho may refuse several at once."""
    return {name.strip().casefold() for name in named.split(",")}


_WHEN = {Again.WATCHED: "when mended", Again.NEVER: "by a person", Again.LATER: "by a person"}
_SAID = {
    Again.WATCHED: "by itself, as soon as a run finds the reason gone",
    Again.NEVER: "not by itself: only a person can mend it",
    Again.LATER: "not by itself: only a person can mend it",  # of another meaning of the same code
}


def when_again(opened: App, hold: Hold) -> str:
    """When it is tried again, in a word."""
    if hold.flow in opened.roster.deal_flows:
        return "every run"
    return f"{hold.next_at:%Y-%m-%d %H:%M}" if hold.next_at else _WHEN[entry_of(hold.code).again]


def said_again(opened: App, hold: Hold) -> str:
    """When it is tried again, in words."""
    if hold.flow in opened.roster.deal_flows:
        return "by itself, with every run of the flow"
    if hold.next_at is None:
        return _SAID[entry_of(hold.code).again]
    if hold.next_at <= opened.clock.now():
        return "by itself, with the flow's next run"
    return f"by itself, with the first run after {hold.next_at:%Y-%m-%d %H:%M:%S} UTC"
