"""A PyTorch state dict, read without PyTorch and without running what is in it."""

import collections
import io
import pickle

import numpy as np

STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class StateDictUnpickler(pickle.Unpickler):
    """Unpickles what a PyTorch state dict is made of, and refuses anything else."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (
                *storage,
                offset,
                shape,
                strides,
            )
        if module == "torch" and name in STORAGES:
            return np.dtype(STORAGES[name])
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dict")

    def persistent_load(self, identity):
        _, dtype, key, _, _, _ = identity
        return dtype, key


def read_state_dict(content):
    """PyTorch's older file format: five pickles, then each storage's raw numbers.

    Returns a dictionary from parameter names to arrays.
    """
    file = io.BytesIO(content)
    _magic, _version, _system, tensors, keys = (
        StateDictUnpickler(file).load() for _ in range(5)
    )
    dtypes = {key: dtype for dtype, key, *_ in tensors.values()}
    storages = {}
    for key in keys:
        n_numbers = int.from_bytes(file.read(8), "little")
        storages[key] = file.read(n_numbers * dtypes[key].itemsize)
    return {
        name: np.ndarray(
            shape,
            dtype,
            storages[key],
            offset * dtype.itemsize,
            [stride * dtype.itemsize for stride in strides],
        )
        for name, (dtype, key, offset, shape, strides) in tensors.items()
    }
