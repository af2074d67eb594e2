"""Whether a won deal becomes an order of the ERP by itself, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.core.document_decisions import Skip, Wait


@dataclass(frozen=True, slots=True)
class WonDeal:
    """What of a deal says whether it goes to the ERP."""

    is_won: bool
    won_at: datetime | None  #: when it was first seen as won; None: it never was
    sales_orders: tuple[str, ...] = ()  #: ids of its sales orders in the CRM
    is_linked: bool = False  #: it became a document of the ERP already


def plan_won_deal(deal: WonDeal, now: datetime, settle: timedelta) -> Skip | Wait | None:
    """Why the deal goes no further now; None: its document is planned.

    ``settle``: so long a deal is left alone after it was won, for somebody may still make its sales order.
    """
    if deal.is_linked:
        return None
    if not deal.is_won or deal.won_at is None:
        return Skip("The deal is not won.")
    if deal.sales_orders:
        return Skip("The deal has a sales order: that one goes to the ERP.")
    until = deal.won_at + settle
    return Wait(until, "The deal was won, and its sales order may still be made.") if now < until else None
