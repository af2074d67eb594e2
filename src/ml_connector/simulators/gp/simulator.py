"""The face of the simulator: made from options, started, asked for its address, changed, stopped."""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from ml_connector.simulators.gp import control, sba
from ml_connector.simulators.gp.options import GpOptions
from ml_connector.simulators.gp.server import SERVICE_PATH, Server
from ml_connector.simulators.gp.state import Simulation
from ml_connector.simulators.gp.windows_auth import Accounts


@dataclass(slots=True)
class GpSimulator:
    """A Dynamics GP with its Web Services on a port of this machine; for a with statement, or start and stop."""

    options: GpOptions = field(default_factory=GpOptions)
    simulation: Simulation = field(init=False)
    accounts: Accounts = field(init=False)
    _server: Server | None = field(init=False, default=None)
    _thread: threading.Thread | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.simulation = Simulation(self.options)
        self.accounts = Accounts(self.options.accounts, self.options.lockout_after)

    def start(self) -> Self:
        """Listen, after `stop` once more with all that there is; returns itself.

        ValueError where anybody could say who has signed in.
        """
        if self.options.trusted_proxy and not ipaddress.ip_address(self.options.host).is_loopback:
            raise ValueError("a trusted proxy is one on this machine: the host has to be a loopback address")
        self.accounts.open()
        self.simulation.stopping.clear()
        try:
            self._server = Server(self.simulation, self.accounts)
        except OSError:
            self.accounts.close()
            raise
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="gp", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """End all connections and stop listening."""
        if self._server is None or self._thread is None:
            return
        self.simulation.stopping.set()
        self.simulation.faults.end_delays()
        self.simulation.late.drop()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()
        self.accounts.close()
        self._server = self._thread = None

    def end_connections(self) -> None:
        """End all connections, as what stands between does that hears nothing for long."""
        assert self._server is not None, "the simulator was not started"
        self._server.end_connections()

    @property
    def url(self) -> str:
        """The base, such as `http://127.0.0.1:48620`."""
        assert self._server is not None, "the simulator was not started"
        host, port = self._server.server_address[:2]
        scheme = "http" if self.options.tls is None else "https"
        return f"{scheme}://{host!s}:{port}"

    @property
    def endpoint(self) -> str:
        """The address that SOAP requests are posted to."""
        return self.url + SERVICE_PATH

    @property
    def sba_address(self) -> str:
        """The address of SBA, which paths follow."""
        return self.url + sba.BASE

    def control(self, method: str, path: str, payload: control.Json = None) -> control.Json:
        """Do what the control endpoint does for a path without its prefix; ControlError where that is an error."""
        return control.carry_out(control.Controlled(self.simulation, self.accounts), method, path, payload)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
