"""The store of the reset status that stands outside of ledger and directory, where the settings choose one."""

from urllib.parse import urlsplit

from idferry.errors import SettingsError
from idferry.settings import Settings
from idferry.stores.azure_table import AzureTableStatus, open_azure_table

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def outside_status_of(settings: Settings) -> AzureTableStatus | None:
    """The Azure Table, where `[service] status_store` chose it. Nothing is called before it is used.

    Raises:
        SettingsError: it cannot be used as the settings have it.
    """
    service = settings.service
    if service.status_store != "azure_table":
        return None
    if service.azure_table_url:
        return open_azure_table(url=service.azure_table_url)
    connection = settings.secret(service.azure_table_connection, what="service.azure_table_connection")
    _refuse_clear_text(connection)
    return open_azure_table(connection=connection)


def _refuse_clear_text(connection: str) -> None:
    """Only https leaves this machine; http is for the storage emulator."""
    parts = dict(part.partition("=")[::2] for part in connection.split(";"))
    told = {name.strip().lower(): value.strip() for name, value in parts.items()}
    endpoint = urlsplit(told.get("tableendpoint", ""))
    is_clear = "http" in (endpoint.scheme, told.get("defaultendpointsprotocol", "").lower())
    if is_clear and endpoint.netloc.rpartition(":")[0] not in LOOPBACK:
        raise SettingsError("service.azure_table_connection uses http: only https leaves this machine")
