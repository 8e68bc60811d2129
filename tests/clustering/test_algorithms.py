"""Clustering by name: steps, algorithms, seeds, and what is refused."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import normalize
from small_sets import one_thread  # noqa: F401

from course_utils import metrics
from course_utils.clustering import algorithms, estimators, preprocessing

ALGORITHMS = list(algorithms.ALGORITHMS)
NEED_K = [name for name in ALGORITHMS if name not in algorithms.FIND_K]
N_BLOBS = 4
TRUE_LABELS = np.arange(80) % N_BLOBS
OUTLIERS = np.array([[900.0] * 5, [-900.0] * 5, [900.0, -900.0, 0, 0, 0]])


def blobs(seed=0):
    """80 points around 4 centres far apart: (80, 5)."""
    noise = np.random.default_rng(seed).normal(size=(len(TRUE_LABELS), 5))
    centres = 100 * np.eye(N_BLOBS, 5)
    return (centres[TRUE_LABELS] + noise).astype(np.float32)


def cloud(n=60, width=8, seed=1):
    """Points without clusters, where chance decides, of unequal spread and length."""
    found = np.random.default_rng(seed).normal(size=(n, width))
    return (found * np.arange(1, width + 1) + 3).astype(np.float32)


def ari(labels, true_labels=TRUE_LABELS):
    return metrics.ari(labels_true=true_labels, labels_pred=labels)


@pytest.mark.parametrize("steps", ["", "l2+", "pca3+", "whiten3+", "l2+pca3+"])
@pytest.mark.parametrize("name", NEED_K)
def test_blobs_far_apart_are_found(name, steps):
    labels = algorithms.cluster(blobs(), steps + name, N_BLOBS)
    assert ari(labels) == 1
    assert set(labels) == set(range(N_BLOBS))


@pytest.mark.parametrize("name", algorithms.FIND_K)
@pytest.mark.parametrize("k", [1, N_BLOBS, 50])
def test_density_finds_the_blobs_whatever_k_and_leaves_outliers_as_noise(name, k):
    # At DBSCAN's radius the half of each blob is dense; its rim may be noise as well.
    features = np.vstack([blobs(), OUTLIERS])
    labels = algorithms.cluster(features, name, k)
    assert (labels[-len(OUTLIERS) :] == -1).all()
    inside = labels[: -len(OUTLIERS)]
    clustered = inside != -1
    assert clustered.mean() > 0.7
    assert ari(inside[clustered], TRUE_LABELS[clustered]) == 1
    assert set(labels) == {-1, *range(N_BLOBS)}


def test_hdbscan_and_dbscan_on_tight_blobs_lose_only_the_outliers():
    tight = np.repeat(100 * np.eye(N_BLOBS, 5), 20, axis=0)
    tight += np.tile(np.linspace(0, 1, 20)[:, None], (N_BLOBS, 5))  # evenly spaced
    true_labels = np.repeat([*range(N_BLOBS), -1], [20] * N_BLOBS + [len(OUTLIERS)])
    for name in algorithms.FIND_K:
        labels = algorithms.cluster(np.vstack([tight, OUTLIERS]), name, 2)
        assert ari(labels, true_labels) == 1
        assert ((labels == -1) == (true_labels == -1)).all()


@pytest.mark.parametrize("seed", [0, 3])
def test_the_same_as_scikit_learn(seed):
    features = cloud()
    expected = KMeans(6, n_init=10, random_state=seed).fit_predict(features)
    found = algorithms.cluster(features, "kmeans", 6, seed)
    np.testing.assert_array_equal(found, expected)
    expected = AgglomerativeClustering(6, linkage="ward").fit_predict(features)
    found = algorithms.cluster(features, "ward", 6, seed)
    np.testing.assert_array_equal(found, expected)
    prepared = PCA(3, random_state=seed).fit_transform(normalize(features))
    expected = KMeans(6, n_init=10, random_state=seed).fit_predict(prepared)
    found = algorithms.cluster(features, "l2+pca3+kmeans", 6, seed)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_seed_gives_one_answer(name):
    features = cloud()
    first = algorithms.cluster(features, f"l2+{name}", 6, random_state=5)
    np.random.rand(3)  # what others draw does not matter
    again = algorithms.cluster(features, f"l2+{name}", 6, random_state=5)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_seeds_matter_for_seeded_algorithms_only(name):
    features = cloud(n=120)
    answers = {tuple(algorithms.cluster(features, name, 12, seed)) for seed in range(4)}
    if name in algorithms.SEEDED and name != "spectral":  # it may settle on one answer
        assert len(answers) > 1
    elif name not in algorithms.SEEDED:
        assert len(answers) == 1


@pytest.mark.parametrize("name", ALGORITHMS)
def test_labels_are_integers_one_a_picture(name):
    features = cloud(n=41)
    kept = features.copy()
    labels = algorithms.cluster(features, name, np.int64(5))
    assert labels.shape == (41,)
    assert labels.dtype.kind == "i"
    lowest = -1 if name in algorithms.FIND_K else 0
    assert labels.min() >= lowest
    assert name in algorithms.FIND_K or labels.max() < 5
    np.testing.assert_array_equal(features, kept)  # the caller's array is left alone


def test_l2_gives_every_vector_length_one():
    prepared = algorithms.prepare(cloud(), "l2+kmeans")
    np.testing.assert_allclose(np.linalg.norm(prepared, axis=1), 1, rtol=1e-5)
    zeros = algorithms.prepare(np.zeros((3, 4)), "l2+kmeans")
    np.testing.assert_array_equal(zeros, 0)


def test_pca_keeps_the_directions_of_largest_variance():
    features = cloud()
    prepared = algorithms.prepare(features, "pca3+kmeans")
    assert prepared.shape == (60, 3)
    np.testing.assert_allclose(prepared.mean(axis=0), 0, atol=1e-4)
    variances = prepared.var(axis=0, ddof=1)
    values = np.linalg.eigvalsh(np.cov(features.T.astype(float)))[::-1]
    np.testing.assert_allclose(variances, values[:3], rtol=1e-4)


def test_whiten_gives_every_component_variance_one():
    prepared = algorithms.prepare(cloud(), "whiten4+kmeans")
    assert prepared.shape == (60, 4)
    covariance = np.cov(prepared.T.astype(float))
    np.testing.assert_allclose(covariance, np.eye(4), atol=1e-4)


@pytest.mark.parametrize("step", ["pca", "whiten"])
def test_components_are_at_most_pictures_or_features(step):
    algorithm = f"{step}999+kmeans"
    assert algorithms.prepare(cloud(60, 8), algorithm).shape == (60, 8)
    assert algorithms.prepare(cloud(6, 20), algorithm).shape == (6, 6)
    assert len(algorithms.cluster(cloud(6, 20), algorithm, 2)) == 6


def test_steps_are_taken_in_their_order():
    features = cloud()
    first = algorithms.prepare(features, "l2+pca3+kmeans")
    second = algorithms.prepare(features, "pca3+l2+kmeans")
    np.testing.assert_allclose(np.linalg.norm(second, axis=1), 1, rtol=1e-5)
    assert np.linalg.norm(first, axis=1).max() < 0.99
    same = algorithms.prepare(features, "kmeans")
    np.testing.assert_array_equal(same, features)


def test_parse():
    assert algorithms.parse_algorithm("ward") == ([], "ward")
    steps = [("l2", None), ("pca", 50), ("whiten", 8)]
    assert algorithms.parse_algorithm("l2+pca50+whiten8+gmm") == (steps, "gmm")


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        ("kmean", "did you mean 'kmeans'"),
        ("KMeans", "did you mean 'kmeans'"),
        ("l2+wards", "did you mean 'ward'"),
        ("", "there is no algorithm ''"),
        ("l2", "there is no algorithm 'l2'"),
        ("kmeans+l2", "there is no algorithm 'l2'"),
        ("l2+", "there is no algorithm ''"),
        ("zzz", "Known are kmeans, minibatch"),
        ("pca+kmeans", "there is no step 'pca' in 'pca+kmeans'"),
        ("pca0+kmeans", "there is no step 'pca0'"),
        ("pca-5+kmeans", "there is no step 'pca-5'"),
        ("l2 +kmeans", "there is no step 'l2 '"),
        ("L2+kmeans", "write l2, pca50 or whiten50"),
        ("+kmeans", "there is no step ''"),
        ("micro20+kmeans", "micro-clusters are joined by ward, average or complete"),
        ("micro20+l2+ward", "like l2+micro2000+ward"),
    ],
)
def test_unknown_names_are_refused_with_a_suggestion(algorithm, words):
    with pytest.raises(ValueError) as raised:
        algorithms.cluster(cloud(), algorithm, 3)
    assert words in str(raised.value)


def test_no_suggestion_where_nothing_is_near():
    with pytest.raises(ValueError) as raised:
        algorithms.parse_algorithm("zzz")
    assert "did you mean" not in str(raised.value)


@pytest.mark.parametrize("k", [0, -1, 2.5, 3.0, True, None, "3"])
@pytest.mark.parametrize("name", ["kmeans", "dbscan"])
def test_k_is_a_whole_number_from_one_on(name, k):
    with pytest.raises(ValueError, match="must be a positive integer") as raised:
        algorithms.cluster(cloud(), name, k)
    assert repr(k) in str(raised.value)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_k_is_at_most_the_number_of_pictures(name):
    with pytest.raises(ValueError, match="at most the number of images, 12, got 13"):
        algorithms.cluster(cloud(12), name, 13)


@pytest.mark.parametrize("steps", ["", "l2+", "pca5+"])
@pytest.mark.parametrize("name", NEED_K)
def test_as_many_clusters_as_pictures(name, steps):
    labels = algorithms.cluster(cloud(12), steps + name, 12)
    if name == "minibatch":  # it may leave clusters empty
        assert 6 < len(set(labels)) <= 12
    else:
        assert sorted(labels) == list(range(12))


@pytest.mark.parametrize("name", NEED_K)
def test_one_cluster(name):
    labels = algorithms.cluster(cloud(12), f"l2+{name}", 1)
    assert labels.dtype.kind == "i"
    np.testing.assert_array_equal(labels, np.zeros(12))


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_very_few_pictures(name, n):
    for k in range(1, n + 1):
        labels = algorithms.cluster(cloud(n), name, k)
        assert labels.shape == (n,)
        exact = name not in (*algorithms.FIND_K, "minibatch")
        assert len(set(labels)) == k or not exact


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_picture_or_none_is_refused(name):
    for n in (1, 0):
        with pytest.raises(ValueError, match=f"needs at least 2 images, got {n}"):
            algorithms.cluster(np.ones((n, 4)), name, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers_are_refused(bad):
    features = cloud()
    features[3, 2] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        algorithms.cluster(features, "kmeans", 3)


@pytest.mark.parametrize("function", [algorithms.cluster, algorithms.prepare])
@pytest.mark.parametrize(
    ("features", "words"),
    [
        (sparse.csr_matrix(np.eye(9)), r"features\.toarray\(\)"),
        (sparse.coo_array(np.eye(9)), r"features\.toarray\(\)"),
        (np.eye(9).astype(complex), "real numbers, got complex128"),
        (np.eye(9).astype(str), "real numbers, got <U"),
        (np.eye(9).astype("M8[s]"), "real numbers, got datetime64"),
        ([[1.0, 2.0], [3.0]], "the same count for every image"),
        (np.array([[1, "a"], [2, 3]], dtype=object), "must be numbers"),
        (np.array([[1, None], [2, 3]], dtype=object), "must be numbers|NaN"),
        (np.ma.masked_equal(np.eye(9), 1), "masked in places"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(features, words, function):
    arguments = (2,) if function is algorithms.cluster else ()
    with pytest.raises(ValueError, match=words):
        function(features, "l2+kmeans", *arguments)


# Sums of squares overflow in float16 above 65,504, and in small integers.
@pytest.mark.parametrize("dtype", ["f2", "u1", "i2", "i8", "f8", "g", "O"])
@pytest.mark.parametrize("max_in_memory", [50, 10_000_000])
@pytest.mark.parametrize("algorithm", ["kmeans", "l2+kmeans", "l2+ward", "l2+hdbscan"])
def test_numbers_are_clustered_alike_in_any_dtype(algorithm, dtype, max_in_memory):
    features = (blobs() + 50).round().astype(dtype)
    large = {"max_in_memory": max_in_memory}
    prepared = algorithms.prepare(features, algorithm, **large)
    exact = algorithms.prepare(features.astype(np.float64), algorithm)
    assert prepared.dtype in (np.float32, np.float64)
    np.testing.assert_allclose(prepared, exact, rtol=1e-5)
    assert ari(algorithms.cluster(features, algorithm, N_BLOBS, **large)) == 1


@pytest.mark.parametrize("max_in_memory", [50, 10_000_000])
def test_truth_values_are_clustered_as_0_and_1(max_in_memory):
    features = blobs() > 50
    labels = algorithms.cluster(
        features, "l2+kmeans", N_BLOBS, max_in_memory=max_in_memory
    )
    assert ari(labels) == 1


def copies(dtype, n_copies, width=60, shift=0.0):
    """Copies of 6 vectors, of rank 5 around their mean, and which of the 6 each is."""
    vectors = np.random.default_rng(3).random((6, width)) + shift
    return np.repeat(vectors.astype(dtype), n_copies, axis=0), np.arange(6).repeat(
        n_copies
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("n_copies", "shift"), [(8, 0), (20, 0), (120, 0), (20, 30), (120, 30)]
)  # scikit-learn's solvers: full or randomised for few rows, covariances for many
@pytest.mark.parametrize("steps", ["whiten50", "l2+whiten50", "whiten50+l2+whiten50"])
def test_whitening_does_not_amplify_rounding(steps, dtype, n_copies, shift):
    features, which = copies(dtype, n_copies, shift=shift)
    usual = algorithms.prepare(features, f"{steps}+kmeans")
    by_blocks = algorithms.prepare(features, f"{steps}+kmeans", max_in_memory=50)
    for prepared in (usual, by_blocks):
        spread = prepared.std(axis=0, ddof=1)
        assert (spread > 0.01).sum() == 5
        first = prepared[np.arange(6) * n_copies][which]
        np.testing.assert_allclose(prepared, first, atol=1e-4)
    # Axes may point either way, and turn where variances are equal: compare angles.
    np.testing.assert_allclose(by_blocks @ by_blocks.T, usual @ usual.T, atol=1e-2)
    labels = algorithms.cluster(features, f"{steps}+ward", 6)
    assert ari(labels, which) == 1


def test_whitening_grey_images_leaves_out_what_repeats():
    grey = np.random.default_rng(0).dirichlet(np.ones(10), 300).astype(np.float32)
    colour = np.hstack([grey, grey, grey])  # 9 dimensions: each row's sum is fixed
    found = algorithms.prepare(colour, "whiten30+kmeans")
    spread = found.std(axis=0, ddof=1)
    np.testing.assert_allclose(spread[:9], 1, rtol=1e-3)
    np.testing.assert_array_equal(found[:, 9:], 0)


def test_whitened_pipelines_transform_new_rows_as_they_were_fitted():
    features, _ = copies(np.float32, 20)
    pca = preprocessing.ClippedPCA(50, whiten=True, random_state=0)
    fitted = pca.fit_transform(features)
    assert fitted.dtype == pca.transform(features).dtype == np.float32
    np.testing.assert_allclose(pca.transform(features), fitted, atol=1e-4)
    again = preprocessing.ClippedPCA(50, whiten=True, random_state=0).fit(features)
    np.testing.assert_array_equal(again.components_, pca.components_)


@pytest.mark.parametrize("name", ["kmeans", "ward"])
@pytest.mark.parametrize("seed", [-1, 1.5, "0", True, 2**32])
def test_a_seed_that_is_none_is_refused(name, seed):
    for function in (
        lambda: algorithms.cluster(cloud(), name, 3, seed),
        lambda: algorithms.pipeline(name, 3, seed),
        lambda: algorithms.prepare(cloud(), name, seed),
    ):
        with pytest.raises(ValueError, match="seed must be an integer from 0") as found:
            function()
        assert repr(seed) in str(found.value)


@pytest.mark.parametrize("algorithm", [["l2", "kmeans"], ("kmeans",), None, 3, b"ward"])
def test_an_algorithm_is_one_string(algorithm):
    with pytest.raises(ValueError, match="must be one string, its steps joined by"):
        algorithms.cluster(cloud(), algorithm, 3)


@pytest.mark.parametrize("shape", [(60,), (5, 4, 3), ()])
def test_features_are_one_vector_a_picture(shape):
    with pytest.raises(ValueError, match=r"must have shape \(n, d\)") as raised:
        algorithms.cluster(np.ones(shape), "kmeans", 3)
    assert str(shape) in str(raised.value)


@pytest.mark.parametrize("name", preprocessing.PAIRWISE)
def test_very_many_images_go_over_micro_clusters_and_say_so(name):
    with pytest.warns(UserWarning, match="80 images uses 30") as caught:
        labels = algorithms.cluster(blobs(), name, N_BLOBS, max_pairwise=30)
    assert len(caught) == 1
    assert ari(labels) == 1
    chosen = algorithms.cluster(  # and no warning
        blobs(), f"micro30+{name}", N_BLOBS, max_pairwise=30
    )
    assert ari(chosen) == 1
    algorithms.cluster(blobs(), name, N_BLOBS, max_pairwise=80)


def test_spectral_of_very_many_images_goes_over_micro_clusters():
    with pytest.warns(UserWarning, match="spectral of 80 images"):
        labels = algorithms.cluster(blobs(), "spectral", N_BLOBS, max_pairwise=60)
    assert ari(labels) == 1


@pytest.mark.parametrize(
    "algorithm", ["l2+kmeans", "pca3+minibatch", "l2+whiten3+ward"]
)
def test_large_features_go_by_blocks_and_find_the_same(algorithm):
    usual = algorithms.prepare(blobs(), algorithm)
    by_blocks = algorithms.prepare(blobs(), algorithm, max_in_memory=50)
    assert by_blocks.dtype == np.float32
    np.testing.assert_allclose(np.abs(by_blocks), np.abs(usual), atol=2e-2)  # signs
    labels = algorithms.cluster(blobs(), algorithm, N_BLOBS, max_in_memory=50)
    assert ari(labels) == 1


def test_micro_clusters_of_large_features_are_made_after_the_other_steps():
    prepared = algorithms.prepare(blobs(), "l2+micro30+ward", max_in_memory=50)
    np.testing.assert_allclose(prepared, normalize(blobs()), atol=1e-6)
    labels = algorithms.cluster(blobs(), "l2+micro30+ward", N_BLOBS, max_in_memory=50)
    assert ari(labels) == 1


@pytest.mark.parametrize(
    ("name", "limit", "advice"),
    [
        ("gmm", {"gaussianclusters__max_numbers": 300}, r"l2\+pca50\+gmm"),
        (
            "hdbscan",
            {"hdbscanclusters__max_products": 80 * 80 * 4},
            r"l2\+pca10\+hdbscan",
        ),
    ],
)
def test_too_much_for_an_algorithm_is_refused_with_advice(name, limit, advice):
    with pytest.raises(MemoryError, match=advice) as raised:
        algorithms.pipeline(name, 4).set_params(**limit).fit_predict(blobs())
    assert f"({next(iter(limit)).split('__')[1]}=" in str(raised.value)
    fewer = algorithms.pipeline(f"pca3+{name}", 4).set_params(**limit)
    assert len(fewer.fit_predict(blobs())) == 80


@pytest.mark.parametrize("steps", ["", "l2+", "l2+pca3+", "whiten3+l2+whiten2+"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_name_spells_a_pipeline_of_scikit_learn(name, steps):
    features = cloud()
    model = algorithms.pipeline(steps + name, n_clusters=5, random_state=2)
    assert isinstance(model, Pipeline)
    assert len(model.steps) == steps.count("+") + 1
    expected = algorithms.cluster(features, steps + name, 5, random_state=2)
    np.testing.assert_array_equal(model.fit_predict(features), expected)
    again = clone(model)  # every parameter is kept, and none was changed by fitting
    assert repr(again) == repr(clone(again))
    assert again.get_params().keys() == model.get_params().keys()
    np.testing.assert_array_equal(again.fit_predict(features), expected)
    if steps:
        prepared = model[:-1].transform(features)
        found = algorithms.prepare(features, steps + name, random_state=2)
        np.testing.assert_allclose(found, prepared, atol=1e-4)


def test_micro_clusters_are_part_of_the_pipeline():
    model = algorithms.pipeline("l2+micro30+ward", n_clusters=N_BLOBS)
    ward = AgglomerativeClustering(N_BLOBS, linkage="ward")
    assert repr(model[-1].estimator) == repr(ward)
    assert model[-1].n_micro_clusters == 30
    assert ari(clone(model).fit_predict(blobs())) == 1


def test_dbscan_says_its_radius():
    model = estimators.DBSCANClusters().fit(blobs())
    apart = np.linalg.norm(blobs()[:, None] - blobs(), axis=2)
    assert model.eps_ == pytest.approx(np.median(np.sort(apart)[:, 5]), rel=1e-3)


def test_every_name_that_is_known_has_an_algorithm():
    assert set(preprocessing.NAMES) == set(algorithms.ALGORITHMS)


@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3])
@pytest.mark.parametrize("steps", ["", "l2+", "pca2+"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_pictures_all_alike_do_not_crash(name, steps, value):
    features = np.full((12, 4), value, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn says that k is too large
        for k in (1, 3, 12):
            labels = algorithms.cluster(features, steps + name, k)
            assert labels.shape == (12,)
            assert labels.max() < k or name in algorithms.FIND_K


def test_density_puts_pictures_all_alike_together():
    features = np.ones((12, 4), np.float32)
    for name in algorithms.FIND_K:
        assert len(set(algorithms.cluster(features, name, 3))) == 1


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(TRUE_LABELS))), st.sampled_from(NEED_K))
def test_the_order_of_the_pictures_does_not_matter(order, name):
    order = np.array(order)
    labels = algorithms.cluster(blobs()[order], name, N_BLOBS)
    assert ari(labels, TRUE_LABELS[order]) == 1


# Few points in many dimensions


def wide(n=24, width=300, seed=2):
    """Some rows are equal, one is nothing: (n, width)."""
    points = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    points[2::9] = points[0]
    points[7:8] = 0
    return points


@pytest.mark.parametrize("points", [wide(), wide() * 1e4 + 50, wide(n=2), wide()[:1]])
def test_rotated_points_have_the_same_distances(points):
    turned = preprocessing.rotate(points)
    assert turned.shape[0] == len(points) and turned.shape[1] <= len(points)
    exact, points = pairwise_distances(turned), np.asarray(points, np.float64)
    np.testing.assert_allclose(
        exact, pairwise_distances(points), rtol=1e-6, atol=1e-6 * np.abs(points).max()
    )
    assert len(np.unique(turned, axis=0)) == len(np.unique(points, axis=0))


@pytest.mark.parametrize("shape", [(24, 47), (3000, 8000), (0, 5)])
def test_where_nothing_is_won_nothing_is_rotated(shape):
    points = np.broadcast_to(np.float32(1), shape)
    assert preprocessing.rotate(points) is points


@pytest.mark.parametrize("name", algorithms.BY_DISTANCES)
@pytest.mark.parametrize("seed", range(5))
def test_wide_features_are_clustered_as_scikit_learn_does_alone(name, seed):
    points = wide(seed=seed)
    points[:12] += 1  # two loose groups
    model = algorithms.pipeline(f"l2+{name}", 3, seed)
    expected = model.fit_predict(points)
    assert ari(algorithms.cluster(points, f"l2+{name}", 3, seed), expected) == 1


def test_more_clusters_than_different_wide_points(recwarn):
    points = np.repeat(wide(n=2), 6, axis=0)
    labels = algorithms.cluster(points, "kmeans", 4)
    assert ari(labels, [0] * 6 + [1] * 6) == 1
