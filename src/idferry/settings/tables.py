"""The tables of `idferry.toml` as frozen values: what may stand in each, and what holds where nothing is said.

Types and defaults only; whether values fit together is said by `checks`. The reference page is generated from here.
"""

from dataclasses import dataclass, field
from typing import Literal

from idferry.rules.attributes import MIGRATION_FLAG


@dataclass(frozen=True, slots=True)
class Tenant:
    """`[tenant]`: the directory people move to. `authority` and `graph` are root addresses, without a path."""

    id: str
    domain: str
    kind: Literal["b2c", "external"] = "b2c"
    authority: str = "https://login.microsoftonline.com"
    graph: str = "https://graph.microsoft.com"
    ca_file: str = ""
    extension_app_id: str = ""
    migration_flag: str = MIGRATION_FLAG


@dataclass(frozen=True, slots=True)
class Application:
    """`[[application]]`: an app registration of ours, and how it proves itself: one of the last three."""

    client_id: str
    name: str = "import"
    use: Literal["import", "sign-in"] = "import"
    secret: str = ""
    certificate: str = ""
    credential: Literal["", "managed"] = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """`[ledger]`: where the ledger file lies."""

    path: str = "idferry.ledger"


@dataclass(frozen=True, slots=True)
class Source:
    """`[sources.NAME]`: a legacy export. `columns` maps a CSV file's columns to fields ("" ignores one)."""

    path: str
    kind: Literal["", "json_lines", "users_data", "csv"] = ""
    columns: dict[str, str] = field(default_factory=dict)
    delimiter: str = ""
    hash: dict[str, str | int | bool] = field(default_factory=dict)
    exported_at: str = ""


@dataclass(frozen=True, slots=True)
class Hashes:
    """`[hashes]`: where password hashes are kept, encrypted, for as long as the migration lasts."""

    path: str = "idferry.hashes"
    key: str = ""
    bounds: dict[str, int] = field(default_factory=dict)
    memory_mib: int = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """`[limits]`: how hard the directory is worked, and how patiently.

    The allowances are the [published ones](https://learn.microsoft.com/graph/throttling-limits).
    """

    connections: int = 4
    attempts: int = 8
    settle_seconds: int = 120
    timeout_seconds: int = 60
    app_writes: int = 3_000
    app_writes_seconds: int = 150
    tenant_writes: int = 18_000
    tenant_writes_seconds: int = 300
    app_units: int = 3_500
    app_units_seconds: int = 10
    creation_writes: int = 1
    reserve_writes: float = 0.0


@dataclass(frozen=True, slots=True)
class Passwords:
    """`[passwords]`: whether weak known passwords may be sent with DisableStrongPassword, and whose a password is."""

    weak: Literal["refuse", "allow"] = "refuse"
    creation_seconds: int = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """`[shape]`: what becomes of attributes. `attributes` renames (or, with "", drops) them by source name."""

    too_long: Literal["refuse", "drop"] = "refuse"
    stale_after_days: int = 0
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClockSettings:
    """`[clock]`: an emulator whose shifted time is followed. Loopback only."""

    url: str = ""
