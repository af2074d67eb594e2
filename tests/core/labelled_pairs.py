"""Pairs of companies, each said by a person to be the same or not: what ``similar`` is measured with.

The pairs are not mended to please the code: some same ones are too hard for it (another name for the same firm), many
different ones differ in a word only (sister companies at one phone). From each company written out here the same few
changes are made, with a fixed seed: what people do to a name and an address that they type a second time, and what
makes another company of it. Not here, because nobody could tell: two firms with equal names and no fact that differs.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pairs_by_hand import HARD, STRANGERS, TRAPS

from ml_connector.core.similar import Facts


@dataclass(frozen=True, slots=True)
class Pair:
    kind: str
    ours: Facts
    theirs: Facts
    same: bool


# name | city | postal code | phone | e-mail, as an ERP may have them
COMPANIES = [
    Facts(*(part.strip() for part in line.split("|")))
    for line in """
Aaron Fitz Electrical | Chicago | 60603-1234 | 312-555-0182 x4 | info@aaronfitz.com
Adam Park Resort | Indianapolis | 46204 | 317-555-0137 | desk@adamparkresort.com
Advanced Paper Co. | Chicago | 60609 | 312-555-0144 | orders@advancedpaper.com
Alton Manufacturing Inc. | Detroit | 48233 | 313-555-0196 | ap@altonmfg.com
American Science Museum | Dallas | 75202 | 214-555-0128 | science.museum@gmail.com
Baker's Emporium Inc. | Lincoln | 68510 | 402-555-0121 | bakers@aol.com
Berry Medical Center | Kenosha | 53140 | 262-555-0117 | purchasing@berrymedical.org
Blue Yonder Airlines | Atlanta | 30303 | 404-555-0173 | accounts@blueyonderairlines.com
Boyle's Country Inns | Hull | HU1 1AA | +44 1482 555017 | bookings@boylesinns.co.uk
Breakthrough Telemarketing | Sioux City | 51101 | 712-555-0158 | office@breakthroughtm.com
Castle Inn Resort | Orlando | 32801 | 407-555-0190 | castleinn@castleinn.com
Central Communications Ltd. | Milwaukee | 53202 | 414-555-0116 | billing@centralcomm.com
Central Distributing | Evanston | 60201 | 847-555-0133 | central@centraldist.com
Cohowinery | Napa | 94558 | 707-555-0161 | cellar@cohowinery.com
Compu-Tech Solutions | Fort Worth | 76102 | 817-555-0148 | sales@compu-tech.com
Contoso, Ltd. | Toronto | M5H 2N2 | 416-555-0120 | hello@contoso.ca
Country View Estates | Appleton | 54911 | 920-555-0171 | rent@countryviewestates.com
Dollis Cove Resort | Duluth | 55802 | 218-555-0105 | stay@dolliscove.com
Fabrikam, Inc. | Fargo | 58102 | 701-555-0109 | payables@fabrikam.com
Franchise Office Products | Ann Arbor | 48104 | 734-555-0118 | franchise@officeproducts.biz
Graphic Design Institute | Cambridge | 02139 | 617-555-0166 | bursar@graphicdesigninstitute.com
Greenway Foods | Oakland | 94607 | 510-555-0110 | produce@greenwayfoods.com
Holling Communications Inc. | Peoria | 61602 | 309-555-0125 | accounts@hollingcomm.com
Home Furnishings Limited | Leeds | LS1 4AP | 0113 496 0142 | orders@homefurnishings.co.uk
Humongous Insurance Company | Omaha | 68102 | 402-555-0199 | claims@humongousinsurance.com
ISN Industries | Gary | 46402 | 219-555-0140 | isn@isnindustries.com
Kensington Gardens Resort | London | W8 4PT | 020 7946 0182 | events@kensingtongardens.co.uk
Lamson's Dry Cleaners | Bismarck | 58501 | 701-555-0187 | lamsons@hotmail.com
Lawrence Telemarketing | Lawrence | 66044 | 785-555-0115 | office@lawrencetm.com
LeClerc & Associates | Montréal | H3B 2Y5 | 514-555-0126 | bureau@leclerc-associes.ca
Leisure & Travel Consultants | Tampa | 33602 | 813-555-0134 | agents@leisuretravel.com
Litware, Inc. | Seattle | 98101 | 206-555-0177 | ap@litware.com
Magnificent Office Images | Naperville | 60540 | 630-555-0163 | images@magnificentoffice.com
Mahler State University | Mankato | 56001 | 507-555-0119 | stores@mahler.edu
Margie's Travel | Perth | 6000 | +61 8 5550 0142 | margie@margiestravel.com.au
Metropolitan Fiber Systems | Newark | 07102 | 973-555-0156 | noc@metrofibersys.com
Midland Construction | Midland | 79701 | 432-555-0113 | jobs@midlandconstruction.net
Müller Maschinenbau GmbH & Co. KG | Stuttgart | 70173 | +49 711 5550123 | einkauf@mueller-maschinenbau.de
Nova Systems Inc. | Boulder | 80302 | 303-555-0131 | info@novasystems.com
Northern Family Hospital | Bemidji | 56601 | 218-555-0146 | supply@nfhospital.org
Northwind Traders | Portland | 97205 | 503-555-0188 | orders@northwindtraders.com
Office Design Systems Ltd | Winnipeg | R3C 0V8 | 204-555-0104 | design@officedesign.ca
O'Neil Plumbing & Heating | Boston | 02108 | 617-555-0129 | oneilplumbing@comcast.net
Place One Suites | Rockford | 61101 | 815-555-0147 | frontdesk@placeonesuites.com
Plaza One | Baltimore | 21201 | 410-555-0192 | plazaone@verizon.net
Proseware, Inc. | Charlotte | 28202 | 704-555-0150 | finance@proseware.com
Rainbow Rentals | Topeka | 66603 | 785-555-0183 | rainbowrentals@yahoo.com
Riverside University | Riverside | 92501 | 951-555-0111 | procure@riverside-u.edu
Rosellen General Hospital | Akron | 44308 | 330-555-0124 | ap@rosellen.org
São Paulo Alimentos Ltda | São Paulo | 01310-100 | +55 11 5555 0177 | compras@spalimentos.com.br
Southridge Video Productions | Lubbock | 79401 | 806-555-0138 | studio@southridgevideo.com
St. Mary's Hospital Supply | Duluth | 55805 | 218-555-0162 | buyers@stmarys.org
St. Patrick's Cathedral | New York | 10022 | 212-555-0135 | parish@stpats.org
Tailspin Toys Corporation | Columbus | 43215 | 614-555-0170 | toys@tailspintoys.com
Trey Research International | Raleigh | 27601 | 919-555-0141 | labs@treyresearch.net
Unified Wire & Cable Manufacturing | Erie | 16501 | 814-555-0102 | wire@unifiedwire.com
Vancouver Resort Hotels | Vancouver | V6C 1S4 | 604-555-0157 | desk@vancouverresorts.ca
Vélez Hermanos S.A. de C.V. | Monterrey | 64000 | +52 81 5550 1432 | ventas@velezhnos.com.mx
Vision Inc. | Madison | 53703 | 608-555-0168 | vision@visioninc.com
Weaver Brothers Trucking LLC | Amarillo | 79101 | 806-555-0174 | dispatch@weaverbros.com
West Central Distributors | Sioux Falls | 57104 | 605-555-0112 | wcd@westcentral.com
Wingtip Toys | Nashville | 37203 | 615-555-0193 | payables@wingtiptoys.com
Woodgrove Bank | Phoenix | 85004 | 602-555-0106 | vendors@woodgrovebank.com
""".strip().splitlines()
]

_FORM = re.compile(
    r"[\s,]*(?:Inc\.|Co\.|Company|Corporation|Ltd\.?|Limited|LLC|Ltda|GmbH & Co\. KG|S\.A\. de C\.V\.)$"
)


def bare(name: str) -> str:
    return _FORM.sub("", name)


# --- the same company, written by somebody else --------------------------------------------------------------------


def other_form(facts: Facts, dice: random.Random) -> str:
    """The legal form left out where there was one, or added where there was none."""
    short = bare(facts.name)
    return (
        short if short != facts.name else short + dice.choice([" Inc.", ", LLC", " Ltd", " Co.", " Company"])
    )


def long_form(facts: Facts, _dice: random.Random) -> str:
    """The same form spelled out, or abbreviated."""
    swaps = {"Inc.": "Incorporated", "Co.": "Company", "Ltd.": "Limited", "Limited": "LTD", "Corporation": "Corp.",
             "Company": "Co", "LLC": "L.L.C.", "Ltd": "Limited"}  # fmt: skip
    head, _, last = facts.name.rpartition(" ")
    return f"{head} {swaps[last]}" if last in swaps else f"The {facts.name}"


def shouted(facts: Facts, _dice: random.Random) -> str:
    """Capitals without accents and signs, as old systems have them; & becomes AND."""
    plain = facts.name.translate(str.maketrans("áàâãäéèêëíóôõöúüçñ", "aaaaaeeeeiooooúucn"))
    return re.sub(r"[.,']", "", plain).replace("ú", "u").replace("&", "and").upper()


def accented(facts: Facts, dice: random.Random) -> str:
    """An accent where there is none."""
    places = [i for i, c in enumerate(facts.name) if c in "aeiou"]
    at = dice.choice(places)
    return facts.name[:at] + dict(zip("aeiou", "áéíóú", strict=True))[facts.name[at]] + facts.name[at + 1 :]


def abbreviated(facts: Facts, _dice: random.Random) -> str:
    """A usual abbreviation; where the name has no such word, an ampersand or a full stop more."""
    swaps = {
        "International": "Intl", "Manufacturing": "Mfg", "Brothers": "Bros.", "Systems": "Sys.", "Hospital": "Hosp.",
        "University": "Univ.", "Insurance": "Ins.", "Construction": "Constr.", "Center": "Ctr", "Company": "Co.",
        "Associates": "Assoc.", "St.": "Saint", "One": "1", "Communications": "Comm.", "Solutions": "Soln.",
        "Distributors": "Dist.", "Electrical": "Elec.", "Institute": "Inst.",
    }  # fmt: skip
    return " ".join(swaps.get(word, word) for word in facts.name.split())


def reordered(facts: Facts, _dice: random.Random) -> str:
    """The first word last, after a comma: how a file is sorted."""
    first, *rest = bare(facts.name).split()
    return f"{' '.join(rest)}, {first}" if rest else f"{first} Inc"


def rejoined(facts: Facts, dice: random.Random) -> str:
    """A space lost, or a hyphen read as none."""
    words = re.split(r"[ -]", facts.name)
    at = dice.randrange(len(words) - 1) if len(words) > 1 else 0
    return " ".join([*words[:at], "".join(words[at : at + 2]), *words[at + 2 :]])


def _letter(name: str, dice: random.Random) -> int:
    return dice.choice([i for i in range(len(bare(name)) - 1) if name[i].isalpha() and name[i + 1].isalpha()])


def dropped(facts: Facts, dice: random.Random) -> str:
    """A letter left out, anywhere, the first one included."""
    at = _letter(facts.name, dice)
    return facts.name[:at] + facts.name[at + 1 :]


def doubled(facts: Facts, dice: random.Random) -> str:
    """A letter typed twice."""
    at = _letter(facts.name, dice)
    return facts.name[: at + 1] + facts.name[at].lower() + facts.name[at + 1 :]


def swapped(facts: Facts, dice: random.Random) -> str:
    """Two neighbours in the wrong order."""
    at = _letter(facts.name, dice)
    return facts.name[:at] + facts.name[at + 1] + facts.name[at] + facts.name[at + 2 :]


def mistyped(facts: Facts, dice: random.Random) -> str:
    """A letter replaced by any other one."""
    at = _letter(facts.name, dice)
    return facts.name[:at] + dice.choice("abcdefghijklmnopqrstuvwxyz") + facts.name[at + 1 :]


def twice_mistyped(facts: Facts, dice: random.Random) -> str:
    """Two letters gone wrong."""
    return dropped(replace(facts, name=swapped(facts, dice)), dice)


def shortened(facts: Facts, _dice: random.Random) -> str:
    """The last word left out: what people call it."""
    words = bare(facts.name).split()
    return " ".join(words[:-1] if len(words) > 2 else words)


Change = Callable[[Facts, random.Random], str]
SAME_NAMES: tuple[Change, ...] = (
    other_form, long_form, shouted, accented, abbreviated, reordered, rejoined, dropped, doubled, swapped, mistyped,
    twice_mistyped, shortened,
)  # fmt: skip

#: How much of the address the CRM has, by how often: all, written otherwise; parts; a line or a person of its own.
SAME_FACTS: tuple[Callable[[Facts], Facts], ...] = (
    lambda f: replace(f, phone=_spoken(f.phone), postal_code=f.postal_code.removesuffix("-1234")),
    lambda f: replace(f, email=""),
    lambda f: replace(f, phone="", email=f.email.upper()),
    lambda f: replace(f, city="", postal_code=""),
    lambda f: replace(f, phone=_spoken(f.phone), email="", postal_code=""),
    lambda f: replace(f, phone="", email=""),
    lambda f: replace(f, email="mary.jones@" + f.email.split("@")[1]),
    lambda f: replace(f, phone=_other_number(f.phone), email="mary.jones@" + f.email.split("@")[1]),
    lambda f: replace(f, city="", postal_code="", phone=""),
    lambda f: replace(f, city="", postal_code="", phone="", email=""),
    lambda f: replace(f, city="Springfield", postal_code="62701"),  # moved, kept its number and address
)  # fmt: skip


def _spoken(phone: str) -> str:
    """The same number without signs and extension."""
    return re.sub(r"\D", "", phone.split("x", maxsplit=1)[0])


def _other_number(phone: str) -> str:
    """Another number of the same exchange."""
    digits = list(phone.split(" x", maxsplit=1)[0])
    at = len(digits) - 2
    digits[at] = str((int(digits[at]) + 5) % 10)
    return "".join(digits)


def the_same(dice: random.Random) -> Iterator[Pair]:
    """Every company by every change of its name; the facts go round so that each change meets them all."""
    for row, company in enumerate(COMPANIES):
        for column, change in enumerate(SAME_NAMES):
            known = SAME_FACTS[(row * 5 + column) % len(SAME_FACTS)](company)
            yield Pair(
                f"same, {change.__name__}", company, replace(known, name=change(company, dice)), same=True
            )


# --- another company -----------------------------------------------------------------------------------------------

_PLACES = [("Springfield", "62701", "217"), ("Portland", "04101", "207"), ("Richmond", "23219", "804"),
           ("Columbia", "29201", "803"), ("Aurora", "80010", "720"), ("Salem", "97301", "971")]  # fmt: skip


def _elsewhere(facts: Facts, dice: random.Random) -> Facts:
    city, code, area = dice.choice([place for place in _PLACES if place[0] != facts.city])
    user = dice.choice(["office", "info", "sales", "accounts"])
    own_mail = f"{user}@{re.sub('[^a-z]', '', facts.name.lower())[:12]}{area}.com"
    phone = f"{area}-555-0{dice.randrange(200, 999)}"
    return replace(facts, city=city, postal_code=code, phone=phone, email=own_mail)


def homonym(facts: Facts, dice: random.Random) -> Facts:
    """The same name with another form, in another city, unrelated."""
    return replace(_elsewhere(facts, dice), name=other_form(facts, dice))


def homonym_with_a_switchboard(facts: Facts, dice: random.Random) -> Facts:
    """A franchise in another city: the toll-free number and the mail of the brand are shared."""
    there = _elsewhere(facts, dice)
    return replace(facts, name=other_form(facts, dice), city=there.city, postal_code=there.postal_code)


def homonym_in_town(facts: Facts, dice: random.Random) -> Facts:
    """Two firms of one name in one big city: another quarter, another phone."""
    there = _elsewhere(facts, dice)
    return replace(there, name=other_form(facts, dice), city=facts.city)


def homonym_little_known(facts: Facts, dice: random.Random) -> Facts:
    """Of the other firm only the name and a city are known."""
    there = _elsewhere(facts, dice)
    return replace(there, name=other_form(facts, dice), postal_code="", phone="", email="")


def branch(facts: Facts, dice: random.Random) -> Facts:
    """A branch of it with a customer number of its own: phone and mail go to the head office."""
    return replace(
        facts, name=f"{bare(facts.name)} {dice.choice(['North', 'South', 'East', 'West', 'Downtown'])}"
    )


def branch_in_another_city(facts: Facts, dice: random.Random) -> Facts:
    """Named after its city, with a phone of its own and the mail of the brand."""
    there = _elsewhere(facts, dice)
    return replace(there, name=f"{bare(facts.name)} {there.city}", email=facts.email)


def sister(facts: Facts, dice: random.Random) -> Facts:
    """A company of the same owner in the same house: everything but the name is the same."""
    what = dice.choice(
        ["Holdings", "Leasing", "Properties", "Foundation", "Services", "& Sons", "Group", "Canada", "UK"]
    )
    return replace(facts, name=f"{bare(facts.name)} {what}")


def sister_by_form(facts: Facts, dice: random.Random) -> Facts:
    """The same words, another legal form, the same house: the firm and the company that owns its building."""
    forms = [form for form in (" LP", " LLP", " PLLC") if not facts.name.endswith(form)]
    return replace(facts, name=bare(facts.name) + dice.choice(forms))


def neighbour(facts: Facts, dice: random.Random) -> Facts:
    """Another firm of the same office building, whose switchboard answers for all."""
    other = dice.choice([c for c in COMPANIES if c != facts])
    return replace(other, city=facts.city, postal_code=facts.postal_code, phone=facts.phone)


DIFFERENT: tuple[Callable[[Facts, random.Random], Facts], ...] = (
    homonym, homonym_with_a_switchboard, homonym_in_town, homonym_little_known, branch, branch_in_another_city, sister,
    neighbour,
)  # fmt: skip


def the_different(dice: random.Random) -> Iterator[Pair]:
    for company in COMPANIES:
        for make in DIFFERENT:
            yield Pair(f"different, {make.__name__}", company, make(company, dice), same=False)
        with_form = replace(company, name=bare(company.name) + ", Inc.")
        yield Pair("different, sister_by_form", with_form, sister_by_form(company, dice), same=False)
        first, second = dice.sample(range(1, 30), 2)
        yield from (
            Pair("different, numbered", replace(company, name=f"{bare(company.name)} {how}{first}"),
                 replace(company, name=f"{bare(company.name)} {how}{second}"), same=False)
            for how in ("#", "Store ")
        )  # fmt: skip


# --- written by hand -----------------------------------------------------------------------------------------------


def by_hand() -> Iterator[Pair]:
    """Strangers three times: in one postal code with phones of their own; with nothing more known; in one city."""
    for line in STRANGERS.splitlines():
        one, other = (Facts(name.strip(), "Chicago", "60601") for name in line.split("|"))
        own = (replace(one, phone="312-555-0111"), replace(other, phone="312-555-0187"))
        yield Pair("different, strangers", *own, same=False)
        yield Pair("different, strangers", one, other, same=False)
        yield Pair(
            "different, strangers", replace(one, postal_code=""), replace(other, postal_code=""), same=False
        )
    yield from (Pair("same, by hand", one, other, same=True) for one, other in HARD)
    yield from (Pair("different, by hand", one, other, same=False) for one, other in TRAPS)


def labelled_pairs() -> list[Pair]:
    dice = random.Random(20261102)
    return [*the_same(dice), *the_different(dice), *by_hand()]
