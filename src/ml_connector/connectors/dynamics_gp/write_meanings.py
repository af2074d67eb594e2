"""Every code that creating or changing something in GP can end with, and how a refusal is recognised. Pure.

That GP says its reasons with the members concerned is confirmed, neither their wording nor their numbers are (facts.md
2.11): a reason is told by the members first, and only among those of one member by its words. What no row here knows is
passed on in GP's own words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.connectors.dynamics_gp.meaning import Meaning
from ml_connector.connectors.dynamics_gp.meanings import TRIED_AGAIN
from ml_connector.core.catalogue import Again, Kind

SAID = "GP said: {reasons}"
_LOG = "GP's exception log (Exception Management Console) has the cause under the log id"


@dataclass(frozen=True, slots=True)
class Situation:
    """One known reason: the members that name it, the words that tell it from others of these, and what it means."""

    lead: str  #: what happened, in a sentence
    meaning: Meaning
    members: frozenset[str]  #: in small letters, without "Key"
    words: re.Pattern[str] | None  #: None: any, of these members
    alone: re.Pattern[str] | None  #: tells it where GP names no member; None: nothing does


def _words(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern, re.IGNORECASE) if pattern else None


_MISSING = r"not exist|unknown|not found|cannot be found|invalid|not valid|no such|not defined|not set ?up"


def _situation(
    code: str,
    lead: str,
    remedy: str,
    *members: str,
    words: str = "",
    alone: str = "",
    again: Again = Again.LATER,
) -> Situation:
    meaning = Meaning(code, Kind.DATA, f"{lead} {SAID}", remedy, again=again)
    return Situation(lead, meaning, frozenset(members), _words(words), _words(alone))


def _absent(noun: str) -> str:
    return rf"\b({noun})\b.*({_MISSING})|({_MISSING}).*\b({noun})\b"


TAKEN = _situation(
    "NUMBER_TAKEN",
    "GP has one of this number already.",
    "Look at it in GP: if it is another one, give ours another number.",
    *("", "id", "document", "customer", "sopnumbe", "custnmbr"),
    words=r"already (exist|been used|used|taken)|duplicate|\bexists\b",
    alone=r"(number|id|document|customer)\b.*already (exist|been used|used)|duplicate",
    again=Again.NEVER,
)
#: In the order in which they are tried: of one member, the one that wants words first; where only words tell, an item
#: or a customer last, for a reason about something of theirs names them, too.
SITUATIONS: Sequence[Situation] = (
    _situation(
        "IN_USE",
        "Somebody is working on it in GP.",
        "Close the window in which it is open; it is tried again by itself.",
        *("", "id", "batch", "customer", "vendor", "item"),
        words=r"being edited|in use\b|locked|another (user|session|process)",
        alone=r"being edited|in use by|locked by|another (user|session|process)",
    ),
    _situation(
        "ITEM_DISCONTINUED",
        "GP does not sell the item any more.",
        "Choose another product in the CRM, or make the item active in GP (Cards > Inventory > Item).",
        *("item", "itemnmbr"),
        words=r"discontinued|inactive|not active",
        alone=r"\bitem\b.*(discontinued|inactive)",
    ),
    _situation(
        "UNIT_UNKNOWN",
        "The item has no such unit of measure in GP.",
        "Add the unit to the item's schedule in GP, or correct the table of units in the settings.",
        *("uofm", "unitofmeasure"),
        alone=_absent("unit of measure|u of m|uofm"),
    ),
    _situation(
        "SITE_UNKNOWN",
        "GP has no such site, or the item is not kept there.",
        "Assign the item to the site in GP, or correct the table of sites in the settings.",
        *("warehouse", "site", "locncode"),
        alone=rf"{_absent('site|warehouse|location code')}|\b(site|warehouse)\b.*not assigned",
    ),
    _situation(
        "PRICE_LEVEL_UNKNOWN",
        "GP has no such price level, or none for this item.",
        "Set it up in GP, or correct the table of price levels in the settings.",
        *("pricelevel", "prclevel"),
        alone=_absent("price level"),
    ),
    _situation(
        "SHIPPING_METHOD_UNKNOWN",
        "GP has no such shipping method.",
        "Set it up in GP, or correct the table of shipping methods in the settings.",
        *("shippingmethod", "shipmthd"),
        alone=_absent("shipping method"),
    ),
    _situation(
        "CURRENCY_UNKNOWN",
        "GP does not take this currency, or not for this customer.",
        "Give the company access to the currency in GP, or correct the currency in the CRM.",
        *("currency", "curncyid"),
        alone=_absent("currency"),
    ),
    _situation(
        "DOCUMENT_TYPE_UNKNOWN",
        "GP has no such document type for quotes or orders.",
        "Correct the document type in the settings, or set it up in GP (Setup > Sales > Sales Order Processing).",
        *("documenttype", "docid"),
        alone=_absent("document type"),
    ),
    _situation(
        "BATCH_MISSING",
        "GP has no such batch, or wants one.",
        "Create the batch in GP (Transactions > Sales > Sales Batches), or let the policy create it (Create Batch).",
        *("batch", "bachnumb"),
        alone=rf"{_absent('batch')}|\bbatch\b.*required",
    ),
    _situation(
        "PERIOD_CLOSED",
        "The fiscal period of its date is closed in GP.",
        "Open the period for the Sales series (Setup > Company > Fiscal Periods), or change the date in the CRM.",
        *("date", "documentdate", "invoicedate", "docdate"),
        words=r"period|closed|fiscal",
        alone=r"\bperiod\b",
    ),
    _situation(
        "CREDIT_EXCEEDED",
        "The customer's credit limit is exceeded.",
        "Raise the limit in GP or wait for a payment; the policy may be set not to check it (Check Credit Limit).",
        *("customer", "custnmbr", "creditlimit", "totalamount"),
        words=r"\bcredit\b",
        alone=r"\bcredit limit\b",
    ),
    _situation(
        "CUSTOMER_ON_HOLD",
        "The customer is on hold in GP.",
        "Take the hold off in GP (Cards > Sales > Customer), or leave the order waiting.",
        *("customer", "custnmbr", "isonhold"),
        words=r"\bhold\b",
        alone=r"\bon hold\b",
    ),
    _situation(
        "CUSTOMER_INACTIVE",
        "The customer is inactive in GP.",
        "Make it active in GP (Cards > Sales > Customer), or link the account to another customer.",
        *("customer", "custnmbr", "isactive"),
        words=r"inactive|not active",
        alone=r"\bcustomer\b.*(inactive|not active)",
    ),
    _situation(
        "CUSTOMER_UNKNOWN",
        "GP has no such customer.",
        "Link the account to a customer that GP has, or create the customer in GP.",
        *("customer", "custnmbr"),
        words=_MISSING,
        alone=_absent("customer"),
    ),
    _situation(
        "CUSTOMER_REFUSED",
        "GP does not take this customer.",
        "Look at it in GP (Cards > Sales > Customer): it may be missing, inactive, on hold or over its credit limit.",
        *("customer", "custnmbr"),
    ),
    _situation(
        "ADDRESS_UNKNOWN",
        "GP has no such address of this customer or vendor.",
        "Create the address in GP, or correct its id in the settings.",
        *("shiptoaddress", "billtoaddress", "defaultaddress", "address", "addresses"),
        words=_MISSING + r"|\bno address\b",
        alone=rf"{_absent('address')}|\bno address\b",
    ),
    _situation(
        "ACCOUNT_REFUSED",
        "GP does not take this GL account.",
        "Make the account active in GP, or correct the account in the settings or the CRM.",
        *("salesglaccount", "costofsalesglaccount", "inventoryglaccount", "account"),
        alone=_absent("account"),
    ),
    _situation(
        "CLASS_UNKNOWN",
        "GP has no such class.",
        "Set the class up in GP, or correct it in the settings.",
        "class",
        alone=_absent("class"),
    ),
    _situation(
        "ITEM_UNKNOWN",
        "GP has no such item.",
        "Create the item in GP, or correct the product code in the CRM; ml-connector ping --items lists all of them.",
        *("item", "itemnmbr"),
        alone=_absent("item"),
    ),
    _situation(
        "ALREADY_INVOICED",
        "A part of it is invoiced in GP, or more is done with it than it would then be for.",
        "Change it in GP by hand, as far as GP allows, or take the change back in the CRM.",
        *("", "quantity", "qty", "lines", "quantitycanceled"),
        words=r"invoiced|allocated|fulfilled|below",
        alone=r"\b(invoiced|allocated|fulfilled)\b",
        again=Again.NEVER,
    ),
    _situation(
        "IN_HISTORY",
        "It is in history in GP, posted or voided, and changes no more.",
        "Nothing in GP: take the change back in the CRM, or make a new document.",
        *("", "id"),
        words=r"histor|posted|void",
        alone=r"\bhistory\b",
        again=Again.NEVER,
    ),
    _situation(
        "QUANTITY_REFUSED",
        "GP does not take this quantity.",
        "Correct the quantity in the CRM; how many decimals an item may have is set in GP.",
        *("quantity", "qty", "quantitycanceled"),
        again=Again.NEVER,
    ),
    _situation(
        "PRICE_REFUSED",
        "GP does not take this price or amount.",
        "Correct it in the CRM.",
        *("unitprice", "totalamount", "discount", "tradediscount", "freightamount", "taxamount"),
        alone=r"\b(subtotal|total|extended price|unit price)\b.*(not match|not equal|negative|invalid)",
        again=Again.NEVER,
    ),
    _situation(
        "TEXT_TOO_LONG",
        "A text is longer than GP takes.",
        "Shorten it in the CRM.",
        words=r"longer than|too long|maximum length|truncat",
        alone=r"longer than|too long|maximum length|truncat",
        again=Again.NEVER,
    ),
)  # fmt: skip

REFUSED = Meaning(
    "GP_REFUSED",
    Kind.DATA,
    f"GP refused it. {SAID}",
    "Correct what GP names, in the CRM or in GP, then run ml-connector held retry KEY. An error number is one of"
    " eConnect's (table taErrorCode).",
)
REASONS_HIDDEN = Meaning(
    "GP_REFUSED_UNTOLD",
    Kind.DATA,
    "GP refused it, and its reasons cannot be read: {said}",
    f"Give the account's role a task with GetLoggedValidationResultByKey, then retry. {_LOG}.",
)
NOT_THERE = Meaning(
    "GP_NOT_THERE",
    Kind.DATA,
    "GP has not got it any more: {said}",
    "Look for it in GP: it may have been deleted, or moved on under another number.",
)
REFERENCE_NOT_THERE = Meaning(
    "GP_REFERENCE_NOT_THERE",
    Kind.DATA,
    "GP did not find something that it refers to, such as its customer, or the policy of {operation}: {said}",
    "Check customer and items in GP, and [gp] policies if it is set; then run ml-connector held retry KEY.",
    again=Again.LATER,
)
OVERTAKEN = Meaning(
    "GP_OVERTAKEN",
    Kind.DATA,
    "It was changed in GP since it was read there ({what}), so nothing was written.",
    "It is decided again from what stands in GP now.",
    again=Again.LATER,
)
UNCERTAIN = Meaning(
    "GP_FAILED_AT_WRITING",
    Kind.DATA,
    "GP failed at it and hides why, so that it may have been done or not: {said}",
    f"{_LOG}. {TRIED_AGAIN} It is looked for in GP first.",
    again=Again.LATER,
)
NO_ANSWER = Meaning(
    "GP_NO_ANSWER",
    Kind.WAIT,
    "The answer to {operation} is a web page, so that it may have been done or not.",
    "It is looked for in GP first; if it stays so, open the address in a browser to see what answers there.",
    30.0,
)
TEXT_NOT_XML = Meaning(
    "TEXT_NOT_XML",
    Kind.DATA,
    "{text}, for {member} in GP, holds a control character, which no request can carry.",
    "Correct the text in the CRM.",
)
NO_ADDRESS = Meaning(
    "GP_NO_ADDRESS",
    Kind.DATA,
    "The record has no {role} address in GP, so its {field} cannot be set.",
    "Give it one in GP, or take the field out of those that the CRM owns.",
)
TWO_VALUES = Meaning(
    "GP_ONE_ADDRESS",
    Kind.DATA,
    "Two addresses of the CRM are one in GP, and their {field} is to be two values.",
    "Give both the same value in the CRM, or give the customer or vendor another address in GP.",
)
NO_POLICY = Meaning(
    "NO_POLICY",
    Kind.STOP,
    "GP has no policy for {operation}: {said}",
    "Give the account's role a policy for it (Policy Console), or set its id under [gp.policies].",
)

#: In the order of the catalogue's page.
ALL: Sequence[Meaning] = (
    *(situation.meaning for situation in (TAKEN, *SITUATIONS)),
    *(
        REFUSED,
        REASONS_HIDDEN,
        NOT_THERE,
        REFERENCE_NOT_THERE,
        OVERTAKEN,
        UNCERTAIN,
        TEXT_NOT_XML,
        NO_ADDRESS,
        TWO_VALUES,
    ),
    *(NO_POLICY, NO_ANSWER),
)
