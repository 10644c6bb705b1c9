"""Where a directory is and how it names things: plain values, no settings, nothing that asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """One directory as its client must know it.

    `authority` and `graph_url` are root addresses; `domain` is the tenant's default domain (the issuer of its own
    sign-in names); `flag` the short name of the migration flag; an empty `extension_app_id` is looked up. `local`:
    both addresses are on this machine, so no proxy is asked.
    """

    tenant_id: str
    domain: str
    authority: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com"
    flag: str = "requiresMigration"
    extension_app_id: str = ""
    ca_file: str = ""
    local: bool = False
