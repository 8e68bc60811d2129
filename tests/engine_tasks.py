"""What the tests of the engines send to worker processes."""

import os
import time
from pathlib import Path


def process(task):
    """The id of the process that works."""
    return os.getpid()


def wait_for(task):
    """Wait until a file is there; (number, file) → number."""
    number, file = task
    while not Path(file).exists():
        time.sleep(0.02)
    return number


def fail_at(task):
    number, bad = task
    if number == bad:
        raise ValueError(f"task {number} is not possible")
    return number


def crash_at(task):
    """Bring down the worker, as a decoder written in C may."""
    number, bad = task
    if number == bad:
        time.sleep(1)  # Dask gives up a worker that dies while it starts
        os._exit(1)
    return number


def crash_once(task):
    """Bring down the first worker that tries; (number, folder) → number."""
    number, folder = task
    first = Path(folder, f"{number}")
    if not first.exists():
        first.touch()
        time.sleep(1)
        os._exit(1)
    return number


def lack(task):
    """As where the course is not installed."""
    raise ModuleNotFoundError("No module named 'course_utils'")
