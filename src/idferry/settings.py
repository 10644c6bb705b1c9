"""The only reader of the environment and of `idferry.toml`. It holds frozen dataclasses and decides nothing.

One settings file = one directory to write to = one ledger. Relative paths count from the file. Secrets are named,
not written (`env:NAME`, `file:PATH`, `keyring:NAME`, `keyvault:URL`), and are resolved only when a command needs
them; a literal is accepted only where authority and graph are on this machine.
"""

import difflib
import importlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec

from idferry.errors import SettingsError
from idferry.rules.attributes import MIGRATION_FLAG, migration_flag_problem

SETTINGS_FILE = "idferry.toml"
SETTINGS_VARIABLE = "IDFERRY_SETTINGS"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
SECRET_SCHEMES = ("env:", "file:", "keyring:", "keyvault:")
STALE_AFTER_DAYS_MAX = 36_500

_TYPES = re.compile(r"Expected `[^`]+`, got `[^`]+`")

Table = TypeVar("Table")


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


@dataclass(frozen=True, slots=True)
class Limits:
    """`[limits]`: how hard the directory is worked, and how patiently."""

    connections: int = 4
    attempts: int = 8
    settle_seconds: int = 120
    timeout_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Passwords:
    """`[passwords]`: whether weak known passwords may be sent with DisableStrongPassword."""

    weak: Literal["refuse", "allow"] = "refuse"


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


@dataclass(frozen=True)
class Settings:
    """Everything of one settings file. `folder` is where relative paths count from."""

    folder: Path
    file: Path | None
    project: str
    tenant: Tenant | None
    applications: tuple[Application, ...]
    ledger: Ledger
    sources: Mapping[str, Source]
    limits: Limits
    passwords: Passwords
    shape: Shape
    clock: ClockSettings

    @cached_property
    def ledger_path(self) -> Path:
        """The ledger file, absolute."""
        return self.folder / self.ledger.path

    @property
    def is_loopback(self) -> bool:
        """Whether every address of the tenant is on this machine."""
        tenant = self.tenant
        return tenant is not None and _is_loopback(tenant.authority) and _is_loopback(tenant.graph)

    def need_tenant(self) -> Tenant:
        """The tenant, for commands that cannot work without one.

        Raises:
            SettingsError: there is no settings file, or it names no tenant.
        """
        if self.tenant is None:
            where = f"{self.file} has no [tenant] table" if self.file else f"there is no {SETTINGS_FILE} here"
            raise SettingsError(
                f"{where}, so there is no directory to work with",
                remedy="Run `idferry init`, fill it in, and run this again (or name the file with --settings).",
            )
        return self.tenant

    def secret(self, value: str, *, what: str) -> str:
        """Resolve a secret to its text; `what` names the setting in messages, which never hold the secret.

        Raises:
            SettingsError: it is not there, or a literal is used where it must not be.
        """
        if not value.startswith(SECRET_SCHEMES):
            if self.is_loopback:
                return value
            raise SettingsError(
                f"{what} is written into the settings file",
                remedy="Write env:NAME, file:PATH, keyring:NAME or keyvault:URL instead: a settings file gets shared.",
            )
        scheme, _, name = value.partition(":")
        found = _SECRET_READERS[scheme](name, self.folder, what)
        if not found:
            raise SettingsError(f"{what} is empty: {value}", remedy="Put the secret there.")
        return found


def find_settings(named: Path | None = None) -> Path | None:
    """The settings file: the one named, else IDFERRY_SETTINGS, else ./idferry.toml; None when there is none.

    Raises:
        SettingsError: a file was named and is not there.
    """
    asked = named or (Path(os.environ[SETTINGS_VARIABLE]) if os.environ.get(SETTINGS_VARIABLE) else None)
    if asked is None:
        here = Path(SETTINGS_FILE)
        return here if here.is_file() else None
    if not asked.is_file():
        raise SettingsError(
            f"no settings file at {asked}", remedy="Check the path, or run `idferry init` there."
        )
    return asked


def read_settings(named: Path | None = None) -> Settings:
    """Read the settings file, or give the defaults when there is none (enough for `survey`).

    Raises:
        SettingsError: it cannot be read, is no TOML, or holds an unknown key or a wrong value.
    """
    file = find_settings(named)
    if file is None:
        return parse_settings({}, file=None, folder=Path.cwd())
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from error
    return parse_settings(raw, file=file, folder=file.resolve().parent)


def parse_settings(raw: Mapping[str, Any], *, file: Path | None, folder: Path) -> Settings:
    """Settings out of a parsed TOML document.

    Raises:
        SettingsError: an unknown key, naming the nearest known one, or a value of a wrong type.
    """
    known = ("project", "tenant", "application", "ledger", "sources", "limits", "passwords", "shape", "clock")
    _refuse_unknown(raw, known, where="")
    _refuse_nul(raw, where="")
    project = raw.get("project", "idferry")
    if not isinstance(project, str) or not project or ":" in project:
        raise SettingsError("project is a short name without a colon: it is part of every legacyId")
    sources = _expect_table(raw.get("sources", {}), where="sources")
    settings = Settings(
        folder=folder,
        file=file,
        project=project,
        tenant=_table(Tenant, raw["tenant"], where="tenant") if "tenant" in raw else None,
        applications=tuple(
            _table(Application, one, where="application") for one in _expect_list(raw.get("application", []))
        ),
        ledger=_table(Ledger, raw.get("ledger", {}), where="ledger"),
        sources={name: _table(Source, one, where=f"sources.{name}") for name, one in sources.items()},
        limits=_table(Limits, raw.get("limits", {}), where="limits"),
        passwords=_table(Passwords, raw.get("passwords", {}), where="passwords"),
        shape=_table(Shape, raw.get("shape", {}), where="shape"),
        clock=_table(ClockSettings, raw.get("clock", {}), where="clock"),
    )
    _check_addresses(settings)
    _check_flag(settings.tenant)
    _check_limits(settings.limits)
    _check_shape(settings.shape)
    _check_sources(settings.sources)
    return settings


def _check_addresses(settings: Settings) -> None:
    tenant = settings.tenant
    if tenant:
        for name, address in (("authority", tenant.authority), ("graph", tenant.graph)):
            if not _is_root_address(address):
                raise SettingsError(f"tenant.{name} is a root address such as https://graph.microsoft.com")
            if urlsplit(address).scheme == "http" and not _is_loopback(address):
                raise SettingsError(f"tenant.{name} uses http: only https leaves this machine")
    if settings.clock.url and not (settings.is_loopback and _is_loopback(settings.clock.url)):
        raise SettingsError(
            "clock.url follows an emulator's time, and not every address in the settings is on this machine",
            remedy="Remove [clock]: a real tenant has real time.",
        )


def _check_flag(tenant: Tenant | None) -> None:
    problem = migration_flag_problem(tenant.migration_flag) if tenant else None
    if problem:
        raise SettingsError(
            f"tenant.migration_flag: {problem}", remedy=f"Leave it out: it is then {MIGRATION_FLAG}."
        )


def _check_limits(limits: Limits) -> None:
    for one in fields(limits):
        if getattr(limits, one.name) < (0 if one.name == "settle_seconds" else 1):
            raise SettingsError(f"limits.{one.name} is too small")


def _check_shape(shape: Shape) -> None:
    if not 0 <= shape.stale_after_days <= STALE_AFTER_DAYS_MAX:
        raise SettingsError(f"shape.stale_after_days is between 0 (off) and {STALE_AFTER_DAYS_MAX}")


def _check_sources(sources: Mapping[str, Source]) -> None:
    for name, source in sources.items():
        if len(source.delimiter) > 1 or source.delimiter in ('"', "\n", "\r"):
            raise SettingsError(
                f"sources.{name}.delimiter is one character, and no quote or line end",
                remedy='For example: delimiter = ";" or, for tabs, delimiter = "\\t".',
            )


def _is_root_address(address: str) -> bool:
    """Scheme, host and perhaps a port; a name and password in it would reach logs."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not more


def _is_loopback(address: str) -> bool:
    try:
        return urlsplit(address).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def _table(cls: type[Table], raw: object, *, where: str) -> Table:
    table = _expect_table(raw, where=where)
    declared = fields(cls)  # type: ignore[arg-type]
    _refuse_unknown(table, [one.name for one in declared], where=where)
    for one in declared:
        required = one.default is MISSING and one.default_factory is MISSING
        if required and not table.get(one.name):
            raise SettingsError(f"{where}.{one.name} is missing")
    try:
        return msgspec.convert(table, cls, strict=True)
    except msgspec.ValidationError as error:
        # Not from the error, which may quote the value: it could be a secret in the wrong line.
        raise SettingsError(f"wrong value in the settings: {_explained(str(error), cls, where)}") from None


def _explained(said: str, cls: type, where: str) -> str:
    """msgspec's words without any value: "Expected `int`, got `str` - at `$.connections`", or what may be chosen."""
    what, _, path = said.partition(" - at `$.")
    name = path.rstrip("`")
    choices = ", ".join(map(repr, get_args(get_type_hints(cls).get(name))))
    if not _TYPES.fullmatch(what):
        what = f"Expected one of {choices}" if choices else "Expected another value"
    return f"{what} - at `{where}.{name}`"


def _expect_table(raw: object, *, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise SettingsError(f"{where} is a table: write [{where}]")
    return raw


def _expect_list(raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise SettingsError("application is a list of tables: write [[application]]")
    return raw


def _refuse_unknown(table: Mapping[str, Any], known: "list[str] | tuple[str, ...]", *, where: str) -> None:
    for name in table:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            place = f"in [{where}]" if where else "at the top of the settings"
            hint = f"Did you mean {nearest[0]}?" if nearest else f"Known there: {', '.join(known)}."
            raise SettingsError(f"unknown setting {name!r} {place}", remedy=hint)


def _refuse_nul(value: object, *, where: str) -> None:
    """A NUL character is in no path, no address and no name: what opens them would end with a bug."""
    if isinstance(value, str) and "\0" in value:
        raise SettingsError(f"{where!r} holds a NUL character", remedy="Write it without \\u0000.")
    for one in value if isinstance(value, list) else ():
        _refuse_nul(one, where=where)
    for name, one in value.items() if isinstance(value, Mapping) else ():
        _refuse_nul([name, one], where=f"{where}.{name}".lstrip("."))


def _from_environment(name: str, _folder: Path, what: str) -> str:
    if name not in os.environ:
        raise SettingsError(f"{what}: the environment variable {name} is not set", remedy=f"Set {name}.")
    return os.environ[name]


def _from_file(name: str, folder: Path, what: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{what}: the file {name} cannot be read", remedy="Check the path.") from error


def _from_keyring(name: str, _folder: Path, what: str) -> str:
    keyring = _extra("keyring", what)
    return str(keyring.get_password("idferry", name) or "")


def _from_key_vault(url: str, _folder: Path, what: str) -> str:
    secrets = _extra("azure.keyvault.secrets", what)
    identity = _extra("azure.identity", what)
    parts = urlsplit(url)
    client = secrets.SecretClient(f"https://{parts.hostname}", identity.DefaultAzureCredential())
    return str(client.get_secret(parts.path.rstrip("/").rsplit("/", 1)[-1]).value or "")


def _extra(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.replace(".", "-")
        raise SettingsError(f"{what} needs the package {name}", remedy=f"pip install {name}") from error


_SECRET_READERS = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
    "keyvault": _from_key_vault,
}
