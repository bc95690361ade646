"""Load benchmark of the service: contestants, load generators and rows."""
