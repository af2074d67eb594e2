"""Every request that the connector can build is valid against the types of GP's own description."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree

from gp_reference import (
    GP,
    LEGACY,
    XS,
    native_arguments,
    native_members,
    needs_reference,
    operations,
    write_schema,
)
from ml_connector.connectors.dynamics_gp import GpClient, GpConfig, GpSource, RequestGate, soap
from ml_connector.connectors.dynamics_gp.lanes import Answer
from ml_connector.connectors.dynamics_gp.masters import MASTERS
from ml_connector.core.errors import RetryableError

pytestmark = needs_reference

CONTEXT = soap.context(-1, "en-US")
#: Absent from the legacy description: its types are derived from the native one (``gp_reference``), which has to say
#: the same of arguments and members.
DERIVED = frozenset(
    {
        "GetChangedInternetAddressKeyList",
        "GetWarehouseList",
        "GetPriceLevelList",
        "GetShippingMethodList",
    }
)
PLAIN = {
    "string": "A & <B>",
    "dateTime": "2026-01-31T04:05:06",
    "int": "7",
    "boolean": "true",
    "decimal": "1.5",
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    return write_schema(tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="module")
def choices() -> dict[str, str]:
    """The first value of each closed choice."""
    found = {}
    for kind in etree.parse(str(LEGACY)).iter(f"{XS}simpleType"):
        values = [value.get("value") for value in kind.iter(f"{XS}enumeration")]
        if kind.get("name") and values:
            found[kind.get("name")] = values[0]
    return found


def checked(schema, message: bytes) -> None:
    (wrapper,) = etree.fromstring(message).find(f"{{{soap.ENVELOPE}}}Body")
    operation = etree.QName(wrapper).localname
    schema.assertValid(wrapper)
    if operation in operations():
        return
    assert operation in DERIVED, f"{operation} is not in the legacy description: name it in DERIVED"
    known = native_arguments()[operation]
    assert [etree.QName(argument).localname for argument in wrapper] == list(known)
    for member in wrapper[0]:
        assert etree.QName(member).localname in native_members()[next(iter(known.values()))]


def test_the_native_description_fits_what_the_legacy_one_says():
    """The derivation is sound for every list that both describe: same arguments, same members."""
    for operation in soap.CRITERIA:
        known = native_arguments()[operation]
        assert list(known) == ["criteria", "context"]
        assert set(soap.CRITERIA[operation]) <= native_members()[known["criteria"]]


def every_where(operation: str, choices: dict[str, str]) -> Iterator[soap.Where]:
    """Each member with each restriction, and all members together."""
    together: dict = {}
    for name, kind in soap.CRITERIA[operation].items():
        if kind is None:
            continue
        value = PLAIN.get(kind.item) or choices[kind.item]
        for restriction in kind.members:
            asked = {restriction: (value, value) if restriction == "Items" else value}
            yield {name: asked}
            together.setdefault(name, {}).update(asked)
    yield together
    yield {}


@pytest.mark.parametrize("operation", soap.CRITERIA)
def test_every_criteria_is_valid(schema, choices, operation):
    for where in every_where(operation, choices):
        checked(schema, soap.request(operation, soap.criteria(operation, where), CONTEXT))


@pytest.mark.parametrize(
    "operation", [*(e.read_operation for e in MASTERS.values()), "GetPayablesInvoiceByKey"]
)
def test_every_key_is_valid(schema, operation):
    for key in ("AARONFIT0001", "  a&b <ü>  "):
        checked(schema, soap.request(operation, soap.key(key), CONTEXT))


def test_the_calls_without_a_record_are_valid(schema):
    checked(schema, soap.request("GetWSEnabledCompanyForUserList", "", CONTEXT))
    guid = "12345678-9abc-def0-1234-56789abcdef0"
    checked(schema, soap.request("GetLoggedValidationResultByKey", soap.log_id(guid), CONTEXT))


class Recording:
    """Stands in for the transport: keeps what would be sent, and answers nothing but the list of companies."""

    mechanism = "recorded"
    downgrade = ""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def post(self, body, headers, timeout_seconds, target=""):
        self.sent.append(body)
        operation = headers["SOAPAction"].strip('"').rpartition("/")[2]
        if operation != "GetWSEnabledCompanyForUserList":
            raise RetryableError("Nobody answers here.", after_seconds=60)
        inside = f'<s:Body><{operation}Response xmlns="{GP}"/></s:Body>'
        answer = f'<s:Envelope xmlns:s="{soap.ENVELOPE}">{inside}</s:Envelope>'
        return Answer(200, {}, (), answer.encode())

    def close(self) -> None:
        pass


def test_whatever_ping_sends_is_valid(schema, tmp_path, clock):
    """It tries each operation that any entity needs, so that one added later is checked here as well."""
    recording = Recording()
    wanted = {
        "endpoint": "http://gp/DynamicsGPService.asmx",
        "company_id": -1,
        "user": "D\\u",
        "payables": "exact",
        "unposted_entries": True,
    }
    config = GpConfig.model_validate(wanted)
    gate = RequestGate(tmp_path, 2, 0.0, clock)
    source = GpSource(GpClient(config, lambda: "x", gate, clock, recording))
    source.checks()
    source.close()
    gate.close()
    assert len(recording.sent) > 8
    for message in recording.sent:
        checked(schema, message)
