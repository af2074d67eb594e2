"""Files that were uploaded for bulk write."""

from dataclasses import dataclass

from ml_connector.simulators.zoho.csv_rows import unzipped


@dataclass(frozen=True, slots=True)
class Upload:
    """A CSV file in its archive; jobs may use it again and again (how long Zoho keeps one is not documented)."""

    name: str
    archive: bytes

    def content(self) -> bytes:
        """The file itself."""
        return unzipped(self.archive)[1]
