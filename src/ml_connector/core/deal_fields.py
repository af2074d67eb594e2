"""The fields of deals and Accounts that no mapping fills: the GL account of a deal, and what a deal earned.

They are ours to make where the settings ask for them; their names are the same in every organisation.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.core.needs import FieldNeed

CHART = "gl_accounts"  #: the entity that a deal's GL account is one of
DEALS, ACCOUNTS = "Deals", "Accounts"
TAG = "GP_GL_Account"  #: of a deal: its GL account
TAG_LABEL = "GP GL Account"
_CHOICE_LONGEST = 120  # Zoho CRM API v8, "Create Custom Fields"
MAX_CHOICES = 1000  #: account numbers that a picklist begins with; Zoho adds others as they are written

_MONEY = {"type": "currency", "length": 16, "decimal_places": 2}
#: Module, API name, label and what it is made as.
_PROFITABILITY = (
    (DEALS, "GP_Documents", "GP Documents", {"type": "text", "length": 255}),
    (DEALS, "GP_Revenue", "GP Revenue", _MONEY),
    (DEALS, "GP_Cost", "GP Cost", _MONEY),
    (DEALS, "GP_Margin", "GP Margin", _MONEY),
    (DEALS, "GP_Profit_As_Of", "GP Profit As Of", {"type": "datetime"}),
    (ACCOUNTS, "GP_Account_Revenue", "GP Account Revenue", _MONEY),
    (ACCOUNTS, "GP_Account_Cost", "GP Account Cost", _MONEY),
    (ACCOUNTS, "GP_Account_Margin", "GP Account Margin", _MONEY),
    (ACCOUNTS, "GP_Account_Profit_As_Of", "GP Account Profit As Of", {"type": "datetime"}),
)


def deal_needs(*, tagging: bool, profitability: bool, module: str = "") -> list[FieldNeed]:
    """What the settings need of deals and Accounts.

    ``module``: where the GL accounts are records, the tag is a lookup to them. Empty: there is none, and the tag is a
    picklist of their numbers.
    """
    tag = [_tag(module)] if tagging else []
    earned = _PROFITABILITY if profitability else ()
    return tag + [FieldNeed(where, name, label, **made) for where, name, label, made in earned]


def _tag(module: str) -> FieldNeed:
    if module:
        return FieldNeed(DEALS, TAG, TAG_LABEL, "lookup", essential=True, lookup=module, related="Deals")
    return FieldNeed(DEALS, TAG, TAG_LABEL, "picklist", essential=True)


def first_choices(accounts: Sequence[str]) -> tuple[str, ...]:
    """The account numbers that a picklist begins with, in order, each once; those that are too long for it are not."""
    once = {
        text.casefold(): text for account in accounts if 0 < len(text := account.strip()) <= _CHOICE_LONGEST
    }
    return tuple(sorted(once.values())[:MAX_CHOICES])
