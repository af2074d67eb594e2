"""A SOAP request read into an operation, its company and its arguments.

Element names, namespaces and order are those of the reconstructed legacy WSDL. As documented, omitted
elements are accepted, value elements included. What is misspelt, in another namespace or out of order is
refused: a real XmlSerializer might skip it in silence, and a client whose restriction is skipped would be
told so by nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from lxml import etree

from ml_connector.simulators.gp.faults import DeserializationError, DispatchFaultError, UnknownActionError

GP = "http://schemas.microsoft.com/dynamics/gp/2006/01"
DYN = "http://schemas.microsoft.com/dynamics/2006/01"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

CurrencyType = Literal["Transactional", "Local"]
_CONTEXT = ("WorkOnBehalfOf", "OrganizationKey", "CultureName", "CurrencyType", "RoleKey", "TenantName")
_TRUE_NIL = ("true", "1")


class MalformedError(Exception):
    """The bytes are no SOAP message; answered with HTTP 400."""


@dataclass(frozen=True, slots=True)
class Context:
    """Who is asked in which company; `company_id` is None where no organization key was sent."""

    company_id: int | None = None
    currency_type: CurrencyType = "Transactional"


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its operation, its context and its other arguments by name."""

    operation: str
    arguments: dict[str, etree._Element]
    context: Context


Signatures = dict[str, tuple[str, ...]]
"""The arguments of each operation, in order."""


def read_call(body: bytes, soap_action: str, signatures: Signatures) -> Call:
    """Read a request; MalformedError, or a DispatchFaultError for what the framework refuses."""
    wrapper = _body_element(_parse(body))
    operation = _operation(soap_action, signatures)
    if wrapper.tag != f"{{{GP}}}{operation}":
        raise DeserializationError(
            operation, f"Found '{wrapper.tag}' instead of element '{operation}' from {GP}."
        )
    arguments = children(wrapper, signatures[operation], operation=operation)
    sent = arguments.pop("context", None)
    context = Context() if sent is None or is_nil(sent) else _context(sent, operation)
    return Call(operation, {name: a for name, a in arguments.items() if not is_nil(a)}, context)


def _parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedError(str(error)) from error
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise MalformedError("A SOAP message has no document type.")
    return root


def _body_element(root: etree._Element) -> etree._Element:
    if root.tag != f"{{{SOAP}}}Envelope":
        raise MalformedError("The root is not a SOAP 1.1 envelope.")
    body = root.find(f"{{{SOAP}}}Body")
    if body is None or len(body) != 1:
        raise MalformedError("The envelope has not exactly one body element.")
    for header in root.iterfind(f"{{{SOAP}}}Header/*"):
        if header.get(f"{{{SOAP}}}mustUnderstand") in _TRUE_NIL:
            raise DispatchFaultError(f"The header '{header.tag}' was not understood by the recipient.")
    return body[0]


def _operation(soap_action: str, signatures: Signatures) -> str:
    quoted = soap_action.strip()
    namespace, _, operation = quoted.strip('"').rpartition("/")
    if quoted[:1] != '"' or quoted[-1:] != '"' or namespace != GP or operation not in signatures:
        raise UnknownActionError(soap_action)
    return operation


def _context(element: etree._Element, operation: str) -> Context:
    sent = children(element, _CONTEXT, operation=operation, namespace=DYN)
    currency = text(sent.get("CurrencyType")) or "Transactional"
    if currency not in ("Transactional", "Local"):
        raise DeserializationError(operation, f"'{currency}' is not a valid value for CurrencyType.")
    company_id = _company_id(sent.get("OrganizationKey"), operation)
    return Context(company_id, cast("CurrencyType", currency))


def _company_id(element: etree._Element | None, operation: str) -> int | None:
    if element is None or is_nil(element):
        return None
    prefix, _, name = (element.get(f"{{{XSI}}}type") or "").rpartition(":")
    if name != "CompanyKey" or element.nsmap.get(prefix or None) != DYN:
        raise DeserializationError(operation, "The specified type is abstract: name='OrganizationKey'.")
    number = text(children(element, ("Id",), operation=operation, namespace=DYN).get("Id")) or ""
    try:
        return int(number)
    except ValueError:
        raise DeserializationError(operation, f"'{number}' is not a valid Int32 value.") from None


def children(
    element: etree._Element, names: Sequence[str], *, operation: str, namespace: str = GP
) -> dict[str, etree._Element]:
    """Return the child elements by name; they must be of `names`, in that order, each at most once."""
    found: dict[str, etree._Element] = {}
    position = 0
    for child in element:
        qualified = etree.QName(child)
        if qualified.namespace != namespace or qualified.localname not in names[position:]:
            raise DeserializationError(
                operation, f"Element '{child.tag}' is not expected in '{element.tag}'."
            )
        position = names.index(qualified.localname) + 1
        found[qualified.localname] = child
    return found


def is_nil(element: etree._Element) -> bool:
    """Tell whether an element says `xsi:nil`."""
    return element.get(f"{{{XSI}}}nil") in _TRUE_NIL


def text(element: etree._Element | None) -> str | None:
    """Return an element's text, "" where it is empty; None where it is absent or nil."""
    return None if element is None or is_nil(element) else element.text or ""


def key_members(element: etree._Element | None, names: Sequence[str], operation: str) -> dict[str, str]:
    """Return the members of a key argument that say something, its CompanyKey left out."""
    if element is None:
        return {}
    found = children(element, ("CompanyKey", *names), operation=operation)
    return {name: written for name in names if (written := text(found.get(name)))}


def key_id(element: etree._Element | None, operation: str) -> str:
    """Return the Id of a key argument; a key without one is "", which finds nothing."""
    if element is None:
        return ""
    return text(children(element, ("CompanyKey", "Id"), operation=operation).get("Id")) or ""
