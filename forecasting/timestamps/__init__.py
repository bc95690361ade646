"""Timestamps: text to datetimes, frequencies, and the calendar that goes on.

parsing     text to timestamps
frequency   pandas aliases as rules of months, days or nanoseconds
calendar    the timestamps that follow one, and the gaps between them
inference   the calendar of observed timestamps
cyclical    positions in the hour, day, week and year as covariates
"""
