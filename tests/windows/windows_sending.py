"""What the tests of signing in have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from windows_acceptor import Acceptor, Gss
from windows_realm import PASSWORD, USER

from ml_connector.connectors.dynamics_gp import soap
from ml_connector.connectors.dynamics_gp.auth import WindowsTransport

COMPANIES = "GetWSEnabledCompanyForUserList"
_BODY = soap.request(COMPANIES, "", soap.context(-1, "en-US"))
_HEADERS = {"Content-Type": soap.CONTENT_TYPE, "SOAPAction": soap.action(COMPANIES)}


def post(transport: WindowsTransport) -> int:
    """The status of one call, which a GP simulator answers and any other server, too."""
    return transport.post(_BODY, _HEADERS, 20).status


def accept_ntlm(
    accept: Callable[..., Acceptor],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    binding: bytes | None = None,
    **ways: object,
) -> Acceptor:
    r"""A server that takes NTLM by gss-ntlmssp, for ``GP\svc-gpsync``."""
    users = folder / "ntlm-users"
    users.write_text(f"GP:{USER}:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    return accept("", begin=lambda: Gss(binding=binding), **ways)
