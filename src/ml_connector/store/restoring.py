"""Putting a backup back: what is taken as it was, what stays as it is, what has to begin anew.

A sync over the restored store creates nothing twice: what was created since carries its key in the target, and the
index is read whole before anything is created. What was done or is under way outside does not go back in time with
us: creates and bulk jobs that were sent and never recorded stay known, and so does what records became in the ERP,
which deals their documents belong to, and since when what is made in the CRM goes there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ml_connector.core.audit import AuditAction
from ml_connector.core.change import set_back
from ml_connector.core.errors import ConfigurationError
from ml_connector.store import audit, channels, cursors, frozen, tables
from ml_connector.store.audit import AuditRow
from ml_connector.store.backup import Copied, Header
from ml_connector.store.copying import clear, copy_rows, is_empty
from ml_connector.store.database import Connection, Database, upsert
from ml_connector.store.identity import ORG
from ml_connector.store.secrets import CHANNEL_TOKENS, FETCHED
from ml_connector.store.verification import chain

#: What was sent, acknowledged, spent or refused outside: these rows of the store stay beside the backup's.
_OUTSIDE: Mapping[sa.Table, sa.ColumnElement[bool]] = {
    **dict.fromkeys(
        (
            *(tables.intents, tables.bulk_jobs, tables.credit_minutes, tables.refusals),
            *(tables.alerts, tables.alert_messages, tables.channels, tables.inbox),
            tables.document_deals,
        ),
        sa.true(),
    ),
    tables.documents: sa.or_(
        tables.documents.c.kind != "",
        tables.documents.c.intent_at.is_not(None),
        tables.documents.c.won_at.is_not(None),
    ),
    tables.master_edits: tables.master_edits.c.sent_at.is_not(None),
}

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_BROKEN = "It was under way when the backup was made that the store was restored from."


@dataclass(frozen=True, slots=True)
class Restoring:
    """Who restores, when, and what the store's rows do not tell."""

    actor: str
    now: datetime
    overlap: timedelta  #: of windows
    target_flows: Collection[tuple[str, str]]  #: (company, flow) of those whose cursor is the target's


def require_room(database: Database, backup: Header, *, over: bool) -> None:
    """ConfigurationError: the store has rows, and it was not said that they go; or it is another organisation's."""
    with database.read() as tx:
        org, is_free = frozen.find(tx, ORG) or "", is_empty(tx)
    if org and backup.organisation and org != backup.organisation:
        raise ConfigurationError(
            f"The backup is of Zoho's organisation {backup.organisation}, and this store of {org}.",
            "Set another data folder or database under [store], and restore it there.",
        )
    if not is_free and not over:
        raise ConfigurationError(
            "The store is not empty, so nothing was restored.",
            "Make a backup of it (ml-connector backup), then give --over: what is in the store is replaced.",
        )


def put_back(database: Database, copy: Database, backup: Copied, asked: Restoring) -> None:
    """Replace every row by the backup's, all or nothing. ConfigurationError if it cannot be done."""
    with copy.read() as source, database.begin() as tx:
        outside = {
            table: [dict(row) for row in tx.execute(sa.select(table).where(stays)).mappings()]
            for table, stays in _OUTSIDE.items()
        }
        begun = frozen.find_beginnings(tx)
        clear(tx)
        copy_rows(source, tx)
        if chain(tx) != (backup.audit_rows, backup.broken_at):
            raise ConfigurationError(
                "The audit trail of the backup did not arrive as it is, so nothing was restored.",
                "This is a fault of ml-connector: report it with this sentence.",
            )
        for table, rows in outside.items():
            upsert(tx, table, rows)
        frozen.put_beginnings(tx, begun)
        _begin_anew(tx, backup.header, asked)
        audit.append(tx, [_row(backup.header, asked)])


def _begin_anew(tx: Connection, backup: Header, asked: Restoring) -> None:
    """What was true then and is not now."""
    for of_runs in (tables.staged, tables.weights):
        tx.execute(sa.delete(of_runs))
    # Of commands that nobody follows any more.
    tx.execute(sa.delete(tables.requests).where(tables.requests.c.ended_at.is_(None)))
    runs = tables.runs.c
    ended = {"ended_at": asked.now, "state": "broken", "note": _BROKEN}
    tx.execute(sa.update(tables.runs).where(runs.ended_at.is_(None)).values(**ended))
    # Read whole, and with what was deleted since: the next run does both before it creates anything.
    tx.execute(sa.update(tables.refreshes).values(filled_at=_LONG_AGO))
    name = tables.secrets.c.name
    fetched = sa.or_(name.in_(FETCHED), name.startswith(CHANNEL_TOKENS, autoescape=True))
    tx.execute(sa.delete(tables.secrets).where(fetched))
    channels.look_again(tx)
    tx.execute(sa.delete(tables.listening))  # what came since is not known any more: every module is polled
    for company, flow in asked.target_flows:
        if (done := cursors.find(tx, company, flow)) is not None:
            cursor = set_back(done.cursor, backup.made_at, asked.overlap)
            cursors.put(tx, company, flow, replace(done, cursor=cursor))


def _row(backup: Header, asked: Restoring) -> AuditRow:
    reason = (
        f"Everything was put back as it was at {backup.made_at:%Y-%m-%d %H:%M:%S} UTC, from a backup by version"
        f" {backup.version}. What was recorded after that is not known here."
    )
    return AuditRow(
        company="",
        flow="",
        run="",
        mapping="",
        source_key="",
        entity="",
        module="",
        target_id="",
        action=AuditAction.STORE_RESTORED,
        at=backup.made_at,
        happened_at=asked.now,
        reason=reason,
        actor=asked.actor,
    )
