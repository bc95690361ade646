"""Training speed beside other packages, a row a module."""
