"""Extraction: pictures in, rows of features out; the only place that runs a network.

Pictures stream through: threads decode the next batches while the network works on one,
so what is in memory is a chunk of features and a few pictures.
"""

import collections
import os
import platform
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from course_utils import backbones, handcrafted
from course_utils.pictures import BadPicture

CHUNK = 128  # pictures in a chunk of features; divides or is divided by a batch
BATCH_SIZES = {"CPU": 32, "GPU": 256, "TPU": 128}
PRECISIONS = ("float32", "mixed_float16")
TOLERANCE = 0.002  # 1 − cosine of a picture's features in half and in full precision
AHEAD = 3  # batches in the works
N_THREADS = min(16, os.cpu_count() or 1)


class TooLarge(ArithmeticError):
    """Half-precision numbers overflowed inside the network."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """How features are computed; small, so that it can be sent to another machine.

    weights: SHA-256 of the network's weights. With it a process keeps the network from
    one call to the next, and refuses to compute with other weights.
    codebook: the visual words of `bovw`, float32 (n_words, 128); else None.
    """

    base: str
    layer: str | None = None
    batch_size: int | None = None
    precision: str = "float32"
    weights: str | None = None
    codebook: np.ndarray | None = None


def choose_precision(base, precision=None):
    """The precision to compute a representation in.

    None: mixed half precision where a GPU is there, which is about twice as fast on
    those with tensor cores; float32 on a CPU, where half precision only costs time.
    """
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(
            f"precision={precision!r}: choose one of {', '.join(PRECISIONS)}."
        )
    if base in handcrafted.NAMES:
        return "float32"
    if precision is None and _gpu_in_sight() and backbones.accelerator() == "GPU":
        return "mixed_float16"
    return precision or "float32"


def _gpu_in_sight():
    """Whether to ask Keras, whose import takes seconds, for a GPU."""
    devices = "/dev/nvidiactl", "/dev/dxg", "/dev/kfd"  # NVIDIA, on Windows' Linux, AMD
    return shutil.which("nvidia-smi") is not None or any(map(os.path.exists, devices))


def compute(pictures, indices, recipe, *, damaged=None, bar=None):
    """Yield (indices, rows) chunk by chunk: list of int, float32 (m, width).

    pictures: has `picture(index, size)`, a square uint8 RGB array; it is called in many
    threads. indices: which, in order. damaged: a dict that collects {index: reason} of
    pictures that cannot be read, which are left out; if None, the first one raises.
    bar: settings of the progress bar, none if None. Raises TooLarge.
    """
    yield from _run(pictures, indices, *_steps(recipe), damaged, bar)


def _run(
    pictures,
    indices,
    size,
    per_picture,
    per_batch,
    batch_size,
    damaged=None,
    bar=None,
):
    """`compute` for these steps: per_picture runs in the threads, per_batch here."""

    def work(index):
        try:
            return per_picture(pictures.picture(index, size))
        except (BadPicture, OSError) as error:
            if damaged is None:
                raise
            damaged[index] = getattr(error, "strerror", None) or str(error)
            return None

    batches = [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]
    waiting, chunk, chunk_rows = collections.deque(), [], []
    pool = ThreadPoolExecutor(N_THREADS)
    shown = tqdm(
        total=len(indices), unit=" pictures", delay=2, **(bar or {"disable": True})
    )
    with pool, shown:
        try:
            for turn in range(len(batches) + AHEAD):
                if turn < len(batches):
                    waiting.append([pool.submit(work, i) for i in batches[turn]])
                if turn < AHEAD:
                    continue
                batch = batches[turn - AHEAD]
                done = [future.result() for future in waiting.popleft()]
                good = [i for i, found in enumerate(done) if found is not None]
                if good:
                    chunk_rows.append(per_batch([done[i] for i in good]))
                    chunk += [batch[i] for i in good]
                shown.update(len(batch))
                last = turn == len(batches) + AHEAD - 1
                if chunk and (last or len(chunk) >= CHUNK):
                    yield chunk, np.concatenate(chunk_rows)
                    chunk, chunk_rows = [], []
        finally:
            pool.shutdown(cancel_futures=True)


def learn_codebook(image_set, progress=False):
    """Visual words, learnt from a sample of the pictures and of their descriptors."""
    generator = np.random.default_rng(0)
    n_pictures = min(len(image_set), handcrafted.CODEBOOK_PICTURES)
    indices = np.sort(generator.choice(len(image_set), n_pictures, replace=False))
    sample = []

    def keep(batch):
        for found in batch:
            order = generator.permutation(len(found))
            sample.append(found[order[: handcrafted.CODEBOOK_DESCRIPTORS]])
        return np.zeros((len(batch), 0))

    bar = {"desc": "bovw: codebook", "disable": not progress}
    how = (handcrafted.BOVW_SIZE, handcrafted.sift, keep, BATCH_SIZES["CPU"])
    every = _run(image_set, indices.tolist(), *how, bar=bar)
    collections.deque(every, maxlen=0)
    return handcrafted.fit_codebook(np.concatenate(sample))


def _steps(recipe):
    """(size, per_picture, per_batch, batch_size) for `_run`."""
    base, batch_size = recipe.base, recipe.batch_size
    if base == "bovw":

        def bag(picture):
            return handcrafted.bag_of_words(handcrafted.sift(picture), recipe.codebook)

        return handcrafted.BOVW_SIZE, bag, np.stack, batch_size or BATCH_SIZES["CPU"]
    if base in handcrafted.TABLE:
        function, size = handcrafted.TABLE[base]
        return size, function, np.stack, batch_size or BATCH_SIZES["CPU"]
    model, lock = _network(recipe)
    n_rows = batch_size or BATCH_SIZES[backbones.accelerator()]

    def forward(pictures):
        # A smaller last batch would compile the network once more: fill it up.
        batch = np.zeros((n_rows, *pictures[0].shape), np.uint8)
        np.stack(pictures, out=batch[: len(pictures)])
        with lock:  # a worker may have several threads, but has one network
            rows = np.asarray(model.predict_on_batch(batch))[: len(pictures)]
        if recipe.precision != "float32" and not np.isfinite(rows).all():
            raise TooLarge(f"{base} makes numbers too large for {recipe.precision}")
        return rows.astype(np.float32, copy=False)

    return backbones.TABLE[base].input_size, _unchanged, forward, n_rows


_one_network = threading.Lock()
_kept = {}  # what it was built from: (model, its lock); one at most


def _network(recipe):
    """(model, lock); a process builds it once for all the parts that it computes."""
    base, layer, precision = recipe.base, recipe.layer, recipe.precision
    with _one_network:
        key = (base, layer, precision, recipe.weights)
        if key in _kept:
            return _kept[key]
        _kept.clear()
        if recipe.weights:
            here = backbones.weights_digest(base, layer)
            if here != recipe.weights:
                raise ValueError(
                    f"the weights of {base} on {platform.node()} are not those of the "
                    "machine that asked: give both the same file in KERAS_HOME."
                )
        found = backbones.build(base, layer, precision=precision), threading.Lock()
        if recipe.weights:
            _kept[key] = found
        return found


def _unchanged(picture):
    return picture
