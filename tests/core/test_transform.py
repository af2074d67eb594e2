"""Transforms: one table each, nothing of them fails on empty fields, no amount goes bare in another currency."""

from decimal import Decimal

import pytest
from shapes import CONTEXT

from ml_connector.core.catalogue import FOREIGN_CURRENCY, INVALID_EMAIL
from ml_connector.core.errors import RecordRejectedError
from ml_connector.core.transform import ARITY, TRANSFORMS, MapContext

D = Decimal


def run(name: str, *values):
    return TRANSFORMS[name](values, CONTEXT)


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_none_everywhere_gives_nothing(name):
    for count in ARITY.get(name, range(1, 5)):
        assert run(name, *[None] * count) is None


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("copy", ("x",), "x"),
        ("copy", (False,), False),
        ("first", (None, 0, "x"), 0),
        ("first", ("a", "b"), "a"),
        ("lines", ("a", None, "b"), "a\nb"),
        ("lines", (1,), "1"),
        ("phone", ("3125550101",), "312-555-0101"),
        ("phone", ("3125550101", "123"), "312-555-0101 x123"),
        ("phone", ("3125550101", None), "312-555-0101"),
        ("phone", ("00493012345", None), "00493012345"),
        ("phone", ("555", "1"), "555 x1"),
        ("phone", (None, "123"), None),
        ("phone", ("N/A",), None),
        ("phone", ("3125550101", "123", "USA"), "312-555-0101 x123"),
        ("phone", ("3125550101", None, None), "312-555-0101"),
        ("phone", ("0301234567", "12", "Germany"), "+49 30 1234567 x12"),
        ("fax", ("3125550101",), "312-555-0101"),
        ("fax", ("0301234567", "Germany"), "+49 30 1234567"),
        ("email", ("a@b.example",), "a@b.example"),
        ("email", (" a@b.example ; c@d.example",), "a@b.example"),
        ("email", ("a@b.example,c@d.example",), "a@b.example"),
        ("email", ("Smith, John <j.smith@b.example>; c@d.example",), "j.smith@b.example"),
        ("email", ("o'neil+ap@mail.b-c.example",), "o'neil+ap@mail.b-c.example"),
        ("email", ("jürgen@müller.example",), "jürgen@müller.example"),
        ("email", (f"{'a' * 90}@b.example",), f"{'a' * 90}@b.example"),
        ("email", (" ; ",), None),
        ("salutation", ("Mr. John Smith",), "Mr."),
        ("salutation", ("John Smith",), None),
        ("first_name", ("Public, John Q.",), "John Q."),
        ("first_name", ("Smith",), None),
        ("last_name", ("Dr Ana María de la Cruz",), "de la Cruz"),
        ("last_name", ("ACCOUNTS PAYABLE",), "ACCOUNTS PAYABLE"),
        ("last_name", ("N/A",), None),
        ("owner", ("PAUL W.",), None),
        ("money", (D("12.50"), "USD"), D("12.50")),
        ("money", (D(0), None), D(0)),
        ("money", (D(0), "EUR"), D(0)),
        ("money", (None, "EUR"), None),
        ("credit_kind", ("none",), "No credit"),
        ("credit_kind", ("unlimited",), "Unlimited"),
        ("credit_kind", ("amount",), "Amount"),
        ("credit_limit", ("none", None, None), D(0)),
        ("credit_limit", ("none", D(9), "USD"), D(0)),
        ("credit_limit", ("amount", D(500), "USD"), D(500)),
        ("credit_limit", ("unlimited", D(500), "USD"), None),
        ("credit_limit", ("amount", None, "USD"), None),
        ("available_credit", ("amount", D(500), "USD", D(120), D(30), "USD"), D(350)),
        ("available_credit", ("amount", D(500), "USD", D(620), None, "USD"), D(-120)),
        ("available_credit", ("none", None, None, D(20), D(5), "USD"), D(-25)),
        ("available_credit", ("unlimited", None, None, D(20), D(5), "EUR"), None),
        ("available_credit", ("amount", D(500), "USD", None, D(5), "USD"), None),
        ("available_credit", ("amount", None, "USD", D(1), D(5), "USD"), None),
    ],
)
def test_what_comes_of_these_values(name, values, expected):
    assert run(name, *values) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("money", (D("0.01"), "EUR")),
        ("money", (D(-5), "usd")),
        ("credit_limit", ("amount", D(500), "EUR")),
        ("available_credit", ("amount", D(500), "EUR", D(1), D(1), "USD")),
        ("available_credit", ("amount", D(500), "USD", D(1), D(1), "EUR")),
        ("money", (D("12.50"), None)),
        ("money", (D("12.50"), "")),
    ],
)
def test_an_amount_in_another_currency_is_held(name, values):
    with pytest.raises(RecordRejectedError, match="the CRM keeps USD") as caught:
        run(name, *values)
    assert caught.value.code == FOREIGN_CURRENCY


@pytest.mark.parametrize("kind", ["none", "unlimited"])
def test_an_amount_that_does_not_count_is_not_looked_at(kind):
    """GP keeps an old amount beside "no credit" and "unlimited"; its currency holds no record."""
    assert run("credit_limit", kind, D(500), "EUR") == run("credit_limit", kind, None, None)


@pytest.mark.parametrize(
    "text",
    ["none", "@b.example", "a@b", "a b@c.example", "a@b.example x", "a@@b.example", "John <>", "John <a@b>",
     "a@b.example.", "a@b..example", "a.@b.example", "a..b@c.example", ".a@b.example", "a@-b.example",
     "a@b-.example", "a@b.e", "a@b.123", f"{'a' * 91}@b.example", "N/A"],
)  # fmt: skip
def test_a_text_that_is_no_address_is_held(text):
    with pytest.raises(RecordRejectedError) as caught:
        run("email", text)
    assert caught.value.code == INVALID_EMAIL
    assert text in caught.value.happened


def test_a_salespersons_user_is_looked_up_as_the_erp_compares_ids():
    context = MapContext("USD", owners={"paul w.": "11", "greg e.": "12"}, default_owner="99")
    told = [TRANSFORMS["owner"]((who,), context) for who in ("PAUL W.", "Greg E.  ", "IAN M.", "", None)]
    assert told == ["11", "12", "99", "99", "99"]


def test_a_phone_without_country_is_one_of_the_companys_own():
    assert TRANSFORMS["phone"](("0301234567",), MapContext("EUR", region="DE")) == "+49 30 1234567"


def test_every_arity_belongs_to_a_transform():
    assert ARITY.keys() <= TRANSFORMS.keys()
