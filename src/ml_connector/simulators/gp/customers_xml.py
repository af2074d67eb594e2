"""Customers, their addresses and what they owe, as XML (facts 2.6 to 2.8)."""

from __future__ import annotations

from decimal import Decimal

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp.company import ZERO, Address, Customer, Receivables
from ml_connector.simulators.gp.requests import CurrencyType
from ml_connector.simulators.gp.sales_documents import cents

_GL_ACCOUNTS = "".join(
    xml.account_key(f"{purpose}GLAccountKey", account)
    for purpose, account in (
        ("Cash", "000-1100-00"),
        ("AccountsReceivable", "000-1200-00"),
        ("Sales", "000-4110-01"),
        ("CostOfGoodsSold", "000-4510-01"),
        ("Inventory", "000-1300-01"),
        ("PaymentTermsDiscountTaken", "000-4600-00"),
        ("PaymentTermsDiscountAvailable", "000-1205-00"),
        ("FinanceCharges", "000-7010-00"),
        ("Writeoff", "000-6780-00"),
        ("SalesOrderReturns", "000-4140-00"),
        ("OverpaymentWriteoff", "000-6790-00"),
    )
)

_OPTIONS = (
    "<MaximumWriteoff><SpecialAmount>Unlimited</SpecialAmount></MaximumWriteoff>"
    "<AllowRevaluation>true</AllowRevaluation>"
    "<PostResultsTo>Receivables/Discount Account</PostResultsTo>"
    "<OrderFullfillmentShortageDefault>None</OrderFullfillmentShortageDefault>"
    "<IncludeInDemandPlanning>false</IncludeInDemandPlanning>"
    "<BankName /><BankBranch /><TaxExemptNumbers><string /><string /></TaxExemptNumbers>"
)

_STATEMENTS = (
    "<StatementCycle>Monthly</StatementCycle>"
    "<HistoryOptions><KeepCalendarHistory>true</KeepCalendarHistory><KeepFiscalHistory>true</KeepFiscalHistory>"
    "<KeepTransactionHistory>true</KeepTransactionHistory>"
    "<KeepDistributionHistory>true</KeepDistributionHistory></HistoryOptions>"
    "<SendEmailStatements>false</SendEmailStatements>"
    "<DefaultCashAccountType>Bank Account</DefaultCashAccountType>"
)


def summary(customer: Customer) -> str:
    """Return a CustomerSummary; what a list gives."""
    main = customer.main_address
    said = xml.moment(customer.modified_at)
    stamped = said if customer.row_stamp_at is customer.modified_at else xml.moment(customer.row_stamp_at)
    active, held = "true" if customer.is_active else "false", "true" if customer.is_on_hold else "false"
    return (
        f"<CustomerSummary><Key><Id>{xml.escape(customer.id)}</Id></Key><Name>{xml.escape(customer.name)}</Name>"
        f"<IsActive>{active}</IsActive><IsOnHold>{held}</IsOnHold>"
        f"{xml.key('CustomerClassKey', customer.class_id)}{xml.key('CorporateAccountKey', customer.corporate_id)}"
        f"{xml.key('SalespersonKey', customer.salesperson)}{xml.string('State', main.state)}"
        f"{xml.phones(main.phone1, main.phone2)}{xml.day('CreatedDate', customer.created_on)}"
        f"<ModifiedDate>{said}</ModifiedDate><LastModifiedDate>{stamped}</LastModifiedDate></CustomerSummary>"
    )


def full(customer: Customer, currency_type: CurrencyType, company_id: int) -> str:
    """Return the members of a Customer; what a key gives."""
    money = xml.Money(customer.currency, currency_type)
    members = (
        xml.key("Key", customer.id, company_id=company_id),
        xml.boolean("IsOnHold", value=customer.is_on_hold),
        xml.boolean("IsActive", value=customer.is_active),
        "<ShipCompleteOnly>false</ShipCompleteOnly>",
        xml.string("Name", customer.name),
        xml.string("Shortname", customer.short_name),
        xml.string("StatementName", customer.statement_name),
        xml.key("ClassKey", customer.class_id),
        f"<Priority>{customer.priority}</Priority>",
        _address_keys(customer),
        xml.numbered("Comment", customer.comment1, customer.comment2),
        xml.percent("TradeDiscountPercent", customer.trade_discount),
        xml.key("PaymentTermsKey", customer.payment_terms),
        "<DiscountGracePeriod>0</DiscountGracePeriod><DueDateGracePeriod>0</DueDateGracePeriod>",
        xml.key("PriceLevelKey", customer.price_level),
        xml.string("Notes", customer.notes),
        f"<BalanceType>{'Balance Forward' if customer.balance_forward else 'Open Item'}</BalanceType>",
        f"<FinanceCharge>{money('Amount', ZERO)}</FinanceCharge>",
        f"<MinimumPayment>{money('Amount', ZERO)}</MinimumPayment>",
        xml.credit_limit(money, customer.credit_limit, f"<Period>0</Period>{money('PeriodAmount', ZERO)}"),
        _OPTIONS,
        xml.string("TaxRegistrationNumber", customer.tax_registration),
        xml.currency_key("CurrencyKey", customer.currency),
        _STATEMENTS,
        _GL_ACCOUNTS,
        xml.day("CreatedDate", customer.created_on),
        xml.instant("ModifiedDate", customer.modified_at),
        xml.instant("LastModifiedDate", customer.row_stamp_at),
        xml.key("CorporateAccountKey", customer.corporate_id),
        xml.numbered("UserDefined", customer.user_defined1, customer.user_defined2),
        f"<Addresses>{_addresses(customer)}</Addresses>",
    )
    return "".join(members)


def _addresses(customer: Customer) -> str:
    return "".join(_address(customer.id, address) for address in customer.addresses)


def _address_keys(customer: Customer) -> str:
    named = (
        ("DefaultAddressKey", customer.default_address),
        ("ShipToAddressKey", customer.ship_to_address),
        ("BillToAddressKey", customer.bill_to_address),
        ("StatementToAddressKey", customer.statement_address),
    )
    return "".join(
        xml.address_key(name, "CustomerKey", customer.id, address_id) for name, address_id in named
    )


def _sales_keys(address: Address) -> str:
    return (
        f"{xml.key('SalespersonKey', address.salesperson)}{xml.key('SalesTerritoryKey', address.territory)}"
        f"{xml.key('WarehouseKey', address.warehouse)}"
    )


def _address(customer_id: str, address: Address) -> str:
    return (
        f"<CustomerAddress>{xml.constituent_address(address)}"
        f"{xml.address_key('Key', 'CustomerKey', customer_id, address.id)}{_sales_keys(address)}"
        f"{xml.nil('DeleteOnUpdate')}</CustomerAddress>"
    )


def address_summary(customer_id: str, address: Address) -> str:
    """Return a CustomerAddressSummary: neither stamps nor e-mail are in it."""
    return (
        f"<CustomerAddressSummary>{xml.business_address(address)}"
        f"{xml.address_key('Key', 'CustomerKey', customer_id, address.id)}{_sales_keys(address)}"
        "</CustomerAddressSummary>"
    )


def receivables(customer: Customer, currency_type: CurrencyType, company_id: int) -> str:
    """Return the members of a CustomerReceivablesSummary; lists give them as a key does."""
    money, owed = xml.Money(customer.currency, currency_type), customer.receivables
    last_year, ever, this_year = owed.sales_last_year, owed.sales_ever, owed.sales_this_year
    return "".join(
        (
            xml.key("Key", customer.id, company_id=company_id),
            _aging(money, owed),
            f"<LastYear>{_sales(money, last_year)}</LastYear>",
            f"<LifeToDate>{_sales(money, ever)}</LifeToDate>",
            f"<YearToDate>{_sales(money, this_year)}</YearToDate>",
            money("OnOrderAmount", owed.on_order),
            money("LastPaymentAmount", owed.last_payment),
            xml.day("LastPaymentDate", owed.last_payment_on),
            money("LastStatementAmount", owed.last_statement),
            xml.day("LastStatementDate", owed.last_statement_on),
            money("LastTransactionAmount", owed.last_transaction),
            xml.day("LastTransactionDate", owed.last_transaction_on),
        )
    )


def _aging(money: xml.Money, owed: Receivables) -> str:
    periods = "".join(money(f"Period{number}Amount", due) for number, due in enumerate(owed.aging, start=1))
    aged, balance = xml.day("LastAgedDate", owed.last_aged_on), money("BalanceAmount", owed.balance)
    return f"<Aging>{periods}{aged}{balance}</Aging>"


def _sales(money: xml.Money, total: Decimal) -> str:
    invoices = int(total / 1000) + (1 if total else 0)
    return (
        f"<AverageDaysToPay>{30 if total else 0}</AverageDaysToPay>{money('HighBalance', cents(total / 4))}"
        f"<NumberOfInvoices>{invoices}</NumberOfInvoices>{money('TermsDiscountsTaken', ZERO)}"
        f"{money('TotalCashReceived', cents(total * 3 / 4))}{money('TotalCost', cents(total / 2))}"
        f"{money('TotalFinanceCharge', ZERO)}{money('TotalReturns', ZERO)}{money('TotalSales', total)}"
        f"{money('TotalWaivedFinanceCharge', ZERO)}{money('TotalWriteoffAmount', ZERO)}"
    )
