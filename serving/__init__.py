"""The REST service: forecasts with the models of the MLflow registry."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # no usage data is sent
