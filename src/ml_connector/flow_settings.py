"""The part of the settings that says which flows there are, and what deals and profitability are made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from ml_connector.core.line_limits import LineLimits, limits_of
from ml_connector.core.schedule import Schedule


class Section(BaseModel):
    """A table of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _own_schedule() -> Any:  # noqa: ANN401 -- as pydantic's own Field
    return Field(
        default="",
        description="When serve runs it, for example 30 2 * * * (every night at half past two); empty: as [serve]"
        " says.",
    )


def _checked_schedule(given: str) -> str:
    if given:
        Schedule.read(given, "UTC")
    return given


_OwnSchedule = Annotated[str, AfterValidator(_checked_schedule)]


class FlowSettings(Section):
    """One entity of the source and what becomes of it."""

    enabled: bool = Field(default=True, description="Whether sync runs it.")
    schedule: _OwnSchedule = _own_schedule()
    mappings: tuple[str, ...] = Field(
        default=(), min_length=1, description="Names of its mappings, in the order in which they are applied."
    )
    after: tuple[str, ...] = Field(default=(), description="Flows that have to be done before it.")
    filter: dict[str, bool | int | str | tuple[bool | int | str, ...]] = Field(
        default={},
        description="Only these records are brought over: field = value, or a list of values, for example"
        " { class_id = ['USA', 'EU'], is_active = true }. One that leaves it later is kept up to date and marked.",
    )

    @field_validator("filter")
    @classmethod
    def _lets_something_in(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in given.items():
            if value == ():
                raise ValueError(f"{name} = [] would let nothing in; name the values, or take it away")
        return given

    @property
    def wanted(self) -> dict[str, tuple[bool | int | str, ...]]:
        """The filter with every value in a tuple."""
        return {name: v if isinstance(v, tuple) else (v,) for name, v in self.filter.items()}


class CustomersFlow(FlowSettings):
    """Customers of GP to Accounts, and the persons they name to Contacts."""

    after: tuple[str, ...] = Field(
        default=("gl_accounts",),
        description="Flows that have to be done before it: the GL accounts that an Account points to.",
    )

    mappings: tuple[str, ...] = Field(
        default=("customer_accounts", "customer_financials", "customer_gl_accounts", "customer_contacts"),
        min_length=1,
        description="Names of its mappings, in the order in which they are applied.",
    )


class VendorsFlow(FlowSettings):
    """Vendors of GP to Accounts."""

    after: tuple[str, ...] = Field(
        default=("gl_accounts", "customers"),
        description="Flows that have to be done before it: GL accounts that an Account points to, and a company that"
        " is both customer and vendor is one Account.",
    )

    mappings: tuple[str, ...] = Field(
        default=("vendor_accounts", "vendor_financials", "vendor_gl_accounts"),
        min_length=1,
        description='Names of its mappings, in the order in which they are applied; ["vendor_contacts"] brings the'
        " persons of vendors to Contacts instead.",
    )


class GlAccountsFlow(FlowSettings):
    """Accounts of GP's general ledger to a module of their own."""

    enabled: bool = Field(default=False, description="Whether sync runs it.")
    mappings: tuple[str, ...] = Field(
        default=("gl_accounts",),
        min_length=1,
        description="Names of its mappings, in the order in which they are applied.",
    )


class JournalEntriesFlow(FlowSettings):
    """Journal entries of GP: every money line that is read is kept here, and goes to Zoho as the mappings say."""

    enabled: bool = Field(default=False, description="Whether sync runs it.")
    mappings: tuple[str, ...] = Field(
        default=("journal_lines",),
        description="Names of its mappings, in the order in which they are applied; []: the lines are kept here alone,"
        " for what is made from them, and nothing of them goes to Zoho.",
    )
    after: tuple[str, ...] = Field(
        default=("gl_accounts", "customers", "vendors"),
        description="Flows that have to be done before it: what a line points to is there by then.",
    )
    from_date: date | None = Field(
        default=None,
        description="Entries of an earlier date are neither read nor written, for example 2026-01-01 (no quotes); left"
        " out: all.",
    )
    accounts: tuple[str, ...] = Field(
        default=(),
        description="Only lines on these accounts go to Zoho: account numbers, or ranges such as"
        " 000-4000-00..000-4999-99, in the order of texts. Where categories are set, too, one of the two suffices.",
    )
    categories: tuple[str, ...] = Field(
        default=(),
        description="Only lines on accounts of these categories go to Zoho, for example ['Sales']; needs the flow"
        " gl_accounts.",
    )

    closing_documents: tuple[str, ...] = Field(
        default=("BBF", "P/L"),
        description="Source documents of the entries that closing a year makes: they repeat what the year's own entries"
        " say, so they are neither kept nor written. ASSUMPTION: the web service gives GP's own ids of them.",
    )

    @field_validator("accounts")
    @classmethod
    def _are_accounts(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        limits_of(None, given, ())
        return given

    @property
    def limits(self) -> LineLimits:
        """What of the entries is brought over, as lines or as months."""
        return limits_of(self.from_date, self.accounts, self.categories, self.closing_documents)


class AccountMonthsFlow(FlowSettings):
    """The alternative to lines: what was posted on each account in each month, within the limits of journal_entries."""

    enabled: bool = Field(default=False, description="Whether sync runs it.")
    mappings: tuple[str, ...] = Field(
        default=("account_months",),
        min_length=1,
        description="Names of its mappings, in the order in which they are applied.",
    )
    after: tuple[str, ...] = Field(
        default=("gl_accounts", "journal_entries"),
        description="Flows that have to be done before it: the months are summed from what they keep here.",
    )


class DealTaggingFlow(Section):
    """A GL account for every deal without one: by [deals.rules], else as its Account has it; after all flows above."""

    enabled: bool = Field(default=False, description="Whether deals have the field, and sync fills it.")
    schedule: _OwnSchedule = _own_schedule()


class ProfitabilityFlow(Section):
    """What deals and Accounts earned, from the journal lines that belong to them; the last flow of all."""

    enabled: bool = Field(
        default=False, description="Whether deals and Accounts have the fields, and sync fills them."
    )
    schedule: _OwnSchedule = _own_schedule()


class FlowsSettings(Section):
    """The flows, by name."""

    customers: CustomersFlow = CustomersFlow()
    vendors: VendorsFlow = VendorsFlow()
    gl_accounts: GlAccountsFlow = GlAccountsFlow()
    journal_entries: JournalEntriesFlow = JournalEntriesFlow()
    account_months: AccountMonthsFlow = AccountMonthsFlow()
    deal_tagging: DealTaggingFlow = DealTaggingFlow()
    profitability: ProfitabilityFlow = ProfitabilityFlow()

    @model_validator(mode="after")
    def _known_order(self) -> FlowsSettings:
        for name, flow in self.by_name.items():
            for other in flow.after:
                if other == name or other not in self.by_name:
                    raise ValueError(f"“after” of {name} names {other}, which is no other flow")
        try:
            TopologicalSorter({name: flow.after for name, flow in self.by_name.items()}).prepare()
        except CycleError as error:
            circle = " after ".join(reversed(error.args[1]))  # it names them the other way round
            raise ValueError(f"flows wait for each other: {circle}") from None
        return self

    @model_validator(mode="after")
    def _has_what_it_reads(self) -> FlowsSettings:
        if self.account_months.enabled and not self.journal_entries.enabled:
            raise ValueError("account_months is made from journal_entries: enable that flow, too")
        if self.profitability.enabled and not self.journal_entries.enabled:
            raise ValueError("profitability is made from journal_entries: enable that flow, too")
        by_category = self.journal_entries.enabled and self.journal_entries.categories
        if by_category and not self.gl_accounts.enabled:
            raise ValueError("journal_entries has categories, which gl_accounts tells: enable that flow, too")
        return self

    @property
    def by_name(self) -> Mapping[str, FlowSettings]:
        """Every flow that reads an entity."""
        every = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: flow for name, flow in every if isinstance(flow, FlowSettings)}


class DealRule(Section):
    """Deals that are like this get that GL account; of several rules the first that fits counts."""

    account: str = Field(min_length=1, description="The number of the GL account, as GP writes it.")
    product: str = Field(default="", description="The deal's product (in product_field); empty: any.")
    pipeline: str = Field(default="", description="The deal's pipeline; empty: any.")
    type: str = Field(default="", description="The deal's type; empty: any.")
    company: str = Field(
        default="",
        description="The company of GP, by name, whose customer the deal's Account is; empty: any, with that"
        " company's account of this number.",
    )


class DealsSettings(Section):
    """What deals are like."""

    product_field: str = Field(
        default="",
        description="API name of the field of deals that has the product: a text, a picklist or a lookup of Products;"
        " empty: no rule asks for a product.",
    )
    won_stages: tuple[str, ...] = Field(
        default=("Closed Won",), min_length=1, description="The stages in which a deal is won."
    )
    rules: dict[str, DealRule] = Field(
        default={}, description="Which deals get which GL account, each rule under a name of its own."
    )

    @model_validator(mode="after")
    def _product_is_known(self) -> DealsSettings:
        asks = next((name for name, rule in self.rules.items() if rule.product), "")
        if asks and not self.product_field:
            raise ValueError(
                f"rules.{asks} asks for a product, and product_field does not say where a deal has it"
            )
        return self


class ProfitabilitySettings(Section):
    """Which GL accounts are revenue and which are cost, by their category in GP or by number; case does not count."""

    revenue_categories: tuple[str, ...] = Field(
        default=("Sales", "Sales Returns and Discounts"),
        description="Categories whose credits less debits are revenue.",
    )
    cost_categories: tuple[str, ...] = Field(
        default=("Cost of Goods Sold",), description="Categories whose debits less credits are cost."
    )
    revenue_accounts: tuple[str, ...] = Field(
        default=(),
        description="Accounts that are revenue whatever their category: numbers, or ranges such as"
        " 000-4000-00..000-4499-99, in the order of texts.",
    )
    cost_accounts: tuple[str, ...] = Field(
        default=(), description="Accounts that are cost whatever their category, written likewise."
    )

    @field_validator("revenue_accounts", "cost_accounts")
    @classmethod
    def _are_accounts(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        limits_of(None, given, ())
        return given

    @property
    def revenue(self) -> LineLimits:
        """Which accounts are revenue."""
        return limits_of(None, self.revenue_accounts, self.revenue_categories)

    @property
    def cost(self) -> LineLimits:
        """Which accounts are cost."""
        return limits_of(None, self.cost_accounts, self.cost_categories)

    @model_validator(mode="after")
    def _apart(self) -> ProfitabilitySettings:
        both = {c.casefold() for c in self.revenue_categories} & {c.casefold() for c in self.cost_categories}
        if both:
            raise ValueError(f"{min(both)} cannot be both revenue and cost")
        return self
