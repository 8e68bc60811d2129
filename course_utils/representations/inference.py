"""Networks at work: batches of images in, rows of features out.

On a CPU OpenVINO runs them, 1.2 to 5 times as fast as TensorFlow. Keras stays the
definition: once for each network, TensorFlow writes down its graph, OpenVINO reads it,
and it is kept in the cache with all its layers, so that afterwards neither Keras nor
TensorFlow is imported. On a GPU, and where OpenVINO cannot do it, Keras computes.

Source: https://docs.openvino.ai
"""

import contextlib
import functools
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from tqdm.auto import tqdm

from course_utils._support import files, keras
from course_utils.representations import backbones

# Images per step. On two cores 4 to 32 differ by less than a tenth with OpenVINO, and 8
# is 1.3 times as fast as 32 with TensorFlow.
BATCH_SIZES = {"CPU": 8, "GPU": 256, "TPU": 128}

N_THREADS = joblib.cpu_count()  # what this process may use, also in a container

MISSING = "OpenVINO is not here (pip install openvino)"
CONVERSION = 1  # raise it when networks are written down differently

_one_network = threading.Lock()
_kept = {}  # what it was built from: the network; one at most
_at_work = []  # processes that `prepare` has started


class Unavailable(RuntimeError):
    """OpenVINO cannot run a network here; the message says why."""


class TooLarge(ArithmeticError):
    """Half-precision numbers overflowed inside the network."""


def network(
    base, layers, *, batch_size=None, precision="float32", weights=None, progress=False
):
    """A function from images to the features of some layers of a backbone.

    base, layers: as in `build_backbone`; all layers with the same file of weights.
    batch_size: images per step, chosen for the device if None. weights: SHA-256 that
    the weights must have; a process keeps such a network for its next call. progress:
    whether to say how long the conversion took that is done once. Returns an object
    with `batch_size` that is called with uint8 images (m, side, side, 3), and gives a
    list of float32 arrays (m, width), one per layer.
    """
    with _one_network:
        key = (base, layers, batch_size, precision, weights)
        if key in _kept:
            return _kept[key]
        _kept.clear()
        if weights and weights != backbones.weights_digest(base, layers[0]):
            raise ValueError(
                f"the weights of {base} on {platform.node()} are not those of the "
                "machine that asked: give both the same file in KERAS_HOME."
            )
        found = None
        if precision == "float32" and not on_accelerator():
            try:
                found = _on_cpu(base, layers, batch_size, weights, progress)
            except Unavailable as error:
                say_once(f"{base} runs in Keras, which takes longer: {error}.")
        if found is None:
            n_rows = batch_size or BATCH_SIZES[keras.accelerator()]
            model = backbones.build_layers(base, layers, precision=precision)
            found = OnKeras(model, n_rows, precision)
        found = _Checked(found, base, layers[0], precision)
        if weights:
            _kept[key] = found
        return found


def network_of(name, key, build, batch_size, progress=False):
    """`network` for a model that is no backbone. Its arguments: see `converted`."""
    if not on_accelerator():
        try:
            model = converted(name, key, build, progress)
            return OnOpenVINO(model, ["layer:"], batch_size)
        except Unavailable as error:
            say_once(f"{name} runs in Keras, which takes longer: {error}.")
    model, _ = build()
    return OnKeras(model, batch_size)


def on_accelerator():
    """Whether Keras computes on a GPU or TPU; without importing it where none is."""
    return keras.accelerator_in_sight() and keras.accelerator() != "CPU"


@functools.cache
def say_once(sentence):
    """Warn of something that is the same for the rest of the process."""
    warnings.warn(sentence, stacklevel=3)


class _Checked:
    """A network with a look at its numbers: raises TooLarge or WeightsUnavailable."""

    def __init__(self, network, base, layer, precision):
        self.network, self.about = network, (base, layer, precision)
        self.batch_size = network.batch_size

    def __call__(self, images):
        rows = self.network(images)
        if not all(np.isfinite(block).all() for block in rows):
            base, layer, precision = self.about
            if precision != "float32":
                raise TooLarge(f"{base} makes numbers too large for {precision}")
            raise backbones.not_finite(base, layer)
        return rows


class OnKeras:
    """A Keras model with a list of outputs, run in batches of one size.

    Where the memory of a GPU runs out, it goes on with half as many images.
    """

    def __init__(self, model, batch_size, precision="float32"):
        self.model, self.batch_size, self.precision = model, batch_size, precision
        # Keras would compile it for a GPU: 5 to 10 s for each network and layer.
        model.jit_compile = False
        self.lock = threading.Lock()  # a worker may have several threads

    def __call__(self, images):
        with self.lock, keras.computing_in(self.precision):
            while True:
                size = self.batch_size
                starts = range(0, len(images), size)
                try:
                    parts = [self._batch(images[i : i + size]) for i in starts]
                except Exception as error:
                    if not _is_out_of_memory(error) or size == 1:
                        raise
                else:
                    return joined(parts)
                self.batch_size = size // 2
                say_once(
                    f"the memory of the GPU does not hold {size} images at a time: "
                    f"{size // 2} are taken."
                )

    def _batch(self, images):
        rows = self.model.predict_on_batch(_filled_up(images, self.batch_size))
        rows = rows if isinstance(rows, list | tuple) else [rows]
        return [np.asarray(block)[: len(images)].astype(np.float32) for block in rows]


def joined(parts):
    """Lists of one array per layer, of some images each, as one such list."""
    return [np.concatenate(blocks) for blocks in zip(*parts, strict=True)]


def _filled_up(images, n_rows):
    """A batch of n_rows: a smaller last one would compile the network once more."""
    batch = np.zeros((n_rows, *images.shape[1:]), images.dtype)
    batch[: len(images)] = images
    return batch


def _is_out_of_memory(error):
    kinds = "ResourceExhaustedError", "OutOfMemoryError"  # of TensorFlow, of PyTorch
    return type(error).__name__ in kinds or "RESOURCE_EXHAUSTED" in str(error)


class OnOpenVINO:
    """Some outputs of a converted network, on the CPU.

    model: an openvino.Model. outputs: names of its outputs, which have one row per
    image or are averaged over height and width.
    """

    def __init__(self, model, outputs, batch_size):
        openvino = _openvino()
        self.batch_size = batch_size
        (images,) = model.inputs
        model = openvino.Model(
            [_row_of(model, name) for name in outputs], [images.get_node()], "features"
        )
        shape = [batch_size, *list(images.partial_shape)[1:]]
        model.reshape({images: openvino.PartialShape(shape)})
        compiled = openvino.Core().compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",  # some CPUs would take bfloat16
                "INFERENCE_NUM_THREADS": N_THREADS,
                "PERFORMANCE_HINT": "LATENCY",  # one batch at a time
            },
        )
        self.request, self.n_outputs = compiled.create_infer_request(), len(outputs)
        self.batch = self.request.get_input_tensor().data
        self.lock = threading.Lock()

    def __call__(self, images):
        size = self.batch_size
        parts = [self._batch(images[i : i + size]) for i in range(0, len(images), size)]
        return joined(parts)

    def _batch(self, images):
        with self.lock:
            self.batch[: len(images)] = images
            self.request.infer()
            tensors = map(self.request.get_output_tensor, range(self.n_outputs))
            return [tensor.data[: len(images)].copy() for tensor in tensors]


def _row_of(model, name):
    """The output of this name as one row per image."""
    import openvino.opset8 as opset

    output = model.output(name).get_node().input_value(0)
    rank = output.partial_shape.rank.get_length()
    if rank == 4:
        output = opset.reduce_mean(output, np.array([1, 2]), keep_dims=False).output(0)
    elif rank != 2:
        raise ValueError(f"{output.partial_shape}, not one vector per image")
    return opset.result(output)


def _on_cpu(base, layers, batch_size, weights, progress):
    """`OnOpenVINO` of a backbone; raises Unavailable, or as `build_backbone` does."""
    key = _key(base, layers[0], weights)
    build = functools.partial(backbones.build_all_layers, base, layers[0])
    model = converted(base, key, build, progress)
    names = [layer or backbones.TABLE[base].default_layer for layer in layers]
    known = {
        name.removeprefix("layer:")
        for output in model.outputs
        for name in output.names
        if name.startswith("layer:")
    }
    for name in names:
        if name not in known:
            raise backbones.unknown_layer(base, name, known)
    outputs = [f"layer:{name}" for name in names]
    try:
        return OnOpenVINO(model, outputs, batch_size or BATCH_SIZES["CPU"])
    except ValueError as error:
        raise ValueError(f"{base}:{'|'.join(names)} gives {error}.") from error
    except RuntimeError as error:  # it is not made for this processor, say
        raise Unavailable(f"OpenVINO cannot run it ({_first_line(error)})") from error


def _key(base, layer, weights=None):
    """All that a converted backbone depends on; for `converted`."""
    weights = weights or backbones.weights_digest(base, layer)
    file = backbones.weights_file(base, layer).name  # with the classifier or not
    version = importlib.metadata.version("keras")
    return {"base": base, "file": file, "weights": weights, "keras": version}


def prepare(backbones_and_layers):
    """Start to convert backbones in another process, while this one does other work.

    Those that are in the cache, or lack their weights, are passed over.
    """
    missing = []
    for base, layer in backbones_and_layers:
        here = backbones.weights_state(base, layer) == "here"
        with contextlib.suppress(Unavailable, backbones.WeightsUnavailable):
            if here and not _folder(base, _key(base, layer)).exists():
                missing.append(f"{base}:{layer or ''}")
    if not missing or on_accelerator():
        return
    course = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (course, os.environ.get("PYTHONPATH"))))
    with contextlib.suppress(OSError):
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, *missing],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _at_work.append(process)


def _wait_for(folder):
    """Wait until a process of `prepare` has written a network, or all have ended."""
    while not folder.exists():
        _at_work[:] = [process for process in _at_work if process.poll() is None]
        if not _at_work:
            return
        time.sleep(0.05)


def _folder(name, key):
    """Where a network is kept."""
    try:  # without importing it: that takes long, and what it makes may be in the cache
        version = importlib.metadata.version("openvino")
    except importlib.metadata.PackageNotFoundError as error:
        raise Unavailable(MISSING) from error
    key = key | {"conversion": CONVERSION, "openvino": version}
    text = json.dumps(key, sort_keys=True)
    return networks_dir() / f"{name}-{files.digest(text)[:12]}"


def converted(name, key, build, progress=False):
    """A Keras network as an openvino.Model, from the cache or else converted.

    key: dict, fit for JSON, of all that it depends on. build: gives (model, outputs), a
    Keras model with one input and a list of outputs, and a name for each; it is called
    only if nothing is in the cache. Raises Unavailable.
    """
    openvino, folder = _openvino(), _folder(name, key)
    started = time.perf_counter()
    _wait_for(folder)
    with contextlib.suppress(RuntimeError):  # not there, or damaged
        return openvino.Core().read_model(folder / "network.xml")
    import_tensorflow()
    model, outputs = build()
    try:
        with keras.computing_in("float32"):
            found = _convert(model, outputs)
    except Exception as error:  # each converter has its own
        raise Unavailable(
            f"OpenVINO cannot convert it ({_first_line(error)})"
        ) from error
    _keep(found, folder)
    seconds = time.perf_counter() - started
    if progress:
        sentence = f"{name} is converted for the CPU, once: {seconds:.1f} s"
        tqdm.write(sentence, file=sys.stderr)
    return found


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def networks_dir():
    """The folder of converted networks."""
    return files.cache_dir() / "networks"


def _convert(model, outputs):
    """An openvino.Model whose outputs are called "layer:" and their names."""
    import tensorflow
    from tensorflow.python.framework import convert_to_constants as constants

    (images,) = model.inputs
    signature = [tensorflow.TensorSpec((None, *images.shape[1:]), images.dtype)]
    function = tensorflow.function(
        lambda batch: model(batch, training=False), input_signature=signature
    ).get_concrete_function()
    # As convert_variables_to_constants_v2, which then takes twice as long again to make
    # a function of the graph, with copies of all weights
    data = constants._FunctionConverterDataInEager(
        function, lower_control_flow=True, aggressive_inlining=False
    )
    graph, _ = constants._replace_variables_by_constants(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.pb")
        path.write_bytes(graph.SerializeToString())
        found = _openvino().Core().read_model(path)
    ports = {}  # of each result, by the names that TensorFlow gave it
    for output in found.outputs:
        for name in (*output.names, output.get_node().get_friendly_name()):
            ports[name.partition(":")[0]] = output
    for tensor, name in zip(function.outputs, outputs, strict=True):
        # Layers that only pass something on share their tensor: names are added.
        ports[tensor.name.partition(":")[0]].tensor.add_names({f"layer:{name}"})
    return found


def _keep(model, folder):
    """Write a converted network into the cache, whole or not at all."""
    temporary = None
    try:
        files.make_folder(folder.parent)
        temporary = Path(tempfile.mkdtemp(".part", ".", folder.parent))
        path = temporary / "network.xml"
        _openvino().save_model(model, path, compress_to_fp16=False)
        os.chmod(temporary, 0o755)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.replace(temporary, folder)
    # The disk is full, or another program was first.
    except (OSError, RuntimeError) as error:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        if not folder.exists():
            say_once(f"converted networks are not kept in {folder.parent} ({error}).")


def _openvino():
    """OpenVINO, which without openvino_telemetry tells nobody that it is imported.

    With it, each import would be reported to Google Analytics: not from a class.
    """
    sys.modules.setdefault("openvino_telemetry", None)
    try:
        import openvino
    except ImportError as error:
        raise Unavailable(MISSING) from error
    except (OSError, RuntimeError) as error:
        reason = f"OpenVINO does not start here ({_first_line(error)})"
        raise Unavailable(reason) from error
    return openvino


def import_tensorflow():
    """Raise Unavailable unless Keras computes with TensorFlow, which converts."""
    backend = keras.import_keras().backend.backend()
    if backend != "tensorflow":
        raise Unavailable(
            f"Keras is set to {backend}, and TensorFlow converts networks"
        )


def _main(names):
    """What the process of `prepare` does."""
    for name in names:
        base, _, layer = name.partition(":")
        with contextlib.suppress(Exception):  # a caller that needs it is told
            _on_cpu(base, (layer or None,), None, None, False)


if __name__ == "__main__":
    _main(sys.argv[1:])
