"""How long a call takes, how much memory it needs, and how both grow with n.

A call is measured in a new process, so that nothing done before helps or burdens it: no
memory that an earlier call left behind, no warm cache. `growth` fits a power law to its
seconds at a few sizes, and `forecast` extrapolates it. `blobs` makes synthetic features
of any size, on disk.
"""

import contextlib
import faulthandler
import math
import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import cloudpickle
import numpy as np
import psutil

from course_utils._support import files

N_LATENT = 200  # directions in which synthetic features differ, each less than the last

SPREAD = 1.1  # of a class, where the spread of the classes is 1

BLOCK = 2048  # rows made and written at once: 10 MB at a width of 1280

ERRORS = (ValueError, TypeError, MemoryError, OSError, ImportError)  # come back as such


class Measurement(NamedTuple):
    """What one call returned and used.

    Memory is the resident set: pages of a memory-mapped file count while they are in
    memory, although the system may take them back whenever it needs the room. So
    peak_gb may be too high by the size of the file.

    Attributes
    ----------
    value : object
        What the call returned.
    seconds, cpu_seconds : float
        By the clock, and of the processor, all threads added up.
    peak_gb : float
        The most memory that the process held during the call, in 10⁹ bytes: what a
        machine must have. If the system is not Linux, since the process started.
    start_gb : float
        What it held just before: Python, its libraries, and what the setup made.
    """

    value: object
    seconds: float
    cpu_seconds: float
    peak_gb: float
    start_gb: float


def measure(function, *arguments, setup=None, limit=None):
    """Call a function in a new process, and measure it there.

    Function, arguments and value are pickled: pass the path of an array rather than the
    array. Functions defined in a notebook work.

    Parameters
    ----------
    function : callable
        What is measured.
    *arguments
        Its arguments.
    setup : callable, default=None
        Called first with the arguments; the tuple that it returns replaces them. Its
        time does not count, but its memory is there.
    limit : float, default=None
        Seconds after which the call is stopped.

    Returns
    -------
    Measurement
        Value, seconds, and memory in GB.

    Raises
    ------
    TimeoutError
        At the limit.
    MemoryError
        If the process was killed, as systems do that run out of memory.
    RuntimeError or the same type
        The error of the function, with its message.

    See Also
    --------
    growth, forecast : What to make of several measurements.
    timeit.timeit : Time of short calls in this process.
    """
    name = getattr(function, "__name__", str(function))
    code = "import sys; from course_utils.experiments import scaling; "
    code += "scaling._run_task(sys.argv[1])"
    paths = os.pathsep.join(filter(None, sys.path))
    with tempfile.TemporaryDirectory() as folder:
        task = cloudpickle.dumps((function, arguments, setup, limit))
        Path(folder, "task").write_bytes(task)
        # In a session of its own it does not get Ctrl-C: then `run` kills it.
        subprocess.run(
            [sys.executable, "-c", code, folder],
            env=os.environ | {"PYTHONPATH": paths},
            start_new_session=True,
            check=False,
        )
        late, answer = Path(folder, "late"), Path(folder, "answer")
        if late.exists() and late.stat().st_size:
            raise TimeoutError(f"{name} was stopped after {limit:g} seconds.")
        if not answer.exists():
            raise MemoryError(
                f"The process of {name} was killed, most likely because memory ran "
                "out: choose fewer images."
            )
        found = pickle.loads(answer.read_bytes())
    if isinstance(found, tuple):
        return Measurement(*found)
    kind, message = found["error"], found["message"]
    known = {error.__name__: error for error in ERRORS}
    error = (
        known[kind](message) if kind in known else RuntimeError(f"{kind}: {message}")
    )
    error.add_note(f"In the new process:\n{found['traceback']}")
    raise error


def growth(sizes, amounts):
    """Exponent b of amounts ≈ a · sizes^b: 1 is in proportion, 2 is all pairs.

    Least squares on the logarithms, of the larger half of the sizes only (at least
    two): the fixed cost of a call flattens the curve at small sizes.

    Parameters
    ----------
    sizes : array-like of float
        For example numbers of images.
    amounts : array-like of float
        Seconds or bytes at each of the sizes.

    Returns
    -------
    float
        The exponent; NaN if there are not two sizes.

    Raises
    ------
    ValueError
        Unless all numbers are above 0 and there are as many of both.

    Examples
    --------
    >>> round(growth([10, 20, 40], [1, 4, 16]), 6)
    2.0
    """
    return _fit(sizes, amounts)[0]


def forecast(sizes, amounts, n):
    """Extrapolate the power law of `growth` to size n.

    The law holds near the sizes it was fitted to; a method that starts to swap or to
    use another algorithm breaks it.

    Parameters
    ----------
    sizes, amounts : array-like of float
        As for `growth`; a single size is taken as in proportion.
    n : float
        The size to forecast.

    Returns
    -------
    float
        In the unit of the amounts.

    Examples
    --------
    >>> round(forecast([10, 20, 40], [1, 4, 16], 100), 6)
    100.0
    """
    exponent, middle_size, middle_amount = _fit(sizes, amounts)
    exponent = 1.0 if math.isnan(exponent) else exponent
    return float(middle_amount * (n / middle_size) ** exponent)


def blobs(path, n, *, width=1280, n_classes=100, random_state=0):
    """Write synthetic features to a .npy file, in blocks: never whole in memory.

    They resemble those of a network on Caltech-101: not negative, about half of them
    zero, most of the variance in a few dozen directions, and classes that overlap, so
    that k-means finds most of them and not all.

    Parameters
    ----------
    path : path
        The file, which must end in .npy.
    n : int
        Number of rows.
    width : int, default=1280
        Numbers per row.
    n_classes : int, default=100
        Number of classes.
    random_state : int, default=0
        The same seed gives the same numbers and, up to rounding, the same first rows
        whatever n is.

    Returns
    -------
    features : float32 array (n, width)
        Memory-mapped, for reading.
    true_labels : int64 array (n,)
        The class of each row.

    Raises
    ------
    ValueError
        If a number is below 1, the path does not end in .npy, or another file is there.

    See Also
    --------
    sklearn.datasets.make_blobs : Round classes, in memory.

    Examples
    --------
    >>> import tempfile
    >>> features, true_labels = blobs(tempfile.mkdtemp() + "/x.npy", 50, width=8)
    >>> features.shape, true_labels.shape
    ((50, 8), (50,))
    """
    for name, number in (("n", n), ("width", width), ("n_classes", n_classes)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}.")
    path = Path(path)
    if path.suffix != ".npy":
        raise ValueError(f"The name of the file must end in .npy, got {path}.")
    n_latent = min(N_LATENT, width)
    scales = np.arange(1, n_latent + 1, dtype=np.float32) ** -0.5
    shared = np.random.default_rng([random_state, 0])
    centres = shared.standard_normal((n_classes, n_latent), np.float32)
    mixing = shared.standard_normal((n_latent, width), np.float32)
    mixing *= scales[:, None] / np.sqrt((scales**2).sum())
    true_labels = np.empty(n, dtype=np.int64)
    header = {"descr": "<f4", "fortran_order": False, "shape": (n, width)}
    files.claim(path.parent, [path.name])
    with files.atomic_file(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for number, start in enumerate(range(0, n, BLOCK)):
            n_rows = min(BLOCK, n - start)
            generator = np.random.default_rng([random_state, 1, number])
            labels = generator.integers(n_classes, size=BLOCK)[:n_rows]
            noise = generator.standard_normal((n_rows, n_latent), np.float32)
            rows = (centres[labels] + np.float32(SPREAD) * noise) @ mixing
            file.write(np.maximum(rows, 0, out=rows).astype("<f4").tobytes())
            true_labels[start : start + n_rows] = labels
    return np.load(path, mmap_mode="r"), true_labels


def _fit(sizes, amounts):
    """(exponent, a size, the amount there) of the power law through the larger half."""
    sizes, amounts = np.asarray(sizes, float), np.asarray(amounts, float)
    if sizes.ndim != 1 or sizes.shape != amounts.shape or not len(sizes):
        raise ValueError(
            f"The sizes have shape {sizes.shape} and the amounts {amounts.shape}: give "
            "one amount for each size."
        )
    if not ((sizes > 0) & (amounts > 0) & np.isfinite(sizes * amounts)).all():
        raise ValueError("Sizes and amounts must all be above 0, and finite.")
    distinct = np.unique(sizes)
    kept = sizes >= distinct[-max(2, math.ceil(len(distinct) / 2)) :][0]
    x, y = np.log(sizes[kept]), np.log(amounts[kept])
    varies = x - x.mean()
    exponent = varies @ y / (varies @ varies) if len(distinct) > 1 else math.nan
    return float(exponent), math.exp(x.mean()), math.exp(y.mean())


def _run_task(folder):
    """In the new process: do the task in the folder and leave the answer there.

    An error goes as text: not every error survives pickling, and some hold large
    arrays.
    """
    try:
        task = pickle.loads(Path(folder, "task").read_bytes())
        function, arguments, setup, limit = task
        if setup:
            arguments = setup(*arguments)
        answer = _measure_here(function, arguments, limit, Path(folder, "late"))
    except Exception as error:
        answer = {"error": type(error).__name__, "message": str(error)}
        answer["traceback"] = traceback.format_exc()
    with files.atomic_file(Path(folder, "answer")) as file:
        file.write(cloudpickle.dumps(answer))


def _measure_here(function, arguments, limit, late):
    with contextlib.suppress(OSError):  # the setup's peak is forgotten
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    with open(late, "w", encoding="utf-8") as file:
        if limit:  # even in compiled code, it ends the process and writes to the file
            faulthandler.dump_traceback_later(limit, exit=True, file=file)
        start = _memory_gb("VmRSS")
        started, cpu_started = time.perf_counter(), time.process_time()
        value = function(*arguments)
        seconds = time.perf_counter() - started
        cpu_seconds = time.process_time() - cpu_started
        faulthandler.cancel_dump_traceback_later()
    return value, seconds, cpu_seconds, _memory_gb("VmHWM"), start


def _memory_gb(field):
    """VmRSS, resident now, or VmHWM, its peak, of this process: in 10⁹ bytes.

    `resource.getrusage` has a peak as well, but on Linux that begins with what the
    parent held when it started this process, however little this one needs.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        kilobytes = status.split(f"{field}:")[1].split()[0]
        return int(kilobytes) * 1024 / 1e9
    except (OSError, IndexError):  # not Linux
        about = psutil.Process().memory_info()
        if field == "VmRSS":
            return about.rss / 1e9
        if hasattr(about, "peak_wset"):  # Windows
            return about.peak_wset / 1e9
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9  # macOS: bytes
