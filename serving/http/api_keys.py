"""Creation, hashing and loading of API keys.

A key is 32 random bytes and cannot be guessed, so a plain SHA-256 protects it as well
as a slow hash would: slow hashes protect passwords, which people choose. The settings
hold hashes only; reading them does not allow a request.
"""

import hashlib
import secrets
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from forecasting.errors import SettingError

if TYPE_CHECKING:
    from serving.settings import Settings
from serving.settings import API_KEYS_FORMAT, KeyHashes


def make_key() -> str:
    """Return a new key."""
    return f"recast_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """Return the hash of a key, as the settings store it.

    >>> hash_key("recast_example")[:20]
    'sha256:f3c0d3661eb12'
    """
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def read_keys(settings: "Settings") -> Mapping[str, bytes]:
    """Load the SHA-256 digest of each key by the key's name.

    An empty mapping means that requests need no key.

    Raises:
        SettingError: the file with the keys cannot be read.
    """
    hashes = settings.api_keys
    file = settings.api_keys_file
    if file is not None:
        try:
            from_file = TypeAdapter(KeyHashes).validate_python(file.read_bytes())
        except (OSError, ValueError):
            expected = f"a file of JSON, {API_KEYS_FORMAT}"
            raise SettingError("api_keys_file", str(file), expected) from None
        hashes = hashes | from_file
    return {
        name: bytes.fromhex(text.partition(":")[2]) for name, text in hashes.items()
    }


def check_exposure(settings: "Settings") -> None:
    """Refuse to listen to other machines while requests need no key.

    Raises:
        SettingError: the host is not local and there are no keys, or the keys cannot be
            read.
    """
    is_protected = bool(read_keys(settings)) or settings.allow_anonymous
    if not is_protected and not is_local(settings.host):
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
