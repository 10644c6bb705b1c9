"""Finds and reads `idferry.toml`. Values resolve late: a secret is looked up only when a command needs it."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from idferry.errors import SettingsError
from idferry.settings.checks import (
    check_addresses,
    check_applications,
    check_flag,
    check_hashes,
    check_limits,
    check_passwords,
    check_shape,
    check_sources,
    is_local,
)
from idferry.settings.conversion import expect_list, expect_table, refuse_nul, refuse_unknown, table
from idferry.settings.external_id_table import ExternalIdSettings, external_id_of_table
from idferry.settings.guard_table import GuardSettings, guard_of_table
from idferry.settings.secret_readers import SECRET_READERS
from idferry.settings.service_tables import ServiceCaller, ServiceSettings, service_of
from idferry.settings.tables import (
    Application,
    ClockSettings,
    Hashes,
    Ledger,
    Limits,
    Passwords,
    Shape,
    Source,
    Tenant,
)
from idferry.settings.verifier_tables import Verifier, verifiers_of_tables

SETTINGS_FILE = "idferry.toml"
SETTINGS_VARIABLE = "IDFERRY_SETTINGS"


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
    service: ServiceSettings
    guard: GuardSettings
    external_id: ExternalIdSettings
    hashes: Hashes
    service_callers: tuple[ServiceCaller, ...]
    verifiers: tuple[Verifier, ...]

    @cached_property
    def ledger_path(self) -> Path:
        """The ledger file, absolute."""
        return self.folder / self.ledger.path

    @property
    def is_loopback(self) -> bool:
        """Whether every address of the tenant is on this machine."""
        return is_local(self.tenant)

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
        if not value.startswith(tuple(SECRET_READERS)):
            if self.is_loopback:
                return value
            raise SettingsError(
                f"{what} is written into the settings file",
                remedy="Write env:NAME, file:PATH, keyring:NAME or keyvault:URL instead: a settings file gets shared.",
            )
        scheme, colon, name = value.partition(":")
        found = SECRET_READERS[scheme + colon](name, self.folder, what)
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
    known = (
        "project",
        "tenant",
        "application",
        "ledger",
        "sources",
        "limits",
        "passwords",
        "shape",
        "clock",
        "service",
        "guard",
        "external_id",
        "hashes",
        "verifier",
    )
    refuse_unknown(raw, known, where="")
    refuse_nul(raw, where="")
    project = raw.get("project", "idferry")
    if not isinstance(project, str) or not project or ":" in project:
        raise SettingsError("project is a short name without a colon: it is part of every legacyId")
    sources = expect_table(raw.get("sources", {}), where="sources")
    service, service_callers = service_of(raw.get("service", {}))
    settings = Settings(
        folder=folder,
        file=file,
        project=project,
        tenant=table(Tenant, raw["tenant"], where="tenant") if "tenant" in raw else None,
        applications=tuple(
            table(Application, one, where="application") for one in expect_list(raw.get("application", []))
        ),
        ledger=table(Ledger, raw.get("ledger", {}), where="ledger"),
        sources={name: table(Source, one, where=f"sources.{name}") for name, one in sources.items()},
        limits=table(Limits, raw.get("limits", {}), where="limits"),
        passwords=table(Passwords, raw.get("passwords", {}), where="passwords"),
        shape=table(Shape, raw.get("shape", {}), where="shape"),
        clock=table(ClockSettings, raw.get("clock", {}), where="clock"),
        service=service,
        guard=guard_of_table(raw.get("guard", {})),
        external_id=external_id_of_table(raw.get("external_id", {})),
        hashes=table(Hashes, raw.get("hashes", {}), where="hashes"),
        service_callers=service_callers,
        verifiers=verifiers_of_tables(raw.get("verifier", [])),
    )
    check_addresses(settings.tenant, settings.clock)
    check_applications(settings.applications)
    check_flag(settings.tenant)
    check_hashes(settings.hashes)
    check_limits(settings.limits)
    check_passwords(settings.passwords)
    check_shape(settings.shape)
    check_sources(settings.sources)
    return settings
