"""What a person decides about records that wait: let through, discarded, gone on under another key.

Each decision is one transaction with its audit rows. It asks for the record, so that the next run looks at it even
if whoever decided is interrupted before it is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ml_connector.core.audit import AuditAction
from ml_connector.core.catalogue import CHANGED_SINCE_APPROVAL, OWN_CODES
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.mapping import key_value, person_of
from ml_connector.core.match import Verdict
from ml_connector.core.ports import Absent, Fetched
from ml_connector.core.record import Ident, Record, fold_key
from ml_connector.core.transform import MapContext
from ml_connector.flows.work import Work
from ml_connector.store import asked, audit, awaited, holds, intents, links, outcomes, staging, verdicts
from ml_connector.store.audit import AuditRow
from ml_connector.store.database import Connection
from ml_connector.store.holds import Hold
from ml_connector.store.links import Link


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, and why."""

    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ConfigurationError("A decision needs a reason.", "Give one with --reason TEXT.")


@contextmanager
def _alone(work: Work) -> Iterator[Connection]:
    """A transaction while no run of the flow writes: what that had planned before would be done against the person."""
    with work.locked(f"create-{module}" for module in work.flow.modules), work.database.begin() as tx:
        yield tx


def release(work: Work, key: str, by: Decider) -> list[Hold]:
    """Let the key's holds through of which a person may say that the reason does not count; which those were.

    Holds of the same record that are no decision (a parent's, a value's) stay. Raises ConfigurationError where no hold
    can be released.
    """
    with _alone(work) as tx:
        opened = _opened(tx, work, key)
        free = [hold for hold in opened if hold.code in OWN_CODES and OWN_CODES[hold.code].releasable]
        if not free:
            first = opened[0]
            raise ConfigurationError(
                f"{first.source_key} waits as {first.code}, which nobody can release: {first.happened}",
                first.remedy,
            )
        for module, part in dict.fromkeys(_place(work, hold) for hold in free):
            codes = {hold.code for hold in free if _place(work, hold) == (module, part)}
            _add_released(tx, work, module, (free[0].source_key, part), codes, by)
        _tell(tx, work, free, AuditAction.LET_THROUGH, by)
        asked.put(tx, work.flow.company, work.flow.entity.name, [free[0].source_key], "released")
    return free


def discard(work: Work, key: str, by: Decider) -> list[Hold]:
    """Close the key's holds without writing anything; the record is looked at again when the source changes it."""
    with _alone(work) as tx:
        opened = _opened(tx, work, key)
        holds.discard(tx, work.flow.company, work.flow.name, [key], work.clock.now())
        asked.remove(tx, work.flow.company, work.flow.entity.name, [key])
        _tell(tx, work, opened, AuditAction.DISCARDED, by)
    return opened


def _opened(tx: Connection, work: Work, key: str) -> list[Hold]:
    opened = holds.find(tx, work.flow.company, flow=work.flow.name, keys=[key])
    if not opened:
        raise ConfigurationError(
            f"No record {key} of the flow {work.flow.name} waits.",
            "ml-connector held list names those that do.",
        )
    return opened


def _place(work: Work, hold: Hold) -> tuple[str, str]:
    """The module and the part that the hold is about; a mapping that left the flow counts for its first module."""
    modules = {mapping.name: mapping.target for mapping in work.flow.mappings}
    return modules.get(hold.mapping, work.flow.first_module), hold.part


def _add_released(
    tx: Connection, work: Work, module: str, whose: tuple[str, str], codes: set[str], by: Decider
) -> None:
    source_key, part = whose
    pair = work.pair(module)
    known = verdicts.find(tx, pair, [source_key]).get((fold_key(source_key), part), Verdict())
    # To let one record through by name is to approve what becomes of it, on a first load too.
    verdict = replace(known, released=known.released | codes | {CHANGED_SINCE_APPROVAL})
    if codes != {CHANGED_SINCE_APPROVAL}:  # it gets a record of its own: what was chosen before is not meant
        verdict = replace(verdict, chosen="", replaces="")
    now = work.clock.now()
    verdicts.put(tx, pair, source_key, part, verdict, reason=by.reason, actor=by.actor, at=now)


def _tell(tx: Connection, work: Work, decided: Sequence[Hold], action: AuditAction, by: Decider) -> None:
    rows = []
    for hold in decided:
        module, part = _place(work, hold)
        row = _row(work, module, hold.source_key, action, by)
        reason = f"Held as {hold.code}: {by.reason}"
        rows.append(replace(row, mapping=hold.mapping, part=part, attempt=hold.attempts, reason=reason))
    audit.append(tx, rows)


def _row(work: Work, module: str, key: str, action: AuditAction, by: Decider) -> AuditRow:
    return AuditRow(
        company=work.flow.company,
        flow=work.flow.name,
        run="",
        mapping=next((mapping.name for mapping in work.flow.of_module(module)), work.flow.first_meaning),
        source_key=key,
        entity=work.flow.entity.name,
        module=module,
        target_id="",
        action=action,
        at=None,
        happened_at=work.clock.now(),
        reason=by.reason,
        actor=by.actor,
    )


# ---- renamed in the source


@dataclass(frozen=True, slots=True)
class Moved:
    """What goes on under another key."""

    key: str  #: as the source writes it
    target_ids: Sequence[str]


def move(work: Work, old: str, new: str, by: Decider) -> Moved:
    """The source renamed ``old`` to ``new``: what belonged to the one belongs to the other.

    The record of the target gets its new key when ``new`` is run next. Raises ConfigurationError, with nothing
    changed, where that cannot be so: the source still has ``old`` or does not give ``new``, ``old`` has no link or
    ``new`` has one.
    """
    if fold_key(old) == fold_key(new):
        raise ConfigurationError(
            f"{old} and {new} are one and the same key.", "The key before comes first, the key now second."
        )
    record = _renamed(work, old, new)
    renaming = _Renaming(record, work.context(), by)
    moved: list[str] = []
    with _alone(work) as tx:
        found = {module: _links_to_move(tx, work, module, old, record.key) for module in work.flow.modules}
        if not any(found.values()):
            raise ConfigurationError(
                f"No record of the CRM is linked to {old} in the flow {work.flow.name}.",
                "Check the key: ml-connector audit show KEY tells what is known of it.",
            )
        for module, old_links in found.items():
            for link in old_links:
                _move_link(tx, work, module, link, renaming)
                moved.append(link.target_id)
            _forget(tx, work, module, old, {"", *(link.part for link in old_links)})
        _end_old(tx, work, old)
        asked.put(tx, work.flow.company, work.flow.entity.name, [record.key], f"moved from {old}")
    return Moved(record.key, moved)


def _renamed(work: Work, old: str, new: str) -> Record:
    """The record under its new key, if the source tells of the two what a renaming leaves behind."""
    entity = work.flow.entity.name
    before, now = work.source.fetch(entity, [old, new])
    if not isinstance(before, Absent):
        raise ConfigurationError(
            f"The ERP still has {old} in {entity}: it was not renamed.",
            "To choose another record of the CRM for a key, use the review file.",
        )
    if not isinstance(now, Record):
        raise ConfigurationError(f"The ERP does not give {new} of {entity}{_why(now)}", "Check the new key.")
    told = str(now.fields.get(work.flow.entity.key) or now.key).rstrip()  # not as a person typed it
    return replace(now, key=told)


def _why(told: Fetched) -> str:
    return "." if isinstance(told, Absent | Record) else f": {told.error.happened}"


def _links_to_move(tx: Connection, work: Work, module: str, old: str, new: str) -> list[Link]:
    found = links.find(tx, work.pair(module), [old, new])
    taken = next((link for link in found.values() if link.ident[0] == fold_key(new)), None)
    if taken is not None:
        raise ConfigurationError(
            f"{new} is linked to the record {taken.target_id} of {module} already.",
            "Merge the two records in the CRM, or choose one in the review file.",
        )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Renaming:
    """A record under its new key, and who says so."""

    record: Record
    context: MapContext
    by: Decider


def _move_link(tx: Connection, work: Work, module: str, link: Link, renaming: _Renaming) -> None:
    """What the record names now is decided for, and gets the new key; who left or is gone keeps his link."""
    pair, record, by = work.pair(module), renaming.record, renaming.by
    links.remove(tx, pair, link.source_key, link.part)
    if link.gone or link.part != person_of(record, work.flow.of_module(module)[0]):
        links.put(tx, pair, [replace(link, source_key=record.key)])
    else:
        replaces = key_value(replace(record, key=link.source_key), renaming.context, link.part)
        verdict, now = Verdict(chosen=link.target_id, replaces=replaces), work.clock.now()
        verdicts.put(tx, pair, record.key, link.part, verdict, reason=by.reason, actor=by.actor, at=now)
    told = _row(work, module, link.source_key, AuditAction.MOVED, by)
    away = replace(
        told, target_id=link.target_id, part=link.part, reason=f"It goes on as {record.key}: {by.reason}"
    )
    here = replace(away, source_key=record.key, reason=f"It was {link.source_key}: {by.reason}")
    audit.append(tx, [away, here])


def _forget(tx: Connection, work: Work, module: str, old: str, parts: set[str]) -> None:
    """What was decided, intended, awaited and left for the key that is no more."""
    pair = work.pair(module)
    mappings = [mapping.name for mapping in work.flow.of_module(module)]
    idents: list[Ident] = [(fold_key(old), part) for part in sorted(parts)]
    for key, part in idents:
        outcomes.remove(tx, work.flow.company, mappings, key, part)
    intents.remove(tx, pair, idents)
    verdicts.remove(tx, pair, idents)
    awaited.put(tx, pair, old, [])


def _end_old(tx: Connection, work: Work, old: str) -> None:
    company, entity = work.flow.company, work.flow.entity.name
    holds.discard(tx, company, work.flow.name, [old], work.clock.now())
    staging.remove_names(tx, company, entity, [old])
    asked.remove(tx, company, entity, [old])
