"""The one access token of all workers: a secret that nobody sets, and the lock for who renews it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ml_connector.store.locks import Locks
from ml_connector.store.sealing import SealedError, Secret
from ml_connector.store.secrets import Secrets


class Token(Protocol):
    """What an access token has, whichever class it is of."""

    @property
    def value(self) -> str: ...
    @property
    def api_domain(self) -> str: ...
    @property
    def expires_at(self) -> datetime: ...


TokenT = TypeVar("TokenT", bound=Token)


class TokenShelf(Generic[TokenT]):
    """Where all workers find the one access token, and the lock for who renews it."""

    def __init__(
        self,
        secrets: Secrets,
        folder: Path,
        make: Callable[[str, str, datetime], TokenT],
        name: str = "zoho.access_token",
    ) -> None:
        self._secrets = secrets
        self._locks = Locks(secrets.database, folder)
        self._make = make
        self._name = name

    def load(self) -> TokenT | None:
        """The token that was saved last; None when there is none yet, or none that opens: it is fetched anew."""
        if not self._secrets.has(self._name):
            return None
        try:
            kept = json.loads(self._secrets.get(self._name))
        except SealedError:
            return None
        return self._make(kept["value"], kept["api_domain"], datetime.fromisoformat(kept["expires_at"]))

    def save(self, token: TokenT) -> None:
        """Put this one in place of the last."""
        content = {
            "value": token.value,
            "api_domain": token.api_domain,
            "expires_at": token.expires_at.isoformat(),
        }
        self._secrets.put(self._name, Secret(json.dumps(content)))

    def lock(self) -> AbstractContextManager[None]:
        """Held by one thread of all processes at a time; it frees itself when its process dies."""
        return self._locks.held([self._name])
