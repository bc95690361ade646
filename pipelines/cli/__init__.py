"""The command line ``recast``: commands, options, tables on the terminal."""
