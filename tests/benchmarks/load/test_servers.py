"""Services in processes of their own."""

import sys

import pytest

from benchmarks.common.timing import ProcessFailed
from benchmarks.load.servers import running


def test_a_server_that_exits_is_reported_with_the_end_of_its_log(tmp_path):
    command = (sys.executable, "-c", "raise SystemExit('no {port} today')")

    with (
        pytest.raises(ProcessFailed, match=r"did not become ready, and said: no \d+ t"),
        running(command, "/", tmp_path, {}),
    ):
        pass
