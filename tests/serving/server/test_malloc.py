"""Memory that an answer frees is reused by the next ones."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from serving.server.malloc import keep_freed_memory
if sys.argv[1] == "retained":
    keep_freed_memory()
def answer():
    return [b"x" * 2_000_000 for _ in range(4)]
answer()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    answer()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is of glibc")
def test_pages_are_not_fetched_from_the_system_for_each_answer():
    fetched = [
        int(subprocess.check_output([sys.executable, "-c", PROGRAM, mode]))
        for mode in ("returned", "retained")
    ]

    assert fetched[1] < fetched[0] / 10
