"""Routes of MLflow's scoring server: /ping, /version, /invocations."""
