"""POST /upload: the zip archive of a bulk write (Zoho's "Upload File" page; codes of the OpenAPI file of August 2026).

The real call goes to a host of its own, content.zohoapis.com; here it is the same one.
"""

import re
from dataclasses import dataclass

from ml_connector.simulators.zoho.call import Call
from ml_connector.simulators.zoho.csv_rows import unzipped
from ml_connector.simulators.zoho.org import ZGID
from ml_connector.simulators.zoho.replies import JsonObject, Reply, RequestRefusedError, json_reply
from ml_connector.simulators.zoho.uploads import Upload

MAX_BYTES = 25 * 1024 * 1024
_FEATURE = "bulk-write"
_BOUNDARY = re.compile(r'multipart/form-data;.*?boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*?\bname="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Part:
    """One field of a form."""

    name: str
    content: bytes


def upload_file(call: Call) -> Reply:
    """POST /upload: answers the id under which a job finds the file."""
    _check_headers(call.headers)
    content = _sent_file(call)
    if len(content) > MAX_BYTES:
        raise RequestRefusedError(413, "FILE_TOO_LARGE", "File size too large to process")
    try:
        name, _ = unzipped(content)
    except ValueError as error:
        message = "invalid file format. only zip format is supported"
        raise RequestRefusedError(400, "INVALID_FILE_FORMAT", message) from error
    with call.org.lock:
        file_id = call.org.record_ids.new()
        call.org.uploads[file_id] = Upload(name, content)
    details = {"file_id": file_id, "created_time": call.org.clock.render(int(call.org.clock.now()))}
    body: JsonObject = {
        "status": "success",
        "code": "FILE_UPLOAD_SUCCESS",
        "message": "file uploaded.",
        "details": details,
    }
    return json_reply(200, body)


def _check_headers(headers: dict[str, str]) -> None:
    """Which code answers which mistake is inferred: Zoho lists the codes, and says that both headers are needed."""
    message = "check if headers [feature, X-CRM-ORG] are present and valid"
    for name in ("feature", "x-crm-org"):
        if name not in headers:
            raise RequestRefusedError(400, "MANDATORY_NOT_FOUND", message, {"header": name})
    if headers["feature"] != _FEATURE:
        raise RequestRefusedError(400, "NOT_SUPPORTED_FEATURE", message, {"header": "feature"})
    if headers["x-crm-org"] != ZGID:
        raise RequestRefusedError(400, "INVALID_DATA", message, {"header": "x-crm-org"})


def _sent_file(call: Call) -> bytes:
    files = [part for part in _parts(call) if part.name == "file"]
    if len(files) != 1:
        details = {"api_name": "file"}
        raise RequestRefusedError(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    return files[0].content


def _parts(call: Call) -> list[_Part]:
    """The fields of a multipart body."""
    found = _BOUNDARY.match(call.headers.get("content-type", ""))
    if not found:
        details = {"expected_data_type": "multipart/form-data"}
        raise RequestRefusedError(400, "INVALID_DATA", "invalid data", details)
    parts = []
    for piece in (b"\r\n" + call.raw_body).split(b"\r\n--" + found.group(1).encode())[1:]:
        head, _, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name:
            parts.append(_Part(name.group(1).decode("utf-8", "replace"), content))
    return parts
