"""Memory that was freed stays with the process, where the next array takes it up."""

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of the GNU C library's mallopt
_MOST_KEPT, _LARGEST_KEPT = 2**31 - 1, 2**25  # bytes; the library takes no more
_A_HEAP = 2**26  # bytes


def keep_freed_memory() -> None:
    """Let arrays use memory again without asking the system, which clears every page it gives.

    Clearing takes half the time of a network whose layers are large and simple, and the system does
    it for one thread at a time. A thread's memory consists of heaps; one that is empty goes back
    whatever the first threshold says, unless a heap is to be held in advance. Where the C library
    is another it has its own way.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):
        return
    set_option(_TRIM_THRESHOLD, _MOST_KEPT)
    set_option(_MMAP_THRESHOLD, _LARGEST_KEPT)
    set_option(_TOP_PAD, _A_HEAP)
