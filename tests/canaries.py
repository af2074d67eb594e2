"""Secret-like values that tests use, and where they turn up although they are secret.

Whatever a test run leaves below its temporary folders (databases with their logs, settings, reports, error logs,
key files) is searched at the end of the session for these values, as they are and as programs write them.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

#: What every installation of the tests is given (``systems.SECRETS``), and what a test of one command types.
BIRDS = ("kanarienvogel", "wellensittich", "zaunkoenig", "rohrdommel")
#: What the Zoho simulator mints: access tokens, refresh tokens, codes of grants.
MINTED = re.compile(rb"1000\.[0-9a-f]{32}(\.[0-9a-f]{32})?")

#: Files in which a value may stand, by name, and why.
_MAY = {
    "master.key": "it is where the master key is",
    "tokens.txt": "where Zoho's own SDK, which is not ours, keeps the tokens that the simulator gave it",
    "accounts": "the GP simulator's own accounts, as Windows has them",
}


@cache
def forms(value: str) -> frozenset[bytes]:
    """A value as it may be written: in UTF-8 and UTF-16, in hexadecimal, in an address, within base64."""
    plain = value.encode()
    # Within base64 a text looks different at each of three places; its ends depend on what stands beside it.
    within = {base64.b64encode(b"\x00" * shift + plain)[4 if shift else 0 : -4] for shift in range(3)}
    written = (
        plain,
        value.encode("utf-16-le"),
        plain.hex().encode(),
        plain.hex().upper().encode(),
        quote(value, safe="").encode(),
        *(one for one in within if len(one) >= 8),
    )
    return frozenset(written)


def found_in(content: bytes, values: Iterable[str]) -> list[str]:
    """Which of these values stand in it, in any form."""
    return [value for value in values if any(form in content for form in forms(value))]


def files(folder: Path) -> Iterator[Path]:
    """Every file below it that may hold no secret."""
    for place, _, names in os.walk(folder):  # which passes over what is removed meanwhile
        paths = (Path(place, name) for name in names if name not in _MAY)
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


@dataclass
class Findings:
    """What was found below the temporary folders of a session."""

    searched: int = 0  #: files
    faults: list[str] = field(default_factory=list)  #: a line for each file and value


def search(folder: Path) -> Findings:
    """Look into every file that is left below ``folder``."""
    found = Findings()
    for path in files(folder):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # another session tidies up
            continue
        found.searched += 1
        found.faults += [f"{path}: {bird}" for bird in found_in(content, BIRDS)]
        if MINTED.search(content):
            found.faults.append(f"{path}: a token or a code of Zoho's")
    return found
