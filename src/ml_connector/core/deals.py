"""What deals are called in the CRM, and what the settings say of them."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.core.deal_fields import ACCOUNTS, CHART, DEALS
from ml_connector.core.line_limits import NO_LIMITS, LineLimits
from ml_connector.core.tagging import Rule

GL_ACCOUNTS = "GL_Accounts"
#: The entities of the source that they are tied to, beside CHART.
CUSTOMERS, JOURNAL = "customers", "journal_entries"

PARENT = "Account_Name"  #: of a deal: its Account
STAGE, TYPE, PIPELINE = "Stage", "Type", "Pipeline"
DOCUMENTS = "GP_Documents"  #: of a deal: the numbers of the documents that belong to it, as people write them
PRODUCT_NAME = "Product_Name"  #: of a product that a deal points to
#: Of an Account: the GL account that its sales post to, as a record and as a number.
SALES_RECORD, SALES_NUMBER = "GP_Sales_GL_Account", "GP_Sales_Account"


@dataclass(frozen=True, slots=True)
class FigureFields:
    """Where a module has revenue, cost and margin, and as of when."""

    revenue: str
    cost: str
    margin: str
    as_of: str


FIGURES = {
    DEALS: FigureFields("GP_Revenue", "GP_Cost", "GP_Margin", "GP_Profit_As_Of"),
    ACCOUNTS: FigureFields(
        "GP_Account_Revenue", "GP_Account_Cost", "GP_Account_Margin", "GP_Account_Profit_As_Of"
    ),
}

TAGGING, PROFITABILITY = "deal_tagging", "profitability"  #: the flows over deals, in their order


@dataclass(frozen=True, slots=True)
class DealTerms:
    """What the settings say of deals."""

    rules: tuple[Rule, ...] = ()
    product_field: str = ""  #: the deal's field that names its product
    won_stages: frozenset[str] = frozenset({"closed won"})  #: folded
    revenue: LineLimits = NO_LIMITS  #: the GL accounts that tell of revenue
    cost: LineLimits = NO_LIMITS
    chart: str = GL_ACCOUNTS  #: the module in which GL accounts are records


@dataclass(frozen=True, slots=True)
class DealFlow:
    """A flow over what is in the CRM and in the store already: it reads no entity of the source."""

    name: str  #: TAGGING or PROFITABILITY
    company: str  #: whose rules of accounts count, and under which it is recorded

    @property
    def after(self) -> frozenset[str]:
        """The entities of its company without whose first load it has nothing to say.

        A rule points to a GL account, so that has to be there. What a deal earned is told by lines of the journal, by
        the category of their account and by the Account of their customer.
        """
        return frozenset((CHART,) if self.name == TAGGING else (CUSTOMERS, CHART, JOURNAL))

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules it writes."""
        return (DEALS,) if self.name == TAGGING else (DEALS, ACCOUNTS)
