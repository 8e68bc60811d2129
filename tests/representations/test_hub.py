"""Networks of KerasHub: small presets with random weights through the real loader."""

import json
import sys

import numpy as np
import pytest
import requests
from sample_submissions import hand_in
from scipy.special import erf, softmax
from small_sets import coloured, contents, write_folder

from course_utils import __main__, clustering
from course_utils._support import downloads
from course_utils._support.keras import import_keras
from course_utils.experiments import runs
from course_utils.homework import replay, review, submission, submission_file
from course_utils.representations import backbones, extraction, hub, inference

NAMES = [name for name, row in backbones.TABLE.items() if row.from_hub]
MOSTLY_SLOW = [  # one of a kind in every run
    pytest.param(name, marks=() if name == "DINOv2S" else pytest.mark.slow)
    for name in NAMES
]
SMALL = {"hidden_dim": 16, "num_layers": 2, "num_heads": 2, "intermediate_dim": 24}
SHAPE = (224, 224, 3)
SCALE, OFFSET = [0.011, 0.012, 0.013], [-1.9, -2.0, -2.1]


@pytest.fixture(scope="module")
def keras_hub():
    import_keras()
    return pytest.importorskip("keras_hub")


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """An empty cache of KerasHub, and no network."""

    def refuse(*_, **__):
        raise requests.ConnectionError("no route")

    hub.fetch_preset.cache_clear()
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(requests, "head", refuse)
    return tmp_path / "hub"


def random_network(keras_hub, name):
    """A network of the kind of `name`, much smaller and with random weights."""
    import_keras().utils.set_random_seed(1)
    models, size = keras_hub.models, hub.SIZES[name]["patch_size"]
    if name.startswith("DINO"):
        kind = backbones.TABLE[name].module.removeprefix(hub.MODULE)
        # The published sizes: positions are learnt on 518 pixels and used on 224
        extra = {"position_embedding_shape": (518, 518, 3)} if "v2" in name else {}
        network = getattr(models, kind)(size, image_shape=SHAPE, **SMALL, **extra)
    elif name.startswith("CLIP"):
        vision = models.CLIPVisionEncoder(size, image_shape=SHAPE, **SMALL)
        text = models.CLIPTextEncoder(8, embedding_dim=16, **SMALL)
        network = models.CLIPBackbone(vision, text, 8)
    else:
        vision = models.SigLIPVisionEncoder(size, image_shape=SHAPE, **SMALL)
        text = models.SigLIPTextEncoder(8, embedding_dim=16, **SMALL)
        network = models.SigLIPBackbone(vision, text)
    generator = np.random.default_rng(0)
    network.set_weights(
        [
            w if w.dtype.kind != "f" else w + generator.normal(0, 0.1, w.shape)
            for w in network.get_weights()
        ]
    )
    return network


@pytest.fixture
def preset(keras_hub, hub_cache):
    """preset(name) puts a small preset where KerasHub keeps the published one."""

    def put(name, converter=True):
        network = random_network(keras_hub, name)
        folder = hub.preset_folder(backbones.TABLE[name].weights)
        network.save_to_preset(str(folder))
        if converter:
            kind = backbones.TABLE[name].module.removeprefix(hub.MODULE)
            make = getattr(keras_hub.layers, kind.replace("Backbone", "ImageConverter"))
            found = make(image_size=(224, 224), scale=SCALE, offset=OFFSET)
            found.save_to_preset(str(folder))
        return type(network).from_preset(str(folder))

    return put


def pictures(n=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *SHAPE), np.uint8)


def tokens_of(network, images):
    """What KerasHub itself gives for prepared images: its last tokens."""
    name = type(network).__name__
    if name.startswith("DINO"):
        return np.asarray(network.predict_on_batch(images))
    vision = network.vision_encoder
    if name.startswith("CLIP"):
        return np.asarray(vision.predict_on_batch(images))
    keras = import_keras()
    last = keras.Model(vision.inputs, vision.post_layer_norm.output)
    return np.asarray(last.predict_on_batch(images))


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_the_tokens_of_kerashub(name, preset):
    network, images = preset(name), pictures()
    prepared = (images * np.array(SCALE) + OFFSET).astype(np.float32)
    tokens = tokens_of(network, prepared)
    n_first = {"DINOv2": 1, "DINOv3": 5, "CLIPB3": 1, "SigLIP": 0}[name[:6]]
    expected = {"patches": tokens[:, n_first:].mean(axis=1)}
    if n_first:
        expected["class"] = tokens[:, 0]
    if name == "CLIPB32":
        (weights,) = network.vision_projection.get_weights()
        expected["projection"] = tokens[:, 0] @ weights
    if name == "SigLIPB16":
        expected["pooled"] = network.vision_encoder.predict_on_batch(prepared)
    model = backbones.build_layers(name, (None, *expected))
    expected = [expected[backbones.TABLE[name].default_layer], *expected.values()]
    for found, rows in zip(model.predict_on_batch(images), expected, strict=True):
        np.testing.assert_allclose(found, rows, rtol=1e-4, atol=1e-5)


def norm(x, gamma, beta, epsilon=1e-6):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon) * gamma + beta


def transformer(w, images, n_heads=2):
    """DINOv2 by hand, in NumPy: {layer: features}. w: {path: weights}."""
    n, side, width = len(images), 16, 16
    squares = images.reshape(n, side, 14, side, 14, 3).swapaxes(2, 3)
    kernel = w["patch_embeddings/projection/kernel"].reshape(-1, width)
    x = squares.reshape(n, side**2, -1) @ kernel + w["patch_embeddings/projection/bias"]
    x = np.concatenate([np.repeat(w["cls_token"], n, axis=0), x], axis=1)
    x += w["interpolated_position_embeddings"]
    features = {}

    def dense(x, path):
        kernel = w[f"{path}/kernel"]
        kernel = kernel.reshape(x.shape[-1], -1)  # those of heads side by side
        return x @ kernel + w[f"{path}/bias"].ravel()

    for number in (0, 1):
        path = f"layers_{number}"
        y = norm(x, w[f"{path}/norm1/gamma"], w[f"{path}/norm1/beta"])
        query, key, value = (
            dense(y, f"{path}/attention/attention/{part}")
            .reshape(n, -1, n_heads, width // n_heads)
            .swapaxes(1, 2)
            for part in ("query", "key", "value")
        )
        cosines = query @ key.swapaxes(2, 3) / np.sqrt(width // n_heads)
        y = (softmax(cosines, axis=3) @ value).swapaxes(1, 2).reshape(n, -1, width)
        y = dense(y, f"{path}/attention/attention/attention_output")
        x = x + y * w[f"{path}/layer_scale1/lambda1"]
        y = norm(x, w[f"{path}/norm2/gamma"], w[f"{path}/norm2/beta"])
        y = dense(y, f"{path}/mlp/fc1")
        y = dense(y * (1 + erf(y / np.sqrt(2))) / 2, f"{path}/mlp/fc2")
        x = x + y * w[f"{path}/layer_scale2/lambda1"]
        features[f"block{number + 1}"] = x[:, 1:].mean(axis=1)
    x = norm(x, w["gamma"], w["beta"])
    return features | {"class": x[:, 0], "patches": x[:, 1:].mean(axis=1)}


def test_dinov2_against_a_forward_pass_by_hand(preset):
    network, images = preset("DINOv2S", converter=False), pictures()
    weights = {  # without the name of the network and its part
        weight.path.partition("/")[2]: np.asarray(weight.value, np.float64)
        for weight in network.variables
    }
    mean, deviation = map(np.array, hub.IMAGENET)
    expected = transformer(weights, (images / 255 - mean) / deviation)
    model = backbones.build_layers("DINOv2S", tuple(expected))
    for found, rows in zip(
        model.predict_on_batch(images), expected.values(), strict=True
    ):
        np.testing.assert_allclose(found, rows, rtol=1e-3, atol=1e-4)


def test_the_preprocessing_is_that_of_the_presets_own_converter(keras_hub, preset):
    preset("CLIPB32")
    folder = hub.preset_folder(backbones.TABLE["CLIPB32"].weights)
    converter = keras_hub.layers.ImageConverter.from_preset(str(folder))
    images = pictures()
    _, prepare = hub.build(backbones.TABLE["CLIPB32"], folder)
    expected = np.asarray(converter(images.astype(np.float32)))
    np.testing.assert_allclose(prepare(images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_converter_colours_are_those_of_the_paper(name):
    kind = backbones.TABLE[name].module.removeprefix(hub.MODULE)
    mean, deviation = map(np.array, hub.COLOURS[kind])
    assert ((mean > 0.4) & (mean <= 0.5)).all()
    assert ((deviation > 0.2) & (deviation <= 0.5)).all()


@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_openvino_gives_what_keras_gives(name, preset, own_cache):
    preset(name)
    layers = (None, "patches", "block1", "block2")
    network = inference.network(name, layers)
    assert isinstance(network.network, inference.OnOpenVINO)
    model, images = backbones.build_layers(name, layers), pictures(9)
    for found, rows in zip(
        network(images), model.predict_on_batch(images), strict=True
    ):
        np.testing.assert_allclose(found, rows, rtol=1e-3, atol=1e-4)


def test_features_are_kept_until_the_preset_changes(preset, own_cache, monkeypatch):
    preset("DINOv2S")
    image_set = coloured(2)
    first = extraction.extract(image_set, "DINOv2S:patches", progress=False)
    assert first.shape == (6, 16)
    digest = backbones.weights_digest("DINOv2S")
    folder = hub.preset_folder(backbones.TABLE["DINOv2S"].weights)
    with monkeypatch.context() as patch:  # no network is needed again
        patch.setattr(inference, "network", None)
        again = extraction.extract(image_set, "DINOv2S:patches", progress=False)
    np.testing.assert_array_equal(again, first)
    path = folder / "image_converter.json"
    settings = json.loads(path.read_text("utf-8"))
    settings["config"]["offset"] = [0.0, 0.0, 0.0]
    path.write_text(json.dumps(settings), encoding="utf-8")
    backbones._digest.cache_clear()  # which looks at the weights' time
    assert backbones.weights_digest("DINOv2S") != digest
    other = extraction.extract(image_set, "DINOv2S:patches", progress=False)
    assert not np.allclose(other, first, rtol=0.01)


@pytest.mark.parametrize("name", MOSTLY_SLOW)
def test_an_unknown_layer_is_refused_with_the_nearest(name, preset, own_cache):
    preset(name)
    for build in (
        backbones.build_backbone,
        lambda *args: inference.network(args[0], args[1:]),
    ):
        with pytest.raises(ValueError, match=rf"{name} has no layer 'block3'. Did you"):
            build(name, "block3")


@pytest.mark.parametrize("name", NAMES)
def test_the_table_names_what_kerashub_has(name, keras_hub):
    row = backbones.TABLE[name]
    kind = getattr(keras_hub.models, row.module.removeprefix(hub.MODULE))
    handles = {
        p["kaggle_handle"].removeprefix("kaggle://") for p in kind.presets.values()
    }
    assert row.weights in handles


def test_without_a_network_one_sentence_says_where_the_preset_belongs(
    keras_hub, hub_cache
):
    with pytest.raises(backbones.WeightsUnavailable) as error:
        backbones.build_backbone("DINOv2S")
    said = str(error.value)
    assert said.startswith("DINOv2S: its weights are not here and ")
    assert "www.kaggle.com cannot be reached" in said and "\n" not in said
    where = hub_cache / "models" / "keras" / "dinov2" / "keras" / "dinov2_small" / "1"
    address = "https://www.kaggle.com/models/keras/dinov2/keras/dinov2_small/1"
    assert said.endswith(f"or put {address} at {where}.")
    assert backbones.backbone_table().loc["DINOv2S", "weights"] == "not here"


def test_without_kerashub_one_sentence_says_what_to_install(hub_cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    for name in NAMES:
        with pytest.raises(backbones.WeightsUnavailable, match="pip install keras-hub"):
            backbones.build_backbone(name)
        with pytest.raises(backbones.WeightsUnavailable, match="pip install keras-hub"):
            backbones.backbone_layers(name)


def test_an_earlier_kerashub_is_told_from_none(keras_hub, preset, monkeypatch):
    preset("DINOv3S")
    monkeypatch.delattr(keras_hub.models, "DINOV3Backbone")
    with pytest.raises(backbones.WeightsUnavailable, match="DINOv3S needs a later Ker"):
        backbones.build_backbone("DINOv3S")


def test_kaggle_may_refuse(keras_hub, hub_cache, monkeypatch):
    monkeypatch.setattr(requests, "head", lambda *_, **__: None)
    kagglehub = pytest.importorskip("kagglehub")

    def gated(address):
        raise RuntimeError("403 Client Error.\nYou must accept the licence")

    monkeypatch.setattr(kagglehub, "model_download", gated)
    with pytest.raises(
        backbones.WeightsUnavailable, match=r"403 Client Error\. You must"
    ):
        backbones.build_backbone("DINOv3S")
    assert isinstance(downloads.DownloadError(), OSError)


@pytest.mark.parametrize("what", ["cut", "other"])
def test_a_damaged_preset_is_named(what, preset):
    preset("DINOv2S")
    path = backbones.weights_file("DINOv2S")
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-500])
        assert backbones.weights_state("DINOv2S") == "damaged"
        message = "are only half downloaded and www.kaggle.com cannot be reached"
    else:
        config = path.with_name("config.json")
        text = config.read_text("utf-8").replace('"num_layers": 2', '"num_layers": 3')
        config.write_text(text, encoding="utf-8")
        message = "is damaged or of another network"
    with pytest.raises(backbones.WeightsUnavailable, match=message):
        backbones.build_backbone("DINOv2S")


def test_a_comparison_goes_on_with_what_is_there(preset, own_cache):
    preset("DINOv2S")
    preset("SigLIPB16")
    found, labels = runs.run(
        coloured(4),
        ["colour", *backbones.MODERN],
        ["l2+kmeans"],
        seeds=2,
        progress=False,
    )
    assert set(found["representation"]) == {"colour", "DINOv2S", "SigLIPB16"}
    skipped = found.attrs["skipped"]
    assert set(skipped) == {"ConvNeXtTiny", "DINOv2B", "DINOv3S", "CLIPB32"}
    assert all("weights are not here" in reason for reason in skipped.values())
    assert len(labels) == len(found) == 6


@pytest.mark.slow
def test_maps_ensembles_submissions_and_replay_take_them(preset, own_cache, tmp_path):
    preset("DINOv2S")
    preset("CLIPB32")
    images = coloured(5)
    found = runs.run(
        images,
        ["raw", "DINOv2S", "DINOv2S:block1", "CLIPB32:projection"],
        ["l2+kmeans"],
        seeds=submission.seeds("anna01", 2),
        progress=False,
    )
    assert not found[0].attrs["skipped"]
    voters = [labels for run, labels in found[1].items() if not run.startswith("raw")]
    joint = clustering.evidence_accumulation(voters, 3)
    assert joint.shape == (15,) and len(voters) == 6

    hand_in(tmp_path / "anna01.zip", images, "anna01", "Anna", found)
    made_up = {run: np.roll(labels, 1) for run, labels in found[1].items()}
    hand_in(tmp_path / "berta2.zip", images, "berta2", "Berta", (found[0], made_up))
    outcomes = {}
    for student in ("anna01", "berta2"):
        sent = submission_file.read_submission(
            (tmp_path / f"{student}.zip").read_bytes()
        )
        reviewed = review.review_submission(sent, images)
        replay.replay([(student, reviewed)], images, n="all")
        outcomes[student] = {run.outcome for run in reviewed.runs}
    assert outcomes == {"anna01": {"confirmed"}, "berta2": {"refuted"}}

    folder = write_folder(tmp_path / "pictures", contents(5)[0])
    page = tmp_path / "map.html"
    command = ["map", str(folder), "--representation", "CLIPB32:projection"]
    command += ["--layouts", "umap", "class", "--out", str(page)]
    assert __main__.main(command) == 0
    assert page.stat().st_size > 100_000
