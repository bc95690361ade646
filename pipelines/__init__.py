"""Batch jobs and command line: train, track, register and apply forecasters."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # send no usage data
