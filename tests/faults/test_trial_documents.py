"""Documents of GP are made in spite of everything: none twice, none not; see ``document_trial`` for what that is.

``DOCUMENT_TRIALS`` in the environment: how many creates something befalls (``make faults``: 1,000), half of them where
we number the documents, and half where GP does.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from document_trial import AARON, SDRAM, Time, Trial

from ml_connector.bootstrap import open_app
from ml_connector.flows.range import Asked
from ml_connector.settings_file import load_settings
from summary import TOLD
from systems import assert_settled, gp_options, opened, zoho_options

SEED = 20261128
WANTED = int(os.environ.get("DOCUMENT_TRIALS", "60")) // 2
FLOWS = ("sales_quotes", "sales_orders", "won_deals")
MODULES = ("Quotes", "Sales_Orders", "Deals", "Accounts", "Contacts")
NEW_CUSTOMERS = "\n[sales.new_customers]\nenabled = true\n"


@contextmanager
def trial(folder: Path, numbering: str) -> Iterator[Trial]:
    with opened(folder, gp=gp_options(0), zoho=zoho_options(), provisioned=False) as world:
        world.write_settings(
            sales__numbering=f"'{numbering}'",
            gp__max_requests="4",
            flows_vendors__enabled="false",
            flows_gl_accounts__enabled="true",
            sales_orders__enabled="true",
            sales_quotes__enabled="true",
            sales_deals__enabled="true",
            sales_deals__item=f"'{SDRAM}'",
            sales_deals__settle_hours="0",
        )
        world.settings.write_text(world.settings.read_text("utf-8") + NEW_CUSTOMERS, "utf-8")
        world.here("provision", "--yes")
        world.first("customers", "gl_accounts")
        world.change(AARON, set={"credit_limit": "1000000000"})
        (product,) = world.seed({"Product_Name": "Memory", "Product_Code": SDRAM}, module="Products")
        time = Time(world)
        with open_app(load_settings(world.settings), clock=time) as app:
            account = world.account(AARON)["id"]
            chance = random.Random(f"{SEED} {numbering}")
            yield Trial(world, app, time, numbering == "gp", product, account, chance)


@pytest.mark.parametrize("numbering", ["own", "gp"])
def test_nothing_is_lost_or_doubled(tmp_path: Path, numbering: str) -> None:
    with trial(tmp_path, numbering) as here:
        for flow in FLOWS:
            here.run(flow)  # what is there before this is nobody's wish
        while here.befell.total() < WANTED:
            here.go_on()
        tell(here, numbering)
        assert (here.lost, here.doubled) == (0, 0)
        assert_nothing_is_left_to_do(here)


def tell(here: Trial, numbering: str) -> None:
    kinds = Counter(
        f"{one.kind.module} of a new customer" if one.is_new else one.kind.module for one in here.made
    )
    held = Counter(code for _, code in here.held)
    TOLD.append(
        f"creates in GP that something befell, numbering {numbering}, seed {SEED}: {here.befell.total():,}"
        f" ({told(here.befell)}) of {len(here.made):,} records ({told(kinds)}) in {here.runs:,} runs,"
        f" {here.killed_anywhere:,} of which were killed anywhere else;"
        f" held on the way: {told(held) or 'none'}; lost {here.lost}, doubled {here.doubled}"
    )


def told(figures: Counter[str]) -> str:
    return ", ".join(f"{what} {number:,}" for what, number in sorted(figures.items()))


def assert_nothing_is_left_to_do(here: Trial) -> None:
    """Another look at everything writes nothing on either side."""
    here.run("customers")
    here.world.forget()
    for flow in ("customers", *FLOWS, "document_status"):
        here.run(flow, Asked(full=flow in FLOWS))
    written = [
        one for one in here.world.operations() if one.startswith(("Create", "Update", "Void", "Delete"))
    ]
    assert written == []
    assert [module for module in MODULES if here.world.writes(module)] == []
    assert here.counted() == here.wanted()
    assert_settled(here.world)
