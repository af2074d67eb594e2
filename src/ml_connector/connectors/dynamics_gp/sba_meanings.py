"""Every code that reading by SBA can end with besides those of ``meanings.py``, as a table.

No public source says what a failing call of SBA answers (facts.md 1.4, 1.6): the statuses are taken as HTTP means
them, and GP's own words are shown as they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.connectors.dynamics_gp.meanings import SHORT_WAIT_SECONDS, TRIED_AGAIN
from ml_connector.core.catalogue import Again, Kind

_GUIDE = "docs/how-to/use-sba.md tells how to find it out"
_LONG_WAIT_SECONDS = 30.0

NO_RIGHT = Meaning(
    "SBA_NO_RIGHT",
    Kind.STOP,
    "GP does not let the account read {operation} by SBA (HTTP {status}). It said: {said}",
    "Give its Windows account to a GP user (User Setup) with access to the company and to the window that the service"
    " reads, or to its Service object (Security Task Setup).",
)
NOT_FOUND = Meaning(
    "SBA_NOT_FOUND",
    Kind.STOP,
    "SBA has nothing at {path} (HTTP {status}). It said: {said}",
    f"Check tenant and company (its name, as GP shows it) in [gp.sba], and the path of the resource; {_GUIDE}.",
)
REFUSED = Meaning(
    "SBA_REFUSED",
    Kind.DATA,
    "GP refused the record by SBA (HTTP {status}): {said}",
    "Correct the record in Dynamics GP, then run ml-connector held retry KEY.",
)
REFUSED_LIST = Meaning(
    "SBA_REFUSED_LIST",
    Kind.STOP,
    "GP refused {operation} by SBA (HTTP {status}): {said}",
    f"Check the paths and since_form of the resource; {_GUIDE}.",
)
FAILED = Meaning(
    "SBA_FAILED",
    Kind.DATA,
    "GP could not read the record by SBA, twice (HTTP {status}): {said}",
    f"Look into the log files of GP Service and Session Central. {TRIED_AGAIN}",
    again=Again.LATER,
)
FAILED_LIST = Meaning(
    "SBA_FAILED_LIST",
    Kind.WAIT,
    "GP failed in {operation} by SBA (HTTP {status}): {said}",
    "It is asked again; if it stays so, look into the log files of GP Service and Session Central.",
    _LONG_WAIT_SECONDS,
)
NOT_READY = Meaning(
    "SBA_NOT_READY",
    Kind.WAIT,
    "SBA is not ready (HTTP {status}).",
    "It is asked again, after the time that the server names if it does; see that the Windows services GPService and"
    " GP Session Central run.",
    _LONG_WAIT_SECONDS,
)
WEB_PAGE = Meaning(
    "SBA_WEB_PAGE",
    Kind.WAIT,
    "Instead of JSON, {operation} brought a web page: {beginning}.",
    "It is asked again; if it stays so, open the address in a browser to see what answers there.",
    SHORT_WAIT_SECONDS,
)
BROKEN_ANSWER = Meaning(
    "SBA_BROKEN_ANSWER",
    Kind.WAIT,
    "{operation} brought an answer that is not whole JSON: {beginning}.",
    "It is asked again; if it stays so, look for a proxy that cuts answers off, or for a service that answers XML.",
    SHORT_WAIT_SECONDS,
)
NO_ROWS = Meaning(
    "SBA_NO_ROWS",
    Kind.STOP,
    "{operation} answers with no list where the settings look for one ({places}): {beginning}.",
    f"Set rows_at of its resource to where the rows stand; {_GUIDE}.",
)
NO_RECORD = Meaning(
    "SBA_NO_RECORD",
    Kind.STOP,
    "{operation} answers with no record where the settings look for one ({places}): {beginning}.",
    f"Set record_at of its resource to where the record stands; {_GUIDE}.",
)
NO_KEY = Meaning(
    "SBA_NO_KEY",
    Kind.STOP,
    "A record that {operation} brought has no key where the settings look for it ({place}).",
    f"Set fields of its resource; {_GUIDE}.",
)
NO_VALUE = Meaning(
    "SBA_NO_VALUE",
    Kind.STOP,
    "A journal entry that {operation} brought has no {what} where the settings look for it ({place}).",
    f"Set fields, lines_at or line_fields of its resource, or whole = false where a list gives summaries; {_GUIDE}.",
)
DAY_AND_TIME = Meaning(
    "SBA_DAY_AND_TIME",
    Kind.STOP,
    "{operation} brought a journal entry whose date is at an hour of the day ({said}): in another zone it is another"
    " day.",
    "Have the service write the day as it stands in GP, such as 2026-02-01.",
)
OTHER_RECORD = Meaning(
    "SBA_OTHER_RECORD",
    Kind.STOP,
    "{operation} brought {found}, though {asked} was asked for.",
    f"Check the path and the fields of its resource; {_GUIDE}.",
)

#: Status -> what it means for a list, or for anything that is not one record.
OF_LIST: Mapping[int, Meaning] = {
    400: REFUSED_LIST,
    403: NO_RIGHT,
    404: NOT_FOUND,
    409: REFUSED_LIST,
    422: REFUSED_LIST,
    500: FAILED_LIST,
}
#: Status -> what it means for the one record that was asked for, where that differs.
OF_RECORD: Mapping[int, Meaning] = {400: REFUSED, 409: REFUSED, 422: REFUSED, 500: FAILED}

#: In the order of the catalogue's page.
ALL: Sequence[Meaning] = (
    *(REFUSED, FAILED, NO_RIGHT, NOT_FOUND, REFUSED_LIST, FAILED_LIST, NOT_READY),
    *(WEB_PAGE, BROKEN_ANSWER, NO_ROWS, NO_RECORD, NO_KEY, NO_VALUE, DAY_AND_TIME, OTHER_RECORD),
)
