"""What is known of a record when its document is planned, and what can be decided of it: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum

from ml_connector.core.document_mapping import Numbering, Wanted
from ml_connector.core.document_values import Difference
from ml_connector.core.record import Fields
from ml_connector.core.sales import Document, Kind, Standing


@dataclass(frozen=True, slots=True)
class Left:
    """What we last left there, on both sides."""

    sent: Fields  #: what the CRM wanted then, as ``document_values.wants_of`` gives it
    stood: Fields


class How(Enum):
    """How a document of the ERP is known as the record's."""

    MADE = "made"  #: we made it for it
    NUMBER = (
        "number"  #: it was found under our number or reference, and nothing is known of how it came there
    )
    LINKED = "linked"  #: a person said that it is the record's, and stays as it is
    REPLACED = "replaced"  #: a person said that the record takes the place of all that it says


@dataclass(frozen=True, slots=True)
class Linked:
    """The document of the ERP that the record became."""

    kind: Kind
    number: str
    how: How
    left: Left | None = None  #: None: it is not known (yet)


@dataclass(frozen=True, slots=True)
class Intent:
    """A create or an update that was begun and whose end is not known."""

    at: datetime  #: at this instant the last attempt may still have been sent, and at no later one
    sent: Fields  #: what the CRM wanted then, as ``document_values.wants_of`` gives it


class Choice(StrEnum):
    """What a person says of a record whose deal or quote has a document in the ERP already.

    With the first two, that document is this record's from then on, and no other's: the deal's link to it ends.
    """

    LINK = "link"  #: it stays as it is
    REPLACE = "replace"  #: it says what this record says
    ADD = "add"  #: this record gets another beside it


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's choice; of which document, where there are several."""

    choice: Choice
    number: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of the plan of documents of one kind."""

    numbering: Numbering = Numbering.OWN
    operation_timeout: timedelta = timedelta(0)  #: so long the ERP may still be at work on a create
    total_tolerance: Decimal = Decimal(0)
    stages: frozenset[str] = frozenset()  #: folded: in these a record goes to the ERP; none: in any
    cancelled: frozenset[str] = frozenset()  #: folded: in these its document is to be no more
    ends_outside: bool = False  #: and neither is it in any but ``stages``: a deal that is won no more


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is known of a record when the plan is made."""

    record_id: str
    wanted: Wanted | None  #: None: the record is no more in the CRM
    linked: Linked | None = None
    #: What the ERP has now: of a link, that document; else everything under our number or reference, of this kind.
    found: Sequence[Standing] = ()
    looked_at: datetime | None = None  #: when the look-up began
    intent: Intent | None = None
    #: Documents that the deal or the quote of the record became, and those that came from these.
    related: Sequence[Standing] = ()
    taken: Mapping[str, str] = field(
        default_factory=dict
    )  #: of these: folded number -> the record that it became of
    came: Sequence[str] = ()  #: the numbers of what came from a linked document that is no more
    answer: Answer | None = None
    is_total_open: bool = False  #: it is held because of its total
    is_released: bool = False  #: a person said that the reason of its hold does not count


@dataclass(frozen=True, slots=True)
class Create:
    """Make it in the ERP."""

    document: Document


@dataclass(frozen=True, slots=True)
class Update:
    """Change it in the ERP."""

    before: Standing
    document: Document  #: whole: what stands, with the changes in it; a line that is to be no more is missing
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is to be sent."""

    reason: str
    left: Left | None = None  #: set: this is what stands on both sides by now, and is kept


@dataclass(frozen=True, slots=True)
class Adopt:
    """A document that stands in the ERP is the record's: the link is kept, the intent closed, and planned anew."""

    linked: Linked


@dataclass(frozen=True, slots=True)
class Forget:
    """The link to a document that is no more is dropped, and the record is planned anew."""

    linked: Linked


@dataclass(frozen=True, slots=True)
class Wait:
    """It cannot be known yet: look again at this instant."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A person has to decide."""

    code: str
    happened: str
    remedy: str
    differences: tuple[Difference, ...] = field(default=())


Decision = Create | Update | Skip | Adopt | Forget | Wait | Hold
