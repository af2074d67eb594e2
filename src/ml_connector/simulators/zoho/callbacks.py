"""The callbacks of bulk jobs: when a job ends, well or not, its details are posted to the URL that it was given.

That they are posted "on successful completion of job or on failure of job" is Zoho's word, and that they are the job's
details. Inferred: that the body is the one that a look at the job answers; that nothing is sent again, as with its
notifications (facts 4). What goes wrong on the way is planned (`POST /_control/callbacks/fates`).
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from ml_connector.simulators.zoho.bulk_jobs import Job
from ml_connector.simulators.zoho.replies import JsonObject


class CallbackFate(StrEnum):
    """What happens to a callback on its way; a late one may be overtaken by the next."""

    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of the next callback: `seconds`, by the simulator's clock, are of a delay."""

    kind: CallbackFate
    seconds: float = 0.0


@dataclass(slots=True)
class Callbacks:
    """What is planned, what is on its way and what became of the others; the organisation's lock is held."""

    planned: deque[Planned] = field(default_factory=deque)
    sent: list[JsonObject] = field(default_factory=list)
    """The latest last: job, url, and the status of the answer (0: there was none)."""
    _under_way: list[tuple[float, int, Job]] = field(default_factory=list)
    _number: int = 0

    def add(self, job: Job, now: float) -> None:
        """A job has ended."""
        fate = self.planned.popleft() if self.planned else None
        if fate and fate.kind == CallbackFate.DROP:
            self.note(job, 0, "lost on the way")
            return
        late = fate.seconds if fate and fate.kind == CallbackFate.DELAY else 0.0
        for _ in range(2 if fate and fate.kind == CallbackFate.DUPLICATE else 1):
            self._number += 1
            heapq.heappush(self._under_way, (now + late, self._number, job))

    def due(self, now: float) -> list[Job]:
        """Those to be posted now, in their order; they are not under way any more."""
        found = []
        while self._under_way and self._under_way[0][0] <= now:
            found.append(heapq.heappop(self._under_way)[2])
        return found

    @property
    def is_idle(self) -> bool:
        """Whether none is under way."""
        return not self._under_way

    def note(self, job: Job, status: int, said: str = "") -> None:
        """What became of one."""
        self.sent.append({"job": job.id, "url": url_of(job), "status": status, "said": said})


def url_of(job: Job) -> str:
    """Where a job's callback goes."""
    return str((job.work.callback or {})["url"])
