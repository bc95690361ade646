"""Whether requests are traced: OpenTelemetry's own environment variables say so.

Nothing of OpenTelemetry is imported, and nothing stands before the routes, until then.
"""

import logging
import os

from starlette.middleware import Middleware

log = logging.getLogger(__name__)


ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


KINDS = ("otlp", "console")


def tracing() -> list[Middleware]:
    """Return what traces each request; nothing where no variable asks for it.

    ``OTEL_TRACES_EXPORTER`` names exporters, ``otlp`` (over HTTP) or ``console``; with
    an OTLP endpoint set, it need not. ``OTEL_SDK_DISABLED=true`` wins.
    """
    kinds = _exporters()
    if not kinds:
        return []
    try:
        from serving.observability.spans import traced
    except ImportError:
        advice = "pip install 'recast-forecasting[tracing]'"
        log.warning("no traces: their packages are missing: %s", advice)
        return []
    return traced(kinds)


def _exporters() -> list[str]:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    default = "otlp" if any(os.environ.get(name) for name in ENDPOINTS) else "none"
    given = os.environ.get("OTEL_TRACES_EXPORTER") or default
    names = [name.strip().lower() for name in given.split(",")]
    for name in names:
        if name not in (*KINDS, "none"):
            there = " and ".join(KINDS)
            log.warning("no traces for %r: there is %s", name, there)
    return [name for name in names if name in KINDS]
