"""OpenTelemetry spans of requests, with route, key name, model and version.

OpenTelemetry's ASGI instrumentation makes the spans; its SDK reads everything else (the
sampler, headers, the batch) from the environment. MLflow's own traces are not touched:
the provider is never made the global one.
"""

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.observability.logging import add_log_fields

SPAN_FIELDS = {"key", "model", "version"}  # log fields copied to the span


def make_span_middleware(kinds: Sequence[str]) -> list[Middleware]:
    """Return the middleware that creates spans; a background thread exports them.

    Args:
        kinds: kinds of exporters, ``otlp`` or ``console``.
    """
    resource = Resource.create({"service.name": "recast"})
    environment = OTELResourceDetector().detect()  # its service name wins
    provider = TracerProvider(resource=resource.merge(environment))
    for kind in kinds:
        exporter = OTLPSpanExporter() if kind == "otlp" else ConsoleSpanExporter()
        provider.add_span_processor(BatchSpanProcessor(exporter))
    spans = Middleware(
        OpenTelemetryMiddleware,
        tracer_provider=provider,
        exclude_spans=["receive", "send"],
    )
    return [spans, Middleware(TraceMiddleware)]


class TraceMiddleware:
    """Adds route and log fields to a span, and the trace's id to the log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        span = trace.get_current_span()
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        add_log_fields(scope, trace_id=trace_id)

        async def send_with_span(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", None)
                if route:
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.route", route)
                fields = scope["fields"]
                names = SPAN_FIELDS & fields.keys()
                span.set_attributes({f"recast.{name}": fields[name] for name in names})
            await send(message)

        await self.app(scope, receive, send_with_span)
