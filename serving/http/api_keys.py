"""Creation, hashing and loading of API keys.

A key is 32 random bytes and cannot be guessed, so a plain SHA-256 protects it as well
as a slow hash would: slow hashes protect passwords, which people choose. The settings
hold hashes only; reading them does not allow a request.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from forecasting.errors import SettingError

if TYPE_CHECKING:
    from serving.settings import Settings
from serving.settings import API_KEYS_FORMAT, PERMISSIONS, KeyEntries, Permission


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the settings.

    Attributes:
        name: of the key, for logs and metrics.
        digest: SHA-256 of the key.
        may: permissions beside those to forecast and to read.
    """

    name: str
    digest: bytes
    may: frozenset[Permission]


def make_key() -> str:
    """Return a new key."""
    return f"recast_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """Return the hash of a key, as the settings store it.

    >>> hash_key("recast_example")[:20]
    'sha256:f3c0d3661eb12'
    """
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def format_entry(name: str, key: str, may: Iterable[Permission] = ()) -> str:
    """Return the entry of a key in the form of the settings."""
    permissions, digest = sorted(set(may)), hash_key(key)
    if not permissions:
        return json.dumps({name: digest})
    return json.dumps({name: {"key": digest, "may": permissions}})


def read_keys(settings: "Settings") -> Mapping[str, ApiKey]:
    """Load the keys by name.

    An empty mapping means that requests need no key.

    Raises:
        SettingError: the file with the keys cannot be read.
    """
    entries = settings.api_keys
    file = settings.api_keys_file
    if file is not None:
        try:
            from_file = TypeAdapter(KeyEntries).validate_python(file.read_bytes())
        except (OSError, ValueError):
            expected = f"a file of JSON, {API_KEYS_FORMAT}"
            raise SettingError("api_keys_file", str(file), expected) from None
        entries = entries | from_file
    return {
        name: ApiKey(name, bytes.fromhex(entry.key.partition(":")[2]), entry.may)
        for name, entry in entries.items()
    }


def check_exposure(settings: "Settings") -> None:
    """Refuse to listen to other machines while requests need no key.

    Raises:
        SettingError: the host is not local and there are no keys, or the keys cannot be
            read; or such a service would let everyone operate it.
    """
    if read_keys(settings) or is_local(settings.host):
        return
    for permission in PERMISSIONS:
        if getattr(settings, permission):
            raise SettingError(
                permission,
                "on",
                "off where other machines reach the service without a key: make one "
                f"that may, `recast serve --new-key NAME --may {permission}`",
            )
    if not settings.allow_anonymous:
        raise SettingError(
            "host",
            settings.host,
            "127.0.0.1 as long as SERVING_API_KEYS holds no keys (`recast serve "
            "--new-key NAME` makes one; SERVING_ALLOW_ANONYMOUS=true does without)",
        )


def is_local(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
