"""Sales orders, quotes and deals as tables: the fields by which they are read, and how their line items are. Pure.

A field is called by Zoho's own API name; a lookup is two fields (``Account_Name.id``, ``Account_Name.name``), and a
field of a line item begins with ``line.``. Sources: the facts on Zoho, 2.4, 2.9 and 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ml_connector.connectors.zoho_crm import coql, schema
from ml_connector.core.entity import Entity, SourceField
from ml_connector.core.errors import ConfigurationError

LINES = "lines"
LINE = "line."
PARENT = "Parent_Id"  #: of a line item: the record that it belongs to
STAMP, MADE = "Modified_Time", "Created_Time"

#: Kind of a column -> what follows its name, and the type of the field that this is.
_PARTS: Mapping[str, Mapping[str, str]] = {
    "lookup": {".id": "text", ".name": "text"},
    "product": {".id": "text", ".name": "text", ".Product_Code": "text"},
    "reference": {".id": "text"},
    "choices": {"": "text"},  # several of a list, told as one text
    **{kind: {"": kind} for kind in ("text", "boolean", "integer", "decimal", "money", "date", "instant")},
}
KINDS = tuple(_PARTS)  #: every kind of column

_OF_EVERY_RECORD = """
    id             text
    Owner          lookup
    Created_By     lookup
    Modified_By    lookup
    Created_Time   instant
    Modified_Time  instant
    Currency       text
    Exchange_Rate  decimal
"""
_OF_DOCUMENTS = """
    Subject               text
    Deal_Name             lookup
    Account_Name          lookup
    Contact_Name          lookup
    Carrier               text
    Billing_Street        text
    Billing_City          text
    Billing_State         text
    Billing_Code          text
    Billing_Country       text
    Shipping_Street       text
    Shipping_City         text
    Shipping_State        text
    Shipping_Code         text
    Shipping_Country      text
    Sub_Total             money
    Discount              money
    Tax                   money
    Adjustment            money
    Grand_Total           money
    Terms_and_Conditions  text
    Description           text
"""
_OF_SALES_ORDERS = """
    SO_Number         text
    Purchase_Order    text
    Customer_No       text
    Quote_Name        lookup
    Due_Date          date
    Status            text
    Pending           text
    Excise_Duty       money
    Sales_Commission  money
"""
_OF_QUOTES = """
    Quote_Number  text
    Quote_Stage   text
    Valid_Till    date
    Team          text
"""
_OF_DEALS = """
    Deal_Name           text
    Stage               text
    Pipeline            text
    Amount              money
    Closing_Date        date
    Probability         integer
    Expected_Revenue    money
    Type                text
    Next_Step           text
    Lead_Source         text
    Account_Name        lookup
    Contact_Name        lookup
    Reason_For_Loss__s  text
    Description         text
"""
_OF_LINES = """
    Product_Name          product
    Quantity              decimal
    List_Price            money
    Unit_Price            money
    Discount              money
    Total                 money
    Total_After_Discount  money
    Tax                   money
    Net_Total             money
    Description           text
    Sequence_Number       integer
    Price_Book_Name       reference
"""


def _columns(*tables: str) -> dict[str, str]:
    """The rows of these tables: API name -> kind."""
    rows = (row.split() for table in tables for row in table.strip().splitlines())
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A module that is read: its columns by API name, each with its kind."""

    name: str
    columns: Mapping[str, str]
    lines: str = ""  #: the subform of its line items, which is their module's name, too; empty: it has none
    line_columns: Mapping[str, str] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()  #: columns that somebody named: without them it is not read

    def with_columns(
        self, columns: Mapping[str, str], line_columns: Mapping[str, str] | None = None
    ) -> SourceModule:
        """The same with more columns, such as custom fields. ConfigurationError: a kind that there is not."""
        added = dict(line_columns or {})
        for name, kind in (*columns.items(), *added.items()):
            _check(self.name, name, kind)
        if added and not self.lines:
            raise ConfigurationError(
                f"{self.name} has no line items.", "Take their fields out of the settings."
            )
        return replace(
            self,
            columns={**self.columns, **columns},
            line_columns={**self.line_columns, **added},
            wanted=self.wanted | columns.keys() | {f"{LINE}{name}" for name in added},
        )

    def entity(self) -> Entity:
        """As the ports know it."""
        fields = _fields("", self.columns, "") + _fields(LINE, self.line_columns, LINES)
        each = LINES if self.lines else ""
        return Entity(self.name, {one.name: one for one in fields}, key="id", each=each)


def module_of(name: str, columns: Mapping[str, str]) -> SourceModule:
    """A module of which nothing is known here but what every module has, with these columns beside its name."""
    every = {schema.name_field(coql.checked_name(name)): "text", **_columns(_OF_EVERY_RECORD)}
    return SourceModule(name, every).with_columns(columns)


MODULES: Mapping[str, SourceModule] = {
    module.name: module
    for module in (
        SourceModule(
            "Sales_Orders",
            _columns(_OF_EVERY_RECORD, _OF_DOCUMENTS, _OF_SALES_ORDERS),
            "Ordered_Items",
            _columns(_OF_LINES),
        ),
        SourceModule(
            "Quotes",
            _columns(_OF_EVERY_RECORD, _OF_DOCUMENTS, _OF_QUOTES),
            "Quoted_Items",
            _columns(_OF_LINES),
        ),
        SourceModule("Deals", _columns(_OF_EVERY_RECORD, _OF_DEALS)),
    )
}


def modules_with(columns: Mapping[str, Mapping[str, str]]) -> dict[str, SourceModule]:
    """All modules, with these columns besides: module -> API name (of line items behind ``line.``) -> kind.

    A module that is not among them is one more. ConfigurationError: a kind or a name that there is not.
    """
    modules = dict(MODULES)
    for module, named in columns.items():
        own = {name: kind for name, kind in named.items() if not name.startswith(LINE)}
        of_lines = {n.removeprefix(LINE): kind for n, kind in named.items() if n.startswith(LINE)}
        known = modules.get(module) or module_of(module, {})
        modules[module] = known.with_columns(own, of_lines)
    return modules


def field_names(name: str, kind: str) -> list[str]:
    """What the fields of a column are called."""
    return [name + part for part in _PARTS[kind]]


def line_query_columns(columns: Mapping[str, str]) -> list[str]:
    """What of line items is asked for by COQL, where a lookup tells its id and no more unless one asks for it."""
    names = ["id", PARENT, f"{PARENT}.{STAMP}"]
    for name, kind in columns.items():
        names += [name, *(f"{name}.{more}" for more in _ASKED.get(kind, ()))]
    return names


#: Kind of a line's column -> what is asked for of the record that it points to.
_ASKED = {"product": (schema.NAME_FIELDS["Products"], "Product_Code")}


def _check(module: str, name: str, kind: str) -> None:
    coql.checked_name(name)
    if kind not in _PARTS:
        known = ", ".join(KINDS)
        raise ConfigurationError(f"{module} {name}: {kind!r} is no kind of field.", f"Choose one of {known}.")


def _fields(prefix: str, columns: Mapping[str, str], each: str) -> list[SourceField]:
    return [
        SourceField(prefix + name + part, type_, each=each)
        for name, kind in columns.items()
        for part, type_ in _PARTS[kind].items()
    ]
