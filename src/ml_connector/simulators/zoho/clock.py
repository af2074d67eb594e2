"""The simulator's own time, and Zoho's way to write an instant."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d|Z)")


class Clock:
    """The system's time plus an offset that can be set."""

    def __init__(self, offset_seconds: float, zone_offset: str) -> None:
        self.offset_seconds = offset_seconds
        sign = -1 if zone_offset.startswith("-") else 1
        hours, minutes = zone_offset.lstrip("+-").split(":")
        zone = self.zone = timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))

        @lru_cache(maxsize=65_536)  # a page of 2,000 rows has few different seconds
        def render(at: int) -> str:
            return datetime.fromtimestamp(at, zone).isoformat()

        self.render = render
        """Seconds since 1970 as `yyyy-MM-ddTHH:mm:ss±HH:mm` in the user's zone."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time() + self.offset_seconds

    def http_date(self) -> str:
        """For the Date header."""
        return _http_date(int(self.now()))


@lru_cache(maxsize=4)
def _http_date(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def parse_instant(text: str) -> int:
    """Seconds since 1970; ValueError unless date, time and offset are all there."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return int(datetime.fromisoformat(text).timestamp())
