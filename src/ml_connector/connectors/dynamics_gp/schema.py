"""How an entity of Dynamics GP is written down as tables: which field stands where (facts.md 2.5 to 2.8).

A field is (flat name, kind, path in the object); kinds are what ``values.py`` can read. Alternatives of a path are
parted by ``|``: the first that says something counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from ml_connector.connectors.dynamics_gp import values
from ml_connector.connectors.dynamics_gp.soap import Wanted, Where
from ml_connector.connectors.dynamics_gp.values import Node, Tree
from ml_connector.core.entity import Entity, Facet, Lasting, PostingFields, SourceField
from ml_connector.core.record import Value, digest

#: Kind -> the type the mappings see, and what reads it.
_KINDS: dict[str, tuple[str, Callable[[Node], Value]]] = {
    "text": ("text", values.to_text),
    "boolean": ("boolean", values.to_boolean),
    "integer": ("integer", values.to_integer),
    "money": ("money", values.to_money),
    "decimal": ("decimal", values.to_money),
    "instant": ("instant", values.to_instant),
    "date": ("date", values.to_date),
    "phone": ("text", values.to_phone),
    "address": ("text", values.to_email),
    "extension": ("text", values.to_extension),
    "limit kind": ("text", values.to_limit_kind),
}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GpField:
    """One field: its flat name, how it is read, and where it may stand."""

    name: str
    kind: str
    paths: tuple[Path, ...]
    carried: bool = False

    def read(self, tree: Tree) -> Value:
        """The field's value in an object, None where it says nothing."""
        convert = _KINDS[self.kind][1]
        for path in self.paths:
            value = convert(values.find(tree, path))
            if value is not None:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Order:
    """How values follow each other, where that is not for GP's collation to say: days and whole numbers."""

    rank: Callable[[str], int]  #: ValueError for what is no such value
    value: Callable[[int], str]  #: of a rank

    def beside(self, value: str, steps: int) -> str:
        """The value so many steps further, or back."""
        return self.value(self.rank(value) + steps)


DAYS = Order(
    lambda day: date.fromisoformat(day[:10]).toordinal(), lambda rank: f"{date.fromordinal(rank)}T00:00:00"
)
NUMBERS = Order(int, str)


@dataclass(frozen=True, slots=True)
class Level:
    """One member of a criteria by which a list that was cut off can be split."""

    member: str  #: in the criteria
    path: Path  #: of the same value in a row
    values: tuple[str, ...] = ()  #: a closed choice is split by its values, not by greater and less
    single: str = ""  #: one of ``values``, under which there is one row at most: it is split no further
    order: Order | None = None  #: None: only GP knows the order
    missing: str = ""  #: what a row without the element has


@dataclass(frozen=True, slots=True)
class Listing:
    """One Get...List operation; the values of all levels together name a row."""

    operation: str
    row: str  #: element of one row
    levels: tuple[Level, ...]  #: the first names the record
    facet: str = ""
    wanted: Wanted | None = None  #: what of a row is read; None: everything
    repeats: bool = False  #: whether GP may list the same row more than once (not documented)
    name: Path = ("Name",)  #: of what a row's record is called
    nobody: tuple[str, str] = (
        "",
        "~nobody~",
    )  #: member and value that no row has; left out: the first level's

    @property
    def probe(self) -> Where:
        """What no row answers to: asking for it is harmless."""
        return {self.nobody[0] or self.levels[0].member: {"EqualValue": self.nobody[1]}}


@dataclass(frozen=True, slots=True)
class GpEntity:
    """One kind of record: how it is listed, read and flattened."""

    name: str
    listing: Listing
    read_operation: str
    fields: tuple[GpField, ...]
    addresses: Path = ()  #: of the address elements in the full object
    roles: Mapping[str, Path] = field(default_factory=dict)  #: role -> path of the address id that plays it
    facets: Mapping[str, Listing] = field(default_factory=dict)
    facet_fields: tuple[tuple[str, GpField], ...] = ()  #: (facet, field)
    empty: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    lasting: Mapping[str, Lasting] = field(default_factory=dict)  #: by facet
    each: str = ""  #: what a record consists of: "lines"
    each_fields: tuple[GpField, ...] = ()  #: of each of these
    final: str = ""  #: the field that says that the record never changes again
    postings: PostingFields | None = None  #: what of its parts is kept as postings
    tracks: tuple[
        Listing, ...
    ] = ()  #: what names the records whose e-mail changed; the first proves it is kept
    master_type: str = ""  #: SY01200.Master_Type (facts.md 3.2)

    def wanted(self) -> Wanted:
        """What of a full object ``flatten`` reads."""
        address = [path for item in (*ADDRESS_FIELDS, *EMAIL_FIELDS, _OLDER_EMAIL) for path in item.paths]
        address.append(("SalespersonKey", "Id"))
        own = [path for item in self.fields for path in item.paths]
        return Wanted.of([*own, *self.roles.values(), *((*self.addresses, *path) for path in address)])


def fields_of(prefix: str, table: str) -> tuple[GpField, ...]:
    """One field a line: name, kind (blanks as ``_``), path; a trailing ``carried``."""
    rows = (line.split() for line in table.strip().splitlines())
    return tuple(
        GpField(
            prefix + row[0],
            row[1].replace("_", " "),
            tuple(tuple(path.split("/")) for path in row[2].split("|")),
            carried=row[3:] == ["carried"],
        )
        for row in rows
    )


#: What we read of an address. E-mail stands apart: the address lists do not bring it (facts.md 2.6, BusinessAddress).
ADDRESS_FIELDS = fields_of("", """
    address_id        text       Key/Id
    name              text       Name
    contact_person    text       ContactPerson
    line1             text       Line1
    line2             text       Line2
    line3             text       Line3
    city              text       City
    state             text       State
    postal_code       text       PostalCode
    country           text       CountryRegion
    country_code      text       CountryRegionCodeKey/Id
    phone1            phone      Phone1
    phone1_extension  extension  Phone1
    phone2            phone      Phone2
    phone3            phone      Phone3
    fax               phone      Fax
""")  # fmt: skip
EMAIL_FIELDS = fields_of("", """
    email     text  InternetAddresses/EmailToAddress
    email_cc  text  InternetAddresses/EmailCcAddress
""")  # fmt: skip
#: Where companies that are older than the fields above keep the e-mail; others keep anything there (facts.md 2.7).
_OLDER_EMAIL = fields_of("", "email address InternetAddresses/InternetField1")[0]


def describe(entity: GpEntity) -> Entity:
    """The entity as the flows and the mapping files see it."""
    fields = [SourceField(item.name, _KINDS[item.kind][0], carried=item.carried) for item in entity.fields]
    fields += [
        SourceField(f"{role}.{item.name}", _KINDS[item.kind][0])
        for role in entity.roles
        for item in (*ADDRESS_FIELDS, *EMAIL_FIELDS)
    ]
    fields += [SourceField(item.name, _KINDS[item.kind][0], facet) for facet, item in entity.facet_fields]
    brings = {facet for facet, _ in entity.facet_fields}
    fields += [SourceField(item.name, _KINDS[item.kind][0], each=entity.each) for item in entity.each_fields]
    facets = [
        Facet(name, name in brings, entity.empty.get(name, {}), entity.lasting.get(name))
        for name in entity.facets
    ]
    if emails := {f"{role}.{item.name}" for role in entity.roles for item in EMAIL_FIELDS}:
        facets.append(Facet("emails", brings_fields=False, listed=False, of=frozenset(emails)))
    return Entity(
        entity.name,
        {item.name: item for item in fields},
        facets,
        key=entity.fields[0].name,
        each=entity.each,
        final=entity.final,
        postings=entity.postings,
    )


def key_of(level: Level, tree: Tree) -> str:
    """The value of a level in a row, right-trimmed; the level's own where the row has none."""
    return values.to_text(values.find(tree, level.path)) or level.missing


def flatten(entity: GpEntity, tree: Tree) -> tuple[dict[str, Value], str]:
    """All fields of a full object, and the digest of its addresses.

    The addresses stand by their roles; a role without an address is None throughout.
    """
    addresses = values.children(tree, entity.addresses)
    read = {_address_id(address): (address, _read_address(address)) for address in addresses}
    roles = {role: values.to_text(values.find(tree, path)) or "" for role, path in entity.roles.items()}
    played = {role: read.get(address_id.casefold(), _NO_ADDRESS) for role, address_id in roles.items()}
    # GP keeps the salesperson with the address: the customer's own is its default address's.
    whole: Tree = {**tree, "DefaultAddress": dict(played["default"][0])}
    flat = {item.name: item.read(whole) for item in entity.fields}
    for role, (address, fields) in played.items():
        flat |= {f"{role}.{name}": value for name, value in fields.items()}
        flat |= {f"{role}.{name}": value for name, value in _read_emails(address).items()}
    return flat, _digest({address_id: fields for address_id, (_, fields) in read.items()})


def address_digest(addresses: list[Tree]) -> str:
    """Hash of a record's addresses: the same from the full object as from the address list, which has no e-mail."""
    return _digest({_address_id(address): _read_address(address) for address in addresses})


def _digest(addresses: Mapping[str, Mapping[str, Value]]) -> str:
    return digest(
        {
            f"{address_id}.{name}": value
            for address_id, fields in addresses.items()
            for name, value in fields.items()
        }
    )


def _address_id(address: Tree) -> str:
    """An address's id as GP compares it; empty for none."""
    return (values.to_text(values.find(address, ("Key", "Id"))) or "").casefold()


def _read_address(address: Tree) -> dict[str, Value]:
    return {item.name: item.read(address) for item in ADDRESS_FIELDS}


def _read_emails(address: Tree) -> dict[str, Value]:
    emails = {item.name: item.read(address) for item in EMAIL_FIELDS}
    if emails[_OLDER_EMAIL.name] is None:
        emails[_OLDER_EMAIL.name] = _OLDER_EMAIL.read(address)
    return emails


_NO_ADDRESS: tuple[Tree, dict[str, Value]] = ({}, dict.fromkeys(item.name for item in ADDRESS_FIELDS))


def facet_values(entity: GpEntity, facet: str, tree: Tree) -> dict[str, Value]:
    """The fields that a facet's row brings."""
    return {item.name: item.read(tree) for name, item in entity.facet_fields if name == facet}
