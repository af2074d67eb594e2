"""Where goods go: the address of a document laid out as the ERP has it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from ml_connector.core.catalogue import VALUE_UNFIT
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.sales import ShipTo

_LINES, _WIDTH = 3, 60  #: of GP's addresses (ADDRESS1 to ADDRESS3)
_PLACE = ("line1", "line2", "line3", "city", "state", "postal_code", "country")


def laid_out(said: Mapping[str, str]) -> ShipTo | None:
    """The address; None: no place is said. ``street`` is of any lines, which become three at the most."""
    lines = _street(said.get("street", ""))
    place = {name: said.get(name, "") for name in _PLACE[_LINES:]}
    if not any([*lines, *place.values()]):
        return None
    parts = {f"line{n}": line for n, line in enumerate(lines, 1)}
    person = {name: said.get(name, "") for name in ("name", "contact", "phone")}
    return ShipTo(**parts, **place, **person)


def _street(text: str) -> list[str]:
    lines = [line for given in text.splitlines() if (line := " ".join(given.split()))]
    if len(lines) > _LINES or any(len(line) > _WIDTH for line in lines):
        lines = textwrap.wrap(", ".join(lines), _WIDTH)
    if len(lines) > _LINES:
        raise RecordRejectedError(
            f"The street to ship to has more than {_LINES} lines of {_WIDTH} characters.",
            "Shorten it in the CRM.",
            code=VALUE_UNFIT,
            field="ship_to.street",
        )
    return lines
