"""Zoho's own Python SDK as a stranger's client, in a process of its own, because it is a global singleton."""

import importlib.util
import json
import subprocess
import sys

PRELUDE = r"""
import datetime, json, sys, urllib.request
base, folder = sys.argv[1:]
from zohocrmsdk.src.com.zoho.api.authenticator import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api import Initializer, ParameterMap, HeaderMap, SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.util import Choice, StreamWrapper

token = OAuthToken(client_id=sys.stdin.readline().strip(), client_secret=sys.stdin.readline().strip(),
                   refresh_token=sys.stdin.readline().strip(), find_user=True)
store = FileStore(file_path=folder + "/tokens.txt")
Initializer.initialize(
    environment=DataCenter.Environment(base, base + "/oauth/v2/token", base), token=token, store=store,
    sdk_config=SDKConfig(auto_refresh_fields=False, pick_list_validation=False, connect_timeout=5, read_timeout=30),
    resource_path=folder, logger=Logger.get_instance(level=Logger.Levels.ERROR, file_path=folder + "/sdk.log"))

seen = {}
def control(path, given=None):
    body = None if given is None else json.dumps(given).encode()
    with urllib.request.urlopen(base + "/_control/" + path, body) as answer:
        return json.load(answer)
"""
IS_INSTALLED = importlib.util.find_spec("zohocrmsdk") is not None


def run_sdk(wire, folder, script):
    """What a script has put in `seen`; it finds the SDK initialised for the simulator, and `folder` for its files."""
    (folder / "resources").mkdir()
    options = wire.options
    ran = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            PRELUDE + script + "\nprint(json.dumps(seen))",
            wire.simulator.url,
            folder,
        ],
        input=f"{options.client_id}\n{options.client_secret}\n{options.refresh_token}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3_000:]
    return json.loads(ran.stdout.splitlines()[-1])
