"""The chain: a hash depends on everything before it; and what lines of checkpoints say together."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from shapes import texts

from ml_connector.core.audit import GENESIS, AuditAction, Checkpoint, Mark, Outline, chain


@given(texts, texts)
def test_a_hash_tells_its_row_and_what_came_before(one, other):
    assert (chain(GENESIS, one) == chain(GENESIS, other)) is (one == other)
    assert chain(chain(GENESIS, one), other) != chain(GENESIS, other)
    assert len(chain(GENESIS, one)) == len(GENESIS)


def test_every_action_names_its_subject_and_verb():
    assert all(action.value.count(":") == 1 for action in AuditAction)


# -- checkpoints

AT = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)


@pytest.mark.parametrize("mark", Mark)
def test_a_checkpoint_comes_back_from_its_line(mark):
    one = Checkpoint(7, "ab" * 32, AT, mark)
    assert "\n" not in one.line()
    assert Checkpoint.read(one.line()) == one


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "7", '{"seq": 7}', '{"seq": 7, "hash": "", "at": "x", "mark": "end"}']
)
def test_a_line_that_is_none_is_none(line):
    assert Checkpoint.read(line) is None


def held_of(*lines: Checkpoint | None) -> list[int]:
    """The numbers of the lines that still bind."""
    outline = Outline.of(lines)
    return [number for number, one in enumerate(lines) if one is not None and outline.holds(number, one)]


def end(seq: int) -> Checkpoint:
    return Checkpoint(seq, str(seq), AT)


def test_what_was_noted_before_an_earlier_copy_was_put_back_holds_up_to_it():
    back = Checkpoint(5, "5", AT, Mark.RESTORED)
    assert held_of(end(3), end(5), None, end(9), back, end(6), end(9)) == [0, 1, 4, 5, 6]
    further_back = Checkpoint(4, "4", AT, Mark.RESTORED)
    assert held_of(end(3), end(5), back, end(6), further_back, end(7)) == [0, 4, 5]


def test_an_outline_knows_which_removals_were_noted():
    gone = Checkpoint(5, "5", AT, Mark.TRIMMED)
    outline = Outline.of([end(3), None, gone, end(9)])
    assert (outline.first, outline.unreadable) == (3, 1)
    assert outline.knows_start(5, "5")
    assert outline.knows_start(2, "2")  # before there was the file
    assert not outline.knows_start(5, "another")
    assert not outline.knows_start(9, "9")
    assert Outline().knows_start(9, "9")
