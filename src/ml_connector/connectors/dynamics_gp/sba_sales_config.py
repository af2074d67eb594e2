"""The settings of sales documents by SBA, and where each of their fields stands in its JSON.

Nothing of sales order processing ships as a service (facts.md 1.3) and no public source shows such a body (1.6): paths
are those of services that a GP partner writes, and every name is an ASSUMPTION that the settings may correct.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml_connector.connectors.dynamics_gp.sba_paths import Places, Sent, checked_path

_NAME = r"^[A-Za-z0-9_-]+$"


def _table(text: str) -> dict[str, str]:
    rows = (line.split() for line in text.strip().splitlines())
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows}


DOCUMENT: Mapping[str, str] = _table("""
    number                  SalesId
    type_id                 DocumentTypeId
    state                   State
    is_voided               IsVoided
    customer                CustomerId
    customer_po             CustomerPONumber
    on                      DocumentDate
    expires_on              ExpirationDate
    requested_on            RequestedShipDate
    batch                   BatchId
    reference               IntegrationId
    comment                 Comment
    currency                CurrencyCode
    freight                 FreightAmount
    miscellaneous           MiscellaneousAmount
    tax                     TaxAmount
    trade_discount          DiscountAmount
    trade_discount_percent  DiscountPercent
    line_total              LineTotal
    total                   TotalAmount
    ship_to_key             ShipToAddressId
    shipping_method         ShippingMethodId
    price_level             PriceLevel
    site                    SiteId
    master_number           MasterNumber
    came_from               OriginalId
    modified_at             ModifiedDate
    text1                   UserText1
    text2                   UserText2
    text3                   UserText3
    text4                   UserText4
    text5                   UserText5
""")
LINE: Mapping[str, str] = _table("""
    sequence          LineSequence
    item              ItemId
    description       ItemDescription
    is_non_inventory  IsNonInventory
    quantity          Quantity
    unit              UnitOfMeasure
    unit_price        UnitPrice
    discount          DiscountAmount
    discount_percent  DiscountPercent
    tax               TaxAmount
    site              SiteId
    requested_on      RequestedShipDate
    comment           Comment
    account           SalesAccount
    reference         IntegrationId
    cancelled         QuantityCanceled
    to_backorder      QuantityToBackorder
    to_invoice        QuantityRemaining
    allocated         QuantityAllocated
    fulfilled         QuantityFulfilled
    cost
    remove            Delete
""")
SHIP_TO: Mapping[str, str] = _table("""
    name         AddressName
    contact      ContactPerson
    line1        Address1
    line2        Address2
    line3        Address3
    city         City
    state        State
    postal_code  PostalCode
    country      Country
    phone        Phone1
""")


class SbaKinds(BaseModel):
    """What the services call each kind of document: what stands for {kind} in a path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quote: Annotated[str, Field(pattern=_NAME)] = Field(
        default="Quote", description="ASSUMPTION: what stands for {kind} of quotes."
    )
    order: Annotated[str, Field(pattern=_NAME)] = Field(
        default="Order", description="ASSUMPTION: what stands for {kind} of orders."
    )
    invoice: Annotated[str, Field(pattern=_NAME)] = Field(
        default="Invoice", description="ASSUMPTION: what stands for {kind} of invoices."
    )


class SbaSales(BaseModel):
    """Quotes, orders and invoices by SBA: nothing ships, so the paths are those of services written for the site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=False,
        description="Read and write sales documents by SBA; false: by SOAP, which needs none of this.",
    )
    list_path: Annotated[str, checked_path("kind", "after")] = Field(
        default="",
        description="Path of the list of all documents of a {kind}, such as …/Sales{kind}s. {after} in it: asked for"
        " page by page, by number.",
    )
    changed_path: Annotated[str, checked_path("kind", "since", "after")] = Field(
        default="",
        description="Path of the list of what changed at or after {since}. Empty: the whole list is read and its"
        " instants are compared.",
    )
    since_form: Sent = Field(
        default="%Y-%m-%dT%H:%M:%S",
        min_length=1,
        description="How the instant, in UTC, is written (strftime).",
    )
    day_form: Sent = Field(
        default="%Y-%m-%dT00:00:00",
        min_length=1,
        description="ASSUMPTION: how a day is written in what is sent (strftime).",
    )
    record_path: Annotated[str, checked_path("kind", "key")] = Field(
        default="",
        description="Path of one document by its {key}, its number; PATCH to it changes the document.",
    )
    create_path: Annotated[str, checked_path("kind")] = Field(
        default="", description="Path that a document is created at by POST."
    )
    void_action: Sent = Field(
        default="VOID",
        min_length=1,
        description="ASSUMPTION: the GP-Custom-Action by which a POST to record_path voids a document.",
    )
    rows_at: Places = Field(
        default=("SalesQuotes", "SalesOrders", "SalesInvoices", "Payload", "."),
        description="ASSUMPTION: where in the answer of a list its rows stand; the first that is there counts.",
    )
    record_at: Places = Field(
        default=("SalesQuote", "SalesOrder", "SalesInvoice", "Payload", "."),
        description="ASSUMPTION: the same for the answer of one document.",
    )
    reasons_at: Places = Field(
        default=("Errors", "Message", "."),
        description="ASSUMPTION: where in the answer of a refusal its reasons stand, a text or a list of them.",
    )
    lines_at: str = Field(default="Lines", min_length=1, description="ASSUMPTION: where its lines stand.")
    ship_to_at: str = Field(
        default="ShipTo", min_length=1, description="ASSUMPTION: where the address stands that goods go to."
    )
    fields: dict[str, str] = Field(
        default={},
        description="ASSUMPTION: our field = its name in the JSON of a document, over the defaults that the guide"
        " lists; empty text: it is not there.",
    )
    line_fields: dict[str, str] = Field(default={}, description="ASSUMPTION: as fields, of a line.")
    ship_to_fields: dict[str, str] = Field(default={}, description="ASSUMPTION: as fields, of the address.")
    kinds: SbaKinds = Field(default=SbaKinds(), description="What stands for {kind} in a path.")

    @model_validator(mode="after")
    def _whole(self) -> SbaSales:
        for given, known in (
            (self.fields, DOCUMENT),
            (self.line_fields, LINE),
            (self.ship_to_fields, SHIP_TO),
        ):
            _require_known(given, known)
        missing = [
            name
            for name in ("list_path", "record_path", "create_path")
            if self.enabled and not getattr(self, name)
        ]
        if missing:
            raise ValueError(
                f"sales documents by SBA need {', '.join(missing)}: nothing that ships with GP serves them, so name"
                " the services that your GP partner wrote (docs/how-to/use-sba.md), or leave them to SOAP"
            )
        return self

    @cached_property
    def document_names(self) -> dict[str, str]:
        """Our field -> its name, the defaults filled in."""
        return {**DOCUMENT, **self.fields}

    @cached_property
    def line_names(self) -> dict[str, str]:
        """The same of a line."""
        return {**LINE, **self.line_fields}

    @cached_property
    def ship_to_names(self) -> dict[str, str]:
        """The same of the address."""
        return {**SHIP_TO, **self.ship_to_fields}


def _require_known(given: Mapping[str, str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"“{name}” is not a field of it; known are {', '.join(known)}")
