"""The two networks that ship with the course: wiring, weights, names, preprocessing."""

import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from course_utils.representations import bundled, nouns

PICTURES = Path(__file__).parents[2] / "datasets" / "stamps" / "pictures"
NAMED_PICTURES = {  # both networks give these names
    "food/fruit/strawberry.jpg": "strawberry",
    "food/fruit/banana.jpg": "banana",
    "food/fruit/lemon.jpg": "lemon",
    "food/vegetables/broccoli.jpg": "broccoli",
    "animals/mammals/equines/zebra.jpg": "zebra",
    "animals/mammals/camel/camel.jpg": "Arabian camel",
    "animals/birds/crowned_crane.jpg": "crane (bird)",
    "animals/birds/pink_flamingo.jpg": "flamingo",
    "hobbies/music/string/guitar_electric.jpg": "electric guitar",
    "vehicles/cycle/pink_tricycle.jpg": "tricycle",
    "medical/stethoscope.jpg": "stethoscope",
    "sports/basketball.jpg": "basketball",
}
BUILDERS = {
    "EfficientNetLite0": bundled.efficientnet_lite0,
    "SqueezeNet": bundled.squeezenet,
}
PREPROCESS = {
    "EfficientNetLite0": bundled.preprocess_efficientnet_lite0,
    "SqueezeNet": bundled.preprocess_squeezenet,
}
LAYERS = {
    "EfficientNetLite0": {
        "stem": (112, 112, 32),
        "block1": (112, 112, 16),
        "block2": (56, 56, 24),
        "block3": (28, 28, 40),
        "block4": (14, 14, 80),
        "block5b_expand": (14, 14, 672),
        "block5b": (14, 14, 112),
        "block5": (14, 14, 112),
        "block6": (7, 7, 192),
        "block7": (7, 7, 320),
        "head": (7, 7, 1280),
        "pool": (1280,),
        "top": (1000,),
    },
    "SqueezeNet": {
        "conv1": (111, 111, 64),
        "fire2": (55, 55, 128),
        "fire3": (55, 55, 128),
        "fire4": (27, 27, 256),
        "fire5": (27, 27, 256),
        "fire6": (13, 13, 384),
        "fire7": (13, 13, 384),
        "fire8": (13, 13, 512),
        "fire9": (13, 13, 512),
        "conv10": (13, 13, 1000),
        "scores": (1000,),
        "top": (1000,),
    },
}
both = pytest.mark.parametrize("name", list(BUILDERS))


@pytest.fixture(scope="module")
def networks():
    return {name: build() for name, build in BUILDERS.items()}


def n_numbers(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


@both
def test_layers_have_the_documented_names_and_shapes(networks, name):
    network = networks[name]
    assert network.name == name
    assert network.input_shape == (None, 224, 224, 3)
    for layer, shape in LAYERS[name].items():
        assert tuple(network.get_layer(layer).output.shape[1:]) == shape, layer


def test_numbers_of_parameters(networks):
    efficientnet, squeezenet = networks["EfficientNetLite0"], networks["SqueezeNet"]
    assert n_numbers(efficientnet.trainable_weights) == 4_652_008
    assert efficientnet.count_params() == 4_652_008 + 42_016  # moving mean, variance
    assert squeezenet.count_params() == 1_235_496


@both
def test_weights_are_float16_without_pickle_and_reach_the_model(networks, name):
    path = bundled.WEIGHTS_FOLDER / f"{name}.npz"
    with np.load(path, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    assert {array.dtype for array in arrays.values()} == {np.dtype("float16")}
    for layer in networks[name].layers:
        for variable in layer.weights:
            value = keras.ops.convert_to_numpy(variable)
            assert value.dtype == np.float32
            array = arrays.pop(f"{layer.name}/{variable.name}")
            np.testing.assert_array_equal(value, array.astype("float32"))
    assert not arrays


def test_random_weights_are_not_the_trained_ones(networks):
    def kernel(network):
        return keras.ops.convert_to_numpy(network.get_layer("conv1").kernel)

    random = bundled.squeezenet(weights=None)
    assert not np.allclose(kernel(random), kernel(networks["SqueezeNet"]))
    with pytest.raises(ValueError, match="weights must be"):
        bundled.squeezenet(weights="imagnet")


def test_missing_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "WEIGHTS_FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"SqueezeNet\.npz.*git restore"):
        bundled.squeezenet()


def truncated(content):
    return content[: len(content) // 2]


def one_byte_changed(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def nothing(content):
    return b""


def pointer_of_git_lfs(content):
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.mark.parametrize(
    "damage", [truncated, one_byte_changed, nothing, pointer_of_git_lfs]
)
def test_damaged_weights_say_what_to_do(networks, tmp_path, damage):
    original = bundled.WEIGHTS_FOLDER / "SqueezeNet.npz"
    path = tmp_path / original.name
    path.write_bytes(damage(original.read_bytes()))
    with pytest.raises(ValueError, match=r"SqueezeNet\.npz is damaged.*git restore"):
        bundled.load_weights(networks["SqueezeNet"], path)


def test_weights_of_another_network_are_refused(networks, tmp_path):
    path = tmp_path / "SqueezeNet.npz"
    shutil.copy(bundled.WEIGHTS_FOLDER / "EfficientNetLite0.npz", path)
    with pytest.raises(ValueError, match=r"not the one for SqueezeNet .*git restore"):
        bundled.load_weights(networks["SqueezeNet"], path)


def test_an_array_of_another_shape_or_with_pickle_is_refused(networks, tmp_path):
    network = networks["SqueezeNet"]
    with np.load(bundled.WEIGHTS_FOLDER / "SqueezeNet.npz") as archive:
        arrays = dict(archive)
    path = tmp_path / "SqueezeNet.npz"
    for odd in (np.zeros(63, dtype="float16"), np.array([{}] * 64, dtype=object)):
        np.savez(path, **(arrays | {"conv1/bias": odd}))
        with pytest.raises(ValueError, match=r"SqueezeNet\.npz is damaged"):
            bundled.load_weights(network, path)


def test_class_names():
    names = nouns.imagenet_class_names()
    assert len(names) == bundled.N_CLASSES
    assert len({name.lower() for name in names}) == bundled.N_CLASSES
    assert (names[0], names[251], names[999]) == ("tench", "dalmatian", "toilet tissue")
    assert (names[134], names[517]) == ("crane (bird)", "crane (machine)")


@both
def test_pictures_of_the_course_get_their_names(networks, name):
    pictures = [Image.open(PICTURES / path).convert("RGB") for path in NAMED_PICTURES]
    arrays = [np.asarray(picture.resize((224, 224))) for picture in pictures]
    batch = PREPROCESS[name](np.stack(arrays))
    probabilities = networks[name].predict(batch, verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    names = np.array(nouns.imagenet_class_names())
    found = names[probabilities.argmax(axis=1)].tolist()
    assert found == list(NAMED_PICTURES.values())


@both
def test_preprocessing_of_arrays_equals_that_inside_a_model(name):
    preprocess = PREPROCESS[name]
    pictures = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype="uint8")
    expected = preprocess(pictures)
    assert expected.dtype == np.float32
    inputs = keras.Input((5, 4, 3))
    model = keras.Model(inputs, preprocess(inputs))
    as_float = pictures.astype("float32")
    np.testing.assert_array_equal(model.predict(as_float, verbose=0), expected)
    tensor = preprocess(keras.ops.convert_to_tensor(pictures))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(tensor), expected)
    np.testing.assert_array_equal(preprocess(as_float), expected)
    np.testing.assert_array_equal(as_float, pictures)  # the input is left as it was


def test_preprocessing_of_one_colour():
    orange = np.array([[[[255, 127, 0]]]], dtype="uint8")
    np.testing.assert_array_equal(
        bundled.preprocess_efficientnet_lite0(orange), [[[[1, 0, -127 / 128]]]]
    )
    np.testing.assert_array_equal(
        bundled.preprocess_squeezenet(orange), [[[[-104, 10, 132]]]]
    )


@pytest.mark.slow
def test_conversion_gives_the_shipped_files():
    pytest.importorskip("torch")
    folder = os.environ.get("COURSE_WHEELS")
    if not folder:
        pytest.skip("COURSE_WHEELS does not name the folder with the two wheels")
    from course_utils.representations.weights import convert

    assert convert.main([folder, "--check"]) == 0
