"""Bringing the index of a module up to date: what is there, what is gone, what came back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ml_connector.core.audit import AuditAction
from ml_connector.flows.work import Work
from ml_connector.store import asked, audit, links, match_index, staging
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.links import Lost
from ml_connector.store.match_index import Refresh

Result = dict[str, Any]
Do = Callable[[str, Callable[[], Result]], Result]  #: one durable step

#: How far a refresh of the index reaches back: the target's clock and ours differ.
OVERLAP = timedelta(minutes=5)
#: How often it is read whole: what comes back from the recycle bin may keep its old stamp.
FILL_EVERY = timedelta(days=1)


def refresh(do: Do, work: Work, run: str, module: str) -> None:
    """Fill the index now and then, otherwise read what changed; stage the records whose counterpart went or came."""
    told = do(f"index {module}", partial(_since, work, module))
    since = told["since"] and datetime.fromisoformat(told["since"])
    after: str | None = None
    greatest: list[str] = [told["last"]] if told["last"] else []
    while True:
        page = do(f"refresh {module}", partial(_page, work, run, module, since, after))
        greatest += [page["greatest"]] if page["greatest"] else []
        after = page["next_after"]
        if after is None:
            break
    do(f"refreshed {module}", partial(_finish, work, run, module, told, max(greatest, default=None)))


def _since(work: Work, module: str) -> Result:
    with work.database.read() as tx:
        last = match_index.refreshed(tx, module, work.recognised_by(module))
    now = work.clock.now()
    fill = last is None or now - last.filled_at > FILL_EVERY
    since = None if last is None or fill else last.refreshed_at - OVERLAP
    return {
        "since": since and since.isoformat(),
        "last": last and last.refreshed_at.isoformat(),
        "began_at": now.isoformat(),
        "filled_at": (now if last is None or fill else last.filled_at).isoformat(),
    }


def _page(work: Work, run: str, module: str, since: datetime | None, after: str | None) -> Result:
    page = work.target.list_candidates(module, work.recognised_by(module), since, after)
    with work.database.begin() as tx:
        match_index.put(tx, module, page.rows, work.clock.now())
        back = links.regain(tx, module, [row.target_id for row in page.rows])
        _tell(tx, work, run, module, back, AuditAction.FOUND_AGAIN)
    greatest = max((row.modified_at for row in page.rows), default=None)
    return {"next_after": page.next_after, "greatest": greatest and greatest.isoformat()}


def _finish(work: Work, run: str, module: str, told: Result, greatest: str | None) -> Result:
    """Forget what was deleted, and note how far the index is right: by the target's own stamps, never by our clock."""
    since, last = (datetime.fromisoformat(at) if at else None for at in (told["since"], told["last"]))
    began_at = datetime.fromisoformat(told["began_at"])
    looked = since or (
        last - OVERLAP if last else None
    )  # a whole reading does not tell what a person deleted
    gone = work.target.list_deleted(module, looked) if looked else []
    with work.database.begin() as tx:
        match_index.remove(tx, module, gone)
        if since is None:
            match_index.sweep(tx, module, began_at)
        lost = links.lose(tx, module, gone, links.DELETED)
        _tell(tx, work, run, module, lost, AuditAction.LOST)
        # A person may have changed what was read already while the rest was read. An empty module has no stamp; a day
        # back is early enough, however much the clocks differ.
        stamp = min(datetime.fromisoformat(greatest), began_at) if greatest else began_at - FILL_EVERY
        done = Refresh(stamp, datetime.fromisoformat(told["filled_at"]))
        match_index.mark_refreshed(tx, module, work.recognised_by(module), done)
    return {"gone": len(gone)}


def _tell(
    tx: Connection, work: Work, run: str, module: str, found: Sequence[Lost], action: AuditAction
) -> None:
    """Have these records looked at, in this run or in the next of their own flow, and tell why."""
    by_entity: dict[tuple[str, str], list[str]] = {}
    for company, entity, link in found:
        by_entity.setdefault((company, entity), []).append(link.source_key)
    for (company, entity), keys in by_entity.items():
        # Asked for, too: a plan, or a run that stops, stages them for nothing.
        asked.put(tx, company, entity, keys, action.value)
    own = (work.flow.company, work.flow.entity.name)
    if not work.asked.keys:
        staging.put_keys(tx, run, *own, by_entity.get(own, []))
    now = work.clock.now()
    told = AuditRow("", work.flow.name, run, "", "", "", module, "", action, None, now)
    audit.append(
        tx,
        [
            replace(
                told,
                company=company,
                entity=entity,
                source_key=link.source_key,
                part=link.part,
                target_id=link.target_id,
            )
            for company, entity, link in found
        ],
    )
