"""Requests are traced when OpenTelemetry's variables ask, and only then."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from serving.observability.tracing import make_tracing_middleware

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def received():
    """The requests that an OTLP collector over HTTP receives, and its address."""
    requests = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield requests, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_forecast_leaves_a_span_with_its_route_and_version(
    registry, tmp_path, running, received, monkeypatch
):
    requests, url = received
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "me"}
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        route = "/v1/models/waves/forecast"

        response = service.client.post(route, json={}, headers=headers)

        [line] = service.requests("me")

    assert response.status_code == 200
    assert line["trace_id"] == TRACE
    resources = [span for _, sent in requests for span in sent.resource_spans]
    spans = [s for r in resources for part in r.scope_spans for s in part.spans]
    [span] = [span for span in spans if span.trace_id.hex() == TRACE]
    attributes = {item.key: item.value.string_value for item in span.attributes}
    assert {path for path, _ in requests} == {"/v1/traces"}
    assert "recast" in {
        item.value.string_value for item in resources[0].resource.attributes
    }
    assert span.name == "POST /v1/models/{name}/forecast"
    assert (attributes["recast.model"], attributes["recast.version"]) == ("waves", "1")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
    ],
)
def test_nothing_is_traced_unasked(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert make_tracing_middleware() == []


def test_an_unknown_exporter_is_reported_in_the_log(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "jaeger")

    assert make_tracing_middleware() == []
    assert "no traces for 'jaeger': there is otlp and console" in caplog.text


def test_missing_packages_are_reported_in_the_log_and_the_service_goes_on(
    monkeypatch, caplog
):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.asgi", None)
    monkeypatch.delitem(sys.modules, "serving.observability.spans", raising=False)

    assert make_tracing_middleware() == []
    assert "pip install 'recast-forecasting[tracing]'" in caplog.text


def test_the_application_imports_nothing_of_the_instrumentation_unasked():
    code = (
        "import sys, serving.app; print('serving.observability.spans' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout == "False\n", done.stderr
