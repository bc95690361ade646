"""Timestamps: parsing, frequencies and calendars.

parsing     text to timestamps
frequency   pandas aliases as rules of months, days or nanoseconds
calendar    future timestamps of a series, and the gaps between observed ones
inference   the calendar of observed timestamps
cyclical    positions in the hour, day, week and year as covariates
"""
