"""What a command cost: GP's time and Zoho's credits, and what load each run put on GP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.cli.show import say
from ml_connector.core.load import Load

if TYPE_CHECKING:
    from ml_connector.app import App


@dataclass(frozen=True, slots=True)
class Spent:
    """What was asked of both systems by this process."""

    gp_requests: int
    gp_milliseconds: int  #: of GP's time, added up over all requests
    gp_operations: dict[str, int]
    zoho_calls: int
    zoho_credits: int
    zoho_operations: dict[str, int]
    zoho_refused: int = 0  #: of the calls: one too many at once, and made again
    zoho_credits_left: int | None = None  #: the reserve among them; None: nothing was asked
    zoho_credits_reserved: int = 0  #: kept for people

    @classmethod
    def of(cls, app: App, elsewhere: Mapping[str, Any] | None = None) -> Spent:
        """So far, with what another process spent for this one."""
        gp, zoho = app.gp_cost(), app.zoho.cost()
        standing = app.zoho.credits() if zoho.calls else None
        here = cls(
            gp_requests=sum(gp.calls.values()),
            gp_milliseconds=round(gp.seconds * 1000),
            gp_operations=dict(gp.calls),
            zoho_calls=sum(zoho.calls.values()),
            zoho_credits=zoho.credits,
            zoho_operations=dict(zoho.calls),
            zoho_refused=zoho.refused,
            zoho_credits_left=standing.left if standing else None,
            zoho_credits_reserved=standing.reserved if standing else 0,
        )
        return here.with_more(elsewhere) if elsewhere else here

    def with_more(self, more: Mapping[str, Any], times: int = 1) -> Spent:
        """With what is told there, as ``asdict`` writes it, so many times; how credits stand is told there better."""
        added = {
            name: _added(value, more[name], times)
            for name, value in asdict(self).items()
            if name not in _STANDING
        }
        newer = more if times > 0 and more["zoho_credits_left"] is not None else asdict(self)
        return Spent(**added, **{name: newer[name] for name in _STANDING})


_STANDING = ("zoho_credits_left", "zoho_credits_reserved")


def _added(one: Any, other: Any, times: int) -> Any:  # noqa: ANN401 -- a number or numbers by name
    if isinstance(one, dict):
        whole = {name: one.get(name, 0) + times * other.get(name, 0) for name in {**one, **other}}
        return {name: number for name, number in whole.items() if number}
    return one + times * other


def show_spent(spent: Spent) -> None:
    """A line, and one on the credits that are left."""
    say(
        f"Cost: {spent.gp_requests:,} GP requests ({spent.gp_milliseconds:,} ms of GP's time), "
        f"{spent.zoho_calls:,} Zoho calls ({spent.zoho_credits:,} credits)."
    )
    if spent.zoho_credits_left is not None:
        say(
            f"Zoho's API credits: {spent.zoho_credits_left:,} are left of these 24 hours, "
            f"{spent.zoho_credits_reserved:,} of them kept for people."
        )
    if spent.zoho_refused:
        say(
            f"Zoho refused {spent.zoho_refused:,} of the calls as one too many at once; they were made again,"
            " with fewer at once for a while."
        )


def load_in_words(load: Load) -> str:
    """What load a run put on GP, in half a sentence; empty: none."""
    told = []
    if load.requests:
        told += [
            f"{load.requests:,} requests",
            f"{load.seconds * 1000:,.0f} ms",
            f"at most {load.peak} at once",
        ]
        told += [f"the slowest {load.slowest} ({load.slowest_seconds * 1000:,.0f} ms)"]
    if load.slowed_to:
        told += [f"answers had become slow: only {load.slowed_to} at once for a while"]
    return ", ".join([*told, *(["kept back by quiet hours"] if load.quiet else [])])
