"""Extraction: names, order, duplicates, and what the cache may and may not change."""

import collections
import functools
import os
import re
import subprocess
import sys
import time
import types

import numpy as np
import pytest
from conftest import ROOT, picture_bytes
from tqdm import tqdm

from course_utils._support import files as files_module
from course_utils._support import keras
from course_utils.images import datasets
from course_utils.representations import (
    backbones,
    cache,
    extraction,
    handcrafted,
    inference,
)


def image_set(n=10, name="made", start=0):
    contents = {
        f"{i}.png": picture_bytes(size=(48, 48), seed=i) for i in range(start, n)
    }
    return datasets.from_bytes(name, contents)


def extract(pictures, representation="colour", **options):
    return extraction.extract(pictures, representation, progress=False, **options)


@pytest.fixture
def computed(monkeypatch, own_cache):
    """A list that grows by the indices that are computed; with an empty cache."""
    done, compute = [], extraction.compute

    def counted(pictures, indices, *rest, **how):
        done.extend(indices)
        return compute(pictures, indices, *rest, **how)

    monkeypatch.setattr(extraction, "compute", counted)
    return done


def files(own_cache):
    return sorted(p.name for p in own_cache.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("raw", ("raw", None)),
        ("bovw", ("bovw", None)),
        ("bovw:tfidf", ("bovw", "tfidf")),
        ("VGG19", ("VGG19", None)),
        ("VGG19:fc2", ("VGG19", "fc2")),
        ("EfficientNetLite0:block5", ("EfficientNetLite0", "block5")),
    ],
)
def test_names_of_representations(name, parts):
    assert extraction.parse(name) == parts


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("VGG91", "'VGG91': did you mean VGG19"),
        ("vgg19:fc2", "'vgg19': did you mean VGG19"),
        ("color", "did you mean colour"),
        ("HOG", "did you mean hog"),
        ("?", r"no representation '\?': Known are raw, colour"),
        ("", "no representation ''"),
        ("hog:4", "hog has no layers: write 'hog'"),
        ("bovw:idf", "bovw has no layers"),
        ("raw:tfidf", "raw has no layers"),
    ],
)
def test_wrong_names_are_refused_before_any_work(name, message, computed):
    for attempt in (extraction.parse, lambda n: extract(image_set(2), n)):
        with pytest.raises(ValueError, match=message):
            attempt(name)
    assert computed == []


@pytest.mark.parametrize("batch_size", [0, -32, 3, 100, 200])
def test_batch_sizes_that_do_not_divide_a_chunk_are_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size={batch_size}: take 32, or a div"):
        extract(image_set(2), batch_size=batch_size)


def test_rows_follow_the_image_set(own_cache):
    pictures = image_set(300)  # more than two chunks
    expected = np.stack(
        [handcrafted.colour(pictures.picture(i, 128)) for i in range(300)]
    )
    for options in ({"cache": False}, {}, {}, {"batch_size": 1}):
        np.testing.assert_array_equal(extract(pictures, **options), expected)
    mixed = np.random.default_rng(0).permutation(300)
    np.testing.assert_array_equal(extract(pictures.subset(mixed)), expected[mixed])


@pytest.mark.parametrize("representation", ["SqueezeNet", "colour"])
def test_the_progress_says_who_waits_for_whom(
    representation, own_cache, monkeypatch, capsys
):
    decode = extraction.decoding.decode

    def slow(*arguments):
        time.sleep(0.2)
        return decode(*arguments)

    def at_once(total, what, progress, unit="images"):
        return tqdm(total=total, desc=what, unit=unit, mininterval=0)

    pictures = image_set(4)
    monkeypatch.setattr(extraction.decoding, "decode", slow)
    monkeypatch.setattr(extraction, "progress_bar", at_once)
    extraction.extract(pictures, representation)
    said = re.findall(r"decoding (\d+)/s, network ([\d,]+)/s", capsys.readouterr().err)
    assert bool(said) == (representation == "SqueezeNet")
    assert all(int(decoding) <= extraction.N_THREADS / 0.2 for decoding, _ in said)


def test_equal_pictures_are_computed_once(computed):
    one, two = picture_bytes(seed=1), picture_bytes(seed=2)
    contents = {"a.png": one, "b.png": two, "c.png": one, "d.png": one}
    found = extract(datasets.from_bytes("twins", contents))
    assert computed == [0, 1]
    np.testing.assert_array_equal(found[[0, 0, 0, 1]], found[[0, 2, 3, 1]])
    assert (found[0] != found[1]).any()


def test_pictures_are_found_by_content_in_any_image_set(computed):
    first = extract(image_set(10))
    assert computed == list(range(10))
    computed.clear()
    cached = extract(image_set(10))
    assert cached.tobytes() == first.tobytes()
    assert cached.tobytes() == extract(image_set(10), cache=False).tobytes()
    computed.clear()
    np.testing.assert_array_equal(extract(image_set(10).subset([7, 2])), first[[7, 2]])
    np.testing.assert_array_equal(extract(image_set(10, "other", 4)), first[4:])
    assert computed == []
    bigger = extract(image_set(12, "more"))
    assert computed == [10, 11]
    np.testing.assert_array_equal(bigger[:10], first)


def test_without_cache_nothing_is_written_or_read(computed, own_cache):
    extract(image_set(), cache=False)
    assert files(own_cache) == []
    extract(image_set())
    assert len(files(own_cache)) == 3  # one chunk of two files, and about.json
    computed.clear()
    extract(image_set(), cache=False)
    assert len(computed) == 10


def test_another_recipe_version_or_representation_is_another_store(
    computed, monkeypatch
):
    extract(image_set())
    extract(image_set(), "raw")
    assert len(computed) == 20
    monkeypatch.setattr(extraction, "RECIPE", extraction.RECIPE + 1)
    extract(image_set())
    assert len(computed) == 30
    monkeypatch.setattr(extraction.cv2, "__version__", "0.0")
    extract(image_set())
    assert len(computed) == 40
    folders = cache.entries()["representation"]
    assert collections.Counter(folders) == {"colour": 3, "raw": 1}


def test_another_layer_or_other_weights_are_another_store(computed, monkeypatch):
    def network(batch):
        return [batch.mean((1, 2)).astype(np.float32)]

    network.batch_size = 2
    monkeypatch.setattr(inference, "network", lambda *_, **how: network)
    extract(image_set(2), "SqueezeNet")
    extract(image_set(2), "SqueezeNet:fire5")
    assert len(computed) == 4
    extract(image_set(2), "SqueezeNet")
    assert len(computed) == 4
    monkeypatch.setattr(backbones, "weights_digest", lambda *_: "another")
    extract(image_set(2), "SqueezeNet")
    assert len(computed) == 6


def test_visual_words_belong_to_their_image_set(computed, monkeypatch):
    few_words = functools.partial(handcrafted.fit_codebook, n_words=9)
    monkeypatch.setattr(handcrafted, "fit_codebook", few_words)
    pictures = datasets.load("stamps", progress=False).subset(slice(0, 8))
    extract(pictures, "bovw")
    computed.clear()
    extract(pictures, "bovw")
    assert computed == []
    half = extract(pictures.subset(slice(0, 4)), "bovw")
    assert computed == [0, 1, 2, 3]
    fresh = extract(pictures.subset(slice(0, 4)), "bovw", cache=False)
    np.testing.assert_array_equal(half, fresh)


@pytest.fixture(scope="module")
def of_a_network():
    return extract(image_set(40), "SqueezeNet", cache=False)


@pytest.mark.parametrize("batch_size", [16, 32, 64])
def test_features_of_a_network_do_not_depend_on_the_batch(of_a_network, batch_size):
    found = extract(image_set(40), "SqueezeNet", cache=False, batch_size=batch_size)
    assert found.shape == (40, 512)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, of_a_network, rtol=1e-4, atol=1e-4)


def test_features_of_a_network_are_those_of_its_pictures(of_a_network):
    pictures = image_set(40)
    model = backbones.build_backbone("SqueezeNet")
    batch = np.stack([pictures.picture(i, 224) for i in (0, 17, 39)])
    expected = model.predict_on_batch(batch)
    np.testing.assert_allclose(
        of_a_network[[0, 17, 39]], expected, rtol=1e-4, atol=1e-4
    )


def test_a_network_alone_gives_what_extract_gives(of_a_network):
    network, side = extraction.load_network("SqueezeNet")
    batch = np.stack([image_set(40).picture(i, side) for i in range(40)])
    np.testing.assert_allclose(network(batch), of_a_network, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="hog is computed without a network"):
        extraction.load_network("hog")


def test_an_error_in_the_middle_keeps_what_was_done(computed, monkeypatch):
    pictures = image_set(300)
    colour = handcrafted.colour
    calls = collections.Counter()

    def fails_late(picture):
        calls["all"] += 1
        if calls["all"] == 280:
            raise MemoryError("made up")
        return colour(picture)

    monkeypatch.setitem(handcrafted.HANDCRAFTED, "colour", (fails_late, 128))
    with pytest.raises(MemoryError, match="made up"):
        extract(pictures)
    computed.clear()
    monkeypatch.setitem(handcrafted.HANDCRAFTED, "colour", (colour, 128))
    found = extract(pictures)
    assert computed == list(range(2 * extraction.CHUNK, 300))
    np.testing.assert_array_equal(found, extract(pictures, cache=False))


def test_an_empty_image_set_is_refused(computed):
    with pytest.raises(ValueError, match="made holds no picture"):
        extract(image_set(3).subset([]))
    assert computed == []


def test_an_unknown_precision_is_refused(computed):
    with pytest.raises(ValueError, match="choose one of float32, mixed_float16"):
        extract(image_set(2), precision="float16")
    assert computed == []


def test_half_precision_where_there_is_a_gpu(monkeypatch):
    choose = extraction.choose_precision
    monkeypatch.setattr(keras, "accelerator_in_sight", lambda: True)
    monkeypatch.setattr(keras, "accelerator", lambda: "GPU")
    assert choose("SqueezeNet") == "mixed_float16"
    assert choose("SqueezeNet", "float32") == "float32"
    assert choose("hog") == "float32"
    monkeypatch.setattr(keras, "accelerator", lambda: "CPU")
    assert choose("SqueezeNet") == "float32"


@pytest.mark.parametrize(
    "name",
    [
        "SqueezeNet",
        pytest.param("EfficientNetLite0", marks=pytest.mark.slow),
        pytest.param("MobileNetV2", marks=pytest.mark.slow),
    ],
)
def test_half_precision_gives_nearly_the_same_features(name, keras_home, own_cache):
    pictures = datasets.load("stamps", progress=False).subset(slice(0, 193, 24))
    whole = extract(pictures, name)
    half = extract(pictures, name, precision="mixed_float16")
    assert half.dtype == np.float32
    assert (half != whole).any()  # else it was not computed so
    lengths = np.linalg.norm(half, axis=1) * np.linalg.norm(whole, axis=1)
    cosines = (half * whole).sum(axis=1) / lengths
    assert cosines.min() >= 1 - extraction.TOLERANCE
    np.testing.assert_array_equal(extract(pictures, name), whole)  # a store of its own


def test_numbers_too_large_for_half_precision_are_computed_in_full(
    monkeypatch, own_cache
):
    def build(name, layers, precision):
        def predict_on_batch(batch):
            rows = batch.mean((1, 2)) * 1000
            return [rows.astype(np.float16) if precision != "float32" else rows]

        return types.SimpleNamespace(predict_on_batch=predict_on_batch)

    monkeypatch.setattr(inference, "on_accelerator", lambda: True)
    monkeypatch.setattr(backbones, "build_layers", build)
    with (
        np.errstate(over="ignore"),
        pytest.warns(UserWarning, match="SqueezeNet .* for mixed_float16: .* float32"),
    ):
        found = extract(image_set(5), "SqueezeNet", precision="mixed_float16")
    np.testing.assert_array_equal(found, extract(image_set(5), "SqueezeNet"))
    assert found.max() > 70_000
    warned = {path.parent.name for path in own_cache.rglob("*.npy")}
    assert len(warned) == 1  # nothing of the half precision was kept


def test_large_features_lie_on_disk(monkeypatch, own_cache):
    small = extract(image_set(9))
    monkeypatch.setattr(files_module, "MAX_IN_MEMORY", small.size - 1)
    large = extract(image_set(9))
    assert isinstance(large, np.memmap)
    assert not isinstance(small, np.memmap)
    np.testing.assert_array_equal(large, small)
    assert not list(own_cache.rglob("rows-*"))  # it goes with the array


@pytest.mark.slow  # each worker imports Keras
def test_an_engine_gives_the_same_features_to_the_last_bit(own_cache):
    pictures = datasets.load("stamps", progress=False).subset(slice(0, 70))
    here = extract(pictures, "SqueezeNet", cache=False)
    there = extract(pictures, "SqueezeNet", engine="dask")
    assert there.tobytes() == here.tobytes()
    again = extract(pictures, "SqueezeNet", engine="tcp://127.0.0.1:1")
    assert again.tobytes() == here.tobytes()  # all in the cache: nobody is asked


def test_only_a_stream_has_another_place_for_its_features(computed):
    with pytest.raises(ValueError, match=r"to= is for a stream"):
        extract(image_set(2), to="somewhere")
    assert computed == []


def test_what_is_in_the_cache_needs_no_keras(own_cache):
    pictures = datasets.load("stamps", progress=False).subset(slice(0, 3))
    extract(pictures, "SqueezeNet")
    code = """
import sys
from course_utils import images, representations
pictures = images.load("stamps", progress=False).subset(slice(0, 3))
representations.extract(pictures, "SqueezeNet", progress=False)
assert "keras" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_on_a_full_disk_large_features_stay_in_memory(monkeypatch, own_cache):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files_module, "MAX_IN_MEMORY", 1)
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    found = extract(image_set(3))
    assert not isinstance(found, np.memmap)
    assert found.shape == (3, 128)
