"""A flow of sales orders, quotes or won deals of the CRM into the ERP, and what its records are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ml_connector.core.document_decisions import Rules
from ml_connector.core.document_mapping import DocumentMapping, Numbering, Terms, meaning_of
from ml_connector.core.numbering import number_of
from ml_connector.core.sales import Kind

#: The flows, by their section of the settings.
NAMES: Mapping[str, str] = {"orders": "sales_orders", "quotes": "sales_quotes", "deals": "won_deals"}
#: What documents of a kind are called among the entities of the ERP.
ENTITIES: Mapping[Kind, str] = {
    Kind.ORDER: "sales_orders",
    Kind.QUOTE: "sales_quotes",
    Kind.INVOICE: "sales_invoices",
}
#: The entity of the ERP whose records a lookup of the CRM points to, by module.
POINTED: Mapping[str, str] = {"Accounts": "customers", "GL_Accounts": "gl_accounts"}


@dataclass(frozen=True, slots=True)
class DocumentFlow:
    """One of them."""

    name: str
    company: str  #: under which it is recorded
    mapping: DocumentMapping
    terms: Terms
    rules: Rules
    settle: timedelta | None = (
        None  #: of deals: so long one is left alone after it was won; None: these are none
    )
    pointed: Mapping[str, str] = field(default_factory=lambda: dict(POINTED))

    @property
    def module(self) -> str:
        """The CRM's module whose records it takes."""
        return self.mapping.module

    @property
    def after(self) -> frozenset[str]:
        """The entities of its company without whose first load it has nothing to say."""
        return frozenset({"customers", "gl_accounts"} if self.settle is not None else {"customers"})

    @property
    def meaning(self) -> str:
        """Another one has everything looked at again."""
        return meaning_of(self.mapping, self.terms)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that it writes what the ERP tells into."""
        return tuple(dict.fromkeys((self.module, "Deals")))

    @property
    def entity(self) -> str:
        """What its documents are called in the ERP."""
        return ENTITIES[self.mapping.kind]

    @property
    def is_own(self) -> bool:
        """Whether we number."""
        return self.rules.numbering is Numbering.OWN

    def number(self, record_id: str) -> str:
        """Our number or reference of a record. RecordRejectedError: its id is none that a number is made of."""
        return number_of(record_id, self.terms.prefix)
