"""What lists give: order, the silent limit, and every member of every restriction."""

from __future__ import annotations

import pytest
from gp_sim_wire import Wire

from ml_connector.simulators.gp import GpOptions, GpSimulator

VENDOR_ADDRESSES, CUSTOMER_ADDRESSES = "GetVendorAddressList", "GetCustomerAddressList"
RECEIVABLES, PAYABLES = "GetCustomerReceivablesSummaryList", "GetPayablesDocumentList"
HISTORY = "<g:PayablesTransactionState>History</g:PayablesTransactionState>"

KEYS = {
    "GetVendorList": "VendorSummary/Key/Id",
    "GetCustomerList": "CustomerSummary/Key/Id",
    VENDOR_ADDRESSES: "VendorAddressSummary/Key/VendorKey/Id",
    CUSTOMER_ADDRESSES: "CustomerAddressSummary/Key/CustomerKey/Id",
    RECEIVABLES: "CustomerReceivablesSummary/Key/Id",
    PAYABLES: "PayablesDocumentSummary/Key/Id",
}


@pytest.fixture(scope="module")
def fabrikam():
    with GpSimulator(GpOptions()) as gp, Wire(gp.url) as wire:
        yield wire


def found(wire, operation, criteria="", **more):
    reply = wire.list(operation, criteria, **more)
    assert reply.status == 200, reply.body
    return reply.texts(KEYS[operation])


def restricted(member, **values):
    inside = "".join(f"<g:{name}>{value}</g:{name}>" for name, value in values.items())
    return f"<g:{member}>{inside}</g:{member}>"


def test_without_criteria_everything_is_listed(fabrikam):
    reply = fabrikam.call("GetCustomerList")

    assert len(reply.texts("CustomerSummary")) == 28
    assert reply.texts("CustomerSummary/Key/Id")[0] == "AARONFIT0001"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"EqualValue": "acetrave0001  "}, ["ACETRAVE0001"]),
        ({"EqualValue": "ACETRAVE0002"}, []),
        ({"From": "ADVANCED0001", "To": "AMERICAN0001"}, ["ADVANCED0001", "ALLENSON0001", "AMERICAN0001"]),
        ({"GreaterThan": "ADVANCED0001", "LessThan": "AMERICAN0001"}, ["ALLENSON0001"]),
        ({"From": "F", "NotEqualValue": "FABRIKAM0001"}, ["INTERNAT0001"]),
        ({"Items": "<g:string>INTERNAT0001</g:string><g:string>acetrave0001</g:string>"},
         ["ACETRAVE0001", "INTERNAT0001"]),
        ({"Items": "<g:string>INTERNAT0001</g:string><g:string>ACETRAVE0001</g:string>", "To": "B"}, ["ACETRAVE0001"]),
    ],
)  # fmt: skip
def test_ids_are_restricted(fabrikam, values, expected):
    ordered = {name: values[name] for name in ("EqualValue", "NotEqualValue", "Items", "From", "To", "GreaterThan",
                                               "LessThan") if name in values}  # fmt: skip
    assert found(fabrikam, "GetVendorList", restricted("Id", **ordered)) == expected


@pytest.mark.parametrize(
    ("operation", "criteria", "expected"),
    [
        ("GetVendorList", restricted("IsOnHold", EqualValue="true"), ["COMPUTER0001"]),
        ("GetVendorList", restricted("IsActive", NotEqualValue="1"), ["BUSINESS0001"]),
        ("GetVendorList", restricted("IsOneTime", EqualValue="true"), ["COMVEXIN0001"]),
        ("GetVendorList", restricted("Name", Like="%OFFICE%"), ["ADVANCED0001", "BERGERON0001"]),
        ("GetVendorList", restricted("Name", Like="_ Travel [b-d]ompany"), ["ACETRAVE0001"]),
        ("GetVendorList", restricted("ClassId", EqualValue="aus-nsw-m"), ["ACETRAVE0001"]),
        ("GetVendorList", restricted("State", EqualValue="CA"), ["CAPITALP0001", "COMPUTER0001"]),
        ("GetVendorList", restricted("PhoneNumber", Like="2985550%"), ["ACETRAVE0001"]),
        ("GetVendorList", restricted("CreatedDate", GreaterThan="2017-04-12T00:00:00"), []),
        ("GetCustomerList", restricted("Name", EqualValue="astor suites"), ["ASTORSUI0001"]),
        ("GetCustomerList", restricted("IsActive", EqualValue="false"), ["LAWRENCE0001"]),
        ("GetCustomerList", restricted("IsOnHold", EqualValue="true"), ["CELLULAR0001"]),
        ("GetCustomerList", restricted("SalespersonId", EqualValue="ERIN J."), ["PLAZAONE0001"]),
        ("GetCustomerList", restricted("CorporateAccountId", Like="X%"), []),
        ("GetCustomerList", restricted("ClassId", NotEqualValue="USA-MNWI-T1", Like="USA-IL%")
         + restricted("State", EqualValue="MO"), ["COHOWINE0001", "MARGIEST0001"]),
        ("GetCustomerList", restricted("PhoneNumber", Like="312555%"),
         ["AARONFIT0001", "ADVANCED0001", "LASERMES0001"]),
        (CUSTOMER_ADDRESSES, restricted("CustomerAddressKeyId", EqualValue="warehouse"), ["AARONFIT0001"]),
        (CUSTOMER_ADDRESSES, restricted("SalesTerritoryKeyId", EqualValue="TERRITORY 6"), ["ASTORSUI0001"]),
        (CUSTOMER_ADDRESSES, restricted("SalesPersonKeyId", EqualValue="IAN M."), ["ASTORSUI0001"]),
        (CUSTOMER_ADDRESSES, restricted("CustomerKeyId", From="V", Like="%0001"),
         ["VANCOUVE0001", "WESTSIDE0001"]),
        (CUSTOMER_ADDRESSES, restricted("Address", Like="11403%"), ["AARONFIT0001"]),
        (VENDOR_ADDRESSES, restricted("VendorAddressKeyId", EqualValue="REMIT TO"), ["ACETRAVE0001"]),
        (VENDOR_ADDRESSES, restricted("VendorKeyId", EqualValue="acetrave0001"), ["ACETRAVE0001"] * 2),
        (VENDOR_ADDRESSES, restricted("City", EqualValue="dallas"), ["ADVANCED0001"]),
        (VENDOR_ADDRESSES, restricted("State", EqualValue="QC"), ["BERGERON0001"]),
        (VENDOR_ADDRESSES, restricted("PostalCode", EqualValue="60605"), ["COMVEXIN0001"]),
        (VENDOR_ADDRESSES, restricted("PhoneNumber", EqualValue="21655501370012"), ["CENTRALC0001"]),
        (RECEIVABLES, restricted("CustomerId", Like="NORTH%"), ["NORTHCOL0001", "NORTHERN0001"]),
        (RECEIVABLES, restricted("LastAgedDate", LessThan="2017-04-12T00:00:00"), []),
        (RECEIVABLES, restricted("LastPaymentDate", EqualValue="2017-03-04T00:00:00"), ["ASTORSUI0001"]),
        (RECEIVABLES, restricted("LastTransactionDate", To="2017-03-31T00:00:00"), []),
        (RECEIVABLES, restricted("SalespersonId", Like="IAN%"), ["ASTORSUI0001"]),
        (PAYABLES, restricted("VendorId", EqualValue="ACETRAVE0001"), [f"{n:017d}" for n in (1, 2, 3)]),
        (PAYABLES, restricted("DocumentId", Like="%0005"), [f"{5:017d}"]),
        (PAYABLES, restricted("Date", EqualValue="2017-03-05T00:00:00"), [f"{4:017d}"]),
        (PAYABLES, restricted("BatchId", EqualValue="PMTRX001"), [f"{5:017d}"]),
        (PAYABLES, restricted("TransactionState", NotEqualValue="Open"), [f"{n:017d}" for n in (5, 6)]),
        (PAYABLES, restricted("TransactionState", Items=HISTORY), [f"{6:017d}"]),
        (PAYABLES, restricted("Type", EqualValue="Credit Memo"), [f"{3:017d}"]),
        (PAYABLES, restricted("ModifiedDate", LessThan="2017-04-14T00:00:00")
         + restricted("Type", EqualValue="Credit Memo"), []),
    ],
)  # fmt: skip
def test_members_are_restricted(fabrikam, operation, criteria, expected):
    assert found(fabrikam, operation, criteria) == expected


def test_nil_members_restrict_nothing(fabrikam):
    names = ("EqualValue", "NotEqualValue", "From", "To", "GreaterThan", "LessThan")
    nil = "".join(f'<g:{name} xsi:nil="true" />' for name in names)
    criteria = f"<g:ModifiedDate>{nil}</g:ModifiedDate><g:Scope>Return All</g:Scope>"

    assert len(found(fabrikam, "GetVendorList", criteria)) == 13


def test_a_scope_by_assignments_gives_nothing_where_nothing_is_assigned(fabrikam):
    assert found(fabrikam, "GetVendorList", "<g:Scope>Return Based on Vendor Id</g:Scope>") == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"From": "2017-04-12T08:14:26", "To": "2017-04-12T08:21:39"}, ["ADVANCED0001", "ASTORSUI0001"]),
        ({"GreaterThan": "2017-04-12T08:14:26", "LessThan": "2017-04-12T08:21:39.5Z"}, ["ASTORSUI0001"]),
        ({"EqualValue": "2017-04-12T10:14:26+02:00"}, ["ADVANCED0001"]),
        ({"Items": "<g:dateTime>2017-04-12T08:14:26</g:dateTime>"}, ["ADVANCED0001"]),
        ({"To": "1900-01-01T00:00:00"}, ["MIDCITYH0001"]),
        ({"LessThan": "2017-04-12T08:01:00"}, ["AARONFIT0001", "MIDCITYH0001"]),
    ],
)
@pytest.mark.parametrize("member", ["ModifiedDate", "LastModifiedDate"])
def test_stamps_are_compared_in_utc(fabrikam, member, values, expected):
    assert found(fabrikam, "GetCustomerList", restricted(member, **values)) == expected


@pytest.mark.parametrize(
    "criteria",
    [
        restricted("Identity", EqualValue="A"),  # no such member
        restricted("Name", EqualValue="A") + restricted("Id", EqualValue="A"),  # out of order
        restricted("Id", Like="A%"),  # vendors' Id has no Like
        restricted("Id", LessThan="B", From="A"),  # out of order within a restriction
        restricted("Id", From="A") * 2,
        restricted("ModifiedDate", From="2024-01-01"),  # no time
        restricted("IsActive", EqualValue="yes"),
        restricted("Id", Items="<g:dateTime>x</g:dateTime>"),
        "<g:Scope>Everything</g:Scope>",
        '<Id xmlns="urn:other"/>',
    ],
)
def test_what_the_contract_does_not_hold_is_refused(fabrikam, criteria):
    reply = fabrikam.list("GetVendorList", criteria)

    assert reply.status == 500
    assert reply.fault_code == "a:DeserializationFailed"


def test_the_limit_is_silent_and_set_for_each_entity(gp, wire):
    gp.control("POST", "settings", {"row_limits": {"vendors": 3, "addresses": 2}})

    assert found(wire, "GetVendorList") == ["ACETRAVE0001", "ADVANCED0001", "ALLENSON0001"]
    assert found(wire, VENDOR_ADDRESSES) == ["ACETRAVE0001"] * 2
    assert len(found(wire, "GetCustomerList")) == 28
    assert found(wire, "GetVendorList", restricted("Id", GreaterThan="ALLENSON0001"))[0] == "AMERICAN0001"


def test_the_order_is_the_collations_and_not_pythons(gp, wire):
    for customer_id in ("ab-2", "AB1", "AB_1", "AB3", "ÁB2", "ab 1", "AC"):
        gp.control("POST", "customers", {"id": customer_id, "name": "x"})

    ids = found(wire, "GetCustomerList", restricted("Id", From="AB", To="AC"))

    assert ids == ["ab 1", "AB_1", "AB1", "ab-2", "AB3", "AC"]
    assert ids != sorted(ids)
    assert found(wire, "GetCustomerList", restricted("Id", GreaterThan="ab1", LessThan="ab3")) == ["ab-2"]


def test_a_generated_company_is_whole_and_awkward():
    with GpSimulator(GpOptions(customers=3000, vendors=1500, seed=3)) as gp, Wire(gp.url) as wire:
        rows = gp.control("GET", "customers?limit=5000")["rows"]
        vendors = gp.control("GET", "vendors?limit=5000")["rows"]
        names = [row["name"].rstrip() for row in rows]

        assert (len(rows), len(vendors)) == (3000, 1500)
        assert len({row["id"].rstrip().upper() for row in rows}) == 3000
        assert max(len(row["id"]) for row in rows + vendors) <= 15
        assert {len(name) for name in names} >= {65}
        assert max(map(len, names)) == 65
        assert 3 <= len(names) - len(set(names)) <= 12
        assert len(set(names) & {row["name"].rstrip() for row in vendors}) >= 70
        assert any(row["id"] != row["id"].rstrip() for row in rows)
        assert any(row["modified_at"] is None for row in rows)
        assert len(found(wire, "GetCustomerList")) == 1000


def test_generated_companies_have_people_national_accounts_and_countries():
    gp = GpSimulator(GpOptions(customers=2000, vendors=500, seed=3))
    rows = gp.control("GET", "customers?limit=5000")["rows"]
    addresses = [address for row in rows for address in row["addresses"]]
    contacts = [address["contact"] for address in addresses]
    with_person = [contact for contact in contacts if contact]

    assert 0.75 < len(with_person) / len(contacts) < 0.95
    assert {"", "N/A", "Accounts Payable"} <= set(contacts)
    assert any(", " in contact for contact in contacts)
    assert any(contact.startswith(("Mr. ", "Dr. ")) for contact in contacts)
    assert 0.6 < sum(bool(address["email"]["to"]) for address in addresses) / len(addresses) < 0.95
    assert any(address["email"]["internet1"] and not address["email"]["to"] for address in addresses)
    assert {("Germany", "DE"), ("Canada", ""), ("USA", "US")} <= {
        (a["country"], a["country_code"]) for a in addresses
    }

    ids = {row["id"] for row in rows}
    branches = [row for row in rows if row["corporate_id"]]
    assert {row["corporate_id"] for row in branches} <= ids
    assert 100 < len(branches) < 250
    parents = {row["corporate_id"] for row in branches}
    own = {row["corporate_id"] == row["id"] for row in rows if row["id"] in parents}
    assert own == {True, False}
    assert any(row["salesperson"] == "" for row in rows)
    assert any(row["is_one_time"] for row in gp.control("GET", "vendors?limit=5000")["rows"])


def test_the_same_seed_gives_the_same_company():
    dumps = []
    for seed in (5, 5, 6):
        gp = GpSimulator(GpOptions(customers=200, vendors=100, seed=seed))
        dumps.append(
            [
                gp.control("GET", f"{table}?limit=500")["rows"]
                for table in ("customers", "vendors", "documents")
            ]
        )

    assert dumps[0] == dumps[1]
    assert dumps[0] != dumps[2]


def test_all_in_one_second():
    gp = GpSimulator(GpOptions(customers=100, vendors=50, same_second=True))

    stamps = {
        row["modified_at"] for table in ("customers", "vendors") for row in gp.control("GET", table)["rows"]
    }
    assert len(stamps) == 1
