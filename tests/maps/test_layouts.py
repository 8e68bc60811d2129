"""Layouts and grids: slow references, invariances, cases whose answer is known.

UMAP's coordinates differ between machines: no test holds them against numbers.
"""

import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sets import one_thread  # noqa: F401

from course_utils.maps import layouts

each_layout = pytest.mark.parametrize("name", layouts.NAMES)


def blobs(n_each=12, width=8, seed=0, spread=0.02):
    """Three tight clusters of directions: (features, cluster of each)."""
    generator = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(3), n_each)
    noise = generator.normal(size=(3 * n_each, width)) * spread
    return (np.eye(3, width)[clusters] + noise).astype(np.float32), clusters


def directions(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


# ---- layout


@pytest.mark.parametrize("shape", [(40, 6), (5, 30), (520, 510)])
def test_pca_is_the_projection_on_two_singular_vectors(shape):
    features = np.random.default_rng(1).normal(size=shape) * (1 + np.arange(shape[1]))
    vectors = directions(features)
    centred = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:2].T
    found = layouts.layout(features, "pca", cache=False)
    assert np.allclose(np.abs(found), np.abs(expected), atol=1e-4)


def kl_divergence(features, points, perplexity):
    """t-SNE's cost, written out from the paper's formulas."""
    n = len(points)
    distances = ((features[:, None] - features) ** 2).sum(-1)
    affinities = np.zeros((n, n))
    for i in range(n):
        low, high = 1e-6, 1e4
        for _ in range(80):  # bisection for the width that has this perplexity
            beta = np.sqrt(low * high)
            row = np.exp(-beta * (distances[i] - distances[i][distances[i] > 0].min()))
            row[i] = 0
            row /= row.sum()
            entropy = -(row[row > 0] * np.log(row[row > 0])).sum()
            low, high = (beta, high) if entropy > np.log(perplexity) else (low, beta)
        affinities[i] = row
    p = (affinities + affinities.T) / (2 * n)
    q = 1 / (1 + ((points[:, None] - points) ** 2).sum(-1))
    np.fill_diagonal(q, 0)
    q /= q.sum()
    return (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()


def test_tsne_lowers_its_cost_as_the_paper_defines_it():
    features = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    found = layouts.layout(features, "tsne", perplexity=8, cache=False)
    pca = layouts.layout(features, "pca", cache=False) * 40
    costs = [kl_divergence(directions(features), p, 8) for p in (found, pca)]
    assert costs[0] < 0.7 * costs[1]


@each_layout
def test_tight_clusters_stay_together(name):
    features, clusters = blobs()
    points = layouts.layout(features, name, cache=False)
    apart = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(len(points))
    assert (clusters[apart.argmin(axis=1)] == clusters).all()


@each_layout
def test_a_seed_gives_the_same_map_and_lengths_do_not_count(name):
    features, _ = blobs(spread=0.2)
    lengths = 2.0 ** np.random.default_rng(3).integers(-3, 4, (len(features), 1))
    one = layouts.layout(features, name, seed=1, cache=False)
    assert one.dtype == np.float32 and one.shape == (36, 2)
    assert (layouts.layout(features, name, seed=1, cache=False) == one).all()
    assert np.allclose(
        layouts.layout(features * lengths, name, seed=1, cache=False), one
    )
    other = layouts.layout(features, name, seed=2, cache=False)
    if name != "tsne":  # which starts from PCA: its seed hardly counts
        assert (other == one).all() == (name == "pca")


@each_layout
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
def test_few_equal_or_opposite_pictures_have_a_place(name, n):
    some = np.random.default_rng(n).normal(size=(n, 6))
    opposite = np.where(np.arange(n) % 2, 1.0, -1.0)[:, None]
    for features in (some, some[:, :1], np.ones((n, 3)), np.zeros((n, 3)), opposite):
        points = layouts.layout(features, name, cache=False)
        assert points.shape == (n, 2) and np.isfinite(points).all()
    assert (layouts.layout(np.ones((n, 3)), name, cache=False) == 0).all()


@each_layout
def test_features_that_are_none_are_refused(name):
    with pytest.raises(ValueError, match="NaN"):
        layouts.layout([[np.nan, 1], [1, 0]], name)
    for empty in (np.empty((0, 3)), np.empty((3, 0)), np.ones(4)):
        with pytest.raises(ValueError, match="shape"):
            layouts.layout(empty, name)


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("tnse", {}, "did you mean 'tsne'"),
        ("UMAP", {}, "did you mean 'umap'"),
        ("mds", {}, "Known are umap, tsne, pca"),
        ("umap", {"neighbors": 5}, "did you mean 'n_neighbors'"),
        ("tsne", {"perplexty": 5}, "did you mean 'perplexity'"),
        ("pca", {"perplexity": 5}, "It has none"),
        ("tsne", {"perplexity": 0}, "from 1 to inf"),
        ("umap", {"n_neighbors": 1}, "from 2 to inf"),
        ("umap", {"n_neighbors": "15"}, "from 2 to inf, got '15'"),
        ("umap", {"n_neighbors": None}, "from 2 to inf, got None"),
        ("umap", {"min_dist": [0.1]}, r"from 0 to 1, got \[0.1\]"),
        ("tsne", {"perplexity": np.nan}, "from 1 to inf, got nan"),
        ("tsne", {"perplexity": True}, "from 1 to inf, got True"),
        ("tsne", {"seed": 1.5}, "seed must be an integer from 0"),
        ("pca", {"seed": -1}, "seed must be an integer from 0"),
        ("umap", {"min_dist": 1.5}, "from 0 to 1"),
        ("umap", {"min_dist": float("nan")}, "from 0 to 1"),
    ],
)
def test_unknown_names_and_settings_are_refused(name, given, why):
    with pytest.raises(ValueError, match=why):
        layouts.layout(np.eye(5), name, **given)


# ---- the stored coordinates


@pytest.fixture
def computed(monkeypatch):
    """The names of the layouts that were really computed."""
    calls, compute = [], layouts._compute

    def counted(features, name, seed, settings):
        calls.append(name)
        return compute(features, name, seed, settings)

    monkeypatch.setattr(layouts, "_compute", counted)
    return calls


def test_coordinates_are_stored_and_drawn_again(own_cache, computed):
    features, _ = blobs()
    first = layouts.layout(features, "tsne")
    again = layouts.layout(features.tolist(), "tsne", perplexity=30)
    assert (first == again).all() and computed == ["tsne"]
    layouts.layout(features, "tsne", cache=False)
    assert computed == ["tsne"] * 2
    assert len(list(own_cache.glob("layouts/tsne-*.npy"))) == 1


def test_another_seed_setting_or_picture_is_another_file(own_cache, computed):
    features, _ = blobs()
    for rows in (features, features[::-1], features[:, :5]):
        layouts.layout(rows, "pca")
        layouts.layout(rows, "pca", seed=1)  # PCA has no seed
    layouts.layout(features, "tsne")
    layouts.layout(features, "tsne", seed=1)
    layouts.layout(features, "tsne", perplexity=5)
    assert len(computed) == len(list(own_cache.glob("layouts/*.npy"))) == 6


def test_a_newer_library_computes_again(own_cache, computed, monkeypatch):
    features, _ = blobs()
    layouts.layout(features, "pca")
    monkeypatch.setattr(layouts.importlib.metadata, "version", lambda name: "99")
    layouts.layout(features, "pca")
    assert len(computed) == 2


@pytest.mark.parametrize("damage", [b"", b"no array", "half", "nan", "shape"])
def test_a_damaged_file_is_computed_again(own_cache, computed, damage):
    features, _ = blobs()
    first = layouts.layout(features, "pca")
    (path,) = own_cache.glob("layouts/*.npy")
    if damage == "half":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "nan":
        np.save(path, np.full_like(first, np.nan))
    elif damage == "shape":
        np.save(path, first[:3])
    else:
        path.write_bytes(damage)
    assert (layouts.layout(features, "pca") == first).all()
    assert (np.load(path) == first).all() and len(computed) == 2


def test_a_closed_cache_warns_once(tmp_path, monkeypatch, recwarn):
    closed = tmp_path / "a file"
    closed.write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_CACHE", str(closed))
    with pytest.warns(UserWarning, match="COURSE_CACHE"):
        layouts.layout(np.eye(5), "pca")
    recwarn.clear()
    layouts.layout(np.eye(6), "pca")
    assert not recwarn.list


def test_a_missing_umap_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        layouts.layout(np.eye(6), "umap", cache=False)


# ---- unit, grid, grouped


def test_unit_keeps_the_aspect_ratio_and_centres():
    assert np.allclose(
        layouts.to_unit_square([[0, 10], [4, 12], [2, 11]]),
        [[0, 0.25], [1, 0.75], [0.5, 0.5]],
    )
    assert layouts.to_unit_square([[3, 3], [3, 3]]).tolist() == [[0.5, 0.5]] * 2
    assert layouts.to_unit_square(np.empty((0, 2))).shape == (0, 2)


def slow_grid(points):
    """Halve the list of free cells and the list of pictures until one is left."""
    n = len(points)
    n_columns = int(np.ceil(np.sqrt(n)))
    n_rows = int(np.ceil(n / n_columns))
    cells = [(c, r) for r in reversed(range(n_rows)) for c in range(n_columns)][:n]
    places = {}

    def halve(pictures, cells, width, height, corner):
        if len(pictures) == 1:
            places[pictures[0]] = cells[0]
        elif pictures:
            axis = 0 if width >= height else 1
            half = (width, height)[axis] // 2
            limit = corner[axis] + half
            ordered = sorted(
                pictures, key=lambda i: (points[i][axis], points[i][1 - axis], i)
            )
            near = [cell for cell in cells if cell[axis] < limit]
            far = [cell for cell in cells if cell[axis] >= limit]
            rest = (width - half, height) if axis == 0 else (width, height - half)
            size = (half, height) if axis == 0 else (width, half)
            next_corner = list(corner)
            next_corner[axis] = limit
            halve(ordered[: len(near)], near, *size, corner)
            halve(ordered[len(near) :], far, *rest, tuple(next_corner))

    halve(list(range(n)), cells, n_columns, n_rows, (0, 0))
    return [places[i] for i in range(n)]


coordinates = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=60
)


@settings(max_examples=60, deadline=None)
@given(coordinates)
def test_grid_is_that_of_the_slow_way_and_nobody_shares_a_cell(points):
    found = layouts.grid(points)
    assert found.tolist() == [list(cell) for cell in slow_grid(points)]
    n_columns = int(np.ceil(np.sqrt(len(points))))
    assert len(np.unique(found, axis=0)) == len(points)
    assert found.min() == 0 and found[:, 0].max() == n_columns - 1
    assert found[:, 1].max() == -(-len(points) // n_columns) - 1


@settings(max_examples=40, deadline=None)
@given(coordinates)
def test_pictures_on_a_grid_stay_where_they_are(points):
    on_a_grid = layouts.grid(points)
    stretched = np.column_stack([np.exp(on_a_grid[:, 0] / 3), on_a_grid[:, 1] ** 3])
    assert (layouts.grid(on_a_grid) == on_a_grid).all()
    assert (layouts.grid(stretched) == on_a_grid).all()  # only the order counts


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (1, 1), (2, 5)])
def test_a_line_keeps_its_order_in_every_row_and_column(direction):
    along = np.random.default_rng(0).permutation(50)
    cells = layouts.grid(along[:, None] * np.array(direction))
    for axis in (0, 1):
        for value in np.unique(cells[:, axis]):
            line = np.flatnonzero(cells[:, axis] == value)
            by_cell = line[np.argsort(cells[line, 1 - axis])]
            assert (np.diff(along[by_cell]) > 0).all()


def test_the_order_of_the_pictures_does_not_count():
    points = np.random.default_rng(1).normal(size=(77, 2))
    order = np.random.default_rng(2).permutation(77)
    assert (layouts.grid(points[order]) == layouts.grid(points)[order]).all()


def test_neighbours_on_the_map_are_near_on_the_grid():
    points = np.random.default_rng(0).uniform(size=(900, 2))
    cells = layouts.grid(points)
    apart = np.linalg.norm(points[:, None] - points, axis=2) + 9 * np.eye(900)
    to_neighbour = np.linalg.norm(cells - cells[apart.argmin(axis=1)], axis=1)
    at_random = np.linalg.norm(
        cells - np.random.default_rng(0).permutation(cells), axis=1
    )
    assert to_neighbour.mean() < 0.2 * at_random.mean()


@settings(max_examples=40, deadline=None)
@given(coordinates)
def test_spread_images_have_a_cell_each(points):
    cells = layouts.spread(points)
    assert cells.dtype == np.float32 and cells.shape == (len(points), 2)
    assert len(np.unique(cells, axis=0)) == len(points)
    assert (cells == np.round(cells)).all() and (cells.min(axis=0) == 0).all()


def test_spread_moves_as_little_as_any_exchange_of_two():
    points = np.random.default_rng(0).normal(size=(40, 2))
    cells = layouts.spread(points, fill=1, aspect=1)
    n_columns, n_rows = cells.max(axis=0) + 1
    scaled = (points - points.min(axis=0)) / np.ptp(points, axis=0)
    ranks = points.argsort(axis=0).argsort(axis=0) / 39
    wanted = (scaled + ranks) / 2 * (n_columns - 1, n_rows - 1)
    costs = ((wanted[:, None] - cells) ** 2).sum(axis=-1)
    own = np.diag(costs)
    assert (costs + costs.T >= own[:, None] + own - 1e-9).all()


def test_spread_keeps_islands_apart_and_the_proportions_asked_for():
    generator = np.random.default_rng(0)
    island = np.repeat([0, 1], 60)
    points = np.array([[0, 0], [9, 0]])[island] + generator.normal(size=(120, 2))
    cells = layouts.spread(points, fill=0.5, aspect=2)
    apart = np.linalg.norm(cells[:, None] - cells, axis=2) + 99 * np.eye(120)
    assert (island[apart.argmin(axis=1)] == island).mean() > 0.95
    columns, rows = cells.max(axis=0) + 1
    assert 1.4 < columns / rows < 2.6
    assert (layouts.spread(points, fill=0.5, aspect=2) == cells).all()
    with pytest.raises(ValueError, match="fill must be above 0"):
        layouts.spread(points, fill=0)


def test_a_grid_of_30_000_takes_less_than_two_seconds():
    points = np.random.default_rng(0).normal(size=(30_000, 2))
    started = time.process_time()
    cells = layouts.grid(points)
    assert time.process_time() - started < 2
    assert len(np.unique(cells, axis=0)) == 30_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1, 6), max_size=60), st.booleans())
def test_groups_are_compact_blocks_that_keep_apart(labels, with_points):
    points = np.random.default_rng(0).normal(size=(len(labels), 2))
    cells = layouts.grouped(labels, points if with_points else None)
    assert cells.shape == (len(labels), 2) and cells.dtype == np.float32
    assert len(np.unique(cells, axis=0)) == len(labels)
    labels = np.array(labels)
    boxes = {}
    for label in np.unique(labels):
        block = cells[labels == label]
        boxes[label] = block.min(axis=0), block.max(axis=0)
        size = boxes[label][1] - boxes[label][0] + 1
        n_columns = int(np.ceil(np.sqrt(len(block))))
        assert size.tolist() == [n_columns, -(-len(block) // n_columns)]
    for one, (low, high) in boxes.items():
        for other, (other_low, other_high) in boxes.items():
            apart = np.maximum(other_low - high, low - other_high).max()
            assert one == other or apart >= 2  # an empty cell between


def test_the_biggest_group_comes_first_and_noise_last():
    labels = ["b"] * 3 + ["a"] * 9 + ["c"] * 3
    cells = layouts.grouped(labels)
    top = cells[:, 1].max()
    assert cells[3:12].min(axis=0)[0] == 0 and cells[3:12, 1].max() == top  # top left
    assert cells[:3, 0].min() < cells[12:, 0].min() or cells[:3, 1].min() > (
        cells[12:, 1].min()
    )
    noisy = layouts.grouped([-1] * 50 + [0] * 4 + [1] * 4)
    assert noisy[50:, 1].min() > noisy[:50, 1].max()  # on a shelf below


def test_without_points_a_block_is_read_like_a_page():
    cells = layouts.grouped([5, 5, 5, 5, 5])
    assert cells.tolist() == [[0, 1], [1, 1], [2, 1], [0, 0], [1, 0]]


def test_within_a_block_the_map_is_kept():
    points = np.random.default_rng(4).normal(size=(40, 2))
    labels = np.arange(40) % 3
    cells = layouts.grouped(labels, points)
    for label in range(3):
        block = cells[labels == label]
        assert (
            block - block.min(axis=0) == layouts.grid(points[labels == label])
        ).all()


def test_bad_points_and_labels_are_refused():
    for function in (layouts.grid, layouts.spread, layouts.to_unit_square):
        with pytest.raises(ValueError, match="shape"):
            function(np.ones((3, 3)))
        with pytest.raises(ValueError, match="NaN"):
            function([[0, np.inf]])
    with pytest.raises(ValueError, match="3 labels, but 2 points"):
        layouts.grouped([0, 0, 1], np.ones((2, 2)))
    with pytest.raises(ValueError, match="shape"):
        layouts.grouped(np.ones((2, 2)))
    with pytest.raises(ValueError, match="all int, or all str"):
        layouts.grouped(np.array([1, "a", None], dtype=object))


@pytest.mark.parametrize("k", [1, 4])
def test_neighbours_kept_are_those_of_the_slow_way(k):
    generator = np.random.default_rng(k)
    features = generator.normal(size=(30, 6))
    points = features[:, :2] + generator.normal(size=(30, 2)) / 3
    expected = []
    for i in range(30):
        near = []
        for rows in (features, points):
            order = np.argsort(np.linalg.norm(rows - rows[i], axis=1))
            near.append(set(order[order != i][:k]))
        expected.append(len(near[0] & near[1]) / k)
    found = layouts.neighbours_kept(features, points, k)
    assert found.tolist() == pytest.approx(expected)
    assert 0 < found.mean() < 1
    assert (layouts.neighbours_kept(points, points, k) == 1).all()
