"""When a record that waits is tried again by itself: at distances that grow with the time it has waited."""

from __future__ import annotations

from datetime import datetime, timedelta

#: The distance between the first attempt and the second.
FIRST_DISTANCE = timedelta(minutes=5)
#: The greatest distance. It is less than a day, so that a nightly run never comes a few seconds too early.
LONGEST_DISTANCE = timedelta(hours=20)


def next_attempt(since: datetime, at: datetime) -> datetime:
    """When to try again what waits for its present reason since ``since`` and was last tried ``at``.

    The distance is as long as it has waited so far: tried whenever it is due, it doubles. Attempts that people ask for
    in between do not lengthen it. There is no last attempt: what nobody tries any more is forgotten.
    """
    return at + min(max(at - since, FIRST_DISTANCE), LONGEST_DISTANCE)
