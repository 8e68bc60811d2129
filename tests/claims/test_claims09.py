"""What lesson 9 claims: voters, copies, ensembles and their rivals."""

import functools

import numpy as np
from ledger import claim
from sklearn.cluster import KMeans
from small_sets import one_thread  # noqa: F401
from trials import SEEDS, image_set, subsamples, true_labels

from course_utils import clustering, metrics
from course_utils.representations import extraction

SETS = "stamps", "photos"
HANDCRAFTED = ["colour", "hog", "lbp", "bovw"]
SQUEEZE = [f"SqueezeNet:{layer}" for layer in ("fire3", "fire5", "fire7", "fire9")]
EFFICIENT = [
    f"EfficientNetLite0:{layer}" for layer in ("block4", "block5", "block6", "pool")
]
MEMBERS = HANDCRAFTED + SQUEEZE + EFFICIENT
ENSEMBLES = {
    "handcrafted": HANDCRAFTED,
    "handcrafted, fire3, fire5": MEMBERS[:6],
    "SqueezeNet": SQUEEZE,
    "EfficientNet": EFFICIENT,
    "two networks": [SQUEEZE[-1], EFFICIENT[-1]],
    "all twelve": MEMBERS,
}
N_VOTERS = 12
CLASSES = np.repeat(np.arange(4), 30)


def nmi(labels_pred, labels_true):
    return metrics.nmi(labels_true=labels_true, labels_pred=labels_pred)


def poor_voters(n_voters, n_copies, seed):
    """As in the lesson: 40% of the images get a cluster at random."""
    generator = np.random.default_rng(seed)
    found = np.tile(CLASSES, (n_voters, 1))
    wrong = generator.random(found.shape) < 0.4
    found[wrong] = generator.integers(0, 4, wrong.sum())
    found[:n_copies] = found[0]
    return found


def consensus_of_poor(n_voters, share, seed):
    found = poor_voters(n_voters, round(share * n_voters), seed)
    return nmi(clustering.evidence_accumulation(found, 4), CLASSES)


@claim(
    "09.cancel",
    "The consensus of 25 poor voters with independent errors scores above each of "
    "them, and by more than .3.",
)
def test_cancel(show):
    """The control: as many voters, half of them copies of one, do not get there."""
    alone = np.array([[nmi(x, CLASSES) for x in poor_voters(25, 0, s)] for s in SEEDS])
    found = np.array([consensus_of_poor(25, 0, s) for s in SEEDS])
    copied = np.array([consensus_of_poor(25, 0.5, s) for s in SEEDS])
    best = alone.max(axis=1)
    statistic = (
        f"NMI: consensus {found.mean():.2f}, the best voter {best.mean():.2f}, "
        f"with half of them copies {copied.mean():.2f}"
    )
    show(statistic, (found > best + 0.3) & (copied < best + 0.3))


@claim(
    "09.tipping",
    "Copies of one voter win the vote once their share passes the computed tipping "
    "point: with 100 voters the consensus scores above .9 at .05 below it and less "
    "than .6 at .05 above it, and with 20 it falls less steeply.",
)
def test_tipping(show):
    """Refuted by a fall at another share: .05 on either side is tried."""
    same, different = 0.7**2 + 3 * 0.1**2, 2 * 0.7 * 0.1 + 2 * 0.1**2
    tipping = (same - different) / (1 + same - different)
    low, high = (
        np.array([consensus_of_poor(100, tipping + gap, s) for s in SEEDS])
        for gap in (-0.05, 0.05)
    )
    few = [
        np.mean([consensus_of_poor(20, tipping + gap, s) for s in SEEDS])
        for gap in (-0.05, 0.05)
    ]
    statistic = (
        f"c* = {tipping:.2f}; NMI of 100 voters {low.mean():.2f} below, "
        f"{high.mean():.2f} above; of 20 {few[0]:.2f} and {few[1]:.2f}"
    )
    steeper = low.mean() - high.mean() > few[0] - few[1]
    show(statistic, (low > 0.9) & (high < 0.6) & steeper)


@functools.cache
def kept(set_name):
    return subsamples(len(image_set(set_name)))


@functools.cache
def truth(set_name, number):
    return true_labels(set_name)[kept(set_name)[number]]


@functools.cache
def features(set_name, base):
    """Features of the members with this base; a network runs once for all layers."""
    members = [member for member in MEMBERS if member.partition(":")[0] == base]
    together = extraction.Comparison(image_set(set_name), members)
    return {member: together.extract(member, progress=False) for member in members}


@functools.cache
def points(set_name, member):
    rows = features(set_name, member.partition(":")[0])[member]
    return clustering.prepare(rows, "l2+pca50+kmeans")


def n_classes(set_name):
    return len(image_set(set_name).class_names)


@functools.cache
def vote(set_name, number, member, place):
    """A run of k-means from one start on one subsample, (n,)."""
    rows = points(set_name, member)[kept(set_name)[number]]
    seed = number * N_VOTERS + place
    run = KMeans(n_classes(set_name), n_init=1, random_state=seed)
    return run.fit_predict(rows)


def voters(set_name, number, members):
    """Twelve, equally many of each member: (12, n)."""
    places = range(N_VOTERS // len(members))
    return np.array([vote(set_name, number, m, p) for m in members for p in places])


def consensus_nmis(set_name, members, chosen=None, combine=None):
    """NMI of the consensus on each subsample, (20,)."""
    combine = combine or clustering.evidence_accumulation
    found = []
    for number in SEEDS:
        given = voters(set_name, number, members)
        given = given if chosen is None else given[chosen(given)]
        labels = combine(given, n_classes(set_name))
        found.append(nmi(labels, truth(set_name, number)))
    return np.array(found)


@functools.cache
def own_vote(set_name, member):
    return consensus_nmis(set_name, [member])


def alone(set_name, members):
    """Mean NMI of the voters of an ensemble, on each subsample: (20,)."""
    return np.array(
        [
            np.mean([nmi(x, truth(set_name, r)) for x in voters(set_name, r, members)])
            for r in SEEDS
        ]
    )


@functools.cache
def ensemble(set_name, name):
    return consensus_nmis(set_name, ENSEMBLES[name])


def rival(set_name, name):
    """The own vote of the member for which it is highest on average."""
    found = [own_vote(set_name, member) for member in ENSEMBLES[name]]
    return max(found, key=np.mean)


@claim(
    "09.seeds",
    "The consensus of twelve seeds of k-means scores above their mean, for the pool "
    "of EfficientNet-Lite0 on both sets.",
)
def test_seeds(show):
    """Paired by subsample; refuted by a subsample where voting costs."""
    member = "EfficientNetLite0:pool"
    one = np.concatenate([alone(s, [member]) for s in SETS])
    twelve = np.concatenate([own_vote(s, member) for s in SETS])
    statistic = f"NMI: single {one.mean():.3f}, consensus {twelve.mean():.3f}"
    show(statistic, twelve > one, "subsamples")


@claim(
    "09.mean-member",
    "Each of six ensembles scores above the mean of its voters, on the stamps and on "
    "the photos.",
)
def test_mean_member(show):
    """Every ensemble, both sets, twenty subsamples: 240 trials."""
    gains = {
        (s, e): ensemble(s, e) - alone(s, members)
        for s in SETS
        for e, members in ENSEMBLES.items()
    }
    least = min(gains, key=lambda key: (gains[key] > 0).mean())
    statistic = (
        f"mean gain {np.mean(list(gains.values())):.2f}; least often "
        f"({', '.join(least)}) in {(gains[least] > 0).sum()} of 20"
    )
    show(statistic, np.concatenate(list(gains.values())) > 0, "subsamples")


def verdict(found, other):
    above, below = (found > other).sum(), (found < other).sum()
    return "wins" if above >= 19 else "loses" if below >= 19 else "level"


@claim(
    "09.rival",
    "None of six ensembles wins (in 19 of 20 subsamples) against the best member's "
    "own vote with as many voters on both sets.",
)
def test_rival(show):
    """Bootstrap of the subsamples: refuted by one ensemble that wins on both sets."""
    generator, holds = np.random.default_rng(0), []
    for _ in SEEDS:
        drawn = generator.integers(0, 20, 20)
        won = [
            all(
                verdict(ensemble(s, e)[drawn], rival(s, e)[drawn]) == "wins"
                for s in SETS
            )
            for e in ENSEMBLES
        ]
        holds.append(not any(won))
    found = {
        f"{e} ({s})": verdict(ensemble(s, e), rival(s, e))
        for e in ENSEMBLES
        for s in SETS
    }
    statistic = ", ".join(f"{name} {outcome}" for name, outcome in found.items())
    show(statistic, holds, "bootstrap samples")


def lift(one, other, labels_true):
    apart = labels_true[:, None] != labels_true
    joined = [(x[:, None] == x)[apart] for x in (one, other)]
    return (joined[0] & joined[1]).mean() / (joined[0].mean() * joined[1].mean())


@claim(
    "09.lift",
    "Neighbouring layers of SqueezeNet join the same wrong pairs more often, "
    "relative to independence, than handcrafted members do, on both sets.",
)
def test_lift(show):
    """The control is of like quality: HOG and LBP beside fire3 and fire5."""
    layers = [("SqueezeNet:fire3", "SqueezeNet:fire5"),
              ("SqueezeNet:fire5", "SqueezeNet:fire7")]  # fmt: skip
    handcrafted = [("hog", "lbp"), ("colour", "hog"), ("lbp", "bovw"),
                   ("colour", "lbp"), ("colour", "bovw"), ("hog", "bovw")]  # fmt: skip

    def lifts(set_name, number, pairs):
        return [
            lift(
                vote(set_name, number, a, 0),
                vote(set_name, number, b, 0),
                truth(set_name, number),
            )
            for a, b in pairs
        ]

    found = [
        (min(lifts(s, r, layers)), max(lifts(s, r, handcrafted)))
        for s in SETS
        for r in SEEDS
    ]
    low, high = np.transpose(found)
    statistic = (
        f"lift: layers at least {low.min():.1f}, handcrafted at most {high.max():.1f}"
    )
    show(statistic, low > high, "subsamples")


def agreeing_half(given):
    agreement = np.array([[nmi(a, b) for a in given] for b in given])
    return np.argsort(-agreement.sum(axis=1))[: len(given) // 2]


@claim(
    "09.half",
    "The half of the voters that agree most scores higher than all voters where the "
    "voters are those of all twelve members, on both sets.",
)
def test_half(show):
    """Where the weak members differ and the good ones agree."""
    all_voters = np.concatenate([ensemble(s, "all twelve") for s in SETS])
    half = np.concatenate([consensus_nmis(s, MEMBERS, agreeing_half) for s in SETS])
    statistic = f"NMI: all {all_voters.mean():.2f}, half {half.mean():.2f}"
    show(statistic, half > all_voters, "subsamples")


@claim(
    "09.half-fails",
    "With the layers of SqueezeNet on the stamps, the half that agrees most scores "
    "lower than all voters; there fire3 and fire5 agree more than fire7 and fire9.",
)
def test_half_fails(show):
    """The control is the same ensemble on the photos, where the half scores higher."""
    gains = {
        s: consensus_nmis(s, SQUEEZE, agreeing_half) - ensemble(s, "SqueezeNet")
        for s in SETS
    }
    early, late = (
        np.array([nmi(*(vote("stamps", r, m, 0) for m in pair)) for r in SEEDS])
        for pair in (SQUEEZE[:2], SQUEEZE[2:])
    )
    statistic = (
        f"NMI of half minus all: {gains['stamps'].mean():+.2f}, on the photos "
        f"{gains['photos'].mean():+.2f}; agreement {early.mean():.2f} and "
        f"{late.mean():.2f}"
    )
    holds = (gains["stamps"] < 0) & (early.mean() > late.mean())
    show(statistic, holds & (gains["photos"].mean() > 0), "subsamples")


def any_k(rows, n_voters, lowest, highest, seed):
    generator = np.random.default_rng(seed)
    numbers = generator.integers(lowest, highest + 1, n_voters)
    runs = [
        KMeans(k, n_init=1, random_state=1000 * seed + place)
        for place, k in enumerate(numbers)
    ]
    return np.array([run.fit_predict(rows) for run in runs])


@claim(
    "09.range",
    "Twelve voters with k drawn from 10 to 30 have, cut at the number of classes, a "
    "mean NMI within .05 of twelve voters with that k (pool of EfficientNet-Lite0, "
    "both sets).",
)
def test_range(show):
    """Refuted where not knowing k costs, or brings, more than that."""
    holds, measured = [], []
    for s in SETS:
        k, rows = n_classes(s), points(s, "EfficientNetLite0:pool")
        found = []
        for r in SEEDS:
            here = rows[kept(s)[r]]
            given = any_k(here, 12, 10, 30, r)
            found.append(nmi(clustering.evidence_accumulation(given, k), truth(s, r)))
        known = own_vote(s, "EfficientNetLite0:pool")
        generator = np.random.default_rng(0)
        for _ in SEEDS:
            drawn = generator.integers(0, 20, 20)
            holds.append(abs(np.mean((np.array(found) - known)[drawn])) < 0.05)
        measured.append(f"{s} {np.mean(found):.2f} and {known.mean():.2f}")
    show(f"NMI: {'; '.join(measured)}", holds, "bootstrap samples")


@claim(
    "09.lifetime",
    "With twelve voters of k from 10 to 30 the longest lifetime is that of more "
    "clusters of stamps than with 100 such voters, mostly of more than fifty.",
)
def test_lifetime(show):
    """Same subsamples, same range of k: only the number of voters differs."""
    chosen = {12: [], 100: []}
    for n_voters, found in chosen.items():
        for r in SEEDS:
            rows = points("stamps", "EfficientNetLite0:pool")[kept("stamps")[r]]
            given = any_k(rows, n_voters, 10, 30, r)
            found.append(clustering.lifetimes(given).argmax() + 2)
    few, many = np.array(chosen[12]), np.array(chosen[100])
    statistic = (
        f"k chosen: 12 voters {few.min()}–{few.max()}, median {np.median(few):.0f}; "
        f"100 voters {many.min()}–{many.max()}"
    )
    show(statistic, (few > many) & (np.mean(few > 50) > 0.5), "subsamples")
