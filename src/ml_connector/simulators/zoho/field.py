"""One column of a module: what it is, and what /settings/fields tells of it."""

from dataclasses import dataclass

from ml_connector.simulators.zoho.replies import JsonObject

JSON_TYPES = {
    "integer": "integer",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "userlookup": "jsonobject",
    "layout": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "subform": "jsonarray",
    "linetax": "jsonarray",
}

PICK_TYPES = frozenset({"picklist", "multiselectpicklist"})
_OPERATIONS = ("api_create", "api_update", "web_create", "web_update")
_SAME_IN_EVERY_FIELD: JsonObject = {
    "visible": True,
    "searchable": True,
    "sortable": True,
    "filterable": True,
    "type": "used",
    "crypt": None,
    "formula": {},
    "currency": {},
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a module."""

    id: str
    api_name: str
    data_type: str
    label: str
    length: int = 255
    decimal_place: int | None = None
    mandatory: bool = False
    read_only: bool = False
    custom: bool = False
    unique: bool = False
    external: str | None = None
    """`org` or `user`: an external id field."""
    lookup: str | None = None
    """The module that a lookup points to."""
    subform: str | None = None
    """The module whose rows a subform holds."""
    pick_list: tuple[str, ...] = ()
    """The values as records have them: what Zoho calls `actual_value` (that records have it is inferred)."""
    pick_labels: tuple[str, ...] = ()
    """What people see for them, in the same order; empty: the same."""
    restricted: bool = False
    """A closed picklist: other values are refused instead of being added."""
    standard: str | None = None
    """Of the field Layout: the module's standard one, by which records are kept that have no other."""

    @property
    def is_key(self) -> bool:
        """Whether no two records may share a value."""
        return self.unique or self.external is not None

    def to_json(self, module_ids: dict[str, str], closed_key: str = "") -> JsonObject:
        """As GET /settings/fields shows it; `closed_key` is the key that tells a closed picklist (see options.py)."""
        told = {closed_key: self.restricted} if closed_key and self.data_type in PICK_TYPES else {}
        return {
            **told,
            **_SAME_IN_EVERY_FIELD,
            "id": self.id,
            "api_name": self.api_name,
            "field_label": self.label,
            "display_label": self.label,
            "data_type": self.data_type,
            "json_type": JSON_TYPES.get(self.data_type, "string"),
            "length": self.length,
            "decimal_place": self.decimal_place,
            "custom_field": self.custom,
            "created_source": "crm" if self.custom else "default",
            "system_mandatory": self.mandatory,
            "read_only": self.read_only,
            "field_read_only": self.read_only,
            "operation_type": dict.fromkeys(_OPERATIONS, not self.read_only),
            "unique": {"case_sensitive": False} if self.unique else {},
            "external": {"type": self.external, "show": False} if self.external else None,
            "pick_list_values": self.pick_values(),
            **self._relations(module_ids),
        }

    def pick_values(self) -> list[JsonObject]:
        """The values of a picklist; their ids go by their places (inferred)."""
        labels = self.pick_labels or self.pick_list
        return [
            {
                "display_value": label,
                "actual_value": value,
                "reference_value": value,
                "id": f"{self.id[:-3]}{900 + number}",
                "sequence_number": number,
                "type": "used",
            }
            for number, (value, label) in enumerate(zip(self.pick_list, labels, strict=True), 1)
        ]

    def _relations(self, module_ids: dict[str, str]) -> JsonObject:
        lookup, associated = {}, None
        if self.lookup:
            module = {"api_name": self.lookup, "id": module_ids.get(self.lookup)}
            lookup = {"module": module, "display_label": self.label, "api_name": self.api_name, "id": self.id}
        if self.subform:
            associated = {"module": self.subform, "id": module_ids.get(self.subform)}
        auto_number = (
            {"prefix": "", "suffix": "", "start_number": "1"} if self.data_type == "autonumber" else {}
        )
        return {"lookup": lookup, "associated_module": associated, "auto_number": auto_number}
