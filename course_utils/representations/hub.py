"""Networks of KerasHub: transformers trained without labels, or with captions.

A vision transformer cuts an image into squares and turns each of them into a vector, a
patch token. DINO and CLIP add one more token, the class token, which is meant to stand
for the whole image. Its blocks change all tokens in turn. What serves as features:

`class`, the class token after the last block; `patches`, the mean of the patch tokens
after the last block; `block1`, `block2`, …, their mean after an earlier block;
`projection`, CLIP's class token in the space that it shares with texts; `pooled`, the
patch tokens of SigLIP, pooled by attention.

Optional: `pip install keras-hub`. A network's weights are a preset, a folder on Kaggle
that KerasHub keeps below $KAGGLEHUB_CACHE or ~/.cache/kagglehub.
"""

import functools
import importlib.util
import os
from pathlib import Path

import numpy as np

from course_utils._support import downloads, files
from course_utils._support.keras import import_keras

HOST = "https://www.kaggle.com"
MODULE = "keras_hub."  # in the table of backbones, before the name of the class

# What networks without weights are built of; a preset has its own.
_SMALL = {"num_layers": 12, "hidden_dim": 384, "num_heads": 6}
_SMALL |= {"intermediate_dim": 1536}
_BASE = {"num_layers": 12, "hidden_dim": 768, "num_heads": 12}
_BASE |= {"intermediate_dim": 3072}
SIZES = {
    "DINOv2S": {"patch_size": 14, **_SMALL},
    "DINOv2B": {"patch_size": 14, **_BASE},
    "DINOv3S": {"patch_size": 16, **_SMALL},
    "CLIPB32": {"patch_size": 32, **_BASE},
    "SigLIPB16": {"patch_size": 16, **_BASE},
}
# Mean and standard deviation of the red, green and blue of what they were trained on
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
COLOURS = {
    "DINOV2Backbone": IMAGENET,
    "DINOV3Backbone": IMAGENET,
    "CLIPBackbone": CLIP,
    "SigLIPBackbone": ((0.5,) * 3, (0.5,) * 3),
}


def check_installed(what):
    """Raise ImportError unless KerasHub, which `what` needs, is there."""
    if importlib.util.find_spec("keras_hub") is None:
        raise ImportError(
            f"{what} needs KerasHub, which is not installed: pip install keras-hub"
        )


def import_keras_hub(what):
    """KerasHub, quietly and in some seconds; `what` needs it."""
    check_installed(what)
    import_keras()
    import keras_hub

    return keras_hub


def check_reachable():
    """Raise DownloadError within seconds where presets cannot be downloaded."""
    import requests  # seldom needed

    try:
        requests.head(HOST, timeout=downloads.TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise downloads.DownloadError(downloads.reason(error, HOST)) from error


def preset_folder(address):
    """Where KerasHub keeps a preset, like "keras/dinov2/keras/dinov2_small/1"."""
    home = os.environ.get("KAGGLEHUB_CACHE") or Path.home() / ".cache" / "kagglehub"
    return Path(home, "models", *address.split("/"))


@functools.cache
def fetch_preset(address):
    """The folder of a preset, downloaded if need be: DownloadError if that fails."""
    check_reachable()
    import kagglehub  # comes with KerasHub

    try:
        return Path(kagglehub.model_download(address))
    except Exception as error:  # Kaggle raises nearly every kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise downloads.DownloadError(
            f"Kaggle does not give them ({reason})"
        ) from error


def preset_digest(folder):
    """One SHA-256 of all that a preset's features depend on: weights and settings."""
    found = sorted(path for path in folder.iterdir() if path.suffix in (".h5", ".json"))
    return files.digest("".join(path.name + files.sha256(path) for path in found))


def build(row, folder, precision="float32"):
    """A network of the table and its preprocessing.

    row: of `backbones.TABLE`. folder: its preset; None for random weights. Returns
    (model, prepare): a Keras model from prepared images (n, size, size, 3) to the
    features (n, width) of all layers, each of which is the output of a layer of its
    name; and a function that prepares images of 0 to 255.
    """
    keras_hub = import_keras_hub(row.name)
    kind = row.module.removeprefix(MODULE)
    if not hasattr(keras_hub.models, kind):
        raise ImportError(
            f"{row.name} needs a later KerasHub: pip install --upgrade keras-hub"
        )
    image_shape = (row.input_size, row.input_size, 3)
    backbone = _backbone(keras_hub, kind, row.name, folder, image_shape, precision)
    network = _TOWERS[kind](backbone, row)
    mean, deviation = (np.array(values) for values in COLOURS[kind])
    scale, offset = 1 / (255 * deviation), -mean / deviation
    if folder is not None:
        scale, offset = _converter(keras_hub, folder, scale, offset)
    scale, offset = np.float32(scale), np.float32(offset)
    return network, lambda images: images * scale + offset


def _backbone(keras_hub, kind, name, folder, image_shape, precision):
    """What KerasHub has; with random weights, only the tower for images."""
    models, of_dino = keras_hub.models, kind.startswith("DINO")
    if folder is not None:
        fitted = {"image_shape": image_shape} if of_dino else {}
        return getattr(models, kind).from_preset(str(folder), dtype=precision, **fitted)
    encoder = getattr(
        models, kind if of_dino else kind.replace("Backbone", "VisionEncoder")
    )
    return encoder(**SIZES[name], image_shape=image_shape, dtype=precision)


def _converter(keras_hub, folder, scale, offset):
    """Scale and offset of the preset's own preprocessing; else the given ones."""
    try:
        found = keras_hub.layers.ImageConverter.from_preset(str(folder))
    except (FileNotFoundError, ValueError):  # it has none
        return scale, offset
    scale = 1.0 if found.scale is None else found.scale
    return scale, 0.0 if found.offset is None else found.offset


def _dino(backbone, row):
    """A DINO of the second or third generation; its registers are left out."""
    tokens = backbone.output
    n_first = 1 + backbone.num_register_tokens
    found = {"class": tokens[:, 0], "patches": tokens[:, n_first:]}
    for number in range(1, backbone.num_layers + 1):
        stage = backbone.pyramid_outputs[f"stage{number}"]
        found[f"block{number}"] = stage[:, n_first:]
    return _named(backbone.inputs[0], found)


def _clip(backbone, row):
    keras = import_keras()
    vision = getattr(backbone, "vision_encoder", backbone)
    tokens = vision.output
    if vision is backbone:
        projection = keras.layers.Dense(row.width, use_bias=False)(tokens[:, 0])
    else:
        projection = backbone.vision_projection(backbone.vision_pooler(tokens))
    found = {"projection": projection, "class": tokens[:, 0], "patches": tokens[:, 1:]}
    for number, block in enumerate(vision.encoder_layers, 1):
        found[f"block{number}"] = block.output[:, 1:]
    return _named(vision.inputs[0], found)


def _siglip(backbone, row):
    """SigLIP, which has no class token."""
    vision = getattr(backbone, "vision_encoder", backbone)
    found = {"pooled": vision.output, "patches": vision.post_layer_norm.output}
    for number, block in enumerate(vision.encoder_layers, 1):
        found[f"block{number}"] = block.output
    return _named(vision.inputs[0], found)


_TOWERS = {
    "DINOV2Backbone": _dino,
    "DINOV3Backbone": _dino,
    "CLIPBackbone": _clip,
    "SigLIPBackbone": _siglip,
}


def _named(images, found):
    """A model with an output of each name; tokens (n, m, d) are averaged."""
    keras = import_keras()
    outputs = []
    for name, tensor in found.items():
        pool = "Identity" if len(tensor.shape) == 2 else "GlobalAveragePooling1D"
        outputs.append(getattr(keras.layers, pool)(name=name)(tensor))
    return keras.Model(images, outputs)
