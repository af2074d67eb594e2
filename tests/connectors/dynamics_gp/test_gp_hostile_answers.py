"""Whatever comes back over SOAP is rows, an object, or an error of one of our kinds; never a bare exception."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connectors.dynamics_gp import errors, masters, schema, soap
from ml_connector.connectors.dynamics_gp.soap import AnswerError, FaultError
from ml_connector.core import record as record_module
from ml_connector.core.errors import ConfigurationError, ConnectorError, RecordRejectedError

LIST, ROW = "GetVendorList", "VendorSummary"
MEGABYTE = 1024 * 1024


def envelope(inside: str, operation: str = LIST, head: str = '<?xml version="1.0" encoding="utf-8"?>') -> str:
    return (
        f'{head}<s:Envelope xmlns:s="{soap.ENVELOPE}" xmlns:xsi="{soap.XSI}"><s:Body>'
        f'<{operation}Response xmlns="{soap.GP}"><{operation}Result>{inside}</{operation}Result>'
        f"</{operation}Response></s:Body></s:Envelope>"
    )


def vendor(name: str) -> str:
    return f"<{ROW}><Key><Id>ACETRAVE0001</Id></Key><Name>{name}</Name></{ROW}>"


GOOD = envelope(vendor("A Travel Company"))
ENTITY = '<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
LAUGHS = "".join(
    f'<!ENTITY {name} "{f"&{other};" * 10}">' for other, name in zip("abcdefghi", "bcdefghij", strict=True)
)
LAUGHS = f'<!DOCTYPE s [<!ENTITY a "ha">{LAUGHS}]>'
DECLARED = '<?xml version="1.0" encoding="{}"?>'
FOREIGN = "http://example.com/foreign"

#: What is not SOAP, or not the answer to what was asked.
BROKEN = {
    "nothing": b"",
    "blanks": b"  \r\n ",
    "a zero byte": b"\0",
    "a web page": b"<!DOCTYPE html><html><body>busy</body></html>",
    "a web page in capitals": b"<HTML><HEAD></HEAD><BODY>Server Error</BODY></HTML>",
    "JSON": b'{"error": "busy"}',
    "cut off in a tag": GOOD.encode()[:-9],
    "cut off in a row": GOOD.encode()[: GOOD.index("Travel")],
    "more behind the end": (GOOD + "<more/>").encode(),
    "a document type": (ENTITY + envelope(vendor("&e;"), head="")).encode(),
    "a document type behind a long comment": (
        "<!--" + "-x" * 5000 + "-->" + ENTITY + envelope(vendor("&e;"), head="")
    ).encode(),
    "a billion laughs": (LAUGHS + envelope(vendor("&j;"), head="")).encode(),
    "laughs in UTF-16": (LAUGHS + envelope(vendor("&j;"), head="")).encode("utf-16"),
    "UTF-16 that says so": (DECLARED.format("UTF-16") + LAUGHS + envelope("", head="")).encode("utf-16"),
    "UTF-32": GOOD.encode("utf-32"),
    "UTF-7 that hides a document type": DECLARED.format("UTF-7").encode()
    + ENTITY.replace("<", "+ADw-").encode()
    + envelope(vendor("&e;"), head="").encode(),
    "EBCDIC": (DECLARED.format("IBM037") + ENTITY + envelope("", head="")).encode("cp037"),
    "Latin-1 that says so": envelope(vendor("Zürich"), head=DECLARED.format("ISO-8859-1")).encode("latin-1"),
    "bytes that are no UTF-8": GOOD.encode().replace(b"Travel", b"\xff\xfe\xc0"),
    "an unknown entity": envelope(vendor("&nbsp;")).encode(),
    "a control character": envelope(vendor("\x01")).encode(),
    "a control character by number": envelope(vendor("&#x0;")).encode(),
    "an unbound prefix": envelope("<q:row/>").encode(),
    "endless nesting": envelope("<a>" * 50_000).encode(),
    "deep nesting": envelope("<a>" * 400 + "</a>" * 400).encode(),
    "a text beyond ten million": envelope(vendor("x" * 11_000_000)).encode(),
    "rows of another namespace": GOOD.replace("<VendorSummary>", f'<VendorSummary xmlns="{FOREIGN}">').encode(),
    "rows of another kind": GOOD.replace("VendorSummary", "CustomerSummary").encode(),
    "a result of another namespace": GOOD.replace(
        "<GetVendorListResult>", f'<GetVendorListResult xmlns="{FOREIGN}">'
    ).encode(),
    "another namespace throughout": GOOD.replace(soap.GP, FOREIGN).encode(),
    "another operation": GOOD.replace("GetVendorList", "GetCustomerList").encode(),
    "SOAP 1.2": GOOD.replace(soap.ENVELOPE, "http://www.w3.org/2003/05/soap-envelope").encode(),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_answer_is_an_error_in_words(what):
    for parse in (lambda body: soap.parse_rows(body, LIST, ROW), lambda body: soap.parse_object(body, LIST)):
        try:
            parse(BROKEN[what])
        except AnswerError as error:
            told = errors.from_answer(error, LIST)
            assert told.happened
            assert told.remedy
            assert len(told.happened) < 500
        else:  # an object's content is taken by the names that are wanted, whatever else stands there
            assert what in ("rows of another namespace", "rows of another kind")


def test_what_belongs_to_no_list_is_never_an_empty_list():
    for what, body in BROKEN.items():
        with pytest.raises(AnswerError):
            soap.parse_rows(body, LIST, ROW)
        assert what


READERS = sorted(schema._KINDS)
HOSTILE_TEXTS = (
    "NaN", "-Infinity", "1e999999999", "9" * 5000, "." * 3, "1_000", "٣", "0x10", "true", "", " ", "\u2028",
    "9999-12-31T23:59:59-23:59", "0001-01-02T00:00:00+23:59", "2024-02-30T00:00:00", "2024-01-01T25:00:00",
    "0" * 100_000, "x" * 100_000, "1900-01-01T00:00:00", "24:00:00", "P1D", "--", "1e5", "null",
)  # fmt: skip


def nodes():
    texts = st.one_of(st.none(), st.sampled_from(HOSTILE_TEXTS), st.text(max_size=30))
    names = st.sampled_from(("Value", "Extension", "SpecialAmount", "Amount", "Key", "Id"))
    return st.recursive(
        texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    )


def read_or_held(convert, node):
    """Read the value and keep it as the store does; or be told, in a few words, why the record is held."""
    told = ""
    try:
        value = convert(node)
        record_module.dump_fields({"field": value})
        record_module.digest({"field": value})
    except RecordRejectedError as error:
        told = error.happened
    assert len(told) < 500


@pytest.mark.parametrize("kind", READERS)
@given(node=nodes())
def test_any_content_is_a_value_or_holds_its_record(kind, node):
    convert = schema._KINDS[kind][1]
    read_or_held(convert, node)


def test_every_hostile_text_by_every_kind():
    for kind in READERS:
        for text in HOSTILE_TEXTS:
            read_or_held(schema._KINDS[kind][1], text)


@given(st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_a_typed_error(body):
    for parse in (lambda b: soap.parse_rows(b, LIST, ROW), lambda b: soap.parse_object(b, LIST)):
        with pytest.raises((AnswerError, FaultError, ConnectorError)):
            parse(body)


@given(st.data())
def test_a_damaged_answer_is_rows_or_a_typed_error(data):
    """Bytes cut out, doubled or replaced anywhere in a good answer."""
    good = GOOD.encode()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 40)))
    damage = data.draw(
        st.sampled_from((b"", b"<", b"&", b"</", b"\0", b"\xff", b"]]>", b"<![CDATA[", good[start:end] * 2))
    )
    body = good[:start] + damage + good[end:]
    for parse in (lambda b: soap.parse_rows(b, LIST, ROW), lambda b: soap.parse_object(b, LIST)):
        try:
            parse(body)
        except (AnswerError, FaultError):
            continue


def test_nil_everywhere_says_nothing():
    nil = 'xsi:nil="true"'
    assert soap.parse_rows(envelope(f"<{ROW} {nil}/>").encode(), LIST, ROW) == []
    body = envelope(
        f"<{ROW}><Key {nil}/><Name {nil}/><ModifiedDate {nil}/><IsActive {nil}/></{ROW}>"
    ).encode()
    (row,) = soap.parse_rows(body, LIST, ROW)
    assert set(row.values()) == {None}
    nothing = soap.parse_object(body.replace(b"GetVendorListResult>", b"GetVendorListResult >"), LIST)
    assert nothing is not None
    for entity in masters.MASTERS.values():
        fields, _ = schema.flatten(entity, {})
        assert set(fields.values()) == {None}


def test_a_fault_may_be_anything_inside():
    for inside in (
        "",
        "<faultstring/>",
        "<faultcode>x</faultcode><detail><a><b/></a></detail>",
        "x" * 100_000,
    ):
        body = (
            f'<s:Envelope xmlns:s="{soap.ENVELOPE}"><s:Body><s:Fault>{inside}</s:Fault></s:Body></s:Envelope>'
        )
        for parse in (lambda b: soap.parse_rows(b, LIST, ROW), lambda b: soap.parse_object(b, LIST)):
            with pytest.raises(FaultError) as told:
                parse(body.encode())
            assert len(told.value.answer) <= 4000


@pytest.mark.parametrize("repeated", ["pwd", "password=", "company ", " ", "Negotiate "])
def test_a_fault_of_megabytes_is_told_in_a_few_words(repeated):
    text = repeated * (3_000_000 // len(repeated))
    body = (
        f'<s:Envelope xmlns:s="{soap.ENVELOPE}"><s:Body><s:Fault><faultstring>{text}</faultstring></s:Fault>'
    )
    with pytest.raises(FaultError) as told:
        soap.parse_object(f"{body}</s:Body></s:Envelope>".encode(), LIST)
    kind = errors.fault_kind(told.value)
    assert len(errors.from_fault(told.value, kind, LIST, -1).happened) < 5000


def test_an_answer_of_too_many_elements_is_not_parsed():
    with pytest.raises(ConfigurationError, match="more than a million elements"):
        soap.parse_rows(envelope("<a/>" * 2_000_001).encode(), LIST, ROW)
    with pytest.raises(ConfigurationError, match="more than a million elements"):
        soap.parse_rows(envelope("<a " + "b='' " * 2_000_001 + "/>").encode(), LIST, ROW)


def test_very_many_elements_of_one_name_are_read_in_one_pass():
    body = envelope("<a>1</a>" * 100_000).encode()
    read = soap.parse_object(body, LIST)
    assert read is not None
    assert len(read["a"]) == 100_000


def test_memory_stays_bounded_by_the_limit_of_elements():
    """The worst that passes: the most rows that a list of the greatest number of elements can have."""
    body = envelope(f"<{ROW}><a/></{ROW}>" * (soap._MOST_NODES // 30)).encode()
    tracemalloc.start()
    rows = soap.parse_rows(body, LIST, ROW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) == soap._MOST_NODES // 30
    assert peak < 30 * MEGABYTE  # a tenth of what the limit lets through: under 300 MB in all
