"""Every network of the table: wiring, addresses of its weights, preprocessing, layers.

Without any weights: each network is built with random ones.
"""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from course_utils._support.keras import accelerator, import_keras
from course_utils.images import datasets
from course_utils.representations import backbones, bundled, extraction

keras = import_keras()
FROM_KERAS = [
    name
    for name, row in backbones.TABLE.items()
    if not row.bundled and not row.from_hub  # those: test_hub.py
]


@pytest.fixture
def asked(monkeypatch):
    """Let Keras think it gets weights; the list grows by what it asks for."""
    files = []

    def get_file(fname=None, origin=None, file_hash=None, **_):
        files.append((fname, origin, file_hash or ""))
        return "nowhere.h5"

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    monkeypatch.setattr(backbones, "fetch_weights", lambda *_: "imagenet")
    return files


def inside(model):
    """The network proper, without the preprocessing, and what is fed into it."""
    network = model.layers[-1]
    return network, network._inbound_nodes[-1].input_tensors[0]


def expected_preprocessing(row, pictures):
    if row.bundled:
        name = {"EfficientNetLite0": "efficientnet_lite0", "SqueezeNet": "squeezenet"}
        return getattr(bundled, f"preprocess_{name[row.name]}")(pictures)
    module = importlib.import_module(f"keras.applications.{row.module}")
    return module.preprocess_input(pictures.astype(np.float32))


def looks_right(name, model):
    """What the table says of a network is true of the model."""
    row = backbones.TABLE[name]
    assert model.name == name
    assert model.input_shape == (None, row.input_size, row.input_size, 3)
    assert model.input.dtype == "uint8"
    assert model.output_shape == (None, row.width)
    assert model.count_params() == row.parameters
    network, fed = inside(model)
    shape = (1, row.input_size, row.input_size, 3)
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = keras.Model(model.input, fed).predict_on_batch(pictures)
    expected = expected_preprocessing(row, pictures)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    return backbones._layers(network, row)


IN_EVERY_RUN = ("MobileNetV2", "VGG19", "Xception")  # building all takes a minute


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.slow)
        for name in FROM_KERAS
    ],
)
def test_a_network_of_keras(name, asked):
    row = backbones.TABLE[name]
    without_top = looks_right(name, backbones.build_backbone(name))
    classifier = next(n for n in row.top_layers if n.endswith(("predictions", "dense")))
    model = backbones.build_backbone(name, classifier)
    assert model.output_shape == (None, 1000)
    with_top = backbones._layers(inside(model)[0], row)
    assert set(with_top) - set(without_top) <= set(row.top_layers) <= set(with_top)
    url = backbones.WEIGHTS_URL
    files = [backbones.weights_file(name, x).name for x in (None, row.top_layers[0])]
    assert asked == [
        (files[0], url + row.weights, row.hash),
        (files[1], url + row.weights_top, row.hash_top),
    ]


@pytest.mark.parametrize("name", backbones.BUNDLED)
def test_a_bundled_network(name):
    row = backbones.TABLE[name]
    model = backbones.build_backbone(name, weights=None)
    network = looks_right(name, model)
    assert row.default_layer in network
    listed = backbones.backbone_layers(name)
    assert set(network) - {"global_average_pooling2d"} < set(listed)
    assert tuple(listed["top"]) == (None, 1000)


def test_the_table():
    table = backbones.backbone_table()
    assert list(table.index) == list(backbones.TABLE)
    assert list(table.columns) == [
        *("year", "trained_on", "input_size", "width", "parameters", "download_mb"),
        *("licence", "paper", "weights"),
    ]
    assert list(table.index[:2]) == list(backbones.BUNDLED)
    assert list(table.index[2:12]) == list(backbones.TEN)
    assert table.loc["VGG19", ["input_size", "width"]].tolist() == [224, 512]
    assert list(table.index[-5:]) == list(backbones.MODERN[1:])
    assert set(backbones.MODERN) <= set(table.index)
    megabytes = (
        table["parameters"] * 4 / 1e6
    )  # float32; the towers for texts come on top
    assert (table["download_mb"] > megabytes - 1)[2:].all()
    of_keras = table.loc[FROM_KERAS]
    assert (of_keras["download_mb"] < megabytes[FROM_KERAS] + 1).all()
    assert table["trained_on"].str.contains("images").all()
    assert (table.loc[list(backbones.BUNDLED), "weights"] == "bundled").all()
    assert (table.loc[list(backbones.BUNDLED), "download_mb"] == 0).all()
    states = {"here", "not here", "damaged"}
    assert set(table["weights"].iloc[2:]) <= states
    assert table["paper"].str.fullmatch(r"arXiv:\d{4}\.\d{4,5}").all()
    assert table["licence"].str.len().min() > 0


@pytest.mark.parametrize(
    ("name", "layer", "width"),
    [
        ("ResNet50", "conv4_block6_out", 1024),  # 14 × 14 places, averaged
        ("VGG19", "fc2", 4096),
        ("MobileNet", "reshape", 1000),
        ("EfficientNetLite0", "block5", 112),
        ("SqueezeNet", "scores", 1000),
    ],
)
def test_features_of_a_layer_by_name(name, layer, width):
    assert backbones.build_backbone(name, layer, weights=None).output_shape == (
        None,
        width,
    )


def test_a_layer_with_places_is_averaged_over_them():
    model = backbones.build_backbone("SqueezeNet", "fire5")
    network, _ = inside(model)
    pictures = np.random.default_rng(0).integers(
        0, 256, (2, 224, 224, 3), dtype="uint8"
    )
    whole = keras.Model(network.input, network.get_layer("fire5").output)
    places = whole.predict_on_batch(bundled.preprocess_squeezenet(pictures))
    assert places.ndim == 4
    found = model.predict_on_batch(pictures)
    np.testing.assert_allclose(found, places.mean(axis=(1, 2)), rtol=1e-4, atol=1e-3)


def test_preprocessing_can_be_left_out():
    pictures = np.random.default_rng(0).integers(
        0, 256, (1, 224, 224, 3), dtype="uint8"
    )
    model = backbones.build_backbone("SqueezeNet", preprocess=False)
    _, fed = inside(model)
    found = keras.Model(model.input, fed).predict_on_batch(pictures)
    np.testing.assert_array_equal(found, pictures.astype(np.float32))
    usual = backbones.build_backbone("SqueezeNet").predict_on_batch(pictures)
    assert not np.allclose(model.predict_on_batch(pictures), usual, rtol=0.01)


def test_layers_that_keras_numbers_keep_their_names_within_a_session():
    first, second = (backbones.backbone_layers("InceptionV3") for _ in range(2))
    assert first == second
    for stem in ("activation", "batch_normalization", "conv2d"):
        numbered = {stem, *(f"{stem}_{number}" for number in range(1, 94))}
        assert {n for n in first if n.startswith(stem)} == numbered


@pytest.mark.parametrize(
    ("name", "layer", "message"),
    [
        ("VGG19", "fc3", "VGG19 has no layer 'fc3'. Did you mean fc[12] or fc[12]"),
        ("SqueezeNet", "fire10", "Did you mean fire"),
        ("VGG16", "xyz", r"'xyz'. representations\.backbone_layers\('VGG16'\)"),
    ],
)
def test_an_unknown_layer_is_refused_with_the_nearest(name, layer, message):
    with pytest.raises(ValueError, match=message):
        backbones.build_backbone(name, layer, weights=None)


def test_the_accelerator():
    assert accelerator() in ("CPU", "GPU", "TPU")
    if not keras.distribution.list_devices("gpu"):
        assert accelerator() != "GPU"


@pytest.mark.slow  # those of Keras are held against them in test_inference.py
@pytest.mark.parametrize("name", [n for n in backbones.TABLE if n not in FROM_KERAS])
def test_the_listed_layers_are_those_of_the_network(name):
    assert backbones.layer_names(name) == set(backbones.backbone_layers(name))


SETTINGS = {
    "mixed_float16": lambda config: config.set_dtype_policy("mixed_float16"),
    "mixed_bfloat16": lambda config: config.set_dtype_policy("mixed_bfloat16"),
    "floatx 16": lambda config: config.set_floatx("float16"),
    "floatx 64": lambda config: config.set_floatx("float64"),
    "channels_first": lambda config: config.set_image_data_format("channels_first"),
}


@pytest.fixture
def user_settings():
    """user_settings(name) sets what a user may have set; it is undone at the end."""
    config = import_keras().config
    before = config.dtype_policy(), config.floatx(), config.image_data_format()
    yield lambda name: SETTINGS[name](config)
    config.set_floatx(before[1])
    config.set_dtype_policy(before[0])
    config.set_image_data_format(before[2])


def settings_now():
    config = import_keras().config
    return config.dtype_policy().name, config.floatx(), config.image_data_format()


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["SqueezeNet", "EfficientNetLite0:stem"])
def test_features_do_not_depend_on_the_settings_of_keras(name, setting, user_settings):
    found = stamps_of(name)
    user_settings(setting)
    before = settings_now()
    under = stamps_of(name)
    assert settings_now() == before  # the user's own networks keep them
    assert under.dtype == np.float32
    np.testing.assert_array_equal(under, found)


def stamps_of(representation):
    stamps = datasets.load("stamps", progress=False).subset(range(3))
    return extraction.extract(stamps, representation, cache=False, progress=False)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    ("name", "layer"), [("VGG16", "block1_pool"), ("MobileNet", "conv_pw_1")]
)
def test_networks_of_keras_are_built_alike_under_any_setting(
    name, layer, setting, user_settings
):
    def build():
        import_keras().utils.set_random_seed(0)
        return backbones.build_backbone(name, layer, weights=None)

    size = backbones.TABLE[name].input_size
    pictures = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    model = build()
    expected = np.asarray(model.predict_on_batch(pictures))
    user_settings(setting)
    under = build()
    found = np.asarray(under.predict_on_batch(pictures))
    assert under.output_shape == model.output_shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("setting", ["mixed_float16", "channels_first"])
def test_layers_are_listed_alike_under_any_setting(setting, user_settings):
    expected = backbones.backbone_layers("MobileNetV2")
    user_settings(setting)
    assert backbones.backbone_layers("MobileNetV2") == expected


def test_half_precision_is_a_choice_of_the_call_not_of_the_settings(user_settings):
    def kinds(precision):
        model = backbones.build_backbone("SqueezeNet", precision=precision)
        return {layer.compute_dtype for layer in inside(model)[0].layers}, model.dtype

    full, half = kinds("float32"), kinds("mixed_float16")
    assert full[0] == {"float32"} and "float16" in half[0]
    user_settings("mixed_bfloat16")
    assert kinds("float32") == full
    assert kinds("mixed_float16") == half


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"backend": "jax"}', "No module named 'jax'"),
        ('{"backend": "theano"}', "theano"),
        ('{"floatx": "float8"}', "keras.json"),
        ('{"image_data_format": "last"}', "keras.json"),
    ],
)
def test_settings_that_keras_cannot_use_name_their_file(tmp_path, settings, words):
    if "jax" in words and importlib.util.find_spec("jax"):
        pytest.skip("jax is installed")
    (tmp_path / "keras.json").write_text(settings, encoding="utf-8")
    code = "from course_utils._support.keras import import_keras; import_keras()"
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: Keras cannot start")
    assert words in last and str(tmp_path / "keras.json") in last
