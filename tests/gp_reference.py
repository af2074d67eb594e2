"""The descriptions of GP's web services beside the repository, where they are: not part of it, and not everywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from lxml import etree

FOLDER = Path(__file__).parents[2] / "shared/reference/gp"
LEGACY = FOLDER / "DynamicsGP-legacy-2006-01-subset-reconstructed.wsdl"
NATIVE = FOLDER / "DynamicsGP-native-2010-01.wsdl"
GP = "http://schemas.microsoft.com/dynamics/gp/2006/01"
NATIVE_GP = "http://schemas.microsoft.com/dynamics/gp/2010/01"
XS = "{http://www.w3.org/2001/XMLSchema}"

#: Operations that the legacy file lacks, derived from the native one: members in its order, base class first.
DERIVED = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:gp="http://schemas.microsoft.com/dynamics/gp/2006/01"
  xmlns:dyn="http://schemas.microsoft.com/dynamics/2006/01">
  <xs:element name="GetChangedInternetAddressKeyList"><xs:complexType><xs:sequence>
    <xs:element minOccurs="0" name="criteria" type="gp:InternetAddressKeyChangedCriteria"/>
    <xs:element minOccurs="0" name="context" type="dyn:Context"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:complexType name="InternetAddressKeyChangedCriteria"><xs:complexContent>
    <xs:extension base="gp:BaseChangedKeyCriteria"><xs:sequence>
      <xs:element minOccurs="0" name="AddressKeyId" type="gp:BetweenRestrictionOfString"/>
      <xs:element minOccurs="0" name="InternetAddressKeyId" type="gp:BetweenRestrictionOfString"/>
      <xs:element minOccurs="0" name="InternetAddressType" type="gp:BetweenRestrictionOfString"/>
    </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:element name="GetChangedInternetAddressKeyListResponse"><xs:complexType><xs:sequence>
    <xs:element minOccurs="0" name="GetChangedInternetAddressKeyListResult" type="gp:ArrayOfChangedInternetAddressKey"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:complexType name="ArrayOfChangedInternetAddressKey"><xs:sequence>
    <xs:element minOccurs="0" maxOccurs="unbounded" name="ChangedInternetAddressKey" nillable="true"
      type="gp:ChangedInternetAddressKey"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="ChangedInternetAddressKey"><xs:complexContent>
    <xs:extension base="gp:ChangedBusinessObjectGreatPlainsKey"><xs:sequence>
      <xs:element minOccurs="0" name="AddressKey" type="gp:AddressKey"/>
      <xs:element minOccurs="0" name="InternetAddressKey" type="xs:string"/>
      <xs:element minOccurs="0" name="InternetAddressType" type="xs:string"/>
    </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
</xs:schema>"""

#: The same of sales: the types are in the legacy file, only the operations' own elements and arrays are missing.
#: {operation: (argument or None, its type, what the result holds or None)}
DERIVED_SALES = {
    "CreateSalesQuote": ("salesQuote", "SalesQuote", None),
    "UpdateSalesQuote": ("salesQuote", "SalesQuote", None),
    "DeleteSalesQuote": ("key", "SalesDocumentKey", None),
    "VoidSalesQuote": ("key", "SalesDocumentKey", None),
    "GetSalesQuoteByKey": ("key", "SalesDocumentKey", "SalesQuote"),
    "GetSalesInvoiceByKey": ("key", "SalesDocumentKey", "SalesInvoice"),
    "GetSalesQuoteList": ("criteria", "SalesQuoteCriteria", "ArrayOfSalesQuoteSummary"),
    "GetSalesInvoiceList": ("criteria", "SalesInvoiceCriteria", "ArrayOfSalesInvoiceSummary"),
}

needs_reference = pytest.mark.skipif(
    not (LEGACY.exists() and NATIVE.exists()), reason=f"the reference descriptions are missing: {FOLDER}"
)


#: Types and elements that the legacy file lacks, taken over from the native one with its order of the members.
DERIVED_SETUP = (
    *(
        f"{operation}{end}"
        for operation in (
            "GetWarehouseList",
            "GetPriceLevelList",
            "GetShippingMethodList",
            "GetUofMScheduleByKey",
        )
        for end in ("", "Response")
    ),
    *("WarehouseCriteria", "ArrayOfWarehouseSummary", "WarehouseSummary"),
    *("PriceLevelCriteria", "ArrayOfPriceLevel", "PriceLevel"),
    *("ShippingMethodCriteria", "ArrayOfShippingMethod", "ShippingMethod", "ShippingMethodType"),
    *("UofMSchedule", "ArrayOfUofMScheduleDetail", "UofMScheduleDetail", "UofMScheduleDetailKey"),
)


def _derived_setup() -> list[etree._Element]:
    """The declarations of DERIVED_SETUP, with the names that types have in the legacy file."""
    found = []
    for one in etree.parse(str(NATIVE)).iter(f"{XS}complexType", f"{XS}simpleType", f"{XS}element"):
        if one.get("name") in DERIVED_SETUP and one.getparent().tag == f"{XS}schema":
            for inside in one.iter(f"{XS}element", f"{XS}extension"):
                for attribute in ("type", "base"):
                    if (kind := inside.get(attribute)) is not None:
                        inside.set(attribute, _legacy_name(kind))
            for note in list(one.iter(f"{XS}annotation")):
                note.getparent().remove(note)
            found.append(one)
    return found


def _legacy_name(kind: str) -> str:
    name = _local(kind)
    if name in ("string", "int", "dateTime"):
        return f"xs:{name}"
    if name == "Context":
        return "dyn:Context"
    for scalar, legacy in (("Ofstring", "OfString"), ("OfdateTime", "OfDateTime")):
        name = name.replace(scalar, legacy)
    return f"gp:{name}"


def _derived_sales() -> etree._Element:
    """The schema of the operations of DERIVED_SALES."""

    def element(name: str, *inside: tuple[str, str]) -> str:
        members = "".join(f'<xs:element minOccurs="0" name="{n}" type="{t}"/>' for n, t in inside)
        sequence = f"<xs:sequence>{members}</xs:sequence>"
        return f'<xs:element name="{name}"><xs:complexType>{sequence}</xs:complexType></xs:element>'

    parts = []
    for operation, (argument, kind, result) in DERIVED_SALES.items():
        policy = () if result else (("policy", "gp:Policy"),)
        parts.append(element(operation, (argument, f"gp:{kind}"), ("context", "dyn:Context"), *policy))
        answer = ((f"{operation}Result", f"gp:{result}"),) if result else ()
        parts.append(element(f"{operation}Response", *answer))
        if result and result.startswith("ArrayOf"):
            row = result.removeprefix("ArrayOf")
            parts.append(
                f'<xs:complexType name="{result}"><xs:sequence><xs:element minOccurs="0" maxOccurs="unbounded" '
                f'name="{row}" nillable="true" type="gp:{row}"/></xs:sequence></xs:complexType>'
            )
    head = f'<xs:schema xmlns:xs="{XS[1:-1]}" xmlns:gp="{GP}" xmlns:dyn="http://schemas.microsoft.com/dynamics/2006/01">'
    schema = etree.fromstring(f"{head}{''.join(parts)}</xs:schema>")
    schema.extend(_derived_setup())
    return schema


def write_schema(folder: Path, *, whole: bool = True) -> etree.XMLSchema:
    """The legacy description's types; its embedded schemas become files, so that their imports can be followed.

    ``whole`` false: nothing is required, which the service does not do either (facts.md 2.3); order and types stay.
    """
    schemas = list(etree.parse(str(LEGACY)).iter(f"{XS}schema"))
    legacy = next(one for one in schemas if one.get("targetNamespace") == GP)
    legacy.extend(etree.fromstring(DERIVED))
    legacy.extend(_derived_sales())
    files = {schema.get("targetNamespace"): f"{number}.xsd" for number, schema in enumerate(schemas)}
    for schema in schemas:
        for member in schema.iter(f"{XS}element"):
            if not whole and member.getparent().tag != f"{XS}schema":
                member.set("minOccurs", "0")
        for imported in schema.iterfind(f"{XS}import"):
            imported.set("schemaLocation", files[imported.get("namespace")])
        (folder / files[schema.get("targetNamespace")]).write_bytes(etree.tostring(schema))
    return etree.XMLSchema(etree.parse(str(folder / files[GP])))


@cache
def operations() -> frozenset[str]:
    """The operations that the legacy description has."""
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    found = etree.parse(str(LEGACY)).iterfind(f".//{wsdl}portType/{wsdl}operation")
    return frozenset(operation.get("name") for operation in found)


@cache
def native_arguments() -> dict[str, dict[str, str]]:
    """The arguments of every operation of the native description, in order, with the names of their types."""
    found = {}
    for schema in etree.parse(str(NATIVE)).iter(f"{XS}schema"):
        if schema.get("targetNamespace") == NATIVE_GP:
            for element in schema.iterfind(f"{XS}element"):
                inside = [e for e in element.iter(f"{XS}element") if e is not element]
                found[element.get("name")] = {e.get("name"): _local(e.get("type")) for e in inside}
    return found


@cache
def native_members() -> dict[str, set[str]]:
    """The members of every type of the native description, those of its bases among them."""
    types = {t.get("name"): t for t in etree.parse(str(NATIVE)).iter(f"{XS}complexType") if t.get("name")}

    def members(name: str) -> set[str]:
        if name not in types:
            return set()
        bases = [_local(base.get("base")) for base in types[name].iter(f"{XS}extension")]
        own = {element.get("name") for element in types[name].iter(f"{XS}element")}
        return own.union(*map(members, bases))

    return {name: members(name) for name in types}


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]
