import http.client
import json
import urllib.parse
from dataclasses import dataclass
from datetime import datetime

import pytest

from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator
from zoho_bulk import Bulk
from zoho_listener import LONG, Listener


@dataclass(frozen=True)
class Answer:
    status: int
    body: object
    headers: dict

    @property
    def items(self):
        return self.body["data"]

    @property
    def codes(self):
        return [item["code"] for item in self.items]

    @property
    def ids(self):
        return [item["details"].get("id") for item in self.items]


class Wire:
    """An independent client: the standard library's, with JSON in and out."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.options = simulator.options
        self.connection = http.client.HTTPConnection(simulator.url.removeprefix("http://"), timeout=2 * LONG)
        self.token = None

    def close(self):
        self.connection.close()

    def ask(self, method, path, body=None, **headers):
        content = json.dumps(body) if isinstance(body, (dict, list)) else body
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, urllib.parse.quote(path, safe="/?&=%:,"), content, sent)
        answer = self.connection.getresponse()
        text = answer.read()
        is_json = text and "json" in answer.headers["Content-Type"]
        return Answer(answer.status, json.loads(text) if is_json else text, dict(answer.headers))

    def sign_in(self, **changes):
        form = {
            "client_id": self.options.client_id,
            "client_secret": self.options.client_secret,
            "refresh_token": self.options.refresh_token,
            "grant_type": "refresh_token",
        } | changes
        answer = self.ask("POST", "/oauth/v2/token", urllib.parse.urlencode(form))
        self.token = answer.body.get("access_token", self.token)
        return answer

    def call(self, method, path, body=None, **headers):
        if self.token is None:
            self.sign_in()
        return self.ask(
            method, f"/crm/v8/{path}", body, Authorization=f"Zoho-oauthtoken {self.token}", **headers
        )

    def insert(self, module, *records, **body):
        return self.call("POST", module, {"data": list(records), "trigger": [], **body})

    def update(self, module, *records, **headers):
        return self.call("PUT", module, {"data": list(records), "trigger": []}, **headers)

    def upsert(self, module, *records, **body):
        return self.call("POST", f"{module}/upsert", {"data": list(records), "trigger": [], **body})

    def get(self, module, record_id):
        return self.call("GET", f"{module}/{record_id}").items[0]

    def coql(self, query):
        return self.call("POST", "coql", {"select_query": query})

    def control(self, method, path, body=None):
        return self.ask(method, f"/_control/{path}", body).body

    def add_field(self, module="Accounts", label="GP Customer ID", kind="text", **more):
        spec = {"field_label": label, "data_type": kind, **more}
        return self.call("POST", f"settings/fields?module={module}", {"fields": [spec]})

    def add_key(self, module="Accounts", label="GP Customer ID", **more):
        return self.add_field(module, label, length=30, unique={"case_sensitive": False}, **more)

    def product_and_account(self):
        product = self.insert("Products", {"Product_Name": "Phone"}).ids[0]
        account = self.insert("Accounts", {"Account_Name": "Aaron Fitz"}).ids[0]
        return product, account


@pytest.fixture
def start():
    """Starts simulators with options; returns a client of each."""
    started = []

    def begin(**options):
        simulator = ZohoSimulator(ZohoOptions(**options)).start()
        wire = Wire(simulator)
        started.append((simulator, wire))
        return wire

    yield begin
    for simulator, wire in started:
        wire.close()
        simulator.stop()


@pytest.fixture
def zoho(start):
    return start()


@pytest.fixture
def listener(start):
    """A web server that is closed before the simulators are stopped."""
    opened = Listener()
    yield opened
    opened.close()


@pytest.fixture
def instant():
    return lambda text: int(datetime.fromisoformat(text).timestamp())


@pytest.fixture
def bulk_of():
    """Bulk calls of a simulator whose accounts have a key."""

    def begin(wire):
        wire.add_key()
        return Bulk(wire)

    return begin


@pytest.fixture
def bulk(zoho, bulk_of):
    return bulk_of(zoho)
