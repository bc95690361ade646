"""Settings of the service, read from environment variables SERVING_*."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal, get_args

from limits import parse_many
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)
from pydantic_core import from_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

HOST_PATTERN = r"\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]"
ORIGIN_PATTERN = r"\*|[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+"
API_KEYS_FORMAT = (
    '{"NAME": "sha256:<64 hex digits>"}, or {"NAME": {"key": "sha256:...", '
    '"may": ["promote", "train"]}}'
)


def _decode(value: object) -> object:
    if not isinstance(value, str | bytes):
        return value
    try:
        return from_json(value)
    except ValueError:
        raise ValueError(f"this is not JSON; expected {API_KEYS_FORMAT}") from None


def _split(value: object) -> object:
    """Return the parts of a text with commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
KeyHash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Permission = Literal["promote", "train"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)


class KeyEntry(BaseModel):
    """An API key with permissions beside those to forecast and to read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: KeyHash
    may: frozenset[Permission]


def _to_entry(value: object) -> object:
    """Return a plain hash as an entry without further permissions."""
    return {"key": value, "may": ()} if isinstance(value, str) else value


KeyEntries = Annotated[
    dict[KeyName, Annotated[KeyEntry, BeforeValidator(_to_entry)]],
    BeforeValidator(_decode),
]
MIB = 1024 * 1024
MAX_LEVELS = 99  # upper limit of the setting max_levels


class Settings(BaseSettings):
    """Settings of the service; ``SERVING_PORT=9000`` sets the port.

    MLflow's variable ``MLFLOW_TRACKING_URI`` names the registry.

    >>> Settings(port=9000).port
    9000
    """

    model_config = SettingsConfigDict(
        env_prefix="SERVING_",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_ignore_empty=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is every address of this machine."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 selects a free one."""
    alias: str = Field(default="champion", min_length=1)
    """The registry alias for requests that name none."""
    default_model: str | None = Field(default=None, min_length=1)
    """The model for requests that name none, as at /invocations, or the default of a
    client library, such as timegpt-1; default: the only registered one."""
    poll_seconds: float = Field(default=2.0, ge=0.05, le=3600)
    """Seconds between two reads of the registry."""
    max_models: int = Field(default=64, ge=1)
    """Maximum number of versions in memory; the least recently used leaves first."""
    max_memory: int = Field(default=4096 * MIB, ge=MIB)
    """Maximum bytes of all versions in memory; the least recently used leaves first."""
    max_body_bytes: int = Field(default=16 * MIB, ge=1024)
    """Largest request body, in bytes."""
    max_series: int = Field(default=10_000, ge=1)
    """Maximum number of series in one request."""
    max_points: int = Field(default=1_000_000, ge=1)
    """Maximum number of observations in one request, and of numbers in one answer."""
    max_horizon: int = Field(default=1000, ge=1, le=10_000)
    """Maximum steps ahead in one request."""
    max_length: int = Field(default=10_000, ge=1, le=100_000)
    """Maximum number of symbols generated in one request."""
    threads: int = Field(default=min(4, os.cpu_count() or 1), ge=1)
    """Number of forecasts computed in parallel."""
    max_waiting: int = Field(default=256, ge=1)
    """Maximum number of requests computed or waiting; further ones are answered 503."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest severity that is logged."""
    max_levels: int = Field(default=20, ge=0, le=MAX_LEVELS)
    """Maximum number of interval levels in one request."""
    api_keys: Annotated[KeyEntries, NoDecode] = {}
    """Hashes of the API keys by name, as JSON; if empty, no key is required."""
    api_keys_file: Path | None = None
    """A file with more key hashes, in the same form."""
    allow_anonymous: bool = False
    """Whether the service may be reached from other machines without any key."""
    promote: bool = False
    """Whether aliases may be moved without a key, as long as there are no keys. With
    keys, those that may promote always may."""
    train: bool = False
    """Whether clients may train models, with a key that may where there are keys."""
    train_seconds: float = Field(default=3600.0, ge=1, le=7 * 86400)
    """Maximum seconds of a training."""
    train_bytes: int = Field(default=16 * MIB, ge=1024)
    """Largest unpacked file to train on, in bytes; max_body_bytes limits it, too."""
    mlflow_url: str = ""
    """Address of MLflow's pages, for links; default: the registry's, if it is a
    server."""
    rate_limit: str = ""
    """Maximum requests per key, or per address without keys, such as 100/second."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    """Names in the header Host that are answered, with commas; * for any, *.example.org
    for subdomains. Default: any, but without keys on a local address only its names."""
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    """Origins of pages with scripts that may call the service, by commas; * for any."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies with a trusted X-Forwarded-For, as 10.0.0.1."""
    cache_dir: str = ""
    """Folder of the disk cache, from which the service starts without the registry;
    empty for no cache. There is no default, as the folder must outlive the process."""
    cache_bytes: int = Field(default=1024 * MIB, ge=MIB)
    """Maximum bytes of the cache per registry; the least recently loaded leaves."""
    body_seconds: float = Field(default=20.0, ge=0.1, le=3600)
    """Maximum seconds for a client to send a body, after which the answer is 408; and
    without reading any of an answer, after which the connection is closed."""
    keep_alive_seconds: int = Field(default=130, ge=1, le=3600)
    """Seconds for which an idle connection is kept open: longer than the proxies'."""
    request_seconds: float = Field(default=30.0, ge=0.1, le=3600)
    """Maximum seconds from the end of the body to the answer, which is then 503."""

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not re.fullmatch(HOST_PATTERN, host):
                example = "localhost,*.example.org"
                expected = f"names without scheme and port, with commas: {example}"
                raise ValueError(f"expected {expected}; found {host!r}")
        return hosts

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(ORIGIN_PATTERN, origin):
                example = "https://example.org"
                expected = f"origins without a path, with commas: {example}"
                raise ValueError(f"expected {expected}; found {origin!r}")
        return origins

    @field_validator("mlflow_url")
    @classmethod
    def _check_mlflow_url(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s@#?]+", url):
            example = "https://mlflow.example.org"
            raise ValueError(f"expected an address such as {example}; found {url!r}")
        return url

    @field_validator("rate_limit")
    @classmethod
    def _check_rate_limit(cls, rate_limit: str) -> str:
        if rate_limit:
            try:
                rates = parse_many(rate_limit)
            except ValueError:
                rates = []
            if len(rates) != 1 or not rates[0].amount:
                example = "100/second or 5000 per hour"
                raise ValueError(f"expected one rate such as {example}")
        return rate_limit
