"""A flow: one entity of the source, its mappings, and what it comes after."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from ml_connector.core.entity import Entity, Facet
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.line_limits import NO_LIMITS, LineLimits
from ml_connector.core.mapping import Mapping, MatchRule
from ml_connector.core.postings import POSTINGS
from ml_connector.core.record import Fields, Value

CARRIED = "carried"  #: the facet under which a record's carried fields are kept
#: What an outcome is kept under that says that these are kept, where no mapping says so; none can have such a name.
KEPT = "(kept)"
#: What is kept under in place of a mapping that happens to values on their way back from the target into the source.
BACK = "(back)"


@dataclass(frozen=True, slots=True)
class Flow:
    """One way from an entity of the source into the target, for one company."""

    name: str
    company: str
    entity: Entity
    mappings: tuple[Mapping, ...]
    after: tuple[str, ...] = ()
    filter: MappingOf[str, frozenset[Value]] = field(
        default_factory=dict
    )  #: source field -> the values wanted
    limits: LineLimits = NO_LIMITS  #: of an entity with postings, and of what is made from these

    def lets_in(self, fields: Fields) -> bool:
        """Whether the flow's filter wants this record; texts are compared as the ERP does, without case."""
        return all(_folded(fields.get(name)) in wanted for name, wanted in self.filter.items())

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules it writes, parents before children: in the order of the mappings."""
        return tuple(dict.fromkeys(mapping.target for mapping in self.mappings))

    @property
    def first_module(self) -> str:
        """The module that what happens to a record as a whole is told of; empty where nothing is written."""
        return next(iter(self.modules), "")

    @property
    def meanings(self) -> dict[str, str]:
        """What an outcome is kept under for every record, each with its fingerprint: the mappings, what is kept."""
        kept = {POSTINGS: f"1{self.limits.of_postings}"} if self.entity.postings else {}
        if not self.mappings and not kept:
            kept = {KEPT: "1"}
        return {mapping.name: mapping.fingerprint for mapping in self.mappings} | kept

    @property
    def first_meaning(self) -> str:
        """Under which of these it is told what happens to a record as a whole."""
        return next(iter(self.meanings))

    def of_module(self, module: str) -> tuple[Mapping, ...]:
        """The mappings that reach ``module``."""
        return tuple(mapping for mapping in self.mappings if mapping.target == module)

    def last_module(self, *, facet_only: bool) -> str:
        """The last module that a record concerns; of a facet alone, the last one that follows facets."""
        if not facet_only:
            return self.modules[-1]
        follows = [m.target for m in self.mappings if self.follows_facet(m)]
        return next((module for module in reversed(self.modules) if module in follows), self.modules[-1])

    def follows_facet(self, mapping: Mapping) -> bool:
        """Whether the mapping uses a facet, and can be applied without reading the record."""
        reads_facet = any(self.entity.fields[name].facet for name in mapping.reads)
        return reads_facet and self.follows_without_fetch(mapping)

    def key_field(self, module: str) -> str:
        """The target field of ``module`` that carries our key."""
        return self.of_module(module)[0].key_field

    def match_rule(self, module: str) -> MatchRule:
        """How records are recognised in ``module``: as its first mapping that says so does."""
        return next((m.match for m in self.of_module(module) if m.match != MatchRule()), MatchRule())

    @property
    def fingerprint(self) -> str:
        """Changes when any mapping's meaning changes, or one is added: the next run is then a backfill."""
        told = sorted(self.meanings.values())
        if self.entity.postings and self.limits.from_date:
            told.append(str(self.limits.from_date))  # they are kept without any mapping, too
        return hashlib.sha256("".join(told).encode()).hexdigest()[:16]

    def at_hand(self) -> frozenset[str]:
        """The source fields that are in the store: no reading of the record is needed for them."""
        bringing = {facet.name for facet in self.entity.facets if facet.brings_fields}
        return frozenset(f.name for f in self.entity.fields.values() if f.carried or f.facet in bringing)

    def follows_without_fetch(self, mapping: Mapping) -> bool:
        """Whether a facet's change can be mapped from what is at hand."""
        return mapping.reads <= self.at_hand()

    def watched_facets(self) -> dict[str, bool]:
        """The facets whose change concerns a mapping -> whether the record itself has to be read again for it."""
        return {
            facet.name: not facet.brings_fields
            or not all(map(self.follows_without_fetch, self.reads_facet(facet.name)))
            for facet in self.entity.facets
            if self._concerns(facet)
        }

    def _concerns(self, facet: Facet) -> bool:
        """Whether some mapping would write something else if this facet changed."""
        if facet.brings_fields:
            return bool(self.reads_facet(facet.name))
        return not facet.of or any(mapping.reads & facet.of for mapping in self.mappings)

    def reads_facet(self, facet: str) -> tuple[Mapping, ...]:
        """The mappings that use a field of this facet."""
        return tuple(
            m for m in self.mappings if any(self.entity.fields[name].facet == facet for name in m.reads)
        )


def _folded(value: Value) -> Value:
    return value.rstrip().casefold() if isinstance(value, str) else value


def filter_of(given: MappingOf[str, Sequence[Value]]) -> dict[str, frozenset[Value]]:
    """A filter as ``Flow`` compares it."""
    return {name: frozenset(map(_folded, values)) for name, values in given.items()}


def in_order(
    flows: MappingOf[str, Flow], wanted: Sequence[str] = (), others: Collection[str] = ()
) -> list[Flow]:
    """The wanted flows (none named: all), each after those it comes after. Raises ConfigurationError.

    ``others``: names that are known as well, to be told to whom asks for one that is not.
    """
    unknown = next((name for name in wanted if name not in flows), None)
    if unknown is not None:
        known = ", ".join(sorted({*flows, *others}))
        raise ConfigurationError(f"There is no flow “{unknown}”.", f"Known are: {known}.")
    try:
        order = list(TopologicalSorter({flow.name: flow.after for flow in flows.values()}).static_order())
    except CycleError as error:
        circle = " after ".join(reversed(error.args[1]))  # it names them the other way round
        raise ConfigurationError(
            f"Flows wait for each other: {circle}.", "Mend their “after” in the settings."
        ) from None
    return [flows[name] for name in order if name in flows and (not wanted or name in wanted)]
