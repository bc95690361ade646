"""Logging of the service: one line of JSON per event on standard output."""

import asyncio
import json
import logging
import logging.config
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from serving.masking import mask

# Libraries of which only errors are logged; the service logs its events itself.
QUIET_LOGGERS = (
    "mlflow",
    "alembic",
    "urllib3",
    "sqlalchemy",
    "asyncio",
    "uvicorn.access",
)
_encode = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; ``extra={"fields": {...}}`` adds keys.

    Credentials in URIs are removed, also from records of libraries.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        second, fraction = divmod(record.created, 1)
        line: dict[str, Any] = {
            "time": f"{_format_second(int(second))}.{int(1000 * fraction):03}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        text = _encode(line)
        return _encode(_mask_fields(line)) if "://" in text else text


def _mask_fields(line: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without credentials in their texts.

    Values that are neither numbers nor None are converted to text first.
    """
    unmasked = (int, float, type(None))
    return {
        key: value if isinstance(value, unmasked) else mask(str(value))
        for key, value in line.items()
    }


class TickHandler(logging.StreamHandler[TextIO]):
    """Flushes once for all records of one turn of the event loop."""

    _flush_scheduled = False

    def flush(self) -> None:
        """Flush at the end of this turn, or at once without an event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            super().flush()
            return
        if not self._flush_scheduled:
            self._flush_scheduled = True
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        super().flush()


@lru_cache(4)
def _format_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def log_request(logger: logging.Logger, fields: dict[str, Any]) -> None:
    """Log an answered request, without the costly search for the calling line."""
    if logger.isEnabledFor(logging.INFO):
        extra = {"fields": fields}
        logger.handle(
            logger.makeRecord(
                logger.name, logging.INFO, "", 0, "request", (), None, extra=extra
            )
        )


def add_log_fields(scope: MutableMapping[str, Any], **fields: Any) -> None:
    """Add fields to the log line of a request.

    Args:
        scope: ASGI scope of the request.
        fields: names and values to add.
    """
    scope.setdefault("fields", {}).update(fields)


def set_up_logging(level: str) -> None:
    """Send every logger of the process to standard output as JSON."""
    for name in ("Threads", "Processes", "Multiprocessing", "AsyncioTasks"):
        setattr(
            logging, f"log{name}", False
        )  # unused in the lines, and slow to collect
    quiet = {"level": "ERROR", "handlers": [], "propagate": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {
                "stdout": {
                    "class": "serving.observability.logging.TickHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "json",
                }
            },
            "root": {"level": level.upper(), "handlers": ["stdout"]},
            "loggers": dict.fromkeys(QUIET_LOGGERS, quiet),
        }
    )
