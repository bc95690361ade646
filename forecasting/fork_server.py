"""Fork server of multiprocessing: a process that others are copied from at once.

It listens on a Unix socket in the folder of temporary files. A socket's path has at
most 107 bytes on Linux (103 on macOS), so that a folder with a long path has no room.
"""

import multiprocessing
import os
import sys
import tempfile
from multiprocessing.context import ForkServerContext, SpawnContext

MAX_PATH_BYTES = 107 if sys.platform == "linux" else 103
SOCKET_NAME_BYTES = len("/pymp-12345678/listener-12345678")


def has_fork_server() -> bool:
    """Return whether this machine has fork servers, and room for the socket's path."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return False
    folder = len(os.fsencode(tempfile.gettempdir()))
    return folder + SOCKET_NAME_BYTES <= MAX_PATH_BYTES


def process_context() -> ForkServerContext | SpawnContext:
    """Return the context of processes: of a fork server, else of new interpreters."""
    if has_fork_server():
        return multiprocessing.get_context("forkserver")
    return multiprocessing.get_context("spawn")
