"""The path to CLIP, on a tiny CLIP with random weights: shapes and plumbing only."""

import sys

import numpy as np
import pytest
import requests
from small_sets import coloured

from course_utils._support import downloads
from course_utils._support.keras import import_keras
from course_utils.clustering import semantic
from course_utils.representations import clip, nouns

WORDS = ("a", "photo", "of", "cat", "dog", "red", "bus", "green", "hot")
NOUNS = ["cat", "dog", "red bus", "green bus", "hot dog", "red cat", "green dog"]


@pytest.fixture(scope="module")
def keras_hub():
    import_keras()
    return pytest.importorskip("keras_hub")


@pytest.fixture(scope="module")
def tiny(keras_hub):
    """A Clip for pictures of 32 × 32 pixels, with a vocabulary of a few words."""
    import keras

    vocabulary, merges = {}, []

    def add(token):
        vocabulary.setdefault(token, len(vocabulary))

    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        for part in parts:
            add(part)
        while len(parts) > 1:
            merges.append(f"{parts[0]} {parts[1]}")
            parts[:2] = [parts[0] + parts[1]]
            add(parts[0])
    add("<|startoftext|>")
    add("<|endoftext|>")  # CLIP looks for the highest number
    models = keras_hub.models
    tokenizer = models.CLIPTokenizer(vocabulary, list(dict.fromkeys(merges)))
    converter = keras_hub.layers.CLIPImageConverter(image_size=(32, 32), scale=1 / 255)
    preprocessor = models.CLIPPreprocessor(tokenizer, converter, sequence_length=12)
    keras.utils.set_random_seed(0)
    sizes = {"hidden_dim": 16, "num_layers": 1, "num_heads": 2, "intermediate_dim": 16}
    vision = models.CLIPVisionEncoder(16, image_shape=(32, 32, 3), **sizes)
    text = models.CLIPTextEncoder(
        len(vocabulary), embedding_dim=16, max_sequence_length=12, **sizes
    )
    return clip.Clip(models.CLIPBackbone(vision, text, 8), preprocessor)


def picture_vectors(image_set, model, **how):
    return clip.picture_vectors(image_set, model, progress=False, **how)


def noun_vectors(names, model, **how):
    return clip.noun_vectors(names, model, progress=False, **how)


def test_vectors_have_length_one_and_are_those_of_the_towers(tiny):
    image_set = coloured(2)
    found = picture_vectors(image_set, tiny, cache=False)
    assert found.shape == (6, 8) and np.allclose(np.linalg.norm(found, axis=1), 1)
    told = noun_vectors(NOUNS, tiny, cache=False)
    assert told.shape == (7, 8) and np.allclose(np.linalg.norm(told, axis=1), 1)
    batch = tiny.preprocessor({"prompts": ["a photo of a red bus"], "images": None})
    ids = batch["token_ids"]
    picture = clip._square(image_set.picture(4), 32)[None].astype("float32") / 255
    outputs = tiny.backbone.predict_on_batch(
        {"images": picture, "token_ids": np.asarray(ids)}
    )
    scale = float(np.exp(np.asarray(tiny.backbone.clip_head.logit_scale)))
    cosine = float(outputs["vision_logits"][0, 0]) / scale
    assert found[4] @ told[2] == pytest.approx(cosine, abs=1e-4)


def test_vectors_depend_neither_on_the_batches_nor_on_the_order(tiny):
    image_set = coloured(3)
    expected = picture_vectors(image_set, tiny, cache=False)
    other = picture_vectors(
        image_set.subset([8, 0, 3]), tiny, cache=False, batch_size=2
    )
    assert np.allclose(other, expected[[8, 0, 3]], atol=1e-5)
    told = noun_vectors(NOUNS, tiny, cache=False)
    other = noun_vectors(NOUNS[::-1], tiny, cache=False, batch_size=3)
    assert np.allclose(other, told[::-1], atol=1e-5)


def test_the_prompt_counts_and_capitals_do_not(tiny):
    plain, told = (
        noun_vectors(["cat"], tiny, cache=False, prompts=prompt)[0]
        for prompt in ("{}", "a photo of a {}")
    )
    assert not np.allclose(plain, told, atol=1e-3)
    assert np.allclose(noun_vectors(["CAT"], tiny, cache=False), told, atol=1e-5)


def test_several_prompts_are_averaged_before_they_are_scaled(tiny):
    prompts = "a photo of a {}", "a {}"
    found = noun_vectors(NOUNS, tiny, cache=False, prompts=prompts)
    texts = [prompt.format(noun) for prompt in prompts for noun in NOUNS]
    ids = tiny.preprocessor({"prompts": texts, "images": None})["token_ids"]
    rows = np.asarray(tiny.backbone.get_text_embeddings(ids)).reshape(2, len(NOUNS), -1)
    mean = rows.mean(axis=0)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.usefixtures("own_cache")
def test_what_is_in_the_cache_is_not_computed_again(tiny, monkeypatch):
    image_set = coloured(2)
    pictures = picture_vectors(image_set, tiny)
    told = noun_vectors(NOUNS[:4] + NOUNS[:1], tiny)
    assert np.allclose(told[0], told[4])
    asked = []
    original = clip._square

    def counted(picture, size):
        asked.append(size)
        return original(picture, size)

    monkeypatch.setattr(clip, "_square", counted)
    assert np.allclose(picture_vectors(image_set, tiny), pictures)
    assert not asked
    more = picture_vectors(coloured(3), tiny, batch_size=1)
    assert more.shape == (9, 8) and len(asked) == 3
    assert np.allclose(noun_vectors(NOUNS, tiny)[:4], told[:4])


def test_other_weights_are_another_key(tiny):
    import keras

    other = keras.models.clone_model(tiny.backbone)
    assert clip.Clip(other, tiny.preprocessor).key != tiny.key
    assert clip.Clip(tiny.backbone, tiny.preprocessor).key == tiny.key


def test_the_middle_square_of_a_picture_is_taken():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200
    assert (clip._square(wide, 10) == 200).all()
    assert (clip._square(wide.transpose(1, 0, 2), 10) == 200).all()


def test_sic_and_tac_run_on_clip(tiny):
    pictures = picture_vectors(coloured(10), tiny, cache=False)
    told = noun_vectors(NOUNS, tiny, cache=False)
    chosen = semantic.SICSettings(
        n_nearest=4, generic=2, n_nouns=2, n_neighbours=3, n_epochs=3
    )
    for labels in (
        semantic.sic(pictures, told, 3, chosen),
        semantic.tac(pictures, told, 3, n_each=1),
    ):
        assert labels.shape == (30,) and set(labels) <= {0, 1, 2}
        named = nouns.name_clusters(pictures, told, NOUNS, labels, 2)
        assert set(named) == set(labels)


def test_there_must_be_nouns(tiny):
    with pytest.raises(ValueError, match="there are no nouns"):
        noun_vectors([], tiny)


def test_without_keras_hub_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match="pip install keras-hub"):
        clip.load_clip()


def test_without_a_network_it_says_so(keras_hub, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise requests.ConnectionError("no route")

    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    monkeypatch.setattr(requests, "head", refuse)
    with pytest.raises(downloads.DownloadError, match="cannot be reached"):
        clip.load_clip()


def test_a_preset_that_fails_is_a_download_error(keras_hub, tmp_path):
    with pytest.raises(downloads.DownloadError, match="could not be had"):
        clip.load_clip(str(tmp_path))  # an empty folder


@pytest.mark.usefixtures("own_cache")
def test_a_preset_in_a_folder_is_loaded(tiny, tmp_path):
    tiny.backbone.save_to_preset(str(tmp_path))
    tiny.preprocessor.save_to_preset(str(tmp_path))
    again = clip.load_clip(str(tmp_path))
    assert np.allclose(noun_vectors(NOUNS, again), noun_vectors(NOUNS, tiny), atol=1e-5)
