"""A process that reads records from GP when it is told to; answers last as long, by its clock, as it is told.

    python reading_process.py FOLDER ENDPOINT PASSWORD

A line on standard input is a number of seconds and the keys to read; the answer is a line with how many requests may
run at once by then.
"""

import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


class Noon:
    """It is noon, whatever the pace of the machine, except when a thread looks at the clock after an answer."""

    def __init__(self):
        self.lasts, self._thread = 0.0, threading.local()

    def now(self):
        seconds, self._thread.seconds = getattr(self._thread, "seconds", 0.0), 0.0
        return NOON + timedelta(seconds=seconds)

    def answered(self):
        self._thread.seconds = self.lasts

    def sleep(self, seconds):
        time.sleep(min(seconds, 0.005))


class Transport(WindowsTransport):
    """Sends for real, and says when an answer is there."""

    def __init__(self, config, password, clock):
        super().__init__(config, password)
        self._clock = clock

    def post(self, body, headers, timeout_seconds):
        try:
            return super().post(body, headers, timeout_seconds)
        finally:
            self._clock.answered()


def main(folder, endpoint, password):
    clock = Noon()
    config = GpConfig(endpoint=endpoint, company_id=-1, user=r"FABRIKAM\connector", max_requests=4)
    transport = Transport(config, lambda: password, clock)
    with (
        closing(RequestGate(Path(folder), config.max_requests, 0.0, clock)) as gate,
        closing(GpSource(GpClient(config, lambda: password, gate, clock, transport))) as source,
    ):
        for line in sys.stdin:
            seconds, *keys = line.split()
            clock.lasts = float(seconds)
            assert len(list(source.fetch("customers", keys))) == len(keys)
            sys.stdout.write(f"{gate.at_once()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
