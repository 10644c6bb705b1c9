"""From which networks each bearer token comes: one that comes from two may have been stolen, and an operator hears of it.

It refuses nobody: a tenant may well call from several places. Tokens are kept as digests under a key of this process, and
only those that were accepted, so that nobody can fill this who has none. Addresses that a log may rely on: `peers`.
"""

import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

from idferry.service.logs import Log
from idferry.service.metrics import Metrics
from idferry.service.peers import Peers

TOKENS_MAX = 4_096
NETWORKS_OF_A_TOKEN_MAX = 8
NETWORK_BITS_V4 = 16
NETWORK_BITS_V6 = 32
"""The size in which addresses are given to a network: one data centre calls from many addresses of the same one."""

Heard = Callable[[str, bytes, Scope], None]
"""A caller, the token it has proven itself with, and the request."""


def unheard(_caller: str, _token: bytes, _scope: Scope) -> None:
    """For whoever does not want to know."""


class TokenSources:
    """What was seen of the last TOKENS_MAX tokens. To be used on the event loop; it prints nothing of a token."""

    def __init__(self, *, key: bytes, peers: Peers, log: Log, metrics: Metrics) -> None:
        self._key = key
        self._peers = peers
        self._log = log
        self._metrics = metrics
        self._networks: OrderedDict[bytes, list[str]] = OrderedDict()

    def heard(self, caller: str, token: bytes, scope: Scope) -> None:
        """A token was accepted; an alert once for each further network that it comes from."""
        network = network_of(self._peers.client_address(scope))
        if not network:
            return
        mark = hmac.digest(self._key, token, "sha256")
        known = self._networks.setdefault(mark, [network])
        self._networks.move_to_end(mark)
        if len(self._networks) > TOKENS_MAX:
            self._networks.popitem(last=False)
        if network not in known and len(known) < NETWORKS_OF_A_TOKEN_MAX:
            known.append(network)
            self._metrics.alert("token_elsewhere")
            self._log.warning("token_elsewhere", caller=caller, networks=list(known))


def network_of(address: str) -> str:
    """The network of an address; "" for what is none."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    known = getattr(known, "ipv4_mapped", None) or known
    bits = NETWORK_BITS_V4 if known.version == 4 else NETWORK_BITS_V6
    return str(ipaddress.ip_network((known, bits), strict=False))
