"""The dialect of bulk write: pure functions between records and zipped CSV, and the JSON around them.

Source: Zoho CRM API v7/v8, "Bulk Write": "Upload File", "Create Bulk Write Job", "Job Details", "Download Result".
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from ml_connector.connectors.zoho_crm import errors, wire
from ml_connector.connectors.zoho_crm.schema import LAYOUT, ModuleMeta
from ml_connector.connectors.zoho_crm.wire import Item, Reply
from ml_connector.core.errors import ConfigurationError, RetryableError
from ml_connector.core.ports import BulkFile, JobState, Refused, Write, WriteResult, Written
from ml_connector.core.record import Value, fold_key

MAX_BYTES = 25 * 1024 * 1024  #: of the zip
#: What the archive may still grow by without a row more: what the compression holds back, and the archive's end.
_PENDING = 256 * 1024
MAX_COLUMNS = 200
_ID = "id"
#: How dates and instants stand in our files: an offset of their own, whatever time zone the user has.
_FORMATS: Mapping[str, str] = {"date": "yyyy-MM-dd", "datetime": "yyyy-MM-dd'T'HH:mm:ssXXX"}
_FINAL = frozenset({"COMPLETED", "FAILED", "SKIPPED"})
_UNDER_WAY = frozenset({"ADDED", "QUEUED", "INPROGRESS"})
_WRITTEN = frozenset({"ADDED", "UPDATED"})
_NOT_WRITTEN = frozenset({"SKIPPED", "UNPROCESSED"})
#: What reading an archive raises that is none, or none that we can open.
_NO_RESULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeDecodeError, csv.Error, LookupError
)  # fmt: skip
#: What the ordinary call tells better, or knows a way out of.
_UNCERTAIN = frozenset({"DUPLICATE_DATA", "RESOURCE_NOT_FOUND", "CANNOT_PROCESS"})


# ---- to Zoho


def is_exact(write: Write) -> bool:
    """Whether a row says exactly this.

    An empty cell leaves the field as it is (``ignore_empty``), so nothing can be emptied; a layout is for the whole
    file; and rows are told apart by the first cell.
    """
    return LAYOUT not in write.fields and all(
        str(value).strip() if isinstance(value, str) else value is not None for value in write.fields.values()
    )


def columns_of(writes: Iterable[Write], key: str) -> tuple[str, ...]:
    """The columns of a file: what tells the rows apart first, since a result repeats only the first three."""
    names: dict[str, None] = {}
    first = ""
    for write in writes:
        first = first or (key if write.target_id is None else _ID)
        names |= dict.fromkeys(write.fields)
    names.pop(first, None)
    if len(names) >= MAX_COLUMNS:
        raise ConfigurationError(
            f"A bulk job takes {MAX_COLUMNS} fields, and the mappings have {len(names) + 1}.",
            "Leave some of them out.",
        )
    return first, *names


def zipped(
    name: str, writes: Iterable[Write], columns: Sequence[str], most: int = MAX_BYTES
) -> tuple[bytes, int]:
    """The CSV file of these rows, in an archive, and how many of them are in it: as many as ``most`` bytes hold.

    A cell is empty where a row does not have the field. ConfigurationError: not even one row fits.
    """
    archive, rows = io.BytesIO(), 0
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files,
        files.open(name, "w") as inner,
    ):
        inner.write(_line(columns))
        for write in writes:
            line = _line(_cells(write, columns))
            if archive.tell() + len(line) + _PENDING > most:
                break
            inner.write(line)
            rows += 1
    if not rows:
        raise ConfigurationError(
            f"A bulk job takes {most >> 20} MB, and one record has more.", "Shorten the mapped texts."
        )
    return archive.getvalue(), rows


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cells(write: Write, columns: Sequence[str]) -> list[str]:
    first = write.target_id if write.target_id is not None else _cell(write.fields[columns[0]])
    return [first, *(_cell(write.fields.get(name)) for name in columns[1:])]


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value!r} cannot be written to Zoho")
        return format(value, "f")
    return str(value)


def multipart(name: str, content: bytes) -> tuple[str, bytes]:
    """The content type and the body of a form with this one file."""
    boundary = hashlib.sha256(content).hexdigest()
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/zip\r\n\r\n"
    return (
        f"multipart/form-data; boundary={boundary}",
        head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
    )


def file_name(module: str) -> str:
    """What the CSV file of a module is called."""
    return f"{module}.csv"


def encode_job(meta: ModuleMeta, file: BulkFile) -> bytes:
    """The body that makes a job of an uploaded file.

    ``ignore_empty`` is said twice: Zoho's page has it for the job, its OpenAPI file of 2026 for the resource.
    """
    resource: dict[str, Any] = {
        "type": "data",
        "module": {"api_name": file.module},
        "file_id": file.file_id,
        "file_names": [file_name(file.module)],
        "ignore_empty": True,
        "field_mappings": [_mapping(meta, name, index) for index, name in enumerate(file.columns)],
    }
    if not file.creates:
        resource["find_by"] = _ID
    return orjson.dumps(
        {
            "character_encoding": "UTF-8",
            "operation": "insert" if file.creates else "update",
            "ignore_empty": True,
            "resource": [resource],
        }
    )


def _mapping(meta: ModuleMeta, name: str, index: int) -> dict[str, Any]:
    mapping: dict[str, Any] = {"api_name": name, "index": index}
    if name in meta.lookups:
        mapping["find_by"] = _ID
    elif name in meta.fields and meta.fields[name].type in _FORMATS:
        mapping["format"] = _FORMATS[meta.fields[name].type]
    return mapping


# ---- from Zoho


def detail(body: Mapping[str, Any], name: str, what: str) -> str:
    """One of the details of an answer; RetryableError where it is missing."""
    details = body.get("details")
    found = details.get(name) if isinstance(details, dict) else None
    if not found:
        raise RetryableError(f"Zoho {what}, but did not name it.", "It is tried again.")
    return str(found)


def job_state(body: Mapping[str, Any]) -> JobState:
    """How far a job is, from its details. ConfigurationError: in a word that we do not know."""
    said, result = str(body.get("status") or ""), body.get("result")
    word = said.upper().replace(" ", "").replace("_", "")
    if word not in _FINAL | _UNDER_WAY:
        raise ConfigurationError(
            f"Zoho says “{said}” of a bulk job, which is no word that we know.",
            "Please report it. After bulk_timeout_seconds the job counts as ended, and everything is read again.",
        )
    url = str(result.get("download_url") or "") if isinstance(result, dict) else ""
    return JobState(word in _FINAL, url, said)


def read_results(reply: Reply, file: BulkFile) -> dict[str, WriteResult | None]:
    """What became of each row, by what tells it apart; None: nothing was written, and the ordinary call tells why.

    A row of which the file does not say whether it was written is left out. The file has the first three mapped
    columns, then STATUS, RECORD_ID and ERRORS. ConfigurationError: it has not.
    """
    try:
        rows = list(_rows(reply.content))
    except _NO_RESULTS as error:
        raise ConfigurationError(
            f"The results of a bulk job are not the file that Zoho promises: {type(error).__name__}.",
            "Please report it; the records are written in the ordinary way.",
        ) from error
    found: dict[str, WriteResult | None] = {}
    for first, told in rows:
        if not _is_unclear(first, told, file):
            found[fold_key(first) if file.creates else first] = _result(told, file)
    return found


def _is_unclear(first: str, told: Mapping[str, str], file: BulkFile) -> bool:
    """Whether it may have been written to, and it is not said to which record."""
    status, record_id = _status(told), _record_id(told)
    if status in _WRITTEN:
        return not record_id or (not file.creates and record_id != first)
    return status not in _NOT_WRITTEN and not told.get("ERRORS", "").strip()


def _rows(archive: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """The first cell of each row, and its cells by heading."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files, files.open(files.namelist()[0]) as inner:
        sheet = csv.reader(io.TextIOWrapper(inner, encoding="utf-8-sig", newline=""))
        headings = [heading.strip().upper() for heading in next(sheet, [])]
        if "STATUS" not in headings:
            raise LookupError("STATUS")
        for cells in sheet:
            if cells:
                yield cells[0], dict(zip(headings, cells, strict=False))


def _result(told: Mapping[str, str], file: BulkFile) -> WriteResult | None:
    if _status(told) in _WRITTEN:
        return Written(_record_id(told), None)
    items = list(_items(told.get("ERRORS", "")))
    if not items or any(item.code in _UNCERTAIN or _is_own_id(item, file) for item in items):
        return None
    item = items[0] if len(items) == 1 else _several(items)
    return Refused(errors.item_error(item))


def _status(told: Mapping[str, str]) -> str:
    return told.get("STATUS", "").strip().upper()


def _record_id(told: Mapping[str, str]) -> str:
    return told.get("RECORD_ID", "").strip()


def _items(text: str) -> Iterator[Item]:
    """``CODE-column,column:CODE-column`` as single errors."""
    for part in filter(None, text.strip().split(":")):
        code, _, columns = part.partition("-")
        for column in columns.split(","):
            name = column.strip().partition(".")[0]  # of a lookup: "Account_Name.id"
            yield Item(code.strip(), "", {"api_name": name} if name else {}, wire.redact(text))


def _several(items: Sequence[Item]) -> Item:
    told = [{"code": item.code, "message": item.message, "details": item.details} for item in items]
    return Item("MULTIPLE_OR_MULTI_ERRORS", "", {"errors": told}, items[0].raw)


def _is_own_id(item: Item, file: BulkFile) -> bool:
    """Whether the error is about the record itself: the ordinary call says whether it is gone."""
    return not file.creates and str(item.details.get("api_name", "")).casefold() in (_ID, "record_id")
