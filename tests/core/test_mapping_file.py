"""Mapping files: each fault is told with file, line and what is known; those that ship can be read."""

import re
from pathlib import Path

import pytest

import ml_connector
from memory import CUSTOMERS, VENDORS
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.mapping import (
    CustomField,
    CustomModule,
    FieldRule,
    conflicts,
    field_needs,
    module_needs,
)
from ml_connector.core.mapping_file import read_mapping
from ml_connector.core.transform import ARITY
from ml_connector.loading import ENTITIES as EVERY

ENTITIES = {"customers": CUSTOMERS, "vendors": VENDORS}
SHIPPED = sorted((Path(ml_connector.__file__).parent / "mappings").glob("*.toml"))

GOOD = """\
name = "accounts"
source = "customers"
target = "Accounts"
creates = true
precedence = 1
as_of = "As_Of"

[key]
field = "GP_Customer_ID"
from = "customer_id"

[match]
name = "name"

[fields]
Account_Name = "name"
Email = { from = "email", transform = "email" }
Street = { from = ["city", "email"], transform = "lines" }
Is_Customer = { value = true }

[custom]
GP_Customer_ID = { label = "GP Customer ID", type = "text", length = 30, unique = true }
"""


def read(text: str, path: str = "here.toml"):
    return read_mapping(path, text, ENTITIES)


OF_ITS_OWN = """\
name = "lines"
source = "vendors"
target = "Lines"
creates = true

[module]
singular = "Line"
plural = "Lines"
name_label = "Line Name"

[key]
field = "Line_Key"
from = "vendor_id"

[fields]
Party = { from = ["email", "city"], lookup = "Accounts", of = ["customers", "vendors"], required = true }
Kind = "name"

[custom]
Party = { label = "Party", type = "lookup", related = "Lines" }
Kind = { label = "Kind", type = "picklist", choices = ["one", "two"], label_of = "name" }
"""


def test_a_file_for_a_module_of_ones_own():
    made = read(OF_ITS_OWN)
    assert made.module == CustomModule("Line", "Lines", "Line Name")
    assert made.rules[0] == FieldRule(
        "Party", ("email", "city"), lookup="Accounts", of=("customers", "vendors"), required=True
    )
    assert made.custom == (
        CustomField("Party", "Party", "lookup", related="Lines"),
        CustomField("Kind", "Kind", "picklist", choices=("one", "two"), label_of="name"),
    )


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ('plural = "Lines"', 'plurals = "Lines"', 8, "not a setting of [module]"),
        ('plural = "Lines"', 'plural = "GP Lines of all journal entries"', 8, "25 at most"),
        ('plural = "Lines"', "", 6, "25 at most"),
        ('"customers", "vendors"', '"customers", "vendor"', 16, "not an entity"),
        ('["customers", "vendors"]', '"vendors"', 16, "one entity for each field"),
        ('of = ["customers", "vendors"], ', "", 16, "one entity for each field"),
        ('Kind = "name"', 'Kind = { from = "name", of = "vendors" }', 17, "belongs to a lookup"),
        ('type = "picklist"', 'type = "lookup"', 21, "is a lookup in one of"),
        ('["one", "two"]', '["one", 2]', 21, "a list of texts"),
        ('label_of = "name"', 'label_of = "nam"', 21, "has no field"),
    ],
)
def test_a_fault_in_a_module_of_ones_own_is_told_with_its_place(right, wrong, line, told):
    with pytest.raises(ConfigurationError, match=rf"line {line}: .*{re.escape(told)}"):
        read(OF_ITS_OWN.replace(right, wrong))


def test_a_whole_file():
    made = read(GOOD)
    assert (made.name, made.source, made.target) == ("accounts", "customers", "Accounts")
    assert (made.key_field, made.key_source, made.match.name) == ("GP_Customer_ID", "customer_id", "name")
    assert (made.creates, made.precedence, made.as_of) == (True, 1, "As_Of")
    assert made.rules == (
        FieldRule("Account_Name", ("name",)),
        FieldRule("Email", ("email",), "email"),
        FieldRule("Street", ("city", "email"), "lines"),
        FieldRule("Is_Customer", constant=True),
    )
    assert made.custom == (CustomField("GP_Customer_ID", "GP Customer ID", "text", 30, unique=True),)
    assert made.reads == {"name", "email", "city"}
    assert made.fingerprint


def test_the_least_that_is_needed():
    made = read(
        'name = "a"\nsource = "vendors"\ntarget = "Accounts"\nfields = {}\n'
        'key = { field = "K", from = "vendor_id" }'
    )
    assert (made.creates, made.precedence, made.as_of, made.match.name) == (False, 0, "", "")


def test_comments_and_blank_lines_mean_nothing():
    assert read("# about\n\n" + GOOD).fingerprint == read(GOOD, "there.toml").fingerprint


FAULTS = {
    "a setting that is none": ("creates = true", "create = true", 4, "creates"),
    "an entity that is none": ('"customers"', '"custmers"', 2, "customers"),
    "a key setting that is none": ("from = ", "form = ", 10, "from"),
    "a key that is no field": ('"customer_id"', '"customerid"', 10, "customer_id"),
    "a match setting that is none": ('[match]\nname = "name"', '[match]\nnam = "name"', 13, "name"),
    "a match that is no field": ('[match]\nname = "name"', '[match]\nname = "nme"', 13, "name"),
    "a field that is none": ('Account_Name = "name"', 'Account_Name = "nmae"', 16, "name"),
    "a transform that is none": ('transform = "email"', 'transform = "e_mail"', 17, "email"),
    "a rule setting that is none": ("transform = ", "transfrom = ", 17, "transform"),
    "a list with a field that is none": ('["city", "email"]', '["city", "emial"]', 18, "email"),
    "a transform of too few fields": ('"email", transform = "email"', '[], transform = "email"', 17, "0 fields"),
    "a transform of too many": ('["city", "email"], transform = "lines"', '["city", "email"]', 18, "2 fields"),
    "a rule that is a number": ('Account_Name = "name"', "Account_Name = 5", 16, "Account_Name"),
    "a value that is a fraction": ("{ value = true }", "{ value = 1.5 }", 19, "Is_Customer"),
    "a value that is a list": ("{ value = true }", "{ value = [1] }", 19, "Is_Customer"),
    "a rule without a source": ("{ value = true }", "{ }", 19, "Is_Customer"),
    "a value beside a source": ("{ value = true }", '{ value = true, from = "name" }', 19, "Is_Customer"),
    "a source that is a number": ('from = "email"', "from = 5", 17, "Email"),
    "a target field with a blank": ("Is_Customer", '"Is Customer"', 19, "Is Customer"),
    "a module with a sign": ('"Accounts"', '"Acc-ounts"', 3, "Acc-ounts"),
    "a key field with a sign": ('"GP_Customer_ID"\nfrom', '"GP-Customer"\nfrom', 9, "GP-Customer"),
    "an as-of field with a sign": ('"As_Of"', '"As-Of"', 6, "As-Of"),
    "a rank that is a text": ("precedence = 1", 'precedence = "1"', 5, "precedence"),
    "a yes that is a text": ("creates = true", 'creates = "false"', 4, "creates"),
    "fields that are no table": ("[key]\n", 'fields = "all"\n[key]\n', 8, "fields"),
    "a custom field without a type": (', type = "text"', "", 22, "GP_Customer_ID"),
    "a custom setting that is none": ("length = 30", "lenght = 30", 22, "length"),
    "a custom length that is a text": ("length = 30", 'length = "30"', 22, "length"),
    "a custom yes that is a text": ("unique = true", 'unique = "false"', 22, "unique"),
    "a source that is a list": ('"customers"', '["customers"]', 2, "source"),
    "a name that does not fit": ('name = "accounts"', f'name = "{"a" * 65}"', 1, "name"),
    "a name that is empty": ('name = "accounts"', 'name = ""', 1, "name"),
    "a custom type that nobody can make": ('type = "text"', 'type = "texd"', 22, "text"),
    "a custom lookup that no rule fills": ('type = "text"', 'type = "lookup"', 22, "lookup in one of"),
    "a custom field without any room": ("length = 30", "length = 0", 22, "from 1 to 50,000"),
    "a custom field of less than that": ("length = 30", "length = -4", 22, "“length” of GP_Customer_ID"),
    "a custom field beyond all bounds": ("length = 30", f"length = {10**30}", 22, "from 1 to 50,000"),
    "no decimal places at all": ("length = 30", "decimal_places = 0", 22, "from 1 to 9"),
    "a custom lookup without one": (
        'type = "text"', 'type = "lookup", related = "Accounts of this customer"', 22, "lookup in one of",
    ),
    "a list of too long a name": ("length = 30", f'related = "{"a" * 26}"', 22, "25 characters at most"),
    "choices that are no texts": ("length = 30", "choices = [1]", 22, "“choices” of GP_Customer_ID"),
    "choices that are no list": ("length = 30", 'choices = "A"', 22, "“choices” of GP_Customer_ID"),
    "a label of a field that is none": ("length = 30", 'label_of = "nmae"', 22, "name"),
    "a lookup of an entity that is none": (
        '{ value = true }', '{ from = "name", lookup = "Accounts", of = "vendrs" }', 19, "vendors",
    ),
    "a lookup of too few entities": (
        '{ value = true }', '{ from = ["name", "city"], lookup = "Accounts", of = "vendors" }', 19,
        "one entity for each",
    ),
    "entities of what is no lookup": (
        '"email", transform', '"email", of = "vendors", transform', 17, "belongs to a lookup",
    ),
    "a module setting that is none": ("[match]", '[module]\nsingle = "A"\n[match]', 13, "singular"),
    "a module without a label": ("[match]", '[module]\nsingular = "A"\n[match]', 12, "“plural” of [module]"),
    "a module label with a sign": ("[match]", '[module]\nsingular = "A-B"\n[match]', 13, "letters, digits and blanks"),
    "the key as as-of field": ('as_of = "As_Of"', 'as_of = "GP_Customer_ID"', 6, "GP_Customer_ID is the key"),
    "a rule for the key": ('Account_Name = "name"', 'GP_Customer_ID = "name"', 16, "GP_Customer_ID"),
    "a rule for the as-of field": ('Account_Name = "name"', 'As_Of = "name"', 16, "As_Of"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place(old, new, line, told):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if "fields = " in new:  # the table itself has to go
        text = text.split("[fields]")[0]
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert caught.value.happened.startswith(f"here.toml, line {line}: ")
    assert told in str(caught.value)
    assert caught.value.remedy


MARKS = {
    "the key": ('former = "GP_Customer_ID"', 14, "GP_Customer_ID is the key and cannot be the mark “former”"),
    "the as-of field": ('former = "M"\nfiltered = "As_Of"', 15, "As_Of is the as-of instant"),
    "another mark's": (
        'former = "M"\nfiltered = "M"',
        15,
        "M is the mark “former” and cannot be the mark “filtered”",
    ),
    "a rule's": ('former = "Email"', 20, "Email is the mark “former” and cannot be a field too"),
}


@pytest.mark.parametrize(("marks", "line", "told"), MARKS.values(), ids=MARKS)
def test_a_mark_has_a_field_of_its_own(marks, line, told):
    with pytest.raises(ConfigurationError) as caught:
        read(GOOD.replace("[match]\n", f"# what is former\n[marks]\n{marks}\n[match]\n"))
    assert caught.value.happened.startswith(f"here.toml, line {line}: {told}")


@pytest.mark.parametrize("name", ["name", "source", "target", "key", "fields"])
def test_what_is_missing_is_named(name):
    whole = {
        "name": 'name = "a"',
        "source": 'source = "vendors"',
        "target": 'target = "Accounts"',
        "fields": "fields = {}",
        "key": 'key = { field = "K", from = "vendor_id" }',
    }
    with pytest.raises(ConfigurationError, match=f"no “{name}”"):
        read("\n".join(line for one, line in whole.items() if one != name))


def test_what_is_not_toml_is_told_with_its_line():
    with pytest.raises(ConfigurationError, match=r"here\.toml is not valid TOML.*line 3"):
        read('name = "a"\nsource = "vendors"\ntarget = \n')


@pytest.mark.parametrize(("name", "counts"), ARITY.items())
def test_a_transform_takes_as_many_fields_as_it_says(name, counts):
    for count in range(6):
        sources = ", ".join(['"city"'] * count)
        text = GOOD.replace(
            '{ from = "email", transform = "email" }', f'{{ from = [{sources}], transform = "{name}" }}'
        )
        if count in counts:
            assert len(read(text).rules[1].sources) == count
        else:
            with pytest.raises(ConfigurationError, match=f"“{name}” of Email does not take {count} fields"):
                read(text)


def shipped(path: Path):
    return read_mapping(path.name, path.read_text("utf-8"), EVERY)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_can_be_read(path):
    made = shipped(path)
    assert made.name == path.stem
    written = {rule.target for rule in made.rules}
    assert made.key_field not in written
    assert bool(made.as_of) is (made.target in ("Accounts", "GL_Accounts"))
    assert made.as_of not in written
    described = {custom.name for custom in made.custom}
    ours = {name for name in {*written, made.as_of, *made.marks.values()} if name.startswith("GP_")}
    assert ours <= described, "a field of ours that provision would not make"


def test_the_shipped_files_fit_each_other():
    made = [shipped(path) for path in SHIPPED]
    assert len(made) == 11
    assert conflicts(made) == []
    creating = {(mapping.source, mapping.target): mapping for mapping in made if mapping.creates}
    pairs = {(s, t) for s in ("customers", "vendors") for t in ("Accounts", "Contacts")}
    ledger = {
        ("gl_accounts", "GL_Accounts"),
        ("journal_entries", "GL_Journal_Lines"),
        ("account_months", "GL_Account_Months"),
    }
    assert creating.keys() == pairs | ledger
    assert {module.name for module in module_needs(made)} == {module for _, module in ledger}
    for mapping in made:
        assert mapping.key_field == creating[mapping.source, mapping.target].key_field
    as_of = [mapping.as_of for mapping in made if mapping.as_of]
    assert len(set(as_of)) == len(as_of) == 7
    unique = [f"{need.module}.{need.name}" for need in field_needs(made) if need.unique]
    assert sorted(unique) == [  # Zoho has two unique fields a module
        "Accounts.GP_Customer_ID",
        "Accounts.GP_Vendor_ID",
        "Contacts.GP_Contact_Key",
        "Contacts.GP_Vendor_Contact_Key",
        "GL_Account_Months.GP_Account_Month",
        "GL_Accounts.GP_Account",
        "GL_Journal_Lines.GP_Line_Key",
    ]
    essential = [need.name for need in field_needs(made) if need.essential and need.module == "Accounts"]
    assert len(essential) == 10  # as many as the Standard edition has room for


def test_no_two_shipped_files_of_a_module_describe_a_field_differently():
    described: dict[tuple[str, str], CustomField] = {}
    for mapping in map(shipped, SHIPPED):
        for custom in mapping.custom:
            assert described.setdefault((mapping.target, custom.name), custom) == custom


def test_a_field_knows_how_many_decimal_places_it_is_made_with():
    [path] = (path for path in SHIPPED if path.stem == "customer_financials")
    rules = {rule.target: rule for rule in read_mapping(str(path), path.read_text("utf-8"), EVERY).rules}
    assert rules["GP_High_Balance"].decimal_places == 2
    assert read(GOOD).rules[0].decimal_places is None
