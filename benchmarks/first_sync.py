"""A customer's first day: GP's customers against a Zoho that people have filled for years.

    python benchmarks/first_sync.py [--full]

20,000 customers against 16,000 Accounts, of which 12,000 are the same companies, written as people write them: other
suffixes, typing errors, accents, word order, an address or a telephone number missing. The other 4,000 are different
companies, among them ones of the same name in another town, branches and near names (``--full``: 100,000 against
80,000, of which 60,000 are the same). GP answers after 20 ms with five requests at once, Zoho after 200 ms.

The plan is approved as it is, nobody reviews anything: what is not certain waits. Then every Account is looked at:
``wrong_matches`` carry the key of another company, ``missed_matches`` are Accounts whose company was created once
more; ``for_review`` customers wait for a person. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_connector.demo.systems import COMMAND, Systems, systems

CAP, GP_LATENCY, ZOHO_LATENCY, SEED = 5, 0.020, 0.200, 23
SIZES = {False: (20_000, 16_000, 12_000), True: (100_000, 80_000, 60_000)}

Row = dict[str, Any]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--full", action="store_true")
    arguments.add_argument("--tenth", action="store_true", help="a tenth of the size, to try it")
    given = arguments.parse_args()
    customers, accounts, same = (size // 10 if given.tenth else size for size in SIZES[given.full])
    gp = ("--customers", str(customers), "--seed", str(SEED))
    with (
        tempfile.TemporaryDirectory() as folder,
        systems(Path(folder), gp, ("--edition", "ultimate")) as both,
    ):
        dice = random.Random(SEED)
        rows = list(both.gp.rows("customers", "rows"))
        seed(both, rows, accounts, same, dice)
        both.set_up({"gp": {"max_requests": CAP}})
        both.run("provision", "--yes", quiet=True)
        for system, latency in ((both.gp, GP_LATENCY), (both.zoho, ZOHO_LATENCY)):
            system.post("settings", {"latency_seconds": latency})
        planned = ran(both, "plan", "customers")
        synced = ran(both, "sync", "customers", "--approve", planned.report["hash"])
        print(json.dumps(figures(both, planned, synced, same, len(rows))))


# ---- what people made of the companies


def seed(both: Systems, rows: list[Row], accounts: int, same: int, dice: random.Random) -> None:
    """Fill Zoho: ``same`` Accounts of these companies, and others that only look like them; shuffled."""
    dice.shuffle(rows)
    known = [account(row, dice) for row in rows[:same]]
    others = [stranger(row, dice, number) for number, row in enumerate(rows[: accounts - same])]
    made = known + others
    dice.shuffle(made)
    for start in range(0, len(made), 2000):
        both.zoho.post("records/Accounts", {"records": made[start : start + 2000]})


def account(row: Row, dice: random.Random) -> Row:
    """The company as somebody typed it; in Description stands which one it is, which no matching looks at."""
    told = facts(row)
    for name in ("Billing_City", "Billing_Code", "Phone"):
        if dice.random() < 0.15:
            told.pop(name, None)
    written = dice.choices([same_name, other_suffix, typing_error, other_order], [60, 20, 14, 6])[0]
    return told | {
        "Account_Name": written(row["name"].strip(), dice),
        "Description": f"same:{row['id'].strip()}",
    }


def stranger(row: Row, dice: random.Random, number: int) -> Row:
    """Another company: of the same name elsewhere, a branch with its own address, or one with a near name."""
    name = row["name"].strip()
    names = (
        name,
        f"{name} {dice.choice(['West', 'East', 'of Ohio', 'Plant 2'])}",
        near_name(name, dice),
        f"{number} {name}",
    )
    elsewhere = {
        "Billing_City": dice.choice(["Anchorage", "Honolulu", "Juneau", "Hilo"]),
        "Billing_Code": f"99{dice.randrange(1000):03}",
        "Phone": f"907-55{dice.randrange(10)}-{dice.randrange(10_000):04}",
    }
    return elsewhere | {"Account_Name": names[number % len(names)], "Description": "stranger"}


def facts(row: Row) -> Row:
    """Where the company is and how it is reached, as far as GP knows."""
    wanted = row["bill_to_address"]
    addresses = {one["id"]: one for one in row["addresses"]}
    place: Row = addresses.get(wanted) or next(iter(addresses.values()), {})
    told = {
        "Billing_City": (place.get("city") or "").strip(),
        "Billing_Code": (place.get("postal_code") or "").strip(),
        "Phone": telephone(place.get("phone1") or ""),
    }
    return {name: value for name, value in told.items() if value}


def telephone(padded: str) -> str:
    digits = padded.strip()[:10]
    return (
        f"({digits[:3]}) {digits[3:6]}-{digits[6:]}".translate({40: None, 41: None})
        if digits.strip("0")
        else ""
    )


def same_name(name: str, dice: random.Random) -> str:
    return dice.choice([name, name.upper(), name.replace(",", ""), name.replace("&", "and")])


def other_suffix(name: str, dice: random.Random) -> str:
    for suffix in (
        ", Inc.",
        " Inc.",
        " Inc",
        ", LLC",
        " LLC",
        " Ltd.",
        " Ltd",
        " Corp.",
        " Corporation",
        " Co.",
    ):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name + dice.choice([" Inc.", ", LLC", " Corp."])


def typing_error(name: str, dice: random.Random) -> str:
    """Two letters changed places, one is missing or stands twice."""
    spot = dice.randrange(1, max(2, len(name) - 2))
    return dice.choice(
        [
            name[:spot] + name[spot + 1 : spot + 2] + name[spot : spot + 1] + name[spot + 2 :],
            name[:spot] + name[spot + 1 :],
            name[:spot] + name[spot : spot + 1] + name[spot:],
        ]
    )


def other_order(name: str, dice: random.Random) -> str:
    first, _, rest = name.partition(" ")
    return f"{rest}, {first}" if rest and dice.random() < 0.5 else f"The {name}"


def near_name(name: str, dice: random.Random) -> str:
    """A name of its own with words of this one."""
    first, _, rest = name.partition(" ")
    return f"{first} {dice.choice(['Marine', 'Dental', 'Aviation', 'Farms', 'Software'])} {rest[-4:]}".strip()


# ---- running and looking


@dataclass(frozen=True)
class Ran:
    """One command."""

    seconds: float
    peak_memory_mb: float
    report: dict[str, Any]


def ran(both: Systems, *words: str) -> Ran:
    began = time.perf_counter()
    process = subprocess.Popen([*COMMAND, *words, "--json"], cwd=both.folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    report = json.loads(process.stdout.read())
    _, _, used = os.wait4(process.pid, 0)
    process.stdout.close()
    process.returncode = 0
    return Ran(time.perf_counter() - began, used.ru_maxrss / 1024, report)


def figures(both: Systems, planned: Ran, synced: Ran, same: int, customers: int) -> dict[str, Any]:
    """What the issue asks for."""
    matched: Counter[str] = Counter()
    wrong, created_again = 0, 0
    keys = {row["GP_Customer_ID"]: row for row in accounts_of(both) if row.get("GP_Customer_ID")}
    for row in accounts_of(both):
        said = str(row.get("Description") or "")
        if not said:
            continue  # made by us
        key = row.get("GP_Customer_ID")
        matched["matched"] += key is not None
        wrong += key is not None and said != f"same:{key}"
        created_again += key is None and said.removeprefix("same:") in keys
    held = sum(c["held"] for c in [Counter(synced.report["flows"]["customers"]["counts"])])
    cost = [run.report["cost"] for run in (planned, synced)]
    return {
        "wrong_matches": wrong,
        "missed_matches": created_again,
        "matched": matched["matched"],
        "same_companies": same,
        "for_review": synced.report["held"],
        "held": held,
        "minutes": round((planned.seconds + synced.seconds) / 60, 2),
        "minutes_plan": round(planned.seconds / 60, 2),
        "minutes_sync": round(synced.seconds / 60, 2),
        "calls": sum(c["gp_requests"] + c["zoho_calls"] for c in cost),
        "gp_calls": sum(c["gp_requests"] for c in cost),
        "zoho_calls": sum(c["zoho_calls"] for c in cost),
        "credits": sum(c["zoho_credits"] for c in cost),
        "peak_memory_mb": round(max(planned.peak_memory_mb, synced.peak_memory_mb), 1),
        "counts": synced.report["flows"]["customers"]["counts"],
        "state": synced.report["flows"]["customers"]["state"],
        "seed": SEED,
        "size": customers,
    }


def accounts_of(both: Systems) -> Iterator[Row]:
    return both.zoho.rows("records/Accounts", "data")


if __name__ == "__main__":
    main()
