"""A notification channel as far as receiving looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Channel:
    """Without what only its keeping needs."""

    module: str
    token_hash: str
    old_token_hash: str = ""
    old_until: datetime | None = None
