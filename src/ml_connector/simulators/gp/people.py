"""The people of generated companies: contact persons as clerks write them, and their e-mail.

All that is drawn here comes from a random stream of its own, so that the other values of a seed stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from ml_connector.simulators.gp.company import InternetAddress
from ml_connector.simulators.gp.names import slug

_GIVEN_NAMES = (
    "Ann Bob Zoë Jean-Luc Pat Mary Kim Lee Max Eva Jörg Sofía Håkan Anne-Marie José Priya Tom Grace Omar Ingrid "
    "Daniel Chloé Peter Lucía Sam Nora Victor Hélène Frank Yuki Carla Björn Rita Paul Aisha Greg Diane Ivan Elena Ian"
)
_FAMILY_NAMES = (
    "Beebe,Gage,Hernández,Dubois,Coleman,O'Neill,Akers,Chia,Benson,Corets,Müller,van der Berg,Nakamura,de la Cruz,"
    "McDonald,Smith,Johnson,Lefèvre,Åkerlund,Novák,Patel,Okafor,Rossi,Schmidt,D'Angelo,Kowalski,Larsson,Tanaka,Brown,"
    "Peña,Whitaker,Singh,Garcia-Lopez,St. John,Fischer,Moreau,Olsen,Bremer,Hance,Tibbott"
)
_GIVEN, _FAMILY = tuple(_GIVEN_NAMES.split()), tuple(_FAMILY_NAMES.split(","))
_SALUTATIONS = ("Mr. ", "Mrs. ", "Ms. ", "Dr. ", "Mr ", "Herr ", "Mme ")
_SUFFIXES = (" Jr.", ", CPA", " III")

#: Each person that can be, with the mailbox: made once, for there are many customers.
_PERSONS = tuple(
    (name, slug(name)) for name in (f"{given} {family}" for family in _FAMILY for given in _GIVEN)
)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as a clerk wrote it, and whose mailbox the e-mail goes to; both empty for none."""

    written: str
    mailbox: str


_NO_CONTACT = Contact("", "")
_NOBODY = tuple(
    Contact(written, "")
    for written in (
        "N/A", "Accounts Payable", "ACCOUNTS PAYABLE", "A/P Dept.", "Purchasing", "-", "See notes", "Owner", "n/a",
    )
)  # fmt: skip
"""What stands in the field where no person does."""


class People:
    """Deals out persons; the same for the same seed and `kind` of masters."""

    def __init__(self, kind: str, seed: int) -> None:
        self._random = Random(f"people of {kind} {seed}")

    def contact(self, plain: str) -> Contact:
        """Return `plain` or another name, now and then in an odd form or a department; nobody for an empty one."""
        if not plain:
            return _NO_CONTACT
        draw = self._random.random()
        if draw < 0.06:
            return _NOBODY[int(draw / 0.06 * len(_NOBODY))]
        name, mailbox = (plain, slug(plain)) if draw < 0.3 else self._person()
        return Contact(self._odd(name) if draw > 0.82 else name, mailbox)

    def other(self) -> Contact:
        """Return the contact of a further address: somebody for three in four."""
        return self.contact(self._person()[0]) if self._random.random() < 0.75 else _NO_CONTACT

    def email(self, contact: Contact, company: str, stamp: datetime) -> InternetAddress:
        """Return the e-mail of a further address: none, the person's, or as companies older than the field keep it."""
        draw = self._random.random()
        if not contact.mailbox or draw < 0.3:
            return InternetAddress(modified_at=stamp)
        domain = f"{slug(company)}.example"
        written = f"{contact.mailbox}@{domain}"
        if draw < 0.4:
            return InternetAddress(internet1=written, modified_at=stamp)
        return InternetAddress(written, f"archive@{domain}" if draw > 0.9 else "", modified_at=stamp)

    def keeps_codes(self) -> bool:
        """Tell whether an address has a code of its country: two in three; the others have the country's name only."""
        return self._random.random() < 0.67

    def _person(self) -> tuple[str, str]:
        return _PERSONS[int(self._random.random() * len(_PERSONS))]

    def _odd(self, name: str) -> str:
        given, _, family = name.partition(" ")
        draw = int(self._random.random() * 10)
        if draw < 4:
            return f"{family}, {given}"
        if draw < 7:
            return _SALUTATIONS[int(self._random.random() * len(_SALUTATIONS))] + name
        return (name.upper(), f"{given[0]}. {family}", name + _SUFFIXES[len(name) % len(_SUFFIXES)])[draw - 7]
