"""Files that were uploaded for bulk write."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Upload:
    """A CSV file out of its archive; jobs may use it again and again (how long Zoho keeps one is not documented)."""

    name: str
    content: bytes
