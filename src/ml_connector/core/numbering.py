"""The number that a document or customer of the ERP gets from the id of the CRM's record: one record, one number.

A prefix and 13 characters of base 36, which hold any 64-bit id, always all 13. Only digits and capital letters: GP
compares without case and without trailing blanks, and there is nothing of either in it. A number of GP's documents has
room for 21 characters, a customer's for 15 (reference gp/facts.md 2.9).
"""

from __future__ import annotations

import re

from ml_connector.core.catalogue import NO_NUMBER
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.record import fold_key

DIGITS = 13
LONGEST_PREFIX = 4  #: of a document
CUSTOMER_PREFIX = 2  #: of a customer: this long at the most
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE = len(_ALPHABET)
_IDS = range(1, 2**64)
_ID = re.compile(r"[1-9][0-9]*")
_PREFIX = re.compile(rf"[0-9A-Z]{{1,{LONGEST_PREFIX}}}")


def is_prefix(text: str, longest: int = LONGEST_PREFIX) -> bool:
    """Whether numbers may begin with this: capital letters and digits, one at least."""
    return _PREFIX.fullmatch(text) is not None and len(text) <= longest


def number_of(record_id: str, prefix: str) -> str:
    """The number of the CRM's record of this id. RecordRejectedError: it is no id that a number can be made of."""
    value = int(record_id) if _ID.fullmatch(record_id) and len(record_id) <= 20 else 0
    if value not in _IDS:
        raise RecordRejectedError(
            f"“{record_id}” is no id of a record of the CRM: a whole number of at most 64 bits.",
            "This is not to be mended in the CRM: report it to whoever looks after ml-connector.",
            code=NO_NUMBER,
            field="number",
        )
    return prefix + _base_36(value)


def record_id_of(number: str, prefix: str) -> str | None:
    """The id of the CRM's record whose number this is, however the ERP wrote it; None: it is no number of ours."""
    written, begin = fold_key(number), fold_key(prefix)
    digits = written.removeprefix(begin).upper()
    is_ours = number.isascii() and written.startswith(begin) and len(digits) == DIGITS
    if not is_ours or set(digits) - set(_ALPHABET):
        return None
    value = int(digits, _BASE)
    return str(value) if value in _IDS else None


def _base_36(value: int) -> str:
    digits = ""
    while value:
        value, last = divmod(value, _BASE)
        digits = _ALPHABET[last] + digits
    return digits.rjust(DIGITS, "0")
