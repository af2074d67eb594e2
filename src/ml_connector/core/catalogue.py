"""The error catalogue: every code that a record can wait with or a run can stop with, what it means, what to do.

The connectors add the codes of their systems (``errors.CATALOGUE``); the page in ``docs/reference`` is made from all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happens next."""

    WAIT = "wait"  #: the system is away or busy: tried again by itself
    DATA = "data"  #: the record is held: a value has to be corrected
    MATCH = "match"  #: the record is held: a person decides which record of the CRM is meant
    APPROVAL = "approval"  #: the record is held until a plan is approved
    PARENT = "parent"  #: the record is held and released with another one
    SCHEMA = "schema"  #: the record is held: a field of the CRM is not as the mapping needs it
    TARGET = "target"  #: the record is held: the record of the CRM is gone or locked
    DOCUMENT = "document"  #: the record is held: a person decides about its document in the ERP
    STOP = "stop"  #: the run stops: a setting, a right or a password has to be changed


class Again(StrEnum):
    """Whether a record that waits is tried again without anybody asking for it."""

    NEVER = "never"  #: a person has to mend something, and then the record is stamped anew or retried
    LATER = "later"  #: it may heal by itself: tried again, at growing distances
    WATCHED = "watched"  #: every run looks whether the reason is gone; then it is tried again


@dataclass(frozen=True, slots=True)
class Entry:
    """One code."""

    system: str  #: "ml-connector", "Dynamics GP", "Zoho CRM"
    code: str
    kind: Kind
    meaning: str
    remedy: str
    again: Again = Again.NEVER


@dataclass(frozen=True, slots=True)
class OwnCode:
    """One of our own reasons to hold a record."""

    kind: Kind
    meaning: str
    remedy: str
    releasable: bool = False  #: ``held release`` says that the reason does not count
    again: Again = Again.NEVER


AMBIGUOUS = "AMBIGUOUS_MATCH"
AMBIGUOUS_KEY = "AMBIGUOUS_KEY"
OTHER_COMPANY = "OTHER_COMPANY"
SIMILAR = "SIMILAR_RECORD"
RENAMED = "LOOKS_RENAMED"
DECLINED = "DECLINED"
DELETED = "DELETED_IN_TARGET"
TARGET_GONE = "TARGET_GONE"
CHANGED_SINCE_APPROVAL = "CHANGED_SINCE_APPROVAL"
PARENT_WAITS = "PARENT_WAITS"
SCHEMA_DRIFT = "SCHEMA_DRIFT"
INVALID_EMAIL = "INVALID_EMAIL"
FOREIGN_CURRENCY = "FOREIGN_CURRENCY"
POSTING_UNREADABLE = "POSTING_UNREADABLE"
MIXED_CURRENCIES = "MIXED_CURRENCIES"
NO_NUMBER = "NO_NUMBER"
VALUE_MISSING = "VALUE_MISSING"
VALUE_UNFIT = "VALUE_UNFIT"
CUSTOMER_MISSING = "CUSTOMER_MISSING"
TOTAL_UNEXPLAINED = "TOTAL_UNEXPLAINED"
TOTALS_DIFFER = "TOTALS_DIFFER"
NUMBER_OF_ANOTHER = "NUMBER_OF_ANOTHER"
CREATE_UNCLEAR = "CREATE_UNCLEAR"
ALREADY_ORDERED = "ALREADY_ORDERED"
DOCUMENT_GONE = "DOCUMENT_GONE"
DOCUMENT_FINISHED = "DOCUMENT_FINISHED"
DOCUMENT_FIXED = "DOCUMENT_FIXED"
DOCUMENT_RESTLESS = "DOCUMENT_RESTLESS"
BELOW_DONE = "BELOW_DONE"
CHANGED_ON_BOTH_SIDES = "CHANGED_ON_BOTH_SIDES"
WITHDRAWN = "WITHDRAWN"
COMPANY_GONE = "COMPANY_GONE"
MASTER_MOVED = "MASTER_MOVED"

OWN_CODES: Mapping[str, OwnCode] = {
    AMBIGUOUS: OwnCode(
        Kind.MATCH,
        "More than one record of the CRM could be meant, or more than one of the ERP has the name.",
        "Choose one in the review file, put the key on the right one in the CRM, or release the hold to create one.",
        releasable=True,
    ),
    AMBIGUOUS_KEY: OwnCode(
        Kind.MATCH,
        "The key is not on the record of the CRM that it should be on: on several, on another, or no longer on it.",
        "Put the key on the right record in the CRM and take it off the others, then retry the hold.",
    ),
    OTHER_COMPANY: OwnCode(
        Kind.MATCH,
        "The record of the CRM that would be taken, or the key that it would get, belongs to another company of the"
        " ERP.",
        "Choose another record in the review file, or take the wrong key off the record in the CRM; where a key begins"
        " like another company's, give it another id in the ERP.",
    ),
    SIMILAR: OwnCode(
        Kind.MATCH,
        "A record of the CRM is similar, but not so much that it is taken for the same.",
        "Choose it in the review file, or release the hold to create a record of its own.",
        releasable=True,
    ),
    RENAMED: OwnCode(
        Kind.MATCH,
        "A record of the CRM belongs to a key that the ERP no longer has: this one looks like it under a new key.",
        "If it is: ml-connector links move OLD NEW. If not, release the hold to create a record of its own.",
        releasable=True,
    ),
    DECLINED: OwnCode(
        Kind.MATCH,
        "A person decided in a review that no record is created for it.",
        "Release the hold to create one after all.",
        releasable=True,
    ),
    DELETED: OwnCode(
        Kind.TARGET,
        "A person deleted the record in the CRM.",
        "Restore it there and retry the hold, or release the hold to create it anew.",
        releasable=True,
    ),
    TARGET_GONE: OwnCode(
        Kind.TARGET,
        "The linked record of the CRM cannot be seen, and no other one carries the key.",
        "Restore it or let our user see it, then retry the hold; or release the hold to create it anew.",
        releasable=True,
        again=Again.WATCHED,
    ),
    CHANGED_SINCE_APPROVAL: OwnCode(
        Kind.APPROVAL,
        "What would be written is not what was approved.",
        "Plan again, look at it and approve it; or release the hold.",
        releasable=True,
        again=Again.WATCHED,
    ),
    PARENT_WAITS: OwnCode(
        Kind.PARENT,
        "The record that it belongs to is not in the CRM yet, because that one waits.",
        "Work off the other record's hold: this one goes through with it.",
        again=Again.WATCHED,
    ),
    SCHEMA_DRIFT: OwnCode(
        Kind.SCHEMA,
        "A field of the CRM was renamed, removed, shortened, closed or made mandatory since it was provisioned.",
        "Mend the field in the CRM, correct the value in the ERP or change the mapping; the next run lets the record"
        " through.",
        again=Again.WATCHED,
    ),
    INVALID_EMAIL: OwnCode(
        Kind.DATA,
        "The text is not an e-mail address, and the CRM would refuse it.",
        "Correct it in the ERP, then retry the hold.",
    ),
    FOREIGN_CURRENCY: OwnCode(
        Kind.DATA,
        "An amount is not in the CRM's home currency and is never written without its currency.",
        "Take the mapping of these amounts out of the flow, or give the ERP company the CRM's currency.",
    ),
    POSTING_UNREADABLE: OwnCode(
        Kind.DATA,
        "A line of a journal entry has no date, no account or an amount that no ledger has: it cannot be added up.",
        "Look at the entry in the ERP; where a service of your own gives the entries, correct what it answers. Then"
        " retry the hold.",
    ),
    MIXED_CURRENCIES: OwnCode(
        Kind.DATA,
        "The lines of one account and month are in more than one currency, and they are never added up.",
        "Look at the entries of that month in the ERP: a company has one currency.",
    ),
    NO_NUMBER: OwnCode(
        Kind.DATA,
        "The id of the record in the CRM is none that a number of the ERP can be made of.",
        "This is not to be mended in the CRM: report it to whoever looks after ml-connector.",
    ),
    VALUE_MISSING: OwnCode(
        Kind.DATA,
        "An order, quote or deal of the CRM lacks what every document of the ERP has: lines, an item, a quantity.",
        "Fill it in in the CRM, or change the mapping of documents; the change brings it through.",
    ),
    VALUE_UNFIT: OwnCode(
        Kind.DATA,
        "A value of an order, quote or deal is none that the ERP takes: no number or date, too long, too exact, below"
        " zero.",
        "Correct it in the CRM, or change the mapping of documents; the change brings it through.",
    ),
    CUSTOMER_MISSING: OwnCode(
        Kind.PARENT,
        "The Account of an order, quote or deal is no customer of the ERP, or there is no Account.",
        "Choose the right Account in the CRM, or have the customer made in the ERP: it goes through once the Account is"
        " linked to one.",
        again=Again.WATCHED,
    ),
    TOTAL_UNEXPLAINED: OwnCode(
        Kind.DATA,
        "The lines, discounts, taxes and other amounts do not come to the total that the CRM shows; nothing was sent.",
        "Look which amount the mapping of documents leaves out, or correct the record in the CRM.",
    ),
    TOTALS_DIFFER: OwnCode(
        Kind.DATA,
        "The document stands in the ERP, and its total is not the one of the CRM: the ERP calculated prices, taxes or"
        " discounts anew.",
        "Correct the price in the CRM or the document in the ERP; or release the hold if the ERP's total is right.",
        releasable=True,
    ),
    NUMBER_OF_ANOTHER: OwnCode(
        Kind.DOCUMENT,
        "The document of the ERP that has the number of this record says that it belongs to another.",
        "Look at the document in the ERP. If it is this record's, clear its integration id there and retry the hold.",
    ),
    CREATE_UNCLEAR: OwnCode(
        Kind.DOCUMENT,
        "The answer to a create was lost, and what the ERP has under the reference since then is not one document"
        " alone.",
        "Look at these documents in the ERP, void what is too much there, then retry the hold.",
    ),
    ALREADY_ORDERED: OwnCode(
        Kind.DOCUMENT,
        "The deal or the quote of this record already has a document in the ERP.",
        "Say what is meant: release the hold with --link NUMBER (it is that one, which stays as it is), with --replace"
        " NUMBER (it is that one, which then says what this record says), or with neither (it gets another beside it).",
        releasable=True,
    ),
    DOCUMENT_GONE: OwnCode(
        Kind.DOCUMENT,
        "The document that this record became is no longer in the ERP: it was deleted there.",
        "Release the hold to create it anew; or let it be, and say so in the CRM.",
        releasable=True,
    ),
    DOCUMENT_FINISHED: OwnCode(
        Kind.DOCUMENT,
        "The record was changed in the CRM after its document in the ERP was posted, transferred or voided.",
        "Make the change in the ERP by what comes after it (a return, another order), or take it back in the CRM.",
    ),
    DOCUMENT_FIXED: OwnCode(
        Kind.DOCUMENT,
        "What was changed in the CRM is what an existing document of the ERP keeps: its customer, its currency, or an"
        " amount of which a part is invoiced.",
        "Take the change back in the CRM; or void the document in the ERP and make another record in the CRM.",
    ),
    DOCUMENT_RESTLESS: OwnCode(
        Kind.DOCUMENT,
        "The document was changed in the ERP, or could not be seen there, each time it was to be written.",
        "Nothing: it is tried again by itself. If it stays, look who works on the document in the ERP.",
        again=Again.LATER,
    ),
    BELOW_DONE: OwnCode(
        Kind.DOCUMENT,
        "The CRM wants less of a line, another item or no line at all, and the ERP has allocated, fulfilled or invoiced"
        " it already.",
        "Take the allocation back in the ERP where it can be, then retry the hold; or take the change back in the CRM.",
    ),
    CHANGED_ON_BOTH_SIDES: OwnCode(
        Kind.DATA,
        "The same value was changed in the CRM and in the ERP since it was last the same.",
        "Decide which is right and write it on the other side, then retry the hold; or release the hold to have the ERP"
        " take what the CRM says.",
        releasable=True,
    ),
    WITHDRAWN: OwnCode(
        Kind.DOCUMENT,
        "The record was deleted, cancelled or lost in the CRM, and its document is still open in the ERP.",
        "Void the document in the ERP; or restore the record in the CRM. Either ends the hold.",
        again=Again.WATCHED,
    ),
    COMPANY_GONE: OwnCode(
        Kind.DOCUMENT,
        "The record has a document in a company of the ERP that is no more in the settings.",
        "Give the company back to the settings and retry the hold; or discard the hold, and look after the document in"
        " the ERP.",
    ),
    MASTER_MOVED: OwnCode(
        Kind.DATA,
        "The customer or vendor was changed in the ERP since it was last read here, and nothing is written over that.",
        "Nothing, if the next run brings the change over; else retry the hold.",
        again=Again.WATCHED,
    ),
}


def own_entries() -> Sequence[Entry]:
    """Our own codes as entries of the catalogue."""
    return [
        Entry("ml-connector", code, own.kind, own.meaning, own.remedy, own.again)
        for code, own in OWN_CODES.items()
    ]
