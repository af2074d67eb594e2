"""The chart of accounts in Zoho: a module of its own that provision makes, or, where there is none, what it does without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from systems import ACCOUNTS_ONLY, World, gp_options, opened, zoho_options

CHART = {"flows_gl_accounts__enabled": "true", "flows_deal_tagging__enabled": "true"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, gp=gp_options(0), mappings=ACCOUNTS_ONLY, provisioned=False) as found:
        found.write_settings(**CHART)
        yield found


def test_x(world: World) -> None:
    said = world.run("provision", stdin="n\n")
    print(said.out, said.err)
    said = world.run("provision", "--yes")
    print(said.out, said.err)
    said = world.run("provision", "--yes")
    print(said.out, said.err)
    said = world.run("ping")
    print(said.out, said.err)
    print(world.first("gl_accounts"))
    print(world.records("GL_Accounts")[3])
    print(world.sync("gl_accounts"))
    assert 0
