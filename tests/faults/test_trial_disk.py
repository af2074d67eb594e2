"""``serve`` on a disk that takes no more: nothing moves, the reason is there to see, and it goes on by itself."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from served import Served, serving
from systems import INSERT, World, assert_whole, gp_options, opened

_TMPFS = ("mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs")


class Disk(Protocol):
    """Where the data folder is."""

    def fill(self, served: Served) -> None:
        """Not a byte more."""

    def make_room(self, served: Served) -> None:
        """There is room again."""


class Small:
    """A disk of its own that another file fills up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self, _served: Served) -> None:
        with self.ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self, _served: Served) -> None:
        self.ballast.unlink()


class Limit:
    """Any disk; no file of the process grows any more."""

    def fill(self, served: Served) -> None:
        self.limit(served, 0)

    def make_room(self, served: Served) -> None:
        self.limit(served, resource.RLIM_INFINITY)

    def limit(self, served: Served, most: int) -> None:
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@pytest.fixture(params=["a small disk", "files that do not grow"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """The disk of ``tmp_path / "data"``."""
    if request.param == "files that do not grow":
        yield Limit()
        return
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    try:
        subprocess.run([*_TMPFS, str(folder)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {getattr(error, 'stderr', '') or error}")
    try:
        yield Small(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def world(disk: Disk, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(20)) as opened_world:
        opened_world.write_settings(
            serve__port="0",
            serve__schedule="'0 0 1 1 *'",
            serve__wait_seconds="0",
            flows_vendors__enabled="false",
        )
        opened_world.first("customers")
        yield opened_world


def owe(world: World) -> None:
    """The customers are due."""
    now = str(datetime.now(UTC).replace(tzinfo=None))
    with closing(sqlite3.connect(world.folder / "data" / "ml-connector.db", timeout=0.1)) as file, file:
        file.execute("UPDATE schedules SET owed_at = ? WHERE flow = 'customers'", (now,))


def is_short(path: Path) -> bool:
    """Whether its log of writes is an empty one now, so that the next one needs room."""
    with closing(sqlite3.connect(path, timeout=0.1)) as file:
        busy, _, _ = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def fill(served: Served, disk: Disk, *, due: bool) -> None:
    """Fill it between two moments of the process, in which it holds nothing that keeps us from it."""

    def are_short() -> bool:
        return all(is_short(served.world.folder / "data" / n) for n in ("ml-connector.db", "engine.db"))

    def filled() -> bool:
        with served.standing_still(), suppress(sqlite3.OperationalError):  # locked
            if not are_short():
                return False
            if due:  # not before: it would be done at once where the disk cannot be filled now
                owe(served.world)
                assert are_short(), "it stands still"
            disk.fill(served)
            return True
        return False

    served.until(filled, "a moment in which nothing is under way")


def suffers(served: Served) -> None:
    """It says why nothing moves."""
    served.said("cannot be used|disk of .* is full")
    served.until(lambda: served.health("ready")[0] == 503, "the reason where it is looked for")
    [problem] = served.health("ready")[1]["problems"]
    assert "disk" in problem
    assert served.health("live") == (200, {"ok": True})


def test_a_disk_that_is_full_and_has_room_again(world: World, disk: Disk) -> None:
    with serving(world) as served:
        cursor = world.rows("SELECT at FROM cursors")
        world.change("AARONFIT0001", set={"class_id": "NO-ROOM"})
        fill(served, disk, due=True)
        suffers(served)
        assert world.rows("SELECT at FROM cursors") == cursor
        disk.make_room(served)
        served.said("That has passed: it goes on")
        served.until(lambda: world.rows("SELECT at FROM cursors") > cursor, "the run that was owed")
        served.until(lambda: served.health("ready")[0] == 200, "no trouble any more")
    assert world.account("AARONFIT0001")["GP_Customer_Class"] == "NO-ROOM"
    assert_whole(world)


def test_a_disk_that_fills_up_while_zoho_writes(world: World, disk: Disk) -> None:
    with serving(world) as served:
        cursor = world.rows("SELECT at FROM cursors")
        world.customer("NEW1", "Written but not noted")
        world.forget()
        world.owe_answer(INSERT)
        owe(world)
        served.until(world.writes, "a record that was written")
        fill(served, disk, due=False)
        world.answer()
        suffers(served)
        assert world.rows("SELECT at FROM cursors") == cursor
        disk.make_room(served)
        served.said("That has passed: it goes on")
        served.until(lambda: world.rows("SELECT at FROM cursors") > cursor, "the run that was owed")
    assert world.writes() == {"insert": 1}
    assert_whole(world)
