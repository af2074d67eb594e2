"""The simulators as processes of their own."""

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from ml_connector.cli import app, simulate
from ml_connector.cli.exits import Exit
from ml_connector.simulators.gp.options import GpOptions
from ml_connector.simulators.zoho.options import ZohoOptions

LONGEST = 120  #: seconds; no test waits as long
#: What each control endpoint tells of itself.
STATE = {"gp": "state", "zoho": "counts"}
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ml-connector")  # noqa: PTH118, PTH120 -- no resolving of the venv's link


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (("gp", "--customers", "40", "--account", r"TEST\anna:secret"), signal.SIGTERM),
        (("zoho", "--grant-code", "1000.code", "--edition", "professional"), signal.SIGINT),
    ],
)
def test_a_simulator_says_where_it_is_and_ends_when_told(words, ending):
    command = [PROGRAM, "simulate", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            place = json.loads(process.stdout.readline())
            assert place["simulator"] == words[0]
            assert place["control"].startswith(place["url"])
            with urllib.request.urlopen(place["control"] + STATE[words[0]], timeout=LONGEST) as answer:
                assert answer.status == 200
        finally:
            process.send_signal(ending)
        out, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, out) == (0, "")
    assert err == f"The {words[0]} simulator has stopped.\n"


@pytest.mark.parametrize("words", [("gp", "--customers", "1"), ("zoho",)])
def test_a_busy_port_is_a_sentence(words):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = CliRunner().invoke(app, ["simulate", *words, "--port", port])
    assert said.exit_code == Exit.WRONG_USE, said.output
    assert "cannot listen there: Address already in use" in said.stderr
    assert "Give another --port" in said.stderr


@pytest.mark.parametrize(("command", "options"), [(simulate.gp, GpOptions()), (simulate.zoho, ZohoOptions())])
def test_the_commands_defaults_are_the_simulators(command, options):
    renamed = {"latency": "latency_seconds"}
    for name, parameter in inspect.signature(command).parameters.items():
        if parameter.default is not None:
            assert parameter.default == getattr(options, renamed.get(name, name)), name


def test_an_account_of_another_form_is_a_sentence():
    done = subprocess.run(
        [PROGRAM, "simulate", "gp", "--account", "anna"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "DOMAIN\\USER:PASSWORD" in done.stderr
