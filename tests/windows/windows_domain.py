"""A throw-away Active Directory domain (Samba) with Apache in front of port 8090, in a namespace of its own.

``python windows_domain.py FOLDER COMMAND...``, as root and within ``unshare`` (see ``ENTER``): builds all of it in
FOLDER, runs COMMAND inside and ends with its status. Real ports, hosts file and sockets, and nothing of it is left.
"""

from __future__ import annotations

import base64
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from windows_certificates import Authority
from windows_parts import program

REALM, DOMAIN = "EXAMPLE.TEST", "EXAMPLE"
GP, ALIAS = "gp.example.test", "alias.example.test"
USER, PASSWORD = "svc-gpsync", "Svc-Passw0rd!"
SIMULATOR_PORT = 8090
LOCKS_AFTER = 3
FOLDER = "GP_DOMAIN_FOLDER"  # the environment variable that tells the tests inside
ENTER = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")

# The name that GP is called by is not the one that the address has in the hosts file: a client that asks for the
# canonical name, as MIT's does unless told otherwise, asks for a service that nobody has registered.
_HOSTS = f"""127.0.0.1 localhost dc1.example.test dc1
127.0.0.2 web7.example.test {GP}
127.0.0.3 {ALIAS}
"""
_KRB5 = f"""[libdefaults]
  default_realm = {REALM}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  udp_preference_limit = 1
[realms]
  {REALM} = {{
    kdc = 127.0.0.1
  }}
[domain_realm]
  .example.test = {REALM}
"""
_SAMBA = """[global]
  server role = active directory domain controller
  realm = {realm}
  workgroup = {domain}
  netbios name = DC1
  interfaces = lo
  bind interfaces only = yes
  private dir = {folder}/private
  state directory = {folder}/state
  cache directory = {folder}/cache
  lock directory = {folder}
  pid directory = {folder}/run
  binddns dir = {folder}/bind-dns
  ncalrpc dir = {folder}/run/ncalrpc
  ntp signd socket directory = {folder}/ntp_signd
  log file = {folder}/log/log.%m
  server services = rpc, ldap, cldap, kdc, winbindd, s3fs
  ntlm auth = ntlmv2-only
  disable netbios = yes
  smb ports = 445
  dns update command = /bin/true
  load printers = no
  printcap name = /dev/null
"""
_BASE = "DC=example,DC=test"
_LOCKOUT = f"dn: {_BASE}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: {LOCKS_AFTER}\n"
_MODULES = (
    *("mpm_event", "authn_core", "authz_core", "authz_user", "auth_gssapi", "ssl", "socache_shmcb"),
    *("headers", "setenvif", "proxy", "proxy_http"),
)
_LOCATION = """
  <Location /{name}>
    AuthType GSSAPI
    AuthName GP
    {lines}
    Require valid-user
  </Location>
  ProxyPassMatch ^/{name}/[^/]+/(.+)$ http://127.0.0.1:{port}/DynamicsGPWebServices/$1
"""
_BOUND = ("GssapiConnectionBound On", "GssapiSignalPersistentAuth On")
#: Path -> how Apache lets in there. NTLM needs its connection kept; the keytab comes by KRB5_KTNAME, for a
#: GssapiCredStore would shut NTLM out.
_LOCATIONS = {
    "both": ("GssapiAllowedMech krb5", "GssapiAllowedMech ntlmssp", *_BOUND),
    "each": ("GssapiAllowedMech krb5",),
    "ntlm": ("GssapiAllowedMech ntlmssp", *_BOUND),
}


def isolate(folder: Path) -> None:
    """Make this namespace's own network, hosts file and socket folder."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))  # SIOCSIFFLAGS, IFF_UP
    (folder / "hosts").write_text(_HOSTS)
    Path("/run/samba").mkdir(exist_ok=True)
    for command in (
        ("mount", "--make-rprivate", "/"),
        ("mount", "--bind", str(folder / "hosts"), "/etc/hosts"),
        ("mount", "-t", "tmpfs", "tmpfs", "/run/samba"),  # winbind's socket is looked for there
    ):
        subprocess.run(command, check=True)
    Path("/run/samba/winbindd").mkdir()


def provision(folder: Path) -> None:
    """Make the domain's database, and the configuration to run it by."""
    _run(
        *("samba-tool", "domain", "provision", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL"),
        *(f"--realm={REALM}", f"--domain={DOMAIN}", "--host-name=dc1", "--host-ip=127.0.0.1"),
        *("--adminpass=Adm1n-Passw0rd!", f"--targetdir={folder}"),
        *("--option=interfaces=lo", "--option=bind interfaces only=yes"),
    )
    for name in ("run", "log", "cache", "ntp_signd"):
        (folder / name).mkdir(exist_ok=True)
    _configuration(folder).write_text(_SAMBA.format(realm=REALM, domain=DOMAIN, folder=folder))
    (folder / "krb5.conf").write_text(_KRB5)


def people(folder: Path) -> None:
    """Make the accounts, and the keytab of the one that GP's web server runs as."""
    # AES before the password is set, else the service's tickets are RC4.
    web = (f"servicePrincipalName: HTTP/{GP}", "msDS-SupportedEncryptionTypes: 24")
    accounts = [
        _account(USER),
        _account("lock-me"),
        _account("count-me", "userPrincipalName: count@mail.test"),
        _account("must-change", "pwdLastSet: 0"),
        _account("switched-off", enabled=False),
        _account("gpweb", *web),
    ]
    database = ("-H", str(folder / "private" / "sam.ldb"))
    _run("ldbadd", *database, text="\n".join(accounts))
    _run("ldbmodify", *database, text=_LOCKOUT)
    keytab = folder / "http.keytab"
    export = ("domain", "exportkeytab", str(keytab), f"--principal=HTTP/{GP}")
    _run("samba-tool", *export, f"--configfile={_configuration(folder)}")
    _for_apache(keytab)


def _account(name: str, *attributes: str, enabled: bool = True) -> str:
    password = base64.b64encode(f'"{PASSWORD}"'.encode("utf-16-le")).decode()
    lines = (
        f"dn: CN={name},CN=Users,{_BASE}",
        "objectClass: user",
        f"sAMAccountName: {name}",
        f"userAccountControl: {512 if enabled else 514}",
        *attributes,
        f"unicodePwd:: {password}",
    )
    return "\n".join(lines) + "\n"


def directory(folder: Path) -> None:
    """Run the domain controller, and wait until it and winbind answer."""
    _start(folder, "samba", "-i", "-s", str(_configuration(folder)), "--debug-stdout")
    for port in (88, 389, 445):
        _until(lambda port=port: _answers("127.0.0.1", port), f"port {port}")
    ping = [program("wbinfo"), "-p"]
    _until(lambda: subprocess.run(ping, check=False, capture_output=True).returncode == 0, "winbind")


def web_server(folder: Path) -> None:
    """Run Apache with a certificate of a private authority: Kerberos by the keytab, NTLM by a file of accounts."""
    certificates = folder / "tls"
    certificates.mkdir()
    authority = Authority.make(certificates)
    files = [authority.issue(host, host, hashes.SHA256()) for host in (GP, ALIAS)]
    users = folder / "ntlm.users"
    users.write_text(f"{DOMAIN}:{USER}:{PASSWORD}\n")
    _for_apache(users)
    root = folder / "apache"
    root.mkdir()
    modules = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in _MODULES)
    hosts = zip((GP, ALIAS), ("127.0.0.2", "127.0.0.3"), files, strict=True)
    sites = "\n".join(_site(host, address, tls) for host, address, tls in hosts)
    (root / "httpd.conf").write_text(
        f"ServerRoot {root}\nServerName {GP}\nPidFile {root}/pid\nErrorLog {root}/error.log\n"
        f"User www-data\nGroup www-data\nKeepAlive On\nMaxKeepAliveRequests 0\nKeepAliveTimeout 60\n{modules}\n"
        'SetEnvIf Authorization "^(.)" signed=$1\nLogFormat "%U %>s %u %{signed}e" seen\n'
        f"CustomLog {root}/access.log seen\n{sites}\n"
    )
    own = {"KRB5_KTNAME": f"{folder}/http.keytab", "NTLM_USER_FILE": str(users)}
    _start(folder, "apache2", "-f", str(root / "httpd.conf"), "-DFOREGROUND", environment=own)
    for address in ("127.0.0.2", "127.0.0.3"):
        _until(lambda address=address: _answers(address, 443), "Apache")


def _site(host: str, address: str, tls: tuple[str, str]) -> str:
    locations = "".join(
        _LOCATION.format(name=name, lines="\n    ".join(lines), port=SIMULATOR_PORT)
        for name, lines in _LOCATIONS.items()
    )
    return (
        f"Listen {address}:443\n<VirtualHost {address}:443>\n  ServerName {host}\n  SSLEngine on\n"
        f"  SSLCertificateFile {tls[0]}\n  SSLCertificateKeyFile {tls[1]}\n"
        f'{locations}  RequestHeader set X-Remote-User "expr=%{{REMOTE_USER}}"\n</VirtualHost>'
    )


def _configuration(folder: Path) -> Path:
    return folder / "etc" / "smb.conf"


def _for_apache(file: Path) -> None:
    shutil.chown(file, group="www-data")
    file.chmod(0o640)


def _run(name: str, *arguments: str, text: str = "") -> None:
    command = [program(name), *arguments]
    done = subprocess.run(command, check=False, input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} {' '.join(arguments)}: {done.stdout}{done.stderr}")


def _start(folder: Path, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Begin something that ends with the namespace."""
    with (folder / f"{name}.out").open("w") as out:
        subprocess.Popen(
            [program(name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=os.environ | (environment or {}),
        )


def _answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def _until(ready: Callable[[], bool], what: str) -> None:
    for _ in range(6000):
        if ready():
            return
        time.sleep(0.05)
    sys.exit(f"{what} did not come up")


def wrong_passwords(folder: Path, name: str) -> int:
    """How many of an account the domain has counted since the last right one."""
    database = str(folder / "private" / "sam.ldb")
    command = [program("ldbsearch"), "-H", database, f"sAMAccountName={name}", "badPwdCount"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("badPwdCount:"))


def main() -> int:
    """Build, run the command, and leave the rest to the end of the namespace."""
    folder = Path(sys.argv[1])
    os.environ |= {FOLDER: str(folder), "KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5RCACHENAME": "none:"}
    for step in (isolate, provision, people, directory, web_server):
        began = time.monotonic()
        step(folder)
        print(f"{step.__name__}: {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201 -- how long it took
    return subprocess.run(sys.argv[2:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
