"""The chain: a hash depends on everything before it."""

from hypothesis import given
from shapes import texts

from ml_connector.core.audit import GENESIS, AuditAction, chain


@given(texts, texts)
def test_a_hash_tells_its_row_and_what_came_before(one, other):
    assert (chain(GENESIS, one) == chain(GENESIS, other)) is (one == other)
    assert chain(chain(GENESIS, one), other) != chain(GENESIS, other)
    assert len(chain(GENESIS, one)) == len(GENESIS)


def test_every_action_names_its_subject_and_verb():
    assert all(action.value.count(":") == 1 for action in AuditAction)
