"""Two small pretrained networks that come with the course: no download needed.

Both are ordinary Keras functional models, trained on the 1000 classes of ImageNet.

    network = efficientnet_lite0()
    pictures = preprocess_efficientnet_lite0(rgb)   # RGB, 0..255, 224 x 224
    probabilities = network.predict(pictures)
    middle = keras.Model(network.input, network.get_layer("block5").output)

`weights/README.md` gives the origin, licence and conversion of the weights.
"""

import zipfile
import zlib
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import layers

WEIGHTS_FOLDER = Path(__file__).parent / "weights"

ADVICE = (
    "Restore it: `git restore course_utils/representations/weights`, or fetch the "
    "course again."
)

IMAGE_SIZE = 224  # pixels, height and width

N_CLASSES = 1000

# Stage -> its blocks, kernel size, stride of the first block, channels out.
EFFICIENTNET_STAGES = {
    1: ("a", 3, 1, 16),
    2: ("ab", 3, 2, 24),
    3: ("ab", 5, 2, 40),
    4: ("abc", 3, 2, 80),
    5: ("abc", 5, 1, 112),
    6: ("abcd", 5, 2, 192),
    7: ("a", 3, 1, 320),
}

IMAGENET_MEAN_BGR = np.array([104, 117, 123], dtype="float32")


def efficientnet_lite0(weights="imagenet"):
    """EfficientNet-Lite0, a network made for phones: 4.65 million parameters.

    EfficientNet-B0 without squeeze-and-excitation, and with ReLU6 instead of swish. Its
    layers: `stem` (112 x 112 x 32); `block1` to `block7`, the outputs of the seven
    stages (16, 24, 40, 80, 112, 192, 320 channels); `head` (7 x 7 x 1280); `pool`, its
    average (1280 numbers: the usual features); `top`. Stages consist of blocks a, b, …:
    `block5b_expand`, `block5b_depthwise`, `block5b`.

    Parameters
    ----------
    weights : {"imagenet", None}
        Those that come with the course, or random ones: the same wiring, nothing
        learned.

    Returns
    -------
    keras.Model
        From float32 images (n, 224, 224, 3), see `preprocess_efficientnet_lite0`, to
        1000 probabilities.

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights file is missing or damaged.

    See Also
    --------
    build_backbone : images to features, for any backbone.
    keras.applications.EfficientNetB0 : the network that it was made from.

    References
    ----------
    Tan and Le (2019), EfficientNet: Rethinking model scaling for convolutional neural
    networks, ICML, arXiv:1905.11946; the Lite variant and its weights by Google (2020),
    https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.

    Examples
    --------
    >>> efficientnet_lite0().output_shape  # doctest: +SKIP
    (None, 1000)
    """
    inputs = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="pictures")
    x = _convolution(inputs, "stem", 32, 3, strides=2)
    for stage, (letters, kernel_size, strides, channels) in EFFICIENTNET_STAGES.items():
        for letter in letters:
            name = f"block{stage}{letter}"
            step = strides if letter == "a" else 1
            entrance = x
            if stage > 1:  # widen; then look around channel by channel; then narrow
                x = _convolution(x, f"{name}_expand", 6 * x.shape[-1])
            x = _convolution(x, f"{name}_depthwise", None, kernel_size, step)
            x = _convolution(x, f"{name}_project", channels, linear=True)
            output_name = f"block{stage}" if letter == letters[-1] else name
            if entrance.shape == x.shape:
                x = layers.Add(name=output_name)([entrance, x])
            else:
                x = layers.Activation("linear", name=output_name)(x)
    x = _convolution(x, "head", 1280)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(N_CLASSES, activation="softmax", name="top")(x)
    model = keras.Model(inputs, outputs, name="EfficientNetLite0")
    return _with_weights(model, weights)


def squeezenet(weights="imagenet"):
    """SqueezeNet 1.1, a network of 1.2 million parameters from 2016.

    A *fire module* squeezes its input to few channels, then expands it again with 1 x 1
    and 3 x 3 convolutions side by side. Its layers: `conv1` (111 x 111 x 64); `fire2`
    to `fire9`, both expansions together (128, 128, 256, 256, 384, 384, 512, 512
    channels); `conv10`, a map for each class; `scores`, its average; `top`. For
    features average `fire9` (13 x 13 x 512) over its places: 512 numbers.

    Parameters
    ----------
    weights : {"imagenet", None}
        Those that come with the course, or random ones.

    Returns
    -------
    keras.Model
        From float32 images (n, 224, 224, 3), see `preprocess_squeezenet`, to 1000
        probabilities.

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights file is missing or damaged.

    See Also
    --------
    build_backbone : images to features, for any backbone.

    References
    ----------
    Iandola et al. (2016), SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
    and < 0.5 MB model size, arXiv:1602.07360; weights by the authors.

    Examples
    --------
    >>> squeezenet().output_shape  # doctest: +SKIP
    (None, 1000)
    """
    inputs = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="pictures")
    relu_convolution = partial(layers.Conv2D, activation="relu")
    x = relu_convolution(64, 3, strides=2, name="conv1")(inputs)
    x = layers.MaxPooling2D(3, strides=2, name="conv1_pool")(x)
    for number in range(2, 10):
        name = f"fire{number}"
        squeezed = 16 * (number // 2)
        expanded = 4 * squeezed
        x = relu_convolution(squeezed, 1, name=f"{name}_squeeze")(x)
        one = relu_convolution(expanded, 1, name=f"{name}_expand1x1")(x)
        three = relu_convolution(expanded, 3, padding="same", name=f"{name}_expand3x3")
        x = layers.Concatenate(name=name)([one, three(x)])
        if number in (3, 5):
            x = layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)
    x = relu_convolution(N_CLASSES, 1, name="conv10")(x)
    x = layers.GlobalAveragePooling2D(name="scores")(x)
    outputs = layers.Activation("softmax", name="top")(x)
    model = keras.Model(inputs, outputs, name="SqueezeNet")
    return _with_weights(model, weights)


def preprocess_efficientnet_lite0(pictures):
    """Prepare images for EfficientNet-Lite0, as in training: (x - 127) / 128.

    Parameters
    ----------
    pictures : ndarray, tensor or symbolic Keras tensor, shape (n, 224, 224, 3)
        RGB from 0 to 255. It is not changed.

    Returns
    -------
    The same kind, float32, from about -1 to 1.

    Examples
    --------
    >>> preprocess_efficientnet_lite0(np.array([0, 127, 255], np.uint8)).tolist()
    [-0.9921875, 0.0, 1.0]
    """
    return (_float32(pictures) - 127.0) / 128.0


def preprocess_squeezenet(pictures):
    """Prepare images for SqueezeNet, as in training: BGR minus ImageNet's mean.

    Parameters
    ----------
    pictures : ndarray, tensor or symbolic Keras tensor, shape (n, 224, 224, 3)
        RGB from 0 to 255. It is not changed.

    Returns
    -------
    The same kind, float32, blue first.

    Examples
    --------
    >>> preprocess_squeezenet(np.array([[10, 20, 30]], np.uint8)).tolist()
    [[-74.0, -97.0, -113.0]]
    """
    if isinstance(pictures, np.ndarray):
        return _float32(pictures)[..., ::-1] - IMAGENET_MEAN_BGR
    blue_first = keras.ops.flip(_float32(pictures), axis=-1)
    return keras.ops.subtract(blue_first, IMAGENET_MEAN_BGR)


def load_weights(model, path):
    """Fill a model from an .npz file of float16 arrays named "layer/variable".

    Raises FileNotFoundError without the file, ValueError if it is damaged or does not
    fit the model; the message says how to get it back. Nothing is ever unpickled.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"The weights file {path} is missing. {ADVICE}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        assign_weights(model, arrays)
    except (EOFError, OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"The weights file {path} is damaged or not the one for {model.name} "
            f"({error}). {ADVICE}"
        ) from error


def assign_weights(model, arrays):
    """Copy a dictionary "layer/variable" -> array into a model, each by its name."""
    variables = {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.weights
    }
    expected = {name: tuple(variable.shape) for name, variable in variables.items()}
    found = {name: array.shape for name, array in arrays.items()}
    for name, _ in sorted(expected.items() ^ found.items()):
        raise ValueError(f"{name}: {found.get(name)}, not {expected.get(name)}")
    for name, variable in variables.items():
        variable.assign(arrays[name].astype("float32"))


def _with_weights(model, weights):
    if weights == "imagenet":
        load_weights(model, WEIGHTS_FOLDER / f"{model.name}.npz")
    elif weights is not None:
        raise ValueError(f'weights must be "imagenet" or None, not {weights!r}')
    return model


def _convolution(x, name, channels=None, kernel_size=1, strides=1, linear=False):
    """Convolution (depthwise without ``channels``), batch normalisation, ReLU6."""
    settings = {"padding": "same", "use_bias": False, "name": f"{name}_conv"}
    if channels is None:
        x = layers.DepthwiseConv2D(kernel_size, strides=strides, **settings)(x)
    else:
        x = layers.Conv2D(channels, kernel_size, strides=strides, **settings)(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return x if linear else layers.ReLU(6.0, name=name)(x)


def _float32(pictures):
    if isinstance(pictures, np.ndarray):
        return pictures.astype("float32")
    return keras.ops.cast(pictures, "float32")
