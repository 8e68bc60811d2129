"""Representations made by hand: widths, known values, and the words of the picture."""

import numpy as np
import pytest
from conftest import encode, pixels
from sklearn.feature_extraction.text import TfidfTransformer

from course_utils.images import datasets
from course_utils.representations import extraction, handcrafted

WIDTHS = {"raw": 3072, "colour": 128, "hog": 1764, "lbp": 54, "bovw": 200}


@pytest.fixture(scope="module")
def stamps():
    return datasets.load("stamps", progress=False).subset(slice(0, 193, 16))


def extract(image_set, representation, **options):
    return extraction.extract(image_set, representation, progress=False, **options)


@pytest.mark.parametrize("representation", WIDTHS)
def test_width_type_and_the_same_every_time(stamps, representation):
    found = extract(stamps, representation)
    assert found.shape == (len(stamps), WIDTHS[representation])
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (found.std(axis=0) > 0).any()  # it tells pictures apart
    again = extract(stamps, representation, cache=False)
    assert found.tobytes() == again.tobytes()
    assert set(WIDTHS) == set(handcrafted.NAMES)


def flat(side, colour=(10, 200, 30)):
    return np.full((side, side, 3), colour, np.uint8)


def test_raw_is_the_pixels_in_order():
    picture = pixels(3, 32, 32)
    found = handcrafted.raw(picture)
    np.testing.assert_array_equal(found.reshape(32, 32, 3), picture / np.float32(255))


def test_colour_counts_shares():
    halves = flat(128, (255, 0, 0))
    halves[:, :32] = (0, 0, 255)
    found = handcrafted.colour(halves)
    assert sorted(found[found > 0]) == [0.25, 0.75]
    assert handcrafted.colour(pixels(1, 128, 128)).sum() == pytest.approx(1)
    np.testing.assert_array_equal(
        handcrafted.colour(halves), handcrafted.colour(halves[:, ::-1])
    )


def test_hog_sees_edges_and_lbp_sees_texture():
    assert handcrafted.hog(flat(128)).max() == 0
    stripes = flat(128, (0, 0, 0))
    stripes[:, ::8] = 255
    upright = handcrafted.hog(stripes)
    lying = handcrafted.hog(stripes.transpose(1, 0, 2))
    assert np.linalg.norm(upright - lying) > 1
    texture = handcrafted.lbp(pixels(1, 224, 224))
    widths = [n + 2 for n, _ in handcrafted.LBP_CIRCLES]
    for histogram in np.split(texture, np.cumsum(widths)[:-1]):
        assert histogram.sum() == pytest.approx(1)
    assert np.abs(texture - handcrafted.lbp(flat(224))).max() > 0.1


def test_a_flat_picture_has_no_keypoints_and_an_empty_bag():
    found = handcrafted.sift(flat(224))
    assert (found.shape, found.dtype) == ((0, 128), np.float32)
    codebook = np.eye(5, 128, dtype=np.float32)
    np.testing.assert_array_equal(
        handcrafted.bag_of_words(found, codebook), np.zeros(5)
    )


def test_every_descriptor_votes_for_the_nearest_word():
    generator = np.random.default_rng(0)
    codebook = generator.normal(size=(7, 128)).astype(np.float32)
    descriptors = generator.normal(size=(40, 128)).astype(np.float32)
    distances = np.linalg.norm(descriptors[:, None] - codebook, axis=2)
    expected = np.bincount(distances.argmin(axis=1), minlength=7) / 40
    found = handcrafted.bag_of_words(descriptors, codebook)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_codebook():
    words = np.repeat(np.eye(3, 128, dtype=np.float32) * 100, 20, axis=0)
    found = handcrafted.fit_codebook(words, n_words=3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(sorted(found.argmax(axis=1)), [0, 1, 2])
    np.testing.assert_allclose(found.max(axis=1), 100, rtol=1e-3)
    assert handcrafted.fit_codebook(words[::20]).shape == (3, 128)  # no more words
    with pytest.raises(ValueError, match="no picture has a single SIFT keypoint"):
        handcrafted.fit_codebook(np.zeros((0, 128)))


def of_flat_pictures(n_flat, others=()):
    flats = {f"flat{i}.png": encode(flat(64, (i, i, i))) for i in range(n_flat)}
    return datasets.from_bytes("flats", flats | dict(others))


def test_flat_pictures_among_others_get_zeros_and_all_flat_ones_an_error(stamps):
    others = {"z1.png": stamps.read(0), "z2.png": stamps.read(1)}
    bags = extract(of_flat_pictures(2, others), "bovw")
    np.testing.assert_array_equal(bags[:2], 0)
    np.testing.assert_allclose(bags[2:].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(
        extract(of_flat_pictures(2, others), "bovw:tfidf")[:2], 0
    )
    with pytest.raises(ValueError, match="no visual words: leave bovw out"):
        extract(of_flat_pictures(3), "bovw")


def test_tf_idf_equals_scikit_learn(stamps):
    generator = np.random.default_rng(0)
    bags = generator.random((20, 9)) * (generator.random((20, 9)) < 0.4)
    bags[:, 0] = 0  # a word that no picture has
    bags[:, 1] = 0.5  # and one that all have
    weigh = TfidfTransformer(norm=None, smooth_idf=True)
    expected = weigh.fit_transform(bags).toarray()
    found = handcrafted.tf_idf(bags)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(
        extract(stamps, "bovw:tfidf"), handcrafted.tf_idf(extract(stamps, "bovw"))
    )
