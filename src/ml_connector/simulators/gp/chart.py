"""Fabrikam's account format, categories and chart of accounts (facts 3.4; what is not told there is plausible)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from ml_connector.simulators.gp.ledger import Account, Segment

SEPARATOR = "-"
SEGMENTS = (Segment(1, "Division", 3), Segment(2, "Account", 4, is_main=True), Segment(3, "Department", 2))

#: GP's own first categories; a site renames them and adds others (GL00102).
CATEGORIES = (
    "Cash", "Short-Term Investments", "Accounts Receivable", "Notes Receivable", "Inventory", "Work in Process",
    "Prepaid Expenses", "Long-Term Investments", "Property, Plant and Equipment", "Accumulated Depreciation",
    "Intangible Assets", "Other Assets", "Accounts Payable", "Notes Payable", "Current Maturities of Long-Term Debt",
    "Taxes Payable", "Interest Payable", "Dividends Payable", "Leases Payable (Current)",
    "Sinking Fund Payable (Current)", "Other Current Liabilities", "Long-Term Debt", "Common Stock", "Preferred Stock",
    "Additional Paid-in Capital - Common", "Retained Earnings", "Treasury Stock", "Sales",
    "Sales Returns and Discounts", "Cost of Goods Sold",
    "Selling Expense", "Administrative Expense", "Salaries Expense", "Other Employee Expenses",
    "Interest Expense", "Tax Expense", "Depreciation Expense", "Income Tax Expense", "Other Expenses", "Other Income",
    "Charges Not Using Working Capital", "Revenues Not Producing Working Capital", "Gain/Loss on Asset Disposal",
    "Amortization of Intangible Assets", "Non-Financial Accounts",
)  # fmt: skip

# main segment, description, category, departments
_POSTING = (
    ("1100", "Cash - Operating Account", "Cash", ("00", "01")),
    ("1105", "Cash - Payroll", "Cash", ("00",)),
    ("1200", "Accounts Receivable", "Accounts Receivable", ("00", "01")),
    ("1205", "Sales Discounts Available", "Accounts Receivable", ("00",)),
    ("1300", "Inventory - Retail/Parts", "Inventory", ("01", "02")),
    ("1410", "Prepaid Insurance", "Prepaid Expenses", ("00",)),
    ("1500", "Furniture & Fixtures", "Property, Plant and Equipment", ("00",)),
    ("1510", "Accum. Depreciation - Furniture", "Accumulated Depreciation", ("00",)),
    ("2100", "Accounts Payable", "Accounts Payable", ("00",)),
    ("2105", "Purchases Discounts Available", "Accounts Payable", ("00",)),
    ("2111", "Accrued Purchases", "Other Current Liabilities", ("00",)),
    ("2300", "State Sales Tax Payable", "Taxes Payable", ("00",)),
    ("3010", "Common Stock", "Common Stock", ("00",)),
    ("3030", "Retained Earnings", "Retained Earnings", ("00",)),
    ("4000", "Sales", "Sales", ("00", "01", "02")),
    ("4110", "US Sales - Retail/Parts", "Sales", ("01", "02")),
    ("4180", "Canadian Sales - Retail/Parts", "Sales", ("01",)),
    ("4510", "Cost of Goods Sold - Retail/Parts", "Cost of Goods Sold", ("01", "02")),
    ("4600", "Purchases Discounts Taken", "Cost of Goods Sold", ("00",)),
    ("6100", "Salaries and Wages", "Salaries Expense", ("01", "02", "03", "04")),
    ("6150", "Employee Benefits - Administration", "Other Employee Expenses", ("01", "02", "03", "04")),
    ("6170", "Payroll Taxes - Administration", "Other Employee Expenses", ("00", "01", "02")),
    ("6500", "Supplies/Hardware - Accounting", "Administrative Expense", ("00", "01", "02", "03")),
    ("6620", "Miscellaneous Purchases", "Administrative Expense", ("00",)),
    ("6630", "Freight", "Administrative Expense", ("00",)),
    ("6700", "Depreciation Expense", "Depreciation Expense", ("00",)),
    ("7010", "Interest Income", "Other Income", ("00",)),
    ("8010", "Interest Expense", "Interest Expense", ("00",)),
    ("8020", "Finance Charges", "Interest Expense", ("00",)),
)  # fmt: skip
_DEPARTMENTS = {
    "00": "",
    "01": " - Sales",
    "02": " - Service",
    "03": " - Accounting",
    "04": " - Administration",
}
_CREDIT_MAINS = ("15", "2", "3", "40", "41", "46", "70")
_STAMP = datetime(2017, 4, 12, 15, 0, tzinfo=UTC)
_CREATED = date(2014, 1, 1)


def accounts() -> Iterator[Account]:
    """Yield the chart of accounts: posting, unit, fixed and variable allocation accounts."""
    number = 0
    for main, description, category, departments in _POSTING:
        for department in departments:
            number += 1
            yield Account(
                id=f"000-{main}-{department}",
                description=f"{description}{_DEPARTMENTS[department]}",
                alias=f"A{main}{department}" if number % 4 == 0 else "",
                category=category,
                posting_type="BalanceSheet" if main < "4" else "ProfitLoss",
                typical_balance="Credit" if main.startswith(_CREDIT_MAINS) and main != "1500" else "Debit",
                is_active=number % 29 != 17,
                created_on=_CREATED,
                modified_at=_STAMP - timedelta(minutes=number),
            )
    for account in _OTHERS:
        yield replace(account, created_on=_CREATED, modified_at=_STAMP)


_OTHERS = (
    Account("000-9045-00", "Units Sold", type="Unit"),
    Account("000-9050-00", "Hours Worked", type="Unit", decimal_places="Two"),
    Account(
        "000-6690-00",
        "Rent to be shared",
        type="Fixed Allocation",
        distributions=(("000-6500-01", 40), ("000-6500-02", 35), ("000-6500-03", 25)),
    ),
    Account(
        "000-6695-00",
        "Advertising by sales",
        type="Variable Allocation",
        distributions=(("000-4110-01", 0), ("000-4110-02", 0)),
    ),
)
UNIT_ACCOUNTS = ("000-9045-00", "000-9050-00")
