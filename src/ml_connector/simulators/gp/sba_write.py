"""What all writing resources of SBA do: read the body, and refuse as SBA refuses.

A broken rule is 400, an id that is taken 409, with the reasons in the body; facts 1.6 suggest the statuses, the body's
form is invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ml_connector.simulators.gp import masters_write, sales_rules
from ml_connector.simulators.gp.faults import NOT_FOUND, SoapFaultError
from ml_connector.simulators.gp.sba_request import Asked, RefusedError, not_there

_TAKEN = frozenset({str(sales_rules.DUPLICATE.number), str(masters_write.DUPLICATE.number)})


def body_of(asked: Asked) -> Mapping[str, Any]:
    """Return the JSON object that was sent; RefusedError where none was."""
    try:
        read = json.loads(asked.request.body)
    except ValueError as error:
        raise RefusedError(400, f"The body is not JSON: {error}") from error
    if not isinstance(read, Mapping):
        raise RefusedError(400, "A JSON object was expected.")
    return read


@contextmanager
def refusing() -> Iterator[None]:
    """Turn SOAP's faults into SBA's answers."""
    try:
        yield
    except SoapFaultError as fault:
        if fault.text == NOT_FOUND:
            raise not_there() from fault
        taken = any(reason.id in _TAKEN for reason in fault.errors)
        reasons = tuple(reason.message for reason in fault.errors)
        raise RefusedError(409 if taken else 400, " ".join(reasons) or fault.text, reasons=reasons) from fault
