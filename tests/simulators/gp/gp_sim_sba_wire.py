"""A stranger's client of SBA for the tests: one connection that asks for resources and writes them."""

from __future__ import annotations

import base64
import json

import spnego
from gp_sim_wire import Reply, Wire, token_of

COMPANY = "/GPService/Tenants(DefaultTenant)/Companies(Fabrikam%2C%20Inc.)"


class SbaWire(Wire):
    """One connection that asks for resources."""

    def get(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        reply = self.send(method, path, body, headers)
        return self._signed_in(path, method, body, headers) if reply.status == 401 else reply

    def _signed_in(self, path: str, method: str, body: bytes, headers: dict[str, str]) -> Reply:
        handshake = spnego.client(
            self.user, self.password, hostname=self.host, service="HTTP", protocol="ntlm"
        )
        token = handshake.step()
        for _ in range(3):
            said = f"NTLM {base64.b64encode(token).decode()}"
            reply = self.send(method, path, body, {**headers, "Authorization": said})
            if reply.status != 401 or not (answer := token_of(reply, "NTLM")):
                break
            token = handshake.step(answer)
        return reply

    def read(self, path: str, **headers: str):
        reply = self.get(f"{COMPANY}{path}", **headers)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def write(self, method: str, path: str, given: object = None, **headers: str):
        """Return the status and what was answered."""
        body = b"" if given is None else json.dumps(given).encode()
        reply = self.get(f"{COMPANY}{path}", method, body, **{"Content-Length": str(len(body)), **headers})
        return reply.status, json.loads(reply.body)
