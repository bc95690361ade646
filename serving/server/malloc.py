"""Settings of the memory allocator: freed memory stays with the process."""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
TRIM_BYTES = 64 * 2**20  # freed bytes that each arena of malloc retains
MMAP_BYTES = 32 * 2**20  # blocks from this size are mapped singly; glibc's maximum


def keep_freed_memory() -> None:
    """Retain the memory that large answers free, if the C library is glibc.

    By default it returns freed memory to the system after each answer and maps it again
    for the next one, page by page: an eighth of the time of a request of 1000 series.
    """
    with suppress(AttributeError, TypeError):  # another C library; Windows
        library = ctypes.CDLL(None)
        library.mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
        library.mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
