"""What a process knows of the modules of an organisation: fields and layouts, each read once and kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from ml_connector.connectors.zoho_crm.client import ZohoClient
from ml_connector.connectors.zoho_crm.schema import LAYOUT, ModuleMeta
from ml_connector.core.errors import ConfigurationError


class Metadata:
    """Fields and layouts by module. Thread-safe."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client
        self._fields: dict[str, ModuleMeta] = {}
        self._layouts: dict[str, Mapping[str, str]] = {}
        self._lock = threading.Lock()

    def read(self, module: str) -> ModuleMeta:
        """The module's fields, read now; ConfigurationError (UnknownModuleError) if there is no such module."""
        with self._lock:
            return self._read(module)

    def fields(self, module: str) -> ModuleMeta:
        """The module's fields as they were read last."""
        return self.with_fields(module, frozenset())

    def with_fields(self, module: str, names: AbstractSet[str]) -> ModuleMeta:
        """The module's fields as they were read last, and read again if one of ``names`` is not among them.

        ConfigurationError if it is not there even then: Zoho drops the values of unknown fields without a word.
        """
        names = names - {LAYOUT}  # every module takes it, whether or not the list of fields names it
        meta = self._fields.get(module)
        if meta is None or not names <= meta.fields.keys():
            meta = self._read_for(module, names)
        missing = sorted(names - meta.fields.keys())
        if missing:
            raise ConfigurationError(
                f"{module} has no field {', '.join(missing)} in Zoho.",
                "Run `ml-connector provision`, or correct the mapping.",
            )
        return meta

    def layout_id(self, module: str, text: str) -> str:
        """The id of the layout that ``text`` is the id or the name of; ConfigurationError if there is none."""
        if text.isdigit():
            return text
        with self._lock:
            if module not in self._layouts:
                self._layouts[module] = self._client.list_layouts(module)
            layouts = self._layouts[module]
        found = {name.casefold(): layout for name, layout in layouts.items()}.get(text.strip().casefold())
        if found is None:
            raise ConfigurationError(
                f"{module} has no layout {text!r} in Zoho; it has: {', '.join(layouts) or 'none'}.",
                "Correct the name in the mapping, or give the layout's id.",
            )
        return found

    def _read_for(self, module: str, names: AbstractSet[str]) -> ModuleMeta:
        """Read by one thread, for all that wait."""
        with self._lock:
            meta = self._fields.get(module)
            return self._read(module) if meta is None or not names <= meta.fields.keys() else meta

    def _read(self, module: str) -> ModuleMeta:
        meta = ModuleMeta.of(self._client.list_fields(module))
        self._fields[module] = meta
        return meta
