"""Steps and k-means by blocks: as in memory, whatever the blocks and their order."""

import pickle

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize
from small_sets import one_thread  # noqa: F401

from course_utils import metrics
from course_utils.clustering import out_of_core, preprocessing


class Parts:
    """A source of blocks of any sizes, also 0 and 1, that counts its passes."""

    def __init__(self, features, sizes=(1, 0, 300, 7, 40)):
        self.n_images, self.width = features.shape
        cuts = np.cumsum(np.resize(sizes, 200))
        self.parts = np.split(features, cuts[cuts < len(features)])
        self.passes = 0

    def blocks(self):
        self.passes += 1
        return iter(self.parts)


def classes(n=1500, width=12, seed=0):
    """Overlapping classes, sorted as those of a folder tree are: features, labels."""
    generator = np.random.default_rng(seed)
    truth = np.sort(np.arange(n) % 15)
    points = 1.6 * generator.normal(size=(15, width))[truth]
    points = points + generator.normal(size=points.shape) + 5
    return points.astype(np.float32), truth


def nmi(truth, labels):
    return metrics.nmi(labels_true=truth, labels_pred=labels)


def test_pca_by_blocks_is_that_of_scikit_learn():
    features, _ = classes()
    pca = PCA(4).fit(features.astype(np.float64))
    fitted = preprocessing.ClippedPCA(4).fit_blocks(Parts(features))
    np.testing.assert_allclose(fitted.mean_, pca.mean_, atol=1e-5)
    np.testing.assert_allclose(
        fitted.explained_variance_, pca.explained_variance_, rtol=1e-5
    )
    cosines = np.sum(fitted.components_ * pca.components_, axis=1)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-5)
    expected = PCA(4, whiten=True).fit_transform(normalize(features))
    steps = preprocessing.make_transformers([("l2", None), ("whiten", 4)])
    fitted = preprocessing.fit_transformers(steps, Parts(features))
    found = preprocessing.transform_rows(fitted, features)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=5e-3)


def test_whitening_by_blocks_leaves_out_what_does_not_vary():
    features = np.repeat(np.arange(20.0, dtype=np.float32)[:, None], 3, axis=1)
    pca = preprocessing.ClippedPCA(3, whiten=True).fit_blocks(Parts(features))
    found = pca.transform(features)
    np.testing.assert_allclose(found[:, 0].std(ddof=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found[:, 1:], 0)


def test_moments_of_blocks_add_up_to_those_of_the_whole():
    features, _ = classes(200)
    whole, parts = preprocessing.Moments(12), preprocessing.Moments(12)
    whole.add(features)
    parts.add(features[:3])
    parts.add(features[3:])
    for one, other in zip(
        whole.principal_components(5), parts.principal_components(5), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("algorithm", ["kmeans", "minibatch", "l2+pca8+minibatch"])
def test_classes_in_order_are_found_as_well_as_in_memory(algorithm, held):
    limits = {} if held else {"max_held": 0, "buffer_size": 256}
    features, truth = classes()
    found = []
    for seed in range(3):
        model = out_of_core.fit_out_of_core(
            Parts(features),
            algorithm,
            15,
            random_state=seed,
            batch_size=128,
            **limits,
        )
        found.append(nmi(truth, out_of_core.label_source(model, Parts(features))))
    seen = model.prepare(features)
    whole = KMeans(15, n_init=10, random_state=0).fit_predict(seen)
    assert np.mean(found) > nmi(truth, whole) - 0.03


def test_kmeans_ends_where_lloyd_ends():
    features, _ = classes()
    model = out_of_core.fit_out_of_core(features, "kmeans", 15, random_state=2)
    again = KMeans(15, init=model.centers, n_init=1, tol=0).fit(features)
    np.testing.assert_allclose(model.centers, again.cluster_centers_, atol=0.05)


@pytest.mark.parametrize("algorithm", ["l2+kmeans", "whiten5+minibatch"])
def test_blocks_of_any_size_a_memory_map_and_a_pickle_give_one_answer(
    algorithm, tmp_path
):
    features, _ = classes()
    np.save(tmp_path / "x.npy", features)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = out_of_core.fit_out_of_core(mapped, algorithm, 15, random_state=3)
    expected = out_of_core.label_source(model, features)
    other = out_of_core.fit_out_of_core(Parts(features), algorithm, 15, random_state=3)
    assert nmi(expected, out_of_core.label_source(other, Parts(features))) > 0.999
    sent = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(sent.predict(features), expected)
    assert sent.predict(features[:0]).shape == (0,)
    assert sent.prepare(features[:2]).dtype == np.float32
    assert len(pickle.dumps(model)) < features.nbytes / 10


def test_a_sample_is_of_all_rows_and_mini_batches_hold_every_row_once():
    rows = np.arange(3000, dtype=np.float32)[:, None]
    generator = np.random.default_rng(0)
    found = out_of_core.sample_rows(Parts(rows), 500, generator).ravel()
    assert len(set(found)) == 500
    assert abs(found.mean() - 1500) < 150
    batches = list(out_of_core.shuffled_batches(Parts(rows), generator, 1024, 16_384))
    assert sorted(np.concatenate(batches).ravel()) == rows.ravel().tolist()
    assert np.ptp(batches[0]) > 2500


@pytest.mark.parametrize("batch_size", [100, 150])
def test_a_long_source_is_mixed_within_the_buffer(batch_size):
    rows = np.arange(3000, dtype=np.float32)[:, None]
    generator = np.random.default_rng(0)
    batches = list(
        out_of_core.shuffled_batches(Parts(rows, (64,)), generator, batch_size, 800)
    )
    assert sorted(np.concatenate(batches).ravel()) == rows.ravel().tolist()
    assert np.median([np.ptp(batch) for batch in batches]) > 600
    assert max(len(batch) for batch in batches) == batch_size


def test_what_cannot_be_is_refused():
    features, _ = classes(100)
    with pytest.raises(ValueError, match="cannot run out of core"):
        out_of_core.fit_out_of_core(features, "ward", 3)
    with pytest.raises(ValueError, match="at most the number of images, 100, got 101"):
        out_of_core.fit_out_of_core(features, "kmeans", 101)
    short = Parts(features)
    short.n_images = 120
    with pytest.raises(ValueError, match="have 120 images, but its blocks have 100"):
        out_of_core.fit_out_of_core(short, "kmeans", 3)
    features[70, 2] = np.nan
    with pytest.raises(ValueError, match="first in row 70"):
        out_of_core.fit_out_of_core(Parts(features, (9,)), "l2+kmeans", 3)
    with pytest.raises(MemoryError, match="at most 8,192 numbers"):
        out_of_core.fit_out_of_core(np.zeros((2, 8193), "f4"), "pca3+kmeans", 2)
