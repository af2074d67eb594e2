"""A simulated Zoho CRM (API v8) that speaks the wire. Start here.

    from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator

    with ZohoSimulator(ZohoOptions(edition="professional", search_lag_seconds=2)) as zoho:
        print(zoho.url)  # accounts server and API domain: POST {url}/oauth/v2/token, GET {url}/crm/v8/org

or as a process: `python -m ml_connector.simulators.zoho '{"port": 8090}'` prints the URL and runs until interrupted.
Any client that lets its base URLs be chosen works unchanged; Zoho's own Python SDK does (see the tests).

It is faithful rather than kind. Token errors come as HTTP 200, the eleventh token in ten minutes is denied; lists
want `fields` and end at 2,000 rows without a page token; writes answer item by item with 200, 201, 207 or 400;
upserts match in Zoho's order, traps included; values that are too long are refused, never cut; /search lags and takes
`equals` for "contains" while COQL sees everything at once; credits, concurrency and sub-concurrency end in 429
without Retry-After. What Zoho leaves open is an option (`options.py`) with a comment; nothing is kept on disk.

`/_control/` (see `control.py`) is the back door: seed and dump records, edit as a person, merge, change fields and
layouts as an administrator (`schema_changes.py`), move the clock, plan faults (see `faults.py`), and read what was
asked: calls, credits, writes by module and action, peaks. `examples.py` writes down one request of each shape.

The way of a call: `server.py` (bytes) -> `gateway.py` (faults, journal) -> `api.py` (route, scopes, cost) ->
`record_writes.py`, `record_reads.py`, `search.py`, `coql_run.py`, `bulk_write.py`, `bulk_read.py` or
`settings_calls.py` -> `records.py` (a module's rows and indexes). A write is checked without a lock (`checking.py`,
`values.py`) and committed under one (`writing.py`); stored rows are replaced, never changed, so that readers need none.
Fields and lengths are data: `modules.json`, read by `metadata.py`.

A bulk write takes its file by POST {url}/crm/v8/upload, has its jobs below {url}/crm/bulk/v8/write, and gives a result
at the address that the job's details name; a bulk read has its jobs below {url}/crm/bulk/v8/read. Jobs run one after
the other by the simulator's clock (`bulk_jobs.py`): a test moves the clock, ends them, or waits. How the next ones end
can be planned (`POST /_control/bulk/fates`). The callback of a job is posted when it ends (`courier.py`), if it is one
of this machine; what happens to callbacks on the way is planned, too (`callbacks.py`).

Channels are kept at {url}/crm/v8/actions/watch (`watch.py`, `watch_calls.py`). Every insert, update and delete is told
to the live channels that ask for it (`notices.py`), by real posts from a thread of their own (`notice_courier.py`),
once each; the options `notice_...` lose, double, delay, shuffle and forge them (`notice_queue.py`). The calls of
`watch_control.py` count them, wait for them, and take channels away.

Not simulated: notifications of users, composite requests, aggregates in COQL, related lists; and of the bulk calls
custom views, ICS files, and parents with their children in one job.
"""

from ml_connector.simulators.zoho.options import ALL_SCOPES, GrantCode, ZohoOptions
from ml_connector.simulators.zoho.server import ZohoSimulator

__all__ = ["ALL_SCOPES", "GrantCode", "ZohoOptions", "ZohoSimulator"]
