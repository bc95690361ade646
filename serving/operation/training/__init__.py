"""Trainings that a client starts: `recast train` in a process, one at a time.

folder       files of trainings, which all worker processes share
lines        lines of output without paths, secrets and tracebacks
supervisor   the process that runs the command, bounds it and notes its end
trainings    start, state, events and stop of trainings, as the service offers them
"""
