"""How near is `extract` to what the machine can do? Run it; it asserts nothing.

    python tests/benchmarks/extraction.py [NETWORK …] [--megapixels 0.05 2 12]

Each network runs over the same files by every method in turn, several times, and each
time counts against `extract` in the same turn: a table of images per second and of
these ratios, with their range. The bare loops overlap decoding, at a scale, with the
network, and do nothing else: no check, no cache, no order, no progress. Only the two
bundled networks have their weights; the others run with random ones, which takes as
long. ONNX Runtime joins in if onnxruntime and tf2onnx are installed and convert it.

    python tests/benchmarks/extraction.py --peers

times whole processes, from the command to the labels of the stamps: ours, and packages
that do the same job, as far as they are installed.
"""

import argparse
import collections
import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from PIL import Image

from course_utils import images
from course_utils._support.keras import import_keras
from course_utils.representations import backbones, extraction, inference

OURS = "extract"
SLOW = 3  # the loop of one image at a time is given a part of the images only
PEERS = {
    "ours, hog": (
        "from course_utils import images, representations as r, clustering\n"
        "image_set = images.load(sys.argv[1], progress=False)\n"
        "features = r.extract(image_set, 'hog', cache=False, progress=False)\n"
        "labels = clustering.cluster(features, 'l2+ward', 7)\n"
    ),
    "ours, EfficientNetLite0": (
        "from course_utils import images, representations as r, clustering\n"
        "image_set = images.load(sys.argv[1], progress=False)\n"
        "features = r.extract(\n"
        "    image_set, 'EfficientNetLite0', cache=False, progress=False\n"
        ")\n"
        "labels = clustering.cluster(features, 'l2+ward', 7)\n"
    ),
    "clustimage, PCA": (
        "from clustimage import Clustimage\n"
        "model = Clustimage(method='pca', verbose=50)\n"
        "found = model.fit_transform(sys.argv[1], min_clust=7, max_clust=8)\n"
        "labels = found['labels']\n"
    ),
    "clustimage, HOG": (
        "from clustimage import Clustimage\n"
        "model = Clustimage(method='hog', verbose=50)\n"
        "found = model.fit_transform(sys.argv[1], min_clust=7, max_clust=8)\n"
        "labels = found['labels']\n"
    ),
    "imagededup, CNN + k-means": (
        "from imagededup.methods import CNN\n"
        "from sklearn.cluster import KMeans\n"
        "import numpy\n"
        "codes = CNN(verbose=False).encode_images(sys.argv[1])\n"
        "codes = numpy.vstack(list(codes.values()))\n"
        "labels = KMeans(7, n_init=10).fit_predict(codes)\n"
    ),
}


def main(arguments=None):
    options = _options().parse_args(arguments)
    if options.peers:
        with tempfile.TemporaryDirectory() as folder:
            table = peers(_copy_of_stamps(folder), options.repeats)
    else:
        rows = []
        for megapixels in options.megapixels:
            with tempfile.TemporaryDirectory() as folder:
                paths = photographs(folder, options.n, megapixels)
                for name in options.networks or backbones.BUNDLED:
                    rows += compare(name, paths, megapixels, options.repeats)
        table = pd.DataFrame(rows)
    print(f"{inference.N_THREADS} threads, {options.repeats} turns")
    print(table.to_string(index=False))
    return table


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--megapixels", nargs="+", type=float, default=[0.05, 2, 12])
    parser.add_argument("--n", type=int, default=96, help="images (default: 96)")
    parser.add_argument("--repeats", type=int, default=5, help="turns (default: 5)")
    parser.add_argument("--peers", action="store_true", help="time whole processes")
    return parser


def photographs(folder, n, megapixels):
    """n JPEGs of 4:3 with so many pixels: stamps, enlarged, with noise; their paths."""
    stamps = images.load("stamps", progress=False)
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    size = (width, round(width * 3 / 4))
    noise = np.random.default_rng(0).integers(0, 20, (size[1], size[0], 3), np.uint8)

    def write(number):
        image = Image.fromarray(stamps.picture(number % len(stamps)))
        values = np.asarray(image.resize(size, Image.Resampling.BICUBIC)) // 20 * 19
        path = Path(folder, f"{number:05d}.jpg")
        Image.fromarray(values + noise).save(path, quality=88)
        return path

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(write, range(n)))


def compare(name, paths, megapixels, repeats):
    """A row for each method: images per second, and how often as fast as ours."""
    given = methods(name, paths)
    for method in given.values():
        method(paths[:16])  # whatever is made once
    seconds = collections.defaultdict(list)
    for _ in range(repeats):
        for label, method in given.items():
            some = paths[: len(paths) // SLOW] if label == "one by one" else paths
            started = time.perf_counter()
            method(some)
            seconds[label].append((time.perf_counter() - started) / len(some))
    rows = []
    for label, found in seconds.items():
        ratios = sorted(ours / s for ours, s in zip(seconds[OURS], found, strict=True))
        rows.append(
            {
                "network": name,
                "megapixels": megapixels,
                "method": label,
                "images/s": round(1 / statistics.median(found), 1),
                "of ours": round(statistics.median(ratios), 2),
                "range": f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
            }
        )
    return rows


def methods(name, paths):
    """{name: function from paths to features (n, width)}."""
    weights = "pretrained" if backbones.TABLE[name].bundled else None
    import_keras().utils.set_random_seed(0)
    model = backbones.build_backbone(name, weights=weights)
    size = backbones.TABLE[name].input_size
    everything = images.load(Path(paths[0]).parent, progress=False)
    network = _network(name, model, weights)

    def ours(paths):
        inference.network = lambda *_, **__: network  # not made anew in each turn
        image_set = everything.subset(range(len(paths)))
        return extraction.extract(image_set, name, cache=False, progress=False)

    def one_by_one(paths):
        rows = []
        for path in paths:
            image = Image.open(path).convert("RGB").resize((size, size))
            rows.append(model.predict(np.asarray(image)[None], verbose=0)[0])
        return np.array(rows)

    def predict(paths):
        with ThreadPoolExecutor(inference.N_THREADS) as pool:
            decoded = list(pool.map(lambda path: decoded_of(path, size), paths))
        return model.predict(np.stack(decoded), verbose=0)

    found = {
        OURS: ours,
        "one by one": one_by_one,
        "predict": predict,
        "TensorFlow": bare_loop(tensorflow_of(model), size),
        "OpenVINO": bare_loop(openvino_of(model), size),
    }
    with contextlib.suppress(ImportError, ValueError):  # tf2onnx fails on some
        found["ONNX Runtime"] = bare_loop(onnx_of(model), size)
    return found


def _network(name, model, weights):
    """What `extract` runs; with random weights, those of the model."""
    if weights:
        return inference.network(name, (None,))
    converted = inference._convert(model, [""])
    return inference.OnOpenVINO(converted, ["layer:"], inference.BATCH_SIZES["CPU"])


def decoded_of(path, size):
    image = Image.open(io.BytesIO(Path(path).read_bytes()))
    image.draft("RGB", (2 * size, 2 * size))
    image = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image)


def bare_loop(forward, size, n_rows=8, ahead=3):
    """Threads decode while the network works, and nothing else."""

    def run(paths):
        batches = [paths[i : i + n_rows] for i in range(0, len(paths), n_rows)]
        rows, waiting = [], collections.deque()
        with ThreadPoolExecutor(inference.N_THREADS) as pool:
            for turn in range(len(batches) + ahead):
                if turn < len(batches):
                    futures = [pool.submit(decoded_of, p, size) for p in batches[turn]]
                    waiting.append(futures)
                if turn >= ahead:
                    done = [future.result() for future in waiting.popleft()]
                    rows.append(forward(np.stack(done)))
        return np.concatenate(rows)

    return run


def tensorflow_of(model):
    import tensorflow

    function = tensorflow.function(lambda batch: model(batch, training=False))
    return lambda batch: function(batch).numpy()


def openvino_of(model):
    openvino = inference._openvino()
    settings = {
        "INFERENCE_NUM_THREADS": inference.N_THREADS,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    converted = inference._convert(model, [""])
    compiled = openvino.Core().compile_model(converted, "CPU", settings)
    return lambda batch: compiled(batch)[0].copy()


def onnx_of(model):
    import onnxruntime
    import tensorflow
    import tf2onnx

    signature = [tensorflow.TensorSpec((None, *model.input.shape[1:]), "uint8")]
    function = tensorflow.function(
        lambda batch: model(batch, training=False), input_signature=signature
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made, _ = tf2onnx.convert.from_function(function, signature, opset=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = inference.N_THREADS
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (given,) = session.get_inputs()
    return lambda batch: session.run(None, {given.name: batch})[0]


def _copy_of_stamps(folder):
    stamps = images.load("stamps", progress=False)
    for number in range(len(stamps)):
        Path(folder, f"{number:03d}.jpg").write_bytes(stamps.read(number))
    return folder


def peers(folder, repeats):
    """Seconds of whole processes, from the command to the labels; the median."""
    seconds = collections.defaultdict(list)
    for _ in range(repeats):
        for name, code in PEERS.items():
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", f"import sys\n{code}", folder],
                cwd=Path(__file__).resolve().parents[2],
                capture_output=True,
                text=True,
            )
            taken = time.perf_counter() - started
            seconds[name].append(taken if done.returncode == 0 else np.nan)
    rows = [
        {"process": name, "seconds": round(statistics.median(found), 1)}
        for name, found in seconds.items()
    ]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
