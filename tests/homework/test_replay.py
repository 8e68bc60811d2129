"""Runs computed again: honest ones stay, made-up ones earn nothing, none crashes."""

import subprocess
import sys
from dataclasses import replace as replace_field

import numpy as np
import pytest
from sample_submissions import hand_in as hand_in_file
from sample_submissions import pack, table, unpack
from small_sets import coloured, noisy, one_thread  # noqa: F401

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.homework import replay as module
from course_utils.homework import submission
from course_utils.homework.grading import rubric
from course_utils.homework.replay import replay
from course_utils.homework.review import review_submission
from course_utils.homework.submission_file import read_submission
from course_utils.images import datasets
from course_utils.representations import extraction

pytestmark = pytest.mark.usefixtures("no_answers")

KINDS = [
    (representation, algorithm, k)
    for representation in ("raw", "colour")
    for algorithm in ("kmeans", "l2+kmeans", "l2+ward", "pca5+kmeans")
    for k in (3,)
]


@pytest.fixture(scope="module")
def images():
    """Images of four colours, of which three clusters join two."""
    return coloured(15, ("red", "green", "blue", "yellow"))


@pytest.fixture(scope="module")
def unstable():
    """Images without any classes, so that chance decides."""
    return noisy(60, 4)


@pytest.fixture(scope="module")
def honest(images):
    """honest(seed) → {(representation, algorithm, k, seed): labels}, all of KINDS."""
    features = {}

    def make(seed, kinds=KINDS):
        found = {}
        for representation, algorithm, k in kinds:
            if representation not in features:
                features[representation] = extraction.extract(images, representation)
            labels = algorithms.cluster(features[representation], algorithm, k, seed)
            found[representation, algorithm, k, seed] = labels
        return found

    return make


@pytest.fixture
def reviewed(images, tmp_path):
    """reviewed({(representation, algorithm, k, seed): labels}) → a Review."""

    def make(labels, of=images, change=None, known=None, **more):
        hand_in_file(
            tmp_path / "a.zip", of, "anna01", "Anna", table(of, labels), **more
        )
        manifest, text = unpack((tmp_path / "a.zip").read_bytes())
        if change:
            change(manifest)
        sent = read_submission(pack(manifest, text))
        return review_submission(sent, known or images)

    return make


def random_labels(images, seed, k=3):
    return np.random.default_rng(seed).integers(0, k, len(images))


def outcomes(found):
    return [run.outcome for run in found.runs]


def test_all_runs_of_an_honest_student_are_confirmed(images, honest, reviewed):
    found = reviewed(honest(5))
    replay([("anna01", found)], images, n="all")
    assert outcomes(found) == ["confirmed"] * len(KINDS)
    assert found.replayed == f"{len(KINDS)} confirmed"
    assert not any("computed again" in flag for flag in found.flags)
    assert all(run.counts for run in found.runs)
    assert found.runs[0].replayed == "Computed again: the same clusters."


@pytest.mark.parametrize("secret", ["", "a", "b"])
def test_one_made_up_run_that_is_drawn_has_all_replayed(
    images, honest, reviewed, secret
):
    labels = honest(5)
    names = list(labels)
    for name in names[:3]:
        labels[name] = random_labels(images, len(name[0]))
    right = images.true_labels.copy()
    right[0] = (right[0] + 1) % 4
    labels[names[5]] = right  # earns most for the best NMI
    found = reviewed(labels)
    assert found.best.representation == names[5][0]
    replay([("anna01", found)], images, secret=secret, n=1)
    refuted = {run.run for run in found.runs if run.outcome == "refuted"}
    expected = [f"{r}/{a}/k{k}/s{s}" for r, a, k, s in (*names[:3], names[5])]
    assert refuted == set(expected)
    assert outcomes(found).count("confirmed") == len(KINDS) - 4
    assert {run.run for run in found.runs if not run.counts} == refuted
    assert found.best.run not in refuted and found.best.outcome == "confirmed"
    flag = found.flags[-1]
    assert flag.startswith(
        f"4 of {len(KINDS)} runs that were computed again have other"
    )
    assert f"'{expected[3]}'" in flag
    assert found.replayed == f"{len(KINDS) - 4} confirmed, 4 refuted"


def test_after_a_refuted_run_only_kinds_that_come_back_count(images, honest, reviewed):
    kinds = KINDS[:4]
    labels = honest(5, kinds) | honest(6, kinds) | honest(7, kinds)
    made_up = [key for key in labels if key[:3] in kinds[:2]]
    for i, key in enumerate(made_up):
        labels[key] = random_labels(images, i)
    found = reviewed(labels)
    best = found.best.run
    replay([("anna01", found)], images, n=4, secret="c")
    assert "refuted" in outcomes(found)
    runs = {(*run.kind, run.seed): run for run in found.runs}
    assert all(runs[key].counts == (key not in made_up) for key in labels)
    for kind in kinds:
        tried = [run for run in found.runs if run.kind == kind and run.outcome]
        assert 1 <= len(tried) <= 3
    assert "" in outcomes(found)  # not all of them are computed
    assert {run.outcome for run in found.runs if run.run == best} == {"confirmed"}
    said = {run.why for run in found.runs if not (run.counts or run.outcome)}
    assert said == {"no run of its kind came back"}


def test_what_becomes_the_best_run_is_computed_again_too(images, honest, reviewed):
    (kind, other) = KINDS[1], KINDS[2]
    labels = honest(5, [kind, other])
    best = np.array(images.true_labels)
    for seed in (6, 7):  # better and better, and of a kind that comes back
        best[seed] = (best[seed] + 1) % 4
        labels[*kind, seed] = best.copy()
    found = reviewed(labels)
    replay([("anna01", found)], images, n=1)
    by_seed = {run.seed: run.outcome for run in found.runs if run.kind == kind}
    assert by_seed == {5: "confirmed", 6: "refuted", 7: "refuted"}
    assert found.best.outcome == "confirmed"


def test_of_very_many_runs_those_that_would_earn_most_are_computed_again(
    images, honest, reviewed
):
    labels = {key: random_labels(images, i) for i, key in enumerate(honest(5))}
    found = reviewed(labels)
    replay([("anna01", found)], images, n=1, most=2)
    tried = [run for run in found.runs if run.outcome]
    assert len(tried) == 3
    lowest = min(run.scores["nmi"] for run in tried)
    assert lowest >= max(run.scores["nmi"] for run in found.runs if not run.outcome)
    assert found.best is None


def test_refuted_runs_do_not_count_for_coverage(images, honest, reviewed):
    labels = {key: random_labels(images, i) for i, key in enumerate(honest(5))}
    found = reviewed(labels)
    replay([("anna01", found)], images)
    assert set(outcomes(found)) == {"refuted"} and found.best is None
    parts = rubric.points(found, [], rubric.load_rubric())
    earned = {name: part.points for name, part in parts.items() if part.points}
    assert set(earned) <= set(submission.CLAIMED)


def changed(images, labels, kind):
    """Labels that are not those of the run, by several ways."""
    generator = np.random.default_rng(3)
    if kind == "random":
        return generator.integers(0, 3, len(labels))
    if kind == "true":
        found = images.true_labels.copy()
        moved = generator.random(len(found)) < 0.08
        found[moved] = generator.integers(0, 4, moved.sum())
        return found
    if kind == "true but one":
        found = images.true_labels.copy()
        found[0] = (found[0] + 1) % 4
        return found
    found = np.array(labels)
    moved = generator.choice(len(found), len(found) // 4, replace=False)
    found[moved] = (found[moved] + 1) % 3
    return found


@pytest.mark.parametrize("kind", ["random", "true", "true but one", "a quarter moved"])
@pytest.mark.parametrize("name", ["raw", "colour"])
@pytest.mark.parametrize("algorithm", ["l2+kmeans", "l2+ward", "pca5+kmeans"])
def test_made_up_labels_are_refuted(small, tmp_path, kind, name, algorithm):
    features = extraction.extract(small, name)
    labels = algorithms.cluster(features, algorithm, 3, 1)
    if kind.startswith("true"):  # of other classes, which the images do not show
        small = replace_field(small, true_labels=np.arange(30) % 3)
    made_up = changed(small, labels, kind)
    hand_in_file(
        tmp_path / "a.zip",
        small,
        "anna01",
        "Anna",
        table(small, {(name, algorithm, 3, 1): made_up}),
    )
    sent = read_submission((tmp_path / "a.zip").read_bytes())
    found = review_submission(sent, small)
    replay([("anna01", found)], small)
    assert outcomes(found) == ["refuted"]


def test_a_few_images_that_differ_are_confirmed(images, honest, reviewed):
    labels = honest(5)
    for key, found in labels.items():
        labels[key] = found.copy()
        labels[key][7] = (found[7] + 1) % 3
    found = reviewed(labels)
    replay([("anna01", found)], images, n="all")
    assert outcomes(found) == ["confirmed"] * len(KINDS)
    assert "98 % of the labels agree" in found.runs[0].replayed


@pytest.mark.parametrize("seed", range(3))
def test_half_precision_is_never_refuted(unstable, reviewed, seed):
    generator = np.random.default_rng(100 + seed)
    labels = {}
    for representation in ("raw", "colour", "hog"):
        features = extraction.extract(unstable, representation)
        noise = 1 + 0.001 * generator.standard_normal(features.shape)
        half = (features * noise).astype(np.float16).astype(np.float32)
        for algorithm in algorithms.ALGORITHMS:
            key = representation, f"l2+{algorithm}", 4, seed
            labels[key] = algorithms.cluster(half, key[1], 4, seed)
    found = reviewed(labels, of=unstable, known=unstable)
    replay([("anna01", found)], unstable, n="all")
    assert "refuted" not in outcomes(found)
    assert outcomes(found).count("confirmed") > 0


@pytest.mark.slow  # ten vocabularies of SIFT descriptors
def test_other_versions_draw_other_batches_and_words(reviewed, tmp_path):
    stamps = datasets.load("stamps", progress=False).subset(slice(0, 193, 8))
    features = module.Features(stamps, "bovw")
    labels = {
        ("bovw", "l2+kmeans", 7, 1): algorithms.cluster(
            features.other(4), "l2+kmeans", 7, 1
        ),
        ("raw", "minibatch", 7, 2): algorithms.cluster(
            extraction.extract(stamps, "raw"), "minibatch", 7, 77
        ),
    }
    hand_in_file(tmp_path / "b.zip", stamps, "bo02", "Bo", table(stamps, labels))
    sent = read_submission((tmp_path / "b.zip").read_bytes())
    found = review_submission(sent, stamps)
    replay([("bo02", found)], stamps)
    assert not set(outcomes(found)) & {"refuted", "", "not verifiable"}


# What is drawn


def test_the_sample_follows_from_secret_and_key_alone(images, honest, reviewed):
    def drawn(key="anna01", secret="word", n=3):
        found = reviewed(honest(5))
        replay([(key, found)], images, secret=secret, n=n)
        return {run.run for run in found.runs if run.outcome}

    first = drawn()
    assert drawn() == first and len(first) == 3
    best = reviewed(honest(5)).best.run
    others = [drawn(key="bo02"), drawn(secret="other"), drawn(secret="")]
    assert all(best in names for names in (first, *others))
    assert len({frozenset(names) for names in (first, *others)}) > 2
    assert drawn(n=0) == set()
    assert len(drawn(n=99)) == len(drawn(n="all")) == len(KINDS)


def test_what_is_the_same_for_several_students_is_computed_once(
    images, honest, reviewed, monkeypatch
):
    calls = []
    cluster = algorithms.cluster

    def counting(features, *how):
        calls.append(how)
        return cluster(features, *how)

    kinds = [("raw", "l2+ward", 3), ("raw", "l2+kmeans", 3)]
    labels = honest(5, kinds)
    labels["raw", "l2+ward", 3, 0] = labels.pop(("raw", "l2+ward", 3, 5))
    of = [(f"s{i}", reviewed(labels)) for i in range(4)]
    monkeypatch.setattr(algorithms, "cluster", counting)
    replay(of, images, n="all")
    assert sorted(calls) == [("l2+kmeans", 3, 5), ("l2+ward", 3, 0)]
    assert all(outcomes(found) == ["confirmed"] * 2 for _, found in of)


# Runs that cannot be computed again, and strange ones


def test_what_is_not_verifiable_stays_as_it_is(
    images, honest, reviewed, monkeypatch, tmp_path
):
    for variable in ("KERAS_HOME", "KAGGLEHUB_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path))  # no weights
    labels = random_labels(images, 0)
    keys = [
        ("VGG19:fc2", "l2+kmeans", 3, 1),
        ("ResNet50", "l2+kmeans", 3, 1),
        ("DINOv2S", "l2+kmeans", 3, 1),
        ("DINOv9", "l2+kmeans", 3, 1),
        ("raw", "magic", 3, 1),
        ("raw", "zzz+kmeans", 3, 1),
    ]
    found = reviewed(dict.fromkeys(keys, labels))
    flags = list(found.flags)
    replay([("anna01", found)], images, n="all")
    assert outcomes(found) == ["not verifiable"] * 6 and found.flags == flags
    assert all(run.counts for run in found.runs)
    assert found.replayed == "6 not verifiable"
    said = {run.representation: run.replayed for run in found.runs}
    assert "the weights of VGG19 are not on this machine" in said["VGG19:fc2"]
    assert "the weights of DINOv2S are not on this machine" in said["DINOv2S"]


def test_images_of_the_student_s_own_are_not_verifiable(images, reviewed, small):
    labels = {("raw", "l2+kmeans", 3, 1): random_labels(small, 0)}
    found = reviewed(labels, of=small, self_supplied_labels=True)
    replay([("anna01", found)], images)
    assert found.self_supplied and outcomes(found) == ["not verifiable"]


def test_other_files_behind_the_names_are_never_refuted(images, reviewed):
    def other(manifest):
        manifest["image_set"]["fingerprint"] = "0" * 64

    labels = {("raw", "l2+kmeans", 3, 1): random_labels(images, 0)}
    found = reviewed(labels, change=other)
    replay([("anna01", found)], images)
    assert outcomes(found) == ["inconclusive"] and found.runs[0].counts
    assert any("fingerprint" in flag for flag in found.flags)


def test_runs_that_the_course_cannot_make_are_refuted(images, reviewed):
    labels = {("raw", "l2+kmeans", 61, 1): random_labels(images, 0)}
    found = reviewed(labels)
    replay([("anna01", found)], images)
    assert outcomes(found) == ["refuted"]
    assert found.runs[0].replayed == "The course cannot make 61 clusters of 60 images."


def test_strange_runs_do_not_stop_it(images, honest, reviewed):
    noise = random_labels(images, 0) - 1
    keys = [
        ("raw", "dbscan", 3, 4294967295),
        ("raw", "l2+hdbscan", 60, 7),
        ("raw", "l2+kmeans", 60, 4294967295),
        ("raw", "spectral", 59, 1),
        ("hog", "pca999+l2+whiten77+gmm", 2, 4294967295),
        ("hog", "micro40+average", 3, 2),
        ("colour", "l2+l2+complete", 1, 0),
    ]
    found = reviewed(dict.fromkeys(keys, noise))
    replay([("anna01", found)], images, n="all")
    assert set(outcomes(found)) <= {"refuted", "inconclusive", "not verifiable"}
    assert "refuted" in outcomes(found)


def test_a_review_without_runs(images, reviewed, small):
    found = reviewed({("raw", "l2+kmeans", 3, 1): random_labels(small, 0)}, of=small)
    assert found.errors
    replay([("anna01", found)], images)
    replay([], images)
    assert found.replayed == ""


def test_a_library_that_raises_makes_it_not_verifiable(
    images, honest, reviewed, monkeypatch
):
    def broken(*_):
        raise RuntimeError("out of luck")

    found = reviewed(honest(5))
    monkeypatch.setattr(algorithms, "cluster", broken)
    replay([("anna01", found)], images)
    assert outcomes(found).count("not verifiable") == 3
    assert all(run.counts for run in found.runs)
    drawn = next(run for run in found.runs if run.outcome)
    assert "out of luck" in drawn.replayed


def test_tensorflow_is_not_imported_for_handcrafted_features():
    code = (
        "import sys; from course_utils.homework import replay, review;"
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules;"
        "assert not review.has_layer('VGG19:fc9') and review.has_layer('VGG19:fc2');"
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_agreement_does_not_depend_on_the_names_of_clusters():
    labels = np.arange(30) % 3
    assert metrics.accuracy(labels_true=labels, labels_pred=2 - labels) == 1


def test_a_baseline_that_was_made_worse_is_found(images, honest, reviewed):
    labels = honest(5) | honest(6)
    pulled = [key for key in labels if key[0] == "raw" and key[1] == "l2+kmeans"]
    for i, key in enumerate(pulled):
        labels[key] = random_labels(images, i)
    for key in labels:  # the others are worse than colour by this algorithm
        if key[0] == "colour" and key[1] != "l2+kmeans":
            labels[key] = random_labels(images, 9)
    found = reviewed(labels)
    assert found.compared.kind == ("colour", "l2+kmeans", 3)
    before = found.compared.margin
    replay([("anna01", found)], images, n=2)
    assert {(*run.kind, run.seed) for run in found.refuted} >= set(pulled)
    assert found.compared is None or found.compared.margin < before
