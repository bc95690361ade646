"""Routes of the Open Inference Protocol (KServe, Triton): /v2."""
