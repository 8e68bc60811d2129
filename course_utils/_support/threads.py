"""How many threads the libraries of linear algebra may use."""

import functools

from threadpoolctl import ThreadpoolController

SMALL = 2_000_000  # numbers: up to here one thread is faster than many


def threads_for(array):
    """Context manager: one thread while an algorithm works on a small array.

    On few numbers, threads cost more than they bring, much more on a busy machine.
    """
    return _controller().limit(limits=1 if array.size < SMALL else None)


@functools.cache
def _controller():
    """Found once: to look for the libraries takes longer than a small clustering."""
    return ThreadpoolController()
