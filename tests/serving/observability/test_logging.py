"""The log is JSON, one line per event."""

import asyncio
import io
import json
import logging

from serving.observability.logging import JsonFormatter, TickHandler


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


def test_lines_of_one_turn_of_the_event_loop_are_written_together():
    class Counted(io.StringIO):
        flushed = 0

        def flush(self):
            self.flushed += 1

    async def log():
        for text in "abc":
            handler.handle(logging.makeLogRecord({"msg": text}))
        await asyncio.sleep(0)
        return stream.flushed

    stream = Counted()
    handler = TickHandler(stream)

    flushed = asyncio.run(log())
    handler.handle(logging.makeLogRecord({"msg": "d"}))

    assert flushed == 1
    assert stream.flushed == 2
    assert stream.getvalue() == "a\nb\nc\nd\n"
