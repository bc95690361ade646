"""The command line `recast`."""
