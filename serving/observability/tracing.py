"""Tracing of requests, turned on by OpenTelemetry's environment variables.

Without them no part of OpenTelemetry is imported and no middleware is added.
"""

import logging
import os

from starlette.middleware import Middleware

log = logging.getLogger(__name__)
ENDPOINT_VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
EXPORTERS = ("otlp", "console")


def make_tracing_middleware() -> list[Middleware]:
    """Return the tracing middleware, or an empty list if no variable turns it on.

    ``OTEL_TRACES_EXPORTER`` names exporters, ``otlp`` (over HTTP) or ``console``; with
    an OTLP endpoint set, it need not. ``OTEL_SDK_DISABLED=true`` wins.
    """
    kinds = _exporters()
    if not kinds:
        return []
    try:
        from serving.observability.spans import make_span_middleware
    except ImportError:
        advice = "pip install 'recast-forecasting[tracing]'"
        log.warning("no traces: their packages are missing: %s", advice)
        return []
    return make_span_middleware(kinds)


def _exporters() -> list[str]:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    default = (
        "otlp" if any(os.environ.get(name) for name in ENDPOINT_VARIABLES) else "none"
    )
    value = os.environ.get("OTEL_TRACES_EXPORTER") or default
    names = [name.strip().lower() for name in value.split(",")]
    for name in names:
        if name not in (*EXPORTERS, "none"):
            exporters = " and ".join(EXPORTERS)
            log.warning("no traces for %r: there is %s", name, exporters)
    return [name for name in names if name in EXPORTERS]
