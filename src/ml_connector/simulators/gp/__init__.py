r"""A Dynamics GP that speaks the wire: the legacy SOAP endpoint of its Web Services and SBA, behind Windows sign-in.

    from ml_connector.simulators.gp import GpOptions, GpSimulator

    with GpSimulator(GpOptions(customers=5000, seed=7, latency_seconds=0.2)) as gp:
        print(gp.endpoint)  # http://127.0.0.1:PORT/DynamicsGPWebServices/DynamicsGPService.asmx
        gp.control("POST", "customers/AARONFIT0001", {"set": {"name": "Aaron Fitz Electric"}})
        print(gp.control("GET", "requests?limit=10")["peak_concurrent"])

The account is `FABRIKAM\connector` with the password `Sample-Pa55word`, unless `GpOptions.accounts` names
others. Company -1 is Fabrikam, Inc., alone or with any number of generated customers, vendors and journal entries;
company 2 exists and is empty.

What it takes pains over, because clients trip there:

* sign-in belongs to the connection (`auth_per_request` for sites where it does not), and accounts lock;
* a list stops at a row limit without a sign, in the order of the database's collation, which is not
  Python's;
* a list holds summaries; an address in a list has neither stamps nor e-mail (they are in the ByKey object);
* `ModifiedDate` is UTC without a zone, to the second or to the day (`stamp_granularity`), or the empty date
  1900-01-01; editing an address or an e-mail does not touch it, and balances touch nothing;
* a missing record is a fault; a fault has a GUID, and for a validation fault the GUID leads to the reasons;
* a journal id stands on several dates, and is posted again under a recurring sequence; the key of what is posted has
  a year and a sequence that the key in Work has not; a list has no lines; the year-end close stamps every row anew,
  and posts an entry of its own, which repeats in the new year what the entries of the old ones come to;
* amounts of a unit account are quantities, those of others money, told apart by `xsi:type` alone;
* strings carry their column's trailing blanks, phones are digits padded with zeros;
* elements that are misspelt or out of order are refused, where a real service may skip them in silence;
* a created order is answered with nothing, its price is the item's, and a number is taken once; an update loses what
  it leaves out (what of this is confirmed and what inferred stands in `policies`, `sales_read`, `sales_rules`).

SBA (`gp.sba_address`, REST) has vendors, customers and their addresses as Microsoft's list of 2015 names them, and
a dictionary of one customer's own (see `sba`). Its JSON is documented nowhere, so names are invented and the envelope
is an option (`sba_envelope`); `sba_instances` programs take one request each, and the first call starts them.

Beside the services stands `/_control/` (plain JSON, no sign-in, not part of GP): `GET state`; `GET customers`,
`vendors`, `documents` (`?company=&offset=&limit=`), or one of them by id; `POST customers/ID` with any of

    {"set": {"name": "...", "credit_limit": "2500"}, "address": {"id": "PRIMARY", "city": "..."},
     "email": {"to": "..."}, "balance": {"amount": "12.50"}, "rename": "NEWID", "touch": false, "modified_at": "..."}

`POST customers` to create, `DELETE customers/ID`; the same for `accounts`; `GET journals` and `journals/ID`, `POST
journals` with `{"on": "2026-05-31", "lines": [{"account": "...", "debit": "1.00"}, ...], "state": "Work"}` to add an
entry, `POST journals/ID` with `{"post": true}`, `POST journals/close` with `{"year": 2026}`, `DELETE journals/ID`;
the same for `items` and `batches`; `GET sales` and `sales/Order/ID`, `POST sales` with `{"type": "Order",
"customer_id": "...", "lines": [{"item_id": "100XLG", "quantity": "2"}]}`, `POST sales/Order/ID` with `{"set":
{...}}`, `{"allocate": true}`, `{"invoice": true, "post": true}` (or `{"invoice": {"16384": "1"}}` for a part),
`{"void": true}`, of a quote `{"transfer": true}`, of an invoice `{"post": true}`; `POST policies/CreateSalesOrder`
with `{"Calculate Unit Price": 0}`, `POST periods` with `{"closed": ["2026-05"]}`; `POST settings`, `POST faults` (one
of kind `late` is a create that is done after its connection is gone: some seconds later, or when `POST late` bids),
`GET` and `DELETE requests`, `POST unlock`. `GpSimulator.control` does the same without HTTP.

Company -1 is Fabrikam and 2 is empty; `GpOptions.companies` has more (2 among them), each with Fabrikam's own records
and a seed of its own. A path of the control endpoint takes `?company=`.

Where to look: `simulator` is the face; `server` is the way of a request from the socket to the answer; `windows_auth`
the sign-in; `requests` and `criteria` the XML that comes in; `operations` what is done; `answers`, `customers_xml`,
`vendors_xml` and `ledger_xml` the XML that goes out; `sba` and `sba_json` the REST service; `company` and `ledger`
the records and their tables; `year_end` the close of a year; `fabrikam`, `chart`, `generate`, `ledger_generate` and
`names` the data; `items`, `sales_documents`, `sales_read`, `sales_rules`, `sales_write`, `sales_posting`,
`sales_setup` and `policies` sales, `masters_read` and `masters_write` what changes customers and vendors, `sales_xml`
and `items_xml` their XML, `fabrikam_sales` their data; `faults` the faults, answered and planned; `control`,
`control_records`, `control_ledger` and `control_sales` the control endpoint; `traffic` what was asked; `state` what
holds it all.

Not there: the native endpoint (WS-SecureConversation), Kerberos, kits, serial and lot numbers, payments, invoices that
are created by the service, GetChangedSalesOrderKeyList (no member of its rows holds a document's number).
"""

from ml_connector.simulators.gp.control_records import ControlError
from ml_connector.simulators.gp.options import Account, GpOptions, MoreCompany
from ml_connector.simulators.gp.server import SERVICE_PATH
from ml_connector.simulators.gp.simulator import GpSimulator

__all__ = ["SERVICE_PATH", "Account", "ControlError", "GpOptions", "GpSimulator", "MoreCompany"]
