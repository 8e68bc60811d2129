"""Keras, imported late and quietly."""

import contextlib
import functools
import importlib
import logging
import os


def accelerator():
    """What Keras computes on.

    Returns
    -------
    {"GPU", "TPU", "CPU"}

    Examples
    --------
    >>> accelerator()  # doctest: +SKIP
    'CPU'
    """
    keras = import_keras()
    if keras.backend.backend() == "torch":
        import torch

        return "GPU" if torch.cuda.is_available() else "CPU"
    kinds = {
        device.split(":")[0].upper() for device in keras.distribution.list_devices()
    }
    return next((kind for kind in ("TPU", "GPU") if kind in kinds), "CPU")


@functools.cache
def import_keras():
    """Import Keras (seconds) without the start-up chatter of its backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # retracing is meant
    with contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # C++ writes to the file, not to sys.stderr
            stderr = os.dup(2)
            undo.callback(os.close, stderr)
            undo.callback(os.dup2, stderr, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        keras = importlib.import_module("keras")
        keras.ops.zeros(1)  # looks for a GPU, and says so if there is none
    return keras
