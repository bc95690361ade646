"""Routes, one package for each protocol."""
