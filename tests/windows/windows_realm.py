"""A Kerberos realm of MIT's own key distribution centre, on a free port of this machine: no root, no namespace."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

from windows_parts import FAKETIME, found, program

from ports import kept_port

REALM = "GP.TEST"
USER, PASSWORD = "svc-gpsync", "Svc-Passw0rd"
SERVICE = "HTTP/localhost"

_ACCOUNTS = f"""
addpol -maxfailure 3 -failurecountinterval 1h -lockoutduration 1h account
addprinc +requires_preauth -policy account -pw {PASSWORD} {USER}
addprinc +requires_preauth -policy account -pw {PASSWORD} twin
addprinc +requires_preauth -pw {PASSWORD} -pwexpire 2020-01-01 old-password
addprinc +requires_preauth -pw {PASSWORD} -expire 2020-01-01 old-account
addprinc +requires_preauth -pw {PASSWORD} -allow_tix locked
addprinc -randkey {SERVICE}
"""


class Realm:
    """Its accounts all have the same password; ``ahead`` is how far the centre's clock is before the machine's."""

    def __init__(self, folder: Path, *, ahead: str = "") -> None:
        self.folder = folder
        self.config = folder / "krb5.conf"
        self.keytab = folder / "http.keytab"
        self._ahead = ahead
        self._opened = ExitStack()
        self._port = 0

    def __enter__(self) -> Self:
        self._make()
        self.admin(_ACCOUNTS)
        self.export(self.keytab)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """For the programs of the realm, and for who wants to sign in to it."""
        return {"KRB5_CONFIG": str(self.config), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    def start(self) -> None:
        """Answer from here on, on whatever port is free."""
        for _ in range(5):
            self._port = self._opened.enter_context(kept_port())
            self._write()
            if self._begin():
                return
        raise AssertionError(self.log())

    def _begin(self) -> bool:
        clock = {"LD_PRELOAD": found(FAKETIME), "FAKETIME": self._ahead} if self._ahead else {}
        centre = subprocess.Popen(
            [program("krb5kdc"), "-n"],
            env=os.environ | self.environment | clock,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._opened.callback(_end, centre)
        while not _answers(self._port):
            if centre.poll() is not None:  # for UDP, another process has it
                return False
            time.sleep(0.02)
        return True

    def stop(self) -> None:
        """Answer no more."""
        self._opened.close()

    def admin(self, commands: str) -> str:
        """What kadmin says to these lines."""
        done = subprocess.run(
            [program("kadmin.local"), "-r", REALM],
            input=commands,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout + done.stderr

    def export(self, keytab: Path) -> None:
        """Write a new key of the service; what was issued for the one before is of no use any more."""
        self.admin(f"ktadd -k {keytab} {SERVICE}\n")

    def failures(self, user: str = USER) -> int:
        """How often a wrong password of this account was sent since a right one."""
        lines = self.admin(f"getprinc {user}\n").splitlines()
        return next(int(line.rpartition(":")[2]) for line in lines if line.startswith("Failed password"))

    def log(self) -> str:
        """Everything that the centre was asked."""
        file = self.folder / "kdc.log"
        return file.read_text() if file.exists() else ""

    def issued(self, kind: str, user: str = USER) -> int:
        """How many tickets an account was given: ``AS_REQ`` for its password, ``TGS_REQ`` for a service."""
        lines = self.log().splitlines()
        return sum(f" {kind} " in line and ": ISSUE:" in line and f" {user}@" in line for line in lines)

    def _make(self) -> None:
        self._write()
        subprocess.run(
            [program("kdb5_util"), "create", "-s", "-r", REALM, "-P", "Master-Passw0rd"],
            env=os.environ | self.environment,
            capture_output=True,
            check=True,
        )

    def _write(self) -> None:
        folder = self.folder
        self.config.write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            f" udp_preference_limit = 1\n kdc_timesync = 0\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self._port}\n }}\n"
            f"[domain_realm]\n localhost = {REALM}\n[logging]\n kdc = FILE:{folder}/kdc.log\n"
        )
        (folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self._port}\n kdc_tcp_listen = 127.0.0.1:{self._port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n"
            f"  acl_file = {folder}/acl\n  max_life = 10h\n }}\n"
        )


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
