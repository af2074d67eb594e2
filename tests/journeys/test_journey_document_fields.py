"""The fields that orders, quotes and won deals need in Zoho are made, and those that a mapping reads are looked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import ml_connector
from systems import gp_options, opened

MAPPINGS = Path(ml_connector.__file__).parent / "mappings"
SALES = """
[sales.orders]
enabled = true
[sales.quotes]
enabled = true
[sales.deals]
enabled = true
item = "SERVICE"
"""
OWN = """
[mappings]
folder = "mine"
"""


def test_provision_makes_what_zoho_is_told_and_names_what_a_mapping_reads_and_is_not_there(tmp_path) -> None:
    with opened(tmp_path, gp=gp_options(0), provisioned=False) as world:
        world.settings.write_text(world.settings.read_text("utf-8") + SALES, "utf-8")
        world.ok("provision", "--yes")
        for module, name in (
            ("Sales_Orders", "GP_Order_Status"),
            ("Quotes", "GP_Quote_Number"),
            ("Deals", "GP_Order_Number"),
            ("Deals", "GP_GL_Account"),
        ):
            assert name in world.zoho_call("POST", f"fields/{module}", {"changes": []})["fields"]
        assert "My_Number" not in world.ok("provision", "--yes").text
        shutil.copytree(MAPPINGS, world.settings.parent / "mine")
        path = world.settings.parent / "mine" / "documents" / "sales_orders.toml"
        text = path.read_text("utf-8").replace('"line.Quantity"', '"line.My_Quantity"')
        path.write_text(text.replace('"Purchase_Order"', '"My_Number"'), "utf-8")
        world.settings.write_text(world.settings.read_text("utf-8") + OWN, "utf-8")
        missing = world.run("provision", "--yes")
        assert missing.code != 0
        assert "My_Number" in missing.text
        assert "My_Quantity" in missing.text
