"""Choosing without labels: which k, which representation, from which evidence."""

import numpy as np
import pytest
from scipy import sparse

from course_utils import clustering, plots
from course_utils.clustering import choice


def blobs(n_clusters, n_each=14, width=24, noise=0.15, seed=0):
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(n_clusters, width))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    points = np.repeat(centres, n_each, axis=0)
    return points + generator.normal(scale=noise / np.sqrt(width), size=points.shape)


def noise_like(points, seed=1):
    return np.random.default_rng(seed).normal(size=points.shape)


@pytest.mark.parametrize("n_clusters", [2, 3, 5, 8, 12])
def test_the_number_of_clear_groups_is_proposed(n_clusters):
    chosen = clustering.choose(blobs(n_clusters))
    assert chosen.n_clusters == n_clusters
    assert chosen.n_images == 14 * n_clusters
    assert list(chosen.of()["k"]) == list(range(2, min(20, 14 * n_clusters // 3) + 1))
    assert chosen.ranking["stability"][0] > 0.95


@pytest.mark.parametrize("factor", [1e-3, 1, 1e4])
def test_groups_rank_before_noise_whatever_their_order_and_scale(factor):
    groups = blobs(4)
    wide = np.pad(groups, ((0, 0), (0, 400)))
    some = {"noise": noise_like(groups), "groups": groups * factor, "wide": wide}
    for names in (list(some), list(some)[::-1]):
        chosen = clustering.choose({name: some[name] for name in names})
        assert list(chosen.ranking["representation"])[2] == "noise"
        assert chosen.n_clusters == 4
    levels = chosen.ranking.set_index("representation")["level"]
    assert levels["groups"] == pytest.approx(levels["wide"], abs=0.05)


def test_own_silhouettes_would_take_the_space_of_fewest_dimensions():
    """What the choice is for: a one-dimensional shadow has the highest silhouette."""
    groups = blobs(6, noise=0.9, seed=3)
    shadow = np.exp(groups[:, :1])  # of one direction only: most groups overlap
    both = {"groups": groups, "shadow": np.hstack([shadow, np.ones_like(shadow)])}
    chosen = clustering.choose(both, ks=[6])
    own = chosen.evidence.set_index("representation")["silhouette"]
    assert own["shadow"] > own["groups"]
    assert chosen.representation == "groups"


def test_every_pair_of_representation_and_algorithm_has_evidence():
    groups = blobs(3)
    chosen = clustering.choose(
        {"a": groups, "b": groups + 1}, ["l2+kmeans", "ward"], ks=(2, 3, 4)
    )
    pairs = chosen.evidence.groupby(["representation", "algorithm"])["k"].apply(list)
    assert len(pairs) == 4 and all(ks == [2, 3, 4] for ks in pairs)
    assert len(chosen.of("b", "ward")) == 3
    assert set(choice.CRITERIA) <= set(chosen.evidence)
    first = chosen.ranking.iloc[0]
    best = chosen.of().set_index("k")["score"].idxmax()
    assert (first["k"], first["k"]) == (chosen.n_clusters, best)
    assert chosen.ranking["level"].is_monotonic_decreasing
    again = clustering.choose({"b": groups + 1, "a": groups}, ["ward"], ks=(2, 3, 4))
    assert again.of("a")["score"].tolist() == chosen.of("a", "ward")["score"].tolist()


def test_of_very_many_only_a_sample_is_read(tmp_path):
    path = tmp_path / "features.npy"
    whole = np.lib.format.open_memmap(path, "w+", np.float32, (100_000, 64))
    whole[:] = np.nan  # is not read, or it would be refused
    kept = np.sort(np.random.default_rng(0).choice(100_000, 300, replace=False))
    whole[kept] = blobs(5, n_each=60, width=64)
    chosen = clustering.choose(np.load(path, mmap_mode="r"), max_images=300)
    assert (chosen.n_clusters, chosen.n_images) == (5, 300)


@pytest.mark.parametrize(
    "features",
    [
        np.ones((9, 4)),
        np.zeros((6, 3)),
        np.repeat(np.eye(2), 4, axis=0),
        np.arange(12).reshape(-1, 1),
        np.vstack([np.ones((30, 5)), np.eye(5)]),
        np.eye(5, dtype=np.uint8),
        -np.eye(8, dtype=np.float16),
    ],
    ids=["equal", "zero", "two", "one number", "copies", "five", "float16"],
)
def test_degenerate_features_get_an_answer(features):
    chosen = clustering.choose({"one": features, "two": features})
    assert 2 <= chosen.n_clusters <= max(2, len(features) // 3)
    assert chosen.ranking["k"].between(2, len(features)).all()
    plots.choice(chosen).canvas.draw()


@pytest.mark.parametrize(
    "features, how, words",
    [
        (np.eye(4), {}, "at least 5 images, got 4"),
        (np.eye(9), {"ks": [1, 2]}, "from 2 to 8, got"),
        (np.eye(9), {"ks": [2, 9]}, "from 2 to 8, got"),
        (np.eye(9), {"ks": []}, "from 2 to 8, got"),
        (np.eye(9), {"ks": [2.5]}, "positive integer"),
        (np.eye(9), {"algorithms": "l2+hdbscan"}, "its own number"),
        (np.eye(9), {"algorithms": "k-means"}, "did you mean"),
        (np.eye(9), {"algorithms": []}, "nothing to choose"),
        (np.eye(9), {"random_state": -1}, "seed"),
        ({}, {}, "nothing to choose"),
        ({"a": np.eye(9), "b": np.eye(8)}, {}, "not of the same images"),
        ({"a": np.eye(9), "b": np.full((9, 9), np.nan)}, {}, "of b contain NaN"),
        (sparse.csr_matrix(np.eye(9)), {}, "toarray"),
        (np.ones(9), {}, "shape"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(features, how, words):
    with pytest.raises(ValueError, match=words):
        clustering.choose(features, **how)


def test_stability_tells_groups_from_noise():
    groups = blobs(4)
    assert clustering.stability(groups, "l2+kmeans", 4) == pytest.approx(1)
    assert clustering.stability(noise_like(groups), "l2+kmeans", 4) < 0.5
    assert clustering.stability(groups, "l2+kmeans", 7) < 0.95
    assert clustering.stability(groups, "ward", 4, n_pairs=1, share=1) == 1
    noise, seeds = noise_like(groups), (5, 5, 6)
    found = [clustering.stability(noise, "kmeans", 3, random_state=s) for s in seeds]
    assert found[0] == found[1] != found[2]


def test_stability_refuses_what_it_cannot_measure():
    with pytest.raises(ValueError, match="share must be"):
        clustering.stability(np.eye(9), "kmeans", 2, share=0.2)
    with pytest.raises(ValueError, match="at most the number of images"):
        clustering.stability(np.eye(9), "kmeans", 8)


def test_the_figure_shows_what_is_proposed():
    groups = blobs(3)
    one = plots.choice(clustering.choose(groups, ks=range(2, 6)))
    assert len(one.axes) == 1 and "k = 3 is proposed" in one.axes[0].get_title()
    assert len(one.axes[0].get_lines()) == 4
    both = {"hog": groups, "raw": noise_like(groups)}
    two = plots.choice(clustering.choose(both, ks=range(2, 6)))
    names = [text.get_text() for text in two.axes[1].get_yticklabels()]
    assert names == ["raw", "hog"]  # the best on top
