"""Posts the notifications, from threads of its own: whoever writes a record does not wait for whoever is told."""

import threading

import orjson

from ml_connector.simulators.zoho.notice_queue import Letter
from ml_connector.simulators.zoho.org import Org
from ml_connector.simulators.zoho.posting import posted


class NoticeCourier:
    """The threads; with one of them (see options.py) notices are posted in their order."""

    def __init__(self, org: Org, base_url: str, stopping: threading.Event) -> None:
        self._org, self._base_url, self._stopping = org, base_url, stopping
        self._threads = [
            threading.Thread(target=self._run, name=f"zoho-notices-{number}", daemon=True)
            for number in range(org.options.notice_senders)
        ]

    def start(self) -> None:
        """Begins to wait for notices."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads; `stopping` is set already. What is under way stays so."""
        self._org.notices.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _run(self) -> None:
        while letter := self._org.notices.take(self._stopping):
            status, said = self._post(letter)
            self._org.notices.note(letter, status, said)

    def _post(self, letter: Letter) -> tuple[int, str]:
        content = letter.content(self._base_url, self._org.clock.now())
        return posted(
            letter.notice.subscription.notify_url,
            orjson.dumps(content),
            self._org.options.notice_timeout_seconds,
        )
