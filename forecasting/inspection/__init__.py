"""Inspection: a file as it is read, before anything is trained on it.

findings   the parts of an inspection: columns, series, training, questions
questions  errors that a setting answers, all at once
inspect    a file or table to an inspection
sent       the bytes of a file that was sent, within limits
command    the command that trains on a file
"""
