"""What the real parts need of the machine, and what a test does where it is not there."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

_SBIN = "/usr/sbin:/sbin"  # not on everyone's path
#: What is needed -> the Debian package that has it.
PACKAGES = {
    "krb5kdc": "krb5-kdc",
    "kdb5_util": "krb5-kdc",
    "kadmin.local": "krb5-kdc",
    "samba": "samba",
    "samba-tool": "samba",
    "ldbadd": "ldb-tools",
    "ldbmodify": "ldb-tools",
    "ldbsearch": "ldb-tools",
    "wbinfo": "winbind",
    "ntlm_auth": "winbind",
    "apache2": "apache2",
    "unshare": "util-linux",
    "/usr/lib/apache2/modules/mod_auth_gssapi.so": "libapache2-mod-auth-gssapi",
    "/usr/share/samba/setup/provision.ldif": "samba-ad-provision",
    "/usr/lib/*/faketime/libfaketime.so.1": "faketime",
    "/usr/lib/*/gssntlmssp/gssntlmssp.so": "gss-ntlmssp",
}
REALM = ("krb5kdc", "kdb5_util", "kadmin.local")
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
NTLMSSP = "/usr/lib/*/gssntlmssp/gssntlmssp.so"
DOMAIN = (
    *("samba", "samba-tool", "ldbadd", "ldbmodify", "ldbsearch", "wbinfo", "ntlm_auth", "apache2", "unshare"),
    *("/usr/lib/apache2/modules/mod_auth_gssapi.so", "/usr/share/samba/setup/provision.ldif", NTLMSSP),
)
_MODULES = ("gssapi", "krb5")


def program(name: str) -> str:
    """The full path of a program, also of one that only root has on the path; empty: it is not there."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}") or ""


def found(pattern: str) -> str:
    """The first file that a pattern stands for; empty: there is none."""
    return next((str(path) for path in Path("/").glob(pattern.lstrip("/"))), "")


def missing(parts: Sequence[str]) -> list[str]:
    """What of these is not there, and how it would come: packages of Debian and libraries of Python."""
    lacks = [part for part in parts if not (found(part) if part.startswith("/") else program(part))]
    told = sorted({PACKAGES[part] for part in lacks})
    return told + [module for module in _MODULES if importlib.util.find_spec(module) is None]


def need(parts: Sequence[str]) -> None:
    """Go on only where these are there; in continuous integration that is a failure, not a skip."""
    if lacks := missing(parts):
        without(f"not installed: {', '.join(lacks)} (make test installs it where it may)")


def without(reason: str) -> None:
    """End the test: skipped on a developer's machine, failed in continuous integration."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
