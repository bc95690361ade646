"""Training speed beside other packages: contestants and rows of the benchmark."""
