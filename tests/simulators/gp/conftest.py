"""What every test of the GP simulator starts from."""

from __future__ import annotations

import pytest
from gp_sim_wire import Wire

from ml_connector.simulators.gp import GpOptions, GpSimulator


@pytest.fixture
def gp():
    with GpSimulator(GpOptions()) as simulator:
        yield simulator


@pytest.fixture
def wire(gp):
    with Wire(gp.url) as connection:
        yield connection
