"""Who is at the other end of a connection: the address that a limit or a log may rely on.

A forwarded address is believed only from a peer that the settings trust, and only the last hop that such a front saw.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

ADDRESSES_REMEMBERED_MAX = 4_096
_FORWARDED = b"x-forwarded-for"


class Peers:
    """The trusted fronts, as networks; none: every peer is who it is."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(one) for one in trusted]
        self._is_trusted = lru_cache(maxsize=ADDRESSES_REMEMBERED_MAX)(self._look)

    def is_trusted(self, scope: Scope) -> bool:
        """Whether the request comes from a front of ours."""
        return bool(self._networks) and self._is_trusted(_peer(scope))

    def client_address(self, scope: Scope) -> str:
        """The caller's address: the peer's, or what a trusted front says of its own peer; "" where nobody can tell."""
        peer = _peer(scope)
        if not self._networks or not self._is_trusted(peer):
            return peer
        hops = [hop for name, value in scope["headers"] if name == _FORWARDED for hop in value.split(b",")]
        for hop in reversed(hops):
            address = _address(hop.decode("latin-1"))
            if not address:
                return peer
            if not self._is_trusted(address):
                return address
        return peer

    def _look(self, address: str) -> bool:
        try:
            known = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(known, "ipv4_mapped", None)
        return any((mapped or known) in network for network in self._networks)


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _address(hop: str) -> str:
    """An address as some fronts write it, with a port; "" for anything else."""
    text = hop.strip()
    if text.count(":") == 1:
        text = text.partition(":")[0]
    elif text.startswith("["):
        text = text[1:].partition("]")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
