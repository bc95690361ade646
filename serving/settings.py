"""What the service can be told: each setting is an environment variable SERVING_*."""

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, StringConstraints
from pydantic_core import from_json

if TYPE_CHECKING:
    pass
import os
from pathlib import Path
from typing import Literal

from limits import parse_many
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

FORMAT = '{"NAME": "sha256:<64 hex digits>"}'


def _decode(given: object) -> object:
    if not isinstance(given, str | bytes):
        return given
    try:
        return from_json(given)
    except ValueError:
        raise ValueError(f"this is not JSON; expected {FORMAT}") from None


KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


KeyHash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


KeyHashes = Annotated[dict[KeyName, KeyHash], BeforeValidator(_decode)]


MIB = 1024 * 1024


MOST_LEVELS = 99  # of intervals, whatever the settings say


class Settings(BaseSettings):
    """Settings of the service; ``SERVING_PORT=9000`` sets the port.

    Where the registry is, MLflow's own ``MLFLOW_TRACKING_URI`` says.

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
    """Port to listen on; 0 takes a free one."""
    alias: str = Field(default="champion", min_length=1)
    """The registry alias that answers when a request names none."""
    default_model: str | None = Field(default=None, min_length=1)
    """The model that answers where none is named, as at /invocations, or where a client
    names one of its own, such as timegpt-1; default the only one."""
    poll_seconds: float = Field(default=2.0, ge=0.05, le=3600)
    """Seconds between two looks at the registry."""
    max_models: int = Field(default=64, ge=1)
    """Versions held in memory; the least recently used leaves first."""
    max_memory: int = Field(default=4096 * MIB, ge=MIB)
    """Bytes that the versions held take together; the least recently used leaves."""
    max_body_bytes: int = Field(default=16 * MIB, ge=1024)
    """Largest request body, in bytes."""
    max_series: int = Field(default=10_000, ge=1)
    """Most series in one request."""
    max_points: int = Field(default=1_000_000, ge=1)
    """Most observations in one request, and most numbers in one answer."""
    max_horizon: int = Field(default=1000, ge=1, le=10_000)
    """Most steps ahead in one request."""
    threads: int = Field(default=min(4, os.cpu_count() or 1), ge=1)
    """Forecasts computed at the same time."""
    max_waiting: int = Field(default=256, ge=1)
    """Requests computed or waiting at the same time; further ones are told to wait."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged."""
    max_levels: int = Field(default=20, ge=0, le=MOST_LEVELS)
    """Most levels of intervals in one request."""
    api_keys: Annotated[KeyHashes, NoDecode] = {}
    """Hashes of the API keys by name, as JSON; with none, nobody is asked for a key."""
    api_keys_file: Path | None = None
    """A file with more of them, in the same form."""
    allow_anonymous: bool = False
    """Whether the service may be reached from other machines without any key."""
    rate_limit: str = ""
    """Most requests of each key, or of each address without keys: 100/second."""
    trusted_proxies: str = ""
    """Addresses or networks of proxies whose X-Forwarded-For is believed: 10.0.0.1."""
    cache_dir: str = ""
    """Folder that keeps loaded versions, so that a service starts without the registry;
    empty keeps none. It must outlive the process to be of use, so that there is none
    unless you name one."""
    cache_bytes: int = Field(default=1024 * MIB, ge=MIB)
    """Most bytes in the cache, for each registry; the least recently loaded leaves."""
    body_seconds: float = Field(default=20.0, ge=0.1, le=3600)
    """Longest time to send a body, then the answer is 408; and longest time in which
    nothing of an answer is read, then the connection is cut."""
    request_seconds: float = Field(default=30.0, ge=0.1, le=3600)
    """Longest time to answer, once the body is there; then the answer is 503."""

    @field_validator("rate_limit")
    @classmethod
    def _parse_rate(cls, given: str) -> str:
        if given:
            try:
                rates = parse_many(given)
            except ValueError:
                rates = []
            if len(rates) != 1 or not rates[0].amount:
                example = "100/second or 5000 per hour"
                raise ValueError(f"expected one rate such as {example}")
        return given
