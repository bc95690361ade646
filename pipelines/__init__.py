"""Batch jobs: from a job file to a trained, tracked and registered forecaster."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing phones home unasked
