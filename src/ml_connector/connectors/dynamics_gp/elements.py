"""Objects as GP's serializer wants them: members in their declared order, made anew or changed within what was read."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TypeAlias, Union

from lxml import etree

from ml_connector.connectors.dynamics_gp import soap, write_meanings
from ml_connector.connectors.dynamics_gp.members import ORDER

#: What stands in an element: a text, or its members in order.
Content: TypeAlias = Union[str, "Mapping[str, Content]"]

_NSMAP = {"gp": soap.GP, "xsi": soap.XSI}


def make(name: str, content: Content = "") -> etree._Element:
    """An element of GP's. RecordRejectedError: a text that XML cannot carry."""
    element = etree.Element(_tag(name), nsmap=_NSMAP)
    _fill(element, name, content)
    return element


def copy(read: etree._Element, name: str) -> etree._Element:
    """What was read, under another name; the prefixes that it uses in its values stay known."""
    known = {prefix: uri for prefix, uri in read.nsmap.items() if prefix is not None}
    element = etree.Element(_tag(name), nsmap=_NSMAP | known)
    element.extend(deepcopy(child) for child in read)
    return element


def child(parent: etree._Element, name: str) -> etree._Element | None:
    """The member of this name, if it is there."""
    return parent.find(_tag(name))


def put(parent: etree._Element, kind: str, name: str, content: Content | None) -> None:
    """Give a member of an object of this kind this content, in its place; None: it is left out."""
    there = child(parent, name)
    made = None if content is None else make(name, content)
    if there is not None and made is not None:
        parent.replace(there, made)
    elif there is not None:
        parent.remove(there)
    elif made is not None:
        parent.insert(_place(parent, kind, name), made)


def inside(parent: etree._Element, kind: str, name: str) -> etree._Element:
    """The member of this name, made where it is missing or nil."""
    there = child(parent, name)
    if there is None or not len(there):
        put(parent, kind, name, {})
        there = child(parent, name)
    assert there is not None
    return there


def written(element: etree._Element) -> str:
    """The element as text, to be put into a request."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _place(parent: etree._Element, kind: str, name: str) -> int:
    """Before the first member that is declared behind it."""
    behind = {_tag(later) for later in ORDER[kind][ORDER[kind].index(name) + 1 :]}
    return next((place for place, one in enumerate(parent) if one.tag in behind), len(parent))


def _fill(element: etree._Element, name: str, content: Content) -> None:
    if isinstance(content, str):
        if not soap.is_xml(content):
            raise write_meanings.TEXT_NOT_XML.error(member=name, text=repr(content[:80]))
        element.text = content
        return
    for inner, inner_content in content.items():
        member = etree.SubElement(element, _tag(inner))
        _fill(member, inner, inner_content)


def _tag(name: str) -> str:
    return f"{{{soap.GP}}}{name}"
