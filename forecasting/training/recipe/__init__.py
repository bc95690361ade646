"""Training settings: optimizer, loss, learning-rate schedule, early stopping."""
