"""Networks at work: OpenVINO gives what Keras does, which goes on where it cannot."""

import importlib.metadata
import os
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
from conftest import ROOT, encode, pixels

from course_utils._support import keras as support
from course_utils.images import datasets
from course_utils.representations import backbones, extraction, handcrafted, inference

SOME_LAYERS = {
    "EfficientNetLite0": (None, "stem_conv", "block2a_depthwise", "block5", "top"),
    "SqueezeNet": (None, "pictures", "conv1", "fire3", "scores", "top"),
    "MobileNetV2": (
        None,
        "Conv1",
        "block_3_expand_relu",
        "block_16_project",
        "out_relu",
    ),
}


@pytest.fixture
def fresh(own_cache):
    """An empty cache, and nothing that was said or kept before."""
    inference.say_once.cache_clear()
    inference._kept.clear()
    yield own_cache
    inference.say_once.cache_clear()
    inference._kept.clear()


@pytest.fixture(scope="module")
def stamps():
    return datasets.load("stamps", progress=False)


def batch_of(image_set, n, size):
    return np.stack([image_set.picture(i, size) for i in range(n)])


def agree(found, expected):
    """As the issue of a second engine asks: cosine and largest difference."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    largest = np.abs(expected).max()
    assert np.abs(found - expected).max() <= 1e-4 * largest
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1)[lengths > 0] / lengths[lengths > 0]
    assert cosines.size == 0 or cosines.min() >= 0.99999


@pytest.mark.parametrize("name", SOME_LAYERS)
def test_both_engines_give_the_same_features(name, stamps, keras_home):
    layers = SOME_LAYERS[name]
    images = batch_of(stamps, 11, 224)  # one batch and a piece
    network = inference.network(name, layers)
    assert isinstance(network.network, inference.OnOpenVINO)
    model = inference.OnKeras(backbones.build_layers(name, layers), 8)
    for found, expected in zip(network(images), model(images), strict=True):
        agree(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [n for n, row in backbones.TABLE.items() if not row.bundled and not row.from_hub],
)
def test_every_layer_of_every_network_can_be_named(name):
    """Without weights, and held against Keras in a dozen layers."""
    row = backbones.TABLE[name]
    support.import_keras().utils.set_random_seed(0)
    top = row.top_layers[0]
    model, names = backbones.build_all_layers(name, top, weights=None)
    assert backbones.layer_names(name) == {*names} - {""}
    converted = inference._convert(model, names)
    known = {n.removeprefix("layer:") for out in converted.outputs for n in out.names}
    assert backbones.layer_names(name) <= known
    chosen = np.linspace(0, len(names) - 1, 12).astype(int)
    shape = (2, row.input_size, row.input_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    some = [model.outputs[i] for i in chosen]
    expected = support.import_keras().Model(model.inputs, some)([images])
    outputs = [f"layer:{names[i]}" for i in chosen]
    found = inference.OnOpenVINO(converted, outputs, 2)(images)
    for whole, rows in zip(expected, found, strict=True):
        whole = np.asarray(whole)
        agree(rows, whole.mean((1, 2)) if whole.ndim == 4 else whole)


def test_clusters_of_the_stamps_are_the_same(stamps):
    from course_utils import clustering

    ours = extraction.extract(stamps, "EfficientNetLite0", progress=False)
    model = inference.OnKeras(backbones.build_layers("EfficientNetLite0", (None,)), 8)
    theirs = model(batch_of(stamps, len(stamps), 224))[0]
    agree(ours, theirs)
    for algorithm in ("l2+kmeans", "l2+ward"):
        labels = [clustering.cluster(x, algorithm, 7, 0) for x in (ours, theirs)]
        np.testing.assert_array_equal(*labels)


def test_once_converted_neither_keras_nor_tensorflow_is_imported(stamps, own_cache):
    extraction.extract(stamps.subset(range(2)), "SqueezeNet", progress=False)
    code = """
import sys
from course_utils import images, representations
some = images.load("stamps", progress=False).subset(range(12))
representations.extract(some, "SqueezeNet:fire5", cache=False, progress=False)
print({"keras", "tensorflow"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_nobody_is_told_that_openvino_is_used(own_cache, tmp_path):
    """Its package for that is installed with it, and writes an identifier at once."""
    importlib.metadata.version("openvino-telemetry")  # it is here
    code = """
import sys
from course_utils import images, representations
some = images.load("stamps", progress=False).subset(range(2))
representations.extract(some, "SqueezeNet", progress=False)
assert "openvino" in sys.modules
print(*(name for name in sys.modules if sys.modules[name] and "telemetry" in name))
"""
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"HOME": str(home), "USERPROFILE": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert all(name.startswith("openvino.tools") for name in done.stdout.split())
    assert not list(home.glob("intel*")) and not list(home.glob("*/*ga_cid"))


def test_a_damaged_converted_network_is_converted_again(stamps, fresh):
    some = stamps.subset(range(3))
    before = extraction.extract(some, "SqueezeNet", cache=False, progress=False)
    (folder,) = inference.networks_dir().iterdir()
    for damage in (b"", b"<net", (folder / "network.xml").read_bytes()[:5000]):
        (folder / "network.xml").write_bytes(damage)
        again = extraction.extract(some, "SqueezeNet", cache=False, progress=False)
        np.testing.assert_array_equal(again, before)
        assert len((folder / "network.xml").read_bytes()) > 5000
    assert [path.name for path in inference.networks_dir().iterdir()] == [folder.name]


def test_a_cache_that_cannot_be_written_is_said_and_done_without(
    stamps, fresh, monkeypatch
):
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_text("a file, where the cache should be", encoding="utf-8")
    with pytest.warns(UserWarning, match="converted networks are not kept in"):
        found = inference.network("SqueezeNet", (None,))(batch_of(stamps, 1, 224))
    assert np.isfinite(found[0]).all()


def no_openvino(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    return "OpenVINO is not here"


def another_backend(monkeypatch):
    backend = types.SimpleNamespace(backend=lambda: "jax")
    stand_in = types.SimpleNamespace(backend=backend)
    real = inference.keras
    names = {n: getattr(real, n) for n in dir(real) if not n.startswith("__")}
    other = types.SimpleNamespace(**names | {"import_keras": lambda: stand_in})
    monkeypatch.setattr(inference, "keras", other)
    return "Keras is set to jax"


def not_convertible(monkeypatch):
    def fails(*_):
        raise RuntimeError("no rule for Erfc\nand many more lines")

    monkeypatch.setattr(inference, "_convert", fails)
    return r"OpenVINO cannot convert it \(no rule for Erfc\)"


def not_compilable(monkeypatch):
    def fails(*_):
        raise RuntimeError("Unsupported CPU\nand many more lines")

    monkeypatch.setattr(inference, "OnOpenVINO", fails)
    return r"OpenVINO cannot run it \(Unsupported CPU\)"


@pytest.mark.parametrize(
    "trouble", [no_openvino, another_backend, not_convertible, not_compilable]
)
def test_where_openvino_cannot_keras_does_and_says_it_once(
    trouble, stamps, fresh, monkeypatch
):
    images = batch_of(stamps, 3, 224)
    expected = inference.OnKeras(backbones.build_layers("SqueezeNet", ("fire5",)), 8)
    why = trouble(monkeypatch)
    with pytest.warns(UserWarning, match=f"SqueezeNet runs in Keras.* {why}"):
        network = inference.network("SqueezeNet", ("fire5",))
    assert isinstance(network.network, inference.OnKeras)
    agree(network(images)[0], expected(images)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inference.network("SqueezeNet", ("fire5",))


@pytest.mark.parametrize("layer", ["fire55", "conv4_block6_out", ""])
def test_a_layer_that_is_not_there_is_named_with_its_neighbours(layer):
    if not layer:
        assert inference.network("SqueezeNet", ("",)).batch_size == 8  # the default one
        return
    with pytest.raises(
        ValueError, match=f"SqueezeNet has no layer '{layer}'"
    ) as caught:
        inference.network("SqueezeNet", (layer,))
    assert ("Did you mean fire5" in str(caught.value)) == (layer == "fire55")


class Small:
    """A stand-in for a network whose device holds `room` images."""

    def __init__(self, room, error):
        self.room, self.error, self.sizes = room, error, []

    def predict_on_batch(self, batch):
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise self.error
        return [batch.astype(np.float32).mean((1, 2))]


class ResourceExhaustedError(Exception):
    """Called as TensorFlow's."""


@pytest.mark.parametrize(
    "error",
    [
        ResourceExhaustedError("OOM when allocating tensor"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory"),
    ],
)
def test_a_batch_is_halved_where_memory_runs_out(error, fresh):
    images = np.random.default_rng(0).integers(0, 256, (70, 4, 4, 3), np.uint8)
    model = Small(20, error)
    network = inference.OnKeras(model, 64)
    with pytest.warns(UserWarning, match=r"(64|32) images at a time: (32|16)"):
        (found,) = network(images)
    np.testing.assert_allclose(found, images.mean((1, 2)), rtol=1e-6)
    assert network.batch_size == 16
    assert model.sizes == [64, 32, *[16] * 5]
    with pytest.raises(type(error)):
        inference.OnKeras(Small(0, error), 2)(images)
    with pytest.raises(KeyError):  # any other error is not for want of memory
        inference.OnKeras(Small(0, KeyError("x")), 64)(images)


def test_keras_does_not_compile_and_keeps_float32_whole():
    import tensorflow

    model = backbones.build_layers("SqueezeNet", (None,))
    inference.OnKeras(model, 8)
    assert model.jit_compile is False
    enabled = tensorflow.config.experimental.tensor_float_32_execution_enabled
    before = enabled()
    with support.computing_in("float32"):
        assert not enabled()
    assert enabled() == before
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


# Comparisons


@pytest.fixture
def seen(monkeypatch):
    """The networks that were made, and the sizes at which pictures were decoded."""
    made, sizes, real = [], [], inference.network
    decode = extraction.decoding.decode

    def network(base, layers, **how):
        made.append((base, layers))
        return real(base, layers, **how)

    def counted(data, size=None):
        sizes.append(size)
        return decode(data, size)

    monkeypatch.setattr(inference, "network", network)
    monkeypatch.setattr(extraction.decoding, "decode", counted)
    return types.SimpleNamespace(made=made, sizes=sizes)


NAMES = ["SqueezeNet:fire3", "lbp", "SqueezeNet", "hog", "SqueezeNet:fire5", "colour"]


def test_a_comparison_makes_a_network_once_and_decodes_once(stamps, own_cache, seen):
    some = stamps.subset(range(5))
    shared = extraction.Comparison(some, NAMES)
    found = {name: shared.extract(name, progress=False) for name in NAMES}
    assert seen.made == [("SqueezeNet", ("fire3", None, "fire5"))]
    assert sorted(seen.sizes) == [128] * 5 + [224] * 5  # hog and colour, the others
    for name in NAMES:
        alone = extraction.extract(some, name, cache=False, progress=False)
        # Alone, a network's last digits are others: its steps are joined otherwise.
        np.testing.assert_allclose(found[name], alone, rtol=1e-4, atol=1e-5)
        seen.sizes.clear()
        kept = extraction.extract(some, name, progress=False)  # each has its own store
        np.testing.assert_array_equal(kept, found[name])
        assert seen.sizes == []


@pytest.mark.parametrize("names", [["bovw", "bovw:tfidf"], ["bovw:tfidf", "bovw"]])
def test_bags_of_words_are_counted_once(names, stamps, own_cache, seen):
    some = stamps.subset(range(6))
    shared = extraction.Comparison(some, [*names, "hog"])
    found = {name: shared.extract(name, progress=False) for name in names}
    assert seen.sizes == [224] * 6  # for the words and for the bags
    np.testing.assert_array_equal(
        found["bovw:tfidf"], handcrafted.tf_idf(found["bovw"])
    )


def test_an_engine_is_asked_only_for_what_is_missing(stamps, own_cache, monkeypatch):
    some, asked = stamps.subset(range(4)), []

    def spread(function, tasks, engine):
        for task in tasks:
            asked.extend(task[0])
            yield task, function(task)

    monkeypatch.setattr(extraction.engines, "spread", spread)
    extraction.extract(some.subset([1]), "SqueezeNet", progress=False)
    found = extraction.extract(some, "SqueezeNet", engine="dask", progress=False)
    assert asked == [0, 2, 3]
    alone = extraction.extract(some, "SqueezeNet", cache=False, progress=False)
    np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-6)


def test_a_layer_that_is_not_there_stops_only_itself(stamps, own_cache):
    some = stamps.subset(range(2))
    names = ["SqueezeNet:fire3", "SqueezeNet:fire33", "SqueezeNet:fire5"]
    shared = extraction.Comparison(some, names)
    assert shared.extract("SqueezeNet:fire3", progress=False).shape == (2, 128)
    with pytest.raises(ValueError, match="no layer 'fire33'"):
        shared.extract("SqueezeNet:fire33", progress=False)
    assert shared.extract("SqueezeNet:fire5", progress=False).shape == (2, 256)


def test_layers_of_which_one_is_cached_for_some_images(stamps, own_cache, seen):
    extraction.extract(stamps.subset([1, 2]), "SqueezeNet:fire3", progress=False)
    some = stamps.subset([0, 2, 1])
    names = ["SqueezeNet:fire3", "SqueezeNet:fire5"]
    shared = extraction.Comparison(some, names)
    for name in names:
        alone = extraction.extract(some, name, cache=False, progress=False)
        found = shared.extract(name, progress=False)
        np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-6)
    counts = {"SqueezeNet--fire3": 3, "SqueezeNet--fire5": 3}
    for folder in (own_cache / "features").iterdir():
        digests = [
            d for f in folder.glob("*.txt") for d in f.read_text("utf-8").split()
        ]
        name = folder.name.rpartition("-")[0]
        assert len(digests) == len(set(digests)) == counts.pop(name)
    assert not counts


def test_decoded_images_are_kept_only_while_there_is_room(stamps, monkeypatch, seen):
    monkeypatch.setattr(extraction, "MAX_KEPT", 3 * 128 * 128 * 3)
    some = stamps.subset(range(5))
    shared = extraction.Comparison(some, ["hog", "colour"])
    for _ in range(2):
        for index in range(5):
            picture = shared.pictures.picture(index, 128)
            np.testing.assert_array_equal(picture, some.picture(index, 128))
    assert len(shared.pictures.kept) == 3
    assert len(seen.sizes) == 5 + 2 + 10  # the last ten are the test's own


def test_large_jpegs_give_nearly_the_same_features(monkeypatch, own_cache):
    """Decoded at a scale, the features of big photographs hardly change."""
    contents = {
        f"{seed}.jpg": encode(pixels(seed, 1500, 1200), "JPEG", quality=90)
        for seed in range(4)
    }
    found = {}
    for least in (10**9, 100_000):
        monkeypatch.setattr(extraction.decoding, "MIN_REDUCED", least)
        image_set = datasets.from_bytes("large", contents)
        found[least] = [
            extraction.extract(image_set, name, cache=False, progress=False)
            for name in ("raw", "hog", "SqueezeNet")
        ]
    assert (found[10**9][0] != found[100_000][0]).any()
    for whole, scaled in zip(*found.values(), strict=True):
        lengths = np.linalg.norm(whole, axis=1) * np.linalg.norm(scaled, axis=1)
        assert ((whole * scaled).sum(axis=1) / lengths).min() > 0.998


def test_sizes_are_those_that_representations_are_given():
    assert extraction._size("raw") == handcrafted.HANDCRAFTED["raw"][1]
    assert extraction._size("bovw") == handcrafted.BOVW_SIZE
    assert extraction._size("Xception") == 299


def test_networks_are_converted_in_another_process_meanwhile(own_cache):
    """So the one that compares never imports TensorFlow, the first time either."""
    code = """
import sys
from course_utils import experiments, images
some = images.load("stamps", progress=False).subset(range(12))
names = ["colour", "SqueezeNet", "SqueezeNet:fire3"]
results, _ = experiments.run(some, names, "l2+ward", progress=False)
print(len(results), {"keras", "tensorflow"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "3 set()", done.stderr
    assert len(list((own_cache / "networks").iterdir())) == 1


def test_a_process_that_ends_without_a_network_is_not_waited_for(
    stamps, fresh, monkeypatch
):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    names = ["colour", "SqueezeNet"]
    shared = extraction.Comparison(stamps.subset(range(2)), names)
    for name in names:
        assert np.isfinite(shared.extract(name, progress=False)).all()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    inference.prepare([("SqueezeNet", None), ("EfficientNetLite0", None)])
    assert not inference._at_work
