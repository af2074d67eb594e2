"""What each operation answers.

An operation is a function from the simulation and a call to an answer; the table at the end is the service's
contract.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import chain
from xml.sax.saxutils import escape

from ml_connector.simulators.gp import answers as xml
from ml_connector.simulators.gp import criteria as rules
from ml_connector.simulators.gp import (
    customers_xml,
    ledger_xml,
    masters_write,
    sales_operations,
    sales_setup,
    sales_write,
    tracking,
    vendors_xml,
)
from ml_connector.simulators.gp.collation import collation_key
from ml_connector.simulators.gp.company import Company, Customer, PayablesDocument, Vendor
from ml_connector.simulators.gp.criteria import Criteria, Layout, OwnedAddress, read_criteria
from ml_connector.simulators.gp.faults import NOT_FOUND, SoapFaultError, SystemFaultError, ValidationError
from ml_connector.simulators.gp.ledger import Entry
from ml_connector.simulators.gp.operation import (
    BY_CRITERIA,
    BY_KEY,
    Answer,
    CompanyOperation,
    SystemOperation,
    admitted,
    found,
    key_of,
    listed,
    stamped_rows,
)
from ml_connector.simulators.gp.options import Account
from ml_connector.simulators.gp.requests import DYN, Call, Signatures, key_members, text
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.tracking import Tracked


def perform(simulation: Simulation, call: Call, account: Account) -> Answer:
    """Carry out a call; SoapFaultError for what is refused, not found or not allowed."""
    operation = OPERATIONS[call.operation]
    company_id = call.context.company_id
    if call.operation in simulation.settings.denied_operations.get(account.name.casefold(), ()):
        raise _security_fault(call, account)
    if isinstance(operation, CompanyOperation):
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
    rows = stamped_rows(company.vendors, asked, "Id")
    return listed(map(vendors_xml.summary, admitted(rows, asked)), simulation, "vendors")


def customer_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return CustomerSummary rows."""
    asked = read_criteria(call.arguments.get("criteria"), rules.CUSTOMERS, call.operation)
    rows = stamped_rows(company.customers, asked, "Id")
    return listed(map(customers_xml.summary, admitted(rows, asked)), simulation, "customers")


def vendor_address_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return VendorAddressSummary rows, in the order of vendors and within a vendor of addresses."""
    asked = read_criteria(call.arguments.get("criteria"), rules.VENDOR_ADDRESSES, call.operation)
    rows = _addresses(company.vendors.rows(asked.key_range("VendorKeyId")))
    summaries = (vendors_xml.address_summary(a.owner_id, a.address) for a in admitted(rows, asked))
    return listed(summaries, simulation, "addresses")


def customer_address_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return CustomerAddressSummary rows, in the order of customers and within a customer of addresses."""
    asked = read_criteria(call.arguments.get("criteria"), rules.CUSTOMER_ADDRESSES, call.operation)
    rows = _addresses(company.customers.rows(asked.key_range("CustomerKeyId")))
    summaries = (customers_xml.address_summary(a.owner_id, a.address) for a in admitted(rows, asked))
    return listed(summaries, simulation, "addresses")


def receivables_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return whole CustomerReceivablesSummary objects."""
    asked = read_criteria(call.arguments.get("criteria"), rules.RECEIVABLES, call.operation)
    rows = admitted(company.customers.rows(asked.key_range("CustomerId")), asked)
    currency = call.context.currency_type
    element = "CustomerReceivablesSummary"
    owed = (f"<{element}>{customers_xml.receivables(c, currency, company.id)}</{element}>" for c in rows)
    return listed(owed, simulation, "receivables")


def payables_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return PayablesDocumentSummary rows in the order of voucher numbers."""
    asked = read_criteria(call.arguments.get("criteria"), rules.PAYABLES, call.operation)
    rows = admitted(_documents(company, asked), asked)
    names = ((d, company.vendors.get(d.vendor_id)) for d in rows)
    currency = call.context.currency_type
    summaries = (vendors_xml.document_summary(d, v.name if v else "", currency) for d, v in names)
    return listed(summaries, simulation, "payables")


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
    return listed(tracking.elements(admitted(rows, asked)), simulation, "changed_keys")


def _documents(company: Company, asked: Criteria[PayablesDocument]) -> Iterable[PayablesDocument]:
    if "VendorId" not in asked.restrictions or asked.restrictions["VendorId"].is_open:
        return company.documents.rows(asked.key_range("DocumentId"))
    vendors = company.vendors.rows(asked.key_range("VendorId"))
    documents = chain.from_iterable(company.documents_of(vendor.id) for vendor in vendors)
    return sorted(documents, key=lambda document: collation_key(document.id))


def _addresses(owners: Iterable[Customer] | Iterable[Vendor]) -> Iterator[OwnedAddress]:
    for owner in owners:
        for address in sorted(owner.addresses, key=lambda a: collation_key(a.id)):
            yield OwnedAddress(owner.id, address)


def vendor_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one Vendor."""
    vendor = found(company.vendors.get(key_of(call)))
    return Answer(vendors_xml.full(vendor, call.context.currency_type, company.id))


def customer_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one Customer."""
    customer = found(company.customers.get(key_of(call)))
    return Answer(customers_xml.full(customer, call.context.currency_type, company.id))


def receivables_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one CustomerReceivablesSummary."""
    customer = found(company.customers.get(key_of(call)))
    return Answer(customers_xml.receivables(customer, call.context.currency_type, company.id))


def invoice_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one PayablesInvoice; documents of other types have operations of their own."""
    document = found(company.documents.get(key_of(call)))
    if document.type != "Invoice":
        raise SoapFaultError(NOT_FOUND)
    vendor = company.vendors.get(document.vendor_id)
    return Answer(vendors_xml.invoice(document, vendor, call.context.currency_type))


def account_list(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return GLAccountSummary rows of all types of accounts."""
    asked = read_criteria(call.arguments.get("criteria"), rules.ACCOUNTS, call.operation)
    rows = admitted(company.accounts.rows(asked.key_range("GLAccountId")), asked)
    return listed(map(ledger_xml.account_summary, rows), simulation, "accounts")


def account_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one account; each type has an operation of its own, which finds no others, and one finds all."""
    account = found(
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
    return listed(map(ledger_xml.entry_summary, admitted(rows, asked)), simulation, "journals")


def journal_by_key(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return one GLTransaction: of Work by journal id and date, of the others with sequence and year beside."""
    posted = call.operation == "GetGLPostedTransactionByKey"
    key = key_members(call.arguments.get("key"), _POSTED_KEY if posted else _POSTED_KEY[:2], call.operation)
    try:
        journal_id, on = int(key.get("JournalId", "0")), rules.read_instant(key["Date"]).date()
        sequence, year = int(key.get("RecurringTransactionSequence", "0")), int(key.get("FiscalYear", "0"))
    except (KeyError, ValueError):
        raise SoapFaultError(NOT_FOUND) from None
    dated: Iterable[Entry] = (e for e in company.journals.of(journal_id) if e.on == on)
    if posted:
        dated = (e for e in dated if e.state != "Work" and (e.sequence, e.fiscal_year) == (sequence, year))
    else:
        dated = (e for e in dated if e.state == "Work")
    return Answer(ledger_xml.entry(found(next(iter(dated), None)), call.context.currency_type))


def validation_result(simulation: Simulation, call: Call, company: Company) -> Answer:
    """Return the reasons of a validation fault."""
    try:
        log_id = uuid.UUID(text(call.arguments.get("logId")) or "")
    except ValueError:
        raise SoapFaultError(NOT_FOUND) from None
    errors = found(simulation.exceptions.find(log_id))
    return Answer(f"<Errors>{''.join(map(_validation_error, errors))}</Errors><Warnings />", len(errors))


def _validation_error(error: ValidationError) -> str:
    names = "".join(f"<string>{escape(name)}</string>" for name in error.properties)
    return (
        f"<ValidationError>{xml.string('ObjectType', error.object_type)}<PropertyNames>{names}</PropertyNames>"
        f"{xml.string('Message', error.message)}{xml.string('Id', error.id)}</ValidationError>"
    )


_ACCOUNT_KEY = ("Id", "IsEncrypted")
_POSTED_KEY = ("JournalId", "Date", "RecurringTransactionSequence", "FiscalYear")

OPERATIONS: dict[str, CompanyOperation | SystemOperation] = {
    "GetWSEnabledCompanyForUserList": SystemOperation(("context",), companies_for_user),
    "GetVendorList": CompanyOperation(BY_CRITERIA, vendor_list),
    "GetVendorByKey": CompanyOperation(BY_KEY, vendor_by_key),
    "GetVendorAddressList": CompanyOperation(BY_CRITERIA, vendor_address_list),
    "GetCustomerList": CompanyOperation(BY_CRITERIA, customer_list),
    "GetCustomerByKey": CompanyOperation(BY_KEY, customer_by_key),
    "GetCustomerAddressList": CompanyOperation(BY_CRITERIA, customer_address_list),
    "GetCustomerReceivablesSummaryByKey": CompanyOperation(BY_KEY, receivables_by_key),
    "GetCustomerReceivablesSummaryList": CompanyOperation(BY_CRITERIA, receivables_list),
    "GetPayablesDocumentList": CompanyOperation(BY_CRITERIA, payables_list),
    "GetPayablesInvoiceByKey": CompanyOperation(BY_KEY, invoice_by_key),
    "GetGLAccountList": CompanyOperation(BY_CRITERIA, account_list),
    "GetGLAccountByKey": CompanyOperation(BY_KEY, account_by_key),
    "GetGLPostingAccountByKey": CompanyOperation(BY_KEY, account_by_key),
    "GetGLUnitAccountByKey": CompanyOperation(BY_KEY, account_by_key),
    "GetGLAccountCategoryList": CompanyOperation(("context",), category_list),
    "GetGLAccountFormatList": CompanyOperation(BY_CRITERIA, format_list),
    "GetGLTransactionList": CompanyOperation(BY_CRITERIA, journal_list),
    "GetGLTransactionByKey": CompanyOperation(BY_KEY, journal_by_key),
    "GetGLPostedTransactionByKey": CompanyOperation(BY_KEY, journal_by_key),
    "GetChangedCustomerKeyList": CompanyOperation(BY_CRITERIA, changed_customer_keys),
    "GetChangedCustomerAddressKeyList": CompanyOperation(BY_CRITERIA, changed_customer_address_keys),
    "GetChangedInternetAddressKeyList": CompanyOperation(BY_CRITERIA, changed_internet_address_keys),
    "GetLoggedValidationResultByKey": CompanyOperation(("logId", "context"), validation_result),
    **sales_operations.OPERATIONS,
    **sales_setup.OPERATIONS,
    **sales_write.OPERATIONS,
    **masters_write.OPERATIONS,
}

SIGNATURES: Signatures = {name: operation.arguments for name, operation in OPERATIONS.items()}
