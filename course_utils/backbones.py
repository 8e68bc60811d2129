"""Backbones: pretrained networks whose inside serves as a representation.

A layer is named after a colon: `VGG19:fc2`, `ResNet50:conv4_block6_out`; without one,
the last layer before the classifier is meant. A layer that still has height and width
is averaged over them.
"""

import contextlib
import difflib
import functools
import importlib
import logging
import os
import re

from course_utils.backbone_table import (
    BUNDLED,
    TABLE,
    TEN,
    WeightsUnavailable,
    fetch_weights,
    table,
    weights_digest,
)

__all__ = [
    "BUNDLED",
    "TABLE",
    "TEN",
    "WeightsUnavailable",
    "accelerator",
    "build",
    "layers",
    "table",
    "weights_digest",
]


def build(
    name, layer=None, *, weights="pretrained", preprocess=True, precision="float32"
):
    """A network from pictures to features, as one Keras model.

    layer: None for the last one before the classifier. weights: "pretrained", or None
    for random ones (the wiring only; their features mean nothing). preprocess: False
    leaves out the network's own preprocessing, to see what that costs. precision: how
    its layers compute, a dtype policy of Keras such as "mixed_float16".
    Returns: keras.Model, uint8 pictures (n, input_size, input_size, 3) → float32
    (n, width).
    Raises WeightsUnavailable, or ValueError for a layer that is not there.
    """
    keras = import_keras()
    row = TABLE[name]
    with _computing_in(keras, precision):
        network, preprocess_input = _network(row, layer, weights)
    output = _output(row, network, layer)
    if precision != "float32":  # means and features in full precision
        output = keras.ops.cast(output, "float32")
    if len(output.shape) == 4:
        output = keras.layers.GlobalAveragePooling2D()(output)
    elif len(output.shape) != 2:
        raise ValueError(
            f"{name}:{layer} gives {output.shape}, not one vector a picture."
        )
    size = row.input_size
    pictures = keras.Input((size, size, 3), dtype="uint8", name="pictures")
    prepared = keras.ops.cast(pictures, "float32")
    if preprocess:
        prepared = preprocess_input(prepared)
    features = keras.Model(network.input, output)(prepared)
    return keras.Model(pictures, features, name=name)


@contextlib.contextmanager
def _computing_in(keras, precision):
    """Layers made inside compute in this precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def layers(name):
    """The layers of a backbone by name, with the shape of what each puts out.

    Needs no weights. Returns: dict {layer name: shape}.
    """
    row = TABLE[name]
    top_layer = next(iter(row.top_layers), None)  # any of them brings the classifier
    network, _ = _network(row, top_layer, weights=None)
    return {key: layer.output.shape for key, layer in _layers(network).items()}


def accelerator():
    """ "GPU", "TPU" or "CPU": what Keras computes on."""
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


def _network(row, layer, weights):
    """The Keras model with the layer in it, and its preprocessing."""
    import_keras()
    if weights is not None:
        weights = fetch_weights(row.name, layer)
    if row.bundled:
        from course_utils import bundled

        builder, preprocess_input = {
            "EfficientNetLite0": (
                bundled.efficientnet_lite0,
                bundled.preprocess_efficientnet_lite0,
            ),
            "SqueezeNet": (bundled.squeezenet, bundled.preprocess_squeezenet),
        }[row.name]
        return builder("imagenet" if weights else None), preprocess_input
    module = importlib.import_module(f"keras.applications.{row.module}")
    network = getattr(module, row.name)(
        weights=weights and str(weights),
        include_top=layer in row.top_layers,
        pooling=None if layer else "avg",
        input_shape=(row.input_size, row.input_size, 3),
    )
    return network, module.preprocess_input


def _output(row, network, layer):
    layer = layer or row.default_layer
    if not layer:
        return network.output
    known = _layers(network)
    if layer not in known:
        near = difflib.get_close_matches(layer, [*known, *row.top_layers], n=3)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(
            f"{row.name} has no layer {layer!r}. {hint}"
            f"backbones.layers({row.name!r}) lists them."
        )
    return known[layer].output


def _layers(network):
    """{name: layer}; layers that Keras numbers get the number of a fresh session.

    Keras counts its unnamed layers over a whole session (`activation_94` the first
    time, `activation_189` the next), which would make names and cache keys ambiguous.
    """
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
