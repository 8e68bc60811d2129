"""What lesson 7 claims: choosing a representation, k and a radius without labels."""

import functools

import numpy as np
from ledger import claim
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score as ami_score
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from small_sets import one_thread  # noqa: F401
from trials import SETS, both, subsamples, told, true_labels, vectors

from course_utils.clustering.embeddings import laplacian_eigenmaps, umap_embedding
from course_utils.clustering.preprocessing import rotate

NETWORK = "EfficientNetLite0"
RIVALS = "colour", "hog", "lbp", "SqueezeNet", f"{NETWORK}:block6", NETWORK
N_CLASSES = {"stamps": 7, "photos": 10}
KS = np.arange(2, 17)
N_PAIRS = 5


@functools.cache
def draws(set_name):
    return subsamples(len(true_labels(set_name)))


@functools.cache
def points(set_name, representation, draw):
    """Vectors of length 1 of a subsample, in no more dimensions than images."""
    rows = vectors(set_name, representation)[draws(set_name)[draw]]
    return rotate(normalize(rows.astype(np.float64)))


@functools.cache
def labels(set_name, representation, draw, k):
    model = KMeans(k, n_init=3, random_state=0)
    return model.fit_predict(points(set_name, representation, draw))


def classes(set_name, draw):
    return true_labels(set_name)[draws(set_name)[draw]]


@functools.cache
def eigenmaps(set_name, representation, draw):
    return laplacian_eigenmaps(points(set_name, representation, draw), 10)


@functools.cache
def umap(set_name, draw):
    return umap_embedding(points(set_name, NETWORK, draw), n_neighbors=30, min_dist=0.0)


@functools.cache
def by_k(set_name):
    """AMI and silhouettes of k-means on pool, for each subsample and k: (20, k)."""
    rows = {name: [] for name in ("ami", "own", "umap", "eigenmaps")}
    for draw in range(20):
        found = [labels(set_name, NETWORK, draw, k) for k in KS]
        spaces = points(set_name, NETWORK, draw), umap(set_name, draw)
        spaces += (eigenmaps(set_name, NETWORK, draw),)
        true = classes(set_name, draw)
        rows["ami"].append([ami_score(true, one) for one in found])
        for name, space in zip(("own", "umap", "eigenmaps"), spaces, strict=True):
            rows[name].append([silhouette_score(space, one) for one in found])
    return {name: np.array(values) for name, values in rows.items()}


@functools.cache
def by_representation(set_name, space):
    """Silhouettes of the six rivals, k as many as classes: (20, 6)."""
    k, rows = N_CLASSES[set_name], []
    for draw in range(20):
        where = points if space == "own" else eigenmaps
        row = [
            silhouette_score(where(set_name, r, draw), labels(set_name, r, draw, k))
            for r in RIVALS
        ]
        rows.append(row)
    return np.array(rows)


@functools.cache
def representation_amis(set_name):
    k = N_CLASSES[set_name]
    return np.array(
        [
            [
                ami_score(classes(set_name, draw), labels(set_name, r, draw, k))
                for r in RIVALS
            ]
            for draw in range(20)
        ]
    )


def chosen(values, criterion):
    """The value in each row where the criterion is highest."""
    return np.take_along_axis(values, criterion.argmax(axis=1)[:, None], 1)[:, 0]


def stability(set_name, representation, ks):
    """Mean ARI of a subsample's clusters with those of the next five: (20, k)."""
    parts, rows = draws(set_name), []
    for first in range(20):
        row = np.zeros(len(ks))
        for second in ((first + 1 + step) % 20 for step in range(N_PAIRS)):
            _, a, b = np.intersect1d(parts[first], parts[second], return_indices=True)
            for place, k in enumerate(ks):
                pair = (
                    labels(set_name, representation, draw, k)[shared]
                    for draw, shared in ((first, a), (second, b))
                )
                row[place] += adjusted_rand_score(*pair) / N_PAIRS
        rows.append(row)
    return np.array(rows)


@claim(
    "07.dimensions",
    "With all principal components of pool instead of six, the silhouette of k-means "
    "is less than half as high, though AMI changes by less than .1.",
)
def test_dimensions(show):
    """AMI of the same clusters is the control: refuted if it falls, too."""
    rows = []
    for name in SETS:
        for draw in range(20):
            everything, row = points(name, NETWORK, draw), []
            for kept in (6, len(everything) - 1):
                some = PCA(kept, random_state=0).fit_transform(everything)
                found = KMeans(N_CLASSES[name], n_init=3, random_state=0)
                found = found.fit_predict(some)
                row += [silhouette_score(some, found)]
                row += [ami_score(classes(name, draw), found)]
            rows.append(row)
    few, ami_few, full, ami_full = np.transpose(rows)
    text = told(six=few, all=full, AMI_of_six=ami_few, AMI_of_all=ami_full)
    holds = (full < few / 2) & (np.abs(ami_few - ami_full) < 0.1)
    show(f"silhouette on stamps and photos: {text}", holds, "subsamples")


@claim(
    "07.own-space",
    "Of six representations, each in its own space, the one with the highest "
    "silhouette has an AMI more than .3 below the best.",
)
def test_own_space(show):
    """Paired subsamples of both sets, the same k for all."""
    best = both(lambda s: representation_amis(s).max(axis=1))
    picked = both(lambda s: chosen(representation_amis(s), by_representation(s, "own")))
    text = told(picked=picked, best=best)
    show(f"AMI on stamps and photos: {text}", picked < best - 0.3, "subsamples")


@claim(
    "07.neighbour-space",
    "Of six representations, each after Laplacian eigenmaps, the one with the highest "
    "silhouette has an AMI at most .1 below the best.",
)
def test_neighbour_space(show):
    """The same clusters as in 07.own-space; only the space differs."""
    best = both(lambda s: representation_amis(s).max(axis=1))
    picked = both(
        lambda s: chosen(representation_amis(s), by_representation(s, "eigenmaps"))
    )
    close = (best - picked <= 0.02).mean()
    text = f"{told(picked=picked, best=best)}; within .02 in {close:.0%}"
    show(f"AMI on stamps and photos: {text}", picked > best - 0.1, "subsamples")


@claim(
    "07.order",
    "Further down, that order is wrong: on the photos lbp is before hog, though its "
    "AMI is more than .1 lower.",
    at_least=0.85,
)
def test_order(show):
    """Refuted if the order by silhouette is that by AMI."""
    level = by_representation("photos", "eigenmaps")
    ami = representation_amis("photos")
    hog, lbp = RIVALS.index("hog"), RIVALS.index("lbp")
    holds = (level[:, lbp] > level[:, hog]) & (ami[:, lbp] < ami[:, hog] - 0.1)
    text = f"silhouette: lbp {level[:, lbp].mean():.2f}, hog {level[:, hog].mean():.2f}"
    text += f"; AMI {ami[:, lbp].mean():.2f}, {ami[:, hog].mean():.2f}"
    show(text, holds, "subsamples")


@claim(
    "07.stable-and-wrong",
    "On the stamps the clusters of colour are more stable than those of pool, with "
    "less than half their AMI.",
)
def test_stable_and_wrong(show):
    """The same subsamples, the same k."""
    colour, pool = (stability("stamps", r, [7])[:, 0] for r in ("colour", NETWORK))
    ami = representation_amis("stamps")
    ami_colour, ami_pool = ami[:, RIVALS.index("colour")], ami[:, -1]
    holds = (colour > pool) & (ami_colour < ami_pool / 2)
    text = f"ARI of pairs: colour {colour.mean():.2f}, pool {pool.mean():.2f}; "
    text += f"AMI {ami_colour.mean():.2f} and {ami_pool.mean():.2f}"
    show(text, holds, "subsamples")


def log_inertia(rows, k, n_init):
    return np.log(KMeans(k, n_init=n_init, random_state=0).fit(rows).inertia_)


@claim(
    "07.gap",
    "The gap of pool is larger at 20 clusters than at the number of classes.",
)
def test_gap(show):
    """Three uniform references in the box of the principal components."""
    at_classes, at_20 = [], []
    for name in SETS:
        for draw in range(20):
            box = PCA().fit_transform(points(name, NETWORK, draw))
            generator = np.random.default_rng(draw)
            ends = box.min(axis=0), box.max(axis=0)
            references = [generator.uniform(*ends, box.shape) for _ in range(3)]
            for k, found in ((N_CLASSES[name], at_classes), (20, at_20)):
                expected = np.mean([log_inertia(one, k, 1) for one in references])
                found.append(expected - log_inertia(box, k, 3))
    at_classes, at_20 = np.array(at_classes), np.array(at_20)
    text = told(as_many_as_classes=at_classes, twenty=at_20)
    show(f"gap on stamps and photos: {text}", at_20 > at_classes, "subsamples")


@claim(
    "07.few",
    "On pool of the stamps, stability prefers fewer clusters than there are classes.",
)
def test_few(show):
    """Each subsample with five others; k from 2 to 12; the photos are the control."""
    ks, found = KS[KS <= 12], {}
    for name in SETS:
        stable = stability(name, NETWORK, ks)
        ami = by_k(name)["ami"][:, : len(ks)]
        lost = ami.max(axis=1) - chosen(ami, stable)
        found[name] = ks[stable.argmax(axis=1)], lost
    text = [
        f"{name}: k {k.min()} to {k.max()}, AMI lost {lost.mean():.2f}"
        for name, (k, lost) in found.items()
    ]
    show("; ".join(text), found["stamps"][0] < N_CLASSES["stamps"], "subsamples")


def standardised(values):
    values = values - values.mean(axis=1, keepdims=True)
    return values / values.std(axis=1, keepdims=True)


@claim(
    "07.biases",
    "On pool, the silhouette after UMAP prefers at most as many clusters as after "
    "eigenmaps in ten dimensions, and on the stamps fewer.",
    at_least=0.9,
)
def test_biases(show):
    """Paired subsamples, the same clusters."""
    few, many = (
        both(lambda s, n=n: KS[by_k(s)[n].argmax(axis=1)])
        for n in ("umap", "eigenmaps")
    )
    holds = np.concatenate([few[:20] < many[:20], few[20:] <= many[20:]])
    text = told(after_UMAP=few, after_eigenmaps=many)
    show(f"mean k on stamps and photos: {text}", holds, "subsamples")


@claim(
    "07.mean",
    "On pool, the k by the mean of both standardised silhouettes, and that by the "
    "silhouette in its own space, have an AMI at most .1 below the best k's.",
    at_least=0.9,
)
def test_mean(show):
    """Each criterion alone is shown beside it; the rule was found on these images."""
    lost = {}
    for name in ("own", "umap", "eigenmaps", "mean"):

        def loss(s, name=name):
            rows = by_k(s)
            both_spaces = standardised(rows["umap"]) + standardised(rows["eigenmaps"])
            criterion = both_spaces if name == "mean" else rows[name]
            return rows["ami"].max(axis=1) - chosen(rows["ami"], criterion)

        lost[name] = both(loss)
    assert (lost["umap"][:20] > 0.1).sum() >= 4, "the control loses more"
    text = "; ".join(f"{n} {(v > 0.1).sum()} of 40" for n, v in lost.items())
    text = f"AMI lost on stamps and photos: {told(**lost)}; more than .1: {text}"
    show(text, np.maximum(lost["mean"], lost["own"]) <= 0.1, "subsamples")


@claim(
    "07.knee",
    "With the radius at the knee of the 5-distance curve, DBSCAN puts more than 80% of "
    "the stamps into one cluster; with the median distance it does not.",
)
def test_knee(show):
    """The course's default radius is the control; the photos are shown."""
    rows = []
    for name in SETS:
        for draw in range(20):
            rows_of = points(name, NETWORK, draw)
            index = NearestNeighbors(n_neighbors=5).fit(rows_of)
            heights = np.sort(index.kneighbors(rows_of)[0][:, -1])
            scaled = (heights - heights[0]) / np.ptp(heights)
            knee = heights[np.argmax(np.linspace(0, 1, len(heights)) - scaled)]
            row = []
            for radius in (knee, np.median(heights)):
                found = DBSCAN(eps=radius, min_samples=5).fit_predict(rows_of)
                row.append(np.bincount(found[found >= 0]).max() / len(found))
                row.append(ami_score(classes(name, draw), found))
            rows.append(row)
    share, ami, share_median, ami_median = np.transpose(rows)
    n_higher = (ami > ami_median)[20:].sum()
    text = told(largest_cluster=share, AMI=ami, AMI_with_the_median=ami_median)
    text += f"; on the photos the knee scores higher in {n_higher} of 20"
    holds = (share > 0.8) & (share_median < 0.8)
    show(f"stamps and photos: {text}", holds[:20], "subsamples")
