"""Whatever fields of a customer are edited: what is sent says these, everything else as it was, in GP's order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gp_reference import GP, needs_reference, write_schema
from ml_connector.connectors.dynamics_gp import master_xml, schema, soap
from ml_connector.connectors.dynamics_gp.masters import MASTERS

TEXT = st.text("aé<&>\"' 7", min_size=1, max_size=6).map(str.strip).filter(bool)
EMAIL = st.just("a@b.example")
PHONE = st.sampled_from(("3125550199", "+49 30 1", "31255501990123"))


def value_of(name: str) -> st.SearchStrategy[str]:
    inner = name.rpartition(".")[2]
    return (
        EMAIL
        if inner.startswith("email")
        else PHONE
        if inner in ("phone1", "phone2", "phone3", "fax")
        else TEXT
    )


def some(names):
    """Values for some of these fields."""
    return st.sets(st.sampled_from(sorted(names)), max_size=8).flatmap(
        lambda chosen: st.fixed_dictionaries({name: value_of(name) for name in sorted(chosen)})
    )


@st.composite
def customers(draw):
    """A new customer, each of whose roles has an address of its own."""
    roles = MASTERS["customers"].roles
    fields = draw(some(master_xml.editable("customers")))
    return {**fields, **{f"{role}.address_id": role.upper() for role in roles}}


@pytest.fixture(scope="module")
def wsdl(tmp_path_factory):
    return write_schema(tmp_path_factory.mktemp("schemas"), whole=False)


def flat(sent: str) -> dict[str, object]:
    fields, _ = schema.flatten(MASTERS["customers"], soap.tree_of(etree.fromstring(sent)))
    return fields


def told(fields: dict[str, str]) -> dict[str, object]:
    """A number as it is read: the digits behind ten are its extension."""
    read: dict[str, object] = {}
    for name, value in fields.items():
        long = value == "31255501990123"
        read[name] = value[:10] if long else value
        if name.endswith(".phone1"):
            read[f"{name}_extension"] = "0123" if long else None
    return read


@needs_reference
@given(customers(), some(master_xml.editable("customers")))
def test_an_edit_says_exactly_these_fields(wsdl, new, edit):
    made = master_xml.new("customers", "ZC1", new)
    before = flat(made)
    assert {name: before[name] for name in told(new)} == told(new)
    sent = master_xml.changed("customers", etree.fromstring(made), edit)
    after, wanted = flat(sent), {**before, **told(edit)}
    differ = {name for name in wanted if after[name] != wanted[name]}
    # A number of ten digits keeps the extension that stood behind the old one.
    kept = {f"{name}_extension" for name, value in edit.items() if value == "3125550199"}
    assert differ <= kept
    assert all(after[name] == before[name] for name in differ)
    for verb, element in (("Create", made), ("Update", sent)):
        wrapper = etree.Element(f"{{{GP}}}{verb}Customer")
        wrapper.append(etree.fromstring(element))
        wsdl.assertValid(wrapper)


@given(
    customers(), st.sets(st.sampled_from(sorted(master_xml.editable("customers"))), min_size=1, max_size=8)
)
def test_an_edit_empties_exactly_these_fields(new, names):
    made = master_xml.new("customers", "ZC1", new)
    before = flat(made)
    after = flat(master_xml.changed("customers", etree.fromstring(made), dict.fromkeys(names)))
    assert all(after[name] is None for name in names)
    gone = names | {f"{name}_extension" for name in names if name.endswith(".phone1")}
    assert {name: after[name] for name in after if name not in gone} == {
        name: before[name] for name in before if name not in gone
    }
