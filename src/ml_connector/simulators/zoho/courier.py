"""Posts the callbacks of bulk jobs, from a thread of its own.

It posts them one after the other, as soon as the clock says that a job is over, though nobody looks at it, and sleeps
while no job has a callback. What could not be sent it says (`GET /_control/callbacks`).
"""

import threading

import orjson

from ml_connector.simulators.zoho import bulk_read, bulk_write
from ml_connector.simulators.zoho.bulk_jobs import Job
from ml_connector.simulators.zoho.bulk_read import ReadWork
from ml_connector.simulators.zoho.bulk_rows import WriteWork
from ml_connector.simulators.zoho.callbacks import url_of
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.posting import posted
from ml_connector.simulators.zoho.replies import JsonObject

_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 5.0


class Courier:
    """The thread that posts them."""

    def __init__(self, org: Org, base_url: str, stopping: threading.Event) -> None:
        self._org, self._base_url, self._stopping = org, base_url, stopping
        self._thread = threading.Thread(target=self._run, name="zoho-callbacks", daemon=True)

    def start(self) -> None:
        """Begins to wait for jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; `stopping` is set already."""
        self._org.jobs.has_callbacks.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            self._org.jobs.has_callbacks.wait()
            for job in self._due():
                self._post(job)

    def _due(self) -> list[Job]:
        org = self._org
        with org.lock:
            now = org.clock.now()
            org.jobs.settle(now)
            for job in org.jobs.take_ended():
                org.callbacks.add(job, now)
            found = org.callbacks.due(now)
            if org.callbacks.is_idle and not org.jobs.awaits_callbacks:
                org.jobs.has_callbacks.clear()
        return found

    def _post(self, job: Job) -> None:
        with self._org.lock:
            content = orjson.dumps(_body(self._org, self._base_url, job))
        status, said = posted(url_of(job), content, _TIMEOUT_SECONDS)
        with self._org.lock:
            self._org.callbacks.note(job, status, said)


def _body(org: Org, base_url: str, job: Job) -> JsonObject:
    if isinstance(job.work, WriteWork):
        return bulk_write.details_of(org, base_url, job, job.work)
    assert isinstance(job.work, ReadWork)
    return bulk_read.details_of(org, job, job.work)
