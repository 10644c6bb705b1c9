"""OpenLDAP's slapd on loopback, with people, a password policy and TLS, started by the test that needs it."""

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.throwaway_ca import ThrowawayCa

SUFFIX = "dc=example,dc=com"
ADMIN = f"cn=admin,{SUFFIX}"
ADMIN_PASSWORD = "Not-Real-Admin-1"
START_SECONDS_MAX = 10
MODULES = Path("/usr/lib/ldap")


@dataclass(frozen=True)
class Slapd:
    """`url` and `tls_url`: where it is; `log`: what it noted, the names of binds among it."""

    url: str
    tls_url: str
    ca: ThrowawayCa
    log: Path


def _base64_line(name: str, value: str) -> str:
    import base64

    return f"{name}:: {base64.b64encode(value.encode()).decode('ascii')}"


def person(uid: str, password: str, *lines: str) -> str:
    """The LDIF of one person; values may hold anything."""
    return "\n".join(
        [
            f"dn: uid={uid},ou=people,{SUFFIX}",
            "objectClass: inetOrgPerson",
            f"uid: {uid}",
            "sn: x",
            "cn: x",
            _base64_line("mail", f"{uid}@example.com"),
            *([_base64_line("userPassword", password)] if password else []),
            *lines,
            "",
        ]
    )


@contextmanager
def running_slapd(folder: Path, people: str, named: Mapping[str, str]) -> Iterator[Slapd]:
    """The directory; `people` in LDIF, `named`: further people as name -> password. Skips loudly where it cannot run."""
    slapd = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/local/sbin")
    if slapd is None:
        pytest.skip("NOT CHECKED HERE: the LDAP verifier needs slapd (apt-get install slapd)")
    if importlib.util.find_spec("ldap") is None:
        pytest.skip("NOT CHECKED HERE: the LDAP verifier needs python-ldap (make peers)")
    ca = ThrowawayCa(folder, "slapd")
    # OpenLDAP takes "localhost" for this machine's own name when it looks at a certificate.
    issued = ca.server("127.0.0.1")
    data = folder / "data"
    data.mkdir()
    config = folder / "slapd.conf"
    config.write_text(
        f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath {MODULES}
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/slapd.pid
TLSCACertificateFile {ca.file}
TLSCertificateFile {issued.certificate}
TLSCertificateKeyFile {issued.key}
database mdb
suffix "{SUFFIX}"
rootdn "{ADMIN}"
rootpw {ADMIN_PASSWORD}
directory {data}
maxsize 33554432
access to attrs=userPassword by anonymous auth by * none
access to * by * read
overlay ppolicy
ppolicy_default "cn=default,{SUFFIX}"
""",
        encoding="utf-8",
    )
    ldif = folder / "people.ldif"
    further = "\n".join(
        "\n".join(
            [
                f"dn: uid=n{place},ou=people,{SUFFIX}",
                "objectClass: inetOrgPerson",
                f"uid: n{place}",
                "sn: x",
                _base64_line("cn", name),
                _base64_line("userPassword", password),
                "",
            ]
        )
        for place, (name, password) in enumerate(named.items())
    )
    ldif.write_text(_TREE + people + "\n" + further, encoding="utf-8")
    added = subprocess.run(
        [slapd, "-T", "add", "-f", str(config), "-l", str(ldif)], capture_output=True, text=True, check=False
    )
    assert added.returncode == 0, added.stderr
    ports = [_free_port(), _free_port()]
    url, tls_url = f"ldap://127.0.0.1:{ports[0]}", f"ldaps://127.0.0.1:{ports[1]}"
    log = folder / "slapd.log"
    with log.open("wb") as noted:
        process = subprocess.Popen(
            [slapd, "-f", str(config), "-h", f"{url} {tls_url}", "-d", "256"],
            stdin=subprocess.DEVNULL,
            stdout=noted,
            stderr=noted,
        )
        try:
            _wait(process, ports, log)
            yield Slapd(url, tls_url, ca, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


_TREE = f"""dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit
ou: people

dn: cn=default,{SUFFIX}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
pwdLockoutDuration: 600

dn: cn=short,{SUFFIX}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: short
pwdAttribute: userPassword
pwdMaxAge: 1
pwdGraceAuthNLimit: 0

dn: cn=grace,{SUFFIX}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: grace
pwdAttribute: userPassword
pwdMaxAge: 1
pwdGraceAuthNLimit: 9

dn: cn=reset,{SUFFIX}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: reset
pwdAttribute: userPassword
pwdMustChange: TRUE

"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", ports: list[int], log: Path) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    for port in ports:
        while True:
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until, "slapd does not start"
            time.sleep(0.02)
