"""Who must still reset the password, in an Azure Table laid out as in Microsoft's sample, so that both can share it.

Table `users`, partition `B2CMigration`, one row for each sign-in name, which is there as long as its person must reset
(https://github.com/azure-ad-b2c/user-migration). Beside it a partition of our own lists the rows of each account, so
that all names of a person can go at once. The SDK is an extra and is imported when a table is opened.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import quote

from idferry.errors import SettingsError, StatusUnavailable
from idferry.rules.names import ASCII_BLANKS

TABLE = "users"
PARTITION = "B2CMigration"
ACCOUNTS_PARTITION = "B2CMigrationAccounts"
KEY_CHARACTERS_MAX = 512  # 1 KiB of UTF-16; https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
TRANSACTION_ROWS_MAX = 100
CONNECT_SECONDS_MAX = 1.0
READ_SECONDS_MAX = 1.5
# What a key may not hold, from the same page.
_REFUSED = {ord(one): quote(one, safe="") for one in "/\\#?"}
_REFUSED |= {code: quote(chr(code)) for code in (*range(0x20), *range(0x7F, 0xA0))}


def row_key_of(sign_in_name: str) -> str:
    """The key of a sign-in name's row: as typed, in the lower case of .NET's invariant culture; "" where none can be.

    .NET maps one character to one and knows no final sigma:
    https://learn.microsoft.com/dotnet/api/system.string.tolowerinvariant
    """
    typed = sign_in_name.strip(ASCII_BLANKS)
    lowered = typed.lower() if typed.isascii() else "".join(map(_lower, typed))
    key = lowered.translate(_REFUSED)
    return key if len(key.encode("utf-16-le", "surrogatepass")) // 2 <= KEY_CHARACTERS_MAX else ""


def _lower(character: str) -> str:
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


class AzureTableStatus:
    """ResetStatus over an Azure Table. `table` is the SDK's client of the table, `errors` its errors' base class."""

    def __init__(self, table: Any, *, errors: type[Exception], not_found: type[Exception]) -> None:
        self._table = table
        self._errors = errors
        self._not_found = not_found
        self._is_made = False

    def must_reset(self, sign_in_name: str) -> bool:
        """Whether there is a row of this name. Raises StatusUnavailable."""
        key = row_key_of(sign_in_name)
        return bool(key) and self._row(PARTITION, key, select="RowKey") is not None

    def settle(self, *, sign_in_name: str, object_id: str) -> None:
        """Take away every row of this account. Raises StatusUnavailable."""
        key = row_key_of(sign_in_name)
        named = self._row(PARTITION, key) if key else None
        accounts = {one for one in (object_id, (named or {}).get("objectId", "")) if one}
        listed = [self._row(ACCOUNTS_PARTITION, row_key_of(one)) for one in accounts]
        keys = {one for row in (named, *listed) if row for one in _listed(row)}
        for one in sorted(keys | ({key} if key else set())):
            self._delete(PARTITION, one)
        # Last, so that the same call again completes what an interruption left.
        for one in sorted(accounts):
            self._delete(ACCOUNTS_PARTITION, row_key_of(one))

    def add(self, people: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Put rows there for these accounts, a hundred in a call. Raises StatusUnavailable."""
        names: dict[str, dict[str, str]] = {}
        accounts: dict[str, dict[str, str]] = {}
        for object_id, sign_in_names in people:
            keys = sorted({key for key in map(row_key_of, sign_in_names) if key})
            about = {"objectId": object_id, "names": json.dumps(keys)}
            accounts[row_key_of(object_id)] = {"PartitionKey": ACCOUNTS_PARTITION, **about}
            names.update({key: {"PartitionKey": PARTITION, **about} for key in keys})
        self._make()
        # The list of an account first: whatever stands in the table can then be taken away again.
        for rows in (accounts, names):
            for some in _groups(rows):
                self._told(partial(self._table.submit_transaction, some))

    def _make(self) -> None:
        if not self._is_made:
            self._told(self._table.create_table)
            self._is_made = True

    def _row(self, partition: str, key: str, *, select: str | None = None) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._table.get_entity(partition, key, select=select)
        except self._not_found:
            return None
        except self._errors as error:
            raise _unavailable(error) from error
        return found

    def _delete(self, partition: str, key: str) -> None:
        try:
            self._table.delete_entity(partition, key)
        except self._not_found:
            return
        except self._errors as error:
            raise _unavailable(error) from error

    def _told(self, call: Any) -> None:
        try:
            call()
        except self._errors as error:
            if getattr(error, "error_code", "") != "TableAlreadyExists":
                raise _unavailable(error) from error


def open_azure_table(*, connection: str = "", url: str = "") -> AzureTableStatus:
    """The table, by a connection string or by the account's address with a managed identity. Nothing is called yet.

    Raises:
        SettingsError: the SDK is not installed, or the connection string cannot be read.
    """
    tables = _extra("azure.data.tables")
    exceptions = _extra("azure.core.exceptions")
    how = {
        "connection_timeout": CONNECT_SECONDS_MAX,
        "read_timeout": READ_SECONDS_MAX,
        "retry_total": 0,
        "logging_enable": False,
    }
    try:
        if connection:
            service = tables.TableServiceClient.from_connection_string(connection, **how)
        else:
            credential = _extra("azure.identity").DefaultAzureCredential()
            service = tables.TableServiceClient(endpoint=url, credential=credential, **how)
        table = service.get_table_client(TABLE)
    except (ValueError, exceptions.AzureError):
        # The message of the SDK quotes what it was given.
        raise SettingsError("the connection of the Azure Table cannot be read") from None
    return AzureTableStatus(table, errors=exceptions.AzureError, not_found=exceptions.ResourceNotFoundError)


def _extra(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise SettingsError(
            f"the status store needs the package {module.replace('.', '-')}",
            remedy="pip install 'idferry[azure-table]' (and 'idferry[azure]' for a managed identity)",
        ) from error


def _listed(row: Mapping[str, Any]) -> list[str]:
    """The keys that a row lists; a row that somebody else made lists none."""
    try:
        listed = json.loads(row.get("names", "[]"))
    except (TypeError, ValueError):
        return []
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _groups(rows: Mapping[str, Mapping[str, str]]) -> Iterator[list[tuple[str, dict[str, str]]]]:
    upserts = [("upsert", {**row, "RowKey": key}) for key, row in rows.items()]
    for start in range(0, len(upserts), TRANSACTION_ROWS_MAX):
        yield upserts[start : start + TRANSACTION_ROWS_MAX]


def _unavailable(error: Exception) -> StatusUnavailable:
    code = getattr(error, "error_code", "") or type(error).__name__
    return StatusUnavailable(f"the Azure Table gives no answer: {code}")
