"""Layouts: each module has its standard one, an administrator may add others (Zoho's "Layouts Metadata" page).

A record that is sent with `Layout` is held to what that layout demands; fields that the layout lacks are ignored.
"""

from dataclasses import dataclass, replace

from ml_connector.simulators.zoho.metadata import Module
from ml_connector.simulators.zoho.replies import JsonObject


@dataclass(frozen=True, slots=True)
class Layout:
    """Which fields a form of a module has."""

    id: str
    module: str
    name: str = "Standard"
    required: frozenset[str] = frozenset()
    """Beyond what the module itself demands."""
    without: frozenset[str] = frozenset()

    def renamed(self, old: str, new: str) -> "Layout":
        """The layout after a field of its module got another API name."""
        required, without = (
            frozenset(new if name == old else name for name in names)
            for names in (self.required, self.without)
        )
        return replace(self, required=required, without=without)

    def to_json(self, module: Module, profiles: list[JsonObject]) -> JsonObject:
        """As GET /settings/layouts shows it: one section with every field that it has."""
        fields = [
            {
                "id": field.id,
                "api_name": field.api_name,
                "field_label": field.label,
                "data_type": field.data_type,
                "required": field.mandatory or field.api_name in self.required,
                "sequence_number": number,
            }
            for number, field in enumerate(module.fields.values(), 1)
            if field.api_name not in self.without
        ]
        section = {
            "name": f"{module.singular_label} Information",
            "display_label": f"{module.singular_label} Information",
            "api_name": f"{module.singular_label.replace(' ', '_')}_Information",
            "sequence_number": 1,
            "column_count": 2,
            "fields": fields,
        }
        return {
            "id": self.id,
            "name": self.name,
            "display_label": self.name,
            "api_name": self.name.replace(" ", "_"),
            "status": "active",
            "visible": True,
            "profiles": profiles,
            "sections": [section],
        }
