"""Before the first order: what GP would need for it, found by ``ping --items``."""

from __future__ import annotations

import pytest

from systems import World, gp_options, opened

SALES = """
[sales.orders]
enabled = true
[sales]
shipping_methods = { FedEX = "GROUND", UPS = "NO SUCH WAY" }
site = "ELSEWHERE"
"""


@pytest.fixture
def world(tmp_path):
    with opened(tmp_path, gp=gp_options(0)) as world:
        world.settings.write_text(world.settings.read_text("utf-8") + SALES, "utf-8")
        world.here("provision", "--yes")
        yield world


def missing(world: World) -> dict[str, str]:
    said = world.run("ping", "--items", "--json")
    (found,) = (checks for name, checks in said.json["systems"].items() if name.endswith("set-up"))
    assert said.code == (1 if any(not check["ok"] for check in found) else 0)
    tried = {check["name"] for check in said.json["systems"]["Dynamics GP"]}
    assert {"policy of CreateSalesOrder", "GetSalesInvoiceByKey"} <= tried
    return {check["name"]: check["detail"] for check in found if not check["ok"]}


def test_what_the_first_order_would_miss_is_named(world: World) -> None:
    [product, *_] = world.seed(
        {"Product_Name": "Phone", "Product_Code": "100XLG"},
        {"Product_Name": "Chair", "Product_Code": "CHAIR-7"},
        {"Product_Name": "Talk"},
        {"Product_Name": "Old chair", "Product_Code": "CHAIR-6", "Product_Active": False},
        module="Products",
    )
    world.forget()
    found = missing(world)
    assert found["item CHAIR-7"].startswith("GP has no item CHAIR-7. It is named by the product “Chair” (")
    assert "product Talk" in found
    assert found["site ELSEWHERE"] == "GP has no site ELSEWHERE. It is named by [sales]."
    assert found["shipping method NO SUCH WAY"] == (
        "GP has no shipping method NO SUCH WAY. It is named by “shipping_methods” of [sales]."
    )
    assert not {"item 100XLG", "item CHAIR-6", "shipping method GROUND"} & found.keys()
    world.edit(product, module="Products", Product_Code="CHAIR-7")  # now nobody sells what GP has
    world.gp.control("POST", "items", {"id": "CHAIR-7", "description": "Chair"})
    assert "item CHAIR-7" not in missing(world)


def test_without_documents_there_is_nothing_to_look_for(tmp_path) -> None:
    with opened(tmp_path, gp=gp_options(0)) as world:
        said = world.run("ping", "--items")
        assert said.code == 2
        assert "No documents go to GP, so there are no items to look for." in said.text
