"""Company names that look real, with the awkward ones among them, and the ids GP users give them.

A name is numbered: the same number and seed give the same name, two numbers never the same base. What
repeats, repeats on purpose.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_FIRST_WORDS = (
    "Adler Alvarez Anderson Archer Åkerlund Bailey Baker-Finch Barrow Bennett Björk Blackwood Boyer "
    "Bradshaw Brennan Briggs Caldwell Carver Castañeda Chandler Clement Coleman Conway Cortez Crawford "
    "D'Angelo Dalton Delacroix Dubois Eaton Ellison Emerson Fairchild Farrell Fernández Fletcher Forsyth "
    "Foster François Gallagher García Gibbons Goodwin Graham Grüner Hale Hamilton Harding Hartley Hawkins "
    "Hernández Holloway Hudson Iverson Jansen Jürgens Kendall Kingsley Köhler Lambert Langley Larsson "
    "Lefèvre Lockwood Lombard Madison Marlowe Mercer Meyer Mitchell Montréal Moreau Müller Núñez Nakamura "
    "Newell O'Brien O'Connor O'Neill Olsen Osborne Parsons Peña Pierce Porter Quinn Ramírez Rhodes Rivera "
    "Rossi Sanderson Schäfer Schneider Sinclair Skinner St. Stanton Steele Sullivan Tanaka Thornton "
    "Tucker Underwood Vaughn Vélez Walden Warwick Weaver Whitaker Winslow Wong Yates Zimmerman"
)
_SECOND_WORDS = (
    "Allied American Atlantic Beacon Blue Bright Canyon Capital Cascade Cedar Central Century Citadel "
    "City Coastal Coral Crescent Crown Crystal Delta Diamond Eagle East Eastern Elm Emerald Empire "
    "Everest Evergreen Falcon First Forest Frontier Garden Gateway General Glacier Global Golden Granite "
    "Great Green Gulf Harbor Heritage High Highland Horizon Imperial Independent Inland Island Ivory Jade "
    "Junction Keystone Lake Lakeside Liberty Lincoln Maple Mark Meridian Metro Midland Midwest Modern "
    "Mountain National New Noble North Northern Oak Ocean Olympic Orchard Pacific Park Peak Pine Pioneer "
    "Plains Prairie Premier Quality Red Regal Regent Ridge River Royal Sierra Silver South Southern Star "
    "Sterling Summit Sun Superior Timber Tri-State Trinity Union United Valley Victory West Western White "
    "Willow"
)
_TRADE_WORDS = (
    "Automotive Bakery Beverages Builders Cabinets Carpets Catering Ceramics Chemicals Cleaners Clinic "
    "Coffee Components Computers Construction Consulting Controls Dairy Dental Design Distributors "
    "Drilling Electric Electronics Energy Engineering Equipment Fabrics Farms Fasteners Finance Fisheries "
    "Flooring Foods Freight Furniture Glass Graphics Hardware Hotels Imports Instruments Insurance "
    "Interiors Irrigation Jewelers Laboratories Landscaping Leasing Lighting Logistics Lumber Machinery "
    "Marine Media Medical Metals Mills Mining Motors Optics Packaging Paints Paper Pharmacy Plastics "
    "Plumbing Printing Properties Publishing Pumps Recycling Rentals Restaurants Roofing Security Seeds "
    "Software Solar Steel Storage Supply Systems Telecom Textiles Tires Tools Toys Trading Transport "
    "Travel Trucking Uniforms Valves Ventures Water Welding Wholesale Wines Wire Wood"
)
_SUFFIXES = ("", "", "", " Inc.", ", Inc.", " Inc", " Incorporated", " LLC", ", LLC", " Ltd.", " Limited", " Corp.",
             " Corporation", " & Sons", " & Co.", " Co")  # fmt: skip
_FILLER = " Division of Nationwide Industrial Services and Specialty Products"
_FIRST, _SECOND, _TRADE = (tuple(words.split()) for words in (_FIRST_WORDS, _SECOND_WORDS, _TRADE_WORDS))
_NAME_LENGTH = 65  # of VENDNAME and CUSTNAME
_NOT_PLAIN = re.compile("[^a-z0-9]+")
_BASES = len(_FIRST) * len(_SECOND) * len(_TRADE)
_STRIDE = 611_953  # a prime, so that counting in its steps meets every base once


def company_name(number: int, seed: int) -> str:
    """Return the name of company `number`: its base is its own, apart from the repetitions below."""
    if number % 500 == 499:  # one name with several ids
        return company_name(number - 1, seed)
    if number % 300 == 299:  # the same company as the one before, its form of incorporation written otherwise
        return _base(number - 1, seed) + _SUFFIXES[3 + (number * 7 + seed) % 13]
    name = _base(number, seed) + _SUFFIXES[(number * 5 + seed + number // 16) % len(_SUFFIXES)]
    if number % 400 == 398:
        return _of_full_length(name)
    return name


def _base(number: int, seed: int) -> str:
    index = (number * _STRIDE + seed * 7919) % _BASES
    index, trade = divmod(index, len(_TRADE))
    first, second = divmod(index, len(_SECOND))
    return f"{_FIRST[first]} {_SECOND[second]} {_TRADE[trade]}"


def _of_full_length(name: str) -> str:
    """Fill a name to the last character of its column; it does not end in a blank, which nobody could see."""
    cut = (name + _FILLER)[:_NAME_LENGTH]
    return cut[:-1] + "s" if cut.endswith(" ") else cut


def slug(name: str) -> str:
    """Return a name's letters and digits without accents, in lower case."""
    return _NOT_PLAIN.sub("", unicodedata.normalize("NFKD", name).lower())


class IdMaker:
    """Makes ids in the way of GP users: a stem of the name and a number; every fiftieth or so is a user's own idea."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._counts: Counter[str] = Counter()
        self._taken = taken  # upper case

    def __call__(self, name: str, number: int) -> str:
        """Return an id of at most 15 characters that no other name got, whatever its case and trailing blanks."""
        made = self._odd(number) if number % 53 == 17 else self._stemmed(name)
        return made if made.strip().upper() not in self._taken else self(name, number)

    def _stemmed(self, name: str) -> str:
        stem = slug(name)[:8].upper().ljust(8, "X")
        self._counts[stem] += 1
        return f"{stem}{self._counts[stem]:04d}"

    def _odd(self, number: int) -> str:
        forms = (
            "{0:06d}",
            "c-{0:05d}-a",
            "Mix{0:05d}ed",
            "OLD {0:05d}",
            "PAD{0:05d}  ",
            "U_{0:05d}",
            "O'{0:05d}",
        )
        return forms[number // 53 % len(forms)].format(number)
