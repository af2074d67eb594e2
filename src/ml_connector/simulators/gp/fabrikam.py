"""Fabrikam, Inc. (company -1, database TWO): the ids and values that facts 3.4 gives, the gaps filled plausibly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ml_connector.simulators.gp.company import (
    Address,
    Company,
    CreditLimit,
    Customer,
    InternetAddress,
    PayablesDocument,
    Receivables,
    Vendor,
)

COMPANY_ID, COMPANY_NAME = -1, "Fabrikam, Inc."
EMPTY_COMPANY_ID, EMPTY_COMPANY_NAME = 2, "Fabrikam Test"
SAMPLE_DAY = date(2017, 4, 12)
NO_PHONE = "0" * 14

# id, name, city, state, postal code, phone, salesperson, territory
_CUSTOMERS = (
    ("AARONFIT0001", "Aaron Fitz Electrical", "Chicago", "IL", "60603-0776", "3125550102", "PAUL W.", "TERRITORY 1"),
    ("ADAMPARK0001", "Adam Park Resort", "Indianapolis", "IN", "46206-1391", "3175550102", "GREG E.", "TERRITORY 2"),
    ("ADVANCED0001", "Advanced Paper Co.", "Chicago", "IL", "60601-0277", "3125550103", "PAUL W.", "TERRITORY 1"),
    ("ASTORSUI0001", "Astor Suites", "Sydney", "NSW", "2000", "2985550102", "IAN M.", "TERRITORY 6"),
    ("ATMORERE0001", "Atmore Retirement Center", "Toronto", "ON", "M5H 1T1", "4165550104", "SANDRA M.", "TERRITORY 4"),
    ("BLUEYOND0001", "Blue Yonder Airlines", "Minneapolis", "MN", "55402", "6125550105", "PAUL W.", "TERRITORY 1"),
    ("CELLULAR0001", "Cellular Express", "Dallas", "TX", "75201", "2145550106", "GARY W.", "TERRITORY 5"),
    ("COHOWINE0001", "Coho Winery", "St. Louis", "MO", "63101", "3145550107", "NANCY B.", "TERRITORY 2"),
    ("CONTOSOL0001", "Contoso, Ltd.", "Cincinnati", "OH", "45202", "5135550108", "GREG E.", "TERRITORY 2"),
    ("DIRECTMA0001", "Direct Marketers", "Pittsburgh", "PA", "15222", "4125550109", "FRANCINE B.", "TERRITORY 3"),
    ("FRANCHIS0001", "Franchise Office & Supply", "Omaha", "NE", "68102", "4025550110", "NANCY B.", "TERRITORY 2"),
    ("GREENWAY0001", "Greenway Foods", "Winnipeg", "MB", "R3C 3Z5", "2045550111", "SANDRA M.", "TERRITORY 4"),
    ("HOMEFURN0001", "Home Furnishings Limited", "Milwaukee", "WI", "53202", "4145550112", "PAUL W.", "TERRITORY 1"),
    ("LASERMES0001", "Laser Messenger Service", "Chicago", "IL", "60606", "3125550113", "PAUL W.", "TERRITORY 1"),
    ("MARGIEST0001", "Margie's Travel", "Kansas City", "MO", "64106", "8165550114", "NANCY B.", "TERRITORY 2"),
    ("MIDCITYH0001", "Mid-City Hospital", "Detroit", "MI", "48226", "3135550115", "GREG E.", "TERRITORY 2"),
    ("NETWORKS0001", "Network Solutions & Supply", "Denver", "CO", "80202", "3035550116", "GARY W.", "TERRITORY 5"),
    ("NORTHCOL0001", "Northern College", "Duluth", "MN", "55802", "2185550117", "PAUL W.", "TERRITORY 1"),
    ("NORTHERN0001", "Northern Family Hospital", "Fargo", "ND", "58102", "7015550118", "PAUL W.", "TERRITORY 1"),
    ("UNIFIEDW0001", "Unified Wire & Cable", "Houston", "TX", "77002", "7135550119", "GARY W.", "TERRITORY 5"),
    ("WESTSIDE0001", "West Side Telephone", "Madison", "WI", "53703", "6085550120", "PAUL W.", "TERRITORY 1"),
    ("BREAKTHR0001", "Breakthrough Telemarketing", "Lansing", "MI", "48933", "5175550121", "GREG E.", "TERRITORY 2"),
    ("CENTRALC0001", "Central Communications LTD", "Ottawa", "ON", "K1P 1J1", "6135550122", "SANDRA M.", "TERRITORY 4"),
    ("LAWRENCE0001", "Lawrence Telemarketing", "Lawrence", "KS", "66044", "7855550123", "NANCY B.", "TERRITORY 2"),
    ("MAGNIFIC0001", "Magnificent Office Images", "Boston", "MA", "02110", "6175550124", "FRANCINE B.", "TERRITORY 3"),
    ("MAHLERST0001", "Mahler State University", "Austin", "TX", "78701", "5125550125", "GARY W.", "TERRITORY 5"),
    ("PLAZAONE0001", "Plaza One", "Seattle", "WA", "98101", "2065550126", "ERIN J.", "TERRITORY 5"),
    ("VANCOUVE0001", "Vancouver Resort Hotels", "Vancouver", "BC", "V6C 1T2", "6045550127", "SANDRA M.", "TERRITORY 4"),
)  # fmt: skip

# id, name, contact, line 1, city, state, postal code, country, phone, payment terms
_VENDORS = (
    ("ACETRAVE0001", "A Travel Company", "Greg Powell", "123 Riley Street", "Sydney", "NSW", "2086", "Australia",
     "29855501010000", "Net 30"),
    ("ADVANCED0001", "Advanced Office Systems", "Sarah Akhtar", "678 West Fourth", "Dallas", "TX", "75249-0123", "USA",
     "21455501010000", "2% 10/Net 30"),
    ("ALLENSON0001", "Allenson Properties", "Ann Beebe", "1 Bay Street", "Toronto", "ON", "M5J 2N8", "Canada",
     "41655501310000", "Net 30"),
    ("AMERICAN0001", "American Electrical Contractors", "Ted Bremer", "90 Kansas Avenue", "Topeka", "KS", "66603",
     "USA", "78555501320000", "2% EOM/Net 15th"),
    ("BEAUMONT0001", "Beaumont Construction", "Lee Chia", "3456 Poplar Avenue", "Beaumont", "TX", "77701", "USA",
     "40955501330000", "3% 15th/Net 30"),
    ("BERGERON0001", "Bergeron Offices, Inc.", "Diane Tibbott", "12 Rue Sherbrooke", "Montréal", "QC", "H3A 1B9",
     "Canada", "51455501340000", "Net 30"),
    ("BUSINESS0001", "Business Equipment Center", "Scott Culp", "45 State Street", "Springfield", "IL", "62701", "USA",
     "21755501350000", "Net 30"),
    ("CAPITALP0001", "Capital Properties Int'l", "Eva Corets", "8 Capitol Mall", "Sacramento", "CA", "95814", "USA",
     "91655501360000", "Net 30"),
    ("CENTRALC0001", "Central Cellular, Inc.", "Jo Berry", "77 Euclid Avenue", "Cleveland", "OH", "44114", "USA",
     "21655501370012", "2% 10/Net 30"),
    ("COMPUTER0001", "Computer Equipment Leasing", "Max Benson", "310 Market Street", "San Jose", "CA", "95113", "USA",
     "40855501380000", "Net 15"),
    ("COMVEXIN0001", "ComVex, Inc.", "Kim Akers", "14 Lake Drive", "Chicago", "IL", "60605", "USA",
     "31255501390000", "Net 30"),
    ("FABRIKAM0001", "Fabrikam Electronics Parts & Supply", "", "4277 West Oak Parkway", "Eau Claire", "WI", "54701",
     "USA", NO_PHONE, "Net 30"),
    ("INTERNAT0001", "International TeleCom Assoc", "Jim Hance", "Box 9001", "Newark", "NJ", "07102", "USA",
     "97355501400000", "Net 15"),
)  # fmt: skip


def company() -> Company:
    """Return a new company -1 with its sample records."""
    made = Company(COMPANY_ID, COMPANY_NAME)
    made.customers.load(customers())
    made.vendors.load(vendors())
    made.load_documents(documents())
    return made


def _stamp(number: int) -> datetime:
    return datetime(2017, 4, 12, 8, 0, 0, tzinfo=UTC) + timedelta(
        minutes=7 * number, seconds=13 * number % 60
    )


def _slug(name: str) -> str:
    return "".join(c for c in name.lower() if c.isascii() and c.isalnum())


def customers() -> Iterator[Customer]:
    """Yield Fabrikam's customers; MIDCITYH0001 has an empty date, some strings keep their column's blanks."""
    for number, row in enumerate(_CUSTOMERS):
        customer_id, name, city, state, postal_code, phone, salesperson, territory = row
        stamp = None if customer_id == "MIDCITYH0001" else _stamp(number)
        country = {"NSW": "Australia", "ON": "Canada", "MB": "Canada", "BC": "Canada"}.get(state, "USA")
        primary = Address(
            id="PRIMARY", name=name, contact="Bob Fitz" if number == 0 else f"Contact {number:02d}",
            line1="One Microsoft Way" if number == 0 else f"{100 + 7 * number} Main Street",
            city="Redmond" if number == 0 else city, state="WA" if number == 0 else state,
            postal_code="98052-6399" if number == 0 else postal_code, country=country,
            phone1=f"{phone}0000", phone2=NO_PHONE, phone3=NO_PHONE, fax=f"{int(phone) + 100}0000",
            shipping_method="LOCAL DELIVERY", tax_schedule="USASTCITY-6*", salesperson=salesperson,
            territory=territory, warehouse="WAREHOUSE", created_on=SAMPLE_DAY, modified_at=stamp or _stamp(0),
            email=InternetAddress(to=f"office@{_slug(name)}.example", modified_at=stamp or _stamp(0)),
        )  # fmt: skip
        yield Customer(
            id=customer_id, name=name + "   " * (number % 5 == 2), short_name=name[:15], statement_name=name,
            class_id="USA-ILMO-T1" if state in ("IL", "MO") else "USA-MNWI-T1", salesperson=salesperson,
            currency={"Australia": "AUD", "Canada": "CAD"}.get(country, "USD"), payment_terms="Net 30",
            price_level="RETAIL", credit_limit=_credit(number), is_on_hold=customer_id == "CELLULAR0001",
            is_active=customer_id != "LAWRENCE0001", created_on=SAMPLE_DAY, modified_at=stamp, row_stamp_at=stamp,
            ship_to_address="WAREHOUSE" if number == 0 else "PRIMARY",
            addresses=(primary, _warehouse(primary)) if number == 0 else (primary,), receivables=_owed(number),
        )  # fmt: skip


def _warehouse(primary: Address) -> Address:
    return Address(
        id="WAREHOUSE", name=primary.name, contact="Bob Fitz", line1="11403 45 St. South", city="Chicago", state="IL",
        postal_code="60603-0776", country="USA", phone1=primary.phone1, phone2=NO_PHONE, phone3=NO_PHONE,
        fax=primary.fax, shipping_method="GROUND", tax_schedule=primary.tax_schedule, salesperson=primary.salesperson,
        territory=primary.territory, warehouse="WAREHOUSE", created_on=SAMPLE_DAY, modified_at=primary.modified_at,
    )  # fmt: skip


def _credit(number: int) -> CreditLimit:
    if number % 7 == 3:
        return CreditLimit(unlimited=True)
    return CreditLimit() if number % 7 == 5 else CreditLimit(amount=Decimal(5000 * (1 + number % 9)))


def _owed(number: int) -> Receivables:
    current = Decimal(1234567 + 98765 * number) / 1000
    late = Decimal(25000 * (number % 3)) / 100
    aging = (current.quantize(Decimal("0.01")), late, Decimal(0), Decimal(number % 4 * 10), *[Decimal(0)] * 3)
    on_order = Decimal(150 * (number % 6)) if number else Decimal("819.60")  # what its orders come to
    return Receivables(
        aging=aging, last_aged_on=SAMPLE_DAY, on_order=on_order, last_payment=Decimal(500),
        last_payment_on=date(2017, 3, 1 + number), last_transaction=Decimal("199.95"),
        last_transaction_on=date(2017, 4, 1 + number % 11), last_statement=Decimal(750),
        last_statement_on=date(2017, 3, 31), sales_this_year=Decimal(12000 + 731 * number),
        sales_last_year=Decimal(40000 + 977 * number), sales_ever=Decimal(90000 + 2000 * number),
    )  # fmt: skip


def vendors() -> Iterator[Vendor]:
    """Yield Fabrikam's vendors; INTERNAT0001 has an empty date."""
    for number, row in enumerate(_VENDORS):
        vendor_id, name, contact, line1, city, state, postal_code, country, phone, terms = row
        stamp = None if vendor_id == "INTERNAT0001" else _stamp(200 + number)
        primary = Address(
            id="PRIMARY", name=name, contact=contact, line1=line1, city=city, state=state, postal_code=postal_code,
            country=country, phone1=phone, phone2=NO_PHONE, phone3=NO_PHONE,
            fax="29455501010000" if number == 0 else NO_PHONE, shipping_method="OVERNIGHT" if number == 0 else "GROUND",
            tax_schedule="AUSNSWST+20" if number == 0 else "", created_on=SAMPLE_DAY,
            modified_at=stamp or _stamp(200),
            email=InternetAddress(to=f"accounts@{_slug(name)}.example", modified_at=stamp or _stamp(200)),
        )  # fmt: skip
        remit = Address(
            id="REMIT TO", name=name, line1="Box 342", city="Sydney", state="NSW", postal_code="2000",
            country="Australia", phone1=NO_PHONE, phone2=NO_PHONE, phone3=NO_PHONE, fax=NO_PHONE,
            created_on=SAMPLE_DAY, modified_at=_stamp(200),
        )  # fmt: skip
        yield Vendor(
            id=vendor_id, name=name + "  " * (number % 4 == 1), short_name=name[:15], check_name=name,
            class_id="AUS-NSW-M" if number == 0 else "USA-US-I", payment_terms=terms, payment_priority="1",
            tax_schedule="AUSNSWST+20" if number == 0 else "",
            currency={"Australia": "AUD", "Canada": "CAD"}.get(country, "USD"), credit_limit=_credit(number),
            is_on_hold=vendor_id == "COMPUTER0001", is_one_time=vendor_id == "COMVEXIN0001",
            is_active=vendor_id != "BUSINESS0001", remit_to_address="REMIT TO" if number == 0 else "PRIMARY",
            created_on=SAMPLE_DAY, modified_at=stamp, addresses=(primary, remit) if number == 0 else (primary,),
        )  # fmt: skip


def documents() -> Iterator[PayablesDocument]:
    """Yield payables documents; what ACETRAVE0001 is owed comes to 6713.27, as in the facts."""
    made = [
        _document(1, "ACETRAVE0001", "5000.00"),
        _document(2, "ACETRAVE0001", "2500.00"),
        replace(_document(3, "ACETRAVE0001", "786.73"), type="Credit Memo"),
        replace(
            _document(4, "ADVANCED0001", "1299.50"), payments=Decimal("300.00"), writeoff=Decimal("0.50")
        ),
        replace(_document(5, "ADVANCED0001", "88.20"), state="Work", batch="PMTRX001"),
        replace(_document(6, "BEAUMONT0001", "12750.00"), state="History", payments=Decimal("12750.00")),
        replace(_document(7, "BEAUMONT0001", "640.00"), discount_taken=Decimal("12.80")),
        replace(_document(8, "BEAUMONT0001", "25.00"), type="Finance Charge"),
    ]
    yield from made
    for number, row in enumerate(_VENDORS[5:], start=9):
        yield _document(number, row[0], f"{317 + 11 * number}.{number:02d}")


def _document(number: int, vendor_id: str, amount: str) -> PayablesDocument:
    return PayablesDocument(
        id=f"{number:017d}",
        vendor_id=vendor_id,
        amount=Decimal(amount),
        on=date(2017, 3, 1) + timedelta(days=number),
        due_on=date(2017, 3, 31) + timedelta(days=number),
        number=f"INV{number:05d}",
        description="Services",
        currency="AUD" if vendor_id == "ACETRAVE0001" else "USD",
        payment_terms="Net 30",
        modified_at=_stamp(400 + number),
    )
