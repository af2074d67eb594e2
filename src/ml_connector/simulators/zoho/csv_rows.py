"""CSV files as bulk write takes and gives them, and the zip archives round them (Zoho's page of its limitations)."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_DELIMITERS = ",;:|"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's headings and rows; a row may be shorter than the headings."""

    headings: list[str]
    rows: list[list[str]]


def read_sheet(content: bytes, encoding: str | None) -> Sheet:
    """A CSV file with its headings in the first line; ValueError when it is none.

    The delimiter is the one of `, ; : |` that stands most often in the first line. Without an encoding it is UTF-8
    (Zoho finds it out by itself; how is not documented).
    """
    try:
        text = content.decode(encoding or "utf-8-sig")
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(encoding) from error
    first_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if line]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if not lines:
        raise ValueError(text)
    return Sheet([heading.strip() for heading in lines[0]], lines[1:])


def write_sheet(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The same as bytes, with commas, in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue().encode()


def zipped(name: str, content: bytes) -> bytes:
    """An archive with one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(name, content)
    return archive.getvalue()


def unzipped(archive: bytes) -> tuple[str, bytes]:
    """Name and content of the one CSV file in an archive; ValueError when it is not that."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            names = [name for name in files.namelist() if not name.endswith("/")]
            if len(names) != 1 or not names[0].lower().endswith(".csv"):
                raise ValueError(names)
            return names[0], files.read(names[0])
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
