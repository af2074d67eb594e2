"""Telling the CRM what became of its records in the ERP: by up to a hundred in a call, and each thing once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ml_connector.core.audit import AuditAction
from ml_connector.core.document_fields import AS_OF
from ml_connector.core.ports import Refused, Write, WriteResult, Written
from ml_connector.flows.document_work import DocumentWork
from ml_connector.flows.work import CHUNK
from ml_connector.store import audit, documents
from ml_connector.store.audit import AuditRow
from ml_connector.store.documents import Telling

#: Under which the audit trail has what the CRM was told.
MAPPING = "document_status"


def tell(work: DocumentWork, run: str) -> Counter[str]:
    """Write what the CRM does not know yet; counts. What it was told is kept: an echo of it, or a second time, is none.

    Whoever dies between the write and its record writes the same values to the same records once more. Errors as
    those of ``Target.write``.
    """
    counts: Counter[str] = Counter()
    for module in work.flow.modules:
        after = ""
        while rows := _next(work, module, after):
            batch = [Write({**row.fields, AS_OF[module]: row.as_of}, row.key) for row in rows]
            results = work.target.write(module, batch)
            counts += _record(work, run, rows, results)
            after = rows[-1].key
    return counts


def _next(work: DocumentWork, module: str, after: str) -> list[Telling]:
    with work.database.read() as tx:
        return documents.untold(tx, module, CHUNK, after)


def _record(
    work: DocumentWork, run: str, rows: Sequence[Telling], results: Sequence[WriteResult]
) -> Counter[str]:
    """Keep what it was told. A record that is gone needs to know nothing; one that Zoho refuses is told again later."""
    pairs = list(zip(rows, results, strict=True))
    told = [row for row, one in pairs if isinstance(one, Written)]
    gone = [row for row, one in pairs if isinstance(one, Refused) and one.gone]
    refused = [(row, one.error) for row, one in pairs if not isinstance(one, Written) and row not in gone]
    with work.database.begin() as tx:
        documents.tell(tx, told + gone)
        audit.append(tx, [_row(work, run, row, AuditAction.UPDATED) for row in told])
        audit.append(tx, [_row(work, run, row, AuditAction.HELD, str(error)) for row, error in refused])
    return Counter({"crm_told": len(told), "crm_refused": len(refused)}) + Counter()


def _row(work: DocumentWork, run: str, row: Telling, action: AuditAction, reason: str = "") -> AuditRow:
    return AuditRow(
        company=work.flow.company,
        flow=work.flow.name,
        run=run,
        mapping=MAPPING,
        source_key=row.key,
        entity=work.flow.entity,
        module=row.module,
        target_id=row.key,
        action=action,
        at=row.as_of,
        happened_at=work.clock.now(),
        after=row.fields,
        reason=reason,
    )
