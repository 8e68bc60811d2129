"""Review one submission: recompute every score, flag what cannot be as it says.

The student's `check` and the instructor's `grade` both show what `review_submission`
finds, so students know beforehand. No claim of a submission is taken for granted. A
flag costs no points; it asks a person to look.
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from course_utils import metrics
from course_utils._support.text import shown
from course_utils.clustering import algorithms, validation
from course_utils.homework import submission
from course_utils.homework.flags import Flag
from course_utils.representations import backbones, extraction

TOLERANCE = 0.0005  # between a claimed score and ours
VALUE_TOLERANCE = 1e-4  # between a value of an exercise and ours
MAX_CLUSTERS_PER_CLASS = 3
MAX_SHARE = 0.8  # of the images in one cluster, above which equal clusters are chance
MAX_CELLS = 1_000_000  # classes × clusters of a run: more take too long to score


@dataclass
class Run:
    """A run as handed in, with our scores beside the claimed ones.

    counts: False if the run is not taken for points, `why` says so. partition: the
    same for two runs whose clusters are the same under other numbers. labels: int array
    (n_images,), clusters numbered in the order of their first image, images in the
    order of the image set (by digest if they are the student's own). outcome, replayed:
    what `replay` found, as one of its `OUTCOMES` and as a sentence; "" if not drawn.
    """

    run: str
    representation: str
    algorithm: str
    k: int
    seed: int
    claimed: dict
    scores: dict
    n_clusters: int
    counts: bool
    why: str
    partition: str
    trivial: bool
    labels: np.ndarray = field(repr=False, compare=False)
    public: float = float("nan")  # NMI on the public half
    outcome: str = ""
    replayed: str = ""

    @property
    def kind(self):
        """What it shares with runs that differ only in their seed."""
        return self.representation, self.algorithm, self.k

    @property
    def differing(self):
        """The scores whose claimed value is not ours."""
        return [
            score
            for score, value in self.claimed.items()
            if value is not None and not abs(value - self.scores[score]) <= TOLERANCE
        ]

    @property
    def known(self):
        """True if the course has its representation, its layer and its algorithm."""
        return (
            _known(extraction.parse, self.representation)
            and has_layer(self.representation)
            and _known(algorithms.parse_algorithm, self.algorithm)
        )

    @property
    def lopsided(self):
        """True if nearly all images are in one cluster, which says little."""
        return np.bincount(self.labels).max() > MAX_SHARE * len(self.labels)

    @property
    def seeded(self):
        """True if the algorithm has chance in it (an unknown one may)."""
        try:
            return algorithms.is_seeded(self.algorithm)
        except ValueError:
            return True


@dataclass(frozen=True)
class Line:
    """The counted runs of one representation, algorithm and k, one per seed.

    raw: the line of raw pixels with the same algorithm and k, or None.
    """

    runs: tuple
    raw: "Line | None" = None

    counts = True

    def __str__(self):
        return f"{shown(self.representation)} with {shown(self.algorithm)}, k {self.k}"

    @property
    def representation(self):
        """That of its runs, and so are `algorithm` and `k`."""
        return self.runs[0].representation

    @property
    def algorithm(self):
        """See `representation`."""
        return self.runs[0].algorithm

    @property
    def k(self):
        """See `representation`."""
        return self.runs[0].k

    @property
    def kind(self):
        """What its runs share."""
        return self.runs[0].kind

    @property
    def nmi(self):
        """The mean NMI over its seeds."""
        return float(np.mean([run.scores["nmi"] for run in self.runs]))

    @property
    def margin(self):
        """How far its mean NMI is above that of raw pixels; None without them."""
        return None if self.raw is None else self.nmi - self.raw.nmi


@dataclass
class Review:
    """What was found. errors: why nothing is scored. flags: what a person should look
    at. hints: what is odd, unless the runs come back when they are computed again.
    notes: what is merely said. leading: the best run of the line that leads on the
    public half; public, private: that line's mean scores on each half. exercises:
    {score: (right, of how many)}. same_images: False if files behind the names differ
    from ours. images: a digest of the images that the runs are of. replayed: what
    `replay` found, in words.
    """

    runs: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    flags: list = field(default_factory=list)
    hints: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    exercises: dict = field(default_factory=dict)
    self_supplied: bool = False
    same_images: bool = True
    images: str = ""
    replayed: str = ""
    leading: Run | None = None
    public: dict = field(default_factory=dict)
    private: dict = field(default_factory=dict)

    @property
    def best(self):
        """The counted run of highest NMI, the first of equal ones; or None.

        One cluster per image agrees with any classes that are small enough.
        """
        counted = [run for run in self.runs if run.counts and not run.trivial]
        return max(counted, key=lambda run: run.scores["nmi"], default=None)

    @property
    def lines(self):
        """The lines of the counted runs, the highest mean NMI first."""
        by_kind = {}
        for run in self.runs:
            if run.counts and not run.trivial:
                by_kind.setdefault(run.kind, []).append(run)
        raw = {k[1:]: Line(tuple(r)) for k, r in by_kind.items() if k[0] == "raw"}
        lines = [
            Line(tuple(runs), None if kind[0] == "raw" else raw.get(kind[1:]))
            for kind, runs in by_kind.items()
        ]
        return sorted(lines, key=lambda line: -round(line.nmi, 9))

    @property
    def compared(self):
        """The best line that has raw pixels beside it, or None."""
        return next((line for line in self.lines if line.raw), None)

    @property
    def decisive(self):
        """The runs on which the points for NMI depend most.

        The best one of the line that is compared with raw pixels, the worst one of
        those, and the best of all.
        """
        found = []
        if line := self.compared:
            found.append(max(line.runs, key=lambda run: run.scores["nmi"]))
            found.append(min(line.raw.runs, key=lambda run: run.scores["nmi"]))
        return [*found, *[self.best] * (self.best is not None)]

    @property
    def refuted(self):
        """The runs that do not come back when they are computed again."""
        return [run for run in self.runs if run.outcome == "refuted"]

    @property
    def came_back(self):
        """True if runs were computed again, and all of them came back."""
        outcomes = {run.outcome for run in self.runs} - {"", "not verifiable"}
        return outcomes == {"confirmed"}


def review_submission(
    sent,
    image_set,
    *,
    clusters_per_class=MAX_CLUSTERS_PER_CLASS,
    own_seeds=False,
    public=None,
):
    """Recompute the scores of a submission from its labels, and flag what is odd.

    Parameters
    ----------
    sent : Submission
        What `read_submission` returned.
    image_set : ImageSet
        The images that were asked for, with the instructor's true labels.
    clusters_per_class : int
        Runs with more clusters than this times the number of classes are not counted.
    own_seeds : bool
        Flag runs whose seeds are not those of the student id.
    public : bool array (n_images,), optional
        The public half of the images, from `public_half`.

    Returns
    -------
    Review
        `runs` with our scores, `errors` (why nothing is scored), `flags`, `notes`, and
        `exercises`: how many values of the student's own functions are right.
    """
    found = Review(notes=list(sent.notes))
    found.exercises = _exercises(sent)
    found.images = image_set.fingerprint
    matched = _match(sent, image_set, found)
    if found.errors:
        return found
    order, true_labels = matched
    classes, true_labels = np.unique(true_labels, return_inverse=True)
    n_classes = len(classes)
    most_clusters = int(clusters_per_class * n_classes)
    for run in sent.runs:
        labels = sent.labels[run["run"]][order]
        many = n_classes * len(labels) > MAX_CELLS  # what may be, quicker than what is
        if many and n_classes * len(np.unique(labels)) > MAX_CELLS:
            found.errors.append(f"{shown(run['run'])} has too many clusters to score.")
            return found
        found.runs.append(_run(run, labels, true_labels, n_classes, most_clusters))
    if not found.runs:
        found.errors.append("it holds no runs.")
    flag(found, sent.student_id, own_seeds)
    if public is not None and not found.self_supplied:
        lead(found, true_labels, public)
    return found


def public_half(image_set, salt=""):
    """Which pictures are in the public half: bool array (n_images,), at random by salt.

    It depends on each picture's bytes and the salt alone. Keep the salt to yourself.
    """
    marks = [hashlib.sha256(f"{salt} {d}".encode()).digest() for d in image_set.digests]
    half = np.zeros(len(marks), dtype=bool)
    half[sorted(range(len(marks)), key=marks.__getitem__)[: (len(marks) + 1) // 2]] = 1
    return half


def partition_of(labels):
    """A digest of the partition: the same under any renaming of the clusters."""
    return _digest(validation.renumber(labels))


def _digest(codes):
    return hashlib.sha256(codes.astype("<i4").tobytes()).hexdigest()


def _match(sent, image_set, found):
    """(order, true_labels): sent labels[order] lie in the order of true_labels."""
    about = sent.image_set
    same = about["fingerprint"] == image_set.fingerprint
    if about["self_supplied_labels"] and not same:
        found.self_supplied = True
        found.notes.append(
            f"the {len(sent.images)} images of {shown(about['name'])} and their true "
            "labels are the student's own."
        )
        codes = {name: code for code, name in enumerate(sorted(set(sent.true_names)))}
        true_labels = np.array([codes[name] for name in sent.true_names])
        # The same images are in the same order, whatever their names and rows.
        order = np.argsort(sent.digests, kind="stable")
        digests = "\n".join(sent.digests[place] for place in order)
        found.images = hashlib.sha256(digests.encode()).hexdigest()
        return order, true_labels[order]
    places = {image: place for place, image in enumerate(sent.images)}
    missing = [image for image in image_set.images if image not in places]
    unknown = set(places).difference(image_set.images)
    for images, what in ((missing, "are missing"), (unknown, "are not known here")):
        if images:
            first = ", ".join(shown(image) for image in sorted(images)[:3])
            more = " …" if len(images) > 3 else ""
            found.errors.append(f"{len(images)} pictures {what}: {first}{more}.")
    if found.errors:
        found.errors.append(
            f"The pictures must be those of {image_set.name} as it is here, "
            f"{len(image_set)} of them, each with a label: load it again."
        )
        return None
    order = np.array([places[image] for image in image_set.images])
    if not same:
        if (order != np.arange(len(order))).any():
            found.notes.append("its pictures are in another order; matched by name.")
            digests = image_set.subset(np.argsort(order)).fingerprint
            same = digests == about["fingerprint"]
        if not same:
            found.same_images = False
            found.flags.append(
                "the fingerprint is not that of these pictures: the names agree, but "
                "some files behind them were others."
            )
    if about["self_supplied_labels"]:
        theirs = [sent.true_names[place] for place in order]
        if theirs != list(image_set.true_names):
            found.notes.append("its own true labels differ from ours; ours are used.")
    return order, image_set.true_labels


def _run(run, labels, true_labels, n_classes, most_clusters):
    clusters, codes = np.unique(labels, return_inverse=True)
    n_clusters = len(clusters)
    why = ""
    if n_clusters < 2:
        why = "one cluster"
    elif n_clusters > most_clusters:
        why = f"{n_clusters} clusters; at most {most_clusters} are counted"
    elif not has_layer(run["representation"]):
        why = f"there is no layer {shown(run['representation'])}"
    table = _table(true_labels, codes, n_classes, n_clusters)
    codes = validation.renumber(codes)
    return Run(
        run=run["run"],
        representation=run["representation"],
        algorithm=run["algorithm"],
        k=int(run["k"]),
        seed=int(run["seed"]),
        claimed=run["claimed"],
        scores=metrics.scores_of_table(table, submission.CLAIMED),
        n_clusters=n_clusters - int(clusters[0] == -1),
        counts=not why,
        why=why,
        partition=_digest(codes),
        trivial=n_clusters in (1, len(labels)),
        labels=codes.astype(np.min_scalar_type(n_clusters - 1)),
    )


def _table(true_labels, codes, n_classes, n_clusters):
    """`metrics.contingency_table` of labels that are numbered from 0 on."""
    cells = true_labels * n_clusters + codes
    counts = np.bincount(cells, minlength=n_classes * n_clusters)
    return counts.reshape(n_classes, n_clusters)


def lead(found, true_labels, public):
    """Choose the line that leads on the public half, and score it on each half.

    found: a Review; `leading`, `public` and `private` are set, from the runs that
    count. true_labels: int array (n_images,), from 0 on. public: as of `public_half`.
    """
    found.leading, found.public, found.private = None, {}, {}
    true_public, n_classes = true_labels[public], int(true_labels.max()) + 1
    counted = [run for run in found.runs if run.counts]
    for run in counted:
        n_clusters = int(run.labels.max()) + 1
        table = _table(true_public, run.labels[public], n_classes, n_clusters)
        table = table[table.any(axis=1)][:, table.any(axis=0)]
        run.public = metrics.scores_of_table(table, ["nmi"])["nmi"]
    by_kind = {}
    for run in counted:
        by_kind.setdefault(run.kind, []).append(run)
    if counted:
        line = max(by_kind.values(), key=lambda runs: np.mean([r.public for r in runs]))
        found.leading = max(line, key=lambda run: run.public)
        for half, scored in ((public, found.public), (~public, found.private)):
            rows = [_scores(true_labels[half], run.labels[half]) for run in line]
            means = {name: float(np.mean([r[name] for r in rows])) for name in rows[0]}
            scored.update(means)


def _exercises(sent):
    """{score: (values that are right, probes)} of the student's own functions."""
    pairs = submission.probes(sent.student_id)
    ours = [_scores(true, clusters) for true, clusters in pairs]
    found = {}
    for score in submission.CLAIMED:
        values = sent.exercises.get(score, [])
        right = [
            value is not None and abs(value - scores[score]) <= VALUE_TOLERANCE
            for value, scores in zip(values, ours, strict=False)
        ]
        found[score] = sum(right) if len(values) == len(pairs) else 0, len(pairs)
    return found


def _scores(true_labels, labels):
    return metrics.scores(
        labels_true=true_labels, labels_pred=labels, names=submission.CLAIMED
    )


def flag(found, student_id, own_seeds):
    """Add to the flags of a Review what cannot have come about as it is said.

    own_seeds: also the seeds that are not those of the student id.
    """
    runs = found.runs
    differing = [(run, score) for run in runs for score in run.differing]
    if differing:
        run, score = max(
            differing, key=lambda d: abs(d[0].claimed[d[1]] - d[0].scores[d[1]])
        )
        sentence = (
            f"claimed scores are not those of the labels in "
            f"{len({run.run for run, _ in differing})} of {len(runs)} runs; most in "
            f"{shown(run.run)}: {score} claimed {run.claimed[score]:.4g}, recomputed "
            f"{run.scores[score]:.4g}."
        )
        found.flags.append(Flag.of("forged", sentence))

    def note(which, what, where=found.flags, kind="odd"):
        named = [run for run in runs if which(run)]
        if named:
            more = f" and {len(named) - 1} more" if len(named) > 1 else ""
            where.append(Flag.of(kind, f"{shown(named[0].run)}{more}: {what}"))

    note(
        lambda r: r.run != f"{r.representation}/{r.algorithm}/k{r.k}/s{r.seed}",
        "the name does not say representation/algorithm/k/seed of the run.",
    )
    note(
        lambda r: not _known(extraction.parse, r.representation),
        "the course has no such representation.",
    )
    note(
        lambda r: not has_layer(r.representation),
        "this network has no such layer, so the run earns nothing.",
    )
    note(
        lambda r: not _known(algorithms.parse_algorithm, r.algorithm),
        "the course has no such algorithm.",
    )
    note(
        lambda r: (
            r.n_clusters > r.k and r.algorithm.split("+")[-1] not in algorithms.FIND_K
        ),
        "it has more clusters than its k.",
    )
    note(
        lambda r: not r.trivial and r.scores["nmi"] > 1 - 1e-9,
        "its clusters are exactly the true classes.",
        found.hints,
        "forged",
    )
    by_partition = {}
    for run in runs:
        base = run.representation.partition(":")[0]
        by_partition.setdefault(run.partition, set()).add(base)
    note(  # layers of one network may well give the same: the last one and its average
        lambda r: not r.lopsided and len(by_partition[r.partition]) > 1,
        "another representation has exactly the same clusters.",
        found.hints,
    )
    if own_seeds:
        own = set(submission.seeds(student_id, 100))
        note(
            lambda r: r.seeded and r.seed not in own,
            "the seed is not one of this student's (submission.seeds).",
        )
        skipping = _skipping(runs, submission.seeds(student_id, 100))
        note(
            lambda r: r.kind in skipping,
            "earlier seeds of this student are left out, of which nobody knows the "
            "scores: seeds are to be taken in their order.",
        )


def _skipping(runs, order):
    """The kinds whose seeds are a student's own, but not the first ones in order."""
    by_kind = {}
    for run in runs:
        if run.seeded:
            by_kind.setdefault(run.kind, set()).add(run.seed)
    return {
        kind
        for kind, seeds in by_kind.items()
        if seeds <= set(order) and seeds != set(order[: len(seeds)])
    }


def has_layer(representation):
    """False if the representation names a layer that its network does not have."""
    base, _, layer = representation.partition(":")
    if base not in backbones.TABLE or not layer:
        return True
    return layer in backbones.layer_names(base)


def _known(parse, name):
    try:
        parse(name)
    except ValueError:
        return False
    return True
