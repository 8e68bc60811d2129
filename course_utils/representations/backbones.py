"""Backbones: pretrained networks whose layers serve as representations.

A layer is named after a colon: `VGG19:fc2`, `ResNet50:conv4_block6_out`; without one,
the last layer before the classifier is meant. A layer that still has height and width
is averaged over them. The table, `backbones.csv`, has two networks that come with the
course, the ten of Guérin's tutorial, and later ones, some of them from KerasHub (see
hub.py). First the table and the weights, then building a network.
"""

import csv
import difflib
import functools
import importlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pooch

from course_utils._support import downloads, files
from course_utils._support.keras import accelerator, computing_in, import_keras
from course_utils.representations import hub

__all__ = [
    "BUNDLED",
    "MODERN",
    "TABLE",
    "TEN",
    "WeightsUnavailable",
    "accelerator",
    "backbone_layers",
    "backbone_table",
    "build_backbone",
    "layer_names",
    "weights_digest",
]

BUNDLED = ("EfficientNetLite0", "SqueezeNet")
TEN = (
    "DenseNet121",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "NASNetMobile",
    "ResNet50",
    "VGG16",
    "VGG19",
    "Xception",
)
MODERN = ("ConvNeXtTiny", "DINOv2S", "DINOv2B", "DINOv3S", "CLIPB32", "SigLIPB16")

WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"
KERAS_FILE_NAMES = {  # where Keras keeps a file under another name than the server
    "NASNet-mobile.h5": "nasnet_mobile.h5",
    "NASNet-mobile-no-top.h5": "nasnet_mobile_no_top.h5",
}


class WeightsUnavailable(RuntimeError):
    """Pretrained weights are neither on disk nor downloadable; it says what to do."""


@dataclass(frozen=True)
class Backbone:
    """A row of the table. Counts are without the classifier, or a tower for texts.

    input_size: side of its square images, in pixels. width: values in the default
    features. trained_on: images, and what was told of them. module: of
    keras.applications, or of KerasHub as "keras_hub.Class"; empty for a bundled
    network. default_layer: empty for Keras' own last one. weights, weights_top: where
    its weights are below WEIGHTS_URL, without and with the classifier; the latter for
    one of the top_layers. weights of KerasHub: the address of its preset on Kaggle.
    hash, hash_top: of these files, MD5 or SHA-256, as Keras itself checks them; empty
    where it does not.
    """

    name: str
    year: int
    paper: str
    trained_on: str
    input_size: int
    width: int
    parameters: int
    download_mb: int
    licence: str
    module: str
    default_layer: str
    weights: str
    weights_top: str
    hash: str
    hash_top: str
    top_layers: tuple

    @property
    def bundled(self):
        return not self.module

    @property
    def from_hub(self):
        return self.module.startswith(hub.MODULE)


def _read_table():
    integers = ("year", "input_size", "width", "parameters", "download_mb")
    with open(
        Path(__file__).with_name("backbones.csv"), encoding="utf-8", newline=""
    ) as file:
        for row in csv.DictReader(file):
            row |= {key: int(row[key]) for key in integers}
            yield Backbone(**row | {"top_layers": tuple(row["top_layers"].split())})


TABLE = {row.name: row for row in _read_table()}


def backbone_table():
    """The backbones that `extract` and `build_backbone` know, for people to read.

    Returns
    -------
    DataFrame
        One row per backbone: year, trained_on, input_size (side of its square images,
        in pixels), width (of the default features), parameters (without the
        classifier), download_mb, licence, paper, and weights: "bundled", "here", "not
        here" or "damaged".

    Examples
    --------
    >>> backbone_table().loc["VGG19", ["year", "input_size", "width"]].tolist()
    [2014, 224, 512]
    """
    columns = ["year", "trained_on", "input_size", "width", "parameters"]
    columns += ["download_mb", "licence", "paper"]
    rows = {
        name: {key: getattr(row, key) for key in columns}
        | {"weights": "bundled" if row.bundled else weights_state(name)}
        for name, row in TABLE.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("backbone")


def weights_file(name, layer=None):
    """The file that holds, or would hold, the weights for this layer."""
    row = TABLE[name]
    if row.bundled:
        return Path(__file__).parent / "weights" / f"{name}.npz"
    if row.from_hub:
        return hub.preset_folder(row.weights) / "model.weights.h5"
    address = row.weights_top if layer in row.top_layers else row.weights
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    file_name = address.rsplit("/", 1)[-1]
    return Path(home) / "models" / KERAS_FILE_NAMES.get(file_name, file_name)


def weights_state(name, layer=None):
    """ "here", "not here", or "damaged" (a download that was cut short)."""
    path = weights_file(name, layer)
    if not path.exists():
        return "not here"
    if path.suffix == ".npz":
        return "here"
    try:
        h5py.File(path).close()  # HDF5 notes its own length: a cut file will not open
    except OSError:
        return "damaged"
    return "here"


def fetch_weights(name, layer=None):
    """The weights file, downloaded first if it is not here or damaged.

    It goes where Keras itself keeps it ($KERAS_HOME/models or ~/.keras/models), and a
    preset of KerasHub where that keeps it. Raises
    WeightsUnavailable, in one line, within seconds when there is no network, and for a
    whole file that is not the one that Keras publishes: it stays, since it may be
    somebody's own.
    """
    path, state = weights_file(name, layer), weights_state(name, layer)
    row = TABLE[name]
    known_hash = row.hash_top if layer in row.top_layers else row.hash
    if state == "here":
        if known_hash:
            _check_weights(name, path, known_hash, path.stat().st_mtime_ns)
        return path
    if row.bundled:
        raise WeightsUnavailable(
            f"{name}: {path} is missing. Fetch the course again, or `git restore` it."
        )
    address = row.weights_top if layer in row.top_layers else row.weights
    url = f"{hub.HOST}/models/{address}" if row.from_hub else WEIGHTS_URL + address
    try:
        if row.from_hub:
            hub.check_installed(name)
            return hub.fetch_preset(address) / path.name  # on Colab elsewhere
        fresh = path.with_name(f"{path.name}.fetched")
        downloads.fetch(url, fresh, _with_name(known_hash))
        os.replace(fresh, path)
    except ImportError as error:
        raise WeightsUnavailable(f"{error}.") from error
    except (downloads.DownloadError, OSError) as error:
        what = "are only half downloaded" if state == "damaged" else "are not here"
        where = path.parent if row.from_hub else path
        raise WeightsUnavailable(
            f"{name}: its weights {what} and {error}. They come by themselves as soon "
            f"as that works, or put {url} at {where}."
        ) from error
    if weights_state(name, layer) == "damaged":
        path.unlink()
        raise WeightsUnavailable(f"{name}: {url} came damaged.")
    return path


@functools.cache
def _check_weights(name, path, known_hash, modified):
    """Raise WeightsUnavailable for a file of another hash; once per file and time."""
    algorithm, _, expected = _with_name(known_hash).partition(":")
    found = pooch.file_hash(str(path), alg=algorithm)
    if found != expected:
        raise WeightsUnavailable(
            f"{name}: {path} is damaged or of another network: its {algorithm.upper()} "
            f"is {found}, but that of the published weights is {expected}. Move it "
            "away, and they are downloaded again."
        )


def not_finite(name, layer=None):
    """The WeightsUnavailable for a network that does not give numbers."""
    return WeightsUnavailable(
        f"{name} gives NaN or infinity: its weights in {weights_file(name, layer)} "
        "must be damaged. Fetch them again."
    )


def _with_name(known_hash):
    """A hash as pooch wants it, like "md5:…"; None for none."""
    kind = "md5" if len(known_hash) == 32 else "sha256"
    return f"{kind}:{known_hash}" if known_hash else None


def weights_digest(name, layer=None):
    """SHA-256 of the weights, fetched if need be: part of the key of the cache."""
    path = fetch_weights(name, layer)
    return _digest(path, path.stat().st_mtime_ns, TABLE[name].from_hub)


@functools.cache
def _digest(path, modified, from_hub):
    return hub.preset_digest(path.parent) if from_hub else files.sha256(path)


def build_backbone(
    name, layer=None, *, weights="pretrained", preprocess=True, precision="float32"
):
    """Build a network from images to features, as one Keras model.

    Parameters
    ----------
    name : str
        One of `backbone_table`.
    layer : str, optional
        One of `backbone_layers`; by default the last one before the classifier.
    weights : {"pretrained", None}
        None gives random ones: the wiring only, whose features mean nothing.
    preprocess : bool
        False leaves out the network's own preprocessing, to see what that costs.
    precision : str
        How its layers compute, a dtype policy of Keras such as "mixed_float16".

    Returns
    -------
    keras.Model
        From uint8 images (n, input_size, input_size, 3) to float32 (n, width).

    Raises
    ------
    WeightsUnavailable
        If the weights are neither on disk nor downloadable.
    ValueError
        For a layer that does not exist.

    See Also
    --------
    extract : the features of an image set, from the cache if they are there.
    keras.applications : where the networks come from.

    Examples
    --------
    >>> model = build_backbone("VGG19", "fc2")  # doctest: +SKIP
    """
    network, prepare, (features,) = _features(name, (layer,), weights, precision)
    return _from_pixels(name, network, preprocess and prepare, features)


def build_layers(name, layers, *, precision="float32"):
    """`build_backbone` for several layers at once: a model with a list of outputs.

    layers: tuple of str or None; those of the classifier are not mixed with others,
    since their weights are in another file.
    """
    network, prepare, features = _features(name, layers, "pretrained", precision)
    return _from_pixels(name, network, prepare, features)


def build_all_layers(name, layer=None, *, weights="pretrained"):
    """(model, names): a network from images to what each of its layers puts out.

    layer: any one of those that are in the same file of weights. The last output, with
    the name "", is the network's own; those of KerasHub have no such.
    """
    row = TABLE[name]
    with computing_in("float32"):
        network, prepare = _network(row, layer, weights)
    if not all(np.isfinite(weights).all() for weights in network.get_weights()):
        raise not_finite(name, layer)  # OpenVINO's ReLU makes a number of NaN
    outputs = {key: layer.output for key, layer in _layers(network, row).items()}
    if not row.from_hub:
        outputs[""] = network.output
    model = _from_pixels(name, network, prepare, list(outputs.values()))
    return model, list(outputs)


def _features(name, layers, weights, precision):
    """(network, its preprocessing, one output a layer: a vector for each image)."""
    keras, row = import_keras(), TABLE[name]
    with computing_in(precision):
        network, prepare = _network(row, layers[0], weights, precision)
    outputs = [_output(row, network, layer) for layer in layers]
    with computing_in("float32"):  # means and features in full precision
        for place, (layer, output) in enumerate(zip(layers, outputs, strict=True)):
            if precision != "float32":
                output = keras.ops.cast(output, "float32")
            if len(output.shape) == 4:
                output = keras.layers.GlobalAveragePooling2D()(output)
            elif len(output.shape) != 2:
                raise ValueError(
                    f"{name}:{layer} gives {output.shape}, not one vector per image."
                )
            outputs[place] = output
    return network, prepare, outputs


def _from_pixels(name, network, prepare, outputs):
    """A model from uint8 images to these outputs of a network inside it."""
    keras, size = import_keras(), TABLE[name].input_size
    with computing_in("float32"):
        pictures = keras.Input((size, size, 3), dtype="uint8", name="pictures")
        prepared = keras.ops.cast(pictures, "float32")
        if prepare:
            prepared = prepare(prepared)
        found = keras.Model(network.input, outputs)(prepared)
        return keras.Model(pictures, found, name=name)


def backbone_layers(name):
    """The layers of a backbone by name, with the shape of what each puts out.

    Parameters
    ----------
    name : str
        One of `backbone_table`. Its weights are not needed.

    Returns
    -------
    dict
        {layer name: shape of its output}.

    Examples
    --------
    >>> backbone_layers("VGG19")["fc2"]  # doctest: +SKIP
    (None, 4096)
    """
    row = TABLE[name]
    top_layer = next(iter(row.top_layers), None)  # any of them brings the classifier
    with computing_in("float32"):
        network, _ = _network(row, top_layer, weights=None)
    return {key: layer.output.shape for key, layer in _layers(network, row).items()}


@functools.cache
def layer_names(name):
    """The names that `backbone_layers` gives, from a file: without building a network.

    backbone_layers.csv is the same for all versions of Keras that the course runs with;
    a slow test holds it against the networks.
    """
    with open(
        Path(__file__).with_name("backbone_layers.csv"), encoding="utf-8", newline=""
    ) as file:
        layers = {row["name"]: row["layers"] for row in csv.DictReader(file)}
    return frozenset(layers[name].split())


def _network(row, layer, weights, precision="float32"):
    """The Keras model with the layer in it, and its preprocessing."""
    import_keras()
    if weights is not None:
        weights = fetch_weights(row.name, layer)
    if row.from_hub:
        return _network_of_hub(row, weights, precision)
    if row.bundled:
        from course_utils.representations import bundled

        builder, preprocess_input = {
            "EfficientNetLite0": (
                bundled.efficientnet_lite0,
                bundled.preprocess_efficientnet_lite0,
            ),
            "SqueezeNet": (bundled.squeezenet, bundled.preprocess_squeezenet),
        }[row.name]
        return builder("imagenet" if weights else None), preprocess_input
    module = importlib.import_module(f"keras.applications.{row.module}")
    try:
        network = getattr(module, row.name)(
            weights=weights and str(weights),
            include_top=layer in row.top_layers,
            input_shape=(row.input_size, row.input_size, 3),
        )
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        if weights is None:
            raise
        raise _of_another(row, weights, error) from error
    return network, module.preprocess_input


def _network_of_hub(row, weights, precision):
    try:
        return hub.build(row, weights and weights.parent, precision)
    except ImportError as error:
        raise WeightsUnavailable(f"{error}.") from error
    except Exception as error:  # KerasHub raises nearly every kind
        if weights is None:
            raise
        raise _of_another(row, weights.parent, error) from error


def _of_another(row, path, error):
    """The WeightsUnavailable for weights that do not fit the network."""
    reason = " ".join(str(error).split())
    return WeightsUnavailable(
        f"{row.name}: {path} is damaged or of another network ({reason}). Move it "
        "away, and the published weights are downloaded again."
    )


def _output(row, network, layer):
    layer = layer or row.default_layer
    if not layer:
        return network.output
    known = _layers(network, row)
    if layer not in known:
        raise unknown_layer(row.name, layer, known)
    return known[layer].output


def unknown_layer(name, layer, known):
    """The ValueError for a layer that is not among the known names."""
    near = difflib.get_close_matches(layer, [*known, *TABLE[name].top_layers], n=3)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return ValueError(
        f"{name} has no layer {layer!r}. {hint}"
        f"representations.backbone_layers({name!r}) lists them."
    )


def _layers(network, row):
    """{name: layer}; layers that Keras numbers get the number of a fresh session.

    Of KerasHub's networks only what `hub` has named, which are vectors.

    Keras counts its unnamed layers over a whole session (`activation_94` the first
    time, `activation_189` the next), which would make names and cache keys ambiguous.
    """
    if row.from_hub:
        return {name: network.get_layer(name) for name in network.output_names}
    numbers = {}
    for layer in network.layers:
        stem, number = re.fullmatch(r"(.*?)(?:_(\d+))?", layer.name).groups()
        if stem.replace("_", "") == type(layer).__name__.lower():
            numbers.setdefault(stem, {})[layer.name] = int(number or 0)
    fresh_names = {
        name: f"{stem}_{rank}" if rank else stem
        for stem, numbered in numbers.items()
        for rank, name in enumerate(sorted(numbered, key=numbered.get))
    }
    return {fresh_names.get(layer.name, layer.name): layer for layer in network.layers}
