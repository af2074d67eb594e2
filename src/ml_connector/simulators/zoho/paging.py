"""Page tokens: made by the server, bound to one user and one set of parameters, good for 24 hours."""

import secrets
import threading
from dataclasses import dataclass
from typing import Any

from ml_connector.simulators.zoho.replies import RequestRefusedError, invalid_parameter

TOKEN_SECONDS = 86_400
MAX_ROWS_BY_TOKEN = 100_000
_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins."""

    bound_to: tuple[Any, ...]
    after: Any
    """Sort key of the row before it; None at the beginning."""
    seen: int
    """Rows on the pages before it."""
    number: int
    token: str | None
    previous_token: str | None
    expires_at: float


class PageTokens:
    """The tokens given out lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, Page] = {}

    def keep(self, page: Page) -> None:
        """Remembers a page that was offered."""
        assert page.token is not None
        with self._lock:
            self._pages[page.token] = page
            if len(self._pages) > _KEPT:
                del self._pages[next(iter(self._pages))]

    def find(self, token: str, bound_to: tuple[Any, ...], now: float) -> Page:
        """The page; RequestRefusedError for a token that is unknown, expired, used up or given for another list."""
        page = self._pages.get(token)
        if page is None:
            raise invalid_parameter("page_token")
        details = {"param_name": "page_token"}
        if now >= page.expires_at:
            raise RequestRefusedError(400, "EXPIRED_VALUE", "page_token is expired", details)
        if page.bound_to != bound_to:
            message = "the params given differ from those of the page_token"
            raise RequestRefusedError(400, "TOKEN_BOUND_DATA_MISMATCH", message, details)
        if page.seen >= MAX_ROWS_BY_TOKEN:
            message = "You can only get the first 100000 records using page_token param"
            raise RequestRefusedError(400, "PAGINATION_LIMIT_EXCEEDED", message, {"limit": MAX_ROWS_BY_TOKEN})
        return page


def new_token() -> str:
    """64 characters, as Zoho's."""
    return secrets.token_hex(32)
