"""What each operation answers.

An operation is a function from the simulation and a call to an answer; the table at the end is the service's
contract.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar
from xml.sax.saxutils import escape

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp import criteria as rules
from ml_connector.simulators.gp import customers_xml, ledger_xml, tracking, vendors_xml
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Company, Customer, KeyedTable, PayablesDocument, Vendor
from ml_connector.simulators.gp.criteria import Criteria, Layout, OwnedAddress, read_criteria
from ml_connector.simulators.gp.faults import NOT_FOUND, SoapFaultError, SystemFaultError, ValidationError
from ml_connector.simulators.gp.ledger import Entry
from ml_connector.simulators.gp.options import Account
from ml_connector.simulators.gp.requests import DYN, Call, Signatures, key_id, key_members, text
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.tracking import Tracked

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Answer:
    """The inside of a result element, and how many records it holds."""

    result: str
    rows: int = 1
    kind: str = ""  # the result's own type where the declared one is abstract


def perform(simulation: Simulation, call: Call, account: Account) -> Answer:
    """Carry out a call; SoapFaultError for what is refused, not found or not allowed."""
    operation = OPERATIONS[call.operation]
    company_id = call.context.company_id
    if call.operation in simulation.settings.denied_operations.get(account.name.casefold(), ()):
        raise _security_fault(call, account)
    if isinstance(operation, _CompanyOperation):
        if company_id not in simulation.companies:
            raise SystemFaultError  # GP would connect to a database that is not there
        if company_id not in account.companies:
            raise _security_fault(call, account)
        return operation.run(simulation, call, simulation.companies[company_id])
    return operation.run(simulation, call, account)


def _security_fault(call: Call, account: Account) -> SoapFaultError:
    where = "" if call.context.company_id is None else f" in company {call.context.company_id}"
    return SoapFaultError(
        f"Security Exception: the user {account.name} is not authorized to perform {call.operation}{where}."
    )


def companies_for_user(simulation: Simulation, call: Call, account: Account) -> Answer:
    """Return the companies that the caller has rights in; it proves sign-in and rights without any data."""
    allowed = [c for c in simulation.companies.values() if c.id in account.companies]
    return Answer("".join(map(_company, allowed)), len(allowed))


def _company(company: Company) -> str:
    options = "".join(
        xml.nil(name) for name in ("IsValueAddedTaxReturnEnabled", "Options", "IsWorkflowEnabled")
    )
    return (
        f'<Company><Key><Id xmlns="{DYN}">{company.id}</Id></Key>{xml.string("Name", company.name)}'
        f"{xml.day('ModifiedDate', None)}{xml.day('CreatedDate', None)}{xml.nil('WitholdingTaxRate')}"
        f"{xml.string('AccountSegmentSeparator', company.separator)}{options}</Company>"
    )


def vendor_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return VendorSummary rows."""
    asked = read_criteria(call.arguments.get("criteria"), rules.VENDORS, call.operation)
    rows = _masters(company.vendors, asked, "Id")
    return _list(map(vendors_xml.summary, _admitted(rows, asked)), simulation, "vendors")


def customer_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return CustomerSummary rows."""
    asked = read_criteria(call.arguments.get("criteria"), rules.CUSTOMERS, call.operation)
    rows = _masters(company.customers, asked, "Id")
    return _list(map(customers_xml.summary, _admitted(rows, asked)), simulation, "customers")


def vendor_address_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return VendorAddressSummary rows, in the order of vendors and within a vendor of addresses."""
    asked = read_criteria(call.arguments.get("criteria"), rules.VENDOR_ADDRESSES, call.operation)
    rows = _addresses(company.vendors.rows(asked.key_range("VendorKeyId")))
    summaries = (vendors_xml.address_summary(a.owner_id, a.address) for a in _admitted(rows, asked))
    return _list(summaries, simulation, "addresses")


def customer_address_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return CustomerAddressSummary rows, in the order of customers and within a customer of addresses."""
    asked = read_criteria(call.arguments.get("criteria"), rules.CUSTOMER_ADDRESSES, call.operation)
    rows = _addresses(company.customers.rows(asked.key_range("CustomerKeyId")))
    summaries = (customers_xml.address_summary(a.owner_id, a.address) for a in _admitted(rows, asked))
    return _list(summaries, simulation, "addresses")


def receivables_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return whole CustomerReceivablesSummary objects."""
    asked = read_criteria(call.arguments.get("criteria"), rules.RECEIVABLES, call.operation)
    rows = _admitted(company.customers.rows(asked.key_range("CustomerId")), asked)
    currency = call.context.currency_type
    element = "CustomerReceivablesSummary"
    owed = (f"<{element}>{customers_xml.receivables(c, currency, company.id)}</{element}>" for c in rows)
    return _list(owed, simulation, "receivables")


def payables_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return PayablesDocumentSummary rows in the order of voucher numbers."""
    asked = read_criteria(call.arguments.get("criteria"), rules.PAYABLES, call.operation)
    rows = _admitted(_documents(company, asked), asked)
    names = ((d, company.vendors.get(d.vendor_id)) for d in rows)
    currency = call.context.currency_type
    summaries = (vendors_xml.document_summary(d, v.name if v else "", currency) for d, v in names)
    return _list(summaries, simulation, "payables")


def changed_customer_keys(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return ChangedCustomerKey rows; none where tracking was never on."""
    return _changed(simulation, call, company, (tracking.CUSTOMER, tracking.CHANGED_CUSTOMERS))


def changed_customer_address_keys(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return ChangedCustomerAddressKey rows."""
    tracked = (tracking.CUSTOMER_ADDRESS, tracking.CHANGED_CUSTOMER_ADDRESSES)
    return _changed(simulation, call, company, tracked)


def changed_internet_address_keys(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return ChangedInternetAddressKey rows, of customers and of vendors."""
    tracked = (tracking.INTERNET_ADDRESS, tracking.CHANGED_INTERNET_ADDRESSES)
    return _changed(simulation, call, company, tracked)


def _changed(
    simulation: Simulation, call: Call, company: Company, tracked: tuple[str, Layout[Tracked]]
) -> Answer:
    entity, layout = tracked
    asked = read_criteria(call.arguments.get("criteria"), layout, call.operation)
    rows = simulation.tracks[company.id].rows(entity)
    return _list(tracking.elements(_admitted(rows, asked)), simulation, "changed_keys")


def _documents(company: Company, asked: Criteria[PayablesDocument]) -> Iterable[PayablesDocument]:
    if "VendorId" not in asked.restrictions or asked.restrictions["VendorId"].is_open:
        return company.documents.rows(asked.key_range("DocumentId"))
    vendors = company.vendors.rows(asked.key_range("VendorId"))
    found = chain.from_iterable(company.documents_of(vendor.id) for vendor in vendors)
    return sorted(found, key=lambda document: collation_key(document.id))


MasterRow = TypeVar("MasterRow", Customer, Vendor)


def _masters(table: KeyedTable[MasterRow], asked: Criteria[MasterRow], key: str) -> Iterator[MasterRow]:
    """Return the rows that may be admitted, in key order, by the shorter of the two indexes."""
    stamps = asked.instants("ModifiedDate")
    if stamps is not None and key not in asked.restrictions:
        changed = table.rows_stamped(*stamps)
        if changed is not None:
            return changed
    return table.rows(asked.key_range(key))


def _addresses(owners: Iterable[Customer] | Iterable[Vendor]) -> Iterator[OwnedAddress]:
    for owner in owners:
        for address in sorted(owner.addresses, key=lambda a: collation_key(a.id)):
            yield OwnedAddress(owner.id, address)


def _admitted(rows: Iterable[Row], asked: Criteria[Row]) -> Iterator[Row]:
    if not asked.everyone:
        return iter(())
    return filter(asked.admits, rows) if asked.restrictions else iter(rows)


def _list(elements: Iterable[str], simulation: Simulation, entity: str) -> Answer:
    """Cut an answer at the entity's row limit; nothing in it tells."""
    limit = simulation.settings.row_limits[entity]
    shown = list(islice(elements, limit))
    return Answer("".join(shown), len(shown))


def vendor_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one Vendor."""
    vendor = _found(company.vendors.get(_key(call)))
    return Answer(vendors_xml.full(vendor, call.context.currency_type, company.id))


def customer_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one Customer."""
    customer = _found(company.customers.get(_key(call)))
    return Answer(customers_xml.full(customer, call.context.currency_type, company.id))


def receivables_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one CustomerReceivablesSummary."""
    customer = _found(company.customers.get(_key(call)))
    return Answer(customers_xml.receivables(customer, call.context.currency_type, company.id))


def invoice_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one PayablesInvoice; documents of other types have operations of their own."""
    document = _found(company.documents.get(_key(call)))
    if document.type != "Invoice":
        raise SoapFaultError(NOT_FOUND)
    vendor = company.vendors.get(document.vendor_id)
    return Answer(vendors_xml.invoice(document, vendor, call.context.currency_type))


def account_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return GLAccountSummary rows of all types of accounts."""
    asked = read_criteria(call.arguments.get("criteria"), rules.ACCOUNTS, call.operation)
    rows = _admitted(company.accounts.rows(asked.key_range("GLAccountId")), asked)
    return _list(map(ledger_xml.account_summary, rows), simulation, "accounts")


def account_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one account; each type has an operation of its own, which finds no others, and one finds all."""
    account = _found(
        company.accounts.get(
            key_members(call.arguments.get("key"), _ACCOUNT_KEY, call.operation).get("Id", "")
        )
    )
    wanted, kind = call.operation.removeprefix("Get").removesuffix("ByKey"), ledger_xml.account_class(account)
    if wanted not in ("GLAccount", kind):
        raise SoapFaultError(NOT_FOUND)
    return Answer(ledger_xml.account(account), kind=kind if wanted == "GLAccount" else "")


def category_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return the account categories."""
    return Answer("".join(map(ledger_xml.category, company.categories)), len(company.categories))


def format_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return the segments of the company's account format; there is nothing to restrict."""
    read_criteria(call.arguments.get("criteria"), {}, call.operation)
    return Answer("".join(map(ledger_xml.segment, company.segments)), len(company.segments))


def journal_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return GLTransactionSummary rows of all states, in the order of journal ids."""
    asked = read_criteria(call.arguments.get("criteria"), rules.JOURNALS, call.operation)
    low, high = asked.instants("Date") or (None, None)
    rows = company.journals.within(low and low.date(), high and high.date())
    return _list(map(ledger_xml.entry_summary, _admitted(rows, asked)), simulation, "journals")


def journal_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one GLTransaction: of Work by journal id and date, of the others with sequence and year beside."""
    posted = call.operation == "GetGLPostedTransactionByKey"
    key = key_members(call.arguments.get("key"), _POSTED_KEY if posted else _POSTED_KEY[:2], call.operation)
    try:
        journal_id, on = int(key.get("JournalId", "0")), rules.read_instant(key["Date"]).date()
        sequence, year = int(key.get("RecurringTransactionSequence", "0")), int(key.get("FiscalYear", "0"))
    except (KeyError, ValueError):
        raise SoapFaultError(NOT_FOUND) from None
    found: Iterable[Entry] = (e for e in company.journals.of(journal_id) if e.on == on)
    if posted:
        found = (e for e in found if e.state != "Work" and (e.sequence, e.fiscal_year) == (sequence, year))
    else:
        found = (e for e in found if e.state == "Work")
    return Answer(ledger_xml.entry(_found(next(iter(found), None)), call.context.currency_type))


def validation_result(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return the reasons of a validation fault."""
    try:
        log_id = uuid.UUID(text(call.arguments.get("logId")) or "")
    except ValueError:
        raise SoapFaultError(NOT_FOUND) from None
    errors = _found(simulation.exceptions.find(log_id))
    return Answer(f"<Errors>{''.join(map(_validation_error, errors))}</Errors><Warnings />", len(errors))


def _validation_error(error: ValidationError) -> str:
    names = "".join(f"<string>{escape(name)}</string>" for name in error.properties)
    return (
        f"<ValidationError>{xml.string('ObjectType', error.object_type)}<PropertyNames>{names}</PropertyNames>"
        f"{xml.string('Message', error.message)}{xml.string('Id', error.id)}</ValidationError>"
    )


def _key(call: Call) -> str:
    return key_id(call.arguments.get("key"), call.operation)


def _found(row: Row | None) -> Row:
    if row is None:
        raise SoapFaultError(NOT_FOUND)
    return row


@dataclass(frozen=True, slots=True)
class _CompanyOperation:
    """An operation on a company's records."""

    arguments: tuple[str, ...]
    run: Callable[[Simulation, Call, Company], Answer]


@dataclass(frozen=True, slots=True)
class _SystemOperation:
    """An operation that needs no company."""

    arguments: tuple[str, ...]
    run: Callable[[Simulation, Call, Account], Answer]


_ACCOUNT_KEY = ("Id", "IsEncrypted")
_POSTED_KEY = ("JournalId", "Date", "RecurringTransactionSequence", "FiscalYear")
_BY_CRITERIA = ("criteria", "context")
_BY_KEY = ("key", "context")

OPERATIONS: dict[str, _CompanyOperation | _SystemOperation] = {
    "GetWSEnabledCompanyForUserList": _SystemOperation(("context",), companies_for_user),
    "GetVendorList": _CompanyOperation(_BY_CRITERIA, vendor_list),
    "GetVendorByKey": _CompanyOperation(_BY_KEY, vendor_by_key),
    "GetVendorAddressList": _CompanyOperation(_BY_CRITERIA, vendor_address_list),
    "GetCustomerList": _CompanyOperation(_BY_CRITERIA, customer_list),
    "GetCustomerByKey": _CompanyOperation(_BY_KEY, customer_by_key),
    "GetCustomerAddressList": _CompanyOperation(_BY_CRITERIA, customer_address_list),
    "GetCustomerReceivablesSummaryByKey": _CompanyOperation(_BY_KEY, receivables_by_key),
    "GetCustomerReceivablesSummaryList": _CompanyOperation(_BY_CRITERIA, receivables_list),
    "GetPayablesDocumentList": _CompanyOperation(_BY_CRITERIA, payables_list),
    "GetPayablesInvoiceByKey": _CompanyOperation(_BY_KEY, invoice_by_key),
    "GetGLAccountList": _CompanyOperation(_BY_CRITERIA, account_list),
    "GetGLAccountByKey": _CompanyOperation(_BY_KEY, account_by_key),
    "GetGLPostingAccountByKey": _CompanyOperation(_BY_KEY, account_by_key),
    "GetGLUnitAccountByKey": _CompanyOperation(_BY_KEY, account_by_key),
    "GetGLAccountCategoryList": _CompanyOperation(("context",), category_list),
    "GetGLAccountFormatList": _CompanyOperation(_BY_CRITERIA, format_list),
    "GetGLTransactionList": _CompanyOperation(_BY_CRITERIA, journal_list),
    "GetGLTransactionByKey": _CompanyOperation(_BY_KEY, journal_by_key),
    "GetGLPostedTransactionByKey": _CompanyOperation(_BY_KEY, journal_by_key),
    "GetChangedCustomerKeyList": _CompanyOperation(_BY_CRITERIA, changed_customer_keys),
    "GetChangedCustomerAddressKeyList": _CompanyOperation(_BY_CRITERIA, changed_customer_address_keys),
    "GetChangedInternetAddressKeyList": _CompanyOperation(_BY_CRITERIA, changed_internet_address_keys),
    "GetLoggedValidationResultByKey": _CompanyOperation(("logId", "context"), validation_result),
}

SIGNATURES: Signatures = {name: operation.arguments for name, operation in OPERATIONS.items()}
