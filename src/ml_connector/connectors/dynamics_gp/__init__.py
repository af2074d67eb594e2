"""Microsoft Dynamics GP, read and written by the legacy endpoint of its Web Services (SOAP 1.1, Windows sign-in).

Entities that the settings give to SBA, GP's REST service, are read by that instead.

``GpSource`` implements ``core.ports.Source`` for customers, vendors and the general ledger of one company:

    gate = RequestGate(folder, config.max_requests, config.delay_seconds, clock)
    source = GpSource(GpClient(config, password, gate, clock))

``GpTarget`` holds what is written to, ``core.sales_ports``: ``documents``, ``masters``, ``set_up``.

===========  ========================================================================
config       the settings
schema       entities, fields and operations as tables
values       what the texts in GP's answers mean
soap         the dialect: requests and answers as bytes
sba          the other dialect, GP's REST service: paths out, JSON in
sba_config   its settings: where it is, and how each resource looks
sba_names    where each field is looked for in its JSON, unless the settings say otherwise
sba_trees    its rows as the trees that SOAP would have sent
sba_reader   reading by it, for the entities that the settings give to it
sba_meanings what it can end with
listing      complete lists in spite of GP's silent row limit
payables     what is owed to a vendor, added up from its documents
owed         reading these documents
tracks       GP's own track of edited e-mail addresses
ledger       accounts and journal entries as tables; the keys of entries and lines
ledger_reader  reading them, by as few calls as there can be
lanes        connections, one request at a time on each
tickets      the Kerberos ticket in memory
mechanisms   Kerberos or NTLM
auth         Windows sign-in on the lanes
limits       how many requests at once, over all processes
pace         fewer of them while GP is slow
quiet        none of them in quiet hours
guard        all three at once: the one way to ask GP anything
errors       what GP, its web server and the network say, as our kinds of error
client       the only file that sends
source       the source itself
members      what is sent, in the order that GP declares
elements     objects made anew, or changed within what was read
sales_fields  sales documents as tables
sales_xml    a document to create, or to send back changed
sales_trees  a document as GP tells of it
documents    quotes, orders and invoices
document_limit  their list, proved whole by few questions
master_xml   a customer or vendor with some fields changed, or new
master_edits  reading, editing and creating them
set_up       which items, sites, batches and the like there are
policies     by which every change is made
changes      sends a change, and says what came of it
undone       what goes wrong before that leaves no doubt
reasons      why GP refused something, in its own words
refusals     what these come to
meaning      a code: its words, and the error it becomes
meanings     what reading can end with
write_meanings  what a change can end with
sba_paths    what a path of SBA may be
sba_caller   one request to SBA and its answer
sba_sales_config  the settings of sales documents by SBA
sba_sales    these documents as JSON, both ways
sba_changes  what came of a change by SBA
sba_documents  quotes, orders and invoices by it
target       documents, masters and set-up of one company
checks       what ``ping`` asks
target_checks  the same before anything is written
===========  ========================================================================
"""

from ml_connector.connectors.dynamics_gp.client import GpClient
from ml_connector.connectors.dynamics_gp.config import GpConfig
from ml_connector.connectors.dynamics_gp.limits import RequestGate
from ml_connector.connectors.dynamics_gp.sba_reader import SbaReader
from ml_connector.connectors.dynamics_gp.source import GpSource
from ml_connector.connectors.dynamics_gp.target import GpTarget

__all__ = ["GpClient", "GpConfig", "GpSource", "GpTarget", "RequestGate", "SbaReader"]
