"""Routes, one package for each protocol, and the way of a request that they share."""
