"""Embeddings of the neighbour graph: who is near stays near, few images too."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import normalize

from course_utils import clustering


def groups(n_groups=4, n_each=20, width=30):
    generator = np.random.default_rng(0)
    centres = np.repeat(generator.normal(size=(n_groups, width)), n_each, axis=0)
    rows = centres + 0.3 * generator.normal(size=centres.shape)
    return normalize(rows), np.repeat(np.arange(n_groups), n_each)


@pytest.mark.parametrize(
    "embed",
    [
        clustering.umap_embedding,
        lambda rows: clustering.umap_embedding(rows, n_components=5, n_neighbors=8),
        lambda rows: clustering.laplacian_eigenmaps(rows, 4),
        lambda rows: clustering.laplacian_eigenmaps(rows, 10, n_neighbors=6),
    ],
    ids=["umap", "umap 5", "eigenmaps", "eigenmaps 10"],
)
def test_groups_stay_together_whatever_the_axes(embed):
    rows, labels = groups()
    points = embed(rows)
    assert len(points) == len(rows) and np.isfinite(points).all()
    near = KNeighborsClassifier(5).fit(points[::2], labels[::2]).predict(points[1::2])
    assert adjusted_rand_score(labels[1::2], near) > 0.9
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(30, 30)))[0]
    again = embed(rows @ turned)
    near = KNeighborsClassifier(5).fit(again[::2], labels[::2]).predict(again[1::2])
    assert adjusted_rand_score(labels[1::2], near) > 0.9


def test_the_same_seed_gives_the_same_embedding():
    rows, _ = groups()
    first, again = (clustering.umap_embedding(rows, 3) for _ in range(2))
    assert np.array_equal(first, again)
    first, again = (clustering.laplacian_eigenmaps(rows, 3) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("n_images", [5, 6, 9])
def test_few_images_and_copies_get_fewer_coordinates(n_images):
    rows = normalize(np.random.default_rng(0).normal(size=(n_images, 7)))
    points = clustering.laplacian_eigenmaps(rows, 10)
    assert points.shape == (n_images, n_images - 2)
    assert clustering.umap_embedding(rows).shape == (n_images, 2)
    copies = np.repeat(rows[:3], n_images, axis=0)
    assert np.isfinite(clustering.laplacian_eigenmaps(copies, 4)).all()
    assert np.isfinite(clustering.umap_embedding(copies)).all()
