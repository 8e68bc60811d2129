"""What lesson 8 claims: what maps keep, what they invent, and where to cluster."""

import functools

import numpy as np
from ledger import claim
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics import normalized_mutual_info_score as nmi_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from small_sets import one_thread  # noqa: F401
from trials import SEEDS, SETS, both, image_set, subsamples, true_labels
from trials import vectors as features

from course_utils import maps

N_SUBSAMPLES = 10  # of each set, so 20 trials: maps take time
MAPS = "pca", "tsne", "umap"


def told(**measured):
    """Means on the stamps and on the photos, as text."""
    return "; ".join(
        f"{name.replace('_', ' ')} {found[:N_SUBSAMPLES].mean():.2f} and "
        f"{found[N_SUBSAMPLES:].mean():.2f}"
        for name, found in measured.items()
    )


@functools.cache
def part(set_name, trial):
    """Unit vectors of a random part of an image set, and their true labels."""
    unit = normalize(features(set_name, "EfficientNetLite0"))
    kept = subsamples(len(unit))[trial]
    # All components: the same distances in fewer numbers.
    return PCA().fit_transform(unit[kept]), true_labels(set_name)[kept]


def tsne(points, perplexity=30, start="pca", seed=0, max_iter=350):
    """t-SNE with fewer steps than the usual 1,000, for speed."""
    few = points[:, :50]  # principal components already, or noise
    model = TSNE(
        perplexity=perplexity,
        init=start,
        random_state=seed,
        max_iter=max_iter,
    )
    return model.fit_transform(few)


@functools.cache
def drawn(set_name, trial, name):
    points, _ = part(set_name, trial)
    if name == "features":
        return points
    if name == "pca":
        return points[:, :2]
    if name == "umap":
        return maps.layout(points, "umap", cache=False)
    return tsne(points, max_iter=500)


def over(set_name, measure):
    """One number per subsample."""
    return np.array([measure(set_name, trial) for trial in range(N_SUBSAMPLES)])


@functools.cache
def kept(set_name, trial, name):
    points, _ = part(set_name, trial)
    return maps.neighbours_kept(points, drawn(set_name, trial, name))


@claim(
    "08.kept",
    "Maps of t-SNE and UMAP keep at least .15 more of the ten nearest neighbours than "
    "PCA's, and t-SNE more than UMAP.",
    at_least=0.9,
)
def test_kept(show):
    """Paired subsamples of both sets."""
    pca, tsne_, umap = (
        both(lambda s, m=m: over(s, lambda *at: kept(*at, m).mean())) for m in MAPS
    )
    holds = (np.minimum(tsne_, umap) > pca + 0.15) & (tsne_ > umap)
    text = told(PCA=pca, **{"t-SNE": tsne_}, UMAP=umap)
    show(f"kept on stamps and photos: {text}", holds, "subsamples")


@functools.cache
def large(set_name, trial, name):
    """Rank correlation among the half of the pairs that are farther apart."""
    before = pdist(part(set_name, trial)[0])
    chosen = before > np.median(before)
    return spearmanr(before[chosen], pdist(drawn(set_name, trial, name))[chosen])[0]


@claim(
    "08.far",
    "No map orders the large distances with a rank correlation above .45; on the "
    "photos PCA's is the highest of the three, on the stamps t-SNE's or UMAP's is "
    "higher or at most .05 lower.",
    at_least=0.9,
)
def test_far(show):
    """The half of the pairs that are farther apart in the features."""
    found = {m: both(lambda s, m=m: over(s, lambda *at: large(*at, m))) for m in MAPS}
    rivals = np.maximum(found["tsne"], found["umap"])
    holds = np.max(list(found.values()), axis=0) < 0.45
    holds[:N_SUBSAMPLES] &= (rivals > found["pca"] - 0.05)[:N_SUBSAMPLES]
    holds[N_SUBSAMPLES:] &= (rivals < found["pca"])[N_SUBSAMPLES:]
    show(f"correlation on stamps and photos: {told(**found)}", holds, "subsamples")


def count(points, single=False, size=5, n_samples=5):
    """Clusters of HDBSCAN."""
    model = HDBSCAN(
        min_cluster_size=size,
        min_samples=n_samples,
        allow_single_cluster=single,
        copy=True,
    )
    return len(set(model.fit_predict(points)) - {-1})


@functools.cache
def noise_maps(seed):
    points = normalize(np.random.default_rng(seed).normal(size=(200, 50)))
    return maps.layout(points, "pca", cache=False), tsne(points), tsne(points, 3)


@claim(
    "08.noise",
    "On a map of pure noise, HDBSCAN reports more clusters by t-SNE with perplexity 3 "
    "than with 30, at least eight.",
)
def test_noise(show):
    """The same noise, 200 points of 50 numbers; only the perplexity differs."""
    found = np.array([[count(m) for m in noise_maps(seed)[1:]] for seed in SEEDS])
    holds = (found[:, 1] > found[:, 0]) & (found[:, 1] >= 8)
    many, few = found.mean(axis=0)
    show(f"clusters: perplexity 30 {many:.1f}, perplexity 3 {few:.1f}", holds)


@claim(
    "08.single",
    "If it may answer one cluster, HDBSCAN reports exactly one on every map of noise "
    "by PCA and t-SNE, but one for the features of the stamps and the photos as well; "
    "by default it reports two or more on those maps of noise.",
)
def test_single(show):
    """The features, which have classes, are the control."""
    rows = []
    for seed in SEEDS:
        single = [count(m, single=True) for m in noise_maps(seed)]
        default = [count(m) for m in noise_maps(seed)]
        classes = [count(part(s, seed)[0], single=True) for s in SETS]
        rows.append((*single, *classes, min(default)))
    rows = np.array(rows)
    holds = (rows[:, :5] == 1).all(axis=1) & (rows[:, 5] >= 2)
    text = f"in noise {rows[:, :3].max()} at most, in the features {rows[:, 3:5].max()}"
    text = f"one allowed: {text}; default: {rows[:, 5].min()} at least in noise"
    show(text, holds)


@functools.cache
def synthetic(seed):
    """How much wider C is than A, in the features and on the maps."""
    generator, n = np.random.default_rng(seed), 40
    centres = np.zeros((3, 50))
    centres[[0, 1, 2], [0, 0, 2]] = 1
    centres[1, 1] = 0.3
    spreads = np.repeat([0.01, 0.01, 0.05], n)[:, None]
    points = np.repeat(centres, n, axis=0) + spreads * generator.normal(
        size=(3 * n, 50)
    )
    points = normalize(points)
    shown = [points, maps.layout(points, "pca", cache=False), tsne(points)]
    shown.append(maps.layout(points, "umap", cache=False))
    rows = []
    for found in shown:
        a, b, c = found[:n], found[n : 2 * n], found[2 * n :]
        width = [np.linalg.norm(x - x.mean(axis=0), axis=1).mean() for x in (a, c)]
        far, near = (np.linalg.norm(x.mean(axis=0) - a.mean(axis=0)) for x in (c, b))
        rows.append((width[1] / width[0], far / near))
    return np.array(rows)


@claim(
    "08.width",
    "A cluster that is more than four times as wide as another, and more than four "
    "times as far away, is so on PCA's map; on those of t-SNE and UMAP it is less than "
    "1.5 times as wide, and on t-SNE's less than 2.5 times as far away.",
)
def test_width(show):
    """PCA's map of the same points is the control."""
    found = np.array([synthetic(seed) for seed in SEEDS])
    wider, farther = found[..., 0], found[..., 1]
    holds = (found[:, :2] > 4).all(axis=(1, 2)) & (wider[:, 2:] < 1.5).all(axis=1)
    holds &= farther[:, 2] < 2.5
    names = "features", "PCA", "t-SNE", "UMAP"
    text = "; ".join(
        f"{n} {w:.1f} and {f:.1f}"
        for n, (w, f) in zip(names, found.mean(axis=0), strict=True)
    )
    show(f"times as wide and as far: {text}", holds)


def coin_islands(points, coins, n_median_steps=4):
    """Islands of linked dots that hold five coins or more: the coins of each."""
    steps = NearestNeighbors(n_neighbors=1).fit(points).kneighbors()[0]
    cut = n_median_steps * np.median(steps)
    labels = fcluster(linkage(points, "single"), cut, "distance")
    found = [coins[labels[coins] == island] for island in np.unique(labels[coins])]
    return [island for island in found if len(island) >= 5]


@functools.cache
def coins_of(perplexity, seeds=SEEDS):
    """Numbers of islands of coins for each seed; how many mix euros with others."""
    unit = normalize(features("stamps", "EfficientNetLite0"))
    points = PCA(50, random_state=0).fit_transform(unit)
    coins = np.flatnonzero(true_labels("stamps") == 1)
    split = KMeans(2, n_init=10, random_state=0).fit_predict(unit[coins])
    captions = image_set("stamps").captions
    euros = np.array(["European" in captions[i] for i in coins])
    assert adjusted_rand_score(euros, split) == 1
    numbers, mixed = [], []
    for seed in seeds:
        found = tsne(points, perplexity, "random", seed, max_iter=500)
        islands = coin_islands(found, coins)
        numbers.append(len(islands))
        mixed.append(sum(0 < euros[np.isin(coins, i)].mean() < 1 for i in islands))
    return np.array(numbers), np.array(mixed)


@claim(
    "08.coins",
    "On t-SNE's map with perplexity 5 the coins are two islands, euros and others, as "
    "k-means splits them in the features; with perplexity 30 they are one.",
    at_least=0.9,
)
def test_coins(show):
    """Random starts, so that seeds differ; perplexity 30 on five of them."""
    (few, mixed), (many, _) = coins_of(5), coins_of(30, range(5))
    assert (many == 1).all()
    holds = (few == 2) & (mixed == 0)
    text = f"perplexity 5: {few.mean():.2f}, mixed {mixed.mean():.2f}; "
    show(f"islands with {text}perplexity 30: {many.mean():.2f}", holds)


def k_means_nmi(set_name, trial, name):
    points, classes = drawn(set_name, trial, name), part(set_name, trial)[1]
    k = len(np.unique(classes))
    models = [KMeans(k, n_init=10, random_state=seed) for seed in range(2)]
    return np.mean([nmi_score(classes, m.fit_predict(points)) for m in models])


@claim(
    "08.kmeans",
    "k-means loses an NMI of more than .08 on PCA's map and less than .06 on the maps "
    "of t-SNE and UMAP, compared with the features.",
)
def test_kmeans(show):
    """Paired subsamples, the same k."""
    found = {
        m: both(lambda s, m=m: over(s, lambda *at: k_means_nmi(*at, m)))
        for m in ("features", *MAPS)
    }
    holds = found["pca"] < found["features"] - 0.08
    for name in ("tsne", "umap"):
        holds &= found[name] > found["features"] - 0.06
    show(f"NMI on stamps and photos: {told(**found)}", holds, "subsamples")


def hdbscan_nmis(set_name, trial, name):
    points, classes = drawn(set_name, trial, name), part(set_name, trial)[1]
    found = []
    for size, n_samples in ((5, 5), (10, 2), (8, 1)):
        model = HDBSCAN(min_cluster_size=size, min_samples=n_samples, copy=True)
        found.append(nmi_score(classes, model.fit_predict(points)))
    return found


@claim(
    "08.hdbscan",
    "HDBSCAN with min_cluster_size=5 and min_samples=5 scores higher on UMAP's map "
    "than in the features; with 10 and 2 the gap is smaller, and over the settings 5 "
    "and 5, 10 and 2, 8 and 1 the NMI varies less on the map.",
    at_least=0.9,
)
def test_hdbscan(show):
    """Neighbouring settings of the same algorithm on the same subsamples."""
    inside, on_map = (
        np.concatenate([over(s, lambda *at, m=m: hdbscan_nmis(*at, m)) for s in SETS])
        for m in ("features", "umap")
    )
    gap = on_map - inside
    holds = (gap[:, 0] > 0) & (gap[:, 1] < gap[:, 0])
    holds &= np.ptp(on_map, axis=1) < np.ptp(inside, axis=1)
    names = [f"{w}_{a}" for w in ("features", "UMAP") for a in ("5_5", "10_2", "8_1")]
    text = told(**dict(zip(names, np.hstack([inside, on_map]).T, strict=True)))
    show(f"NMI on stamps and photos: {text}", holds, "subsamples")
