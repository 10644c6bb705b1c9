"""The `[external_id]` table of `idferry.toml`: which extension of an external tenant may ask us. Types, defaults, checks."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from idferry.errors import SettingsError
from idferry.settings.checks import LOOPBACK_HOSTS
from idferry.settings.conversion import table

KEYS_MAX = 4  # current, next, and room for a rotation that was begun twice


@dataclass(frozen=True, slots=True)
class ExternalIdSettings:
    """`[external_id]`: the custom authentication extension that calls us, and the keys that open what it sends."""

    app_id: str = ""
    app_uri: str = ""
    extension_ids: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    issuers: list[str] = field(default_factory=list)
    keys_url: str = ""
    self_service_reset: bool = True

    @property
    def is_used(self) -> bool:
        """Whether the endpoint exists."""
        return bool(self.app_id)


def external_id_of_table(raw: object) -> ExternalIdSettings:
    """The table `[external_id]`. Raises SettingsError: an unknown key, a wrong value, or something is missing."""
    external = table(ExternalIdSettings, raw, where="external_id")
    given = [name for name in ("app_id", "app_uri", "extension_ids", "keys") if getattr(external, name)]
    missing = [name for name in ("app_id", "app_uri", "extension_ids", "keys") if name not in given]
    if (given or external.issuers or external.keys_url) and missing:
        raise SettingsError(f"external_id.{missing[0]} is missing: the four of them go together")
    if len(external.keys) > KEYS_MAX or len(set(external.keys)) < len(external.keys):
        raise SettingsError(f"external_id.keys has at most {KEYS_MAX} keys, each one once")
    if any(not one or "*" in one for one in (*external.issuers, *external.extension_ids)):
        raise SettingsError("external_id: issuers and extension_ids are exact values")
    if external.app_uri and not external.app_uri.startswith("api://"):
        raise SettingsError(
            "external_id.app_uri begins with api://",
            remedy="It is the identifier URI of the extension's app.",
        )
    url = urlsplit(external.keys_url)
    if external.keys_url and url.scheme != "https" and url.hostname not in LOOPBACK_HOSTS:
        raise SettingsError("external_id.keys_url uses https: whoever answers there decides who may call")
    return external
