"""Replay: compute a sample of every student's runs again, with the course's own code.

A run says from what it was made: representation, algorithm, k and seed. So it can be
made again, and labels that were not made so come out. An honest run need not come out
the same to the last image: students compute on GPUs in half precision and with other
versions of the libraries, and an algorithm may turn the last digits of the features
into other clusters. A run is therefore refuted only if it is further from the replay
than such differences take this very run: the run is replayed from features that
differ as much (`Features.other`), and `judge` compares.
"""

import collections
import hmac
import itertools
import warnings

import numpy as np

from course_utils import metrics
from course_utils._support.progress import progress_bar
from course_utils._support.text import shown
from course_utils.clustering import algorithms, preprocessing, validation
from course_utils.homework.flags import Flag
from course_utils.representations import backbones, extraction, handcrafted

OUTCOMES = ("confirmed", "refuted", "inconclusive", "not verifiable")

NEARLY = 0.97  # agreement from which two labellings are the same up to a few images

MARGIN = 0.05  # of agreement that an honest run may be outside of what replays span

NMI_MARGIN = 0.08  # and of NMI above theirs; honest ones stay within 0.07

NOISE = (0.001, 0.01, 0.003, 0.03) * 5  # relative; that of half precision is 0.001

# After so many other replays a run is given up whose agreement with each of them is
# smaller by so much than theirs with each other, or whose NMI is by so much above.
GIVE_UP = {2: (0.6, 0.4), 4: (0.4, 0.25), 8: (0.25, 0.15), 12: (0.15, 0.1)}

OTHER_WORDS = 10  # vocabularies of bovw

MAX_HELD = 2**27  # bytes of noisy features of one representation that are held

MAX_SIFT = 1000  # images whose SIFT descriptors are held in memory


def replay(reviews, image_set, *, secret="", n=3, most=60, progress=False):
    """Compute a sample of every student's runs again, and note what comes out.

    Which runs are drawn depends on the secret and the key alone: with a secret, a
    student cannot know them beforehand. Those on which the points for NMI depend come
    first: the best run of the line that is compared with raw pixels, the worst run of
    raw pixels beside it, the best run of all; then the best of the line that leads on
    the public half. A refuted run earns nothing. If a student has one, the best run of
    each kind (representation, algorithm, k) is computed again too, and of the runs that
    could be, only those of a kind that came back still count. Nothing else changes any
    points.

    Parameters
    ----------
    reviews : list of (str, Review)
        Each student's key, which identifies the student (the platform's number or the
        student id), and what `review_submission` found. `outcome`, `replayed`, `counts`
        and `why` of the runs and `flags` and `replayed` of the reviews are changed.
    image_set : ImageSet
        The images that the reviews are of.
    secret : str
        The instructor's own word.
    n : int or "all"
        How many runs per student; 0 computes nothing.
    most : int
        How many runs more of a student with a refuted one, those of highest NMI first.
    progress : bool
        Whether to show a progress bar.

    See Also
    --------
    review_submission : recomputes the scores of the labels that were handed in.
    """
    if not n:
        return
    possible = {}  # number of the review: the runs that can be computed again
    for number, (_, found) in enumerate(reviews):
        possible[number] = [run for run in found.runs if _verifiable(run, found)]
    drawn = {
        number: _draw(reviews[number][1], runs, f"{reviews[number][0]}", secret, n)
        for number, runs in possible.items()
    }
    while drawn:
        _replay_runs(drawn, reviews, image_set, progress)
        drawn = {
            number: more
            for number in drawn
            if (more := _suspected(reviews[number][1], possible[number])[:most])
        }
        most -= max(map(len, drawn.values()), default=0)
    for number, (_, found) in enumerate(reviews):
        _set_aside(found, possible[number])
        _summarise(found)


def _verifiable(run, found):
    """Whether the run can be computed here; notes on the run why not."""
    why = ""
    if found.self_supplied:
        why = "the images are the student's own"
    elif not run.known:
        why = "the course has no such run"
    else:
        base, layer = extraction.parse(run.representation)
        if base in backbones.TABLE and backbones.weights_state(base, layer) != "here":
            why = f"the weights of {base} are not on this machine"
    if why:
        run.outcome, run.replayed = "not verifiable", f"Not computed again: {why}."
    return run.counts and not why


def _draw(found, runs, key, secret, n):
    """The decisive runs, the one that leads the board, others by chance: n in all."""
    if n == "all":
        return runs
    first = [id(run) for run in [*found.decisive, found.leading] if run]

    def chance(run):
        text = f"{key}\n{run.run}".encode()
        order = hmac.digest(secret.encode(), text, "sha256")
        return first.index(id(run)) if id(run) in first else len(first), order

    return sorted(runs, key=chance)[:n]


def _suspected(found, runs):
    """What else to compute of a student with a refuted run: the best of every kind.

    And what has become decisive, if it was not computed.
    """
    if not found.refuted:
        return []
    decisive = {id(run) for run in found.decisive if not run.outcome}
    tried = {run.kind for run in runs if run.outcome}
    chosen = []
    for run in sorted(runs, key=lambda run: (-run.scores["nmi"], run.run)):
        if run.kind not in tried or id(run) in decisive:
            tried.add(run.kind)
            chosen.append(run)
    return chosen


def _set_aside(found, runs):
    """Take from students with a refuted run the kinds that did not come back."""
    if found.refuted:
        back = {run.kind for run in runs if run.outcome not in ("", "refuted")}
        for run in runs:
            if not run.outcome and run.kind not in back:
                run.counts, run.why = False, "no run of its kind came back"


def _replay_runs(drawn, reviews, image_set, progress):
    """Replay the runs {number of the review: runs}, equal ones of all students once."""
    jobs = collections.defaultdict(lambda: collections.defaultdict(list))
    for number, runs in drawn.items():
        for run in runs:
            how = run.algorithm, run.k, _seed(run)
            jobs[run.representation][how].append((run, reviews[number][1]))
    total = sum(map(len, jobs.values()))
    with progress_bar(total, "replay", progress, unit="runs") as bar:
        for representation in sorted(jobs):
            features = Features(image_set, representation)
            for how, runs in sorted(jobs[representation].items()):
                replays = Replays(features, image_set.true_labels, *how)
                for run, found in runs:
                    _note(run, found, *judge(run, replays))
                bar.update()


def _seed(run):
    """The seed, or 0 where it makes no difference."""
    steps, _ = preprocessing.parse_algorithm(run.algorithm)
    return run.seed if run.seeded or preprocessing.is_random(steps) else 0


class Features:
    """Features of one representation, and what honest students may have instead.

    exact: array (n_images, d). n_others: how many `other` features there are: with
    noise as of half precision, and more of it; for `bovw`, whose visual words change
    with the version of scikit-learn, with other words. problem: why there are none.
    """

    def __init__(self, image_set, representation):
        self.image_set, self.representation = image_set, representation
        self.exact, self.problem = None, ""
        self.words = representation.partition(":")[0] == "bovw"
        try:
            self.exact = extraction.extract(
                image_set, representation, precision="float32", progress=False
            )
        except Exception as error:  # no network, no memory, no keypoint …
            self.problem = f"{representation}: {error or type(error).__name__}"
        self.n_others = len(NOISE)
        if self.words:
            self.n_others = OTHER_WORDS if len(image_set) <= MAX_SIFT else 0
        self.seeded = {}  # (algorithm, k): labels from other seeds
        self._bags, self._descriptors, self._held = {}, [], {}

    def other(self, number):
        """Features as somebody else may have them; the same for the same number."""
        if self.words:
            return self._other_words(number)
        if number not in self._held:
            made = self._with_noise(number)
            if made.nbytes * self.n_others > MAX_HELD:
                return made
            self._held[number] = made
        return self._held[number]

    def _with_noise(self, number):
        generator = np.random.default_rng(number)
        noise = generator.standard_normal(self.exact.shape, dtype=np.float32)
        noisy = self.exact * (1 + NOISE[number] * noise)
        largest = np.finfo(np.float16).max
        return noisy.clip(-largest, largest).astype(np.float16).astype(np.float32)

    def _other_words(self, number):
        if not self._descriptors:
            size = handcrafted.BOVW_SIZE
            self._descriptors = [
                handcrafted.sift(self.image_set.picture(index, size))
                for index in range(len(self.image_set))
            ]
        if number not in self._bags:
            everything = np.concatenate(self._descriptors)
            words = handcrafted.fit_codebook(everything, seed=number + 1)
            bags = [handcrafted.bag_of_words(d, words) for d in self._descriptors]
            weigh = handcrafted.tf_idf if self.representation != "bovw" else np.asarray
            self._bags[number] = weigh(np.array(bags))
        return self._bags[number]


class Replays:
    """One run computed again, and again from what honest students may have instead.

    labels, nmi: of each replay so far, the run itself first. problem: why there is
    none. impossible: no run can be like this.
    """

    def __init__(self, features, true_labels, algorithm, k, seed):
        self.features, self.true_labels = features, true_labels
        self.algorithm, self.k, self.seed = algorithm, k, seed
        self.labels, self.nmi = [], []
        self.problem, self.impossible = features.problem, ""
        if k > len(true_labels):
            self.impossible = f"{k} clusters of {len(true_labels)} images"
        if self.problem or self.impossible:
            return
        self._next = self._replay()
        try:
            self._add(next(self._next))
        except Exception as error:  # whatever a library raises
            self.problem = f"{algorithm}: {error or type(error).__name__}"

    def more(self):
        """Add a replay; False if there are no others."""
        try:
            self._add(next(self._next))
        except Exception:  # the last one, or it does not work with other features
            return False
        return True

    def agreement(self, labels):
        """The largest agreement of labels with one of the replays."""
        return max(_agreement(labels, replayed) for replayed in self.labels)

    def spread(self):
        """The smallest agreement of two of the replays."""
        pairs = itertools.combinations(self.labels, 2)
        return min((_agreement(one, other) for one, other in pairs), default=1.0)

    def _replay(self):
        """Yield labels: of the run, then of what honest students may have instead."""
        found, method = self.features, self.algorithm.split("+")[-1]
        yield self._cluster(found.exact, self.seed)
        # Another version of scikit-learn draws other batches, as another seed does.
        other_batches = method == "minibatch" and not found.words
        pool = found.seeded.setdefault((self.algorithm, self.k), [])
        for number in range(found.n_others):
            if not other_batches:
                yield self._cluster(found.other(number), self.seed)
                continue
            if number == len(pool):
                pool.append(self._cluster(found.exact, number))
            yield pool[number]

    def _cluster(self, features, seed):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = algorithms.cluster(features, self.algorithm, self.k, seed)
        return validation.renumber(labels)

    def _add(self, labels):
        self.labels.append(labels)
        true = self.true_labels
        self.nmi.append(metrics.nmi(labels_true=true, labels_pred=labels))


def judge(run, replays):
    """Compare a run with its replays: (outcome, sentence).

    Confirmed: the same clusters, or up to 3 % of the images, as one of them. Refuted:
    the labels agree less with every replay than any two replays do with each other, or
    have a much higher NMI than all of them. Inconclusive: neither.
    """
    if replays.impossible:
        return "refuted", f"The course cannot make {replays.impossible}."
    if replays.problem:
        return "not verifiable", f"Not computed again: {shown(replays.problem)}."
    first = _agreement(run.labels, replays.labels[0])
    if first == 1:
        return "confirmed", "Computed again: the same clusters."
    nearest = replays.agreement(run.labels)  # other students may have needed more
    while nearest < NEARLY and replays.more():
        nearest = max(nearest, _agreement(run.labels, replays.labels[-1]))
        if far := GIVE_UP.get(len(replays.labels) - 1):
            above = run.scores["nmi"] - max(replays.nmi)
            if nearest < replays.spread() - far[0] or above > far[1]:
                break
    said = f"Computed again, {100 * first:.0f} % of the labels agree"
    if nearest >= NEARLY:
        if first < NEARLY:
            said += f", and {100 * nearest:.0f} % from slightly different features"
        return "confirmed", f"{said}."
    spread = replays.spread()
    said += (
        f", and at most {100 * nearest:.0f} % from slightly different features, as of "
        f"another machine; these replays agree with each other to {100 * spread:.0f} %."
    )
    if not replays.features.n_others:
        return "inconclusive", said
    nmi, highest = run.scores["nmi"], max(replays.nmi)
    if nmi > highest + NMI_MARGIN:
        return "refuted", f"{said} Its NMI is {nmi:.2f}, theirs at most {highest:.2f}."
    if nearest < min(spread, NEARLY) - MARGIN:
        return "refuted", said
    return "inconclusive", said


def _agreement(one, other):
    return metrics.accuracy(labels_true=one, labels_pred=other)


def _note(run, found, outcome, sentence):
    """Note an outcome on a run."""
    if outcome == "refuted" and not found.same_images:
        outcome = "inconclusive"
        sentence += " Some of the files behind the names were others, which may be why."
    run.outcome, run.replayed = outcome, sentence
    if outcome == "refuted":
        run.counts = False
        run.why = "computed again, it has other clusters"


def _summarise(found):
    """Say in a review what the replay found, and flag what it refuted."""
    counts = collections.Counter(run.outcome for run in found.runs if run.outcome)
    found.replayed = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]
    )
    if refuted := found.refuted:
        worst = max(refuted, key=lambda run: run.scores["nmi"])
        n_replayed = sum(counts[outcome] for outcome in OUTCOMES[:3])
        sentence = (
            f"{len(refuted)} of {n_replayed} runs that were computed again have other "
            f"clusters, and earn nothing; {shown(worst.run)}: {worst.replayed}"
        )
        found.flags.append(Flag.of("forged", sentence))
