"""The log is JSON, a line an event."""

import json
import logging

from serving.logs import JsonFormatter


def test_a_record_is_one_line_with_its_fields():
    record = logging.makeLogRecord(
        {
            "name": "x",
            "levelname": "INFO",
            "msg": "two\nlines",
            "fields": {"model": "a"},
        }
    )

    line = JsonFormatter().format(record)

    assert "\n" not in line
    read = json.loads(line)
    assert read["message"] == "two\nlines"
    assert read["level"] == "info"
    assert read["model"] == "a"


def test_a_traceback_stays_within_its_line():
    try:
        raise ValueError("no")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"msg": "failed", "exc_info": info})

    line = JsonFormatter().format(record)

    assert "\n" not in line
    assert "ValueError: no" in json.loads(line)["traceback"]
