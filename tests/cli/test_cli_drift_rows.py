"""How a difference is shown: what lookups point to by name, and which part of a record it is in."""

from __future__ import annotations

import pytest

from memory import FakeClock
from ml_connector.cli.reconcile_fields import Difference


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("000-4110-01 Sales", "000-4120-01 Service"), ("000-4110-01 Sales", "000-4120-01 Service")),
        (("000-4110-01 Sales", ""), ("000-4110-01 Sales", "72")),
        (("Elgin Ltd", "Elgin Ltd"), ("Elgin Ltd (71)", "Elgin Ltd (72)")),
        (("", ""), ("71", "72")),
    ],
)
def test_a_lookup_is_shown_by_the_name_that_a_person_knows(names, shown):
    where = ("journal_entries", "3456", "16384", "GP_Journal_Lines", "9001")
    one = Difference(*where, "GP_GL_Account", "journal_lines", "71", "72", *names, FakeClock().now())
    assert one.row() == (
        "journal_entries", "3456", "16384", "9001", "GP_Journal_Lines.GP_GL_Account", *shown,
    )  # fmt: skip
    assert (one.ours, one.theirs) == ("71", "72"), "as --json has it"
