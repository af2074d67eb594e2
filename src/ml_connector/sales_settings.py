"""The part of the settings that is about orders, quotes and won deals of Zoho on their way into GP, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ml_connector.core.document_decisions import Rules
from ml_connector.core.document_mapping import TABLES, Numbering, Terms
from ml_connector.core.new_customer import CustomerTerms
from ml_connector.core.numbering import CUSTOMER_PREFIX, LONGEST_PREFIX, is_prefix
from ml_connector.flow_settings import Section

_BATCH_LONGEST = 15
_A_DAY = date(2027, 9, 29)  # a Wednesday in September: no day is longer in any form


def _prefix(given: str) -> str:
    if not is_prefix(given):
        raise ValueError(f"it is 1 to {LONGEST_PREFIX} capital letters and digits")
    return given


def _customer_prefix(given: str) -> str:
    if not is_prefix(given, CUSTOMER_PREFIX):
        raise ValueError(f"it is 1 or {CUSTOMER_PREFIX} capital letters and digits")
    return given


def _batch(given: str) -> str:
    if len(_A_DAY.strftime(given)) > _BATCH_LONGEST:
        raise ValueError(f"a batch of GP has {_BATCH_LONGEST} characters at the most")
    return given


_Prefix = Annotated[str, AfterValidator(_prefix)]
_CustomerPrefix = Annotated[str, AfterValidator(_customer_prefix)]
_Batch = Annotated[str, AfterValidator(_batch)]
_BATCH_SAYS = "Batch of GP that they go into; with %y%m%d in it one for each day, such as ZOHO%y%m%d."
_PREFIX_SAYS = (
    "What their numbers in GP begin with: 1 to 4 capital letters or digits, before 13 made of Zoho's id."
)
_TYPE_SAYS = "GP's own type of them, such as {}; empty: as the policy in GP says."


class SalesOrdersSettings(Section):
    """Sales orders of Zoho, which become orders of GP."""

    enabled: bool = Field(default=False, description="Whether they do.")
    mapping: str = Field(
        default="sales_orders",
        min_length=1,
        description="Name of the mapping that says which field goes where.",
    )
    stages: tuple[str, ...] = Field(
        default=(),
        description="The statuses in which one goes to GP, for example ['Approved']; none: in any.",
    )
    cancelled: tuple[str, ...] = Field(
        default=("Cancelled",),
        description="The statuses in which one is to be no more: it does not go to GP, and if it is there it is held"
        " until somebody voids it.",
    )
    prefix: _Prefix = Field(default="ZO", description=_PREFIX_SAYS)
    document_type: str = Field(default="", max_length=15, description=_TYPE_SAYS.format("STDORD"))
    batch: _Batch = Field(default="ZOHO", description=_BATCH_SAYS)


class SalesQuotesSettings(Section):
    """Quotes of Zoho, which become quotes of GP."""

    enabled: bool = Field(default=False, description="Whether they do.")
    mapping: str = Field(
        default="quotes", min_length=1, description="Name of the mapping that says which field goes where."
    )
    stages: tuple[str, ...] = Field(
        default=("Delivered", "Confirmed"), description="The stages in which one goes to GP; none: in any."
    )
    cancelled: tuple[str, ...] = Field(
        default=(),
        description="The stages in which one is to be no more, such as ['Closed Lost']: it does not go to GP, and if it"
        " is there it is held until somebody voids it.",
    )
    prefix: _Prefix = Field(default="ZQ", description=_PREFIX_SAYS)
    document_type: str = Field(default="", max_length=15, description=_TYPE_SAYS.format("STDQTE"))
    batch: _Batch = Field(default="", description=f"{_BATCH_SAYS} Empty: GP wants none for quotes.")


class SalesDealsSettings(Section):
    """Won deals of Zoho without a sales order, which become orders of GP with one line."""

    enabled: bool = Field(default=False, description="Whether they do; which deals are won, [deals] says.")
    mapping: str = Field(
        default="won_deals", min_length=1, description="Name of the mapping that says which field goes where."
    )
    item: str = Field(
        default="", max_length=30, description="Item of GP that is sold by such an order, such as SERVICE."
    )
    settle_hours: float = Field(
        default=24,
        ge=0,
        le=8760,
        description="So long a deal is left alone after it was won: its sales order may still be made.",
    )
    prefix: _Prefix = Field(default="ZD", description=_PREFIX_SAYS)
    document_type: str = Field(default="", max_length=15, description=_TYPE_SAYS.format("STDORD"))
    batch: _Batch = Field(default="ZOHO", description=_BATCH_SAYS)

    @model_validator(mode="after")
    def _sells_something(self) -> SalesDealsSettings:
        if self.enabled and not self.item:
            raise ValueError("won deals need an “item” of GP that is sold by them")
        return self


class NewCustomersSettings(Section):
    """Customers of GP that are made of Accounts, for their first order or quote."""

    enabled: bool = Field(
        default=False,
        description="Whether they are made; otherwise an order whose Account is no customer of GP is held.",
    )
    prefix: _CustomerPrefix = Field(
        default="ZC",
        description="What their ids in GP begin with: 1 or 2 capital letters or digits, before 13 made of Zoho's id.",
    )
    customer_class: str = Field(
        default="",
        max_length=15,
        description="Class of those whose Account names none; it gives what the Account does not say. Empty: none.",
    )
    address: str = Field(
        default="PRIMARY", min_length=1, max_length=15, description="Id of their address in GP."
    )
    ship_to_address: str = Field(
        default="SHIP TO",
        min_length=1,
        max_length=15,
        description="Id of a second one, where the Account has goods shipped to another place.",
    )

    @model_validator(mode="after")
    def _two_addresses(self) -> NewCustomersSettings:
        if self.address.strip().casefold() == self.ship_to_address.strip().casefold():
            raise ValueError("“address” and “ship_to_address” are two ids")
        return self

    @property
    def terms(self) -> CustomerTerms:
        """The same for those who make them."""
        return CustomerTerms(self.prefix, self.customer_class, self.address, self.ship_to_address)


class MasterEditsSettings(Section):
    """Values of customers and vendors that sales keeps, on their way back into GP."""

    enabled: bool = Field(
        default=False,
        description='Whether fields with owner = "zoho" of the mappings to Accounts go back into GP when somebody'
        " changes them in Zoho.",
    )


Documents = SalesOrdersSettings | SalesQuotesSettings | SalesDealsSettings


class SalesSettings(Section):
    """What becomes of orders, quotes and won deals of Zoho in GP."""

    numbering: Literal["own", "gp"] = Field(
        default="own",
        description="Who numbers them: own, by Zoho's id, so that GP itself refuses a second one; or gp: our number is"
        " then in CustomerPONumber, and the customer's own in the user-defined text 1.",
    )
    gp_operation_timeout_seconds: float = Field(
        default=600,
        ge=60,
        le=86_400,
        description="So long GP may still be at work on what was sent and whose answer was lost. With numbering = 'gp'"
        " nothing is sent again before it has passed and GP has none.",
    )
    total_tolerance: float = Field(
        default=0,
        ge=0,
        le=1000,
        description="By so much GP's total of a document may differ from Zoho's; by more it is held with both figures.",
    )
    price_decimals: int = Field(
        default=2,
        ge=0,
        le=5,
        description="How many decimals prices and discounts of one unit have in GP.",
    )
    site: str = Field(
        default="", max_length=10, description="Site of what says none; empty: GP's own choice."
    )
    units: dict[str, str] = Field(
        default={},
        description="Unit of measure in Zoho = what GP calls it, for example { Hours = 'HR' }. What is in no such table"
        " goes as it is.",
    )
    sites: dict[str, str] = Field(default={}, description="Likewise sites, for a mapping that brings one.")
    price_levels: dict[str, str] = Field(
        default={}, description="Likewise price levels, for a mapping that brings one."
    )
    shipping_methods: dict[str, str] = Field(
        default={}, description="Likewise shipping methods: a carrier in Zoho = GP's shipping method."
    )
    orders: SalesOrdersSettings = SalesOrdersSettings()
    quotes: SalesQuotesSettings = SalesQuotesSettings()
    deals: SalesDealsSettings = SalesDealsSettings()
    new_customers: NewCustomersSettings = NewCustomersSettings()
    master_edits: MasterEditsSettings = MasterEditsSettings()

    @model_validator(mode="after")
    def _tables_are_clear(self) -> SalesSettings:
        for name in TABLES:
            given: dict[str, str] = getattr(self, name)
            folded = [key.strip().casefold() for key in given]
            if twice := next((key for key in folded if folded.count(key) > 1), ""):
                raise ValueError(f"“{name}” says twice what {twice} is")
        return self

    @property
    def enabled(self) -> dict[str, Documents]:
        """What goes to GP, by the name of its section."""
        every: dict[str, Documents] = {"orders": self.orders, "quotes": self.quotes, "deals": self.deals}
        return {name: documents for name, documents in every.items() if documents.enabled}

    def terms_of(self, documents: Documents, currency: str) -> Terms:
        """What they say of documents; ``currency``: Zoho's home currency."""
        return Terms(
            prefix=documents.prefix,
            numbering=Numbering(self.numbering),
            type_id=documents.document_type,
            batch=documents.batch,
            site=self.site,
            item=documents.item if isinstance(documents, SalesDealsSettings) else "",
            currency=currency,
            price_decimals=self.price_decimals,
            total_tolerance=self._tolerance,
            tables={name: _folded(getattr(self, name)) for name in TABLES},
        )

    def rules_of(self, documents: Documents, won: tuple[str, ...]) -> Rules:
        """What they say of the plan; ``won``: the stages in which a deal is."""
        rules = Rules(
            numbering=Numbering(self.numbering),
            operation_timeout=timedelta(seconds=self.gp_operation_timeout_seconds),
            total_tolerance=self._tolerance,
        )
        if isinstance(documents, SalesDealsSettings):
            return replace(rules, stages=_words(won), ends_outside=True)
        return replace(rules, stages=_words(documents.stages), cancelled=_words(documents.cancelled))

    @property
    def _tolerance(self) -> Decimal:
        return Decimal(str(self.total_tolerance))


def _folded(table: Mapping[str, str]) -> dict[str, str]:
    return {key.strip().casefold(): value.strip() for key, value in table.items()}


def _words(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in words)
