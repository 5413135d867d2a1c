"""Memory that is given back to the system and fetched again in every step costs page faults."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of glibc's mallopt(3)."""
KEPT, MAPPED = 2**31 - 1, 2**25


def keep_memory() -> bool:
    """Make the C library keep freed memory for the next step; return whether it did.

    For programs whose steps take and free the same large tensors; without glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    kept = library.mallopt(TRIM_THRESHOLD, KEPT)
    return bool(library.mallopt(MMAP_THRESHOLD, MAPPED) and kept)
