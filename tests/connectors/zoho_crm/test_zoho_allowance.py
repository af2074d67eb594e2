"""Which call may still be made: counted by us, corrected by Zoho, over all processes, with a reserve that stays."""

import random
from datetime import timedelta

import pytest

from memory import FakeClock
from ml_connector.connectors.zoho_crm import Allowance, ZohoConfig
from ml_connector.core.errors import AllowanceError, ConfigurationError, RetryableError
from zoho_guards import MemoryCredits

DAY = timedelta(hours=24).total_seconds()
#: Of 1,000 a day 100 are kept for people, and 20 are to spare for what tells how things stand.
CONFIG = ZohoConfig(data_centre="eu", client_id="1000.X", credits_per_day=1000)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def kept():
    return MemoryCredits()


@pytest.fixture
def allowance(clock, kept):
    return Allowance(CONFIG, kept, clock)


def spend(allowance, price, remaining=None, operation="insert", *, answered=True, vital=False):
    booking = allowance.book(operation, price, vital=vital)
    allowance.settle(booking, remaining, refused=False, answered=answered)


# ---- counted by us


def test_ours_never_take_the_last_of_the_reserve(allowance):
    for _ in range(88):
        spend(allowance, 10)
    assert allowance.left() == 0
    with pytest.raises(AllowanceError) as caught:
        allowance.book("insert", 1)
    assert (
        str(caught.value)
        == "Of Zoho's 1,000 API credits for 24 hours 120 are left and 100 are kept for people (credits_reserve),"
        " so this waits; enough are free again by 2026-11-03 08:31 UTC. A run that waits goes on by itself, one that"
        " ended is run again then; credits can be bought in Zoho under Setup > Developer Hub."
    )
    assert (caught.value.after_seconds, caught.value.wanted) == (900.0, 11)


def test_what_is_to_spare_is_for_what_tells_how_things_stand(allowance):
    spend(allowance, 880)
    for _ in range(20):
        spend(allowance, 1, operation="org", vital=True)
    with pytest.raises(AllowanceError, match="100 are left"):
        allowance.book("org", 1, vital=True)


def test_credits_are_free_again_a_day_later(allowance, clock):
    spend(allowance, 500)
    clock.sleep(3600)
    spend(allowance, 380)
    clock.sleep(DAY - 3600)
    with pytest.raises(AllowanceError):
        allowance.require(1)
    clock.sleep(60)
    assert allowance.left() == 500
    clock.sleep(3600)
    assert allowance.left() == 880


def test_the_wait_ends_when_the_message_says(allowance, clock):
    for _ in range(20):
        spend(allowance, 44)
        clock.sleep(600)
    with pytest.raises(AllowanceError) as caught:
        allowance.book("bulk", 100)
    assert caught.value.wanted == 110
    waits, wanted = 0, 110
    while error := refusal(allowance, wanted):
        waits, wanted = waits + 1, error.wanted
        assert "enough are free again by 2026-11-03 08:51 UTC" in str(error)
        assert 60 <= error.after_seconds <= 900
        clock.sleep(error.after_seconds)
    assert f"{clock.now():%Y-%m-%d %H:%M}" == "2026-11-03 08:51"
    assert waits == 85, "a quarter of an hour each, and the rest"


def refusal(allowance, price):
    """What is said to it; None: so many may be spent."""
    try:
        allowance.require(price)
    except AllowanceError as error:
        return error
    return None


def test_a_call_that_could_never_be_made_is_for_a_person(allowance):
    allowance.book("bulk", 880)
    with pytest.raises(ConfigurationError, match="takes 881 API credits, and only 880 of the 1,000"):
        allowance.book("bulk", 881)


def test_a_refused_call_costs_nothing_and_a_lost_one_may_have(allowance):
    for refused, left in ((True, 880), (False, 870)):
        booking = allowance.book("insert", 10)
        allowance.settle(booking, None, refused=refused, answered=False)
        assert allowance.left() == left


def test_licences_add_to_it_until_the_settings_say_otherwise(clock, kept):
    by_edition = Allowance(CONFIG.model_copy(update={"credits_per_day": None}), kept, clock)
    assert by_edition.left() == 50_000 - 5_000 - 200
    by_edition.note_users(5)
    assert by_edition.left() == 55_000 - 5_500 - 200
    assert by_edition.standing().whole == 55_000


# ---- over all processes


def test_all_processes_together_keep_the_reserve(clock, kept):
    one, two = Allowance(CONFIG, kept, clock), Allowance(CONFIG, kept.beside(), clock)
    for allowance in (one, two, one, two):
        spend(allowance, 200)
        clock.sleep(6)
    assert (one.left(), two.left()) == (80, 80)
    one.close()
    later = Allowance(CONFIG, kept.beside().beside(), clock)
    with pytest.raises(AllowanceError):
        later.book("insert", 81)


def test_what_a_killed_process_did_not_write_down_is_of_its_last_seconds(clock, kept):
    killed = Allowance(CONFIG, kept, clock)
    for _ in range(10):
        spend(killed, 10)
        clock.sleep(1)
    after = Allowance(CONFIG, kept.beside(), clock)
    assert 780 < after.left() <= 830
    spend(after, 10, remaining=890)
    assert after.left() == 770, "Zoho's number knows what it took with it"


def test_a_dear_call_is_written_down_before_it_is_sent(clock, kept):
    one, two = Allowance(CONFIG, kept, clock), Allowance(CONFIG, kept.beside(), clock)
    assert two.left() == 880
    one.book("bulk", 500)
    clock.sleep(5)
    assert two.left() == 380


class Trouble(MemoryCredits):
    def keep(self, spent):
        raise RetryableError("The database is locked.")


def test_a_database_in_trouble_books_nothing_and_hides_nothing(clock):
    allowance = Allowance(CONFIG, Trouble(), clock)
    with pytest.raises(RetryableError, match="locked"):
        allowance.book("bulk", 500)
    assert allowance.left() == 880
    spend(allowance, 1)
    allowance.close()


# ---- corrected by Zoho


def test_zohos_number_wins(allowance):
    spend(allowance, 10, remaining=450)
    assert allowance.left() == 450 - 120
    spend(allowance, 10, operation="users")
    assert allowance.left() == 440 - 120, "an answer without it: ours since then are counted"
    spend(allowance, 10, remaining=900)
    assert allowance.left() == 780, "some were bought"


def test_more_than_we_thought_raises_the_reserve_too(allowance):
    spend(allowance, 1, remaining=4000)
    assert (allowance.standing().whole, allowance.standing().reserved) == (4000, 400)


def test_what_ours_free_is_added_to_zohos_number(allowance, clock):
    spend(allowance, 300)
    clock.sleep(3600)
    spend(allowance, 10, remaining=200)
    assert allowance.left() == 80
    clock.sleep(DAY - 3600 + 60)
    assert allowance.left() == 380, "it knew of the 300, and they are a day old"
    clock.sleep(3600)
    assert allowance.left() == 880, "all that it knew of is"


def test_others_that_took_too_much_are_waited_for_and_asked_about(allowance, clock):
    assert allowance.wants_news(10) is False
    spend(allowance, 1, operation="org", remaining=40, vital=True)
    with pytest.raises(AllowanceError, match="40 are left and 100 are kept"):
        allowance.book("insert", 1)
    assert allowance.left() == -80
    assert allowance.wants_news(10) is False, "a moment ago"
    with pytest.raises(AllowanceError):
        allowance.book("org", 1, vital=True)
    clock.sleep(900)
    assert allowance.wants_news(10)
    spend(allowance, 1, operation="org", remaining=700, vital=True)
    assert allowance.left() == 580


def test_a_number_that_no_longer_comes_where_it_came_counts_no_more(allowance, clock):
    spend(allowance, 10, operation="query", remaining=450)
    spend(allowance, 10, operation="users")
    assert allowance.left() == 320, "this call may never tell"
    spend(allowance, 10, operation="query", answered=False)
    assert allowance.left() == 310, "nor does an error"
    spend(allowance, 10, operation="query")
    assert allowance.left() == 840, "less than half is used: what we counted"


def test_zoho_that_refuses_for_credits_is_believed_whatever_was_counted(allowance):
    error = allowance.used_up(10)
    assert isinstance(error, AllowanceError)
    assert "0 are left and 100 are kept" in str(error)
    with pytest.raises(AllowanceError):
        allowance.book("insert", 1)


def test_how_things_stand_is_asked_more_and_more_seldom(allowance, clock):
    spend(allowance, 1, operation="org", remaining=40, vital=True)
    asked = []
    for quarter in range(4 * 24):
        clock.sleep(900)
        if allowance.wants_news(10):
            spend(allowance, 1, operation="org", remaining=40, vital=True)
            asked.append(quarter + 1)
    assert asked == [1, 3, 7, 15, 31, 63]


class Zoho:
    """Counts each call as it works it off, which is neither when it was sent nor when its answer arrives."""

    def __init__(self, left):
        self.left = left

    def work(self, price):
        self.left -= price
        return self.left


@pytest.mark.parametrize("seed", range(40))
def test_calls_at_once_never_take_the_reserve_and_end_at_zohos_number(seed, clock, kept):
    chance, zoho = random.Random(seed), Zoho(350)
    allowance = Allowance(CONFIG, kept, clock)
    spend(allowance, 1, remaining=zoho.work(1))
    sent, answers, refused = [], [], 0
    for _ in range(400):
        step = chance.choice(["send", "send", "work", "arrive"])
        if step == "send" and len(sent) + len(answers) < 10:
            price = chance.choice([1, 3, 10])
            try:
                sent.append(allowance.book("insert", price))
            except AllowanceError:
                refused += 1
        elif step == "work" and sent:
            booking = sent.pop(chance.randrange(len(sent)))
            answers.append((booking, zoho.work(booking.price)))
            assert zoho.left >= 100
        elif step == "arrive" and answers:
            booking, remaining = answers.pop(chance.randrange(len(answers)))
            allowance.settle(booking, remaining, refused=False, answered=True)
        clock.sleep(0.1)
    answers += [(booking, zoho.work(booking.price)) for booking in sent]
    for booking, remaining in answers:
        allowance.settle(booking, remaining, refused=False, answered=True)
    assert refused
    assert allowance.left() == zoho.left - 120
    assert zoho.left >= 120
