"""The crash matrix of one flow: a program, which forks itself for each kill and so imports everything once.

    PYTHONPATH=tests python tests/faults/matrix.py SCENE [ADDRESS OF POSTGRESQL] [--every] [--sample N]

A run is traced: every commit (of the store and of the engine), every request that is sent and answer that is received
and every file that is written is a point, with an instant before and one after it. Then, for each, the same is begun
in the same state, killed by SIGKILL at that instant, begun again and left to its end; what remains is compared with
what the run left that was not killed.

A kill leaves what lasts. Where nothing that lasts happened between two instants (the trace looks), one kill stands for
both; ``--every`` makes each. ``--sample``: so many of the kills, evenly. Prints a JSON line for each of its runs.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import sqlalchemy as sa
from points import Instant, watch
from remains import Difference, Remains, fingerprint, remains
from scenes import SCENES, Scene, sync_here

import warm
from ml_connector import cli
from ml_connector.simulators.zoho import ZohoSimulator
from ml_connector.simulators.zoho.examples import VARIABLE
from ml_connector.store.database import Database
from postgres import named
from postgres import run as run_sql
from systems import SECRETS, World, gp_options, opened, zoho_options

assert warm  # everything is imported before anything is forked
AT_ONCE = 3  #: kills at a time: a run waits half of its time
_SPARE = 2  #: processes that a case may need
_SECRETS = ("gp.password", "zoho.client_secret", "zoho.refresh_token")
_OVER_DEALS = ("deal_tagging", "profitability")
_DATABASES = ("store: ", "engine: ")
_FAST = Path("/dev/shm")  # a kill loses nothing that a disk would keep
_TRIES = 10  #: until an instant that depends on which thread was first is met


class Command:
    """A process that is there already and becomes what it is told, once."""

    _open: ClassVar[list[int]] = []  #: the ends of all pipes that this process writes to

    def __init__(self, scene: Scene) -> None:
        order, self._order = os.pipe()
        self._heard, tell = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            for end in (self._order, self._heard, *Command._open):
                os.close(end)
            _obey(order, tell, scene)
        os.close(order)
        os.close(tell)
        Command._open.append(self._order)

    def run(
        self,
        folder: Path,
        words: Sequence[str],
        *,
        kill: Instant | None = None,
        look: Callable[[Instant], None] | None = None,
    ) -> int:
        """The exit code; a signal that ended it is a negative one. ``look`` is called at each instant."""
        asked = {"folder": str(folder), "words": [*words], "kill": kill, "traced": look is not None}
        os.write(self._order, f"{json.dumps(asked)}\n".encode())
        with os.fdopen(self._heard, "r") as heard:
            for line in heard:
                if look is not None:
                    look(Instant(*json.loads(line)))
                    os.write(self._order, b"\n")
        return self._ended()

    def dismiss(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._heard)
        self._ended()

    def _ended(self) -> int:
        Command._open.remove(self._order)
        os.close(self._order)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def _obey(order: int, tell: int, scene: Scene) -> NoReturn:
    code = 70
    try:
        orders = os.fdopen(order, "r")
        asked = json.loads(orders.readline() or "null")
        if asked is not None:
            code = _become(asked, orders.readline, tell, scene)
    except BaseException:  # noqa: BLE001 -- told, and never the business of the process that was forked
        traceback.print_exc()
    os._exit(code)


def _become(asked: Mapping[str, Any], wait: Callable[[], object], tell: int, scene: Scene) -> int:
    folder = Path(asked["folder"])
    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(said, number)
    os.chdir(folder)
    kill = Instant(*asked["kill"]) if asked["kill"] else None

    def reached(instant: Instant) -> None:
        if asked["traced"]:
            os.write(tell, f"{json.dumps(instant)}\n".encode())
            wait()
        elif instant == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    if asked["traced"] or kill:
        watch(reached, folder / "data", one_at_a_time=asked["traced"])
    if scene.run is not None:
        scene.run(folder / "ml-connector.toml", asked["words"][-1] if "--approve" in asked["words"] else "")
        return 0
    sys.argv = ["ml-connector", *asked["words"]]
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@dataclass
class Stage:
    """Where a scene begins: the installation at rest, and both systems as they are then."""

    scene: Scene
    world: World
    since: datetime
    approve: str = ""
    server: sa.URL | None = None  #: of PostgreSQL; the installation's own database stands at ``named``
    name: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))


@dataclass
class Case:
    """One copy of the stage, in a process of its own."""

    stage: Stage
    folder: Path
    world: World
    url: str
    commands: list[Command]

    def run(self, kill: Instant | None = None, look: Callable[[Instant], None] | None = None) -> int:
        words = self.stage.scene.command
        approve = ("--approve", self.stage.approve) if self.stage.approve else ()
        return self.commands.pop().run(self.folder, (*words, *approve), kill=kill, look=look)

    def remains(self) -> Remains:
        checkpoints = self.folder / "data" / "audit.checkpoints"
        return remains(self.world.zoho, self.url, checkpoints, self.stage.since)

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()


@contextmanager
def opened_case(stage: Stage) -> Iterator[Case]:
    """To be called in a process of its own; its processes are forked before there is any thread."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(dir=_FAST if _FAST.is_dir() else None))
        folder = Path(place) / "installation"
        shutil.copytree(stage.world.folder, folder)
        commands = [Command(stage.scene) for _ in range(_SPARE)]
        stack.callback(lambda: [one.dismiss() for one in commands])
        zoho = stack.enter_context(ZohoSimulator(org=stage.world.zoho.org))
        gp = stack.enter_context(stage.world.gp)
        world = World(folder, gp, zoho, values=dict(stage.world.values))
        url = _own_database(stage, folder, stack)
        world.write_settings(
            gp__endpoint=f"'{gp.endpoint}'", zoho__simulator_url=f"'{zoho.url}'", store__url=f"'{url}'"
        )
        yield Case(stage, folder, world, url, commands)


def _own_database(stage: Stage, folder: Path, stack: ExitStack) -> str:
    if stage.server is None:
        return f"sqlite:///{folder / 'data' / 'ml-connector.db'}"
    own = f"{stage.name}_{os.getpid()}"
    run_sql(named(stage.server, "postgres"), f"create database {own} template {stage.name}")
    stack.callback(run_sql, named(stage.server, "postgres"), f"drop database {own} with (force)")
    return named(stage.server, own)


@contextmanager
def staged(name: str, phase: str, server: sa.URL | None) -> Iterator[Stage]:
    """Prepare a scene up to where what is traced begins. At the end nothing runs in this process."""
    scene = SCENES[name]
    with tempfile.TemporaryDirectory(dir=_FAST if _FAST.is_dir() else None) as place:
        database = f"matrix_{phase}_{os.getpid()}" if server else ""
        if server:
            run_sql(named(server, "postgres"), f"create database {database} template template_of_tests")
        zoho = zoho_options(bulk_seconds=0.0, bulk_wait_seconds=0.0)
        with opened(Path(place), gp=gp_options(0), zoho=zoho, mappings=(), provisioned=False) as world:
            world.write_settings(
                gp__company_id="2", zoho__heavy_requests="1", gp__max_requests="2", **scene.settings
            )
            if server:
                world.write_settings(store__url=f"'{named(server, database)}'")
                for kind, secret in zip(_SECRETS, SECRETS, strict=True):
                    world.here("secrets", "set", kind, stdin=secret)
            approve = _prepare(world, scene, phase)
        stage = Stage(scene, world, datetime.now(UTC), approve, server, database)
        _forget_token(stage)
        gc.collect()
        gc.freeze()
        yield stage


def _prepare(world: World, scene: Scene, phase: str) -> str:
    """The hash that the first load waits for; nothing if it is done here."""
    world.here("provision", "--yes")
    # An hour ago: what changes only a moment before it is read is read once more, in one run and not in the next.
    world.gp.control("POST", "settings", {"clock_offset_seconds": -3600})
    scene.first(world)
    world.gp.control("POST", "settings", {"clock_offset_seconds": 0})
    for flow in scene.before:
        _load(world, flow)
    if scene.prepared:
        scene.prepared(world)
    if phase == "first":
        return world.plan(scene.flow) if scene.approved else ""
    _load(world, scene.flow)
    scene.change(world)
    return ""


def _load(world: World, flow: str) -> None:
    planned = world.here("plan", flow, "--json").json["hash"] if flow not in _OVER_DEALS else ""
    sync_here(world, flow, *(("--approve", planned) if planned else ()))


def _forget_token(stage: Stage) -> None:
    """It was given by a simulator at another address."""
    url = f"sqlite:///{stage.world.folder / 'data' / 'ml-connector.db'}"
    database = Database(named(stage.server, stage.name) if stage.server else url)
    with database.begin() as tx:
        tx.execute(sa.text("DELETE FROM secrets WHERE name = 'zoho.access_token'"))
    database.close()


@dataclass(frozen=True)
class Traced:
    """The run that was not killed."""

    instants: list[Instant]
    marks: list[object]  #: of each instant: what of all that lasts is other than before; None: not known
    remains: Remains


def trace(stage: Stage) -> Traced:
    instants: list[Instant] = []
    marks: list[object] = []
    commits = count(1)
    with opened_case(stage) as case:

        def look(instant: Instant) -> None:
            if instant.when == "after" and instant.what.startswith(_DATABASES):
                made[0] = next(commits)
            instants.append(instant)
            known = instant.when != "in flight"
            marks.append((made[0], fingerprint(case.world.zoho, case.folder)) if known else None)

        made = [0]
        code = case.run(look=look)
        assert code == 0, (code, case.said)
        return Traced(instants, marks, case.remains())


def kills_of(traced: Traced, *, every: bool) -> list[Instant]:
    """The instants at which a kill leaves something else than at the one before; or all."""
    if every:
        return traced.instants
    chosen: list[Instant] = []
    last: object = None
    for at, (instant, mark) in enumerate(zip(traced.instants, traced.marks, strict=True)):
        if mark is None:  # whether Zoho has done it depends on who is faster
            changes = traced.marks[at - 1] != next(m for m in traced.marks[at + 1 :] if m is not None)
            if changes:
                chosen.append(instant)
        elif mark != last:
            chosen.append(instant)
            last = mark
    return chosen


@dataclass(frozen=True)
class Killed:
    """What came of one kill."""

    at: Instant
    met: bool  #: the run came to that instant, and was killed
    difference: Difference


def kill(stage: Stage, at: Instant, wanted: Remains) -> Killed:
    """The same run, killed at that instant and then begun again."""
    os.environ.pop(VARIABLE, None)  # the traced run has shown what is sent
    with opened_case(stage) as case:
        first = case.run(kill=at)
        assert first in (0, -signal.SIGKILL), (first, case.said)
        if first:
            code = case.run()
            assert code == 0, (at, code, case.said)
        return Killed(at, first != 0, case.remains().against(wanted))


def in_a_process(work: Callable[[], object], answer: Path) -> int:
    """Begin it in a process of its own, which leaves there what it came to."""
    child = os.fork()
    if child == 0:
        try:
            answer.write_bytes(pickle.dumps(work()))
            os._exit(0)
        except BaseException:  # noqa: BLE001 -- the parent is told
            answer.write_bytes(traceback.format_exc().encode())
            os._exit(1)
    return child


def run_all(works: Sequence[Callable[[], object]], place: Path) -> Iterator[Any]:
    """What each came to, so many at a time."""
    waiting = list(enumerate(works))[::-1]
    under_way: dict[int, Path] = {}
    while waiting or under_way:
        while waiting and len(under_way) < AT_ONCE:
            number, work = waiting.pop()
            answer = place / f"answer-{number}"
            under_way[in_a_process(work, answer)] = answer
        child, status = os.wait()
        answer = under_way.pop(child)
        if status:
            raise RuntimeError(answer.read_text(errors="replace"))
        yield pickle.loads(answer.read_bytes())


def matrix(stage: Stage, *, every: bool, sample: int) -> dict[str, Any]:
    """The row of the table."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        [traced] = run_all([partial(trace, stage)], Path(place))
        chosen = kills_of(traced, every=every)
        states = len(chosen)
        if sample and len(chosen) > sample:
            chosen = [chosen[i * len(chosen) // sample] for i in range(sample)]
        done, left = [], chosen
        for _ in range(_TRIES):
            tried = list(run_all([partial(kill, stage, at, traced.remains) for at in left], Path(place)))
            done += [one for one in tried if one.met or one.difference]
            left = [one.at for one in tried if not one.met and not one.difference]
            if not left:
                break
    return _row(traced, states, done, left) | {"seconds": round(time.monotonic() - began, 1)}


def _row(traced: Traced, states: int, done: list[Killed], left: list[Instant]) -> dict[str, Any]:
    differences = [one.difference for one in done]
    return {
        "points": len({(one.what, one.nth) for one in traced.instants}),
        "instants": len(traced.instants),
        "kills": len(done),
        "states": states,
        "not met": [str(one) for one in left],
        "lost": sum(len(one.lost) for one in differences),
        "doubled": sum(len(one.doubled) for one in differences),
        "audit missing": sum(len(one.untold) for one in differences),
        "audit doubled": sum(len(one.told_twice) for one in differences),
        "store": sum(len(one.store) for one in differences),
        "before": sum(len(one.before) for one in differences),
        "faults": [{"at": one.at, **vars(one.difference)} for one in done if one.difference],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("server", nargs="?", default="")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    given = parser.parse_args()
    server = sa.make_url(given.server) if given.server else None
    for phase in SCENES[given.scene].phases:
        with staged(given.scene, phase, server) as stage:
            row = matrix(stage, every=given.every, sample=given.sample)
        sys.stdout.write(f"{json.dumps({'phase': phase, **row})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
