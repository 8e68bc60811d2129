"""Pretrained weights: real ones, half-downloaded ones, and none at all."""

import dataclasses
import hashlib
import shutil
import threading

import h5py
import numpy as np
import pooch
import pytest

from course_utils._support import downloads
from course_utils._support.keras import import_keras
from course_utils.images import datasets
from course_utils.representations import backbones, extraction, nouns

NOBODY = "http://127.0.0.1:9/"  # the port "discard", where nobody listens
NAMED_PICTURES = {
    "pictures/food/fruit/strawberry.jpg": "strawberry",
    "pictures/food/fruit/banana.jpg": "banana",
    "pictures/animals/mammals/equines/zebra.jpg": "zebra",
    "pictures/sports/basketball.jpg": "basketball",
}
keras = import_keras()


def some_stamps():
    found = datasets.load("stamps-all", progress=False)
    return found.subset([found.images.index(image) for image in NAMED_PICTURES])


def extract(representation, **options):
    return extraction.extract(some_stamps(), representation, progress=False, **options)


@pytest.fixture
def empty_home(tmp_path, monkeypatch, direct):
    """A KERAS_HOME without weights, and nobody who has them."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(backbones, "WEIGHTS_URL", NOBODY)
    return tmp_path / "keras"


@pytest.fixture
def half_downloaded(keras_home, empty_home, monkeypatch):
    """The whole weights file, and where the first half of it lies."""
    name = backbones.weights_file("MobileNetV2").name
    whole = (keras_home / "models" / name).read_bytes()
    monkeypatch.setenv("KERAS_HOME", str(empty_home))
    path = backbones.weights_file("MobileNetV2")
    path.parent.mkdir(parents=True)
    path.write_bytes(whole[: len(whole) // 2])
    return whole, path


def test_real_features_are_not_those_of_random_weights(keras_home):
    assert backbones.weights_state("MobileNetV2") == "here"
    assert backbones.backbone_table().loc["MobileNetV2", "weights"] == "here"
    found = extract("MobileNetV2")
    assert found.shape == (4, 1280)
    assert np.isfinite(found).all()
    pictures = np.stack([some_stamps().picture(i, 224) for i in range(4)])
    random = backbones.build_backbone("MobileNetV2", weights=None).predict_on_batch(
        pictures
    )
    assert not np.allclose(found, random, atol=0.1)
    path = backbones.weights_file("MobileNetV2")
    theirs = keras.applications.MobileNetV2(
        weights=str(path), include_top=False, pooling="avg"
    )
    expected = theirs.predict_on_batch(pictures / np.float32(127.5) - 1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_the_classifier_names_the_pictures(keras_home):
    path = backbones.weights_file("MobileNetV2", "predictions")
    pictures = np.stack([some_stamps().picture(i, 224) for i in range(4)])
    theirs = keras.applications.MobileNetV2(weights=str(path))
    expected = theirs.predict_on_batch(pictures / np.float32(127.5) - 1)
    names = np.array(nouns.imagenet_class_names())
    assert names[expected.argmax(axis=1)].tolist() == list(NAMED_PICTURES.values())
    found = extract("MobileNetV2:predictions")
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)


def is_unavailable(message, attempt):
    with pytest.raises(backbones.WeightsUnavailable, match=message) as caught:
        attempt()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("url", [NOBODY, "https://nowhere.invalid/"])
def test_missing_weights_without_network(empty_home, monkeypatch, url):
    monkeypatch.setattr(backbones, "WEIGHTS_URL", url)
    message = r"^VGG19: its weights are not here and .* cannot be reached"
    for attempt in (
        lambda: backbones.build_backbone("VGG19"),
        lambda: extract("VGG19:fc2"),
    ):
        said = is_unavailable(message, attempt)
        assert f"put {url}vgg19/vgg19_weights" in said
        assert str(empty_home / "models") in said
    assert not [path for path in empty_home.rglob("*") if path.is_file()]


def test_a_silent_server_of_weights(empty_home, serve, monkeypatch):
    address, _ = serve(silent=threading.Event())
    monkeypatch.setattr(backbones, "WEIGHTS_URL", address)
    monkeypatch.setattr(downloads, "TIMEOUT", (4, 0.2))
    is_unavailable(
        "MobileNetV2: its .*reached", lambda: backbones.build_backbone("MobileNetV2")
    )


def test_half_downloaded_weights_are_noticed_without_network(half_downloaded):
    whole, path = half_downloaded
    assert backbones.weights_state("MobileNetV2") == "damaged"
    assert backbones.backbone_table().loc["MobileNetV2", "weights"] == "damaged"
    is_unavailable("are only half downloaded", lambda: extract("MobileNetV2"))
    assert path.stat().st_size == len(whole) // 2


def test_half_downloaded_weights_are_fetched_again(half_downloaded, serve, monkeypatch):
    whole, path = half_downloaded
    address, asked = serve(whole)
    monkeypatch.setattr(backbones, "WEIGHTS_URL", address)
    found = extract("MobileNetV2", cache=False)
    assert asked == ["/" + backbones.TABLE["MobileNetV2"].weights]
    assert path.read_bytes() == whole
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert np.isfinite(found).all()
    assert backbones.weights_digest("MobileNetV2")
    assert len(asked) == 1


@pytest.mark.parametrize("missing", [0, 1000])
def test_weights_that_come_damaged_are_not_kept(
    empty_home, serve, monkeypatch, missing
):
    address, _ = serve(b"<html>log in to this network first</html>", missing=missing)
    monkeypatch.setattr(backbones, "WEIGHTS_URL", address)
    message = "was cut off" if missing else f"{address}mobilenet_v2/.* came damaged"
    is_unavailable(message, lambda: backbones.build_backbone("MobileNetV2"))
    assert backbones.weights_state("MobileNetV2") == "not here"
    assert not list((empty_home / "models").iterdir())


def test_an_address_of_weights_that_is_gone(empty_home, serve, monkeypatch):
    address, _ = serve(b"gone", status=404)
    monkeypatch.setattr(backbones, "WEIGHTS_URL", address)
    is_unavailable("answered 404", lambda: backbones.build_backbone("MobileNetV2"))


def test_a_missing_bundled_file_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(backbones, "__file__", str(tmp_path / "backbones.py"))
    is_unavailable("git restore", lambda: backbones.weights_digest("SqueezeNet"))


def test_weights_lie_where_keras_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    name = "vgg19_weights_tf_dim_ordering_tf_kernels.h5"
    assert backbones.weights_file("VGG19", "fc2") == tmp_path / "models" / name
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(backbones.Path, "home", lambda: tmp_path / "home")
    expected = tmp_path / "home" / ".keras" / "models" / "nasnet_mobile_no_top.h5"
    assert backbones.weights_file("NASNetMobile") == expected
    assert backbones.weights_state("NASNetMobile") == "not here"


def test_the_digest_follows_the_file(half_downloaded):
    whole, path = half_downloaded
    path.write_bytes(whole)
    first = backbones.weights_digest("MobileNetV2")
    top = backbones.weights_file("MobileNetV2", "predictions")
    shutil.copy(path, top)
    assert backbones.weights_digest("MobileNetV2", "predictions") == first
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert backbones.weights_digest("MobileNetV2") != first


@pytest.fixture
def published(half_downloaded, monkeypatch):
    """The whole weights file, where it belongs, and its hash in the table."""
    whole, path = half_downloaded
    row = backbones.TABLE["MobileNetV2"]

    def publish(kind):
        known = dataclasses.replace(row, hash=hashlib.new(kind, whole).hexdigest())
        monkeypatch.setitem(backbones.TABLE, "MobileNetV2", known)
        path.write_bytes(whole)
        return whole, path

    return publish


@pytest.mark.parametrize("kind", ["md5", "sha256"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_weights_damaged_inside_are_refused(published, kind, place):
    whole, path = published(kind)
    place = int(len(whole) * place)
    damaged = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
    path.write_bytes(damaged)
    said = is_unavailable(
        f"MobileNetV2: {path} is damaged or of another network: its {kind.upper()} is",
        lambda: extract("MobileNetV2"),
    )
    assert hashlib.new(kind, whole).hexdigest() in said and "Move it away" in said
    is_unavailable("is damaged", lambda: backbones.weights_digest("MobileNetV2"))
    assert path.read_bytes() == damaged  # it may be somebody's own


def test_whole_weights_are_checked_once(published, monkeypatch):
    published("md5")
    checked = []

    def file_hash(path, alg):
        checked.append(path)
        return real(path, alg)

    real = pooch.file_hash
    monkeypatch.setattr(backbones.pooch, "file_hash", file_hash)
    found = extract("MobileNetV2", cache=False)
    assert np.isfinite(found).all()
    assert backbones.weights_digest("MobileNetV2")
    assert len(checked) == 1


def test_weights_of_another_hash_are_not_kept(
    published, empty_home, serve, monkeypatch
):
    whole, path = published("md5")
    path.unlink()
    address, _ = serve(whole[:-1] + b"?")
    monkeypatch.setattr(backbones, "WEIGHTS_URL", address)
    is_unavailable("is damaged or has changed", lambda: extract("MobileNetV2"))
    assert not list(path.parent.iterdir())
    address, _ = serve(whole)
    monkeypatch.setattr(backbones, "WEIGHTS_URL", address)
    assert np.isfinite(extract("MobileNetV2", cache=False)).all()


def with_classifier(path, keras_home):
    shutil.copy(keras_home / "models" / f"{path.stem.removesuffix('_no_top')}.h5", path)


def half_as_wide(path, _):
    narrow = keras.applications.MobileNetV2(
        weights=None, include_top=False, alpha=0.5, input_shape=(96, 96, 3)
    )
    narrow.save_weights(path.with_name("narrow.weights.h5"))
    shutil.move(path.with_name("narrow.weights.h5"), path)


def nothing_in_it(path, _):
    h5py.File(path, "w").close()


@pytest.mark.parametrize("other", [with_classifier, half_as_wide, nothing_in_it])
def test_weights_of_another_network_are_named(
    half_downloaded, keras_home, empty_home, monkeypatch, other
):
    _, path = half_downloaded
    other(path, keras_home)
    monkeypatch.setenv("KERAS_HOME", str(empty_home))
    message = f"MobileNetV2: {path} is damaged or of another network"
    is_unavailable(message, lambda: extract("MobileNetV2"))
    assert path.exists()


def test_weights_that_are_no_numbers_leave_nothing_in_the_cache(
    half_downloaded, own_cache
):
    whole, path = half_downloaded
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        kernels = []
        file.visititems(
            lambda _, item: kernels.append(item) if hasattr(item, "dtype") else None
        )
        kernels[0][...] = np.nan
    is_unavailable("NaN or infinity: its weights in", lambda: extract("MobileNetV2"))
    assert not list(own_cache.rglob("*.npy"))
