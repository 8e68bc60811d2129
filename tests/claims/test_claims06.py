"""What lesson 6 claims: layers, pooling, whitening, algorithms, noise, intervals."""

import functools
import itertools

import numpy as np
from ledger import claim
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score as ami_score
from sklearn.metrics import normalized_mutual_info_score as nmi_score
from sklearn.preprocessing import normalize
from trials import (
    SETS,
    both,
    image_set,
    labelings,
    nmis,
    subsample_nmis,
    subsamples,
    told,
    true_labels,
)

from course_utils import clustering, metrics, representations
from course_utils._support.keras import import_keras
from course_utils.representations import extraction

NETWORK, EARLY = "EfficientNetLite0", "SqueezeNet:fire5"
LAYERS = [f"{NETWORK}:{x}" for x in ("stem", "block5", "block6", "block7", "pool")]
LAYERS += ["SqueezeNet:conv1", EARLY, "SqueezeNet:conv10", NETWORK, "raw"]
TOLD_K = "kmeans", "ward", "average", "spectral", "gmm"


@functools.cache
def extractor(set_name):
    """The layers of a network are computed in one pass."""
    return extraction.Comparison(image_set(set_name), LAYERS)


@functools.cache
def vectors(set_name, representation):
    return extractor(set_name).extract(representation, progress=False)


@functools.cache
def trials(set_name, representation, recipe="l2+kmeans", n_seeds=1):
    """NMI on 20 subsamples, (20,)."""
    points = vectors(set_name, representation)
    return subsample_nmis(points, true_labels(set_name), recipe, n_seeds=n_seeds)


@claim(
    "06.depth",
    "As few random channels of the last layer as the first one has cluster better than "
    "the first layer, for both networks on both sets.",
)
def test_depth(show):
    """The rival has the same width; other channels in each subsample."""
    holds, texts = [], []
    layers = {NETWORK: ("stem", "pool"), "SqueezeNet": ("conv1", "conv10")}
    for network, (first, last) in layers.items():
        generator, low, high = np.random.default_rng(0), [], []
        for name in SETS:
            early, late = (vectors(name, f"{network}:{x}") for x in (first, last))
            for kept in subsamples(len(early)):
                chosen = generator.choice(late.shape[1], early.shape[1], replace=False)
                classes = true_labels(name)[kept]
                low.append(nmis(early[kept], classes, seeds=[0]).mean())
                points = late[np.ix_(kept, chosen)]
                high.append(nmis(points, classes, seeds=[0]).mean())
        low, high = np.array(low), np.array(high)
        holds.append(high > low)
        width = early.shape[1]
        text = told(first=low, **{f"{width}_channels_of_the_last": high})
        texts.append(f"{network} {text}")
    show(f"NMI on stamps and photos: {'. '.join(texts)}", holds, "subsamples")


@claim(
    "06.plateau",
    "block6, block7 and pool of EfficientNet-Lite0 are within an NMI of .1 of each "
    "other and more than .05 above block5.",
)
def test_plateau(show):
    """Paired subsamples of both sets."""
    layers = "block5", "block6", "block7", "pool"
    found = {x: both(lambda s, x=x: trials(s, f"{NETWORK}:{x}")) for x in layers}
    top = np.array([found[layer] for layer in layers[1:]])
    holds = (np.ptp(top, axis=0) < 0.1) & (top.min(axis=0) > found["block5"] + 0.05)
    show(f"NMI on stamps and photos: {told(**found)}", holds, "subsamples")


@functools.cache
def pooled_trials(set_name):
    """{how block5 is pooled: NMI on subsamples}."""
    keras = import_keras()
    images = image_set(set_name)
    batch = np.stack([images.picture(i, size=224) for i in range(len(images))])
    batch = representations.preprocess_efficientnet_lite0(batch)
    network = representations.efficientnet_lite0()
    model = keras.Model(network.input, network.get_layer("block5").output)
    maps = model.predict(batch, batch_size=16, verbose=0)
    rows = {"average": maps.mean(axis=(1, 2)), "max": maps.max(axis=(1, 2))}
    rows["flat"] = maps.reshape(len(maps), -1)
    points = {how: PCA().fit_transform(normalize(one)) for how, one in rows.items()}
    classes = true_labels(set_name)
    return {
        how: subsample_nmis(p, classes, "kmeans", n_seeds=1)
        for how, p in points.items()
    }


@claim(
    "06.flat",
    "Flattening the maps of block5 instead of averaging them costs an NMI of more than "
    ".05 on the stamps, but not on the photos.",
    at_least=0.9,
)
def test_flat(show):
    """The same maps; paired subsamples. Refutes that flattening costs everywhere."""
    found = {
        how: both(lambda s, h=how: pooled_trials(s)[h])
        for how in ("average", "max", "flat")
    }
    lost = found["average"] - found["flat"]
    holds = np.concatenate([lost[:20] > 0.05, lost[20:] < 0.05])
    show(f"NMI on stamps and photos: {told(**found)}", holds, "subsamples")


@claim(
    "06.components",
    "Twelve principal components cluster within an NMI of .06 of all of them.",
)
def test_components(show):
    """Paired subsamples of both sets; two components are the control that fails."""
    found = {"all": both(lambda s: trials(s, NETWORK))}
    for n in (2, 12, 24):
        found[f"{n}_components"] = both(
            lambda s, n=n: trials(s, NETWORK, f"l2+pca{n}+kmeans")
        )
    assert (found["2_components"] < found["all"]).all()
    close = [np.abs(found[f"{n}_components"] - found["all"]) < 0.06 for n in (12, 24)]
    show(f"NMI on stamps and photos: {told(**found)}", np.all(close, 0), "subsamples")


@claim(
    "06.whitened",
    "Whitening 48 components costs an NMI of more than .15, and whitening all of them "
    "leaves less than .1 above chance; whitening three changes it by less than .1.",
)
def test_whitened(show):
    """The control: whitening few components does no such harm."""
    everything = both(lambda s: trials(s, NETWORK))
    three, three_white, white_48 = (
        both(lambda s, r=r: trials(s, NETWORK, f"l2+{r}+kmeans"))
        for r in ("pca3", "whiten3", "whiten48")
    )
    white, chance = [], []
    for name in SETS:
        points, classes = vectors(name, NETWORK), true_labels(name)
        for kept in subsamples(len(points)):
            k = len(np.unique(classes))
            found = clustering.cluster(points[kept], "l2+whiten300+kmeans", k)
            pair = {"labels_true": classes[kept], "labels_pred": found}
            white.append(metrics.nmi(**pair))
            chance.append(metrics.chance_scores(**pair)["nmi"])
    white, chance = np.array(white), np.array(chance)
    holds = (np.abs(three_white - three) < 0.1) & (white_48 < everything - 0.15)
    holds &= white < chance + 0.1
    text = told(
        all=everything,
        three=three,
        three_whitened=three_white,
        _48_whitened=white_48,
        all_whitened=white,
        chance=chance,
    )
    show(f"NMI on stamps and photos: {text}", holds, "subsamples")


@claim(
    "06.representation",
    "Each of five algorithms that are told k scores higher on the pool of "
    "EfficientNet-Lite0 than the best of them on raw pixels or on SqueezeNet's fire5.",
)
def test_representation(show):
    """The worst on one side, the best on the other."""
    worst = both(
        lambda s: np.min([trials(s, NETWORK, f"l2+{a}") for a in TOLD_K], axis=0)
    )
    pairs = list(itertools.product(("raw", EARLY), TOLD_K))
    best = both(lambda s: np.max([trials(s, r, f"l2+{a}") for r, a in pairs], axis=0))
    text = told(worst_on_pool=worst, best_on_the_others=best)
    show(f"NMI on stamps and photos: {text}", worst > best, "subsamples")


@claim(
    "06.gmm",
    "A rotation to all principal components, which leaves Ward's clusters as they are, "
    "lowers the NMI of a mixture with diagonal covariances on pool.",
    at_least=0.8,
)
def test_gmm(show):
    """Ward on the same points is the control."""
    plain = both(lambda s: trials(s, NETWORK, "l2+gmm", 3))
    rotated = both(lambda s: trials(s, NETWORK, "l2+pca300+gmm", 3))
    few = both(lambda s: trials(s, NETWORK, "l2+pca12+gmm", 3))
    ward = both(lambda s: trials(s, NETWORK, "l2+ward"))
    ward_rotated = both(lambda s: trials(s, NETWORK, "l2+pca300+ward"))
    text = told(not_rotated=plain, rotated=rotated, twelve_components=few)
    change = np.abs(ward - ward_rotated).max()
    holds = (rotated < plain) & (np.abs(ward - ward_rotated) < 0.02)
    text = f"NMI on stamps and photos: {text}; Ward changes by at most {change:.3f}"
    show(text, holds, "subsamples")


@functools.cache
def hdbscan_nmis(set_name, size, n_samples):
    points = PCA().fit_transform(normalize(vectors(set_name, NETWORK)))
    model = HDBSCAN(min_cluster_size=size, min_samples=n_samples, copy=True)
    classes = true_labels(set_name)
    return np.array(
        [
            nmi_score(classes[kept], model.fit_predict(points[kept]))
            for kept in subsamples(len(points))
        ]
    )


@claim(
    "06.hdbscan",
    "HDBSCAN with min_cluster_size=8 and min_samples=1 is within an NMI of .1 of "
    "k-means on pool; with 5 and 5 it scores lower than with 8 and 1.",
    at_least=0.9,
)
def test_hdbscan(show):
    """Paired subsamples of both sets, and a neighbouring setting."""
    ours = both(lambda s: hdbscan_nmis(s, 5, 5))
    other = both(lambda s: hdbscan_nmis(s, 8, 1))
    near = both(lambda s: hdbscan_nmis(s, 10, 2))
    k_means = both(lambda s: trials(s, NETWORK))
    text = told(
        sizes_5_and_5=ours, sizes_8_and_1=other, sizes_10_and_2=near, k_means=k_means
    )
    holds = (other > k_means - 0.1) & (ours < other)
    show(f"NMI on stamps and photos: {text}", holds, "subsamples")


@claim(
    "06.noise",
    "Counting each noise image of HDBSCAN as a cluster of its own instead of all as "
    "one lowers AMI, but raises NMI on the stamps; leaving them out raises both.",
    at_least=0.9,
)
def test_noise(show):
    """The score that subtracts chance is the control."""
    rows = []
    for name in SETS:
        points, classes = vectors(name, NETWORK), true_labels(name)
        for kept in subsamples(len(points)):
            found = clustering.cluster(points[kept], "l2+hdbscan", 2)
            noise, true = found == -1, classes[kept]
            alone = np.where(noise, 1000 + np.arange(len(found)), found)
            row = []
            for score in (nmi_score, ami_score):
                row.append(score(true[~noise], found[~noise]))
                row += [score(true, found), score(true, alone)]
            rows.append(row)
    left, one, alone, ami_left, ami_one, ami_alone = np.transpose(rows)
    holds = (ami_alone < ami_one) & (ami_alone - ami_one < alone - one)
    holds[:20] &= (alone > one)[:20]
    holds &= (left > one) & (ami_left > ami_one)
    text = f"NMI: {told(left_out=left, one_cluster=one, each_alone=alone)}. AMI: "
    text += told(left_out=ami_left, one_cluster=ami_one, each_alone=ami_alone)
    show(f"on stamps and photos: {text}", holds, "subsamples")


def inertia(points, labels):
    clusters = [points[labels == c] for c in np.unique(labels)]
    return sum(((rows - rows.mean(axis=0)) ** 2).sum() for rows in clusters)


@claim(
    "06.inertia",
    "Of ten runs of k-means on fire5, the one with the lowest inertia is seldom "
    "the one with the highest NMI.",
    at_least=0.8,
)
def test_inertia(show):
    """Subsamples of both sets; refuted if inertia picks the best run."""
    gains, holds = [], []
    for name in SETS:
        points = PCA().fit_transform(normalize(vectors(name, EARLY)))
        classes = true_labels(name)
        for kept in subsamples(len(points)):
            k = len(np.unique(classes))
            found = labelings(points[kept], "kmeans", k, range(10))
            scores = np.array([nmi_score(classes[kept], f) for f in found])
            lowest = np.argmin([inertia(points[kept], f) for f in found])
            gains.append((scores[lowest], scores.mean(), scores.max()))
            holds.append(scores[lowest] < scores.max())
    names = "lowest_inertia", "mean", "highest"
    text = told(**dict(zip(names, np.transpose(gains), strict=True)))
    show(f"NMI on stamps and photos: {text}", holds, "subsamples")


@functools.cache
def synthetic_differences(n_sets=40):
    """NMI of k-means minus Ward: true mean, and subsamples of many data sets."""
    centres = np.random.default_rng(0).normal(size=(5, 3)) * 2.2

    def draw(seed, n=150):
        generator = np.random.default_rng(seed)
        classes = generator.integers(0, 5, n)
        return centres[classes] + generator.normal(size=(n, 3)), classes

    def difference(points, classes, seed):
        models = KMeans(5, n_init=2, random_state=seed), AgglomerativeClustering(5)
        first, second = (nmi_score(classes, m.fit_predict(points)) for m in models)
        return first - second

    truth = np.mean([difference(*draw(1000 + i), i) for i in range(300)])
    found = []
    for seed in range(n_sets):
        points, classes = draw(seed)
        found.append(
            [
                difference(points[kept], classes[kept], place)
                for place, kept in enumerate(subsamples(150))
            ]
        )
    return truth, np.array(found)


@claim(
    "06.interval",
    "Two corrected standard errors around the mean difference of 20 subsamples contain "
    "the true difference of k-means and Ward; two uncorrected ones do in under 70%.",
    at_least=0.9,
)
def test_interval(show):
    """Synthetic data, whose true difference many fresh data sets give."""
    truth, found = synthetic_differences()
    away = np.abs(found.mean(axis=1) - truth)
    spread, n = found.std(axis=1, ddof=1), found.shape[1]
    corrected = away < 2 * spread * np.sqrt(1 / n + 0.8 / 0.2)
    naive = away < 2 * spread / np.sqrt(n)
    assert naive.mean() < 0.7
    text = f"corrected {corrected.mean():.0%}, uncorrected {naive.mean():.0%}"
    show(f"intervals that contain it: {text}", corrected, "data sets")
