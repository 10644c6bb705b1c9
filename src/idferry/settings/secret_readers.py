"""Where secrets are kept outside of the settings file, and how each place is asked. Nothing here is ever printed."""

import importlib
import os
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from idferry.errors import SettingsError


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


SECRET_READERS = MappingProxyType(
    {
        "env:": _from_environment,
        "file:": _from_file,
        "keyring:": _from_keyring,
        "keyvault:": _from_key_vault,
    }
)
"""Scheme -> how the name behind it becomes the secret; each raises SettingsError when it is not there."""
