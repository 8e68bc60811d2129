"""The table of backbones, and where the weights of each are.

The rows stand in `backbones.csv`: two networks that come with the course, the ten of
Guérin's tutorial, and later ones.
"""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import pandas as pd

from course_utils import downloads, storage

WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"
KERAS_FILE_NAMES = {  # where Keras keeps a file under another name than the server
    "NASNet-mobile.h5": "nasnet_mobile.h5",
    "NASNet-mobile-no-top.h5": "nasnet_mobile_no_top.h5",
}


class WeightsUnavailable(RuntimeError):
    """Pretrained weights that are neither here nor to be had now; says what to do."""


@dataclass(frozen=True)
class Backbone:
    """A row of the table. Counts are without the classifier.

    input_size: side of its square pictures, in pixels. width: values in the default
    features. module: of keras.applications, empty for a bundled network. default_layer:
    empty for Keras' own last one. weights, weights_top: where its weights lie below
    WEIGHTS_URL, without and with the classifier; the latter for one of the top_layers.
    """

    name: str
    year: int
    paper: str
    input_size: int
    width: int
    parameters: int
    licence: str
    module: str
    default_layer: str
    weights: str
    weights_top: str
    top_layers: tuple

    @property
    def bundled(self):
        return not self.module

    @property
    def download_mb(self):
        """About the size of its weights file: 4 bytes a parameter."""
        return 0 if self.bundled else round(self.parameters * 4 / 1e6)


def _read_table():
    integers = ("year", "input_size", "width", "parameters")
    with open(Path(__file__).with_name("backbones.csv"), newline="") as file:
        for row in csv.DictReader(file):
            row |= {key: int(row[key]) for key in integers}
            yield Backbone(**row | {"top_layers": tuple(row["top_layers"].split())})


TABLE = {row.name: row for row in _read_table()}
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


def table():
    """The backbones as a DataFrame, one row each, for people to read."""
    columns = ["year", "input_size", "width", "parameters", "download_mb", "licence"]
    rows = {
        name: {key: getattr(row, key) for key in (*columns, "paper")}
        | {"weights": "bundled" if row.bundled else weights_state(name)}
        for name, row in TABLE.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("backbone")


def weights_file(name, layer=None):
    """The file that holds, or would hold, the weights for this layer."""
    row = TABLE[name]
    if row.bundled:
        return Path(__file__).parent / "weights" / f"{name}.npz"
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

    It goes where Keras itself keeps it ($KERAS_HOME/models or ~/.keras/models). Raises
    WeightsUnavailable, in one line, within seconds when there is no network.
    """
    path, state = weights_file(name, layer), weights_state(name, layer)
    if state == "here":
        return path
    row = TABLE[name]
    if row.bundled:
        raise WeightsUnavailable(
            f"{name}: {path} is missing. Fetch the course again, or `git restore` it."
        )
    address = row.weights_top if layer in row.top_layers else row.weights
    fresh = path.with_name(f"{path.name}.fetched")
    try:
        downloads.fetch(WEIGHTS_URL + address, fresh)
        os.replace(fresh, path)
    except (downloads.DownloadError, OSError) as error:
        what = "are only half downloaded" if state == "damaged" else "are not here"
        raise WeightsUnavailable(
            f"{name}: its weights {what} and {error}. With a network they come by "
            f"themselves, or put {WEIGHTS_URL}{address} at {path}."
        ) from error
    if weights_state(name, layer) == "damaged":
        path.unlink()
        raise WeightsUnavailable(f"{name}: {WEIGHTS_URL}{address} came damaged.")
    return path


def weights_digest(name, layer=None):
    """SHA-256 of the weights, fetched if need be: part of the key of the cache."""
    return storage.sha256(fetch_weights(name, layer))
