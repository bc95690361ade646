"""The REST service: forecasts by the models of the MLflow registry."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing phones home unasked
