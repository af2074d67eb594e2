"""Learning when our own last write of a record was, where the answer did not tell: a bulk job's does not.

Without that stamp nobody can say whether a person changed the record since, so an update reads it first. To list what
stands in many such records is several times cheaper than to read them one by one: one that stands as we left it has
the stamp of our write.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from ml_connector.flows.refresh import Do, Result
from ml_connector.flows.standing import compare, fields_of
from ml_connector.flows.work import Work
from ml_connector.store import links, match_index, staging

#: As many are listed for the price of one that is read, and a few more: of Zoho's, 2,000 for 3 credits as against 100
#: for one.
_LISTED_FOR_ONE = 6
_FEWEST = 300  #: to read fewer costs next to nothing


def learn(do: Do, work: Work, run: str, module: str) -> None:
    """Where it pays, list what stands in the records of the module, and keep the stamps of those that are as we left.

    Raises RetryableError, ConfigurationError.
    """
    told = do(f"stamps {module}", partial(_begin, work, run, module))
    since, after = told["since"] and datetime.fromisoformat(told["since"]), None
    while since is not None:
        after = do(f"stamps {module}", partial(_page, work, module, since, after))["next_after"]
        if after is None:
            return


def _begin(work: Work, run: str, module: str) -> Result:
    """Since when the records without a stamp of ours were written; None: to list all since then does not pay."""
    pair = work.pair(module)
    if any((other.source, other.target) == (pair.entity, module) for other in work.others):
        return {"since": None}  # the link is another flow's, too, and what that one left is not compared here
    with work.database.read() as tx:
        since, unstamped = links.unstamped(tx, pair)
        read = min(unstamped, staging.count(tx, run))
        pays = since and read >= _FEWEST and read * _LISTED_FOR_ONE >= match_index.count(tx, module, since)
    return {"since": since.isoformat() if since and pays else None}


def _page(work: Work, module: str, since: datetime, after: str | None) -> Result:
    fields = fields_of(work, module)
    page = work.target.list_values(module, fields, since, after)
    with work.database.begin() as tx:
        same = {
            row.target_id: row.modified_at
            for row, _, differences in compare(tx, work, module, page.rows)
            if not differences and row.values.keys() >= set(fields)  # what it does not state may be anything
        }
        links.stamp(tx, work.pair(module), same)
    return {"next_after": page.next_after}
