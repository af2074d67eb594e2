"""What a value of the CRM is in the fields of the ERP that the transform of a mapping makes it of: the way back. Pure.

Only transforms that lose nothing, or only what can be kept as it stands, have one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ml_connector.core.catalogue import VALUE_UNFIT
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.record import Value

#: Of a value of the CRM and of what stands in the ERP's fields: what is to stand in them, as it is read there.
Reverse = Callable[[Value, tuple[Value, ...]], tuple[Value, ...]]

_DIALLED = re.compile(r"([2-9][0-9]{2})-([0-9]{3})-([0-9]{4})(?: x([0-9]{1,4}))?")
_DIGITS, _EXTENSION = 10, 4  # of number and extension, in GP's phone columns (reference gp/facts.md 2.7)
_PHONE_LONGEST = 21
_ADDRESSES = re.compile(r"[;,]")


def _copy(value: Value, _stands: tuple[Value, ...]) -> tuple[Value, ...]:
    return (value,)


def _lines(value: Value, stands: tuple[Value, ...]) -> tuple[Value, ...]:
    lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
    if len(lines) > len(stands):
        raise _unfit(f"The ERP has {len(stands)} lines for it, and it has {len(lines)} in the CRM.")
    return (*lines, *[None] * (len(stands) - len(lines)))


def _phone(value: Value, stands: tuple[Value, ...]) -> tuple[Value, ...]:
    """Digits, extension and country, as far as there are fields; a number that is not North American as it is."""
    text = str(value or "").strip()
    dialled = _DIALLED.fullmatch(text)
    extension = dialled[4].rjust(_EXTENSION, "0") if dialled and dialled[4] else None
    if dialled is not None:
        text = "".join(dialled.groups()[:3])
    if len(text) > _PHONE_LONGEST or (extension and len(stands) == 1):
        raise _unfit(f"The number “{value}” does not fit into the ERP's field.")
    return (text or None, extension, *stands[2:])[: len(stands)]


def _phone_sent(stands: tuple[Value, ...]) -> tuple[Value, ...]:
    """Ten digits go with those of the extension behind them, which are noughts where there is none."""
    number, extension = (*stands, None)[:2]
    is_plain = isinstance(number, str) and number.isdecimal() and len(number) == _DIGITS
    return (f"{number}{extension or '0' * _EXTENSION}" if is_plain else number,)


def _email(value: Value, stands: tuple[Value, ...]) -> tuple[Value, ...]:
    """The first of a list, whose others stay."""
    others = [part.strip() for part in _ADDRESSES.split(str(stands[0] or ""))[1:] if part.strip()]
    return ("; ".join([str(value), *others]) if value else "; ".join(others) or None,)


REVERSES: Mapping[str, Reverse] = {
    "copy": _copy,
    "lines": _lines,
    "phone": _phone,
    "fax": _phone,
    "email": _email,
}
#: Of these, what is written is another than what is read, and goes into the first of the fields alone.
_SENT: Mapping[str, Callable[[tuple[Value, ...]], tuple[Value, ...]]] = {
    "phone": _phone_sent,
    "fax": _phone_sent,
}


def sent(transform: str, stands: tuple[Value, ...]) -> tuple[Value, ...]:
    """What is written, into as many of the fields as there are values, so that this stands in them."""
    return _SENT[transform](stands) if transform in _SENT else stands


def written_fields(transform: str, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that are written; the others only tell how to read these."""
    return sources[:1] if transform in _SENT else sources


def _unfit(happened: str) -> RecordRejectedError:
    return RecordRejectedError(happened, "Shorten it in the CRM.", code=VALUE_UNFIT)
