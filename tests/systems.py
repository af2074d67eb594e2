"""Both simulators on loopback and a provisioned ml-connector beside them, driven by its real command."""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import sqlalchemy as sa
from typer.testing import CliRunner

import ml_connector
from forked import Forked
from ml_connector.cli import app
from ml_connector.demo.comparison import person_of
from ml_connector.simulators.gp import Account, GpOptions, GpSimulator
from ml_connector.simulators.zoho import ZohoOptions, ZohoSimulator

PASSWORD, CLIENT_SECRET, REFRESH = "kanarienvogel-7Q!", "wellensittich-3x", "1000.zaunkoenig"
SECRETS = (PASSWORD, CLIENT_SECRET, REFRESH)
ACCOUNT = Account("FABRIKAM", "connector", PASSWORD)
INSERT, UPDATE = "POST /crm/v8/Accounts", "PUT /crm/v8/Accounts"
FOR_EVER = 600  #: seconds: longer than any test waits
INSERT_CONTACTS = "POST /crm/v8/Contacts"
#: Customers to Accounts alone; the mappings as shipped bring their persons to Contacts as well.
ACCOUNTS_ONLY = ("customer_accounts", "customer_financials", "customer_gl_accounts")

_open = build_opener(ProxyHandler({})).open


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Everything it said, as one line."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass
class World:
    """One installation between the two systems."""

    folder: Path
    gp: GpSimulator
    zoho: ZohoSimulator
    url: str = ""  #: of its store in PostgreSQL; empty: a file
    values: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Path:
        return self.folder / "ml-connector.toml"

    # -- commands

    def start(self, *words: str, env: Mapping[str, str] | None = None, script: Path | None = None) -> Forked:
        """The command (or ``script``) as a process of its own, in the installation's folder."""
        return Forked(words, self.folder, {"COLUMNS": "300", **(env or {})}, script)

    def run(
        self, *words: str, stdin: str = "", env: Mapping[str, str] | None = None, script: Path | None = None
    ) -> Said:
        """The same, to its end. It never shows a secret or a traceback."""
        return self.finish(self.start(*words, env=env, script=script), stdin)

    def finish(self, process: Forked, stdin: str = "") -> Said:
        out, err = process.communicate(stdin)
        return _checked(process.wait(), out, err)

    def ok(self, *words: str, stdin: str = "", code: int = 0) -> Said:
        """The command, which ends well (or as ``code`` says)."""
        said = self.run(*words, stdin=stdin)
        assert said.code == code, (said.code, said.out, said.err)
        return said

    def here(self, *words: str, stdin: str = "", codes: Sequence[int] = (0,)) -> Said:
        """The command within this process, for what is not itself under test; it ends with one of ``codes``."""
        told = CliRunner().invoke(app, [*words, "--settings", str(self.settings)], input=stdin)
        assert told.exit_code in codes, (words, told.output)
        return _checked(told.exit_code, told.stdout, told.stderr)

    def plan(self, *flows: str) -> str:
        """Plan, and give the hash."""
        return str(self.here("plan", *flows, "--json").json["hash"])

    def sync(self, *words: str, approve: str = "", code: int = 0) -> dict[str, dict[str, int]]:
        """Run the flows (``words``: which, and options); what was counted for each that moved something or waits.

        What was read within a second of its change is read once more, and then unchanged: that depends on the pace.
        """
        approved = ["--approve", approve] if approve else []
        told = self.ok("sync", *words, *approved, "--json", code=code).json["flows"]
        return {
            flow: {what: number for what, number in counts(result).items() if what != "unchanged"}
            for flow, result in told.items()
        }

    def settle(self, *words: str, code: int = 0) -> None:
        """A sync later than a second, and the clocks' difference, after the last change: nothing is read once more."""
        for _ in range(5):  # a slow machine takes the difference to be larger
            time.sleep(2.5)  # both clocks are real, and the difference is told to half a second
            before = self._reads()
            self.sync(*words, code=code)
            if self._reads() == before:
                return

    def _reads(self) -> int:
        """Records that GP was asked for one by one, by SBA with their addresses."""
        one_by_one = ("ByKey", "Addresses")
        return sum(number for name, number in self.operations().items() if name.endswith(one_by_one))

    def first(self, *flows: str, code: int = 0) -> dict[str, dict[str, int]]:
        """Plan, approve and run the first load."""
        return self.sync(*flows, approve=self.plan(*flows), code=code)

    # -- settings

    def own_mappings(self) -> Path:
        """The mappings that ship, copied to a folder of this installation, which reads them there."""
        folder = self.folder / "mappings"
        shutil.copytree(Path(ml_connector.__file__).parent / "mappings", folder)
        self.write_settings(mappings__folder="'mappings'")
        return folder

    def write_settings(self, **changes: str) -> None:
        """Write the settings file anew with these values: ``gp__user="'X'"`` is ``user`` of [gp]."""
        self.values |= changes
        sections: dict[str, list[str]] = {}
        for name, value in self.values.items():
            section, key = name.split("__")
            sections.setdefault(section.replace("_", ".", 1), []).append(f"{key} = {value}")
        blocks = ["\n".join([f"[{name}]", *lines]) for name, lines in sections.items()]
        self.settings.write_text("\n\n".join(blocks) + "\n")

    # -- Zoho

    def zoho_call(self, method: str, path: str, given: object = None) -> Any:
        body = None if given is None else json.dumps(given).encode()
        try:
            with _open(Request(f"{self.zoho.url}/_control/{path}", body, method=method)) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.read().decode()}") from None

    def zoho_ask(self, path: str) -> Any:
        """What Zoho's own API answers, below /crm/v8, to a client of the test's."""
        form = f"grant_type=refresh_token&client_id=1000.ABC&client_secret={CLIENT_SECRET}&refresh_token={REFRESH}"
        with _open(Request(f"{self.zoho.url}/oauth/v2/token", form.encode(), method="POST")) as answer:
            token = json.load(answer)["access_token"]
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        with _open(Request(f"{self.zoho.url}/crm/v8/{path}", headers=headers)) as answer:
            return json.load(answer)

    def zoho_faults(self, *faults: Mapping[str, object]) -> None:
        self.zoho_call("POST", "faults", list(faults))

    def records(self, module: str) -> list[dict[str, Any]]:
        """Every record of a module of Zoho, whole."""
        return list(self.zoho_call("GET", f"records/{module}?limit=1000000")["data"])

    def accounts(self) -> list[dict[str, Any]]:
        return self.records("Accounts")

    def account(self, key: str, key_field: str = "GP_Customer_ID") -> dict[str, Any]:
        """The one Account with this key."""
        [found] = [a for a in self.accounts() if a.get(key_field) == key]
        return found

    def contacts(self, key: str = "") -> list[dict[str, Any]]:
        """The Contacts with a key of ours, or those of this customer."""
        found = [c for c in self.records("Contacts") if c.get("GP_Contact_Key")]
        return [c for c in found if not key or c["GP_Contact_Key"].startswith(f"{key}:")]

    def seed(self, *records: Mapping[str, object], module: str = "Accounts") -> list[str]:
        """Records that a person made."""
        told = self.zoho_call("POST", f"records/{module}", {"records": list(records)})
        assert not told["errors"], told
        return list(told["ids"])

    def edit(self, target_id: str, *, module: str = "Accounts", **values: object) -> None:
        """A person changes a record."""
        told = self.zoho_call("POST", f"edit/{module}", {"records": [{"id": target_id, **values}]})
        assert not told["errors"], told

    def change_fields(self, *changes: Mapping[str, object], module: str = "Accounts") -> None:
        """An administrator changes fields of a module (see the simulator's ``schema_changes``)."""
        self.zoho_call("POST", f"fields/{module}", {"changes": list(changes)})

    def writes(self, module: str = "Accounts") -> dict[str, int]:
        """Records of a module written since ``forget``, by action."""
        return dict(self.zoho_call("GET", "counts")["writes"].get(module, {}))

    def owe_answer(self, match: str, nth: int = 1) -> None:
        """Zoho does the work of the nth such call and does not answer before ``answer``, or never."""
        self.zoho_faults({"match": match, "kind": "delay_after_work", "nth": nth, "seconds": FOR_EVER})

    def answer(self) -> None:
        """Zoho answers what it owes."""
        self.zoho_call("DELETE", "delays")

    # -- GP

    def customer(self, key: str, name: str, **more: object) -> None:
        """A new customer."""
        self.gp.control("POST", "customers", {"id": key, "name": name, **more})

    def change(self, key: str, **change: object) -> None:
        """Somebody changes a customer in GP: ``set``, ``address``, ``email``, ``balance``, ``rename``."""
        self.gp.control("POST", f"customers/{key}", change)

    def customers(self) -> list[dict[str, Any]]:
        return list(self.gp.control("GET", "customers?limit=1000000")["rows"])

    def vendors(self) -> list[dict[str, Any]]:
        return list(self.gp.control("GET", "vendors?limit=1000000")["rows"])

    def gp_faults(self, *faults: Mapping[str, object]) -> None:
        self.gp.control("POST", "faults", {"faults": list(faults)})

    def operations(self) -> dict[str, int]:
        """GP's operations since ``forget``."""
        return dict(self.gp.control("GET", "state")["operations"])

    def move_clocks(self, by: timedelta) -> None:
        """Move the clocks of both simulators on."""
        gp = self.gp.control("GET", "state")["settings"]["clock_offset_seconds"]
        zoho = self.zoho_call("GET", "settings")["clock_offset_seconds"]
        self.gp.control("POST", "settings", {"clock_offset_seconds": gp + by.total_seconds()})
        self.zoho_call("POST", "settings", {"clock_offset_seconds": zoho + by.total_seconds()})

    def forget(self) -> None:
        """Set both simulators' counts to zero."""
        self.gp.control("DELETE", "requests")
        self.zoho_call("DELETE", "requests")

    # -- what ml-connector knows

    def held(self) -> dict[str, dict[str, Any]]:
        """Key -> its hold, one of them if there are several."""
        return {hold["key"]: hold for hold in self.here("held", "list", "--json").json["held"]}

    def story(self, key: str, mapping: str = "") -> list[dict[str, Any]]:
        """The audit trail of a key, or what one mapping has in it; oldest first."""
        rows = self.here("audit", "show", key, "--json").json["rows"]
        return [row for row in rows if not mapping or row["mapping"] == mapping]

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        """Rows of its database, read beside it."""
        if self.url:
            return [tuple(row) for row in self._on_server(query, given)]
        with closing(self._file()) as file:
            return file.execute(query, given).fetchall()

    def rewrite(self, query: str, *given: object) -> None:
        """Change its database beside it, as time that no test waits for would have."""
        if self.url:
            self._on_server(query, given)
            return
        with closing(self._file()) as file, file:
            file.execute(query, given)

    def _file(self) -> sqlite3.Connection:
        """Its database as a file; whoever writes there is waited for."""
        return sqlite3.connect(self.folder / "data" / "ml-connector.db", timeout=FOR_EVER)

    def _on_server(self, query: str, given: Sequence[object]) -> list[sa.Row[Any]]:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as tx:
            found = tx.exec_driver_sql(query.replace("?", "%s"), tuple(given) or None)
            return list(found) if found.returns_rows else []

    def told(self, action: str) -> Counter[tuple[str, str]]:
        """How often an action stands in the audit trail: (mapping, key) -> rows."""
        return Counter(self.rows("SELECT mapping, source_key FROM audit WHERE action = ?", action))


def _checked(code: int, out: str, err: str) -> Said:
    assert not [secret for secret in SECRETS if secret in out + err]
    assert "Traceback" not in out + err, err
    return Said(code, out, err)


def counts(result: Mapping[str, Any]) -> dict[str, int]:
    """What a run counted, without what is zero or was settled."""
    return {what: number for what, number in result["counts"].items() if number and what != "settled"}


@contextmanager
def opened(
    folder: Path,
    *,
    gp: GpOptions | None = None,
    zoho: ZohoOptions | None = None,
    mappings: Sequence[str] = ACCOUNTS_ONLY,
    provisioned: bool = True,
    url: str = "",
) -> Iterator[World]:
    """Simulators, settings, secrets and, if ``provisioned``, Zoho's fields.

    ``mappings``: of the customers; none: those that are shipped as the default. ``url``: of a store in PostgreSQL.
    """
    gp = gp or GpOptions(customers=40, vendors=12, accounts=(ACCOUNT,))
    zoho = zoho or zoho_options()
    with GpSimulator(gp) as gp_simulator, ZohoSimulator(zoho) as zoho_simulator:
        world = World(folder, gp_simulator, zoho_simulator, url)
        if url:
            world.write_settings(store__url=f"'{url}'")
        world.write_settings(**_settings(gp_simulator.endpoint, zoho_simulator.url))
        if mappings:
            world.write_settings(flows_customers__mappings=json.dumps(mappings))
        if url:
            _install(world)
        else:
            shutil.copytree(_installed(), folder / "data", dirs_exist_ok=True)
        if provisioned:
            world.here("provision", "--yes")
        world.forget()
        yield world


def _settings(endpoint: str, simulator_url: str) -> dict[str, str]:
    return {
        "gp__endpoint": f"'{endpoint}'",
        "gp__company_id": "-1",
        "gp__user": r"'FABRIKAM\connector'",
        "gp__timeout_seconds": str(FOR_EVER),  # whoever is kept waiting waits until the test lets go of it
        "zoho__data_centre": "'us'",
        "zoho__client_id": "'1000.ABC'",
        "zoho__simulator_url": f"'{simulator_url}'",
        "zoho__timeout_seconds": str(FOR_EVER),
        "sync__max_wait_seconds": "20",
    }


def _install(world: World) -> None:
    world.here("init")
    for name, secret in zip(
        ("gp.password", "zoho.client_secret", "zoho.refresh_token"), SECRETS, strict=True
    ):
        world.here("secrets", "set", name, stdin=secret)


@cache
def _installed() -> Path:
    """The data folder of an installation, which takes longer to make than to copy."""
    place = TemporaryDirectory()
    atexit.register(place.cleanup)
    with GpSimulator(gp_options(0)) as gp, ZohoSimulator(zoho_options()) as zoho:
        world = World(Path(place.name), gp, zoho)
        world.write_settings(**_settings(gp.endpoint, zoho.url))
        _install(world)
    return world.folder / "data"


def gp_options(customers: int = 250, vendors: int = 0, **changes: Any) -> GpOptions:
    return GpOptions(customers=customers, vendors=vendors, accounts=(ACCOUNT,), **changes)


def zoho_options(**changes: Any) -> ZohoOptions:
    given = {"client_id": "1000.ABC", "client_secret": CLIENT_SECRET, "refresh_token": REFRESH}
    return ZohoOptions(**given, **changes)


def assert_whole(world: World, *, held: int = 0) -> None:
    """Every customer of GP is exactly one Account, linked to it, and was created or matched exactly once."""
    customers = [(c["id"].rstrip(), c["name"].strip()) for c in world.customers()]  # GP pads its keys
    ids = {key for key, _ in customers}
    accounts = {a["id"]: a for a in world.accounts() if a.get("GP_Customer_ID")}
    assert sorted(a["GP_Customer_ID"] for a in accounts.values()) == sorted(ids)
    assert Counter(a["Account_Name"] for a in accounts.values()) == Counter(name for _, name in customers)
    query = "SELECT source_key, target_id FROM links WHERE entity = 'customers' AND module = 'Accounts'"
    links = world.rows(query)
    linked = {key.rstrip(): accounts[target_id]["GP_Customer_ID"] for key, target_id in links}
    assert linked == {key: key for key in ids}
    once = world.told("record:created") + world.told("record:matched")
    assert set(once.values()) == {1}, once.most_common(3)
    per_key = Counter(key.rstrip() for mapping, key in once if mapping in ACCOUNTS_ONLY)
    assert per_key == dict.fromkeys(ids, 3)
    assert_settled(world, held=held)


def assert_contacts(world: World) -> None:
    """Every customer with a person has exactly one Contact of that person, below its Account, and was told once."""
    accounts = {a["id"]: a["GP_Customer_ID"] for a in world.accounts() if a.get("GP_Customer_ID")}
    persons = {c["id"].rstrip(): person_of(c) for c in world.customers()}
    contacts = world.contacts()
    owners = [accounts[contact["Account_Name"]["id"]] for contact in contacts]
    assert Counter(owners) == Counter(key for key, person in persons.items() if person)
    for contact, owner in zip(contacts, owners, strict=True):
        assert contact["GP_Contact_Key"].startswith(f"{owner}:")
        assert contact["Full_Name"] == persons[owner]
        assert not contact.get("GP_Former_Contact")
    linked = world.rows("SELECT target_id FROM links WHERE entity = 'customers' AND module = 'Contacts'")
    assert sorted(found for (found,) in linked) == sorted(contact["id"] for contact in contacts)
    told = world.told("record:created") + world.told("record:matched")
    once = {key.rstrip(): number for (mapping, key), number in told.items() if mapping == "customer_contacts"}
    assert once == dict.fromkeys(owners, 1)


def assert_quiet(world: World, *flows: str) -> None:
    """The next run writes nothing."""
    world.forget()
    done = world.sync(*flows)
    assert {what for counted in done.values() for what in counted} <= {"filtered", "nobody"}
    assert (world.writes(), world.writes("Contacts")) == ({}, {})


def assert_settled(world: World, *, held: int = 0) -> None:
    """Nothing is under way, nothing is left over, and the audit trail is unbroken."""
    assert world.rows("SELECT COUNT(*) FROM intents") == [(0,)]
    assert world.rows("SELECT COUNT(*) FROM bulk_jobs") == [(0,)]
    assert world.rows("SELECT COUNT(*) FROM staged") == [(0,)]
    assert world.rows("SELECT COUNT(*) FROM holds WHERE closed_at IS NULL") == [(held,)]
    assert world.here("audit", "verify", "--json").json["ok"]


def unreachable(message: str) -> NoReturn:
    """A wait came to nothing."""
    raise AssertionError(message)
