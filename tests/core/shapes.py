"""What the tests of the core share: small mappings, records and wishes, and the values hypothesis makes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from ml_connector.core.mapping import FieldRule, Mapping, map_record
from ml_connector.core.plan import Desired
from ml_connector.core.record import Record
from ml_connector.core.transform import MapContext

AT = datetime(2026, 11, 2, 8, 30, 15, tzinfo=UTC)
CONTEXT = MapContext("USD")
KEY_FIELD = "GP_Customer_ID"

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
decimals = st.decimals(min_value=-(10**12), max_value=10**12, places=5)
instants = st.datetimes(timezones=st.just(UTC))
values = st.one_of(
    st.none(), st.booleans(), st.integers(), texts, decimals, st.dates(), instants
)  # fmt: skip
names = st.text("abcdefghij_.", min_size=1, max_size=6)
fields = st.dictionaries(names, values, max_size=6)

SAMPLES = [
    None,
    True,
    False,
    0,
    -7,
    "",
    "dec",
    "Zürich\nline two",
    '["dec", "1"]',
    Decimal("12.50"),
    Decimal("-0.00"),
    Decimal("1E+3"),
    date(2026, 2, 28),
    datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
]


def mapping(name: str = "accounts", rules: dict[str, str] | None = None, **more) -> Mapping:
    """A mapping that copies: target field -> source field."""
    copied = {"Account_Name": "name", "City": "city"} if rules is None else rules
    made = tuple(FieldRule(target, (source,)) for target, source in copied.items())
    wanted = {"source": "customers", "target": "Accounts", "creates": True, **more}
    return Mapping(
        name=name,
        key_field=KEY_FIELD,
        key_source="id",
        rules=made,
        reads=frozenset(copied.values()),
        **wanted,
    )


def record(key: str = "AARON", **content) -> Record:
    return Record("customers", key, content, AT)


def desired(*mappings: Mapping, key: str = "AARON", facet_only: bool = False, **content) -> Desired:
    """What these mappings want of a record with this content."""
    source = record(key, **content)
    return Desired(
        key=key,
        key_field=KEY_FIELD,
        key_value=key,
        name=str(content.get("name", "")),
        at=AT,
        fetched_at=AT,
        parts=tuple(map_record(source, m, CONTEXT) for m in mappings),
        facet_only=facet_only,
    )
