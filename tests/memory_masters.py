"""Masters of an ERP in memory that are the records of its source: what an edit leaves, the next run reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from memory import MemorySource
from memory_documents import MemoryMasterEdits
from ml_connector.core.record import Value
from ml_connector.core.sales_ports import Edit, Outcome

FIELDS = frozenset(("name", "city", "email", "phone", "contact_person"))


@dataclass
class MastersOfSource(MemoryMasterEdits):
    """The same records that the source gives."""

    source: MemorySource = field(kw_only=True)
    fields: dict[str, frozenset[str]] = field(
        default_factory=lambda: dict.fromkeys(("customers", "vendors"), FIELDS)
    )

    overwrote: list[tuple[str, str, Value, Value]] = field(
        default_factory=list
    )  #: key, field, before, after; by us

    def _edit(self, edit: Edit) -> Outcome:
        before = dict(self.records.get((edit.entity, edit.key.casefold()), {}))
        outcome = super()._edit(edit)
        now = self.records.get((edit.entity, edit.key.casefold()), {})
        self.overwrote += [
            (edit.key, name, before[name], now[name]) for name in now if before[name] != now[name]
        ]
        return outcome

    def _keep(self, entity: str, key: str, fields: dict[str, Value]) -> None:
        super()._keep(entity, key, fields)
        place = entity, key.casefold()
        own = {name: value for name, value in self.records[place].items() if "." not in name}
        self.source.put(key, entity, self.stamps[place], **own)
