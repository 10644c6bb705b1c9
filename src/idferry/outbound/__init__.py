"""The one HTTP client for everything but Graph: legacy systems, and the keys that callers' tokens are signed with.

It calls hosts that the settings name and no others, by https except on this machine, without redirects, without
proxies of the environment, and gives up when an answer is too long or the whole exchange too slow. Nothing of a
request or an answer is logged here, and no text of an answer becomes part of an error.
"""

from idferry.outbound.address import NamedHost, RefusedAddress, named_host
from idferry.outbound.client import NoReply, Outbound, Reply, Request, tls_context
from idferry.outbound.connecting import Resolve, resolved, system_addresses

__all__ = [
    "NamedHost",
    "NoReply",
    "Outbound",
    "RefusedAddress",
    "Reply",
    "Request",
    "Resolve",
    "named_host",
    "resolved",
    "system_addresses",
    "tls_context",
]
