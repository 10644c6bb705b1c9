"""Which hosts may be called, and which addresses their names may stand for. Pure: nothing is looked up here.

A name is checked when the settings are read, its address each time one is connected to: whoever answers for the name
can answer otherwise the next time. https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = {"http": 80, "https": 443}
HOST_CHARACTERS_MAX = 253

_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\Z")
# What an inet_aton of the system takes for an address though no standard calls it one: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMERIC_LAST_LABEL = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\Z")

_PRIVATE = tuple(ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
# Where the machines of the large providers find their own credentials; the last one is a public address.
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_METADATA = tuple(ip_network(one) for one in ("fd00:ec2::/32", "fd20:ce::/32", "168.63.129.16/32"))
# IPv6 addresses that carry an IPv4 address which somebody on the way unpacks; and what once was site-local.
_CARRIERS = tuple(
    ip_network(one)
    for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class RefusedAddress(ValueError):
    """An address that is not called; the message says why and quotes nothing that could be a secret."""


@dataclass(frozen=True, slots=True)
class NamedHost:
    """A host that the settings name. `private`: its name may stand for an address of a private network."""

    scheme: str
    host: str
    port: int
    private: bool = False

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, by a name that says so."""
        return self.host in LOOPBACK_HOSTS

    def admits(self, address: str) -> bool:
        """Whether the host's name may stand for this address."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            return False
        if self.is_loopback:
            return found.is_loopback
        if _is_in(found, (*_METADATA, *_CARRIERS)):
            return False
        if _is_in(found, _PRIVATE):
            return self.private
        return found.is_global and not found.is_multicast and not found.is_reserved


def named_host(url: str, *, private: bool = False) -> NamedHost:
    """The host that a URL of the settings names.

    Raises:
        RefusedAddress: http beyond this machine, a user name in it, an address in digits that nobody would read as
            one, a fragment, or no URL at all.
    """
    parts = _split(url)
    host = (parts.hostname or "").lower()
    found = NamedHost(parts.scheme, host, _port(parts), private)
    if parts.scheme == "http" and not found.is_loopback:
        raise RefusedAddress("http: only https leaves this machine")
    if not found.is_loopback:
        _check_host(host)
    if (literal := _literal(host)) is not None and not found.admits(str(literal)):
        raise RefusedAddress("an address of a network that is not called")
    return found


def _split(url: str) -> SplitResult:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise RefusedAddress("a URL is ASCII without blanks; write an international host name as xn--...")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RefusedAddress("not a URL") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise RefusedAddress("a URL begins with https:// and a host")
    if "@" in parts.netloc:
        raise RefusedAddress("a URL holds no user name and no password")
    if parts.fragment or "#" in url:
        raise RefusedAddress("a URL that is called has no fragment")
    return parts


def _port(parts: SplitResult) -> int:
    port = parts.port
    if port == 0:
        raise RefusedAddress("port 0")
    return DEFAULT_PORTS[parts.scheme] if port is None else port


def _check_host(host: str) -> None:
    if _literal(host) is not None:
        return
    if _NUMERIC_LAST_LABEL.match(host):
        raise RefusedAddress("an address in another form than 192.0.2.1")
    if len(host) > HOST_CHARACTERS_MAX or not _HOST_NAME.match(host):
        raise RefusedAddress("not a host name")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
