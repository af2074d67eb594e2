"""The dialect of GP's legacy endpoint: SOAP 1.1, document/literal, read operations. Pure; nothing else knows XML.

Element order is the declaration order, base class first (facts.md 2.1); null reference types are left out, null value
types are written ``xsi:nil`` (facts.md 2.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from ml_connector.connectors.dynamics_gp import meanings
from ml_connector.connectors.dynamics_gp.values import Node, Tree

GP = "http://schemas.microsoft.com/dynamics/gp/2006/01"
DYNAMICS = "http://schemas.microsoft.com/dynamics/2006/01"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

LOCAL, TRANSACTIONAL = (
    "Local",
    "Transactional",
)  #: whose currency amounts are in: the company's, the document's

KIND = "@type"  #: in a tree: the name of the element's own type, where it says one

CONTENT_TYPE = "text/xml; charset=utf-8"  # 415 is the answer to anything else (facts.md, simulator checklist)

#: What is asked of one member of a criteria: {"GreaterThan": "A100"}, {"Items": ("Open", "History")}.
Restriction = Mapping[str, str | Sequence[str]]
Where = Mapping[str, Restriction]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A restriction type: its members in order, whether a missing one is written as nil, and its ``Items`` element."""

    members: tuple[str, ...]
    nil: bool
    item: str = ""


_BETWEEN = ("EqualValue", "NotEqualValue", "Items", "From", "To", "GreaterThan", "LessThan")
_TEXT = _Kind(_BETWEEN, nil=False, item="string")
_LIKE = _Kind((*_BETWEEN, "Like"), nil=False, item="string")
_INSTANT = _Kind(_BETWEEN, nil=True, item="dateTime")
_STATE = _Kind(_BETWEEN[:3], nil=True, item="PayablesTransactionState")
_INTEGER = _Kind(_BETWEEN, nil=True, item="int")
_GL_STATE = _Kind(_BETWEEN[:3], nil=True, item="GLTransactionState")
_TYPE = _Kind(_BETWEEN[:3], nil=True, item="PayablesDocumentType")
_ACTION = _Kind(_BETWEEN[:2], nil=True, item="DataModificationAction")
_SALES_STATE = _Kind(_BETWEEN[:3], nil=True, item="SalesTransactionState")
_SALES_TYPE = _Kind(_BETWEEN[:3], nil=True, item="SalesDocumentType")
_SCOPE = None  # a required choice; "Return All" is the neutral value (facts.md 2.5)

#: The members that we use of each criteria type, in the order GP declares them (facts.md 2.5).
CRITERIA: dict[str, dict[str, _Kind | None]] = {
    "GetVendorList": {"Id": _TEXT, "ModifiedDate": _INSTANT, "Scope": _SCOPE},
    "GetCustomerList": {"Id": _TEXT, "ModifiedDate": _INSTANT, "Scope": _SCOPE},
    "GetVendorAddressList": {"Scope": _SCOPE, "VendorAddressKeyId": _LIKE, "VendorKeyId": _LIKE},
    "GetCustomerAddressList": {"Scope": _SCOPE, "CustomerAddressKeyId": _LIKE, "CustomerKeyId": _LIKE},
    "GetCustomerReceivablesSummaryList": {"CustomerId": _LIKE, "Scope": _SCOPE},
    "GetPayablesDocumentList": {
        "DocumentId": _LIKE, "Date": _INSTANT, "VendorId": _LIKE, "ModifiedDate": _INSTANT,
        "TransactionState": _STATE, "Type": _TYPE,
    },
    "GetChangedCustomerAddressKeyList": {
        "LastModifiedDate": _INSTANT, "Action": _ACTION, "AddressKeyId": _TEXT, "CustomerKeyId": _TEXT,
    },
    # Not among the operations whose legacy shape is known: the native one's members, base class first.
    "GetChangedInternetAddressKeyList": {
        "LastModifiedDate": _INSTANT, "Action": _ACTION, "AddressKeyId": _TEXT, "InternetAddressKeyId": _TEXT,
        "InternetAddressType": _TEXT,
    },
    "GetGLAccountList": {"ModifiedDate": _INSTANT, "GLAccountId": _LIKE},
    "GetGLAccountFormatList": {},
    "GetGLTransactionList": {
        "Date": _INSTANT, "ModifiedDate": _INSTANT, "JournalId": _LIKE, "RecurringTransactionSequence": _INTEGER,
        "TransactionState": _GL_STATE,
    },
    "GetSalesDocumentList": {
        "TransactionState": _SALES_STATE, "DocumentId": _LIKE, "CustomerId": _LIKE, "CustomerPONumber": _LIKE,
        "MasterNumber": _INTEGER, "ModifiedDate": _INSTANT, "Scope": _SCOPE, "Type": _SALES_TYPE,
    },
    # As above: from the native description.
    "GetWarehouseList": {"WarehouseId": _LIKE},
    "GetPriceLevelList": {"PriceLevelKeyId": _TEXT},
    "GetShippingMethodList": {"Id": _LIKE},
}  # fmt: skip

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEAD = 512  # so much of an answer tells HTML from XML
_MOST_NODES = 2_000_000  # a list of 1,000 has some 40,000; each costs up to 250 bytes once it is parsed
_FAULT_LENGTH = 4000  # so much of a fault is kept


class FaultError(Exception):
    """GP answered with a SOAP fault: its code, its text, and the first GUID in it (the id in GP's exception log).

    ``answer`` is the whole fault as it came, or its beginning.
    """

    def __init__(self, code: str, text: str, log_id: str, answer: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.log_id = log_id
        self.answer = answer


class AnswerError(Exception):
    """The answer is not SOAP: ``html`` for a web page, otherwise broken or foreign XML; ``answer`` is its beginning."""

    def __init__(self, answer: bytes, *, html: bool) -> None:
        super().__init__("a web page" if html else "broken XML")
        self.html = html
        self.answer = answer[:_HEAD].decode("utf-8", "replace")


def action(operation: str) -> str:
    """The quoted SOAPAction header of an operation."""
    return f'"{GP}/{operation}"'


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which children of an element are read: a whole object has hundreds, and each costs."""

    tags: tuple[str, ...]
    below: Mapping[str, Wanted | None]  #: name -> what of it is read; None: everything

    @classmethod
    def of(cls, paths: Iterable[tuple[str, ...]]) -> Wanted:
        """What these paths need; a path that ends above another wants everything there."""
        steps: dict[str, list[tuple[str, ...]]] = {}
        for path in paths:
            steps.setdefault(path[0], []).append(path[1:])
        below = {name: None if () in rest else cls.of(rest) for name, rest in steps.items()}
        return cls(tuple(f"{{*}}{name}" for name in below), below)


def context(company_id: int, culture: str, currency: str = LOCAL) -> str:
    """The context argument: which company, which language; which currency amounts are in."""
    return (
        f'<gp:context><dyn:OrganizationKey xsi:type="dyn:CompanyKey"><dyn:Id>{company_id}</dyn:Id>'
        f"</dyn:OrganizationKey><dyn:CultureName>{safe_text(culture)}</dyn:CultureName>"
        f"<dyn:CurrencyType>{currency}</dyn:CurrencyType></gp:context>"
    )


def request(operation: str, arguments: str, context_xml: str, behind: str = "") -> bytes:
    """The whole message for an operation; ``arguments`` by one of the functions below, ``behind`` the context."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPE}" xmlns:xsi="{XSI}" '
        f'xmlns:gp="{GP}" xmlns:dyn="{DYNAMICS}"><s:Body><gp:{operation}>{arguments}{context_xml}{behind}'
        f"</gp:{operation}></s:Body></s:Envelope>"
    ).encode()


def criteria(operation: str, where: Where) -> str:
    """The criteria argument of a list; members are ANDed by GP. A member that the list does not have is a bug."""
    members = CRITERIA[operation]
    if unknown := set(where) - set(members):
        raise KeyError(f"{operation} has no criteria {sorted(unknown)}")
    parts = (_member(name, kind, where.get(name)) for name, kind in members.items())
    return f"<gp:criteria>{''.join(parts)}</gp:criteria>"


def key(record_id: str) -> str:
    """The key argument of a ByKey operation."""
    return f"<gp:key><gp:Id>{safe_text(record_id)}</gp:Id></gp:key>"


def account_key(account: str) -> str:
    """The key argument of an operation on a GL account."""
    return f"<gp:key><gp:Id>{safe_text(account)}</gp:Id><gp:IsEncrypted>false</gp:IsEncrypted></gp:key>"


def journal_key(journal_id: int, on: date, posted: tuple[int, int] | None) -> str:
    """The key argument of a journal entry; ``posted``: recurring sequence and fiscal year, of one in Work None."""
    more = ""
    if posted is not None:
        more = (
            f"<gp:RecurringTransactionSequence>{posted[0]}</gp:RecurringTransactionSequence>"
            f"<gp:FiscalYear>{posted[1]}</gp:FiscalYear>"
        )
    day = f"<gp:JournalId>{journal_id}</gp:JournalId><gp:Date>{day_text(on)}</gp:Date>"
    return f"<gp:key>{day}{more}</gp:key>"


def log_id(guid: str) -> str:
    """The argument of GetLoggedValidationResultByKey."""
    return f"<gp:logId>{safe_text(guid)}</gp:logId>"


def instant_text(instant: datetime) -> str:
    """An instant as GP compares it: UTC, whole seconds, no zone."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def day_text(day: date) -> str:
    """A document's day as GP compares it: midnight, never shifted by a zone."""
    return f"{day.isoformat()}T00:00:00"


def parse_rows(body: bytes, operation: str, row: str, wanted: Wanted | None = None) -> list[Tree]:
    """The rows of a list's answer, as trees; FaultError or AnswerError instead of anything half read.

    ``wanted``: what of a row is read; None: everything.
    """
    rows: list[Tree] = []
    answered = f"{{{GP}}}{operation}Response"
    ends = (f"{{{GP}}}{row}", f"{{{ENVELOPE}}}Fault", answered)
    complete = False
    try:
        for _, element in _elements(body, ends):
            if element.tag == ends[0]:
                _collect(rows, element, wanted)
                element.clear()
            elif element.tag == ends[1]:
                raise _fault(element)
            else:
                complete = _is_ours(element, operation, ends[0])
    except etree.XMLSyntaxError as error:
        raise _broken(body) from error
    if not complete:
        raise _broken(body)
    return rows


def parse_object(body: bytes, operation: str, wanted: Wanted | None = None) -> Tree | None:
    """The object of a ByKey answer, as a tree; None for an empty answer. FaultError or AnswerError as above."""
    result = parse_element(body, operation)
    tree = None if result is None else tree_of(result, wanted)
    return tree if isinstance(tree, dict) else None


def parse_element(body: bytes, operation: str) -> etree._Element | None:
    """The same as it came: what is sent back whole has to be all that there was."""
    try:
        root = etree.fromstring(_checked(body), etree.XMLParser(**_SAFE))
    except etree.XMLSyntaxError as error:
        raise _broken(body) from error
    fault = root.find(f"{{{ENVELOPE}}}Body/{{{ENVELOPE}}}Fault")
    if fault is not None:
        raise _fault(fault)
    answer = root.find(f"{{{ENVELOPE}}}Body/{{{GP}}}{operation}Response")
    if answer is None:
        raise _broken(body)
    result = answer.find(f"{{{GP}}}{operation}Result")
    if result is None and len(answer):
        raise _broken(body)  # what stands there instead is not ours to read
    return result


def _member(name: str, kind: _Kind | None, restriction: Restriction | None) -> str:
    if kind is None:
        return f"<gp:{name}>Return All</gp:{name}>"
    if restriction is None:
        return ""
    if unknown := set(restriction) - set(kind.members):
        raise KeyError(f"{name} has no restriction {sorted(unknown)}")
    return f"<gp:{name}>{''.join(_value(kind, member, restriction) for member in kind.members)}</gp:{name}>"


def _value(kind: _Kind, member: str, restriction: Restriction) -> str:
    value = restriction.get(member)
    if value is None:
        return f'<gp:{member} xsi:nil="true"/>' if kind.nil and member != "Items" else ""
    if isinstance(value, str):
        return f"<gp:{member}>{safe_text(value)}</gp:{member}>"
    items = "".join(f"<gp:{kind.item}>{safe_text(item)}</gp:{kind.item}>" for item in value)
    return f"<gp:{member}>{items}</gp:{member}>"


def is_xml(text: str) -> bool:
    """Whether XML can carry a text."""
    return not _NOT_XML.search(text)


def safe_text(text: str) -> str:
    """A text as it stands in XML; RecordRejectedError for one that cannot."""
    if not is_xml(text):
        raise meanings.KEY_NOT_XML.error(key=repr(text))
    return escape(text)


#: Nothing is fetched, no entity is replaced; libxml2's own limits stay (depth 256, a text of 10 MB). The service writes
#: UTF-8: whatever an answer declares, it is read as that, so that no other encoding hides what ``_checked`` looks for.
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
    "encoding": "utf-8",
}


def _elements(body: bytes, wanted: Sequence[str]) -> Iterator[tuple[str, etree._Element]]:
    events: Iterator[tuple[str, etree._Element]] = etree.iterparse(
        BytesIO(_checked(body)), events=("end",), tag=wanted, **_SAFE
    )
    return events


def _checked(body: bytes) -> bytes:
    # SOAP forbids document types; without one there are no entities to expand. In a text the sign is &lt;.
    if b"<!DOCTYPE" in body:
        raise _broken(body)
    if body.count(b"<") + body.count(b"=") > _MOST_NODES:  # tags and attributes: what a parsed tree costs
        raise meanings.ANSWER_TOO_LARGE.error()
    return body


def _broken(body: bytes) -> AnswerError:
    return AnswerError(body, html=is_html(body))


def _is_ours(answer: etree._Element, operation: str, row: str) -> bool:
    """Whether an answer stands in a SOAP 1.1 body and holds our rows: rows by another name are not "no rows"."""
    body = answer.getparent()
    results = list(answer)
    return (
        body is not None
        and body.tag == f"{{{ENVELOPE}}}Body"
        and all(result.tag == f"{{{GP}}}{operation}Result" for result in results)
        and all(child.tag == row for result in results for child in result)
    )


def is_html(body: bytes) -> bool:
    """Whether an answer is a web page."""
    return b"<html" in body[: _HEAD * 2].lower() or b"<!doctype html" in body[: _HEAD * 2].lower()


def _collect(rows: list[Tree], element: etree._Element, wanted: Wanted | None) -> None:
    tree = tree_of(element, wanted)
    if isinstance(tree, dict):  # items are nillable: an empty one says nothing
        rows.append(tree)


def tree_of(element: etree._Element, wanted: Wanted | None = None) -> Node:
    """The element's text, or its children by name; nil and empty are both None, for no GP field tells them apart.

    Where the declared type is abstract, the derived one stands under ``KIND``.
    """
    if not len(element):
        return element.text
    tree: Tree = {}
    if kind := element.get(f"{{{XSI}}}type"):
        tree[KIND] = kind.rpartition(":")[2]
    for child in element if wanted is None else element.iterchildren(*wanted.tags):
        name = child.tag[child.tag.rfind("}") + 1 :]
        value = child.text if not len(child) else tree_of(child, wanted and wanted.below[name])
        if name not in tree:
            tree[name] = value
            continue
        known = tree[name]
        if isinstance(known, list):
            known.append(value)
        else:
            tree[name] = [known, value]
    return tree


def _fault(element: etree._Element) -> FaultError:
    text = " ".join((element.findtext("faultstring") or "").split())[:_FAULT_LENGTH]
    detail = element.find("detail")
    guid = _GUID.search(_words(detail)) or _GUID.search(_words(element))
    answer = etree.tostring(element, encoding="unicode", with_tail=False)[:_FAULT_LENGTH]
    return FaultError(element.findtext("faultcode") or "", text, guid.group() if guid else "", answer)


def _words(element: etree._Element | None) -> str:
    return "" if element is None else " ".join(map(str, element.itertext()))
