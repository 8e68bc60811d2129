"""What lesson 10 claims: senses, styles, near-duplicates and what copies do."""

import functools
import io

import numpy as np
from ledger import claim
from PIL import Image, ImageOps
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from trials import SEEDS, image_set, subsamples, vectors

from course_utils import clustering, images, metrics, representations

NETWORKS = "EfficientNetLite0", "SqueezeNet"
WORDS = "cat", "horse", "orange"
N_COPIES, THRESHOLD = 24, 0.12


@functools.cache
def places(word):
    """Which images of the words this word finds."""
    found = images.search_captions(image_set("words"), word)
    return np.array([image_set("words").images.index(name) for name in found.images])


def features(word, network=NETWORKS[0]):
    return vectors("words", network)[places(word)]


def senses(word):
    return np.array(image_set("words").true_names)[places(word)]


def sources(word):
    return np.array(image_set("words").categories)[places(word)]


def nmi(labels_true, labels_pred):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)


def clusters(points, k, seed):
    return clustering.cluster(points, "l2+kmeans", k, seed)


def at_home(word, k, seed):
    """The share of the smaller sense in clusters in which it is in the majority."""
    names, counts = np.unique(senses(word), return_counts=True)
    small = senses(word) == names[counts.argmin()]
    labels = clusters(features(word), k, seed)
    share = np.array([small[labels == label].mean() for label in labels])
    return (share[small] > 0.5).mean()


@claim(
    "10.style",
    "Two clusters of the images that *cat* finds agree with the collections they come "
    "from (NMI above .7), not with the senses (below .3), in both networks.",
)
def test_style(show):
    """The control is the same with random parts of the images."""
    holds, told = [], []
    for network in NETWORKS:
        found = []
        for seed, part in enumerate(subsamples(len(places("cat")))):
            labels = clusters(features("cat", network)[part], 2, seed)
            pair = [nmi(x("cat")[part], labels) for x in (senses, sources)]
            found.append(pair)
            holds.append(pair[0] < 0.3 and pair[1] > 0.7)
        told.append(
            "{} sense {:.2f}, source {:.2f}".format(network, *np.mean(found, 0))
        )
    show(f"NMI: {'; '.join(told)}", holds, "subsamples")


@claim(
    "10.orange",
    "Two clusters of the images that *orange* finds have an NMI with the senses more "
    "than .15 above chance, and their spread over the seeds is above .05.",
)
def test_orange(show):
    """Chance is the same clusters with the senses shuffled."""
    found, chance = [], []
    for seed in SEEDS:
        labels = clusters(features("orange"), 2, seed)
        shuffle = np.random.default_rng(seed).permutation
        found.append(nmi(senses("orange"), labels))
        chance.append(np.mean([nmi(shuffle(senses("orange")), labels) for _ in SEEDS]))
    found, chance = np.array(found), np.array(chance)
    statistic = (
        f"NMI {found.mean():.2f} ± {found.std():.2f}, chance {chance.mean():.2f}"
    )
    show(statistic, (found > chance + 0.15) & (found.std() > 0.05))


@claim(
    "10.drowned",
    "With two or three clusters, no house cat is in a cluster in which house cats are "
    "in the majority; with four, more than half are. The horses, a smaller share of "
    "their search, are found with two.",
)
def test_drowned(show):
    """The control is *horse*: its smaller sense is found although it is as small."""
    cat = np.array([[at_home("cat", k, s) for k in (2, 3, 4)] for s in SEEDS])
    horse = np.array([at_home("horse", 2, s) for s in SEEDS])
    share = {w: np.unique(senses(w), return_counts=True)[1].min() for w in WORDS}
    smaller = share["horse"] / len(senses("horse")) < share["cat"] / len(senses("cat"))
    holds = (cat[:, :2] == 0).all(1) & (cat[:, 2] > 0.5) & (horse > 0.9) & smaller
    statistic = "house cats at home: k = 2 {:.2f}, 3 {:.2f}, 4 {:.2f}".format(
        *cat.mean(0)
    )
    show(f"{statistic}; horses: k = 2 {horse.mean():.2f}", holds)


@claim(
    "10.silhouette",
    "On *cat*, the silhouette of the true sources is higher than that of the true "
    "senses.",
)
def test_silhouette(show):
    """Both are true partitions, so no clustering is involved; random parts of them."""
    found = []
    for part in subsamples(len(places("cat"))):
        points = clustering.prepare(features("cat")[part], "l2+kmeans")
        codes = [
            np.unique(x("cat")[part], return_inverse=True)[1] for x in (sources, senses)
        ]
        found.append([metrics.silhouette(points, x) for x in codes])
    source, sense = np.array(found).T
    statistic = f"silhouette: sources {source.mean():.3f}, senses {sense.mean():.3f}"
    show(statistic, source > sense, "subsamples")


@claim(
    "10.again",
    "The drawings that *cat* finds, divided into two, agree with the senses more than "
    "two clusters of all its images do, by an NMI of more than .1, in both networks.",
)
def test_again(show):
    """The control is the NMI of all images; the drawings are the smaller cluster."""
    told, holds = [], []
    for network in NETWORKS:
        points, found = features("cat", network), []
        for seed in SEEDS:
            two = clusters(points, 2, seed)
            drawn = np.flatnonzero(two == np.bincount(two).argmin())
            divided = clusters(points[drawn], 2, seed)
            found.append([nmi(senses("cat")[drawn], divided), nmi(senses("cat"), two)])
        again, once = np.array(found).T
        holds.append(again > once + 0.1)
        told.append(f"{network} drawings {again.mean():.2f}, all {once.mean():.2f}")
    show(f"NMI: {'; '.join(told)}", np.concatenate(holds))


def jpeg(image, quality=70):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def dhash(picture):
    grey = Image.fromarray(picture).convert("L").resize((9, 8))
    grey = np.asarray(grey, int)
    return (grey[:, 1:] > grey[:, :-1]).ravel()


@claim(
    "10.hash",
    "Recompressing changes fewer than a tenth of the bits of a dHash and mirroring "
    "more than a quarter on average; in the features, more than 90% of both copies are "
    "nearer than the nearest different image.",
)
def test_hash(show):
    """The control in the features is the nearest of all other images of the set."""
    words, points = image_set("words"), vectors("words", NETWORKS[0])
    points = clustering.prepare(points, "l2+kmeans")
    chosen = np.random.default_rng(0).choice(len(words), 60, replace=False)
    contents = {}
    for i in chosen:
        image = Image.fromarray(words.picture(i))
        contents[f"{i:03} a.jpg"] = jpeg(image)
        contents[f"{i:03} b.jpg"] = jpeg(ImageOps.mirror(image))
    copies = images.from_bytes("copies", contents)
    copied = representations.extract(copies, NETWORKS[0], progress=False)
    copied = clustering.prepare(copied, "l2+kmeans")
    rows = []
    for place, name in enumerate(copies.images):
        i = int(name[:3])
        others = np.delete(points, i, axis=0)
        bits = (dhash(copies.picture(place)) != dhash(words.picture(i))).mean()
        nearer = copied[place] @ points[i] > (others @ points[i]).max()
        rows.append((bits, nearer))
    bits, nearer = np.array(rows).reshape(60, 2, 2).transpose(2, 1, 0)
    parts = subsamples(60, share=0.5)
    holds = [
        bits[0, part].mean() < 0.1 < 0.25 < bits[1, part].mean()
        and nearer[:, part].mean() > 0.9
        for part in parts
    ]
    statistic = (
        f"bits changed: recompressed {bits[0].mean():.2f}, mirrored "
        f"{bits[1].mean():.2f}; nearer than a different image {nearer.mean():.0%}"
    )
    show(statistic, holds, "subsamples")


def altered(image, random):
    """A copy as in the lesson: cropped or not, mirrored or not, recompressed."""
    width, height = image.size
    x, y = random.uniform(0.02, 0.05) * np.array([width, height])
    if random.random() < 0.5:
        image = image.crop((x, y, width - x, height - y))
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    scale = random.uniform(0.5, 1)
    image = image.resize([max(8, round(side * scale)) for side in image.size])
    return jpeg(image, int(random.integers(40, 86)))


@claim(
    "10.copies",
    "24 copies of one image of *cat* change the two clusters of all (NMI with those "
    "before below .8), three copies do not (above .9), and with weights of 1 / group "
    "size or one image per group 24 do not either.",
)
def test_copies(show):
    """Twenty images, one after another; three copies and the two remedies control."""
    cat, points = places("cat"), features("cat")
    chosen = np.random.default_rng(1).choice(len(cat), 20, replace=False)
    rows = []
    for seed, i in enumerate(chosen):
        random = np.random.default_rng(seed)
        image = Image.fromarray(image_set("words").picture(cat[i]))
        files = {f"{n:02}.jpg": altered(image, random) for n in range(N_COPIES)}
        copies = images.from_bytes("copies", files)
        copied = representations.extract(copies, NETWORKS[0], progress=False)
        every = np.vstack([points, copied])
        few = clusters(every[: len(cat) + 3], 2, seed)
        many = clusters(every, 2, seed)
        groups = clustering.duplicate_groups(every, THRESHOLD)
        first = np.unique(groups, return_index=True)[1]
        deleted = clusters(every[first], 2, seed)[groups]
        with threadpool_limits(1):
            weights = 1 / np.bincount(groups)[groups]
            kmeans = KMeans(2, n_init=10, random_state=seed)
            unit = clustering.prepare(every, "l2+kmeans")
            weighted = kmeans.fit(unit, sample_weight=weights).labels_
        before, own = clusters(points, 2, seed), slice(len(cat))
        found = few, many, deleted, weighted
        rows.append([nmi(before, labels[own]) for labels in found])
    few, many, deleted, weighted = np.array(rows).T
    statistic = (
        f"NMI with the clusters before: 3 copies {few.mean():.2f}, "
        f"24 copies {many.mean():.2f}; 24 deleted {deleted.mean():.2f}, "
        f"weighted {weighted.mean():.2f}"
    )
    kept = np.minimum(deleted, weighted) > 0.9
    show(statistic, (few > 0.9) & (many < 0.8) & kept, "images")


@claim(
    "10.order",
    "Whether the first or the last image of each group of near-duplicates is kept "
    "changes four clusters of *cat* and *orange* less, on average, than another seed "
    "does.",
)
def test_order(show):
    """The control is another seed with the same images kept."""
    holds, told = [], []
    for word in ("cat", "orange"):
        every = features(word)
        groups = clustering.duplicate_groups(every, 0.2)
        first = np.unique(groups, return_index=True)[1]
        last = len(groups) - 1 - np.unique(groups[::-1], return_index=True)[1]
        found = []
        for seed in range(40):
            one = clusters(every[first], 4, seed)
            rivals = (
                clusters(every[last], 4, seed),
                clusters(every[first], 4, seed + 100),
            )
            found.append([nmi(one, labels) for labels in rivals])
        found = np.array(found)
        parts = [np.random.default_rng(n).choice(40, 20, replace=False) for n in SEEDS]
        holds += [found[part, 0].mean() > found[part, 1].mean() for part in parts]
        told.append("{} order {:.2f}, seed {:.2f}".format(word, *found.mean(0)))
    show(f"NMI of two clusterings: {'; '.join(told)}", holds, "halves of the seeds")
