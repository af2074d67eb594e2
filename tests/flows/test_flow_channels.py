"""Keeping notification channels: killed anywhere, with lost answers, over 30 days, and over a machine that slept."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

import pytest

from memory import START, FakeClock
from memory_channels import (
    HOUR,
    WEEK,
    Fault,
    KilledError,
    MemoryChannels,
    away,
    lost,
    unsure,
)
from ml_connector.core import channels as deciding
from ml_connector.core.channels import LIFE, Channel, Step
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ports import FoundChannel
from ml_connector.flows.channels import PATH, Keeping, fingerprint, keep
from ml_connector.store import channels
from ml_connector.store.database import Database

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
URL = "https://example.com/gp"


@dataclass
class Shelf:
    """Secrets in memory."""

    kept: dict[str, str] = field(default_factory=dict)
    kills: bool = False

    def put(self, name: str, value: str) -> None:
        self.kept[name] = value
        if self.kills:
            raise KilledError

    def get(self, name: str) -> str:
        if name not in self.kept:
            raise ConfigurationError(f"{name} is not set.")
        return self.kept[name]

    def delete(self, name: str) -> bool:
        return self.kept.pop(name, None) is not None


@dataclass
class Stage:
    """One installation and its Zoho."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    shelf: Shelf = field(default_factory=Shelf)
    modules: tuple[str, ...] = ("Deals",)
    url: str = URL
    said: list[str] = field(default_factory=list)
    zoho: MemoryChannels = field(init=False)

    def __post_init__(self) -> None:
        self.zoho = MemoryChannels(self.clock)

    def process(self) -> Keeping:
        return Keeping(
            self.database,
            self.clock,
            self.shelf,
            self.zoho,
            self.url,
            self.modules,
            lambda _: nullcontext(),
            self.tell,
        )

    def tell(self, event: str, /, **_: object) -> None:
        self.said.append(event)

    def turn(self, later: timedelta = timedelta()) -> list[str]:
        """Another process looks, so much later; what it asked of Zoho."""
        self.clock.at += later
        self.zoho.calls.clear()
        self.process().turn()
        return list(self.zoho.calls)

    def die(self, *faults: Fault | None) -> None:
        """A process that is killed at the call with the fault."""
        self.zoho.faults = [*faults]
        with pytest.raises(KilledError):
            self.process().turn()
        self.zoho.faults = []

    def settle(self) -> None:
        """Turns until nothing is left to be done; what is gone is seen by the daily look."""
        for later in (HOUR, HOUR, DAY, HOUR):
            self.turn(later)
        assert self.row.todo is Step.NOTHING

    @property
    def row(self) -> Channel:
        with self.database.read() as tx:
            found = channels.find(tx, "Deals")
        assert found is not None
        return found

    @property
    def rows(self) -> list[Channel]:
        with self.database.read() as tx:
            return channels.find_all(tx)

    def is_taken(self, module: str = "Deals") -> bool:
        """Whether a callback that Zoho sends now would be let in: by its path, and by one of its two tokens."""
        [sent] = [one for one in self.zoho.live().values() if one.module == module]
        path = sent.notify_url.rpartition("/")[2]
        with self.database.read() as tx:
            channel = channels.find_by_path(tx, path)
        if channel is None or channel.channel_id != sent.channel_id:
            return False
        return self.takes(channel, self.zoho.tokens[module])

    def takes(self, channel: Channel, token: str) -> bool:
        """Whether a callback with this token is let in now."""
        old = channel.old_token_hash if channel.old_until and self.clock.now() < channel.old_until else ""
        return fingerprint(token) in {channel.token_hash, old}

    def assert_old_tokens_are_taken(self) -> None:
        """Of a callback that is late: each token for as long as it was granted."""
        now, row = self.clock.now(), self.row
        assert all(self.takes(row, token) for token, until in self.zoho.history.items() if now < until)


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


def test_a_channel_is_enabled_renewed_and_looked_at(stage: Stage) -> None:
    assert stage.turn() == ["enable"]
    first = stage.row
    assert first.notify_url == f"{URL}{PATH}{first.path}"
    assert (len(first.path), len(stage.zoho.tokens["Deals"])) == (43, 43)
    assert int(first.channel_id) < 2**63
    assert stage.turn() == []
    assert stage.turn(DAY) == ["find"]
    assert stage.turn(DAY) == ["renew"]
    second = stage.row
    assert (second.channel_id, second.path) == (first.channel_id, first.path)
    assert second.token_hash != first.token_hash
    assert (second.old_token_hash, second.old_until) == (first.token_hash, first.expires_at)
    assert second.expires_at == stage.clock.at.replace(microsecond=0) + LIFE
    assert stage.said[0].startswith("Zoho tells of changes in Deals until 2026-11-08 08:30 UTC")


def test_each_module_has_a_channel_of_its_own(stage: Stage) -> None:
    stage.modules = ("Deals", "Quotes", "Sales_Orders")
    assert stage.turn() == ["enable"] * 3
    for name in ("channel_id", "path", "token_hash"):
        assert len({getattr(row, name) for row in stage.rows}) == 3
    stage.zoho.faults = [away(), None, None]
    assert stage.turn(2 * DAY) == ["renew"] * 3, "one that fails keeps no other back"
    assert [bool(row.failing_since) for row in stage.rows] == [True, False, False]


def test_the_token_is_in_no_table_and_no_line(stage: Stage) -> None:
    stage.turn()
    stage.turn(2 * DAY)
    token = stage.zoho.tokens["Deals"]
    assert stage.shelf.kept == {"zoho.channel.Deals": token}
    assert token not in repr(stage.rows)
    assert not any(token in line or stage.row.path in line for line in stage.said)


# -- killed, and answers that are lost


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["enable", "renew"])
def test_killed_at_a_call_no_callback_is_ever_refused(stage: Stage, step: str, after: bool) -> None:
    if step == "renew":
        stage.turn()
        stage.clock.at += 2 * DAY
    stage.die(Fault(KilledError(), after))
    if stage.zoho.live():
        assert stage.is_taken(), "it may come before anything else is done"
    path = stage.row.path
    calls = stage.turn()
    assert calls[0] == "find"
    assert stage.is_taken()
    assert (stage.row.path, stage.row.todo, stage.row.is_taken) == (path, Step.NOTHING, True)
    assert len(stage.zoho.live()) == 1
    assert stage.turn() == []


def test_killed_between_the_secret_and_the_row(stage: Stage) -> None:
    stage.turn()
    before = stage.row
    stage.clock.at += 2 * DAY
    stage.shelf.kills = True
    with pytest.raises(KilledError):
        stage.process().turn()
    stage.shelf.kills = False
    assert stage.row == before
    assert stage.is_taken()
    assert stage.turn() == ["renew"]
    assert stage.is_taken()


@pytest.mark.parametrize("faults", list(product([away, lost, unsure], repeat=3)))
def test_whatever_is_lost_callbacks_are_taken_and_it_settles(stage: Stage, faults) -> None:
    stage.turn()
    stage.clock.at += 2 * DAY
    stage.zoho.faults = [make() for make in faults]
    for _ in range(12):
        stage.turn(5 * MINUTE)
        assert stage.is_taken()
    assert (stage.row.todo, stage.row.is_taken, stage.row.tries) == (Step.NOTHING, True, 0)
    assert stage.row.expires_at > stage.clock.at + 5 * DAY


@pytest.mark.parametrize("seed", range(10))
def test_kills_and_losses_at_random(stage: Stage, seed: int) -> None:
    """At every call anything may happen, over two weeks; whatever Zoho sends is taken, and in the end all is well."""
    chance = random.Random(seed)
    makers = [away, lost, unsure, lambda: Fault(KilledError()), lambda: Fault(KilledError(), after=True)]
    for _ in range(14 * 4):
        stage.clock.at += timedelta(hours=6)
        stage.zoho.faults = [chance.choice([*makers, lambda: None])() for _ in range(4)]
        if chance.random() < 0.05:
            stage.zoho.drop()
        for _ in range(2):
            try:
                stage.process().turn()
            except KilledError:
                continue
        if stage.zoho.live():
            assert stage.is_taken()
        stage.assert_old_tokens_are_taken()
    stage.zoho.faults = []
    stage.settle()
    assert stage.is_taken()
    assert len(stage.zoho.live()) == 1


def test_a_token_that_does_not_open_any_more_is_made_anew(stage: Stage) -> None:
    stage.turn()
    stage.clock.at += 2 * DAY
    stage.die(Fault(KilledError()))
    stage.shelf.kept.clear()  # the master key is another
    assert stage.turn() == ["find", "renew"]
    assert stage.is_taken()


# -- gone, changed, somebody else's


def test_what_is_gone_is_found_by_the_daily_look_and_by_the_renewal(stage: Stage) -> None:
    stage.turn()
    path = stage.row.path
    stage.zoho.drop()
    assert stage.turn(DAY) == ["find", "enable"]
    stage.zoho.drop()
    assert stage.turn(2 * DAY + HOUR) == ["renew", "enable"]
    assert stage.row.path == path
    assert stage.is_taken()
    assert stage.said.count("Zoho has no channel of Deals any more; it is enabled anew.") == 2


def test_an_expiry_that_zoho_shortened_is_the_one_that_counts(stage: Stage) -> None:
    stage.turn()
    stage.zoho.shorten(3 * DAY)
    assert stage.turn(DAY) == ["find", "renew"]
    assert stage.row.expires_at == stage.clock.at.replace(microsecond=0) + LIFE


def test_an_hour_in_place_of_a_week_is_renewed_after_twenty_minutes(stage: Stage) -> None:
    stage.zoho.longest = DAY
    assert stage.turn() == ["enable"]
    assert stage.row.expires_at == stage.clock.at.replace(microsecond=0) + HOUR
    assert "shorter time" in stage.row.reason
    assert stage.turn(19 * MINUTE) == []
    assert stage.turn(MINUTE) == ["renew"]


def test_where_the_longest_life_counts_from_enabling_it_is_enabled_anew(stage: Stage) -> None:
    stage.zoho.from_enabling = True
    stage.turn()
    assert stage.turn(2 * DAY) == ["renew", "enable"]
    assert stage.row.expires_at == stage.clock.at.replace(microsecond=0) + LIFE
    assert stage.is_taken()
    stage.assert_old_tokens_are_taken()


def test_another_address_is_told_at_once_and_the_channel_stays(stage: Stage) -> None:
    stage.turn()
    before = stage.row
    stage.url = "https://example.org"
    assert stage.turn() == ["renew"]
    [found] = stage.zoho.live().values()
    assert found.notify_url == f"https://example.org{PATH}{before.path}"
    assert found.channel_id == before.channel_id


def test_what_is_not_wanted_any_more_is_removed_and_nothing_else(stage: Stage) -> None:
    strange = FoundChannel("Deals", "77", "https://crm.example.net/hook", "", START + WEEK)
    stage.zoho.put(strange)
    stage.modules = ("Deals", "Quotes")
    stage.turn()
    stage.modules = ("Quotes",)
    assert stage.turn() == ["find", "remove"]
    assert sorted(one.module for one in stage.zoho.live().values()) == ["Deals", "Quotes"]
    stage.url = ""
    assert stage.turn() == ["find", "remove"]
    assert stage.zoho.live() == {"77": strange}
    assert (stage.rows, stage.shelf.kept) == ([], {})
    assert stage.turn() == []


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_it_is_removed_and_wanted_again(stage: Stage, after: bool) -> None:
    stage.turn()
    stage.modules = ()
    stage.die(None, Fault(KilledError(), after))
    stage.modules = ("Deals",)
    assert stage.turn()[0] == "find"
    assert stage.is_taken()
    stage.modules = ()
    stage.turn()
    assert (stage.rows, stage.zoho.live()) == ([], {})


def test_a_number_that_another_application_chose_is_left_to_it(stage: Stage) -> None:
    stage.turn()
    row = stage.row
    strange = FoundChannel("Deals", row.channel_id, "https://crm.example.net/hook", "", START + WEEK)
    stage.zoho.drop()
    stage.zoho.put(strange)
    assert stage.turn(DAY) == ["find", "enable"]
    assert stage.zoho.live()[row.channel_id] == strange
    assert stage.row.channel_id != row.channel_id
    assert stage.row.path != row.path


def test_it_is_removed_only_if_it_is_ours(stage: Stage) -> None:
    stage.turn()
    strange = FoundChannel("Deals", stage.row.channel_id, "https://crm.example.net/hook", "", START + WEEK)
    stage.zoho.put(strange)
    stage.modules = ()
    assert stage.turn() == ["find"]
    assert stage.zoho.live() == {strange.channel_id: strange}
    assert stage.rows == []


# -- failures


def test_a_failure_is_told_once_with_its_reason_and_tried_ever_more_seldom(stage: Stage) -> None:
    stage.zoho.faults = [Fault(ConfigurationError("The scope was not granted.")) for _ in range(5)]
    assert stage.turn() == ["enable"]
    assert stage.turn() == []
    for minutes in (1, 2, 4, 8):
        assert stage.turn(timedelta(minutes=minutes) - timedelta(seconds=1)) == []
        assert stage.turn(timedelta(seconds=1)) == ["enable"]
    told = "The channel of Deals could not be kept (enable): The scope was not granted."
    assert stage.said == [told]
    assert stage.row.reason == "The scope was not granted."
    assert stage.turn(16 * MINUTE) == ["enable"]
    assert (stage.row.reason, stage.row.failing_since) == ("", None)


def test_an_expiry_that_has_passed_by_our_clock_is_no_reason_to_ask_without_end(stage: Stage) -> None:
    stage.zoho.longest = stage.zoho.otherwise = timedelta(days=-1)
    assert stage.turn() == ["enable"]
    assert "Compare this machine's clock" in stage.row.reason
    assert stage.turn() == []


def test_a_person_renews_before_its_time_and_is_told_why_not(stage: Stage) -> None:
    keeping = stage.process()
    assert keeping.renew("Deals").is_taken
    assert keeping.renew("Deals").renewed_at == stage.clock.at
    assert stage.zoho.calls == ["enable", "renew"]
    keeping.renew("Deals")
    stage.assert_old_tokens_are_taken()
    stage.zoho.faults = [away()]
    assert keeping.renew("Deals").reason == "Zoho cannot be reached."
    stage.zoho.drop()
    assert keeping.renew("Deals").enabled_at == stage.clock.at, "whatever it was put off until"


# -- time


def days_of(stage: Stage, days: float, every: timedelta = HOUR) -> Counter[str]:
    """Let so many days pass, with a look now and then; what was asked of Zoho, and how often Deals was not live."""
    seen: Counter[str] = Counter()
    for _ in range(int(timedelta(days=days) / every)):
        stage.clock.at += every
        stage.process().turn()
        seen["dead"] += not stage.zoho.live()
        alarm = deciding.alarm_at(stage.row)
        seen["alarmed"] += alarm is not None and alarm <= stage.clock.at
        seen["unknown"] += deciding.is_live(stage.row, stage.clock.at) is not bool(stage.zoho.live())
        if stage.zoho.live():
            assert stage.is_taken()
        stage.assert_old_tokens_are_taken()
    seen.update(stage.zoho.calls)
    stage.zoho.calls.clear()
    return seen


def test_thirty_days_in_which_all_is_well(stage: Stage) -> None:
    stage.turn()
    seen = days_of(stage, 30)
    assert (seen["dead"], seen["unknown"], seen["alarmed"], seen["enable"]) == (0, 0, 0, 1)
    assert (seen["renew"], seen["find"]) == (15, 15)  # a look once between two renewals


@pytest.mark.parametrize("times", [5, 60])
def test_thirty_days_in_which_every_renewal_fails_so_often(stage: Stage, times: int) -> None:
    """Up to the last hour there is another try: 60 in vain are less than three days, and four are left of six."""
    stage.turn()
    seen: Counter[str] = Counter()
    for _ in range(30):
        renewal = deciding.renewal_at(stage.row, stage.row.expires_at)
        if stage.clock.at < renewal <= stage.clock.at + DAY:
            stage.zoho.faults = [away() for _ in range(times)]
        seen += days_of(stage, 1)
    assert (seen["dead"], seen["unknown"]) == (0, 0)
    assert seen["renew"] > 5 * times


def test_an_expiry_that_is_really_missed_was_announced_days_before(stage: Stage) -> None:
    stage.turn()
    stage.zoho.faults = [away() for _ in range(1000)]
    alarmed_at, ended_at = None, stage.row.expires_at
    while stage.zoho.live():
        days_of(stage, 1 / 24)
        alarm = deciding.alarm_at(stage.row)
        if alarmed_at is None and alarm is not None and alarm <= stage.clock.at:
            alarmed_at = stage.clock.at
    assert alarmed_at is not None
    assert ended_at - alarmed_at >= 2 * DAY - HOUR
    stage.zoho.faults = []
    days_of(stage, 1 / 12)
    assert deciding.alarm_at(stage.row) is None
    assert stage.is_taken()


def test_thirty_days_in_which_zoho_grants_an_hour_now_and_then(stage: Stage) -> None:
    """Renewed every twenty minutes none of them ends."""
    chance = random.Random(7)
    stage.turn()
    seen: Counter[str] = Counter()
    for _ in range(30):
        stage.zoho.longest = chance.choice([WEEK, WEEK, HOUR])
        seen += days_of(stage, 1, 30 * MINUTE)
    assert (seen["dead"], seen["unknown"], seen["alarmed"]) == (0, 0, 0)
    assert seen["renew"] > 30


def test_thirty_days_in_which_zoho_lets_it_expire_sooner_than_it_granted(stage: Stage) -> None:
    """Nobody tells us: the daily look does, so that it is missed for less than a day each time."""
    stage.turn()
    for _ in range(10):
        stage.zoho.shorten(5 * DAY)
        seen = days_of(stage, 3)
        assert seen["dead"] < 24
        assert stage.is_taken()


@pytest.mark.parametrize("asleep", [timedelta(hours=30), 7 * DAY, 30 * DAY])
def test_a_machine_that_slept_over_the_expiry_has_its_channel_back_at_once(
    stage: Stage, asleep: timedelta
) -> None:
    stage.turn()
    path = stage.row.path
    calls = stage.turn(asleep)
    assert calls == (["find"] if asleep < 2 * DAY else ["enable"])
    assert stage.row.path == path
    assert stage.is_taken()
    assert stage.row.expires_at > stage.clock.at


def test_a_clock_that_was_wrong_for_a_while(stage: Stage) -> None:
    """Ahead by a year and back again: the channel is there, and is looked at anew."""
    stage.turn()
    at: datetime = stage.clock.at
    keeping = stage.process()
    keeping.clock = FakeClock(at + 365 * DAY)
    stage.zoho.longest = stage.zoho.otherwise = 400 * DAY
    keeping.turn()
    stage.zoho.longest, stage.zoho.otherwise = WEEK, HOUR
    assert stage.turn() == ["find"]


# -- its own thread


def test_without_a_public_address_there_are_none_and_that_is_said_once(stage: Stage) -> None:
    stage.url = ""
    keeping, turns = stage.process(), iter(range(3))
    keeping.stopping = _Stopping(turns)
    keep(keeping, pytest.fail, 0.0)
    assert stage.zoho.calls == []
    assert stage.said == ["Zoho tells of no change by itself, for [webhooks] url is not set."]


def test_a_bug_is_kept_and_the_next_turn_comes(stage: Stage) -> None:
    stage.zoho.faults = [Fault(ValueError())]
    keeping, found = stage.process(), []
    keeping.stopping = _Stopping(iter(range(3)))
    keep(keeping, found.append, 0.0)
    assert [type(error) for error in found] == [ValueError]
    assert stage.row.is_taken


class _Stopping:
    """An event that is set after so many waits."""

    def __init__(self, turns) -> None:
        self.turns = turns

    def wait(self, _: float) -> bool:
        return next(self.turns, None) is None

    def is_set(self) -> bool:
        return False
