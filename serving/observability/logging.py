"""The service's log: one line of JSON an event, on standard output."""

import asyncio
import json
import logging
import logging.config
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from serving.masking import mask

# Their everyday news is noise here; what matters is logged by the service itself.
QUIET = ("mlflow", "alembic", "urllib3", "sqlalchemy", "asyncio", "uvicorn.access")


_encode = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON; ``extra={"fields": {...}}`` adds keys.

    Credentials in URIs are left out, whoever logged them.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        second, part = divmod(record.created, 1)
        line: dict[str, Any] = {
            "time": f"{_show_second(int(second))}.{int(1000 * part):03}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        text = _encode(line)
        return _encode(_masked(line)) if "://" in text else text


def _masked(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line whose texts, and what is shown as text, hold no credentials."""
    plain = (int, float, type(None))
    return {
        key: value if isinstance(value, plain) else mask(str(value))
        for key, value in line.items()
    }


class TickHandler(logging.StreamHandler[TextIO]):
    """Writes what is logged within one turn of the event loop at once."""

    _due = False

    def flush(self) -> None:
        """Write at the end of this turn; at once where there is no event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            super().flush()
            return
        if not self._due:
            self._due = True
            loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._due = False
        super().flush()


@lru_cache(4)
def _show_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def log_request(logger: logging.Logger, fields: dict[str, Any]) -> None:
    """Log that a request was answered; without looking for who calls, it is cheap."""
    if logger.isEnabledFor(logging.INFO):
        extra = {"fields": fields}
        logger.handle(
            logger.makeRecord(
                logger.name, logging.INFO, "", 0, "request", (), None, extra=extra
            )
        )


def note(scope: MutableMapping[str, Any], **fields: Any) -> None:
    """Have the line that a request leaves in the log say more.

    Args:
        scope: of the request, as ASGI has it.
        fields: what is added.
    """
    scope.setdefault("fields", {}).update(fields)


def set_up_logging(level: str) -> None:
    """Send every logger of the process to standard output as JSON."""
    for name in ("Threads", "Processes", "Multiprocessing", "AsyncioTasks"):
        setattr(logging, f"log{name}", False)  # a line has none of it, and it costs
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
            "loggers": dict.fromkeys(QUIET, quiet),
        }
    )
