"""``serve`` turn by turn in this process, over both simulators on the wire, with a clock that is moved.

Its flows run every twenty minutes, the first time in ten minutes: no test comes to such a time by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ml_connector.app import App
from ml_connector.bootstrap import open_app
from ml_connector.cli.serve import place_of
from ml_connector.flows.serving import Serving
from ml_connector.settings_file import load_settings
from ml_connector.store import cursors
from ml_connector.store.engine_lock import Duty
from systems import World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass
class MovedClock:
    """This machine's time, moved."""

    by: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class Turned:
    """A process that serves."""

    world: World
    app: App
    clock: MovedClock
    serving: Serving
    told: list[str] = field(default_factory=list)

    def turn(self) -> list[str]:
        """Turns until nothing is under way any more; the runs that they began."""
        before = {run for (run,) in self.world.rows("SELECT run FROM runs")}
        self.serving.turn()
        while self.serving.is_at_work:
            self.clock.sleep(0.05)
            self.serving.turn()
        return [run for (run,) in self.world.rows("SELECT run FROM runs") if run not in before]

    def pass_time(self, for_all: timedelta) -> None:
        """So much time passes everywhere; on the clock of this process, too, however wrong it is."""
        self.clock.by += for_all
        self.world.move_clocks(for_all)

    def cursor_at(self, flow: str = "customers") -> datetime:
        """How far the flow has read."""
        with self.app.database.read() as tx:
            kept = cursors.find(tx, self.app.roster.company_of(flow), flow)
        assert kept is not None
        assert kept.cursor is not None
        return kept.cursor.at


@contextmanager
def turning(world: World, clock: MovedClock | None = None) -> Iterator[Turned]:
    """It serves, and has had its first turn."""
    moved, told = clock or MovedClock(), list[str]()
    read = load_settings(world.settings).as_served

    def tell(event: str, /, **_where: object) -> None:
        told.append(event)

    def fault(error: Exception) -> None:
        raise error

    with open_app(read, tell, moved) as app, app.engine(Duty.SERVE) as engine:
        turned = Turned(world, app, moved, Serving(place_of(app, engine, tell, fault)), told)
        turned.turn()
        yield turned


def every_twenty_minutes() -> str:
    """The cron expression: ten minutes from now first."""
    first = (datetime.now(UTC) + 10 * MINUTE).minute % 20
    return f"'{first},{first + 20},{first + 40} * * * *'"
