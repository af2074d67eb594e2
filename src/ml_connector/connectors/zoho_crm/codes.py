"""Every code that Zoho answers with: what happens next, what it means, what to do. The error catalogue is made of it.

Source: Zoho CRM API v8, "Status Codes and Errors", each operation's page and Zoho's OpenAPI files; bodies of the token
endpoint as seen by others. Codes of one meaning share a row: ``SAME`` names the row's code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ml_connector.core.catalogue import Again, Entry, Kind
from ml_connector.core.errors import ConfigurationError, ConnectorError, NotPermittedError, RetryableError

SYSTEM = "Zoho CRM"
AUTHORISE = "Authorise again with `ml-connector zoho authorize`."
TRY_AGAIN = "It is tried again."
RETRY = "Then run `ml-connector held retry KEY`."
_TRIED_AGAIN = "The record is tried again by itself, and at once by `ml-connector held retry KEY`."
_PROVISION = "Run `ml-connector provision` to see what differs."
_EDITION = "The organisation's edition lacks the ability; upgrade it or leave the mapping out."


class UnknownModuleError(ConfigurationError):
    """The organisation has no module of this name."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A row of the tables."""

    kind: Kind
    happened: str  #: without its full stop; the names in braces are filled in from call and answer
    remedy: str
    after_seconds: float | None = None  #: Kind.WAIT: when to ask again
    error: type[ConfigurationError] = ConfigurationError  #: Kind.STOP: what is raised
    again: Again = Again.NEVER  #: of a held record

    def raised(self, happened: str) -> ConnectorError:
        """The error of this row about a request, with ``happened`` in place of the row's words."""
        if self.kind is Kind.WAIT:
            return RetryableError(f"{happened}.", self.remedy, after_seconds=self.after_seconds)
        return self.error(f"{happened}.", self.remedy)


# ---- requests as a whole

TOO_MANY_AT_ONCE = Meaning(
    Kind.WAIT,
    "Zoho takes no more requests at once",
    "It is tried again in a moment, with fewer calls at once; lower max_requests if this stays.",
    10.0,
)
CREDITS_USED_UP = Meaning(
    Kind.WAIT,
    "The organisation's API credits of the last 24 hours are used up",
    "A run that waits goes on by itself when enough are free again; credits can be bought in Zoho under Setup >"
    " Developer Hub.",
    3600.0,
)
#: Code in the body of a refused request -> meaning. {scope} and {operation} are filled in from the call.
REQUEST_CODES: Mapping[str, Meaning] = {
    "OAUTH_SCOPE_MISMATCH": Meaning(
        Kind.STOP,
        "Zoho does not let us {operation}: the scope {scope} was not granted",
        "Authorise again with this scope added: `ml-connector zoho authorize`.",
        error=NotPermittedError,
    ),
    "NO_PERMISSION": Meaning(
        Kind.STOP,
        "Zoho does not let us {operation}: the user's profile lacks a permission",
        "Grant it in Zoho under Setup > Security Control > Profiles to the user who authorised us.",
        error=NotPermittedError,
    ),
    "INVALID_TOKEN": Meaning(
        Kind.STOP,
        "Zoho refuses even a new access token",
        "The user may be deactivated or the data centre wrong. " + AUTHORISE,
    ),
    "INVALID_MODULE": Meaning(
        Kind.STOP,
        "Zoho knows no such module; we wanted to {operation}",
        "Correct the module's API name in the mapping, or create the module in Zoho.",
        error=UnknownModuleError,
    ),
    "INVALID_URL_PATTERN": Meaning(
        Kind.STOP,
        "Zoho knows no such address: {operation}",
        "Correct the module's API name in the mapping; the edition may also lack this ability.",
    ),
    "NOT_SUPPORTED": Meaning(Kind.STOP, "Zoho does not support this: {operation}", _EDITION),
    "LICENSE_LIMIT_EXCEEDED": Meaning(
        Kind.STOP,
        "The organisation's licence allows no more of it: {operation}",
        "Buy more in Zoho under Setup > Subscription, or free some.",
    ),
    "STORAGE_SPACE_EXCEEDED": Meaning(
        Kind.STOP,
        "The organisation's storage is full; we wanted to {operation}",
        "Free or buy storage in Zoho under Setup > Data Administration > Storage.",
    ),
    "INVALID_QUERY": Meaning(
        Kind.STOP,
        "Zoho refused our query: {operation}",
        "A field named in the mapping is missing in Zoho or cannot be searched. " + _PROVISION,
    ),
    "LIMIT_EXCEEDED": Meaning(
        Kind.STOP,
        "Zoho finds it more than it takes at once: {operation}",
        "A mapping may name too many fields; please report it if it does not.",
    ),
    "EXPIRED_VALUE": Meaning(Kind.WAIT, "What Zoho gave us to go on with is too old: {operation}", TRY_AGAIN),
    "INTERNAL_ERROR": Meaning(
        Kind.WAIT, "Zoho had a fault of its own while we tried to {operation}", TRY_AGAIN
    ),
    "TOO_MANY_REQUESTS": TOO_MANY_AT_ONCE,
    "INVALID_REQUEST": Meaning(
        Kind.STOP,
        "Zoho refused to {operation}",
        "This should not happen with a mapping that `ml-connector provision` accepts; please report it.",
    ),
}

#: Status without a code that we know -> meaning.
REQUEST_STATUSES: Mapping[int, Meaning] = {
    403: REQUEST_CODES["NO_PERMISSION"],
    404: REQUEST_CODES["INVALID_URL_PATTERN"],
    408: Meaning(Kind.WAIT, "Zoho gave up waiting for our request", TRY_AGAIN),
    413: Meaning(Kind.STOP, "Zoho finds our request too large", "Shorten the mapped text fields."),
}

# ---- the token endpoint

#: What ``invalid_code`` means of a code that a person has just given: we are authorising.
GRANT_REFUSED = Meaning(
    Kind.STOP,
    "Zoho does not take this grant code: it was used before, is older than its minutes, or is of another client",
    "Nothing was changed. Generate a new code in Zoho's API console, as the steps say, run"
    " `ml-connector zoho authorize` again and give the code at once.",
)

#: Its "error" -> meaning. {grant} is "refresh token" or "grant code".
TOKEN_ERRORS: Mapping[str, Meaning] = {
    "invalid_code": Meaning(
        Kind.STOP, "Zoho refuses our {grant}: it was revoked, used before or is too old", AUTHORISE
    ),
    "invalid_client": Meaning(
        Kind.STOP,
        "Zoho does not know our client in this data centre",
        "Compare client_id and data_centre in the settings with Zoho's API console.",
    ),
    "invalid_client_secret": Meaning(
        Kind.STOP,
        "Zoho refuses our client secret",
        "Enter it again with `ml-connector secrets set zoho.client_secret`, as Zoho's API console shows it.",
    ),
    "invalid_redirect_uri": Meaning(
        Kind.STOP,
        "Zoho refuses our redirect address",
        "Register it for the client in Zoho's API console, exactly as it is in the settings.",
    ),
    "Access Denied": Meaning(
        Kind.WAIT,
        "Zoho gives out no more access tokens for now (10 in 10 minutes are its limit)",
        "It is tried again in 10 minutes; check that no other program uses the same refresh token.",
        600.0,
    ),
    "general_error": Meaning(Kind.WAIT, "Zoho's token server had a fault", TRY_AGAIN, 30.0),
}

# ---- one record of a batch, one field of a request to create fields

#: Item code -> meaning. {field} and {detail} are filled in from the answer.
ITEM_CODES: Mapping[str, Meaning] = {
    "INVALID_DATA": Meaning(
        Kind.DATA,
        "Zoho does not take the value of {field}{detail}",
        "Correct the value at its source, or change the mapping. " + RETRY,
    ),
    "MANDATORY_NOT_FOUND": Meaning(
        Kind.DATA,
        "Zoho asks for a value of {field}{detail}",
        "Fill it at its source, or map a fixed value to it. " + RETRY,
    ),
    "DUPLICATE_DATA": Meaning(
        Kind.MATCH,
        "Another record of Zoho has this value of {field}{detail}",
        "If the two are one, merge them in Zoho; else correct the wrong one. " + RETRY,
    ),
    "DUPLICATE_LINKING_DATA": Meaning(
        Kind.MATCH,
        "Zoho has this connection of two records already",
        "Remove one of the two in Zoho. " + RETRY,
    ),
    "MULTIPLE_OR_MULTI_ERRORS": Meaning(
        Kind.DATA,
        "Zoho finds more than one fault with the record, each of which is told",
        "Correct them all. " + RETRY,
    ),
    "NOT_ALLOWED": Meaning(
        Kind.DATA,
        "Zoho does not allow this value of {field}{detail}",
        "Look at the field's rules in Zoho. " + RETRY,
    ),
    "DEPENDENT_FIELD_MISSING": Meaning(
        Kind.DATA, "Zoho asks for another field beside {field}{detail}", "Map the other field too. " + RETRY
    ),
    "DEPENDENT_MISMATCH": Meaning(
        Kind.DATA,
        "The value of {field} does not fit to that of another field{detail}",
        "Look at the dependency of the two fields in Zoho. " + RETRY,
    ),
    "AMBIGUITY_DURING_PROCESSING": Meaning(
        Kind.DATA,
        "Zoho cannot take two of the values together: {field}{detail}",
        "Take one of the two out of the mapping. " + RETRY,
    ),
    "LIMIT_EXCEEDED": Meaning(
        Kind.DATA,
        "The value of {field} is more than Zoho takes{detail}",
        "Shorten it at its source; for a new field, free or buy places for fields in Zoho. " + RETRY,
    ),
    "RESERVED_KEYWORD_NOT_ALLOWED": Meaning(
        Kind.DATA, "Zoho keeps the word in {field} for itself", "Use another word in the mapping. " + RETRY
    ),
    "INVALID_LAYOUT": Meaning(
        Kind.SCHEMA, "Zoho finds the layout wrong", "Look at the module's layouts in Zoho. " + RETRY
    ),
    "NOT_SUPPORTED": Meaning(Kind.SCHEMA, "Zoho does not support this for {field}{detail}", _EDITION),
    "RECORD_NOT_FOUND": Meaning(
        Kind.TARGET,
        "The record does not exist in Zoho any more, or is not visible to our user",
        "Restore it from Zoho's recycle bin, or share it with our user. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
    "RECORD_LOCKED": Meaning(
        Kind.TARGET,
        "The record is locked in Zoho{detail}",
        "Wait until it has been unlocked there. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
    "RECORD_IN_BLUEPRINT": Meaning(
        Kind.TARGET,
        "The record is in a blueprint of Zoho, which decides what may be changed now",
        "Let it pass there, or leave the field to the blueprint in the mapping. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
    "NOT_APPROVED": Meaning(
        Kind.TARGET,
        "The record waits for an approval in Zoho",
        "Wait until it is approved there. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
    "CONVERTED_RECORD": Meaning(
        Kind.TARGET,
        "The record was converted in Zoho and cannot be written any more",
        "Run `ml-connector held discard KEY`, or link the record that it became.",
    ),
    "BLOCKED_RECORD": Meaning(
        Kind.TARGET,
        "Zoho blocks the record",
        "Look at it in Zoho, and unblock it. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
    "ALREADY_MODIFIED": Meaning(
        Kind.TARGET,
        "Someone changed the record in Zoho while we wrote it",
        "There is nothing to do. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
    "ALREADY_USED": Meaning(
        Kind.TARGET, "Zoho uses it for something else already: {field}", "Free it there. " + RETRY
    ),
    "NO_PERMISSION": Meaning(
        Kind.TARGET,
        "Zoho does not let our user write this record",
        "Grant the profile's permission or share the record with the user. " + RETRY,
    ),
    "UNREADABLE_VALUE": Meaning(
        Kind.DATA,
        "Zoho tells a value of {field} that cannot be read{detail}",
        "Correct it in Zoho; the record is then read again by itself.",
    ),
    "INTERNAL_ERROR": Meaning(
        Kind.TARGET,
        "Zoho had a fault of its own with this record{detail}",
        "If it stays, ask Zoho's support. " + _TRIED_AGAIN,
        again=Again.LATER,
    ),
}

#: The key of a notification channel that Zoho finds wrong -> what to do.
WATCH: Mapping[str, str] = {
    "events": "Take a module that Zoho cannot tell of, or does not have, out of [webhooks] modules.",
    "notify_url": "Set [webhooks] url to an address that Zoho can reach by https.",
    "channel_expiry": "Compare this machine's clock with the time elsewhere.",
}

#: INVALID_DATA of a field that names another record: Zoho has no code of its own for it.
OTHER_RECORD_GONE = Meaning(
    Kind.DATA,
    "The record that {field} names does not exist in Zoho any more, or is not visible to our user",
    "Restore that record, share it with our user, or work off its own hold. " + _TRIED_AGAIN,
    again=Again.LATER,
)

#: The code of a row -> codes that say the same, of a request, a record or the token endpoint. Those of calls that we
#: do not make (bulk jobs, notifications, users) stand with the row that their answer would come to.
_ALSO: Mapping[str, str] = {
    "NO_PERMISSION": "AUTHORIZATION_FAILED PERMISSION_DENIED",
    "INVALID_TOKEN": "INVALID_OAUTHTOKEN AUTHENTICATION_FAILURE AUTHENTICATION_FAILED",
    "INVALID_MODULE": "InvalidModule MODULE_NOT_AVAILABLE MODULE_NOT_SUPPORTED",
    "INVALID_URL_PATTERN": "RESOURCE_NOT_FOUND NOT_FOUND INVALID_SERVICE_NAME",
    "NOT_SUPPORTED": """
        API_NOT_SUPPORTED FEATURE_NOT_SUPPORTED NOT_SUPPORTED_FEATURE FEATURE_NOT_ENABLED FEATURE_NOT_AVAILABLE
        VERSION_NOT_SUPPORTED TERRITORY_NOT_ENABLED CURRENCIES_NOT_ENABLED JOB_NOT_SUPPORTED
        INVALID_BULK_OPERATION COEXISTENCE_NOT_ALLOWED
    """,
    "INVALID_QUERY": """
        SYNTAX_ERROR INVALID_ALIAS DUPLICATE_ALIAS CRITERIA_LIMIT_EXCEEDED FIELD_TYPE_UNAVAILABLE QUERY_NOT_SUPPORTED
        FILTER_CRITERIA_NOT_SATISFIED INVALID_CRITERIA CRITERIA_NOT_SUPPORTED AMBIGUOUS_CRITERIA
        AMBIGUOUS_GROUP_IN_CRITERIA GROUP_OPERATOR_NOT_SUPPORTED FIELD_NOT_AVAILABLE FIELD_NOT_SUPPORTED
        FIELD_IN_CRITERIA_NOT_AVAILABLE FIELD_IN_CRITERIA_NOT_SUPPORTED FIELD_COMPARATOR_IN_CRITERIA_NOT_SUPPORTED
        FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE
        COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE COMPARATOR_AND_ENCRYPTED_VALUE_IN_CRITERIA_NOT_COMPATIBLE
        VALUE_IN_CRITERIA_NOT_SUPPORTED VALUE_LIMIT_EXCEEDED_IN_CRITERIA VALUE_TYPE_NOT_SUPPORTED
        JOIN_LIMIT_EXCEEDED CVID_NOT_SUPPORTED
    """,
    "LIMIT_EXCEEDED": """
        FIELD_LIMIT_EXCEEDED LIMIT_REACHED PAGINATION_LIMIT_EXCEEDED DISCRETE_PAGINATION_LIMIT_EXCEEDED
        PAGE_RANGE_EXCEEDED PAGE_NOT_SUPPORTED ACTIVE_STATE_LIMIT_EXCEEDED HEADER_LIMIT_EXCEEDED FILE_TOO_LARGE
        FILE_SIZE_MORE_THAN_ALLOWED_SIZE
    """,
    "EXPIRED_VALUE": "TOKEN_BOUND_DATA_MISMATCH",
    "INTERNAL_ERROR": """
        INTERNAL_SERVER_ERROR SERVICE_UNAVAILABLE REQUEST_TIMEOUT DEPENDENT_SERVICE_ERROR CANNOT_PROCESS
        CANNOT_PERFORM_ACTION PROCESSING_STOPPED CALLBACK_FAILURE
    """,
    "TOO_MANY_REQUESTS": "RATE_LIMIT_EXCEEDED",
    "INVALID_REQUEST": """
        INVALID_REQUEST_METHOD REQUIRED_PARAM_MISSING EXPECTED_PARAM_MISSING DEPENDENT_PARAM_MISSING
        MINIMUM_DATA_NOT_FOUND MISSING_REQUIRED_KEY NOT_SUBSCRIBED ALREADY_SCHEDULED ALREADY_CONFIGURED
        ALREADY_ENABLED CANNOT_BE_UPDATED CANNOT_DELETE CANNOT_UPDATE CANNOT_RESTORE_WITHOUT_PARENT
        CONFLICTING_DATA_FOUND INVALID_REFERENCE LOOPING_FOUND ROLLBACK_PERFORMED UNAPPROVABLE
        REQUEST_BODY_IS_EMPTY REQUEST_BODY_NOT_READABLE REQUEST_BODY_NOT_SUPPORTED MEDIA_TYPE_NOT_SUPPORTED
        INVALID_CALLBACK_URL INVALID_CALLBACK_METHOD FILE_NOT_FOUND FILE_NOT_SUPPORTED INVALID_FILE_FORMAT
        INVALID_FILE_ID COLUMN_INDEX_NOT_FOUND MANDATORY_FIELDS_NOT_MAPPED CANNOT_UPDATE_DELETED_USER
        EMAIL_UPDATE_NOT_ALOWED ID_ALREADY_ACTIVE ID_ALREADY_DEACTIVATED
    """,
    "INVALID_DATA": """
        PATTERN_NOT_MATCHED UNABLE_TO_PARSE_DATA_TYPE DATA_MISMATCH INVALID_FORMAT INVALID_FIELD INVALID_FIELD_NAME
    """,
    "MANDATORY_NOT_FOUND": "REQUIRED_DATA_NOT_FOUND",
    "DEPENDENT_FIELD_MISSING": "EXPECTED_FIELD_MISSING EXPECTED_DEPENDENT_FIELD_MISSING",
    "DEPENDENT_MISMATCH": "MAPPING_MISMATCH DEPENDENT_FIELD_MISMATCH",
    "NOT_APPROVED": "NOT_REVIEWED",
    "CONVERTED_RECORD": "ID_ALREADY_CONVERTED",
    "RECORD_NOT_FOUND": "ID_ALREADY_DELETED",
    "NOT_ALLOWED": "PROPERTY_LOCKED",
    "Access Denied": "access_denied",
}
SAME: Mapping[str, str] = {code: row for row, codes in _ALSO.items() for code in codes.split()}


def meaning_in(table: Mapping[str, Meaning], code: str) -> Meaning | None:
    """The row of ``table`` for ``code``, its own or that of a code that says the same."""
    return table.get(code) or table.get(SAME.get(code, ""))


#: Rows that say of something new: the edition has none of it, or no more.
_OF_EDITION = frozenset({"NOT_SUPPORTED", "LIMIT_EXCEEDED", "LICENSE_LIMIT_EXCEEDED"})


def is_of_edition(code: str) -> bool:
    """Whether the code says that the organisation's edition has no such thing, or has no more of it."""
    return SAME.get(code, code) in _OF_EDITION


# ---- the catalogue

_IN_GENERAL = {
    "operation": "do what was asked",
    "scope": "for it",
    "grant": "refresh token or grant code",
    "field": "a field",
    "detail": "",
}


def entries() -> list[Entry]:
    """All codes, each once, in their order; a code of records and requests tells of both and has the record's kind."""
    return [_entry(code) for code in sorted(set(_codes()))]


def _codes() -> Iterator[str]:
    for table in (ITEM_CODES, REQUEST_CODES, TOKEN_ERRORS):
        yield from table
    yield from SAME


def _entry(code: str) -> Entry:
    found = (meaning_in(table, code) for table in (ITEM_CODES, REQUEST_CODES, TOKEN_ERRORS))
    first, *others = [row for row in found if row is not None]
    meaning, remedy = _sentence(first.happened), _sentence(first.remedy)
    for other in others:
        meaning += f" Of a whole request: {_sentence(other.happened)}"
        remedy += f" Of a whole request: {_sentence(other.remedy)}"
    if first is TOO_MANY_AT_ONCE:  # one code for both
        meaning += f" Or: {_sentence(CREDITS_USED_UP.happened)}"
        remedy += f" Or: {_sentence(CREDITS_USED_UP.remedy)}"
    if code == "INVALID_DATA":  # one code for both
        meaning += f" Or: {_sentence(OTHER_RECORD_GONE.happened)}"
        remedy += f" Or: {_sentence(OTHER_RECORD_GONE.remedy)}"
    return Entry(SYSTEM, code, first.kind, meaning, remedy, first.again)


def _sentence(text: str) -> str:
    told = text.format(**_IN_GENERAL)
    return told if told.endswith(".") else f"{told}."
