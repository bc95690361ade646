"""Logs, metrics, traces and health of the service.

logging                JSON lines on standard output
metrics                Prometheus counters and histograms
state_collector        Prometheus gauges of models and registry
multiprocess_metrics   aggregation over worker processes
tracing, spans         OpenTelemetry traces
health                 liveness and readiness
"""
