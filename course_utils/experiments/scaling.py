"""How long a call takes, how much memory it needs, and how both grow with n.

A call is measured in a new process, so that nothing done before helps or burdens it:
no memory that an earlier call left behind, no cache that is warm already. From its
seconds at a few sizes, `growth` tells the exponent of a power law and `forecast` what
a larger size would take. `blobs` makes features up, as many as wanted, on disk.
"""

import contextlib
import math
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils._support import files

try:  # part of joblib, which scikit-learn needs anyway
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import TerminatedWorkerError
except ImportError:
    from loky import ProcessPoolExecutor
    from loky.process_executor import TerminatedWorkerError

N_LATENT = 200  # directions in which made-up features differ, each less than the last

SPREAD = 1.1  # of a class, where the spread of the classes is 1

BLOCK = 2048  # rows made and written at once: 10 MB at a width of 1280

ERRORS = (ValueError, TypeError, MemoryError, OSError, ImportError)  # come back as such


class Measurement(NamedTuple):
    """What one call gave and took.

    value: what it returned. seconds: by the clock. cpu_seconds: of the processor, all
    threads added up. peak_gb: the most memory that the process held during the call, in
    10⁹ bytes; where the system is not Linux, since its start. start_gb: what it held
    just before: Python, its libraries, and what the setup made. Nothing is subtracted:
    peak_gb is what a machine must have. Memory is the resident set: pages of a
    memory-mapped file count while they are in memory, although the system may take them
    back whenever it needs the room. So peak_gb may be too high by the size of the file.
    """

    value: object
    seconds: float
    cpu_seconds: float
    peak_gb: float
    start_gb: float


def measure(function, *arguments, setup=None, limit=None):
    """Call function(*arguments) in a new process, and measure it there.

    setup: a function called there first, with the arguments; the tuple that it returns
    takes their place. It counts in no time, but its memory is there. limit: seconds
    after which the call is stopped. Functions, arguments and value are pickled, so hand
    over the path of an array rather than the array. Functions of a notebook will do.
    Returns: Measurement. An error there is raised here, with its message: as the same
    type if it is one of `ERRORS`, else as RuntimeError. Raises TimeoutError at the
    limit, MemoryError if the process was killed, as systems do that run out of it.
    """
    name = getattr(function, "__name__", str(function))
    executor, future = ProcessPoolExecutor(max_workers=1), None
    try:
        with _deaf():
            future = executor.submit(_prepare, function, arguments, setup)
        _answer(future)
        future = executor.submit(_call)
        return Measurement(*_answer(future, limit))
    except TimeoutError:
        raise TimeoutError(f"{name} was stopped after {limit:g} seconds.") from None
    except TerminatedWorkerError:
        raise MemoryError(
            f"the process of {name} was killed, most likely because memory ran out: "
            "take fewer pictures."
        ) from None
    finally:
        try:  # one that has answered tidies up after itself; else it is killed
            executor.shutdown(kill_workers=future is None or not future.done())
        except BaseException:  # Ctrl-C: nothing may go on without its parent
            executor.shutdown(kill_workers=True)
            raise


def growth(sizes, amounts):
    """Exponent b of amounts ≈ a · sizes^b: 1 is in proportion, 2 is all pairs.

    amounts: seconds or bytes at each of the sizes. Least squares on the logarithms, of
    the larger half of the sizes only (two at least): what a call costs however little
    it is given flattens the curve at the small ones. NaN if there are not two sizes.
    Raises ValueError unless all numbers are above 0 and there are as many of both.
    """
    return _fit(sizes, amounts)[0]


def forecast(sizes, amounts, n):
    """What the power law of `growth` gives at size n, in the unit of the amounts.

    From a single size: in proportion. The law holds near the sizes it was fitted to; a
    method that starts to swap or to use another algorithm breaks it.
    """
    exponent, middle_size, middle_amount = _fit(sizes, amounts)
    exponent = 1.0 if math.isnan(exponent) else exponent
    return float(middle_amount * (n / middle_size) ** exponent)


def blobs(path, n, *, width=1280, n_classes=100, seed=0):
    """Made-up features in a .npy file, written in blocks: never whole in memory.

    They resemble those of a network on Caltech-101: not negative, about half of them
    zero, most of the variance in a few dozen directions, and classes that overlap, so
    that k-means finds most of them and not all. The same seed gives the same numbers,
    and (up to rounding) the same first rows whatever n is.
    Returns: (features, true_labels), memory-mapped float32 (n, width), for reading,
    and int64 (n,). Raises ValueError if a number is below 1.
    """
    for name, number in (("n", n), ("width", width), ("n_classes", n_classes)):
        if number < 1:
            raise ValueError(f"{name}={number}: made-up features need 1 or more.")
    path = Path(path)
    if path.suffix != ".npy":
        raise ValueError(f"{path} is no name for an array: let it end in .npy.")
    n_latent = min(N_LATENT, width)
    scales = np.arange(1, n_latent + 1, dtype=np.float32) ** -0.5
    shared = np.random.default_rng([seed, 0])
    centres = shared.standard_normal((n_classes, n_latent), np.float32)
    mixing = shared.standard_normal((n_latent, width), np.float32)
    mixing *= scales[:, None] / np.sqrt((scales**2).sum())
    true_labels = np.empty(n, dtype=np.int64)
    header = {"descr": "<f4", "fortran_order": False, "shape": (n, width)}
    with files.atomic_file(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for number, start in enumerate(range(0, n, BLOCK)):
            n_rows = min(BLOCK, n - start)
            generator = np.random.default_rng([seed, 1, number])
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
            f"sizes have shape {sizes.shape} and amounts {amounts.shape}: give one "
            "amount for each size."
        )
    if not ((sizes > 0) & (amounts > 0) & np.isfinite(sizes * amounts)).all():
        raise ValueError("sizes and amounts must all be above 0, and finite.")
    distinct = np.unique(sizes)
    kept = sizes >= distinct[-max(2, math.ceil(len(distinct) / 2)) :][0]
    x, y = np.log(sizes[kept]), np.log(amounts[kept])
    varies = x - x.mean()
    exponent = varies @ y / (varies @ varies) if len(distinct) > 1 else math.nan
    return float(exponent), math.exp(x.mean()), math.exp(y.mean())


@contextlib.contextmanager
def _deaf():
    """A process started in here does not hear Ctrl-C, which is for its parent to do.

    It inherits what is blocked; pressed meanwhile, the parent hears it afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In the new process.
_ready = []


def _prepare(function, arguments, setup):
    def prepare():
        _ready.append((function, setup(*arguments) if setup else arguments))

    return _told(prepare)


def _call():
    function, arguments = _ready.pop()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the setup's peak is forgotten
    start = _memory("VmRSS")
    started, cpu_started = time.perf_counter(), time.process_time()
    told = _told(lambda: function(*arguments))
    seconds = time.perf_counter() - started, time.process_time() - cpu_started
    if "error" in told:
        return told
    return {"value": (told["value"], *seconds, _memory("VmHWM"), start)}


def _told(function):
    """{"value": …} or {"error": (type, message, traceback)}: an error as text.

    Not every error survives pickling, and some take large arrays along.
    """
    try:
        return {"value": function()}
    except Exception as error:
        lines = traceback.format_exc()
        return {"error": (type(error).__name__, str(error), lines)}


def _answer(future, limit=None):
    told = future.result(timeout=limit)
    if "value" in told:
        return told["value"]
    kind, message, lines = told["error"]
    known = {error.__name__: error for error in ERRORS}
    error = (
        known[kind](message) if kind in known else RuntimeError(f"{kind}: {message}")
    )
    error.add_note(f"In the new process:\n{lines}")
    raise error


def _memory(field):
    """VmRSS, resident now, or VmHWM, its peak, of this process: in 10⁹ bytes.

    `resource.getrusage` has a peak as well, but on Linux that begins with what the
    parent held when it started this process, however little this one needs.
    """
    try:
        status = Path("/proc/self/status").read_text()
        kilobytes = status.split(f"{field}:")[1].split()[0]
        return int(kilobytes) * 1024 / 1e9
    except (OSError, IndexError):  # no Linux
        import resource  # nor Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9
