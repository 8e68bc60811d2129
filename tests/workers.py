"""Several processes share the tests (pytest-xdist): how many, and who gets which.

    python -m pytest                       everything, side by side
    python -m pytest -k medoid             what is picked out runs in one process:
    python -m pytest tests/test_senses.py  prints (-s) and the debugger (--pdb) work
    python -m pytest -n 0                  everything in one process, file after file

conftest.py makes this a plugin of pytest.
"""

import os
import re
from pathlib import Path

import psutil
from xdist.scheduler import LoadScopeScheduling

WORKER_BYTES = 2e9  # a worker with TensorFlow, and a lesson's kernel beside it
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
# These take minutes: started last, one would run on alone when all others are done.
LONG = ("test_notebooks", "test_widgets_browser", "test_map_browser")


def pytest_xdist_auto_num_workers(config):
    """One a core, as far as there is memory; none of one's own for a few tests."""
    options, places = config.option, config.args
    one_file = len(places) == 1 and Path(places[0]).is_file()
    if (
        options.keyword
        or options.capture == "no"
        or any("::" in place for place in places)
        or (one_file and Path(places[0]).stem != "test_notebooks")
    ):
        return 0
    return max(1, min(_cores(), int(psutil.virtual_memory().available / WORKER_BYTES)))


def pytest_configure(config):
    """Share the cores: threads of two workers on one core only wait for each other.

    What a worker starts, the lessons' kernels for example, inherits it.
    """
    n_workers = getattr(config.option, "numprocesses", None)
    if n_workers:
        for variable in THREADS:
            os.environ.setdefault(variable, str(max(1, _cores() // n_workers)))


class ByFile(LoadScopeScheduling):
    """Keeps a file in one worker, since its fixtures are costly, and so each lesson."""

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        lesson = re.fullmatch(r".*\[(\d\d_\w+)\]", test)
        if Path(file).stem == "test_notebooks" and lesson:
            return lesson[1]
        return file


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """The long ones first, wherever several processes share the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path.stem not in LONG)


def _cores():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
