"""Keras, imported late and quietly."""

import contextlib
import functools
import importlib
import logging
import os
import shutil
from pathlib import Path


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


def accelerator_in_sight():
    """Whether to ask Keras, whose import takes seconds, for a GPU or TPU."""
    devices = "/dev/nvidiactl", "/dev/dxg", "/dev/kfd"  # NVIDIA, on Windows' Linux, AMD
    tpus = "/dev/accel0", "/dev/vfio/0"
    nvidia = shutil.which("nvidia-smi") is not None
    return nvidia or any(map(os.path.exists, (*devices, *tpus)))


@functools.cache
def import_keras():
    """Import Keras (seconds) without the start-up chatter of its backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A notebook and a command, or two notebooks, share a GPU: none takes it all.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # retracing is meant
    with contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # C++ writes to the file, not to sys.stderr
            stderr = os.dup(2)
            undo.callback(os.close, stderr)
            undo.callback(os.dup2, stderr, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            keras = importlib.import_module("keras")
        except (ImportError, ValueError, AssertionError) as error:
            raise _explained(error) from error
        keras.ops.zeros(1)  # looks for a GPU, and says so if there is none
    return keras


@contextlib.contextmanager
def computing_in(precision="float32"):
    """Whatever the user has set, compute in this precision, colours last.

    The settings come from `keras.json` or from calls such as
    `keras.config.set_dtype_policy`. Features must not depend on them: the cache keeps
    features for other sessions. Both building a network and its first run read them;
    afterwards they are as before.
    """
    config = import_keras().config
    before = config.dtype_policy(), config.floatx(), config.image_data_format()
    config.set_floatx("float32")
    config.set_dtype_policy(precision)
    config.set_image_data_format("channels_last")
    try:
        with _whole_float32():
            yield
    finally:
        config.set_floatx(before[1])
        config.set_dtype_policy(before[0])
        config.set_image_data_format(before[2])


@contextlib.contextmanager
def _whole_float32():
    """Products of float32 in float32: a GPU would take TF32, with 10 of its 23 bits."""
    backend = import_keras().backend.backend()
    if backend == "tensorflow":
        from tensorflow import config

        with_tf32 = config.experimental.tensor_float_32_execution_enabled()
        config.experimental.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            config.experimental.enable_tensor_float_32_execution(with_tf32)
    elif backend == "jax":
        import jax

        with jax.default_matmul_precision("float32"):
            yield
    elif backend == "torch":
        from torch.backends import cuda, cudnn

        before = cuda.matmul.allow_tf32, cudnn.allow_tf32
        cuda.matmul.allow_tf32 = cudnn.allow_tf32 = False
        try:
            yield
        finally:
            cuda.matmul.allow_tf32, cudnn.allow_tf32 = before
    else:
        yield


def settings_file():
    """Where Keras reads its settings: $KERAS_HOME or ~/.keras, which may lack it."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"


def _explained(error):
    """Why Keras cannot be imported, if that may be due to the user's settings."""
    if getattr(error, "name", None) == "keras":
        return ImportError("Keras is not installed: pip install keras")
    sources = [str(settings_file())] if settings_file().is_file() else []
    if os.environ.get("KERAS_BACKEND"):
        sources.append(f"KERAS_BACKEND={os.environ['KERAS_BACKEND']}")
    if not sources:
        return error
    return ImportError(
        f"Keras cannot start ({error or type(error).__name__}): its settings ask for "
        "something that is not here. Look at backend, floatx and image_data_format in "
        f'{" and ".join(sources)}; "backend": "tensorflow" needs nothing else.'
    )
