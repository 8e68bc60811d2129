"""Representations made by hand: widths, known values, and the words of the picture."""

import platform
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from conftest import encode, pixels
from skimage import feature
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


def grey_pictures(n_rows, n_cols):
    """Name and picture: what is easy, and what is decided by rounding or by ties."""
    generator = np.random.default_rng(n_rows)
    row, col = np.mgrid[:n_rows, :n_cols]
    noise = generator.integers(0, 256, (n_rows, n_cols))
    for level in (0, 1, 3, 100, 127, 128, 254, 255):
        yield f"all {level}", np.full_like(noise, level)
    yield "noise", noise
    for n_levels in (2, 3, 17):
        yield f"noise of {n_levels} levels", noise % n_levels * (255 // (n_levels - 1))
        yield f"nearly flat, {n_levels} levels", 90 + noise % n_levels
    for step in (1, 2, 7):
        yield f"gradient of {step} to the right", col * step % 256
        yield f"gradient of {step} down", row * step % 256
        yield f"gradient of {step} on the diagonal", (row + col) * step % 256
        yield f"gradient of {step} on the other", (row - col) * step % 256
        yield f"checkerboard of {step}", (row // step + col // step) % 2 * 255
        yield f"stripes of {step}", col // step % 3 * 80
        yield f"lying stripes of {step}", row // step % 2 * 200
    yield "all levels side by side", (row // 14 * 16 + col // 14) % 256
    yield "all levels, elsewhere", (row // 11 * 53 + col // 13 * 7) % 256
    yield "one dot", (row == n_rows // 2) * (col == n_cols // 3) * 1
    yield "rings", np.hypot(row - 60, col - 50).astype(int) % 256
    yield "smooth", pixels(4, n_cols, n_rows)[..., 0]
    on_paper = np.where((abs(row - n_rows // 2) < 30) & (col > 40), noise, 253)
    yield "noise on paper", on_paper
    yield "blurred on paper", cv2.blur(on_paper.astype(np.uint8), (5, 5))
    for seed in range(3):
        boxes = np.full_like(noise, generator.integers(256))
        for top, left, height, width, level in generator.integers(0, 256, (40, 5)):
            boxes[top : top + height // 4, left : left + width // 4] = level
        yield f"boxes {seed}", boxes


def of_grey(grey):
    return np.dstack([grey] * 3).astype(np.uint8)


on_x86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"),
    reason="elsewhere scikit-image may round a product and a sum at once",
)


def uniform_patterns(grey, n_neighbours, radius):
    return feature.local_binary_pattern(grey, n_neighbours, radius, method="uniform")


@on_x86
@pytest.mark.parametrize(
    "size", [(224, 224), (61, 131), (9, 5), (2, 300), (1, 1)], ids=str
)
def test_every_pixel_has_the_pattern_that_scikit_image_finds(size):
    for name, grey in grey_pictures(*size):
        grey = grey.astype(np.uint8)
        for n_neighbours, radius in handcrafted.LBP_CIRCLES:
            found = handcrafted._uniform_patterns(grey, n_neighbours, radius)
            expected = uniform_patterns(grey, n_neighbours, radius)
            assert (found != expected).sum() == 0, (name, n_neighbours)


def lbp_of_scikit_image(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    histograms = []
    for n_neighbours, radius in handcrafted.LBP_CIRCLES:
        codes = uniform_patterns(grey, n_neighbours, radius).astype(int)
        counts = np.bincount(codes.ravel(), minlength=n_neighbours + 2)
        histograms.append(counts / codes.size)
    return np.concatenate(histograms).astype(np.float32)


def hog_of_scikit_image(picture):
    return feature.hog(
        cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY),
        orientations=9,
        pixels_per_cell=(16, 16),
        cells_per_block=(2, 2),
        block_norm="L2-Hys",
    )


@pytest.mark.parametrize("side", [128, 32, 75])
def test_hog_equals_scikit_image(side):
    for name, grey in grey_pictures(side, side):
        picture = of_grey(grey)
        found, expected = handcrafted.hog(picture), hog_of_scikit_image(picture)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-6, name  # it sums in float32


def test_hog_knows_every_gradient():
    steps = np.arange(-255, 256)
    degrees = np.rad2deg(np.arctan2(steps[:, None], steps)) % 180
    bins = handcrafted._orientations()
    assert bins.shape == (511, 511)
    for i in range(9):
        inside = (degrees >= 20 * i) & (degrees < 20 * (i + 1))
        np.testing.assert_array_equal(bins == i, inside)


def sift_of_opencv(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.SIFT_create().detectAndCompute(grey, None)[1]


@pytest.mark.parametrize(
    ("name", "of_library", "side", "tolerance"),
    [
        pytest.param("lbp", lbp_of_scikit_image, 224, 0, marks=on_x86),
        ("hog", hog_of_scikit_image, 128, 1e-6),
        ("sift", sift_of_opencv, 224, 0),
    ],
)
def test_stamps_side_by_side_have_the_values_of_the_libraries(
    stamps, name, of_library, side, tolerance
):
    pictures = [stamps.picture(i, side) for i in range(len(stamps))]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(getattr(handcrafted, name), pictures))
    for one, picture in zip(found, pictures, strict=True):
        expected = of_library(picture)
        np.testing.assert_allclose(one, expected, rtol=0, atol=tolerance)


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
