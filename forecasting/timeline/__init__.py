"""How timestamps are written, and how they go on.

frequency   a pandas alias as a rule of months, days or nanoseconds
calendar    what comes after a timestamp, and which are missing
axis        the calendar that timestamps follow, inferred
dates       text to timestamps
"""
